"""What reaches the app from Outlook, and how it becomes hints.

    changes         events that changed → the bookings whose rows name them
"""
