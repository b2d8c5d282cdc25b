"""The return path: what somebody's change of an event in Outlook means for its booking. Pure.

    times       a booking's or an event's start and end, and when two of them are the same
    stamp       what an event carries of our last write of its times
    proposal    what waits for a dispatcher, and whether an answer is one to it
    words       what the row tells people
    base        what the booking's row remembers of what both sides last agreed on
    version     which version of an event a notification tells of, so that echoes need no look
    comparison  row, event and base → who changed the times, if anybody
    missing     what is known of an event that may be gone
    side        all that a row holds of the return path
    messages    what lies on the queue: events that changed, mailboxes to be swept
    client_state  what proves a notification to be of our subscriptions
    sweep       a mailbox's rows against its events
    guard       how many deletions at once may be somebody's wish
    policy      what is done about a person's change: nothing, put right, propose, apply

Who changed something is told by values alone: neither clocks nor senders nor the order of messages decide
anything. docs/two-way.md has the whole argument.
"""
