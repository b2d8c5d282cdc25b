"""What must hold, whatever the order: the invariants, and what is watched all along."""
