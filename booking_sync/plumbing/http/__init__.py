"""What HTTP has in common, whichever service is asked and whoever asks.

answer          what an HTTP function of ours answers, as a value
orders          the rules for every order that comes to one
bounded_body    a service's answer, bounded while it comes in
retry_after     how long a service asks us to stay away
"""
