"""Handles one queue message: from its text to its acknowledgement.

Returning acknowledges the message, so that happens only when its effect is recorded, or the message was put
back with a delay, or it lies on the poison queue beside a reason. Everything else raises, and the host
delivers the message again.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from booking_sync.domain.messages.audit_progress import AuditProgress
from booking_sync.domain.messages.change import (
    BookingChange,
    MalformedChangeError,
    Message,
    RelatedChange,
    decode_message,
    encode_change,
)
from booking_sync.domain.outcome import Outcome, OutcomeKind, deferred_by
from booking_sync.domain.return_path.messages import MailboxSweep, OutlookChange
from booking_sync.errors import SyncError, TransientError
from booking_sync.plumbing import telemetry
from booking_sync.plumbing.log import log_event, places
from booking_sync.plumbing.telemetry import Attribute, Metric, SpanName
from booking_sync.sync.back_off import BackOff, WaitingMessages
from booking_sync.sync.booking.task import SyncTask
from booking_sync.sync.from_outlook.later_sweeps import LaterSweeps

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from booking_sync.ports.platform.clock import Clock
    from booking_sync.ports.platform.queues import MessageQueue
    from booking_sync.sync.booking.per_booking import PerBookingRunner
    from booking_sync.sync.fan_out import FanOut
    from booking_sync.sync.from_outlook.changes import EventHint

MAX_DEQUEUE_COUNT = 5
"""As in host.json: on the last delivery an unexpected error is dead-lettered with its reason by us, since the
host would do it without one."""

REFUSED_BASE_SECONDS = 900.0
REFUSED_CAP_SECONDS = 3600.0
"""How long a change waits each time that was refused and may pass: five times in four hours."""

_logger = logging.getLogger(__name__)

Change = TypeVar("Change", BookingChange, RelatedChange, AuditProgress, OutlookChange, MailboxSweep)

_NO_WAY_BACK = Outcome(OutcomeKind.SKIPPED, "the return path is off")


class UnexpectedError(RuntimeError):
    """A bug struck; the text names its type only."""


@dataclass(frozen=True, slots=True)
class OutlookHandlers:
    """What the worker hands to what came from Outlook."""

    bookings_of: Callable[[OutlookChange], Awaitable[Sequence[EventHint]]]
    """The hints that events of Outlook stand for; raises `SyncError` when Dataverse can't tell."""
    sweep: Callable[[MailboxSweep], Awaitable[Outcome]]
    """Compares a mailbox with the rows that name it, and queues hints."""


@dataclass(frozen=True, slots=True)
class MessageHandlers:
    """What the worker hands messages to."""

    per_booking: PerBookingRunner
    """Changes of bookings."""
    fan_out: FanOut
    """Changes of rows that bookings show."""
    note_failure: Callable[[str, str], Awaitable[None]]
    """`Synchronizer.note_failure`: tells people on a booking's row why it was given up."""
    audit: Callable[[AuditProgress], Awaitable[Outcome]]
    """Goes on with an audit for a while, and queues what is left of it."""
    outlook: OutlookHandlers | None = None
    """None where the return path is off."""


class ChangeWorker:
    """Handles queue messages.

    Args:
        open_handlers: gives what messages are handed to; raises `TransientError` while the sync can't start.
        queue: where messages are put back or dead-lettered.
        now: the time of day.
        max_waited: for how long a message is tried; only the waits that its own failures brought it count.
        back_off: how long it waits each time.
        on_outcome: called with how a booking's message ended, when it is settled; its errors are only logged.
    """

    def __init__(
        self,
        open_handlers: Callable[[], Awaitable[MessageHandlers]],
        queue: MessageQueue,
        now: Clock,
        max_waited: timedelta,
        back_off: BackOff,
        *,
        on_outcome: Callable[[BookingChange, Outcome], None] | None = None,
    ) -> None:
        self._open_handlers = open_handlers
        self._queue = queue
        self._now = now
        self._max_waited = max_waited
        self._back_off = back_off
        self._waiting = WaitingMessages()
        self._later_sweeps = LaterSweeps(queue, now)
        self._on_outcome = on_outcome

    async def handle(self, text: str, dequeue_count: int) -> None:
        """Handle one delivery of a message.

        Args:
            text: the message.
            dequeue_count: 1 on the first delivery.

        Raises:
            SyncError: the queue is down, so that the message must be delivered again.
            UnexpectedError: a bug; the same.
        """
        try:
            change = decode_message(text)
        except MalformedChangeError as error:
            await self._queue.dead_letter(text, f"Malformed message: {error}.")
            log_event(_logger, "message_malformed", reason=str(error))
            return
        change = self._not_from_the_future(change)
        try:
            await self._handle(text, change, dequeue_count)
        except Exception as error:
            _log_unexpected(error, change, dequeue_count)
            if dequeue_count >= MAX_DEQUEUE_COUNT:
                reason = (
                    f"Unexpected {type(error).__name__} on each of {dequeue_count} deliveries; see the log."
                )
                await self._queue.dead_letter(text, reason)
                return
            if isinstance(error, SyncError):  # the queue's, in words that may be logged
                raise
            # The host logs what is raised, with all that it quotes, so the error itself stays behind.
            raise UnexpectedError(f"unexpected {type(error).__name__}, logged as unexpected_error") from None

    async def _handle(self, text: str, change: Message, dequeue_count: int) -> None:
        match change:
            case AuditProgress():
                await self._settle_audit(text, change)
            case OutlookChange():
                await self._settle_outlook(text, change, dequeue_count)
            case MailboxSweep():
                await self._settle_sweep(text, change)
            case RelatedChange():
                await self._handle_related(text, change, dequeue_count)
            case BookingChange():
                mailbox = await self._handle_booking(text, change, dequeue_count)
                await self._later_sweeps.queue([(change, mailbox)])

    async def _handle_related(self, text: str, change: RelatedChange, dequeue_count: int) -> None:
        about = _about(change, dequeue_count)
        about |= {Attribute.TABLE: change.table.value, Attribute.ROW: change.row_id}
        with telemetry.span(SpanName.FAN_OUT, about, continues=change.trace) as note:
            outcome = await self._started(lambda handlers: handlers.fan_out.queue_hints(change))
            note.add({Attribute.OUTCOME: outcome.kind.value})
            await self._settle_related(text, change, outcome)

    async def _handle_booking(self, text: str, change: BookingChange, dequeue_count: int) -> str:
        """Work on a booking; gives the mailbox to be swept before its message is acknowledged, if any."""
        about = _about(change, dequeue_count)
        about |= {Attribute.BOOKING: change.booking_id}
        with telemetry.span(SpanName.SYNC, about, continues=change.trace) as note:
            outcome = await self._work_on(change, dequeue_count)
            note.add({Attribute.OUTCOME: outcome.kind.value})
            await self._settle(text, change, outcome)
        return outcome.missing

    async def _settle_outlook(self, text: str, change: OutlookChange, dequeue_count: int) -> None:
        async def act(handlers: MessageHandlers) -> Outcome:
            if handlers.outlook is None:
                return _NO_WAY_BACK
            try:
                hints = await handlers.outlook.bookings_of(change)
            except TransientError as error:
                return deferred_by(error)
            except SyncError as error:
                return Outcome(OutcomeKind.FAILED, error.reason)
            await self._handle_all(hints, dequeue_count)
            return _told(hints)

        outcome = await self._started(act)
        outcome, delay = await self._put_back_or_give_up(text, change, outcome, self._queue.send_outlook)
        count, gone = len(change.event_ids), len(change.deleted)
        log_event(_logger, "outlook_change", events=count, deleted=gone, **_ended(change, outcome, delay))

    async def _handle_all(self, hints: Sequence[EventHint], dequeue_count: int) -> None:
        """Work on bookings as if each had a message of its own, which it gets when it is put back.

        Raises:
            Exception: what the first raised of those that did, once all have been tried.
        """
        ended = await asyncio.gather(
            *(self._handle_booking(encode_change(each.change), each.change, dequeue_count) for each in hints),
            return_exceptions=True,
        )
        mailboxes: list[str] = []
        for each in ended:
            if isinstance(each, BaseException):
                raise each
            mailboxes.append(each)
        ended_in = zip(hints, mailboxes, strict=True)
        await self._later_sweeps.queue((hint.change, mailbox or hint.gone_from) for hint, mailbox in ended_in)

    async def _settle_sweep(self, text: str, sweep: MailboxSweep) -> None:
        async def act(handlers: MessageHandlers) -> Outcome:
            return await handlers.outlook.sweep(sweep) if handlers.outlook else _NO_WAY_BACK

        outcome = await self._started(act)
        outcome, delay = await self._put_back_or_give_up(text, sweep, outcome, self._queue.send_outlook)
        log_event(_logger, "mailbox_sweep", awaited=len(sweep.missing), **_ended(sweep, outcome, delay))

    async def _work_on(self, change: BookingChange, dequeue_count: int) -> Outcome:
        try:
            handlers = await self._open_handlers()
        except TransientError as error:
            # Not this message's fault, and nothing was tried: what it says of its past stays as it is.
            return replace(
                _not_started(error),
                uncertain=change.uncertain or dequeue_count > 1,
                suspects=change.suspects,
            )
        return await handlers.per_booking.submit(_task(change, dequeue_count))

    async def _settle(self, text: str, change: BookingChange, outcome: Outcome) -> None:
        delay = None
        if self._may_pass(change, outcome):
            outcome = _tried_again(change, outcome)
        if outcome.kind is OutcomeKind.DEFERRED:
            if self._waited_enough(change, outcome):
                outcome = replace(
                    outcome, kind=OutcomeKind.FAILED, detail=await self._expire(change, outcome)
                )
            else:
                delay = self._delay(change, outcome)
                again = replace(
                    _once_more(change, outcome, delay),
                    uncertain=change.uncertain or outcome.uncertain,
                    suspects=outcome.suspects,
                )
                await self._queue.send(again, delay)
        if outcome.kind is OutcomeKind.FAILED:
            await self._queue.dead_letter(text, outcome.detail)
        lag = self._count(change, outcome)
        log_event(
            _logger,
            "booking_outcome",
            outcome=outcome.kind.value,
            detail=outcome.detail,
            bookingId=change.booking_id,
            correlationId=change.correlation_id,
            attempt=change.attempt,
            rounds=outcome.rounds,
            delaySeconds=None if delay is None else round(delay, 1),
            lagSeconds=None if lag is None else round(lag, 1),
        )
        self._report(change, outcome)

    def _count(self, change: BookingChange, outcome: Outcome) -> float | None:
        """Tell the metrics; returns the seconds since the change came in when it is in Outlook now."""
        telemetry.count(Metric.OUTCOMES, 1, {Attribute.OUTCOME: outcome.kind.value})
        if outcome.kind is not OutcomeKind.SYNCED:
            return None
        lag = max(0.0, (self._now() - change.first_seen).total_seconds())  # another machine's clock began it
        telemetry.measure(Metric.LAG, lag)
        return lag

    def _report(self, change: BookingChange, outcome: Outcome) -> None:
        if self._on_outcome is None:
            return
        try:
            self._on_outcome(change, outcome)
        except Exception as error:  # noqa: BLE001 - a message that is settled must not be delivered again
            log_event(
                _logger,
                "outcome_not_noted",
                level=logging.ERROR,
                error=type(error).__name__,
                at=places(error),
            )

    async def _started(self, act: Callable[[MessageHandlers], Awaitable[Outcome]]) -> Outcome:
        """What the handlers make of it, or that there are none yet."""
        try:
            handlers = await self._open_handlers()
        except TransientError as error:
            return _not_started(error)
        return await act(handlers)

    async def _settle_audit(self, text: str, progress: AuditProgress) -> None:
        outcome = await self._started(lambda handlers: handlers.audit(progress))
        outcome, delay = await self._put_back_or_give_up(text, progress, outcome, self._queue.send_audit)
        log_event(
            _logger,
            "audit_stretch",
            outcome=outcome.kind.value,
            detail=outcome.detail,
            correlationId=progress.audit_id,
            attempt=progress.attempt,
            delaySeconds=None if delay is None else round(delay, 1),
        )

    async def _settle_related(self, text: str, change: RelatedChange, outcome: Outcome) -> None:
        outcome, delay = await self._put_back_or_give_up(text, change, outcome, self._queue.send_related)
        log_event(
            _logger,
            "fan_out",
            outcome=outcome.kind.value,
            detail=outcome.detail,
            table=change.table.value,
            rowId=change.row_id,
            correlationId=change.correlation_id,
            attempt=change.attempt,
            delaySeconds=None if delay is None else round(delay, 1),
        )

    async def _put_back_or_give_up(
        self,
        text: str,
        change: Change,
        outcome: Outcome,
        send: Callable[[Change, float], Awaitable[None]],
    ) -> tuple[Outcome, float | None]:
        """How a message that is no booking's ended, and the delay with which it was put back, if it was."""
        delay = None
        if outcome.kind is OutcomeKind.DEFERRED:
            if self._waited_enough(change, outcome):
                outcome = replace(outcome, kind=OutcomeKind.FAILED, detail=self._given_up(outcome))
            else:
                delay = self._delay(change, outcome)
                await send(_once_more(change, outcome, delay), delay)
        if outcome.kind is OutcomeKind.FAILED:
            await self._queue.dead_letter(text, outcome.detail)
        return outcome, delay

    def _delay(self, change: Message, outcome: Outcome) -> float:
        now = self._now()
        delay = self._back_off.delay(change.attempt, outcome.delay, self._waiting.count(now))
        self._waiting.add(now, delay)
        return delay

    def _not_from_the_future(self, change: Message) -> Message:
        """What claims to come in only later would be in Outlook before it came."""
        now = self._now()
        return replace(change, first_seen=now) if change.first_seen > now else change

    def _waited_enough(self, change: Message, outcome: Outcome) -> bool:
        return _is_try(outcome) and change.waited >= self._max_waited.total_seconds()

    def _may_pass(self, change: BookingChange, outcome: Outcome) -> bool:
        """A refusal that people are told of, and that may be out of date all the same."""
        patience = outcome.patience
        return patience is not None and change.waited < min(patience, self._max_waited).total_seconds()

    def _given_up(self, outcome: Outcome) -> str:
        hours = self._max_waited / timedelta(hours=1)
        return f"Given up after {hours:g} hours of trying. The last reason: {outcome.detail}"

    async def _expire(self, change: BookingChange, outcome: Outcome) -> str:
        reason = self._given_up(outcome)
        try:
            await (await self._open_handlers()).note_failure(change.booking_id, reason)
        except SyncError:
            _logger.warning("the booking's row can't be told that it was given up")
        return reason


def _log_unexpected(error: Exception, change: Message, dequeue_count: int) -> None:
    match change:
        case BookingChange():
            about = {"bookingId": change.booking_id, "correlationId": change.correlation_id}
        case RelatedChange():
            about = {
                "table": change.table.value,
                "rowId": change.row_id,
                "correlationId": change.correlation_id,
            }
        case AuditProgress():
            about = {"correlationId": change.audit_id}
        case OutlookChange() | MailboxSweep():
            about = {"mailbox": change.mailbox, "correlationId": change.correlation_id}
    log_event(
        _logger,
        "unexpected_error",
        level=logging.ERROR,
        error=type(error).__name__,
        at=places(error),
        **about,
        delivery=dequeue_count,
    )


def _about(change: BookingChange | RelatedChange, dequeue_count: int) -> dict[Attribute, str | float]:
    return {
        Attribute.CORRELATION: change.correlation_id,
        Attribute.ATTEMPT: change.attempt,
        Attribute.DELIVERY: dequeue_count,
    }


def _told(hints: Sequence[EventHint]) -> Outcome:
    if not hints:
        return Outcome(OutcomeKind.SKIPPED, "no event of ours")
    return Outcome(OutcomeKind.SYNCED, f"bookings looked at: {len(hints)}")


def _ended(message: OutlookChange | MailboxSweep, outcome: Outcome, delay: float | None) -> dict[str, Any]:
    """What is logged of how such a message ended."""
    return {
        "outcome": outcome.kind.value,
        "detail": outcome.detail,
        "mailbox": message.mailbox,
        "correlationId": message.correlation_id,
        "attempt": message.attempt,
        "delaySeconds": None if delay is None else round(delay, 1),
    }


def _task(change: BookingChange, dequeue_count: int) -> SyncTask:
    return SyncTask(
        booking_id=change.booking_id,
        trusted=dequeue_count <= 1 and not change.uncertain and not change.missing,
        deleted=frozenset({change.event} if change.event else ()),
        suspects=change.suspects,
        look=change.look,
        versions=change.versions,
        missing=change.missing,
    )


def _tried_again(change: BookingChange, outcome: Outcome) -> Outcome:
    """The refusal, put back for a long while: Exchange may keep one alive that is asked for often."""
    return replace(
        outcome,
        kind=OutcomeKind.DEFERRED,
        delay=min(REFUSED_BASE_SECONDS * 2.0 ** min(change.attempt, 16), REFUSED_CAP_SECONDS),
        suspects=change.suspects,
    )


def _not_started(error: TransientError) -> Outcome:
    """The sync can't start, whatever the reason: that lies with the app, and ends no message."""
    return replace(deferred_by(error), until_mended=True)


def _is_try(outcome: Outcome) -> bool:
    """Whether somebody tried this very change, and it failed; only then does its patience grow shorter."""
    return not (outcome.untried or outcome.until_mended)


def _once_more(change: Change, outcome: Outcome, delay: float) -> Change:
    return replace(
        change,
        attempt=change.attempt + _counts(outcome),
        waited=change.waited + (delay if _is_try(outcome) else 0.0),
    )


def _counts(outcome: Outcome) -> int:
    """1 for a try of this change; a service that says when to come back has not tried it."""
    return 0 if outcome.untried or (outcome.delay and outcome.patience is None) else 1
