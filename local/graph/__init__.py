"""Strict stand-in for the calendar part of Microsoft Graph.

From the outside in: `handlers` speaks HTTP, `batch` takes a `$batch` apart, `service` routes one request to
`store`, which holds the mailboxes and their rules. `schema`, `odata`, `preferences` and `zones` refuse what
the real service refuses; `limits` counts what it counts; `control` is for tests and demonstrations.
"""

from local.graph.handlers import GraphStandIn
from local.graph.store import GraphConfig, GraphState, Mailbox, StoredEvent

__all__ = ["GraphConfig", "GraphStandIn", "GraphState", "Mailbox", "StoredEvent"]
