"""What the first view of the operator's page shows.

gather      asks for all sections, side by side
headline    the sentence on top of it; pure
describe    sections as JSON values; pure
failing     failing bookings together with those that fail alike; pure
way_back    what waits for somebody on the way back from Outlook; pure
remedies    what to do about a failure, by its reason; pure
remembered  what costs requests to a service, for a while
"""
