"""What Graph is asked to report: subscriptions to the events of mailboxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class EventSubscription:
    """A subscription that the app registration made, whichever deployment of it."""

    subscription_id: str
    mailbox: str
    """Entra object id, lower case."""
    url: str
    """The address that is notified, its query included."""
    expires: datetime
    """Aware, UTC."""


@dataclass(frozen=True, slots=True)
class WantedSubscription:
    """A subscription to be made."""

    mailbox: str
    url: str
    client_state: str
    """Comes back with each notification, and proves it."""
    expires: datetime
    """Aware, UTC."""


class Subscriptions(Protocol):
    """Subscriptions to changed and deleted events of mailboxes.

    Every method raises `TransientError` where Graph can't answer now, or the address does not, and
    `PermanentError` where the mailbox takes no subscriptions.
    """

    async def list_all(self) -> Sequence[EventSubscription]:
        """All that the app registration has to events of mailboxes; never shortened."""

    async def create(self, wanted: WantedSubscription) -> str:
        """Make one, with immutable ids; its id. The address is asked meanwhile whether it wants it."""

    async def renew(self, subscription_id: str, expires: datetime) -> bool:
        """Have it live until then; False when it is gone."""

    async def delete(self, subscription_id: str) -> None:
        """End it; one that is gone is left alone."""
