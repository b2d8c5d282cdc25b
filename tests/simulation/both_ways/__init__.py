"""Schedules in which technicians move our events and mean the booking, and dispatchers answer.

ledger    which times each booking may have in the end
wishes    technicians who move events
answers   dispatchers who answer proposals, by forms that may be old
checks    what must hold at rest beside what holds without a return path
built/    schedules written by hand
shape     from an ordinary profile to one with a return path
"""
