"""Bookings as their events would show, without writing anything.

look      reads bookings, and what Outlook should show of them
text      an event as lines of text
colours   Outlook's colours, for the page
page      events as a page in light and dark, for a browser
"""
