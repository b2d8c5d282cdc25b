"""What people give a command, read strictly.

options         options that several commands have
arguments       ids and moments; the question before what can't be undone
naming          bookings and technicians by what people call them
webhook_arguments  the webhook's address and key
settings_file   a `local.settings.json` on top of the process's environment
examples        what stands below each command's help
"""
