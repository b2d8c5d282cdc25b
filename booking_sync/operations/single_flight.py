"""Carries out each kind of order once at a time, over all instances of the app.

An audit lists whole calendars: twenty at once would only take each other's share of what Graph allows. Who
comes second is told so. An order ends with its answer: what a long audit leaves on the queue goes on without
a claim, and another audit may begin beside it. The claim lies in the text store and ends by itself, since an
instance may be killed; while the store can't be reached, each instance sees to its own orders only.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, TypeVar

from booking_sync.errors import SyncError
from booking_sync.plumbing.http.orders import BadRequestError
from booking_sync.plumbing.log import log_event

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from booking_sync.ports.platform.clock import Clock
    from booking_sync.ports.platform.texts import TextStore

CLAIMED_FOR: Final = timedelta(minutes=11)
"""Longer than any function may run (`functionTimeout` in host.json: 10 minutes)."""

Result = TypeVar("Result")
_logger = logging.getLogger(__name__)


class SingleFlight:
    """One order of a kind at a time.

    Args:
        open_store: where claims are shared; None when the account has no blobs.
        now: the time of day.
    """

    def __init__(self, open_store: Callable[[], TextStore | None], now: Clock) -> None:
        self._open_store = open_store
        self._now = now
        self._under_way: set[str] = set()

    async def run(self, name: str, work: Callable[[], Awaitable[Result]]) -> Result:
        """What the work returns or raises.

        Args:
            name: of the kind of order, such as "audit".
            work: not begun when another of its kind is under way.

        Raises:
            BadRequestError: another is under way (409).
        """
        if name in self._under_way:
            raise _busy(name)
        self._under_way.add(name)
        try:
            if not await self._claim(name):
                raise _busy(name)
            try:
                return await work()
            finally:
                await self._release(name)
        finally:
            self._under_way.discard(name)

    async def _claim(self, name: str) -> bool:
        try:
            store = self._open_store()
            return store is None or await store.claim(
                _text_name(name), self._now() + CLAIMED_FOR, self._now()
            )
        except SyncError as error:
            log_event(_logger, "order_not_claimed", level=logging.WARNING, order=name, reason=error.reason)
            return True

    async def _release(self, name: str) -> None:
        try:
            store = self._open_store()
            if store is not None:
                await store.release(_text_name(name))
        except SyncError as error:
            log_event(_logger, "order_not_released", level=logging.WARNING, order=name, reason=error.reason)


def _text_name(name: str) -> str:
    return f"orders/{name}"


def _busy(name: str) -> BadRequestError:
    return BadRequestError(
        f"Another {name} is under way: try again when it has ended, within minutes.", HTTPStatus.CONFLICT
    )
