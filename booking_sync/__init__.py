"""booking_sync: keeps each technician's Outlook calendar equal to their Dynamics 365 bookings."""
