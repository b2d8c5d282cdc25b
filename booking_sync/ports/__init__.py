"""The ports: Protocols between the use cases and the services, one module per subject.

    bookings        rows of bookings in Dataverse, and the rows around them
    subscriptions   what Graph is asked to report
    sweeps          a mailbox seen as a whole
    event_owners    which bookings events belong to
    calendars       the technicians' Outlook calendars
    categories      the mailboxes' own lists of categories
    directory       the organisation's users
    readers         the language and zone of those whose calendars show events
    return_path     what the way back from Outlook asks Dataverse
    queues          the change queue and its poison queue
    credentials     tokens, and the client secret
    keys            the keys that records and events are sealed with
    texts           small texts that all instances of the app share
    clock           the time of day
    customizations, customization_actions, dispatcher, app_user
                    what `provision` reads and changes in Dataverse
    definitions     what an environment knows of its tables and columns
    lookup          finding bookings and technicians by name
    diagnosis       what `doctor` reads of every service
    certification   what `certify` tries on every service

Use cases call ports, adapters (`outlook`, `dataverse`, `azure`) fulfil them, and `wiring` joins the two. A
port knows the domain and other ports only. Every method may raise `TransientError` or `PermanentError` and
nothing else. Adapters join requests on their own: callers ask for one booking or one event, many at a time.
"""
