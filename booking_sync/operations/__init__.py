"""The running app as its operators see it: their page, its health, its journal, and what they can do by hand.

endpoints          answers the operator's HTTP requests
admission          who may ask and order, by key or by Entra; pure
requests           reads and checks them; pure
overview           gathers what the page shows
describe           that as JSON values; pure
remembered         what costs requests to a service, for a while
failing            failing bookings together with those that fail alike; pure
remedies           what to do about a failure, by its reason; pure
trend              what happened when, in small counted slots; pure
order_tally        what became of an operator's order; pure
headline           the sentence on top of it; pure
page, static/      the page itself, without data
operator_actions   replays, shows and deletes dead letters, resyncs bookings
dead_letters       reads a message of the poison queue; pure
host_dead_letters  takes over what the Functions host gave up, before it expires
health             whether the app works
journal            what an instance remembers, as values; pure
single_flight      one order of a kind at a time, over all instances
journal_store      keeps the journal in memory and in the text store
"""
