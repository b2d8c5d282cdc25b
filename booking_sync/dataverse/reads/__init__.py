"""The ports that single use cases read Dataverse by, one module each.

related         which bookings name a row, for the fan-out
event_owners    which bookings events belong to, for sweeps
return_reads    what stands in the way of a move from Outlook
return_listing  what of the way back an operator should know
audit_reads     who has a calendar, and which bookings are gone, for the audit
presence        whether single bookings exist, for the audit and for what a list leaves out
detail_reads    one booking without interpretation, for `status`
failures        the bookings that can't sync, for the operator
name_search     bookings and technicians by name
doctor_reads    the app's access and its webhook's registration
"""
