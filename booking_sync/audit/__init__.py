"""The audit: calendars against rows, to find and mend what the protocol can't see.

The protocol starts from a change. Nothing tells it of an event that a user moved or deleted, of an event
left by a process that died, or of a deletion whose webhook was lost. The audit lists both sides and compares:

    findings    what can be wrong, with words for people
    compare     rows and events → findings; pure
    guard       which findings may be repaired, and which are too many to be true; pure
    hints       findings → queue messages; pure
    parts       which mailboxes are looked at together; pure
    inspection  looks at a part: lists both sides, compares, looks twice
    mending     counts what was found, and queues what may be mended
    auditor     the use case: goes through the parts
    stretches   does it for so long, and passes the rest on by the queue
    report      what an audit tells its caller
    endpoint    the audit on demand: a request's body → a run → its answer

The audit changes nothing by itself. It enqueues hints, and the worker reads each booking afresh, so a stale
listing costs a few requests and no event.
"""
