"""The running app as its operators see it: their page, its health, its journal, and what they can do by hand.

endpoints          answers the operator's HTTP requests
admission          who may ask and order, by key or by Entra; pure
requests           reads and checks them; pure
overview/          what the first view shows
page, static/      the page itself, without data
operator_actions   replays, shows and deletes dead letters, resyncs bookings
dead_letters       reads a message of the poison queue; pure
host_dead_letters  takes over what the Functions host gave up, before it expires
health             whether the app works
journal/           what the instances remember and count
single_flight      one order of a kind at a time, over all instances
"""
