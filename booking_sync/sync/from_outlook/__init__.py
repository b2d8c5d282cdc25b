"""What reaches the app from Outlook, and how it becomes hints.

    changes         events that changed → the bookings whose rows name them

Whatever comes this way says "look at booking X" and no more: the synchronizer reads row and event afresh.
"""
