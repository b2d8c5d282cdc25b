"""The ports: Protocols between the use cases and the services, one module per subject.

    dataverse/      bookings and the rows around them, and what `provision` reads and changes
    outlook/        technicians' calendars and mailboxes, the directory, subscriptions
    platform/       queues, keys, credentials, shared texts, the time of day
    diagnosis       what `doctor` reads of every service
    certification   what `certify` tries on every service

Use cases call ports, adapters (`outlook`, `dataverse`, `azure`) fulfil them, and `wiring` joins the two. A
port knows the domain and other ports only. Every method may raise `TransientError` or `PermanentError` and
nothing else. Adapters join requests on their own: callers ask for one booking or one event, many at a time.
"""
