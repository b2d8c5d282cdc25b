"""The use case behind the address that Graph notifies: read, queue, answer.

The answer is 2xx only when what was proven ours is durably queued. Graph tries for four hours after any other
one, and leaves an address alone for some minutes where many of them fail (Microsoft Graph: "Receive change
notifications through webhooks"). What is lost all the same the next sweep finds.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from booking_sync.domain.return_path.messages import (
    MAX_EVENTS,
    MailboxSweep,
    OutlookChange,
    in_messages,
)
from booking_sync.errors import SyncError, TransientError
from booking_sync.plumbing.http.answer import HttpAnswer
from booking_sync.plumbing.log import log_event
from booking_sync.sync.from_outlook.joining import EventJoiner, EventNews
from booking_sync.sync.from_outlook.notifications import Notified, Unusable, read_notifications
from booking_sync.sync.sending import do_all
from booking_sync.sync.webhook.announce import Coalescer

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from booking_sync.ports.platform.clock import Clock
    from booking_sync.ports.platform.keys import NotificationKeyring
    from booking_sync.ports.platform.queues import MessageQueue
    from booking_sync.sync.from_outlook.notifications import Addressee, LifecycleNotice

CORRELATION_PREFIX = "outlook-"
"""Before the id of what Outlook told; a bare GUID is a webhook's of Dataverse."""

_logger = logging.getLogger(__name__)
_RETRY_AFTER_SECONDS = 30


class NotificationReceiver:
    """Turns notifications into queued hints.

    Args:
        queue: where they go.
        keyring: tells which client states are ours.
        addressee: for whom notifications must be.
        now: the time of day.
        new_id: a fresh GUID's text.
        elapsed: seconds that never go back, at the pace of real time.
    """

    def __init__(
        self,
        queue: MessageQueue,
        keyring: NotificationKeyring,
        addressee: Addressee,
        *,
        now: Clock,
        new_id: Callable[[], str],
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._queue = queue
        self._keyring = keyring
        self._audience = addressee
        self._now = now
        self._new_id = new_id
        self._elapsed = elapsed
        self._joiner = EventJoiner(elapsed)
        self._sweeps = Coalescer(elapsed)

    async def receive(self, body: bytes) -> HttpAnswer:
        """Take one body; never raises for what it holds, or for a queue or vault that is down."""
        started = self._elapsed()
        counts: dict[str, int | str]
        try:
            read = await self._read(body)
            answer, counts = await self._queue_all(read)
        except SyncError as error:
            answer, counts = _unavailable(error), {"reason": error.reason}
        log_event(
            _logger,
            "outlook_notifications",
            level=logging.INFO if answer.status < 400 else logging.WARNING,  # noqa: PLR2004 - where HTTP's errors begin
            httpStatus=answer.status,
            milliseconds=round((self._elapsed() - started) * 1000, 1),
            **answer.payload,
            **counts,
        )
        return answer

    async def _read(self, body: bytes) -> Notified | Unusable:
        """With the keys as they are; once more where the vault may have a new one."""
        keys = await self._keyring.keys()
        read = read_notifications(body, keys, self._audience)
        if isinstance(read, Notified) and read.unknown:
            renewed = await self._keyring.keys(renewed=True)
            if renewed != keys:
                return read_notifications(body, renewed, self._audience)
        return read

    async def _queue_all(self, read: Notified | Unusable) -> tuple[HttpAnswer, dict[str, int | str]]:
        if isinstance(read, Unusable):
            return HttpAnswer(read.status, {"status": "refused", "error": read.sentence}), {}
        correlation_id = CORRELATION_PREFIX + self._new_id()

        async def changed(mailbox: str) -> int:
            event_ids = read.events[mailbox]
            if len(event_ids) > MAX_EVENTS:
                return await self._sweep(MailboxSweep(mailbox, correlation_id, self._now()))
            deleted = read.deleted.get(mailbox, frozenset())
            news = [
                EventNews(each, deleted=True)
                if each in deleted
                else EventNews(each, versions=read.versions.get((mailbox, each), frozenset()))
                for each in event_ids
            ]
            return await self._joiner.announce(mailbox, news, self._sending(mailbox, correlation_id))

        async def noticed(notice: LifecycleNotice) -> int:
            sweep = MailboxSweep(
                notice.mailbox,
                correlation_id,
                self._now(),
                lifecycle=notice.lifecycle,
                subscription_id=notice.subscription_id,
            )
            return await self._sweep(sweep)

        queued = await do_all(read.events, changed)
        sweeps = await do_all(read.lifecycles, noticed)
        counts = {
            "events": sum(len(each) for each in read.events.values()),
            "queued": sum(queued),
            "lifecycles": len(read.lifecycles),
            "sweeps": sum(sweeps),
            "dropped": sum(read.dropped.values()),
        }
        counts |= {f"dropped {reason}": count for reason, count in read.dropped.items()}
        worked = bool(read.events or read.lifecycles)
        return HttpAnswer(202, {"status": "accepted"}), {**counts, "ours": int(worked)}

    def _sending(
        self, mailbox: str, correlation_id: str
    ) -> Callable[[Sequence[EventNews], float], Coroutine[object, object, None]]:
        async def send(news: Sequence[EventNews], delay: float) -> None:
            of = {each.event_id: each for each in news}
            for some in in_messages(list(of)):
                change = OutlookChange(
                    mailbox,
                    some,
                    correlation_id,
                    self._now(),
                    deleted=frozenset(each for each in some if of[each].deleted),
                    versions=frozenset((each, version) for each in some for version in of[each].versions),
                )
                await self._queue.send_outlook(change, delay)

        return send

    async def _sweep(self, sweep: MailboxSweep) -> bool:
        """Queue it unless the same lies hidden there."""

        async def send(delay: float) -> None:
            await self._queue.send_outlook(sweep, delay)

        return await self._sweeps.announce(f"{sweep.lifecycle} {sweep.mailbox}", send)


def _unavailable(error: SyncError) -> HttpAnswer:
    wait = error.retry_after if isinstance(error, TransientError) else None
    seconds = max(1, round(wait or _RETRY_AFTER_SECONDS))
    # Why is for the log: anybody may ask here.
    return HttpAnswer(503, {"status": "unavailable"}, {"Retry-After": str(seconds)})
