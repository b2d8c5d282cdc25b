"""Everything that the app can know of its own blindness, in one place. Pure.

finding    what a finding is, and what it is about
queues     what the queues tell
timers     what the timers' runs tell: that one is late, failed, or found what no webhook had told
arrival    whether changes arrive by webhook, by what the catch-up finds
secret     how long the app registration's secret lasts
app        all findings of the app, the worst first

The operator's page, `/operations/health`, the probe, the alerts (by the log line `finding`) and, where it
looks at storage and secret, `doctor` say what these say.
"""
