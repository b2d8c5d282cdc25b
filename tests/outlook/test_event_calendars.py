"""Events in a calendar of their own: the real SDK and the real protocol against the strict stand-in."""

from __future__ import annotations

import asyncio
import functools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from booking_sync.domain.events.event_calendars import EventCalendars, calendar_part
from booking_sync.domain.events.event_text.renderer import EventRenderer, EventStyle
from booking_sync.domain.events.ownership import marker
from booking_sync.domain.events.zones import event_zone
from booking_sync.domain.outcome import OutcomeKind
from booking_sync.domain.plan import desired_state
from booking_sync.domain.record import ATTENDED_REASON
from booking_sync.errors import PermanentError, TransientError
from booking_sync.outlook.calendar import open_calendar
from booking_sync.outlook.mailboxes.named_calendars import REMEMBERED_FOR
from booking_sync.ports.outlook.calendars import Written
from booking_sync.sync.booking.synchronizer import Synchronizer
from booking_sync.sync.booking.task import SyncTask
from local.graph.mailbox.events import SharedCalendar
from local.graph.mailbox.schema import read_event
from local.graph.mailbox.store import NOT_FOUND, time_of_day
from local.standin.faults import Fault
from tests.outlook.kit import BIRTH, CONTENT, EXTENSION, MAILBOX, MARKER, NOW, OTHER_MAILBOX, new_id
from tests.support.bookings import BOOKING_ID, ORGANIZATION_ID, booking
from tests.support.fakes import FakeRows
from tests.support.seals import prover

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from booking_sync.domain.events.event import MarkedEvent
    from booking_sync.domain.outcome import Outcome
    from booking_sync.domain.record import SyncRecord
    from booking_sync.outlook.calendar import OutlookCalendar
    from local.graph.mailbox.events import Mailbox, StoredEvent
    from tests.outlook.kit import GraphHere

JOBS = replace(CONTENT, calendar="Jobs")
TASK = SyncTask(BOOKING_ID)
UNCERTAIN = SyncTask(BOOKING_ID, trusted=False)
_RENDERER = EventRenderer(EventStyle(event_zone("UTC"), "https://contoso.crm4.dynamics.com"))
CALENDARS = r"/calendars($|\?)"


class Settings:
    """Calendars as settings have them, each opened once."""

    def __init__(self, graph: GraphHere) -> None:
        self.graph = graph
        self.now = NOW
        self._open: list[OutlookCalendar] = []

    def calendar(self, current: str, *former: str) -> OutlookCalendar:
        """The adapter of a process that read these settings."""
        graph, calendars = self.graph, EventCalendars(current, former)
        made = open_calendar(graph.url, graph.credential, EXTENSION, lambda: self.now, calendars=calendars)
        self._open.append(made)
        return made

    def synchronizer(self, rows: FakeRows, current: str, *former: str) -> Synchronizer:
        """The protocol of such a process."""
        calendar = self.calendar(current, *former)
        rule = functools.partial(
            desired_state, render=_RENDERER.render, require_work_order=True, calendar=current
        )
        proofs = prover(calendar, ORGANIZATION_ID, time_of_day)
        return Synchronizer(rows, calendar, rule, proofs, time_of_day)

    async def aclose(self) -> None:
        """Close them all."""
        for each in self._open:
            await each.aclose()


@pytest.fixture
async def settings(graph: GraphHere) -> AsyncIterator[Settings]:
    """Of any number of processes."""
    made = Settings(graph)
    yield made
    await made.aclose()


@pytest.fixture
def box(graph: GraphHere) -> Mailbox:
    """The technician's mailbox, which is also the bookings'."""
    return graph.standin.state.user(MAILBOX)


async def create(calendar: OutlookCalendar, content: object = JOBS) -> str:
    """A new event's id."""
    assert isinstance(content, type(CONTENT))
    made = await calendar.create(MAILBOX, content, marker=MARKER, transaction_id=new_id(), birth=BIRTH)
    assert isinstance(made, Written)
    return made.event_id


def requests(graph: GraphHere) -> list[str]:
    """Method and path of every item that Graph was asked for."""
    return [
        f"{item['method']} {item['path'].partition('?')[0]}"
        for batch in graph.batches
        for item in batch.items
    ]


# --- the calendar itself ----------------------------------------------------------------------------------


async def test_a_missing_calendar_is_made_once(settings: Settings, box: Mailbox) -> None:
    """Two requests find it, one makes it; later events of the same process cost one request each."""
    jobs = settings.calendar("Jobs")
    await asyncio.gather(*(create(jobs) for _ in range(5)))
    assert list(box.calendars.values()) == ["Jobs"]
    assert {event.calendar for event in box.events.values()} == set(box.calendars)
    asked = requests(settings.graph)
    assert sum(each.endswith("/calendars") for each in asked) == 3
    assert len(asked) == 3 + 5


async def test_a_calendar_that_is_there_is_used(settings: Settings, box: Mailbox, graph: GraphHere) -> None:
    """Whoever made it, whatever the case of its letters, and on whatever page of the list it is."""
    for number in range(120):
        graph.standin.state.make_calendar(box, f"Other {number}")
    made = graph.standin.state.make_calendar(box, "jobs")
    event = box.events[await create(settings.calendar("Jobs"))]
    assert event.calendar == made
    assert len(box.calendars) == 121


async def test_without_a_name_nothing_is_asked_of_calendars(settings: Settings) -> None:
    """The requests are those that there were before there was a setting."""
    main = settings.calendar("")
    await create(main, CONTENT)
    await main.find(MAILBOX, MARKER)
    await main.list_marked(MAILBOX, NOW, NOW + timedelta(days=1))
    await main.list_all_marked(MAILBOX)
    users = f"/users/{MAILBOX}"
    assert requests(settings.graph) == [
        f"POST {users}/events",
        f"GET {users}/events",
        f"GET {users}/calendarView",
        f"GET {users}/events",
    ]


@pytest.mark.parametrize("names", ["unique", "shared"])
async def test_two_processes_that_make_it_at_the_same_time_come_to_the_same(
    settings: Settings, box: Mailbox, graph: GraphHere, names: str
) -> None:
    """Where Graph refuses a second one, and where it makes two of one name: both are looked at."""
    graph.configure(calendar_names=names, item_seconds=0.02)
    one, other = settings.calendar("Jobs"), settings.calendar("Jobs")
    await asyncio.gather(create(one), create(other))
    settings.now += REMEMBERED_FOR
    places = {box.events[await create(each)].calendar for each in (one, other)}
    assert places == {min(box.calendars)}
    assert {each.calendar for each in await one.find(MAILBOX, MARKER)} == {"Jobs"}
    assert len(await other.find(MAILBOX, MARKER)) == 4


async def test_a_calendar_whose_making_was_not_answered_is_found(
    settings: Settings, box: Mailbox, graph: GraphHere
) -> None:
    """The next try meets it."""
    jobs = settings.calendar("Jobs")
    graph.standin.faults.add(Fault(CALENDARS, method="POST", status=503, when="after"))
    with pytest.raises(TransientError):
        await create(jobs)
    await create(jobs)
    assert len(box.calendars) == len(box.events) == 1


@pytest.mark.parametrize("deleted", ["gone", "kept"])
async def test_a_deleted_calendar_is_made_anew(
    settings: Settings, box: Mailbox, graph: GraphHere, deleted: str
) -> None:
    """At once where its id leads nowhere; else after a quarter of an hour."""
    graph.configure(deleted_calendars=deleted)
    jobs = settings.calendar("Jobs")
    await create(jobs)
    (former,) = box.calendars
    graph.standin.state.delete_calendar(box, former)
    assert await jobs.find(MAILBOX, MARKER) == []
    settings.now += REMEMBERED_FOR if deleted == "kept" else timedelta()
    event = box.events[await create(jobs)]
    assert event.calendar in box.calendars
    assert event.calendar != former


async def test_a_calendar_that_disappears_under_a_list_shows_nothing(
    settings: Settings, box: Mailbox, graph: GraphHere
) -> None:
    """What the main one shows is told all the same; any other refusal fails the list."""
    jobs = settings.calendar("Jobs")
    await create(jobs)
    kept = await create(jobs, CONTENT)
    missing = {"error": {"code": "ErrorItemNotFound", "message": NOT_FOUND}}
    graph.standin.faults.add(Fault(r"/calendars/[^/]+/events\?", status=404, body=missing))
    assert [each.ref.event_id for each in await jobs.find(MAILBOX, MARKER)] == [kept]
    graph.standin.faults.add(Fault(r"/calendars/[^/]+/events\?", status=503))
    with pytest.raises(TransientError):
        await jobs.find(MAILBOX, MARKER)
    assert len(box.events) == 2


async def test_a_full_mailbox_says_so(settings: Settings, graph: GraphHere) -> None:
    """As of an event."""
    graph.standin.state.add_mailbox(MAILBOX, kind="full")
    with pytest.raises(PermanentError, match="full"):
        await create(settings.calendar("Jobs"))


# --- calendars that colleagues share ----------------------------------------------------------------------


def share(graph: GraphHere, **how: bool) -> list[str]:
    """A colleague shares calendars of that name, so many that one has the least id; their ids."""
    state = graph.standin.state
    shared = SharedCalendar("Jobs", state.user(OTHER_MAILBOX), **how)
    return [state.share(state.user(MAILBOX), shared) for _ in range(8)]


@pytest.mark.parametrize("readable", [True, False], ids=["readable", "denied"])
async def test_a_colleague_s_calendar_of_that_name_is_not_the_technician_s(
    settings: Settings, box: Mailbox, graph: GraphHere, *, readable: bool
) -> None:
    """An own one is made beside it, and only that one is looked at, whether the other can be read or not."""
    shared = share(graph, readable=readable)
    jobs = settings.calendar("Jobs")
    assert await jobs.find(MAILBOX, MARKER) == []
    event_id = await create(jobs)
    assert list(box.calendars.values()) == ["Jobs"]
    assert box.events[event_id].calendar in box.calendars
    state = graph.standin.state
    theirs = state.copy(box, box.events[event_id])
    theirs.calendar = shared[0]
    assert [each.ref.event_id for each in await jobs.find(MAILBOX, MARKER)] == [event_id]
    first = datetime(2026, 3, 2, tzinfo=UTC)
    for listed in (
        await jobs.list_marked(MAILBOX, first, first + timedelta(days=1)),
        await jobs.list_all_marked(MAILBOX),
    ):
        assert [each.ref.event_id for each in listed] == [event_id]


async def test_the_owner_s_address_is_compared_without_regard_to_case(
    settings: Settings, box: Mailbox, graph: GraphHere
) -> None:
    """Any number of own calendars of that name count, on whatever page of the list the main one is."""
    share(graph)
    made = graph.standin.state.make_calendar(box, "jobs")
    body = {
        "value": [
            {"id": made, "name": "jobs", "owner": {"name": "A", "address": "Anna@Example.com"}},
            {"id": "AAMkmain=", "isDefaultCalendar": True, "owner": {"address": "anna@example.com"}},
        ]
    }
    graph.standin.faults.add(Fault(CALENDARS, "GET", status=200, body=body))
    assert box.events[await create(settings.calendar("Jobs"))].calendar == made


@pytest.mark.parametrize("takes_name", [True, False])
async def test_where_no_own_calendar_can_have_the_name_the_row_says_so(
    settings: Settings, box: Mailbox, graph: GraphHere, *, takes_name: bool
) -> None:
    """A colleague's may stand in its way; it is tried again for some hours, since people can rename it."""
    share(graph, takes_name=takes_name)
    jobs = settings.calendar("Jobs")
    if not takes_name:
        await create(jobs)
        return
    with pytest.raises(PermanentError, match="shares a calendar") as refusal:
        await create(jobs)
    assert refusal.value.patience
    assert not box.calendars
    box.shared_calendars.clear()
    assert box.events[await create(jobs)].calendar in box.calendars


async def test_where_no_owner_is_told_the_name_decides(
    settings: Settings, box: Mailbox, graph: GraphHere
) -> None:
    """As it always did."""
    shared, box.tells_owners = share(graph), False
    assert box.events[await create(settings.calendar("Jobs"))].calendar == min(shared)


# --- searches and lists -----------------------------------------------------------------------------------


@pytest.mark.parametrize("cover", ["main", "all"])
async def test_searches_tell_in_which_calendar_an_event_is(
    settings: Settings, graph: GraphHere, cover: str
) -> None:
    """Of the current one, former ones and the main one; whatever `/users/{id}/events` lists."""
    graph.configure(events_cover=cover)
    both = settings.calendar("Jobs", "Field Service")
    made = {
        await create(both): "Jobs",
        await create(both, CONTENT): "",
        await create(
            settings.calendar("Field Service"), replace(CONTENT, calendar="Field Service")
        ): "Field Service",
        await create(settings.calendar("Others"), replace(CONTENT, calendar="Others")): None,
    }
    shown = {event_id: name for event_id, name in made.items() if name is not None}
    assert {each.ref.event_id: each.calendar for each in await both.find(MAILBOX, MARKER)} == shown

    def told(events: list[MarkedEvent]) -> dict[str, str]:
        return {each.ref.event_id: each.calendar for each in events}

    first = datetime(2026, 3, 2, tzinfo=UTC)
    assert told(await both.list_marked(MAILBOX, first, first + timedelta(days=1))) == shown
    assert told(await both.list_marked(MAILBOX, first - timedelta(days=1), first)) == {}
    assert told(await both.list_all_marked(MAILBOX)) == shown


async def test_only_what_the_event_calendar_shows_counts_as_entries(
    settings: Settings, graph: GraphHere
) -> None:
    """People's own appointments in the main one would hide that somebody deleted the calendar of bookings."""
    jobs = settings.calendar("Jobs", "Field Service")
    graph.user_creates(MAILBOX, "dentist")
    days = NOW - timedelta(days=1), NOW + timedelta(days=1)
    assert (await jobs.whole_mailboxes.list_shown(MAILBOX, *days)).entries == 0
    made = [await create(jobs), await create(jobs, CONTENT)]
    shown = await jobs.whole_mailboxes.list_shown(MAILBOX, *days)
    assert ({each.ref.event_id for each in shown.events}, shown.entries) == (set(made), 1)
    main = settings.calendar("", "Jobs")
    assert (await main.whole_mailboxes.list_shown(MAILBOX, *days)).entries == 2


# --- the protocol -----------------------------------------------------------------------------------------


class Move:
    """One booking that is in step by some settings, before others come."""

    def __init__(self, settings: Settings, box: Mailbox) -> None:
        self.settings = settings
        self.box = box
        self.rows = FakeRows()
        self.rows.put(booking(mailbox=MAILBOX))

    @property
    def record(self) -> SyncRecord:
        """What the row remembers."""
        return self.rows.rows[BOOKING_ID].record

    @property
    def shown(self) -> list[str]:
        """Of each event that the app made, its calendar."""
        ours = (each for each in self.box.events.values() if each.owner_app)
        return [self.box.calendars.get(each.calendar, "") for each in ours]

    async def sync(self, task: SyncTask, current: str, *former: str) -> Outcome:
        """One run of a process that read these settings."""
        return await self.settings.synchronizer(self.rows, current, *former).sync(task)

    @property
    def event(self) -> StoredEvent:
        """The one that the row names."""
        assert self.record.event is not None
        return self.box.events[self.record.event.event_id]


@pytest.fixture
def move(settings: Settings, box: Mailbox) -> Move:
    """Not yet in step."""
    return Move(settings, box)


@pytest.mark.parametrize("span", ["mailbox", "calendar"])
@pytest.mark.parametrize(
    "road",
    [("", "Jobs"), ("Jobs", "", "Jobs"), ("Jobs", ""), ("Jobs", "Field Service", "Jobs")],
    ids=lambda road: " to ".join(each or "main" for each in road),
)
async def test_an_event_moves_with_the_setting(
    move: Move, graph: GraphHere, span: str, road: tuple[str, ...]
) -> None:
    """By the booking's next hint, trusted as it is; then it is in step, and the next generation."""
    before, after, *former = road
    graph.configure(transactions_span=span)
    assert (await move.sync(TASK, before)).kind is OutcomeKind.SYNCED
    assert move.shown == [before]
    assert (await move.sync(TASK, after, *former)).kind is OutcomeKind.SYNCED
    assert move.shown == [after]
    assert move.record.generation == 2
    assert move.record.fingerprint.endswith(calendar_part(after))
    for task in (TASK, UNCERTAIN):
        await move.sync(task, after, *former)
        assert move.shown == [after]
        assert move.record.generation == 2
    assert graph.standin.state.mails == []


async def test_in_its_calendar_an_event_costs_no_request(move: Move, graph: GraphHere) -> None:
    """The record is enough."""
    await move.sync(TASK, "Jobs")
    asked = len(graph.batches)
    assert (await move.sync(TASK, "Jobs")).kind is OutcomeKind.UNCHANGED
    assert len(graph.batches) == asked


async def test_an_event_with_people_stays_where_it_is(move: Move, graph: GraphHere) -> None:
    """Its removal would send mail: the row says so, and nothing is made beside it. Without them it moves."""
    await move.sync(TASK, "")
    state, event = graph.standin.state, move.event
    invited = {"emailAddress": {"address": "c@adatum.example", "name": "C"}, "type": "required"}
    for people in ([invited], []):
        state.change(move.box, event, read_event({"attendees": people}, creating=False), by_app=False)
        mails = len(state.mails)
        outcome = await move.sync(UNCERTAIN, "Jobs")
        if people:
            assert outcome.kind is OutcomeKind.FAILED
            assert move.record.error == ATTENDED_REASON
            assert move.shown == [""]
            assert (await move.sync(TASK, "Jobs")).kind is OutcomeKind.FAILED
        assert len(state.mails) == mails
    assert move.shown == ["Jobs"]
    assert move.record.error == ""


async def test_an_event_that_somebody_dragged_elsewhere_is_put_back(move: Move, graph: GraphHere) -> None:
    """By whoever looks, as the audit has it done: into the calendar of the settings."""
    await move.sync(TASK, "Jobs")
    graph.standin.state.drag(move.box, move.event, "")
    assert (await move.sync(TASK, "Jobs")).kind is OutcomeKind.UNCHANGED
    assert (await move.sync(UNCERTAIN, "Jobs")).kind is OutcomeKind.SYNCED
    assert move.shown == ["Jobs"]


async def test_an_answer_that_names_another_calendar_is_doubted(move: Move, graph: GraphHere) -> None:
    """A write to an event that was dragged elsewhere makes one search, and then the event anew."""
    process = move.settings.synchronizer(move.rows, "Jobs")
    await process.sync(TASK)
    graph.standin.state.drag(move.box, move.event, "")
    move.rows.put(replace(booking(mailbox=MAILBOX), name="Renamed"))
    assert (await process.sync(TASK)).kind is OutcomeKind.SYNCED
    assert move.shown == ["Jobs"]


async def test_what_a_crashed_try_made_in_the_former_calendar_is_removed(move: Move) -> None:
    """No row names it; it is found by its marker, and the event is made where it belongs."""
    await move.sync(TASK, "")
    move.rows.rows[BOOKING_ID] = replace(move.rows.rows[BOOKING_ID], record=type(move.record)(), intact=True)
    assert (await move.sync(UNCERTAIN, "Jobs")).kind is OutcomeKind.SYNCED
    assert move.shown == ["Jobs"]


async def test_a_canceled_booking_s_event_goes_from_its_calendar(move: Move) -> None:
    """Whatever the settings say by then."""
    for after in ("Jobs", ""):
        await move.sync(TASK, "Jobs")
        assert move.shown == ["Jobs"]
        move.rows.put(replace(booking(mailbox=MAILBOX), active=False))
        assert (await move.sync(TASK, after)).kind is OutcomeKind.SYNCED
        assert move.shown == []
        move.rows.put(booking(mailbox=MAILBOX))


async def test_a_given_up_booking_keeps_the_place_of_its_event(move: Move) -> None:
    """Its content is forgotten, and not the calendar: the next try writes it where it is."""
    await move.sync(TASK, "Jobs")
    event = move.record.event
    await move.settings.synchronizer(move.rows, "Jobs").note_failure(BOOKING_ID, "Too old.")
    assert move.record.fingerprint == calendar_part("Jobs")
    assert (await move.sync(TASK, "Jobs")).kind is OutcomeKind.SYNCED
    assert move.record.event == event


def test_the_tests_markers_are_the_bookings() -> None:
    """Searches here are for this organisation's bookings."""
    assert marker(ORGANIZATION_ID, BOOKING_ID).endswith(BOOKING_ID)
