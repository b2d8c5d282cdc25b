"""The seams between the use cases and the outside world, one module per service.

Use cases are written against these Protocols; adapters (`outlook`, `dataverse`, `azure`) fulfil them and
`wiring` joins the two. Every method may raise `TransientError` or `PermanentError` and nothing else.
Adapters batch on their own: callers ask for one booking or one event, many at the same time.
"""
