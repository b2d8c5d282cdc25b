"""What the sync needs in Dataverse, compared with what is there: columns, webhook, steps, all in a solution.

Rooms: `desired` what should be, `actual` what was found, `actions` what can be done about it, `plan` and
`removal` the decisions, pure; `converge` carries them out through the port `Environment` and reads back;
`fingerprint` tells whether a webhook's key is the one we know, which nobody can read back.

Level-triggered, as the sync itself: each run looks at what is there and does what is missing. So a second run
changes nothing, and a run that broke off half-way is completed by the next.
"""
