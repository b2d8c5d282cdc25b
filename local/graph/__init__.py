"""Strict stand-in for the calendar part of Microsoft Graph.

From the outside in: `handlers` speaks HTTP, `api` takes a request or a `$batch` apart, refuses what the
real service refuses and counts what it counts, `subscriptions` keeps subscriptions and notifies, `mailbox`
holds the events and the rules about them. `control` is for tests and demonstrations, `config` for what it
can set.
"""

from local.graph.config import GraphConfig
from local.graph.handlers import GraphStandIn
from local.graph.mailbox.events import Mailbox, StoredEvent
from local.graph.mailbox.store import GraphState

__all__ = ["GraphConfig", "GraphStandIn", "GraphState", "Mailbox", "StoredEvent"]
