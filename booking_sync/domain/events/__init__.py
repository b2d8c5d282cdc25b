"""The Outlook event of a booking.

event           the event that should be, and events as they are found
event_ref       where an event is
event_text/     its texts, colours and the rules that administrators write
event_calendars  which calendar of a mailbox shows it
zones           UTC instants → the wall-clock times that Outlook is given
ownership       what proves an event, or a record on a row, to be ours
"""
