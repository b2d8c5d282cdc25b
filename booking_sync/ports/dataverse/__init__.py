"""The ports to Dataverse.

bookings        rows of bookings, and the rows around them
event_owners    which bookings events belong to
lookup          finding bookings and technicians by name
return_path     what the way back from Outlook asks
definitions     what an environment knows of its tables and columns
customizations, customization_actions, dispatcher, app_user
what `provision` reads and changes
"""
