"""What the technician reads: a booking rendered as the content of an Outlook event.

    defaults     the built-in templates
    templates    Jinja, fenced in
    links        addresses that an event leads to
    columns      columns that an administrator chose: where each is, what it holds
    values       their texts
    words        our own words, dates and spans in a language
    names        what templates may name, cleaned: text from Dataverse is untrusted
    colours      of categories, by the names that people know them by
    rules        what events of some bookings are like besides their texts
    renderer     puts it together

`renderer` imports Jinja, which takes a while; nothing that a webhook waits for may import it.
"""
