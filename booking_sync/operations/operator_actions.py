"""What operators do by hand: replay, look at and delete dead letters, and resync bookings.

Replay and resync only put messages on the change queue. The worker handles them as it handles all others.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from booking_sync.domain.messages.audit_progress import AuditProgress
from booking_sync.domain.messages.change import BookingChange, Message, RelatedChange
from booking_sync.domain.return_path.messages import MailboxSweep, OutlookChange
from booking_sync.domain.return_path.missing import Missing
from booking_sync.errors import SyncError
from booking_sync.operations.dead_letters import read_dead_letter, renewed_change
from booking_sync.operations.journal.order_tally import REPLAY, RESYNC
from booking_sync.sync.sending import do_all

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime

    from booking_sync.ports.platform.clock import Clock
    from booking_sync.ports.platform.queues import MessageQueue, PoisonMessage, PoisonQueue

HIDDEN_SECONDS = 120
"""How long a taken message is hidden from a second click; longer than all that is done with it."""
MAX_PAGES = 20
"""Fetches per action, of up to 32 messages each: a minute at most. What is left takes another action."""
CLOCKS_APART = timedelta(seconds=10)
"""By how much the storage's clock may be ahead of ours; what fails again within that is taken once more."""


@dataclass(slots=True)
class Replayed:
    """How a replay ended."""

    replayed: int = 0
    unreadable: int = 0
    """Left on the poison queue, because they are no messages of ours."""
    problem: str = ""
    """Why not all was done; empty when all was."""
    ids: set[str] = field(default_factory=set)
    """Ids of the messages that are back on the change queue."""
    order: str = ""
    """The correlation id that the bookings' messages bear now."""
    bookings: int = 0
    """How many of the replayed messages are about a booking, and bear it."""


@dataclass(slots=True)
class Dropped:
    """How a deletion ended."""

    ids: set[str] = field(default_factory=set)
    """Ids of the messages that are deleted."""
    problem: str = ""
    """Why not all was done; empty when all was."""


@dataclass(slots=True)
class Seen:
    """What was seen of the poison queue."""

    messages: list[PoisonMessage] = field(default_factory=list)
    problem: str = ""
    """Why not all were seen; empty when all were."""


class OperatorActions:
    """Actions on the poison queue and the change queue; any number of them may run side by side.

    Args:
        poison: the poison queue.
        queue: the change queue.
        now: the time of day.
        new_id: a fresh GUID's text, for correlation.
    """

    def __init__(
        self, poison: PoisonQueue, queue: MessageQueue, now: Clock, new_id: Callable[[], str]
    ) -> None:
        self._poison = poison
        self._queue = queue
        self._now = now
        self._new_id = new_id

    async def replay(self, wanted: frozenset[str] | None, since: datetime | None = None) -> Replayed:
        """Put messages that were given up back on the change queue: those with the wanted ids, or all (None).

        What one call has taken is hidden from a second one, so a double click replays nothing twice. Each
        message is sent first and then deleted. A crash between the two leaves both; a hint too many costs
        one read of the booking.

        Args:
            wanted: message ids; None for all that were there when the order was given.
            since: when that was; None: now. What fails again comes back under another id, and is left.
        """
        done = Replayed(order=f"{REPLAY}{self._new_id()}")
        done.problem = await self._go_through(
            wanted, lambda chosen, kept: self._put_back(chosen, done, kept), done.ids, since
        )
        return done

    async def drop(self, wanted: frozenset[str] | None, since: datetime | None = None) -> Dropped:
        """Delete messages that were given up for good; arguments as of `replay`."""
        done = Dropped()

        async def delete(chosen: Sequence[PoisonMessage], kept: list[PoisonMessage]) -> None:
            for message in chosen:
                try:
                    await self._poison.delete(message)
                except SyncError:
                    kept.append(message)
                    raise
                done.ids.add(message.message_id)

        done.problem = await self._go_through(wanted, delete, done.ids, since)
        return done

    async def look(self, wanted: frozenset[str] | None) -> Seen:
        """Dead letters as they are: those with the wanted message ids, or all (None).

        They are hidden from others while this looks, and visible again afterwards.
        """
        done = Seen()
        seen: set[str] = set()

        async def note(chosen: Sequence[PoisonMessage], kept: list[PoisonMessage]) -> None:
            done.messages.extend(chosen)
            seen.update(each.message_id for each in chosen)
            kept.extend(chosen)

        done.problem = await self._go_through(wanted, note, seen)
        return done

    async def resync(self, booking_ids: Sequence[str], order: str = "", *, deletions: bool = False) -> str:
        """Queue these bookings, to be written whatever their records say; returns the correlation id.

        Args:
            booking_ids: each once.
            order: the correlation id of the order that these are a further part of; empty for a new one.
            deletions: a person says that their events' deletions were meant, though a sweep withheld them:
                they are looked at once more, and then decided as the settings have it.

        Raises:
            SyncError: the queue can't take them; some may be on it.
        """
        correlation_id = order or f"{RESYNC}{self._new_id()}"
        now = self._now()
        hint = BookingChange("", correlation_id, now, uncertain=True, missing=Missing.ORDERED)
        if deletions:
            hint = BookingChange("", correlation_id, now, look=True, missing=Missing.CONFIRMED)
        changes = [replace(hint, booking_id=each) for each in booking_ids]
        await do_all(changes, self._queue.send)
        return correlation_id

    async def _go_through(
        self,
        wanted: frozenset[str] | None,
        act: Callable[[Sequence[PoisonMessage], list[PoisonMessage]], Awaitable[None]],
        settled: set[str],
        since: datetime | None = None,
    ) -> str:
        """Take messages page by page until all wanted ones are settled, and release the others.

        Args:
            wanted: message ids; None for all.
            act: called with the wanted messages of a page; adds those that are to stay to the list.
            settled: message ids that need not be looked for any more.
            since: as of `replay`.

        Returns:
            Why not all was done; empty when all was.
        """
        kept: list[PoisonMessage] = []
        last = (since or self._now()) + CLOCKS_APART
        problem = ""
        try:
            for _ in range(MAX_PAGES):
                page = await self._poison.take(HIDDEN_SECONDS)
                chosen = [each for each in page if _is_wanted(each, wanted, last)]
                kept += [each for each in page if each not in chosen]
                await act(chosen, kept)
                if not page or (wanted is not None and wanted <= settled):
                    break
        except SyncError as error:
            problem = error.reason
        finally:
            await self._release(kept)
        return problem

    async def _put_back(
        self, messages: Sequence[PoisonMessage], done: Replayed, kept: list[PoisonMessage]
    ) -> None:
        async def one(message: PoisonMessage) -> None:
            change = read_dead_letter(message).change
            if change is None:
                done.unreadable += 1
                kept.append(message)
                return
            try:
                await self._send(renewed_change(change, self._now(), done.order))
            except SyncError:
                kept.append(message)
                raise
            done.replayed += 1
            done.ids.add(message.message_id)
            done.bookings += isinstance(change, BookingChange)
            await self._poison.delete(message)

        await do_all(messages, one)

    async def _send(self, change: Message) -> None:
        match change:
            case RelatedChange():
                await self._queue.send_related(change)
            case AuditProgress():
                await self._queue.send_audit(change)
            case OutlookChange() | MailboxSweep():
                await self._queue.send_outlook(change)
            case BookingChange():
                await self._queue.send(change)

    async def _release(self, messages: Sequence[PoisonMessage]) -> None:
        """Make messages visible again; should that fail, Storage does it when the hidden time is over."""

        async def release(message: PoisonMessage) -> None:
            with suppress(SyncError):
                await self._poison.release(message)

        await do_all(messages, release)


def _is_wanted(message: PoisonMessage, wanted: frozenset[str] | None, last: datetime) -> bool:
    if wanted is not None:
        return message.message_id in wanted
    return message.inserted is None or message.inserted <= last
