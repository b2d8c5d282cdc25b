"""What is asked of a mailbox as a whole, beside single events.

access          whether the app may read it, for the doctor
directory       whose mailbox an address is
mailbox_settings  the language and the zone that it is set to
calendar_list     the list of its calendars, and which are the person's own
named_calendars   calendars that the settings name: found, and made where missing
categories      its own list of categories, with their colours
whole_mailbox   all of its calendars at once
"""
