"""What the instances of the app remember for their operators, and count.

values       what an instance remembers, as values and as JSON; pure
store        keeps it in memory and in the text store
trend        what happened when, in small counted slots; pure
order_tally  what became of an operator's order; pure
"""
