"""Queues, journal and texts in the storage account: all that a webhook needs.

This module imports no SDK and nothing of ours that does, since every cold start imports it.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from booking_sync.wiring.basics import ClosedTogether, new_id, now

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from booking_sync.azure.storage.blob_texts import BlobTextStore
    from booking_sync.azure.storage.intake import StorageChangeIntake
    from booking_sync.azure.storage.poison import StoragePoisonQueue
    from booking_sync.azure.storage.queue import StorageChangeQueue
    from booking_sync.operations.journal.store import JournalStore
    from booking_sync.ports.platform.clock import Clock


class StorageServices(ClosedTogether):
    """What lies in the app's storage account.

    Args:
        environ: the settings.
        clock: the time of day.

    Raises:
        SettingsError: of each property, when the storage account's settings are missing or malformed.
    """

    def __init__(self, environ: Mapping[str, str], clock: Clock = now) -> None:
        super().__init__()
        self._environ = environ
        self._clock = clock

    @cached_property
    def queue(self) -> StorageChangeQueue:
        """The change queue, and the poison queue beside it."""
        from booking_sync.azure.storage.queue import open_queue
        from booking_sync.settings.loading import load_queue_settings

        settings = load_queue_settings(self._environ)
        queue = open_queue(settings.storage, settings.queue_name, self._clock)
        self._closing.push_async_callback(queue.aclose)
        return queue

    @cached_property
    def inspection(self) -> StoragePoisonQueue:
        """Both queues as people see them: how full they are, and what lies on the poison queue."""
        return self.queue.inspection()

    @cached_property
    def intake(self) -> StorageChangeIntake:
        """The change queue for whoever works its messages off."""
        return self.queue.intake()

    @cached_property
    def text_store(self) -> BlobTextStore | None:
        """Texts that all instances share; None when the settings name no blob service."""
        from booking_sync.azure.storage.blob_texts import open_text_store
        from booking_sync.settings.loading import load_queue_settings

        texts = open_text_store(load_queue_settings(self._environ).storage)
        if texts is not None:
            self._closing.push_async_callback(texts.aclose)
        return texts

    def journal(self, closed_mailboxes: Callable[[], Mapping[str, float]] = dict) -> JournalStore:
        """This process's journal, and a view of all instances'; the caller closes it, before the storage.

        Args:
            closed_mailboxes: those that Graph asked this process to leave alone, with the seconds left.
        """
        from booking_sync.operations.journal.store import JournalStore

        return JournalStore(lambda: self.text_store, new_id(), self._clock, closed_mailboxes)
