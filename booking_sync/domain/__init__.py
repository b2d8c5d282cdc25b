"""The rules of the product: pure values and functions, no I/O, no SDK.

Read `bookings` (what Dataverse tells us), `events` (what Outlook should show), `record` (what we remember on
the booking row), `plan` (what to do about the difference), `outcome` (how it ended) and `messages` (the hints
that started it).

    bookings/       a booking, whose calendar shows it, and who reads it there
    events/         its event in Outlook: texts, zone, calendar, and what proves it ours
    record          what the row remembers of the event
    row_words       what the row says when it can't sync
    plan            the decision about one booking
    outcome         how the handling of a change ended
    messages/       what lies on the change queue
    return_path/    what a person's change in Outlook makes of the booking
    environment/    what Dataverse must have for us: columns, webhook steps, rights
    findings/       what people should be told of the app's state
    timers          whether its timers run
    ids, text       ids, moments and people's texts, made fit
"""
