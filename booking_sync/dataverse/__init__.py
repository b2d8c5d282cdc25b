"""The Dataverse adapter: reads bookings and writes our record on them, over the Web API (v9.2).

    web_api/        HTTP to the Web API, without knowing what is asked: client, throttling, batches, errors
    queries         names and URLs
    rows/           JSON → domain values, column by column
    event_columns/  columns that an administrator chose: joined to the query, read, and their definitions
    addresses       mailboxes that resources name by an address → object ids
    bookings, resources
                    the ports about bookings and whose mailbox is whose
    reads/          the ports that single use cases read by
    trials          the query and conditional writes, answers untranslated, for the tenant check
    customizations/  the ports that `provision` works through

`web_api` translates refusals into our two kinds of error: nothing above it knows a status code.
"""
