"""The rules of the product: pure values and functions, no I/O, no SDK.

Read `booking` (what Dataverse tells us), `event` (what Outlook should show), `record` (what we remember on
the booking row), `plan` (what to do about the difference), `outcome` (how it ended) and `change` (the hint
that started it). `timers` judges whether the app's timers run.
"""
