"""Silence while Dataverse throttles us: going on during a 429 only lengthens it."""

from __future__ import annotations

import threading
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING

from booking_sync.errors import TransientError
from booking_sync.plumbing.http.retry_after import read_retry_after

if TYPE_CHECKING:
    from datetime import datetime

    from booking_sync.dataverse.web_api.reply import Reply
    from booking_sync.ports.platform.clock import Clock


def wants_rest(reply: Reply) -> bool:
    """Whether the answer asks to be left alone for a while, be it told for how long or not."""
    return reply.status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


class Pause:
    """Until when nothing may be sent; shared by the loop and the worker threads."""

    def __init__(self, now: Clock) -> None:
        self._now = now
        self._until: datetime | None = None
        self._lock = threading.Lock()

    def heed(self, reply: Reply) -> None:
        """Begin a pause when the answer asks for one; a shorter pause does not cut a longer one short."""
        if not wants_rest(reply):
            return
        now = self._now()
        seconds = read_retry_after(reply.headers.get("retry-after"), now)
        if seconds is None:
            return
        until = now + timedelta(seconds=seconds)
        with self._lock:
            self._until = max(until, self._until or until)

    def check(self) -> None:
        """Nothing, when sending is allowed.

        Raises:
            TransientError: the pause lasts; `retry_after` is what remains of it.
        """
        with self._lock:
            until = self._until
        if until is None:
            return
        remaining = (until - self._now()).total_seconds()
        if remaining > 0:
            raise TransientError(
                "Dynamics 365: too many requests for now; nothing is sent during the pause it asked for.",
                retry_after=remaining,
            )
