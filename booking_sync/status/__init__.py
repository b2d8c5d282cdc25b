"""How one booking and one technician stand: for `booking-sync status`, and for the operator's page.

reading   what a person gives for a booking -> its id; pure
look      reads everything there is of the booking; writes nothing
facts     what was read
verdict   what it means; pure: the audit's comparison and the worker's own plan decide, not a third rule
way_back  what the way back from Outlook makes of it; pure
report    facts and verdict as JSON and as lines; pure
people    a technician: whether bookings show, and where; pure
days      a technician's bookings beside the events in the calendar, and what differs; pure
week      reads a technician, the bookings and the calendar of these days; writes nothing
answers   what the operator's page is told of all that, as JSON; pure
endpoint  answers the page's requests
"""
