"""The Dataverse adapter: reads bookings and writes our record on them, over the Web API (v9.2).

    web_api         HTTP to the Web API, without knowing what is asked: client, throttling, batches, errors
    queries         names and URLs
    rows            JSON → domain values
    row_reader      a booking's columns by their types; what can't be is named to an administrator
    event_columns   columns that an administrator chose: joined to the query, read, and their definitions
    addresses       mailboxes that resources name by an address → object ids
    row_columns     single columns of other rows, by their types
    bookings, audit_reads, detail_reads, doctor_reads, event_owners, failures, name_search, related, resources
                    the ports about bookings and the rows around them
    return_listing  what of the way back from Outlook an operator should know
    return_reads    what stands in the way of a move from Outlook
    trials          the query and conditional writes, answers untranslated, for the tenant check
    customizations  the port that `provision` works through
    app_users       the application user and its security role, for `provision`

`web_api` translates refusals into our two kinds of error: nothing above it knows a status code.
"""
