"""The protocol for one booking.

per_booking     one piece of work at a time for each booking
synchronizer    read, plan, apply, record; and round again when somebody else was faster
task            what is known of the booking before its row is read
run             what one run knows
finding         finds the booking's events in mailboxes
writing         creates and changes its event
removing        removes what is not wanted, and nothing that people are invited to
applied         what became of a plan: record and outcome
proof           gathers what proves events to be ours
return_path     what a person's change in Outlook makes of the booking
readers         who reads the event, looked up before it is rendered
zone_differences, main_calendars
what answers have told of zones and calendars
"""
