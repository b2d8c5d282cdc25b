"""People who make our events their own: what they do, and that nobody gets mail from us for it.

habits       what technicians do: invite, uninvite, all-day, a series, notes, private, a category
mailing      whether the app may write to or remove an event to which people are invited (I5)
verdict      what an event with people may leave undone, and for how long
"""
