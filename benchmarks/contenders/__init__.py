"""What booking_sync is measured against, written honestly and to run on the same wires.

`flow` renders the low-code flow that booking_sync replaces, call by call; `plain` is the worker that a good
developer writes in a day; `plain_app/` runs it as a function app on the local stack. `seams` is the little
that each of them needs of the outside world, `judge` says whether what they left in the calendars is right.

Where the vendors' documentation leaves a choice, it was made in the contender's favour, and says so.
"""
