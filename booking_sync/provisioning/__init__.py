"""`booking-sync provision`: makes what the sync needs in Dataverse: columns, webhook and steps in a solution.

    desired           what should be there, by the settings
    parts             what a plan is made of
    plan              what was found, compared with that -> what to do about each part; pure
    dispatcher_plan   its parts that dispatchers see: a view, the booking's forms
    user_plan         the same for the application user and its role; pure
    removal           the same for `--remove`; pure
    webhook_trial     what a trial of the webhook says; pure
    converge          carries a plan out through the port `Customizations`, and reads back

Each run reads what is there and does what is missing. So a second run changes nothing, and a run that broke
off half-way is completed by the next.
"""
