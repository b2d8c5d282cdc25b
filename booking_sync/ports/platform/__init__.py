"""The ports to what the app runs on.

queues          the change queue and its poison queue
texts           small texts that all instances of the app share
credentials     tokens, and the client secret
keys            the keys that records and events are sealed with
clock           the time of day
"""
