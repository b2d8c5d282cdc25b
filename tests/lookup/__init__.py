"""What people call a booking or a technician, and which one is meant."""
