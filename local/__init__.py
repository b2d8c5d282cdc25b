"""The local stack: strict stand-ins for the services around the function app, and what runs them.

Nothing in `booking_sync` knows that this package exists: the production code reaches it through its
settings alone.
"""
