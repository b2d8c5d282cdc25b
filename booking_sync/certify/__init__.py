"""`booking-sync certify`: tries on the real services what our stand-ins assume of them.

    assumptions/    the register: each assumption named once, with every answer that is known
    checks/         one module for each kind of check, and their order
    run             what is left out, and the removal of what was made
    trial_events    the test events: proven ours, and removed again
    trial_subscriptions
                    the test subscriptions: told apart from the app's own, and ended again
    answers         single things that Graph's answers tell
    parts           what a check is, and what it works with
    results         what was seen beside what is assumed, for people and as JSON

Above the adapters this is the one place that looks at statuses and error codes: they are what is tried.
"""
