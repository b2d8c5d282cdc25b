"""`booking-sync certify`: tries on the real services what our stand-ins assume of them.

    assumptions/    the register: each assumption named once, with every answer that is known
    run             which check comes when, what is left out, and the removal of what was made
    creating, changing, reading, rendering, by_hand
                    the checks of Outlook
    dynamics        those of Dataverse
    deployed        those of the app in Azure
    trial_events    the test events: proven ours, and removed again
    answers         single things that Graph's answers tell
    parts           what a check is, and what it works with
    results         what was seen beside what is assumed, for people and as JSON

Above the adapters this is the one place that looks at statuses and error codes: they are what is tried.
"""
