"""Bodies as Graph posts them, and keys that prove them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from booking_sync.domain.return_path.client_state import (
    NotificationKeys,
    make_client_state,
    make_notification_key,
)
from booking_sync.sync.from_outlook.notifications import Addressee
from tests.support.bookings import ANNA

if TYPE_CHECKING:
    from booking_sync.errors import SyncError

TENANT = "7d7c1f57-3b1e-4c8e-9a55-2f6f0d6b1a07"
SUBSCRIPTION = "5d7c1f57-3b1e-4c8e-9a55-2f6f0d6b1a05"
ADDRESSEE = Addressee(TENANT, "https://contoso.crm.dynamics.com")
KEY, OLDER_KEY, FOREIGN_KEY = (make_notification_key(f"{number:064x}") for number in (1, 2, 3))
KEYS = NotificationKeys((KEY, OLDER_KEY))


def changed(event_id: str = "AAMkEvent=", mailbox: str = ANNA, **fields: Any) -> dict[str, Any]:
    """A notification that an event changed."""
    return {
        "subscriptionId": SUBSCRIPTION,
        "subscriptionExpirationDateTime": "2026-03-05T08:00:00.0000000+00:00",
        "changeType": "updated",
        "resource": f"Users/{mailbox}/Events/{event_id}",
        "resourceData": {
            "@odata.type": "#Microsoft.Graph.Event",
            "@odata.id": f"Users/{mailbox}/Events/{event_id}",
            "@odata.etag": 'W/"DwAAABYAAAC"',
            "id": event_id,
        },
        "clientState": make_client_state(KEY, ADDRESSEE.scope, mailbox),
        "tenantId": TENANT,
        **fields,
    }


def lifecycle(event: str, mailbox: str = ANNA, **fields: Any) -> dict[str, Any]:
    """A notification about the subscription itself."""
    return {
        "subscriptionId": SUBSCRIPTION,
        "subscriptionExpirationDateTime": "2026-03-05T08:00:00.0000000+00:00",
        "tenantId": TENANT,
        "clientState": make_client_state(KEY, ADDRESSEE.scope, mailbox),
        "lifecycleEvent": event,
        **fields,
    }


def body_of(*items: Any) -> bytes:
    """As Graph posts them."""
    return json.dumps({"value": list(items)}).encode()


class FakeKeyring:
    """Keys that a test sets; fulfils `NotificationKeyring`."""

    def __init__(self, keys: NotificationKeys = KEYS) -> None:
        self.known = keys
        self.in_vault = keys
        self.fails: SyncError | None = None
        self.renewals = 0

    async def keys(self, *, renewed: bool = False) -> NotificationKeys:
        """See the port."""
        if self.fails:
            raise self.fails
        if renewed:
            self.renewals += 1
            self.known = self.in_vault
        return self.known
