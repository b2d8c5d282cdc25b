"""The way from Outlook: the address that Graph notifies, what the worker does with it, and its timers."""

from __future__ import annotations

import random
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from booking_sync.azure.key_vault.notification_keys import VaultNotificationKeys
from booking_sync.settings.contradictions import NOTIFICATION_KEY
from booking_sync.settings.loading import load_part
from booking_sync.settings.parts import NotificationSettings
from booking_sync.sync.from_outlook.notifications import Addressee
from booking_sync.sync.from_outlook.receiver import NotificationReceiver
from booking_sync.wiring.basics import ClosedTogether, new_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from booking_sync.ports.platform.clock import Clock
    from booking_sync.ports.platform.queues import MessageQueue
    from booking_sync.settings.parts import SealKeySettings
    from booking_sync.sync.from_outlook.rounds import SweepRounds
    from booking_sync.sync.from_outlook.watch import Watch
    from booking_sync.sync.worker import OutlookHandlers
    from booking_sync.wiring.services import Services
    from booking_sync.wiring.sync import SyncServices


def notification_keys(
    settings: NotificationSettings | SealKeySettings, clock: Clock
) -> VaultNotificationKeys:
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


def open_watch(services: Services) -> Watch | None:
    """Sees to what Graph reports; None where the settings name no address.

    Raises:
        SettingsError: a setting is missing or malformed.
    """
    from booking_sync.sync.from_outlook.watch import Watch, WatchedAddress

    settings = services.part(NotificationSettings)
    if not settings.notification_url:
        return None

    async def wanted() -> frozenset[str]:
        return await mailboxes_of(services)

    return Watch(
        services.calendar.subscriptions,
        wanted,
        services.notification_keys,
        WatchedAddress(settings.notification_url, addressee(settings).scope),
        services.storage.queue,
        now=services.clock,
        new_id=new_id,
        chance=random.random,
    )


async def mailboxes_of(services: Services) -> frozenset[str]:
    """Those of all bookable resources that take part.

    Raises:
        SyncError: they can't be listed completely.
    """
    resources = await services.audit_reads.resources()
    return frozenset(mailbox.lower() for mailbox in resources.values() if mailbox)


class WayFromOutlook:
    """What the worker hands messages from Outlook to, and the timers that see to it.

    Args:
        sync: whose bookings and events these are.
    """

    def __init__(self, sync: SyncServices) -> None:
        self._sync = sync

    @cached_property
    def watch(self) -> Watch | None:
        """Sees to what Graph reports; None where it is not asked to."""
        return open_watch(self._sync.services)

    @cached_property
    def handlers(self) -> OutlookHandlers:
        """What the worker needs."""
        from booking_sync.sync.from_outlook.changes import OutlookChanges
        from booking_sync.sync.from_outlook.sweep import Sweeper, SweepSources, SweepWindow
        from booking_sync.sync.worker import OutlookHandlers

        sync, services, settings = self._sync, self._sync.services, self._sync.settings
        back, ahead = timedelta(days=settings.audit_days_back), timedelta(days=settings.audit_days_ahead)
        changes = OutlookChanges(services.event_owners, back, services.clock)
        sources = SweepSources(
            sync.rows_of_many, services.calendar.whole_mailboxes, sync.prover, sync.shows_in
        )
        sweeper = Sweeper(
            sources, SweepWindow(back, ahead), services.storage.queue, services.clock, self.watch
        )
        return OutlookHandlers(changes.bookings_of, sweeper.sweep)

    @cached_property
    def rounds(self) -> SweepRounds:
        """Every mailbox's turn to be swept."""
        from booking_sync.sync.from_outlook.rounds import SweepRounds

        services = self._sync.services

        async def mailboxes() -> frozenset[str]:
            return await mailboxes_of(services)

        return SweepRounds(
            mailboxes,
            services.storage.queue,
            reported=self.watch is not None,
            now=services.clock,
            new_id=new_id,
        )
