"""How the stand-in behaves where the real service varies, is undocumented or has limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DeletedTransactions = Literal["forgotten", "remembered", "ghost"]


@dataclass(frozen=True)
class GraphConfig:
    """What can be set while it runs (`PUT /_control/config`)."""

    item_seconds: float = 0.0
    """How long the service works on one request or batch item, holding a place of its mailbox."""
    mailbox_concurrency: int = 4
    budget_requests: int = 10_000
    budget_seconds: float = 600.0
    batch_concurrency: int = 4
    """Items of one batch worked on at a time."""
    shuffle_seed: int = 0
    """Decides the order of the answers in a batch's response."""
    inline_extension_failure_every: int = 25
    """Each so-manieth creation with an extension inside answers 503 and makes the event without; 0: none."""
    duplicate_status: int = 400
    """Status of `ErrorDuplicateTransactionId`: 400 or 409."""
    duplicate_names_existing: bool = True
    """Whether that error carries `@event.existingEventId`."""
    deleted_transactions: DeletedTransactions = "forgotten"
    """A transactionId whose event was deleted: creates anew, is a duplicate, or answers the dead event."""
    no_lock: bool = False
    """Two creations with one transactionId that overlap in time both make an event."""
    unknown_user_code: str = "ErrorInvalidUser"
    """Error code for a user that doesn't exist; `Request_ResourceNotFound` is seen too."""
