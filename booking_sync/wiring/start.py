"""The start of the sync in one process: tried anew until it succeeds, and then made once."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import TYPE_CHECKING

from booking_sync.errors import SettingsError, SyncError, TransientError
from booking_sync.plumbing.circuit import Circuit
from booking_sync.plumbing.log import log_event, places
from booking_sync.wiring.basics import SETTINGS_RETRY_SECONDS, ClosedTogether, loop_time

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from booking_sync.plumbing.circuit import Call
    from booking_sync.ports.platform.clock import Clock
    from booking_sync.settings.table import Settings
    from booking_sync.wiring.storage import StorageServices
    from booking_sync.wiring.sync import Observers, SyncServices

_logger = logging.getLogger(__name__)


class SyncStart(ClosedTogether):
    """What the sync runs on, made by a start that may fail.

    Then all of it is closed, and the next start makes it anew, from the settings as they are by then.

    Args:
        environ: the app settings.
        storage: the storage account's services, which stay open.
        clock: the time of day.
        observers: makes those that are told of what the sync comes upon.
        on_start: called after a start that succeeded, when what the sync needs is loaded and open.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        storage: StorageServices,
        clock: Clock,
        observers: Callable[[], Observers],
        on_start: Callable[[], None],
    ) -> None:
        super().__init__()
        self._environ = environ
        self._storage = storage
        self._clock = clock
        self._observers = observers
        self._on_start = on_start
        self.sync: SyncServices | None = None
        """None until a start has succeeded."""
        self.problem = ""
        """Why the sync could not be started when it was last tried."""
        self._until_mended = False
        """That was something that a person has to mend in the app itself."""
        self._opening = asyncio.Lock()
        # One failure opens it: whoever waited for the same start need not try it again, one after the other.
        self._starting = Circuit("The app's start", loop_time, random.random, failures_to_open=1)

    async def started(self) -> SyncServices:
        """What the sync runs on, made once.

        Raises:
            TransientError: whatever stands in the way of that; it may pass.
        """
        async with self._opening:
            if self.sync is None:
                try:
                    with self._starting.call() as start:
                        self.sync = await self._start(start)
                except TransientError as error:
                    error.until_mended = self._until_mended
                    raise
            return self.sync

    async def _start(self, start: Call) -> SyncServices:
        """Whatever goes wrong here is no message's fault, and no message may be lost for it."""
        problem: SettingsError | SyncError
        try:
            from booking_sync.wiring.services import Services
            from booking_sync.wiring.sync import start_sync

            services = Services(self._environ, storage=self._storage, clock=self._clock)
            sync = await start_sync(services, self._observers())
        except (SettingsError, SyncError) as error:
            problem = error
        except Exception as error:  # noqa: BLE001 - told like a bad setting, and as patiently waited for
            log_event(
                _logger, "unexpected_error", level=logging.ERROR, error=type(error).__name__, at=places(error)
            )
            problem = SettingsError(f"The app can't start: unexpected {type(error).__name__}; see the log.")
        else:
            self._closing.push_async_callback(sync.services.aclose)
            self.problem, self._until_mended = "", False
            start.answered()
            _tell_cautions(sync.settings, self._environ)
            self._on_start()
            return sync
        self.problem, self._until_mended = str(problem), isinstance(problem, SettingsError)
        start.failed(str(problem))
        raise _as_transient(problem) from problem


def _tell_cautions(settings: Settings, environ: Mapping[str, str]) -> None:
    """Tell the log what can be used and will surprise."""
    from booking_sync.settings.cautions import cautions

    for each in cautions(settings, environ):
        log_event(_logger, "settings_caution", level=logging.WARNING, setting=each.setting, words=each.words)


def _as_transient(error: SettingsError | SyncError) -> TransientError:
    """Why the sync could not be opened; even settings and permissions get mended while messages wait."""
    if isinstance(error, TransientError):
        return error
    return TransientError(
        str(error), retry_after=SETTINGS_RETRY_SECONDS, until_mended=isinstance(error, SettingsError)
    )
