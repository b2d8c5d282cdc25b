"""An event whose zone Exchange reads by other rules is put right at once, by one further write at most."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_sync.domain.bookings.booking import Booking
from booking_sync.domain.events.event import EventContent, EventTime
from booking_sync.domain.events.event_text.renderer import EventRenderer, EventStyle
from booking_sync.domain.events.zones import ZoneDifference, event_zone
from booking_sync.domain.outcome import OutcomeKind
from booking_sync.domain.plan import DesiredState, Wanted, desired_state
from booking_sync.domain.return_path.policy import Mode, ReturnPolicy
from booking_sync.errors import TransientError
from booking_sync.ports.outlook.calendars import Written
from booking_sync.sync.booking.return_path import ReturnPath
from booking_sync.sync.booking.synchronizer import Synchronizer
from booking_sync.sync.booking.task import SyncTask
from booking_sync.sync.booking.zone_differences import MAX_STRETCHES, REMEMBERED, ZoneDifferences
from tests.support.bookings import ANNA, BOOKING_ID, ORGANIZATION_ID, booking
from tests.support.fakes import FakeCalendar, FakeRows, events_clock
from tests.support.return_reads import FakeReturnReads
from tests.support.seals import prover

BERLIN = event_zone("Europe/Berlin")
WINDOWS = "W. Europe Standard Time"
HOUR = timedelta(hours=1)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
_RENDERER = EventRenderer(EventStyle(BERLIN, "https://contoso.crm4.dynamics.com"))


def desired(subject: Booking) -> DesiredState:
    """What Outlook should show of a booking, in Berlin's time."""
    return desired_state(subject, _RENDERER.render, require_work_order=True)


def wanted(subject: Booking) -> EventContent:
    """The content that a booking should show as."""
    state = desired(subject)
    assert isinstance(state, Wanted)
    return state.content


def later(subject: Booking, span: timedelta) -> Booking:
    """The same booking at another time."""
    assert subject.start
    assert subject.end
    return replace(subject, start=subject.start + span, end=subject.end + span)


class Clock:
    """Set by hand."""

    def __init__(self) -> None:
        self.moment = NOON

    def __call__(self) -> datetime:
        """The time."""
        return self.moment


class World:
    """An Exchange that reads Berlin's wall clock an hour late, and one process of the app."""

    def __init__(self) -> None:
        self.rows = FakeRows()
        self.calendar = FakeCalendar()
        self.calendar.reads = self.read
        self.clock = Clock()
        self.told: list[ZoneDifference] = []
        self.shift = HOUR
        self.zones = ZoneDifferences(BERLIN, self.clock, self.told.append)
        self.returns: ReturnPath | None = None
        self.synchronizer = self.process(self.zones)

    def process(self, zones: ZoneDifferences) -> Synchronizer:
        """A process that remembers this."""
        return Synchronizer(
            self.rows,
            self.calendar,
            desired,
            prover(self.calendar, ORGANIZATION_ID),
            events_clock,
            zones=zones,
            returns=self.returns,
        )

    def read(self, time: EventTime) -> datetime:
        """Exchange's reading of a time."""
        return BERLIN.instant(time) + (self.shift if time.time_zone == WINDOWS else timedelta(0))

    def shown(self) -> tuple[datetime, datetime]:
        """When the one event is, in Outlook."""
        (event,) = self.calendar.events.values()
        return self.read(event.content.start), self.read(event.content.end)

    async def sync(self, subject: Booking, *, trusted: bool = True) -> list[str]:
        """Sync the booking; the requests to Graph that it took, tags left out."""
        self.rows.put(subject)
        self.calendar.calls.clear()
        outcome = await self.synchronizer.sync(SyncTask(subject.id, trusted=trusted))
        assert outcome.kind in (OutcomeKind.SYNCED, OutcomeKind.UNCHANGED), outcome
        return [call for call in self.calendar.calls if call in ("create", "update")]


@pytest.fixture
def world() -> World:
    """An empty world."""
    return World()


async def test_a_misread_creation_is_written_again_in_utc(world: World) -> None:
    """The event ends at the booking's instants, by one further write; the difference is told once."""
    assert await world.sync(booking()) == ["create", "update"]
    assert world.shown() == (booking().start, booking().end)
    (told,) = world.told
    assert (told.zone, told.meant, told.minutes) == (WINDOWS, booking().start, 60)


async def test_a_misread_update_is_written_again_in_utc(world: World) -> None:
    """The law changes under an event that exists: its next change puts it right."""
    world.shift = timedelta(0)
    assert await world.sync(booking()) == ["create"]
    world.shift = HOUR
    assert await world.sync(replace(booking(), name="Boiler")) == ["update", "update"]
    assert world.shown() == (booking().start, booking().end)


async def test_what_is_known_is_written_in_utc_at_once(world: World) -> None:
    """Around the time of a known difference no write is made twice; elsewhere the zone is written as ever."""
    await world.sync(booking())
    near = later(booking(), HOUR)
    assert await world.sync(near) == ["update"]
    assert world.shown() == (near.start, near.end)
    far = later(booking(), timedelta(days=364))
    world.shift = timedelta(0)
    assert await world.sync(far) == ["update"]
    (event,) = world.calendar.events.values()
    assert event.content.start.time_zone == WINDOWS


async def test_the_fingerprint_is_of_what_was_desired(world: World) -> None:
    """Instances that know of the difference and others agree that nothing is to be written."""
    await world.sync(booking())
    assert world.rows.rows[BOOKING_ID].record.fingerprint == wanted(booking()).fingerprint()
    for zones in (world.zones, ZoneDifferences(BERLIN, world.clock)):
        world.synchronizer = world.process(zones)
        assert await world.sync(booking()) == []


async def test_a_difference_is_believed_for_a_day(world: World) -> None:
    """Rules get mended: after a day the zone's wall clock is tried again."""
    await world.sync(booking())
    world.shift = timedelta(0)
    world.clock.moment += REMEMBERED
    assert await world.sync(replace(booking(), name="Boiler")) == ["update"]
    (event,) = world.calendar.events.values()
    assert event.content.start.time_zone == WINDOWS


async def test_what_utc_does_not_mend_is_not_the_zones_doing(world: World) -> None:
    """An event that is elsewhere in UTC as well is written once more, and nothing is remembered."""
    world.calendar.reads = lambda time: BERLIN.instant(time) + HOUR
    assert await world.sync(booking()) == ["create", "update"]
    assert world.told == []
    assert await world.sync(replace(booking(), name="Boiler")) == ["update", "update"]


async def test_an_event_that_somebody_moved_is_no_difference(world: World) -> None:
    """A write of text leaves its times as they are: one write, of which nothing is learnt."""
    world.shift = timedelta(0)
    world.rows.tells_side = True
    policy = ReturnPolicy(Mode.APPLY)
    world.returns = ReturnPath(
        world.rows, world.calendar, desired, FakeReturnReads(), policy, zone=UTC, now=events_clock
    )
    world.synchronizer = world.process(world.zones)
    await world.sync(booking())
    (ref,) = world.calendar.events
    moved = wanted(later(booking(), HOUR))
    event = world.calendar.events[ref]
    content = replace(event.content, start=moved.start, end=moved.end)
    world.calendar.events[ref] = replace(event, content=content, version=event.version + 1)
    assert await world.sync(replace(booking(), name="Boiler")) == ["update"]
    assert world.shown()[0] == BERLIN.instant(moved.start)
    assert world.told == []


async def test_answers_without_times_are_no_difference(world: World) -> None:
    """Where an answer does not tell the times, nothing is concluded."""
    world.calendar.reads = None
    assert await world.sync(booking()) == ["create"]
    assert world.told == []


@pytest.mark.parametrize("shift_at_first", [HOUR, timedelta(0)], ids=["creation", "update"])
async def test_a_second_write_that_fails_is_made_by_the_next_delivery(
    world: World, shift_at_first: timedelta
) -> None:
    """The message comes back, untrusted, and the one event is put right then."""
    world.shift = shift_at_first
    if not shift_at_first:
        await world.sync(booking())
    world.shift = HOUR
    subject = replace(booking(), name="Boiler")
    world.rows.put(subject)
    world.calendar.calls.clear()
    calls = world.calendar.calls

    async def fail_at_the_second_write(_point: str) -> None:
        if sum(call in ("create", "update") for call in calls) == 2:
            raise TransientError("later", maybe_applied=True)

    hook, world.calendar.hook = world.calendar.hook, fail_at_the_second_write
    outcome = await world.synchronizer.sync(SyncTask(BOOKING_ID))
    assert outcome.kind is OutcomeKind.DEFERRED
    assert outcome.uncertain
    world.calendar.hook = hook
    again = await world.synchronizer.sync(SyncTask(BOOKING_ID, trusted=False, suspects=outcome.suspects))
    assert again.kind is OutcomeKind.SYNCED
    assert world.shown() == (subject.start, subject.end)
    assert len(world.calendar.of(ANNA)) == 1


async def test_an_event_that_goes_between_both_writes_is_made_anew(world: World) -> None:
    """A technician deletes the event before its second write: the next generation takes its place."""
    deleted: list[object] = []

    async def hook(point: str) -> None:
        if point == "calendar.update" and not deleted:
            deleted.extend(world.calendar.events)
            world.calendar.events.clear()

    world.calendar.hook = hook
    assert await world.sync(booking()) == ["create", "update", "create", "update"]
    assert world.shown() == (booking().start, booking().end)


async def test_the_log_names_zone_and_time(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """One line for each stretch of time, with ids of nobody."""
    with caplog.at_level(logging.WARNING):
        await world.sync(booking())
        await world.sync(replace(booking(), name="Boiler"))
    lines = [json.loads(record.message) for record in caplog.records]
    meant = booking().start
    assert meant
    assert lines == [
        {
            "event": "zone_difference",
            "zone": WINDOWS,
            "minutes": 60,
            "meant": meant.isoformat(),
        }
    ]


def _content(start: datetime) -> EventContent:
    return EventContent("s", "b", *BERLIN.write(start, start + HOUR), show_as="busy")


def _learn(zones: ZoneDifferences, start: datetime) -> None:
    sent = _content(start)
    found = zones.misread(sent, Written("id", start=start + HOUR, end=start + 2 * HOUR))
    assert found
    zones.learn(found, zones.in_utc(sent), Written("id", start=start, end=start + HOUR))


def test_the_memory_is_bounded() -> None:
    """Of more sightings than fit, the oldest are forgotten."""
    zones = ZoneDifferences(BERLIN, lambda: NOON)
    weeks = [NOON + number * timedelta(days=7) for number in range(MAX_STRETCHES + 1)]
    for start in weeks:
        _learn(zones, start)
    assert zones.form(_content(weeks[0])) == _content(weeks[0])
    assert zones.form(_content(weeks[1])) != _content(weeks[1])
    assert zones.form(_content(weeks[-1])) != _content(weeks[-1])


@given(
    st.lists(st.integers(-60, 60), max_size=5),
    st.integers(-60, 60),
    st.integers(0, 48),
)
def test_whatever_is_remembered_changes_only_the_way_of_writing(
    known: list[int], day: int, hours: int
) -> None:
    """What is sent is the content or the same instants in UTC; fingerprints are of the content alone."""
    now = NOON
    zones = ZoneDifferences(BERLIN, lambda: now)
    for each in known:
        _learn(zones, NOON + timedelta(days=each))
    now = NOON + timedelta(hours=hours)
    start = NOON + timedelta(days=day)
    content, before = _content(start), _content(start).fingerprint()
    form = zones.form(content)
    assert form in (content, BERLIN.in_utc(content))
    assert BERLIN.instant(form.start) == start
    assert content.fingerprint() == before
    if timedelta(hours=hours) >= REMEMBERED or not known:
        assert form == content
    elif day in known:
        assert form != content
