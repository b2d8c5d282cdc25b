"""What reaches the app from Outlook, and how it becomes hints.

    handshake       Graph asks whether an address wants its notifications
    notifications   a body of notifications → the events that changed, proven to be of our subscriptions
    joining         several notifications of one event → one
    receiver        the use case around these
    watch_plan      which subscriptions are to be made, renewed and ended
    watch           the run that sees to it
    sweep           a mailbox against the rows that name it
    rounds          every mailbox's turn to be swept
    changes         events that changed → the bookings whose rows name them
    later_sweeps    events found gone → few sweeps of their mailboxes, once nobody will take that back
    overdue         proposals that nobody answered in time

Whatever comes this way says "look at booking X" and no more: the synchronizer reads row and event afresh.
"""
