"""Outlook calendars through Microsoft Graph: the adapter behind the ports in `ports/outlook`.

From the caller inwards:

    calendar        what the use cases call: one event at a time
    mailboxes/      what is asked of a mailbox as a whole: its settings, categories and calendars
    pages           a list on Graph, read to its end; and what a refusal comes to
    subscriptions   what Graph is asked to report; asked apart from calendars
    trials          requests sent as they are and answers untranslated, for the tenant check
    requests        each operation as one Graph request, built by the Graph SDK's builders
    urls            addresses, composed of ids that were checked
    bodies          the JSON of what is written
    fields          single fields of an answer, by their types
    listing         a calendar's page of events → the marked ones, as the audit compares them
    graph/          requests to Graph, whatever they ask: batches, connections, refusals

Importing any of them but `graph.wire` loads the Graph SDK (about 0.3 s), so only `wiring` does it, on the
sync path.
"""
