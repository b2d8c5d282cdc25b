"""The use case behind the webhook: read it, queue the change, answer.

The answer is 2xx only when there is nothing to do or the change is durably queued. Dataverse tries again only
after 502, 503 and 504 (once), so a queue that can't take the change is a 503.

A change of a row that many bookings show is one message too, whatever their number: the worker finds them.
Such messages are held back a little, and a row that keeps changing is announced at intervals (`coalesce`).
"""

from __future__ import annotations

import functools
import logging
import time
from typing import TYPE_CHECKING

from booking_sync.domain.messages.change import BookingChange, RelatedChange
from booking_sync.domain.return_path.missing import Missing
from booking_sync.errors import SyncError, TransientError
from booking_sync.plumbing import telemetry
from booking_sync.plumbing.http.answer import HttpAnswer
from booking_sync.plumbing.log import log_event
from booking_sync.plumbing.telemetry import Attribute, Metric, SpanName
from booking_sync.sync.webhook.dynamics_webhook import (
    Accepted,
    ChangeKind,
    Ignored,
    Refused,
    RelatedAccepted,
    read_change,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from booking_sync.plumbing.telemetry import Note
    from booking_sync.ports.platform.clock import Clock
    from booking_sync.ports.platform.queues import MessageQueue
    from booking_sync.sync.webhook.announce import Coalescer
    from booking_sync.sync.webhook.dynamics_webhook import ReceiverPolicy

_logger = logging.getLogger(__name__)
_RETRY_AFTER_SECONDS = 10


class Receiver:
    """Turns webhooks into queued changes.

    Args:
        queue: where changes go.
        policy: which webhooks need work.
        now: stamps the change's `first_seen`.
        new_id: a fresh GUID's text, for a webhook that carries no correlation id.
        elapsed: seconds that never go back, at the pace of real time.
    """

    def __init__(
        self,
        queue: MessageQueue,
        policy: ReceiverPolicy,
        now: Clock,
        new_id: Callable[[], str],
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._queue = queue
        self._policy = policy
        self._now = now
        self._new_id = new_id
        self._elapsed = elapsed

    async def receive(self, body: bytes, headers: Mapping[str, str]) -> HttpAnswer:
        """Take one webhook; never raises for what it holds or for a queue that is down."""
        started = time.monotonic()
        with telemetry.span(SpanName.RECEIVE, {}) as note:
            read = read_change(body, headers, self._policy)
            if isinstance(read, Accepted):
                answer = await self._queue_change(read)
            elif isinstance(read, RelatedAccepted):
                answer = await self._queue_related(read)
            else:
                answer = _decline(read)
            _tell(note, answer)
        log_event(
            _logger,
            "webhook",
            level=logging.INFO if isinstance(read, Ignored) or answer.status < 400 else logging.WARNING,  # noqa: PLR2004 - where HTTP's errors begin
            httpStatus=answer.status,
            milliseconds=round((time.monotonic() - started) * 1000, 1),
            **answer.payload,
        )
        return answer

    @functools.cached_property
    def _coalescer(self) -> Coalescer:
        from booking_sync.sync.webhook.announce import Coalescer  # noqa: PLC0415 - few webhooks need it at a cold start

        return Coalescer(self._elapsed)

    async def _queue_change(self, read: Accepted) -> HttpAnswer:
        comes_back = self._policy.return_columns is not None  # else a missing event is nobody's wish anyhow
        change = BookingChange(
            booking_id=read.booking_id,
            correlation_id=read.correlation_id or self._new_id(),
            first_seen=self._now(),
            deleted=read.kind is ChangeKind.DELETE,
            event=read.event,
            uncertain=read.rewritten,
            missing=Missing.ROW_RETURNED if read.rewritten and comes_back else Missing.UNKNOWN,
            suspects=read.suspects,
        )
        about = {
            "change": read.kind.value,
            "bookingId": change.booking_id,
            "correlationId": change.correlation_id,
        }
        try:
            await self._queue.send(change)
        except SyncError as error:
            return _unavailable(error, about)
        return HttpAnswer(202, {"status": "queued", **about})

    async def _queue_related(self, read: RelatedAccepted) -> HttpAnswer:
        change = RelatedChange(
            read.table, read.row_id, read.correlation_id or self._new_id(), first_seen=self._now()
        )
        about = {
            "change": ChangeKind.UPDATE.value,
            "table": change.table.value,
            "rowId": change.row_id,
            "correlationId": change.correlation_id,
        }

        async def send(delay: float) -> None:
            await self._queue.send_related(change, delay)

        try:
            sent = await self._coalescer.announce(f"{change.table} {change.row_id}", send)
        except SyncError as error:
            return _unavailable(error, about)
        return HttpAnswer(202, {"status": "queued" if sent else "joined", **about})


def _tell(note: Note, answer: HttpAnswer) -> None:
    payload = answer.payload
    told = {
        Attribute.STATUS: "status",
        Attribute.BOOKING: "bookingId",
        Attribute.TABLE: "table",
        Attribute.ROW: "rowId",
        Attribute.CORRELATION: "correlationId",
    }
    note.add({attribute: payload[key] for attribute, key in told.items() if key in payload})
    telemetry.count(Metric.WEBHOOKS, 1, {Attribute.STATUS: payload["status"]})


def _decline(read: Ignored | Refused) -> HttpAnswer:
    if isinstance(read, Ignored):
        return HttpAnswer(202, {"status": "ignored", "reason": read.reason.value})
    return HttpAnswer(read.status, {"status": "refused", "error": read.sentence})


def _unavailable(error: SyncError, about: dict[str, str]) -> HttpAnswer:
    wait = error.retry_after if isinstance(error, TransientError) else None
    seconds = max(1, round(wait or _RETRY_AFTER_SECONDS))
    return HttpAnswer(
        503,
        {"status": "unavailable", "error": error.reason, **about},
        {"Retry-After": str(seconds)},
    )
