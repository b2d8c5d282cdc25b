"""What Dynamics 365 tells, from the HTTP body to the change queue."""
