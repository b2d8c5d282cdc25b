"""The composition root: the only place that joins settings, adapters and use cases.

    basics      what all of it has in common: times, ids, and being closed together
    storage     queues, journal and texts: all that a webhook needs
    signing_in  secrets, keys and tokens
    services    the clients and adapters of Dataverse and Graph, made once and closed together
    sync        what the sync runs on, once Dataverse has told its organisation
    start       the start of that, which may fail and is tried anew
    app         the function app: what its functions call
    timer_runs  what its timers begin, and audits that somebody orders
    from_outlook  what the address works with that Graph notifies
    status      what looks at single bookings and technicians, for `status` and the operator's page
    commands    what the command line works with

There is one way of making things: a property makes its thing at its first use, on the event loop that will
use it, and registers it to be closed. The SDKs are imported where they are needed, so that a cold start for a
webhook does not pay for Graph.
"""
