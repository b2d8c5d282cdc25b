"""What reaches the app from Outlook: the address that Graph notifies, and what proves notifications."""

from __future__ import annotations

from typing import TYPE_CHECKING

from booking_sync.azure.notification_keys import VaultNotificationKeys
from booking_sync.settings.contradictions import NOTIFICATION_KEY
from booking_sync.settings.loading import load_part
from booking_sync.settings.table import NotificationSettings
from booking_sync.sync.from_outlook.notifications import Addressee
from booking_sync.sync.from_outlook.receiver import NotificationReceiver
from booking_sync.wiring.services import ClosedTogether, new_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from booking_sync.ports.clock import Clock
    from booking_sync.ports.queues import MessageQueue


def notification_keys(settings: NotificationSettings, clock: Clock) -> VaultNotificationKeys:
    """The keys of notifications, in the vault; the caller closes them."""
    return VaultNotificationKeys(
        settings.key_vault_url,
        NOTIFICATION_KEY,
        clock,
        verify_challenge=settings.key_vault_verify_challenge,
    )


def addressee(settings: NotificationSettings) -> Addressee:
    """Whom notifications must be for: this tenant and, by what its subscriptions carry, this environment."""
    return Addressee(settings.tenant_id.lower(), settings.dataverse_url.lower())


class NotificationServices(ClosedTogether):
    """What the address works with.

    Args:
        environ: the app settings.
        queue: where hints go; stays the caller's.
        clock: the time of day.

    Raises:
        SettingsError: a setting is missing or malformed.
    """

    def __init__(self, environ: Mapping[str, str], queue: MessageQueue, clock: Clock) -> None:
        super().__init__()
        settings = load_part(environ, NotificationSettings)
        keys = notification_keys(settings, clock)
        self._closing.push_async_callback(keys.close)
        self.receiver = NotificationReceiver(queue, keys, addressee(settings), now=clock, new_id=new_id)
