"""Calendars on Microsoft Graph: what the answers to each operation mean.

The ports are `Calendar`, `EventReads`, `MarkedEvents`, `MarkedAnywhere` and `ForeignEvents`.

Every method submits one request at a time to the scheduler, which joins the requests of all callers into
batches. The method reads the answers that mean something to it; `errors` translates all others, so only
`TransientError` and `PermanentError` are raised.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

from booking_sync.domain.events.event_calendars import MAIN, MAIN_ONLY
from booking_sync.domain.events.event_ref import EventRef
from booking_sync.errors import OvertakenError, PermanentError, TransientError
from booking_sync.outlook import listing
from booking_sync.outlook.bodies import SEAL_PROPERTY
from booking_sync.outlook.graph import errors
from booking_sync.outlook.graph.batch import BatchSender
from booking_sync.outlook.graph.client import GraphClient
from booking_sync.outlook.graph.scheduler import BatchScheduler
from booking_sync.outlook.mailboxes.directory import GraphDirectory
from booking_sync.outlook.mailboxes.mailbox_settings import GraphReaders
from booking_sync.outlook.mailboxes.named_calendars import NamedCalendars
from booking_sync.outlook.pages import GraphPages
from booking_sync.outlook.requests import EventRequests
from booking_sync.plumbing.busy_time import BURST_SIZES
from booking_sync.ports.outlook.calendars import AlreadyCreated, ForeignEvent, Written

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from datetime import datetime

    import httpx

    from booking_sync.domain.events.event import ContentPart, EventContent, FoundEvent, MarkedEvent, SeenEvent
    from booking_sync.domain.events.event_calendars import EventCalendars
    from booking_sync.outlook.graph.wire import Answer, BatchResult, GraphRequest
    from booking_sync.plumbing.circuit import Circuit
    from booking_sync.ports.outlook.calendars import ExtendedEvent
    from booking_sync.ports.outlook.categories import CategoryLists
    from booking_sync.ports.outlook.directory import Directory
    from booking_sync.ports.outlook.readers import Readers
    from booking_sync.ports.outlook.subscriptions import Subscriptions
    from booking_sync.ports.outlook.sweeps import MailboxEvents
    from booking_sync.ports.platform.clock import Clock
    from booking_sync.ports.platform.credentials import AppCredential


MAX_MARKED_ALIKE = 100
"""Events with the mark of one booking, copies included, that are looked at."""

_TOO_MANY_ALIKE = (
    f"Outlook: more than {MAX_MARKED_ALIKE} events carry the mark of one booking. None of them is touched "
    "until their owner has removed the copies."
)


class Batches(Protocol):
    """What the calendar needs of the scheduler."""

    async def submit(self, request: GraphRequest) -> Answer:
        """The request's own answer; raises `TransientError` when there is none."""

    def closed(self) -> Mapping[str, float]:
        """Mailboxes that Graph asked to leave alone, and the seconds left; "" stands for Graph as a whole."""

    async def aclose(self) -> None:
        """Fail all requests that have no answer yet."""


def open_calendar(
    graph_url: str,
    credential: AppCredential,
    extension_name: str,
    now: Clock,
    *,
    circuit: Circuit | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    in_burst: int = BURST_SIZES.events,
    calendars: EventCalendars = MAIN_ONLY,
) -> OutlookCalendar:
    """The process's calendar; make one, on the event loop that will use it, and `aclose` it there.

    Args:
        graph_url: the setting `GRAPH_URL`.
        credential: the app's; stays the caller's to close.
        extension_name: the setting `OPEN_EXTENSION_NAME`; empty writes no open extension.
        now: the time that an HTTP date in `Retry-After` is compared with.
        circuit: opens when Graph as a whole is down; None sends everything, come what may.
        transport: what requests travel on; None for connections of our own.
        in_burst: with how many items a batch leaves in a burst.
        calendars: those of each mailbox that may hold our events.
    """
    client = GraphClient(graph_url, credential, transport)
    sender = BatchSender(client, credential, now, circuit)
    batches = BatchScheduler(
        sender.send, lambda answer: errors.mailbox_pause(answer, now()), in_burst=in_burst
    )
    apart = BatchSender(client, credential, now)
    return OutlookCalendar(
        client, batches, extension_name=extension_name, now=now, calendars=calendars, apart=apart.send
    )


class OutlookCalendar:
    """Calendars in Exchange Online, any number of callers at the same time."""

    def __init__(
        self,
        client: GraphClient,
        batches: Batches,
        *,
        extension_name: str,
        now: Clock,
        calendars: EventCalendars = MAIN_ONLY,
        apart: Callable[[Sequence[GraphRequest]], Awaitable[BatchResult]] | None = None,
        requests: EventRequests | None = None,
    ) -> None:
        self._apart = apart
        self._client = client
        self._batches = batches
        self._requests = requests or EventRequests(client)
        self._extension_name = extension_name
        self._now = now
        self._calendars = calendars
        self._pages = GraphPages(batches.submit, self._requests.next_page, now)
        self._named = NamedCalendars(batches.submit, self._pages, self._requests, now)
        self._versions_are_refused = False

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
        """Create an event without attendees, marked as ours in the same step.

        Args:
            mailbox: Entra object id of its user.
            content: what to show, and in which calendar, which is made when it is missing.
            marker: our mark, searchable with `find`.
            transaction_id: the same on every try of the same creation.
            birth: the sealed property of this request.
            stamp: of its times; empty for none.

        Raises:
            TransientError: try again with the same transaction id.
            PermanentError: no mailbox, no access, or Graph refuses the content.
        """
        answer = await self._post(
            mailbox, content, marker=marker, transaction_id=transaction_id, birth=birth, stamp=stamp
        )
        if errors.is_duplicate(answer):
            return AlreadyCreated(errors.existing_event_id(answer))
        written = listing.written(answer.body) if errors.is_success(answer) else None
        if written is None:
            raise errors.translate(answer, self._now(), writes=True, creating=True)
        if listing.is_of_another_creation(answer.body, transaction_id):
            raise TransientError("Graph's answer is another creation's", maybe_applied=True)
        return written

    async def update(
        self,
        event: EventRef,
        content: EventContent,
        kept: frozenset[ContentPart] = frozenset(),
        *,
        stamp: str = "",
        etag: str = "",
    ) -> Written | None:
        """Write our content; None when the event is gone.

        Args:
            event: the event.
            content: what to show.
            kept: parts that it has already, and that are not written.
            stamp: of its times, if these are written; empty for none.
            etag: the version that it must still be; empty for any. `If-Match` is not documented for events;
                others rely on its 412. Where Graph itself refuses the header, the write goes without, and so
                do all later ones: whoever writes late is then told by the event's stamp.

        Raises:
            OvertakenError: the event has another version by now.
            TransientError: try again.
            PermanentError: no mailbox, no access, or Graph refuses the content.
        """
        etag = "" if self._versions_are_refused else etag
        request = self._requests.update(event, content, kept, stamp=stamp, etag=etag)
        answer = await self._batches.submit(request)
        if etag and _may_refuse_versions(answer):
            request = self._requests.update(event, content, kept, stamp=stamp)
            answer = await self._batches.submit(request)
            # A 400 again is about the content, and says nothing of the header.
            self._versions_are_refused |= errors.is_success(answer)
        if errors.is_event_gone(answer):
            return None
        if etag and answer.status == HTTPStatus.PRECONDITION_FAILED:
            raise OvertakenError("the event was changed while it was written")
        if not errors.is_success(answer):
            raise self._pages.error(answer, request)
        written = listing.written(answer.body)
        # An answer that names another event, or none that can be read, tells nothing more of ours.
        return written if written and written.event_id == event.event_id else Written(event.event_id)

    async def delete(self, event: EventRef) -> bool:
        """Remove the event; False when there is none under this id, unless it is gone with its whole mailbox.

        A mailbox may come back with it, as after a licence that was taken by mistake: that is the audit's to
        find. As a failure it would keep bookings from leaving a technician who is gone.

        Raises:
            TransientError: try again.
            PermanentError: no access.
        """
        request = self._requests.delete(event)
        answer = await self._batches.submit(request)
        if errors.is_success(answer) or errors.is_mailbox_missing(answer):
            return True
        if errors.is_event_gone(answer, deleting=True):
            return False
        raise self._pages.error(answer, request)

    async def tag(self, event: EventRef, booking_id: str, seal: str) -> bool:
        """Write the open extension with the event's seal; False when the event is gone.

        One that is there already is overwritten. Without a configured name the seal becomes an extended
        property instead.

        Raises:
            TransientError: try again.
            PermanentError: no mailbox or no access.
        """
        if self._extension_name:
            request = self._requests.tag(event, self._extension_name, booking_id, seal)
        else:
            request = self._requests.seal(event, seal)
        answer = await self._batches.submit(request)
        if self._extension_name and errors.is_there_already(answer):
            request = self._requests.retag(event, self._extension_name, booking_id, seal)
            answer = await self._batches.submit(request)
        if errors.is_success(answer):
            return True
        if errors.is_event_gone(answer):
            return False
        raise self._pages.error(answer, request)

    async def read_tag(self, event: EventRef) -> str:
        """The seal in the event's open extension; empty when there is none, or the event is gone.

        Without a configured name nothing is requested: an extended property comes with `find` and `look`.

        Raises:
            TransientError: try again.
            PermanentError: no mailbox or no access.
        """
        if not self._extension_name:
            return ""
        request = self._requests.read_tag(event, self._extension_name)
        answer = await self._batches.submit(request)
        if errors.is_event_gone(answer) or errors.is_extension_missing(answer):
            return ""
        if not errors.is_success(answer):
            raise self._pages.error(answer, request)
        return listing.tag_seal(answer.body, SEAL_PROPERTY)

    async def see(self, event: EventRef) -> SeenEvent | None:
        """The event's times as they are now, with our stamp on them; None when it is gone.

        Raises:
            TransientError: try again.
            PermanentError: no mailbox or no access.
        """
        answer = await self._answer(self._requests.see(event))
        return listing.seen_event(answer.body) if answer else None

    async def look(self, event: EventRef) -> FoundEvent | None:
        """What of one event may prove whose it is, without its tag; None when gone; raises as `read`."""
        answer = await self._answer(self._requests.look(event))
        # Under the id that it answers to, whatever kind of id the answer has.
        return replace(listing.found_event(answer.body, event.mailbox), ref=event) if answer else None

    async def find(self, mailbox: str, marker: str) -> list[FoundEvent]:
        """Every event in the mailbox that carries the marker, completely listed.

        Graph compares values without regard to case, and so do we. Its speed on a large calendar is unknown:
        for recovery and audit only.

        Raises:
            TransientError: the list could not be read to its end.
            PermanentError: no mailbox or no access, or more events than any booking ever has.
        """
        found: dict[str, FoundEvent] = {}
        for name, calendar_id in await self._places(mailbox):
            request = self._requests.find(mailbox, marker, calendar_id)
            async for entries in self._pages(request, may_be_gone=bool(calendar_id)):
                for each in listing.found_events(entries, mailbox, marker):
                    found.setdefault(each.ref.event_id, replace(each, calendar=name))
                if len(found) > MAX_MARKED_ALIKE:
                    raise PermanentError(_TOO_MANY_ALIKE)
        return list(found.values())

    async def read(self, event: EventRef) -> MarkedEvent | None:
        """The event as it is now, whoever made it; None when it is gone.

        Raises:
            TransientError: try again.
            PermanentError: no mailbox or no access.
        """
        answer = await self._answer(self._requests.read(event))
        return replace(listing.single_event(answer.body, event.mailbox), ref=event) if answer else None

    async def _answer(self, request: GraphRequest) -> Answer | None:
        """What Graph shows of one event, whatever its body is; None when it is gone."""
        answer = await self._batches.submit(request)
        if errors.is_event_gone(answer):
            return None
        if not errors.is_success(answer):
            raise self._pages.error(answer, request)
        return answer

    async def list_marked(self, mailbox: str, first: datetime, last: datetime) -> list[MarkedEvent]:
        """Every event with a marker of ours that touches this time, completely listed.

        Of the calendars that may hold events of ours: the main one, and those that the settings name.

        Args:
            mailbox: Entra object id of its user.
            first: aware.
            last: aware; itself outside.

        Raises:
            TransientError: the list could not be read to its end.
            PermanentError: no mailbox or no access.
        """
        return await self._list_marked(
            mailbox, lambda calendar_id: self._requests.view(mailbox, first, last, calendar_id)
        )

    async def list_all_marked(self, mailbox: str) -> list[MarkedEvent]:
        """Every event with a marker of ours in these calendars, whenever it is; raises as `list_marked`."""
        return await self._list_marked(
            mailbox, lambda calendar_id: self._requests.everything(mailbox, calendar_id)
        )

    async def list_extended(self, mailbox: str, extension: str, field: str) -> list[ExtendedEvent]:
        """Every event with this open extension in the main calendar; raises as `list_marked`."""
        return [
            event
            async for entries in self._pages(self._requests.extended(mailbox, extension))
            for event in listing.extended_events(entries, mailbox, field)
        ]

    async def look_up(self, event: EventRef) -> ForeignEvent | None:
        """The event, under its immutable id where Graph tells it; None when there is no such event.

        The id may be of either kind. Whether Graph takes a regular id where immutable ones are asked for is
        not documented, so it is tried both ways.

        Raises:
            TransientError: try again.
            PermanentError: no mailbox or no access, or what is given is no event id.
        """
        for immutable in (True, False):
            request = self._requests.get(event, immutable=immutable)
            answer = await self._batches.submit(request)
            if errors.is_success(answer):
                return listing.foreign_event(answer.body, event, immutable=immutable)
            if not errors.is_event_gone(answer):
                raise self._pages.error(answer, request)
        return None

    async def claim(self, event: EventRef, marker: str) -> ForeignEvent | None:
        """Put our marker on an event that another program made; None when it is gone.

        By a regular id the event is marked first and then found by the mark.

        Raises:
            TransientError: try again.
            PermanentError: no mailbox or no access.
        """
        for immutable in (True, False):
            request = self._requests.claim(event, marker, immutable=immutable)
            answer = await self._batches.submit(request)
            if errors.is_success(answer):
                if immutable:
                    named = listing.written(answer.body) or Written(event.event_id)
                    return ForeignEvent(EventRef(event.mailbox, named.event_id), named.uid)
                return await self._marked_now(event.mailbox, marker)
            if not errors.is_event_gone(answer):
                raise self._pages.error(answer, request)
        return None

    @cached_property
    def readers(self) -> Readers:
        """What people have chosen in Outlook; asked through the same batches."""
        return GraphReaders(self._batches.submit, self._requests, self._now)

    @cached_property
    def directory(self) -> Directory:
        """Whose mailbox an address is; asked through the same batches."""
        return GraphDirectory(self._batches.submit, self._requests, self._now)

    @cached_property
    def category_lists(self) -> CategoryLists:
        """The mailboxes' own lists of categories; asked through the same batches."""
        from booking_sync.outlook.mailboxes.categories import OutlookCategories  # noqa: PLC0415 - no booking needs it

        return OutlookCategories(self._batches.submit, self._requests, self._now)

    @cached_property
    def whole_mailboxes(self) -> MailboxEvents:
        """Mailboxes with all of their calendars; asked through the same batches."""
        from booking_sync.outlook.mailboxes.whole_mailbox import WholeMailbox  # noqa: PLC0415 - no booking needs it

        return WholeMailbox(self._pages, self._requests, self._places, self._calendars.current)

    @cached_property
    def subscriptions(self) -> Subscriptions:
        """What Graph is asked to report; asked apart from calendars, since it may take long."""
        from booking_sync.outlook.subscriptions import GraphSubscriptions  # noqa: PLC0415 - no booking needs it

        if self._apart is None:
            raise ValueError("this calendar was made without a way to ask apart from others")
        return GraphSubscriptions(self._apart, self._requests, self._now)

    def closed(self) -> Mapping[str, float]:
        """Mailboxes that Graph asked to leave alone, and the seconds left; "" stands for Graph as a whole."""
        return self._batches.closed()

    async def aclose(self) -> None:
        """Fail whatever is still under way and close the connections."""
        await self._batches.aclose()
        await self._client.aclose()

    async def _post(
        self,
        mailbox: str,
        content: EventContent,
        *,
        marker: str,
        transaction_id: str,
        birth: str,
        stamp: str,
    ) -> Answer:
        """The answer to a creation, once more where the calendar that was remembered is gone."""
        for _ in range(2):
            name = content.calendar
            request = self._requests.create(
                mailbox,
                content,
                marker=marker,
                transaction_id=transaction_id,
                birth=birth,
                stamp=stamp,
                calendar_id=await self._named.for_creation(mailbox, name) if name else "",
            )
            answer = await self._batches.submit(request)
            if not name or not errors.is_folder_missing(answer):
                break
            self._named.forget(mailbox, name)
        return answer

    async def _places(self, mailbox: str) -> list[tuple[str | None, str | None]]:
        """By name and id the calendars that may hold events of ours; the main one last.

        Without any that is named, Graph is asked as ever, and nobody says which calendar shows an event.
        """
        if self._calendars.only_main:
            return [(None, None)]
        return [*await self._named.find(mailbox, self._calendars.named), (MAIN, "")]

    async def _list_marked(
        self, mailbox: str, listed: Callable[[str | None], GraphRequest]
    ) -> list[MarkedEvent]:
        events: dict[str, MarkedEvent] = {}
        for name, calendar_id in await self._places(mailbox):
            async for entries in self._pages(listed(calendar_id), may_be_gone=bool(calendar_id)):
                for event in listing.marked_events(entries, mailbox):
                    # Occurrences of a series stand for the one event that the user made it of: the earliest
                    # does.
                    events.setdefault(event.ref.event_id, replace(event, calendar=name or MAIN))
        return list(events.values())

    async def _marked_now(self, mailbox: str, marker: str) -> ForeignEvent | None:
        found = await self.find(mailbox, marker)
        if len(found) > 1:
            raise PermanentError("Outlook: several events carry this booking's mark; a person has to choose.")
        return ForeignEvent(found[0].ref, found[0].uid) if found else None


def _may_refuse_versions(answer: Answer) -> bool:
    """Whether Graph may have judged the header: a 400 of its own that does not say that the event is gone."""
    judged = answer.status == HTTPStatus.BAD_REQUEST and errors.is_verdict(answer)
    return judged and not errors.is_event_gone(answer)
