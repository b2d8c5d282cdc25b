"""Outlook calendars through Microsoft Graph: the adapter behind the ports in `ports/calendars`.

From the caller inwards:

    calendar        what the use cases call: one event at a time
    mailbox_access  whether the app may read a mailbox, for the doctor
    directory       whose mailbox an address is
    named_calendars
                    calendars that the settings name: found, and made where missing
    mailbox_settings  the language and the zone that a mailbox is set to
    categories      the mailboxes' own lists of categories, with their colours
    whole_mailbox   a mailbox with all of its calendars
    subscriptions   what Graph is asked to report; asked apart from calendars
    trials          requests sent as they are and answers untranslated, for the tenant check
    requests        each operation as one Graph request, built by the Graph SDK's builders
    bodies          the JSON of what is written
    fields          single fields of an answer, by their types
    listing         a calendar's page of events → the marked ones, as the audit compares them
    scheduler       decides which requests travel together: one batch per mailbox at a time
    shares          how many items of a batch a mailbox gets, learnt from what Graph refuses
    batch           sends up to 20 requests as one POST /$batch and sorts the answers
    client          the Graph SDK: authentication, transport, no retries of its own
    connections     the connections, in small pools
    bounded         what requests travel on: no answer is larger than it may be
    errors          statuses and error codes → our two kinds of error
    error_codes     the codes that Graph is known to send
    wire            a request and its answer, as plain values

Importing any of them but `wire` loads the Graph SDK (about 0.3 s), so only `wiring` does it, on the sync
path.
"""
