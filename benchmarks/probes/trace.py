"""Watches at the seams of the sync: each stands before the real thing and notes when it was in work.

The seams are those that the classes offer their callers (`SecretSource`, `AppCredential`, `Wire`,
`BatchTransport`, `BookingRows`, `Calendar`); nothing is patched.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from booking_sync.plumbing.closed_on_exit import ClosedOnExit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import httpx

    from booking_sync.dataverse.web_api.reply import Reply
    from booking_sync.dataverse.web_api.transport import Request, Wire
    from booking_sync.domain.events.event import ContentPart, EventContent, FoundEvent, SeenEvent
    from booking_sync.domain.events.event_ref import EventRef
    from booking_sync.domain.record import BookingRow, SyncRecord
    from booking_sync.domain.return_path.side import Returned
    from booking_sync.outlook.graph.batch import BatchTransport
    from booking_sync.ports.dataverse.bookings import BookingRows, Recorded
    from booking_sync.ports.outlook.calendars import AlreadyCreated, Calendar, Written
    from booking_sync.ports.platform.credentials import AccessToken, AppCredential, SecretSource, SecretText


@dataclass(frozen=True, slots=True)
class Span:
    """Something that took from one moment to another, in seconds of `time.perf_counter`."""

    name: str
    start: float
    end: float


class Trace:
    """The spans of what is being watched, in the order in which they ended."""

    def __init__(self) -> None:
        self.spans: list[Span] = []

    @contextmanager
    def span(self, name: str) -> Iterator[None]:
        """Note how long the block takes."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.spans.append(Span(name, started, time.perf_counter()))

    def take(self) -> list[Span]:
        """The spans so far, in the order in which they began; begins anew."""
        spans, self.spans = self.spans, []
        return sorted(spans, key=lambda span: span.start)


class TracedSource:
    """`SecretSource`, watched."""

    def __init__(self, source: SecretSource, trace: Trace) -> None:
        self._source = source
        self._trace = trace

    async def fetch(self) -> SecretText:
        """The current secret."""
        with self._trace.span("secret"):
            return await self._source.fetch()

    async def close(self) -> None:
        """Close the connections."""
        await self._source.close()


class TracedCredential(ClosedOnExit):
    """`AppCredential`, watched."""

    def __init__(self, credential: AppCredential, trace: Trace) -> None:
        self._credential = credential
        self._trace = trace

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """A valid token."""
        with self._trace.span("token"):
            return await self._credential.get_token(*scopes, **options)

    def renew(self) -> None:
        """A service refused our token."""
        self._credential.renew()

    async def close(self) -> None:
        """Close the connections."""
        await self._credential.close()


class TracedWire:
    """Dataverse's `Wire`, watched."""

    def __init__(self, wire: Wire, trace: Trace) -> None:
        self._wire = wire
        self._trace = trace

    async def exchange(self, request: Request, token: str) -> Reply:
        """Send, and wait for the answer."""
        with self._trace.span("dataverse request"):
            return await self._wire.exchange(request, token)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._wire.aclose()


class TracedBatches:
    """Graph's `BatchTransport`, watched."""

    def __init__(self, transport: BatchTransport, trace: Trace) -> None:
        self._transport = transport
        self._trace = trace

    async def post_batch(self, content: bytes, request_id: str) -> httpx.Response:
        """POST a batch's JSON."""
        with self._trace.span("graph request"):
            return await self._transport.post_batch(content, request_id)


class TracedRows:
    """`BookingRows`, watched."""

    def __init__(self, rows: BookingRows, trace: Trace) -> None:
        self._rows = rows
        self._trace = trace

    async def read(self, booking_id: str) -> BookingRow | None:
        """The row as it is now."""
        with self._trace.span("read"):
            return await self._rows.read(booking_id)

    async def record(
        self, booking_id: str, etag: str, record: SyncRecord, returned: Returned | None = None
    ) -> Recorded:
        """Write our record."""
        with self._trace.span("record"):
            return await self._rows.record(booking_id, etag, record, returned)


class TracedCalendar:
    """`Calendar`, watched."""

    def __init__(self, calendar: Calendar, trace: Trace) -> None:
        self._calendar = calendar
        self._trace = trace

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
        """Create an event."""
        with self._trace.span("create"):
            return await self._calendar.create(
                mailbox, content, marker=marker, transaction_id=transaction_id, birth=birth, stamp=stamp
            )

    async def update(
        self,
        event: EventRef,
        content: EventContent,
        kept: frozenset[ContentPart] = frozenset(),
        *,
        stamp: str = "",
        etag: str = "",
    ) -> Written | None:
        """Write our content."""
        with self._trace.span("update"):
            return await self._calendar.update(event, content, kept, stamp=stamp, etag=etag)

    async def delete(self, event: EventRef) -> bool:
        """Remove the event."""
        with self._trace.span("delete"):
            return await self._calendar.delete(event)

    async def see(self, event: EventRef) -> SeenEvent | None:
        """See the port."""
        with self._trace.span("see"):
            return await self._calendar.see(event)

    async def tag(self, event: EventRef, booking_id: str, seal: str) -> bool:
        """Add the open extension."""
        with self._trace.span("tag"):
            return await self._calendar.tag(event, booking_id, seal)

    async def look(self, event: EventRef) -> FoundEvent | None:
        """What may prove whose the event is."""
        with self._trace.span("look"):
            return await self._calendar.look(event)

    async def read_tag(self, event: EventRef) -> str:
        """The seal in the open extension."""
        with self._trace.span("read_tag"):
            return await self._calendar.read_tag(event)

    async def find(self, mailbox: str, marker: str) -> Sequence[FoundEvent]:
        """Every event that carries the marker."""
        with self._trace.span("find"):
            return await self._calendar.find(mailbox, marker)
