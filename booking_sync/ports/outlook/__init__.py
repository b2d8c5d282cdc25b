"""The ports to Outlook and to the organisation's directory.

calendars       technicians' calendars
categories      a mailbox's own list of categories
readers         the language and zone of those whose calendars show events
sweeps          a mailbox seen as a whole
subscriptions   what Graph is asked to report
directory       the organisation's users
"""
