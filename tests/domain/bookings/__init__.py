"""Rules about a booking and those around it."""
