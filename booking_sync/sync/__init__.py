"""The path of one change, from the webhook to the Graph request.

webhook/        what Dynamics 365 tells, read and queued
worker          one queue message, from its text to its acknowledgement
fan_out         from a changed row to the bookings that show it
booking/        the protocol for one booking
from_outlook/   what Outlook tells, and sweeps of mailboxes
catch_up        finds bookings whose webhook was lost
relief          works the queue off where the platform has stopped to
sending, back_off
many messages at a pace, and how long one waits that is put back
"""
