"""The composition root: the only place that joins settings, adapters and use cases.

    app         the function app: one per process, made by its environment
    machinery   what the sync runs on: protocol, adapters, batching
    sign_in     signing in, and Dataverse's customizations, for the command line
    commands    the use cases of commands that operate a running sync
    doctor      those of commands that look: `doctor` and `status`
    ambient     what the process brings: time, chance, names

Everything is made at its first use, on the event loop that will use it. The SDKs are imported where they are
needed, so that a cold start for a webhook does not pay for Graph.
"""
