"""The simulation without one rule at a time: which schedules notice, and how many it takes."""
