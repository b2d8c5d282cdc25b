"""The composition root: the only place that joins settings, adapters and use cases.

    services    every client and adapter, made once and closed together
    sync        what the sync runs on, once Dataverse has told its organisation
    app         the function app: what its functions call
    from_outlook  what the address works with that Graph notifies
    commands    what the commands work with that operate a running sync, or provision Dataverse
    doctor      the same for the commands that look: `doctor` and `status`
    status      what looks at single bookings and technicians, for `status` and the operator's page
    events      the same for the commands about the event file: `event check` and `event preview`
    certify     the same for the tenant check

There is one way of making things: a property makes its thing at its first use, on the event loop that will
use it, and registers it to be closed. The SDKs are imported where they are needed, so that a cold start for a
webhook does not pay for Graph.
"""
