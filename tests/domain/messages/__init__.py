"""What lies on the change queue."""
