"""Readers: who is asked when, what is remembered, what waits, and what a change of theirs leads to."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest

from booking_sync.domain.bookings.reader import NOBODY, Reader
from booking_sync.domain.events.event_text.columns import ColumnKind, ColumnValue, EventColumn
from booking_sync.domain.events.event_text.renderer import EventRenderer, EventStyle
from booking_sync.domain.events.zones import event_zone
from booking_sync.domain.outcome import OutcomeKind
from booking_sync.domain.plan import desired_state, nothing_to_see, shown_in
from booking_sync.errors import PermanentError, TransientError
from booking_sync.languages.catalogue import all_words, words_of
from booking_sync.ports.dataverse.bookings import BookingQuery
from booking_sync.sync.booking.readers import (
    AGAIN_AFTER,
    KNOWN_FOR,
    MAX_KNOWN,
    REFUSED_FOR,
    WAITS_FOR,
    KnownReaders,
    RowsForReaders,
)
from booking_sync.sync.booking.synchronizer import Synchronizer
from booking_sync.sync.booking.task import SyncTask
from booking_sync.sync.catch_up import Standing, standing
from tests.support.bookings import ANNA, BERT, BOOKING_ID, CANCELED, ORGANIZATION_ID, booking, technician
from tests.support.fakes import EVENTS_BEGIN, FakeCalendar, FakeRows
from tests.support.seals import prover

if TYPE_CHECKING:
    from booking_sync.domain.bookings.booking import Booking
    from booking_sync.domain.bookings.reader import ReaderPart

FINNISH = Reader("fi-fi", "FLE Standard Time")
GERMAN = Reader("de-de", "W. Europe Standard Time")
DENIED = PermanentError("Outlook: no.")
DOWN = TransientError("Graph answered 503", retry_after=7)
OPEN = TransientError("Graph is down", untried=True)

STYLE = EventStyle(
    event_zone("UTC"),
    "https://contoso.crm4.dynamics.com",
    language="de",
    words=words_of("de", {}),
    from_reader=frozenset({"language", "zone"}),
    languages=all_words({}),
)
RULE = partial(desired_state, render=EventRenderer(STYLE).render, require_work_order=True)
WHERE = partial(desired_state, render=nothing_to_see, require_work_order=True)


class Mailboxes:
    """Tells, refuses or fails as a test says, and counts."""

    def __init__(self) -> None:
        self.time = EVENTS_BEGIN
        self.told: dict[str, Reader | Exception] = {}
        self.asked: list[str] = []
        self.go = asyncio.Event()
        self.go.set()
        self.under_way = asyncio.Event()

    def now(self) -> datetime:
        """A clock that tests turn by hand."""
        return self.time

    async def reader(self, mailbox: str) -> Reader:
        """See the port."""
        self.asked.append(mailbox)
        self.under_way.set()
        await self.go.wait()
        answer = self.told.get(mailbox, FINNISH)
        if isinstance(answer, Exception):
            raise answer
        return answer


class CountedRows(FakeRows):
    """Rows that can be counted."""

    async def count_bookings(self, _query: BookingQuery) -> int:
        """See the port."""
        return len(self.rows)


class World:
    """Rows with readers, and the sync behind them."""

    def __init__(self) -> None:
        self.mailboxes = Mailboxes()
        self.rows = CountedRows()
        self.calendar = FakeCalendar()
        self.restart()

    def restart(self) -> None:
        """Another process takes over, which knows nobody."""
        self.readers = KnownReaders(self.mailboxes, self.mailboxes.now)
        self.for_readers = RowsForReaders(self.rows, self.readers, lambda each: shown_in(WHERE(each)))
        self.synchronizer = Synchronizer(
            self.for_readers, self.calendar, RULE, prover(self.calendar, ORGANIZATION_ID), self.mailboxes.now
        )

    async def sync(self, subject: Booking | None = None) -> OutcomeKind:
        """Have the booking in step."""
        if subject:
            self.rows.put(subject)
        return (await self.synchronizer.sync(SyncTask(BOOKING_ID))).kind

    @property
    def body(self) -> str:
        """What the one event says."""
        (event,) = self.calendar.events.values()
        return event.content.body_html


@pytest.fixture
def world() -> World:
    """An empty world."""
    return World()


# --- the cache ------------------------------------------------------------------------------------------


async def test_a_mailbox_is_asked_once_in_a_while(world: World) -> None:
    """By however many bookings at once, and again when the answer has come of age."""
    await asyncio.gather(*(world.readers.reader(ANNA) for _ in range(5)))
    world.mailboxes.told[ANNA] = GERMAN
    assert await world.readers.reader(ANNA) == FINNISH
    assert world.mailboxes.asked == [ANNA]
    world.mailboxes.time += KNOWN_FOR
    assert await world.readers.reader(ANNA) == GERMAN
    assert world.mailboxes.asked == [ANNA, ANNA]


async def test_answers_end_at_the_same_time_in_every_process_and_mailbox_by_mailbox(world: World) -> None:
    """So instances disagree no longer than that, and not all mailboxes are asked at once."""
    boxes = [f"a0000000-0000-4000-8000-{number:012}" for number in range(200)]
    ends = set()
    for _ in range(2):
        world.restart()
        for box in boxes:
            await world.readers.reader(box)
        ends.add(tuple(world.readers._told[box].until for box in boxes))  # noqa: SLF001 - nothing else tells
        world.mailboxes.time += timedelta(seconds=1)
    (only,) = ends
    hours = {int((each - world.mailboxes.time) / timedelta(hours=1)) for each in only}
    assert hours == set(range(12))


async def test_whoever_waits_may_be_canceled(world: World) -> None:
    """The others get the answer all the same."""
    world.mailboxes.go.clear()
    first, second = (asyncio.create_task(world.readers.reader(ANNA)) for _ in range(2))
    await world.mailboxes.under_way.wait()
    first.cancel()
    world.mailboxes.go.set()
    assert await second == FINNISH
    assert first.cancelled() or first.cancelling()


async def test_a_refusal_is_asked_about_again_when_a_right_may_have_arrived(world: World) -> None:
    """Until then everybody reads the event file's own language."""
    world.mailboxes.told[ANNA] = DENIED
    assert [await world.readers.reader(ANNA) for _ in range(2)] == [NOBODY, NOBODY]
    world.mailboxes.time += REFUSED_FOR
    world.mailboxes.told[ANNA] = FINNISH
    assert await world.readers.reader(ANNA) == FINNISH
    assert len(world.mailboxes.asked) == 2


async def test_a_right_that_is_missing_for_a_while_changes_no_language(world: World) -> None:
    """Grants arrive in pieces; one that was taken away counts after a day."""
    assert await world.readers.reader(ANNA) == FINNISH
    world.mailboxes.told[ANNA] = DENIED
    world.mailboxes.time += KNOWN_FOR
    assert await world.readers.reader(ANNA) == FINNISH
    world.mailboxes.time += KNOWN_FOR
    assert await world.readers.reader(ANNA) == NOBODY


async def test_who_is_known_is_known_while_the_mailbox_does_not_answer(world: World) -> None:
    """However long that takes; it is asked again after some minutes."""
    await world.readers.reader(ANNA)
    world.mailboxes.told[ANNA] = DOWN
    for _ in range(3):
        world.mailboxes.time += 3 * KNOWN_FOR
        assert [await world.readers.reader(ANNA) for _ in range(2)] == [FINNISH, FINNISH]
    assert len(world.mailboxes.asked) == 4
    world.mailboxes.told[ANNA] = GERMAN
    world.mailboxes.time += AGAIN_AFTER
    assert await world.readers.reader(ANNA) == GERMAN


async def test_who_never_told_is_waited_for_some_minutes(world: World) -> None:
    """Then their bookings show as for somebody unknown; each asks again, since Graph may be back."""
    world.mailboxes.told[ANNA] = DOWN
    for _ in range(2):
        with pytest.raises(TransientError) as error:
            await world.readers.reader(ANNA)
        assert error.value.retry_after == 7
        world.mailboxes.time += WAITS_FOR / 2
    assert await world.readers.reader(ANNA) == NOBODY
    world.mailboxes.told[ANNA] = FINNISH
    assert await world.readers.reader(ANNA) == FINNISH


async def test_a_service_that_is_not_asked_says_nothing_of_a_mailbox(world: World) -> None:
    """While Graph is known to be down nobody's event could be written anyhow."""
    world.mailboxes.told[ANNA] = OPEN
    for _ in range(3):
        with pytest.raises(TransientError):
            await world.readers.reader(ANNA)
        world.mailboxes.time += WAITS_FOR


async def test_no_more_mailboxes_are_remembered_than_there_is_room(world: World) -> None:
    """Those that were asked longest ago are forgotten; the limit is far beyond any deployment's."""
    assert MAX_KNOWN >= 20_000
    readers = KnownReaders(world.mailboxes, world.mailboxes.now, room=2)
    for box in (ANNA, BERT, "c", ANNA):
        await readers.reader(box)
    assert world.mailboxes.asked == [ANNA, BERT, "c", ANNA]


# --- the rows -------------------------------------------------------------------------------------------


async def test_an_event_speaks_its_reader_s_language(world: World) -> None:
    """And tells times in the reader's zone, while the event itself is written in the file's."""
    assert await world.sync(booking()) is OutcomeKind.SYNCED
    assert "<b>Asiakas:</b> Adatum Bakery" in world.body
    (event,) = world.calendar.events.values()
    assert event.content.start.time_zone == "UTC"


async def test_a_change_of_language_shows_with_the_next_change_and_costs_nothing_before(world: World) -> None:
    """The row looks behind from then on, which catch-up and audit see; the event is written once."""
    await world.sync(booking())
    world.mailboxes.told[ANNA] = GERMAN
    assert await world.sync() is OutcomeKind.UNCHANGED
    world.mailboxes.time += KNOWN_FOR
    row = await world.for_readers.read(BOOKING_ID)
    assert row
    assert standing(row, RULE) is Standing.BEHIND
    assert await world.sync() is OutcomeKind.SYNCED
    assert "<b>Kunde:</b> Adatum Bakery" in world.body
    assert await world.sync() is OutcomeKind.UNCHANGED


async def test_a_booking_waits_for_its_reader(world: World) -> None:
    """Nothing is written in another language meanwhile, and nothing twice."""
    world.mailboxes.told[ANNA] = DOWN
    assert await world.sync(booking()) is OutcomeKind.DEFERRED
    assert world.calendar.events == {}
    world.mailboxes.told[ANNA] = FINNISH
    assert await world.sync() is OutcomeKind.SYNCED
    assert "<b>Asiakas:</b>" in world.body
    assert world.calendar.calls.count("create") == 1


async def test_a_booking_goes_to_another_reader(world: World) -> None:
    """Who reads it in another language."""
    world.mailboxes.told[BERT] = GERMAN
    await world.sync(booking())
    assert await world.sync(booking(mailbox=BERT)) is OutcomeKind.SYNCED
    assert "<b>Kunde:</b>" in world.body


@pytest.mark.parametrize(
    "subject",
    [
        replace(booking(), status=CANCELED),
        replace(booking(), active=False),
        replace(booking(), resource=technician(None)),
        replace(booking(), start=None),
        replace(booking(), resource=technician(ANNA, disabled=True)),
    ],
)
async def test_nobody_is_asked_for_a_booking_that_shows_nowhere(world: World, subject: Booking) -> None:
    """A pilot's scope need not hold the others' mailboxes, and a removal waits for no language."""
    world.mailboxes.told[ANNA] = DOWN
    world.rows.put(subject)
    row = await world.for_readers.read(BOOKING_ID)
    assert row
    assert row.booking.reader is None
    assert world.mailboxes.asked == []


async def test_a_list_goes_on_without_the_rows_of_a_mailbox_that_does_not_answer(world: World) -> None:
    """They can't be read now, so that nothing is concluded of them."""
    other = "0d7c1f57-3b1e-4c8e-9a55-2f6f0d6b1a02"
    world.rows.put(booking())
    world.rows.put(booking(other, BERT))
    world.mailboxes.told[BERT] = DOWN
    pages = [page async for page in world.for_readers.list_bookings(BookingQuery())]
    assert [row.booking.reader for page in pages for row in page.rows] == [FINNISH]
    ((unreadable,),) = [page.unreadable for page in pages if page.unreadable]
    assert unreadable.booking_id == other
    assert "Graph answered 503" in unreadable.reason
    assert await world.for_readers.count_bookings(BookingQuery()) == 2


async def test_one_mailbox_that_does_not_answer_fails_no_audit(world: World) -> None:
    """Whoever reads many rows one by one is told that this one can't be read."""
    world.rows.put(booking())
    world.mailboxes.told[ANNA] = DOWN
    with pytest.raises(PermanentError, match="does not tell the language"):
        await world.for_readers.for_many().read(BOOKING_ID)
    with pytest.raises(TransientError):
        await world.for_readers.read(BOOKING_ID)


async def test_a_row_that_is_gone_has_no_reader(world: World) -> None:
    """And nobody is asked."""
    assert await world.for_readers.read(BOOKING_ID) is None
    assert world.mailboxes.asked == []


# --- the rendering --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reader", "label", "arrival"),
    [
        (None, "Kunde:", "02.03.2026 23:30"),
        (NOBODY, "Kunde:", "02.03.2026 23:30"),
        (FINNISH, "Asiakas:", "03.03.2026 01.30"),
        (Reader("fr-ca", "Eastern Standard Time"), "Client\xa0:", "02/03/2026 18:30"),
        (Reader("en-us", "America/New_York"), "Customer:", "2026-03-02 18:30"),
        (Reader("pl-pl", "tzone://Microsoft/Custom"), "Kunde:", "02.03.2026 23:30"),
        (Reader("sv", ""), "Kund:", "2026-03-02 23:30"),
    ],
)
def test_what_a_reader_does_not_tell_is_the_file_s(reader: Reader | None, label: str, arrival: str) -> None:
    """So is a language that there are no words for, and a zone that nobody knows."""
    style = replace(STYLE, subject_template="{{ arrival }}", body_template="{{ _('Customer:') }}")
    start = datetime.fromisoformat("2026-03-02T22:00:00+00:00")
    subject = replace(booking(), start=start, arrival=start + timedelta(hours=1, minutes=30), reader=reader)
    earlier = replace(subject, start=start - timedelta(days=2))  # so that the day is told as well
    shown = EventRenderer(style).render(earlier, start, start + timedelta(hours=1))
    assert (shown.body_html, shown.subject) == (label, arrival)


@pytest.mark.parametrize(
    ("parts", "label", "arrival"),
    [((), "Kunde:", "23:30"), (("language",), "Asiakas:", "23.30"), (("zone",), "Kunde:", "01:30")],
)
def test_only_what_the_file_says_is_the_reader_s(
    parts: tuple[ReaderPart, ...], label: str, arrival: str
) -> None:
    """Language and zone are chosen one by one."""
    style = replace(
        STYLE,
        from_reader=frozenset(parts),
        subject_template="{{ arrival[-5:] }}",
        body_template="{{ _('Customer:') }}",
    )
    start = datetime.fromisoformat("2026-03-02T22:00:00+00:00")
    subject = replace(booking(), start=start, arrival=start + timedelta(hours=1, minutes=30), reader=FINNISH)
    shown = EventRenderer(style).render(subject, start, start + timedelta(hours=1))
    assert (shown.body_html, shown.subject) == (label, arrival)


@pytest.mark.parametrize(
    ("reader", "label"), [(FINNISH, "Avain"), (GERMAN, "Schlüssel"), (NOBODY, "Schlüssel")]
)
def test_a_choice_is_told_by_its_label_in_the_reader_s_language(reader: Reader, label: str) -> None:
    """Where Dynamics 365 has one; Finnish is 1035, German 1031."""
    access = EventColumn(
        "access", (), "contoso_access", ColumnKind.CHOICE, {3: {1031: "Schlüssel", 1035: "Avain"}}
    )
    subject = replace(booking(), values={"access": ColumnValue(access, 3, "Key")}, reader=reader)
    style = replace(STYLE, subject_template="{{ access }}", columns=("access",))
    start = datetime.fromisoformat("2026-03-02T22:00:00+00:00")
    assert EventRenderer(style).render(subject, start, start).subject == label


@pytest.mark.parametrize("seed", range(60))
async def test_whatever_happens_the_event_ends_in_its_reader_s_language(world: World, seed: int) -> None:
    """Once the mailbox tells and the answer is of age: one event, which the next look leaves alone."""
    chance = random.Random(seed)  # noqa: S311 - a schedule, no secret
    answers: list[Reader | Exception] = [FINNISH, GERMAN, NOBODY, DENIED, DOWN, OPEN]
    world.rows.put(booking())
    for _ in range(25):
        world.mailboxes.told[ANNA] = chance.choice(answers)
        world.mailboxes.time += chance.choice(
            [AGAIN_AFTER, WAITS_FOR, REFUSED_FOR, KNOWN_FOR]
        ) / chance.randint(1, 3)
        if chance.random() < 0.2:
            world.restart()
        if chance.random() < 0.3:
            world.rows.put(replace(booking(), name=f"Visit {chance.randint(0, 3)}"))
        await world.synchronizer.sync(SyncTask(BOOKING_ID, trusted=chance.random() < 0.8))
    world.mailboxes.told[ANNA] = FINNISH
    world.mailboxes.time += 2 * KNOWN_FOR
    assert await world.sync() in {OutcomeKind.SYNCED, OutcomeKind.UNCHANGED}
    assert "<b>Asiakas:</b>" in world.body
    assert await world.sync() is OutcomeKind.UNCHANGED
