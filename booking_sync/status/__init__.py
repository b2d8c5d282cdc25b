"""`booking-sync status`: one booking with its row, our record, its event, and what the worker would do.

reading   what a person gives for a booking -> its id; pure
look      reads everything there is of the booking; writes nothing
facts     what was read
verdict   what it means; pure: the audit's comparison and the worker's own plan decide, not a third rule
report    facts and verdict as JSON and as lines; pure
"""
