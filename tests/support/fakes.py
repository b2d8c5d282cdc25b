"""In-memory implementations of the ports, as strict as the services, with every I/O an interleaving point.

They run through the same contract suites as the real adapters do against the local stack's stand-ins.
"""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

from booking_sync.domain.events.event import EventState, EventTime, FoundEvent, SeenEvent
from booking_sync.domain.events.event_ref import EventRef
from booking_sync.domain.events.zones import UTC_NAME
from booking_sync.domain.messages.audit_message import encode_audit
from booking_sync.domain.messages.audit_progress import AuditProgress
from booking_sync.domain.messages.change import decode_message
from booking_sync.domain.record import BookingRow, SyncRecord
from booking_sync.domain.return_path.base import MOST_LEAVING
from booking_sync.domain.return_path.messages import MailboxSweep, OutlookChange, encode_outlook
from booking_sync.domain.return_path.side import OutlookSide
from booking_sync.errors import OvertakenError, PermanentError, TransientError
from booking_sync.ports.dataverse.bookings import BookingPage, BookingStart, Recorded, UnreadableRow
from booking_sync.ports.outlook.calendars import AlreadyCreated, Written

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence

    from booking_sync.domain.bookings.booking import Booking, BookingStatus
    from booking_sync.domain.environment.watched import RelatedTable
    from booking_sync.domain.events.event import ContentPart, EventContent
    from booking_sync.domain.messages.change import BookingChange, RelatedChange
    from booking_sync.domain.outcome import Outcome
    from booking_sync.domain.return_path.messages import OutlookMessage
    from booking_sync.domain.return_path.side import Returned
    from booking_sync.domain.return_path.times import Times
    from booking_sync.ports.dataverse.bookings import BookingQuery
    from booking_sync.ports.platform.clock import Clock

    Hook = Callable[[str], Awaitable[None]]


async def _just_yield(_point: str) -> None:
    await asyncio.sleep(0)


@dataclass
class Faults:
    """Errors to raise, per operation: before the effect, or after it."""

    before: dict[str, list[Exception]] = field(default_factory=dict)
    after: dict[str, list[Exception]] = field(default_factory=dict)

    def strike(self, where: dict[str, list[Exception]], operation: str) -> None:
        """Raise the next error scripted for the operation, if any."""
        waiting = where.get(operation)
        if waiting:
            raise waiting.pop(0)


def _time_of_day() -> datetime:
    return datetime.now(UTC)


class FakeRows:
    """Dataverse's bookings: versions, conditional writes, lists in pages."""

    def __init__(self, hook: Hook = _just_yield, now: Clock = _time_of_day) -> None:
        self.rows: dict[str, BookingRow] = {}
        self.modified: dict[str, datetime] = {}
        """When each row was written last."""
        self.unreadable: dict[str, str] = {}
        """Rows of which we may not see all, with the reason."""
        self.names: dict[str, set[str]] = {}
        """Ids of the resource and work order that bookings name; the domain knows only their content."""
        self.tells_side = False
        """Whether the columns of the return path are there, and read."""
        self.refuses_times: str = ""
        """Why a plug-in refuses other times; empty when none does."""
        self.refuses_cancelling: str = ""
        """Why a plug-in refuses that a booking is canceled; empty when none does."""
        self.statuses: dict[str, BookingStatus] = {}
        """Booking statuses by id."""
        self.makes_of_times: Callable[[Times], Times] = lambda times: times
        """What a plug-in makes of other times, such as full quarters."""
        self.page_rows = 2
        self.faults = Faults()
        self.calls: list[str] = []
        self.hook = hook
        self._now = now
        self._versions = itertools.count(1)

    def put(self, booking: Booking) -> None:
        """A dispatcher writes the booking."""
        known = self.rows.get(booking.id)
        record = known.record if known else SyncRecord()
        self._store(BookingRow(booking, record, self._etag(), side=known.side if known else None))

    def remove(self, booking_id: str) -> BookingRow:
        """A dispatcher deletes the booking."""
        return self.rows.pop(booking_id)

    async def read(self, booking_id: str) -> BookingRow | None:
        """See the port."""
        await self._enter("read")
        if booking_id in self.unreadable:
            raise PermanentError(self.unreadable[booking_id])
        row = self.rows.get(booking_id)
        if row is None:
            return None
        side = row.side or OutlookSide() if self.tells_side else None
        booking = replace(row.booking, awaits_dispatcher=side is not None and side.waits_for_times)
        return replace(
            row, booking=booking, record=replace(row.record, event=_parsed(row.record.event)), side=side
        )

    async def record(
        self, booking_id: str, etag: str, record: SyncRecord, returned: Returned | None = None
    ) -> Recorded:
        """See the port."""
        await self._enter("record")
        row = self.rows.get(booking_id)
        if row is None:
            return Recorded.MISSING
        if row.etag != etag:
            return Recorded.CONFLICT
        self._store(self._after(row, record, returned))
        self.faults.strike(self.faults.after, "record")
        return Recorded.DONE

    async def list_bookings(self, query: BookingQuery) -> AsyncIterator[BookingPage]:
        """See the port; a fault scripted "after" strikes when a page was given."""
        last: tuple[str, str] = ("", "")
        more = True

        def place(booking_id: str) -> tuple[str, str]:
            start = self.rows[booking_id].booking.start
            return (start.isoformat() if query.by_start and start else "", booking_id)

        while more:
            await self._enter("list")
            ids = sorted(
                (each for each in self.rows if place(each) > last and self._matches(each, query)), key=place
            )
            page, more = ids[: self.page_rows], len(ids) > self.page_rows
            last = place(page[-1]) if page else last
            yield BookingPage(
                tuple(self.rows[each] for each in page if each not in self.unreadable),
                tuple(UnreadableRow(each, self.unreadable[each]) for each in page if each in self.unreadable),
            )
            self.faults.strike(self.faults.after, "list")

    def _after(self, row: BookingRow, record: SyncRecord, returned: Returned | None) -> BookingRow:
        booking, side = row.booking, row.side
        if returned:
            assert self.tells_side, "there are no such columns"
            assert len(returned.side.base.leaving) <= MOST_LEAVING, "the column has no room for it"
            side = returned.side
            if returned.times:
                if self.refuses_times:
                    raise PermanentError(self.refuses_times)
                times = self.makes_of_times(returned.times)
                arrival = returned.arrival or booking.arrival
                booking = replace(booking, start=times.start, end=times.end, arrival=arrival)
            if returned.status_id:
                if self.refuses_cancelling:
                    raise PermanentError(self.refuses_cancelling)
                booking = replace(booking, status=self.statuses[returned.status_id])
        return BookingRow(booking, record, self._etag(), side=side)

    def _matches(self, booking_id: str, query: BookingQuery) -> bool:
        assert not query.condition, "this Dataverse reads no OData"
        row, modified = self.rows[booking_id], self.modified[booking_id]
        start, event = row.booking.start, row.record.event or row.claim
        return (
            (query.modified_from is None or modified >= query.modified_from)
            and (query.modified_until is None or modified <= query.modified_until)
            and (query.starts_from is None or (start is not None and start >= query.starts_from))
            and (query.starts_before is None or (start is not None and start < query.starts_before))
            and (event is not None or not query.names_event)
            and (query.mailbox is None or (event is not None and event.mailbox == query.mailbox.lower()))
            and all(
                not wanted or self.names.get(booking_id, set()) & set(wanted)
                for wanted in (query.resource_ids, query.work_order_ids)
            )
        )

    def _store(self, row: BookingRow) -> None:
        self.rows[row.booking.id] = row
        self.modified[row.booking.id] = self._now()

    async def _enter(self, operation: str) -> None:
        self.calls.append(operation)
        await self.hook(f"rows.{operation}")
        self.faults.strike(self.faults.before, operation)

    def _etag(self) -> str:
        return f'W/"{next(self._versions)}"'


class FakeRelated:
    """The bookings of every row there is, by their start; in pages."""

    def __init__(self, starts: Mapping[str, datetime], page_rows: int = 500) -> None:
        self.starts = starts
        self.page_rows = page_rows
        self.pages = 0
        """How many were asked for."""
        self.asked: list[tuple[RelatedTable, str]] = []
        self.fails: Exception | None = None
        self.fails_at_page = 1

    async def bookings_of(
        self, table: RelatedTable, row_id: str, starts_from: datetime
    ) -> AsyncGenerator[Sequence[BookingStart], None]:
        """See the port."""
        self.asked.append((table, row_id))
        found = sorted(
            (BookingStart(each, start) for each, start in self.starts.items() if start >= starts_from),
            key=lambda booking: (booking.start, booking.booking_id),
        )
        for number, first in enumerate(range(0, len(found) or 1, self.page_rows), 1):
            self.pages += 1
            if self.fails and number == self.fails_at_page:
                raise self.fails
            yield found[first : first + self.page_rows]


EVENTS_BEGIN = datetime(2026, 3, 2, 8, tzinfo=UTC)
"""The fake Outlook's time, which stands still unless a test moves it."""


def events_clock() -> datetime:
    """The fake Outlook's time."""
    return EVENTS_BEGIN


def _parsed(ref: EventRef | None) -> EventRef | None:
    """Equal to what was stored, and never the same objects: so it is with what is read of an answer."""
    return ref and EventRef("".join(list(ref.mailbox)), "".join(list(ref.event_id)))


@dataclass(frozen=True)
class StoredEvent:
    """One event in the fake Outlook."""

    ref: EventRef
    content: EventContent
    marker: str = ""
    transaction_id: str | None = None
    created: datetime = EVENTS_BEGIN
    birth: str = ""
    uid: str = ""
    tag: str = ""
    attended: bool = False
    """Somebody is invited."""
    own_categories: tuple[str, ...] = ()
    """People's."""
    reshaped: bool = False
    """Somebody made a series or an all-day event of it."""
    stamp: str = ""
    """Of the last write of its times."""
    version: int = 0

    @property
    def state(self) -> EventState:
        """What answers tell of it."""
        return EventState(
            self.attended, (*self.content.categories, *self.own_categories), reshaped=self.reshaped
        )

    @property
    def tagged(self) -> bool:
        """It has its open extension."""
        return bool(self.tag)


def _instant(time: EventTime) -> datetime:
    assert time.time_zone == UTC_NAME, "this Outlook knows no other zone"
    return datetime.fromisoformat(time.date_time).replace(tzinfo=UTC)


def _wall_clock(moment: datetime) -> EventTime:
    return EventTime(moment.replace(tzinfo=None).isoformat(), UTC_NAME)


def etag_of(event: StoredEvent) -> str:
    """Its version, as answers and notifications name it."""
    return f'W/"{event.ref.event_id} {event.version}"'


class FakeCalendar:
    """Outlook: transaction memory that outlives the event, immutable ids, mailboxes that do not exist."""

    def __init__(
        self, hook: Hook = _just_yield, *, extension: bool = True, now: Clock = events_clock
    ) -> None:
        self._now = now
        self.events: dict[EventRef, StoredEvent] = {}
        self.deleted_items: dict[EventRef, StoredEvent] = {}
        """What people deleted: no list shows it, and its immutable id still answers."""
        self.tells_deleted: Literal["nothing", "calendar", "cancelled"] = "nothing"
        """What answers on those tell of it."""
        self.main_calendar = "calendar"
        self.shape_ends: Literal["ended", "ignored", "refused"] = "ended"
        """What an update does to an event of another shape."""
        self.mails: list[str] = []
        """Which writes told attendees of it."""
        self.refused: dict[str, str] = {}
        self.patience: timedelta | None = None
        """How long what is refused may pass."""
        """Mailboxes that refuse everything, with the reason."""
        self.faults = Faults()
        self.calls: list[str] = []
        self.tells_calendars = False
        """Whether a search tells which calendar shows an event, as it does where the settings name some."""
        self.checks_versions = True
        """Whether an update looks at the version that it names."""
        self.doubles = False
        """Answer each creation with an event of its own, even for a known transactionId."""
        self.hook = hook
        self.reads: Callable[[EventTime], datetime] | None = None
        """By which rules times are read; None: answers to writes don't tell times."""
        self._extension = extension
        self._ids = itertools.count(1)
        self._transactions: dict[tuple[str, str], tuple[EventRef, EventContent]] = {}

    def of(self, mailbox: str) -> list[StoredEvent]:
        """The events in a mailbox."""
        return [event for event in self.events.values() if event.ref.mailbox == mailbox]

    def user_creates(self, mailbox: str, content: EventContent, marker: str = "") -> StoredEvent:
        """A technician makes an event, or a copy of one of ours (then with its marker)."""
        number = next(self._ids)
        event = StoredEvent(
            EventRef(mailbox, f"user-{number}"), content, marker, created=self._now(), uid=f"uid-{number}"
        )
        self.events[event.ref] = event
        return event

    def forget_creations(self) -> None:
        """A migration: no mailbox knows what was created in it."""
        self._transactions.clear()

    def user_deletes(self, ref: EventRef) -> None:
        """A technician deletes an event, which Outlook keeps in Deleted Items."""
        self.deleted_items[ref] = self.events.pop(ref)

    def user_copies(self, event: StoredEvent) -> StoredEvent:
        """A technician copies one of our events, with everything that it carries."""
        number = next(self._ids)
        copy = replace(
            event,
            ref=EventRef(event.ref.mailbox, f"copy-{number}"),
            uid=f"uid-{number}",
            created=event.created + timedelta(seconds=number),
        )
        self.events[copy.ref] = copy
        return copy

    async def create(
        self,
        mailbox: str,
        content: EventContent,
        *,
        marker: str,
        transaction_id: str,
        birth: str,
        stamp: str = "",
    ) -> Written | AlreadyCreated:
        """See the port."""
        await self._enter("create", mailbox)
        known = self._transactions.get((mailbox, transaction_id))
        if known and not self.doubles:
            ref, original = known
            if ref in self.events and original == content:
                return self._written(self.events[ref])
            return AlreadyCreated(ref.event_id)
        number = next(self._ids)
        ref = EventRef(mailbox, f"E{number}")
        self.events[ref] = StoredEvent(
            ref, content, marker, transaction_id, self._now(), birth, uid=f"uid-{number}", stamp=stamp
        )
        self._transactions[mailbox, transaction_id] = (ref, content)
        self.faults.strike(self.faults.after, "create")
        return self._written(self.events.get(ref) or StoredEvent(ref, content))

    async def update(
        self,
        event: EventRef,
        content: EventContent,
        kept: frozenset[ContentPart] = frozenset(),
        *,
        stamp: str = "",
        etag: str = "",
    ) -> Written | None:
        """See the port."""
        await self._enter("update", event.mailbox)
        if event in self.deleted_items:
            return self._written(self.deleted_items[event])
        if event not in self.events:
            return None
        before = self.events[event]
        if etag and self.checks_versions and etag != etag_of(before):
            raise OvertakenError("the event was changed while it was written")
        if "times" in kept:
            content = replace(content, start=before.content.start, end=before.content.end)
        if "face" in kept:
            was = before.content
            content = replace(
                content,
                subject=was.subject,
                show_as=was.show_as,
                location_name=was.location_name,
                location_address=was.location_address,
                options=was.options,
            )
        if before.reshaped and self.shape_ends == "refused":
            raise PermanentError("Outlook: Graph refused the request (400).")
        if "body" in kept:
            content = replace(content, body_html=before.content.body_html)
        own = before.own_categories
        if "categories" in kept:
            content = replace(content, categories=before.content.categories)
        else:
            own = tuple(each for each in content.categories if each in own)
            content = replace(content, categories=tuple(c for c in content.categories if c not in own))
        self._mail("update", before)
        reshaped = before.reshaped and self.shape_ends != "ended"
        changed = replace(
            before,
            content=content,
            own_categories=own,
            reshaped=reshaped,
            stamp=before.stamp if "times" in kept else stamp,
            version=before.version + 1,
        )
        self.events[event] = changed
        self.faults.strike(self.faults.after, "update")
        return self._written(changed)

    def _written(self, event: StoredEvent) -> Written:
        deleted = event.ref in self.deleted_items
        elsewhere = deleted and self.tells_deleted == "calendar"
        written = Written(
            event.ref.event_id,
            event.uid,
            event.created,
            state=event.state,
            calendar="deleted items" if elsewhere else self.main_calendar,
            etag=etag_of(event),
            cancelled=deleted and self.tells_deleted == "cancelled",
        )
        if self.reads is None:
            return written
        content = event.content
        return replace(written, start=self.reads(content.start), end=self.reads(content.end))

    async def delete(self, event: EventRef) -> bool:
        """See the port."""
        await self._enter("delete", event.mailbox)
        there = event in self.events or event in self.deleted_items
        if event in self.events:
            self._mail("delete", self.events.pop(event))
        self.deleted_items.pop(event, None)
        self.faults.strike(self.faults.after, "delete")
        return there

    async def tag(self, event: EventRef, booking_id: str, seal: str) -> bool:
        """See the port."""
        if not self._extension:
            return True
        await self._enter("tag", event.mailbox)
        if event not in self.events:
            return False
        assert booking_id
        self.events[event] = replace(self.events[event], tag=seal)
        self.faults.strike(self.faults.after, "tag")
        return True

    async def find(self, mailbox: str, marker: str) -> Sequence[FoundEvent]:
        """See the port."""
        await self._enter("find", mailbox)
        return [self._found(event) for event in self.of(mailbox) if event.marker.lower() == marker.lower()]

    async def look(self, event: EventRef) -> FoundEvent | None:
        """See the port."""
        await self._enter("look", event.mailbox)
        known = self.events.get(event) or self.deleted_items.get(event)
        return self._found(known) if known else None

    async def see(self, event: EventRef) -> SeenEvent | None:
        """See the port."""
        await self._enter("see", event.mailbox)
        known = self.events.get(event) or self.deleted_items.get(event)
        if known is None:
            return None
        start, end = (_instant(each) for each in (known.content.start, known.content.end))
        return SeenEvent(start, end, known.stamp, etag_of(known), known.uid, known.created, known.state)

    def user_moves(self, ref: EventRef, by: timedelta, longer: timedelta = timedelta(0)) -> None:
        """A technician drags the event, and perhaps its end further."""
        event = self.events[ref]
        start, end = (_instant(each) for each in (event.content.start, event.content.end))
        content = replace(event.content, start=_wall_clock(start + by), end=_wall_clock(end + by + longer))
        self.events[ref] = replace(event, content=content, version=event.version + 1)

    async def read_tag(self, event: EventRef) -> str:
        """See the port."""
        await self._enter("read_tag", event.mailbox)
        known = self.events.get(event) or self.deleted_items.get(event)
        return known.tag if known else ""

    def _found(self, event: StoredEvent) -> FoundEvent:
        ref = _parsed(event.ref)
        assert ref
        return FoundEvent(
            ref,
            event.transaction_id,
            event.marker,
            event.created,
            event.uid,
            event.birth,
            state=event.state,
            calendar=event.content.calendar if self.tells_calendars else None,
        )

    def _mail(self, operation: str, event: StoredEvent) -> None:
        if event.attended:
            self.mails.append(operation)

    async def _enter(self, operation: str, mailbox: str) -> None:
        self.calls.append(operation)
        await self.hook(f"calendar.{operation}")
        if mailbox in self.refused:
            raise PermanentError(self.refused[mailbox], patience=self.patience)
        self.faults.strike(self.faults.before, operation)


async def no_audit(progress: AuditProgress) -> Outcome:
    """Where no audit lies on the queue."""
    raise AssertionError(progress)


class FakeQueue:
    """The change queue and its poison queue."""

    def __init__(self) -> None:
        self.sent: list[tuple[BookingChange, float]] = []
        self.related: list[tuple[RelatedChange, float]] = []
        self.audits: list[tuple[AuditProgress, float]] = []
        self.outlook: list[tuple[OutlookMessage, float]] = []
        self.poison: list[tuple[str, str]] = []
        self.down = False

    async def send(self, change: BookingChange, delay: float = 0.0) -> None:
        """See the port."""
        if self.down:
            raise TransientError("the queue can't be reached")
        self.sent.append((change, delay))

    async def send_related(self, change: RelatedChange, delay: float = 0.0) -> None:
        """See the port."""
        if self.down:
            raise TransientError("the queue can't be reached")
        self.related.append((change, delay))

    async def send_audit(self, progress: AuditProgress, delay: float = 0.0) -> None:
        """See the port; what is sent is read back, as from the queue."""
        if self.down:
            raise TransientError("the queue can't be reached")
        sent = decode_message(encode_audit(progress))
        assert isinstance(sent, AuditProgress)
        self.audits.append((sent, delay))

    async def send_outlook(self, message: OutlookMessage, delay: float = 0.0) -> None:
        """See the port; what is sent is read back, as from the queue."""
        if self.down:
            raise TransientError("the queue can't be reached")
        await asyncio.sleep(0)  # others go on meanwhile, as with a real one
        sent = decode_message(encode_outlook(message))
        assert isinstance(sent, OutlookChange | MailboxSweep)
        self.outlook.append((sent, delay))

    async def dead_letter(self, message: str, reason: str) -> None:
        """See the port."""
        if self.down:
            raise TransientError("the queue can't be reached")
        self.poison.append((message, reason))
