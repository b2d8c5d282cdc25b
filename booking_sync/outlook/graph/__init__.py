"""Requests to Graph, without knowing what they ask: a request goes in, its answer or an error comes out.

scheduler       decides which requests travel together: one batch per mailbox at a time
shares          how many items of a batch a mailbox gets, learnt from what Graph refuses
batch           sends up to 20 requests as one POST /$batch and sorts the answers
client          the Graph SDK: authentication, transport, no retries of its own
connections     the connections, in small pools
bounded         what requests travel on: no answer is larger than it may be
errors          statuses and error codes → our two kinds of error
error_codes     the codes that Graph is known to send
wire            a request and its answer, as plain values
"""
