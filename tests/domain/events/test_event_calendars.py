"""A calendar of its own: what its name is in records, and when an event counts as misplaced."""

from __future__ import annotations

from dataclasses import replace

import pytest

from booking_sync.domain.bookings.booking import Address
from booking_sync.domain.events.event import (
    SHARED,
    EventContent,
    EventOptions,
    EventTime,
    is_same_content,
    is_same_place,
    tells_content,
    unchanged_parts,
    with_invited,
    without_content,
)
from booking_sync.domain.events.event_calendars import (
    MAIN_ONLY,
    EventCalendars,
    calendar_part,
    is_same_calendar,
)
from booking_sync.domain.events.event_ref import EventRef
from booking_sync.domain.events.ownership import Own, Sealer, SealKeys, make_key
from booking_sync.domain.plan import CreateEvent, Knowledge, UpdateEvent, Wanted, desired_state, plan
from booking_sync.domain.record import SyncRecord, format_state, read_record
from tests.support.bookings import ANNA, ORGANIZATION_ID, booking
from tests.support.seals import KEY_TEXT, OTHER_KEY_TEXT, sealer

CONTENT = EventContent(
    subject="WO-00042 Contoso",
    body_html="<p>Replace the pump</p>",
    start=EventTime("2026-03-02T09:00:00", "UTC"),
    end=EventTime("2026-03-02T10:30:00", "UTC"),
    show_as="busy",
)
FULL = EventContent(
    subject="Repair at Müller",
    body_html="<p>Call first</p>",
    start=EventTime("2026-03-29T09:00:00", "W. Europe Standard Time"),
    end=EventTime("2026-03-29T10:30:00", "W. Europe Standard Time"),
    show_as="tentative",
    categories=("Field Service: Scheduled",),
    location_name="1 Main St, Town",
    location_address=Address(("1 Main St", "Rear"), "Town", "ST", "12345", "US", 47.5, -122.25),
    options=EventOptions("private", 15, "high"),
    calendar="Jobs",
)
JOBS = replace(CONTENT, calendar="Jobs")
EVENT = EventRef(ANNA, "AAMk=")
TRUSTED = Knowledge(trusted=True)


def test_a_fingerprint_is_as_releases_before_made_it() -> None:
    """Records hold them: another way to compute one would write every event of every customer anew."""
    bare = EventContent(FULL.subject, FULL.body_html, FULL.start, FULL.end, "busy")
    assert bare.fingerprint() == "e5e85c33a4673297ab21c8713833238a"
    assert FULL.fingerprint() == "507fa7538299dfddab21c871cf1238dapri@4c0956e4"


def test_the_main_calendar_leaves_every_fingerprint_as_it_was() -> None:
    """Nobody's events are written anew for a setting that nobody made."""
    assert replace(CONTENT, calendar="").fingerprint() == CONTENT.fingerprint()
    assert "@" not in CONTENT.fingerprint()
    assert JOBS.fingerprint() == CONTENT.fingerprint() + calendar_part("Jobs")


@pytest.mark.parametrize("shared", ["", SHARED])
def test_a_fingerprint_tells_content_and_place_apart(shared: str) -> None:
    """With or without a mark of people's own categories behind it."""
    recorded = JOBS.fingerprint() + shared
    assert is_same_content(recorded, JOBS.fingerprint())
    assert not is_same_content(recorded, CONTENT.fingerprint())
    assert without_content(recorded) == calendar_part("Jobs")
    assert tells_content(recorded)
    assert unchanged_parts(recorded, replace(JOBS, subject="x").fingerprint()) == {"body", "categories"}
    assert unchanged_parts(recorded, replace(JOBS, body_html="x").fingerprint()) == {"categories"}


@pytest.mark.parametrize("recorded", ["", calendar_part("Jobs")])
def test_what_tells_a_place_alone_tells_no_content(recorded: str) -> None:
    """It matches nothing, and keeps what people added nowhere."""
    assert not tells_content(recorded)
    assert not is_same_content(recorded, JOBS.fingerprint())
    assert unchanged_parts(recorded, JOBS.fingerprint()) == frozenset()
    assert is_same_place(recorded, (JOBS if recorded else CONTENT).fingerprint())


def test_names_of_calendars_are_the_same_in_letters_of_any_case() -> None:
    """As in Outlook; another name is another calendar."""
    assert is_same_calendar("Field Service", "FIELD service")
    assert calendar_part("Field Service") == calendar_part("FIELD service")
    assert calendar_part("Jobs") != calendar_part("Field Service")


def test_each_named_calendar_is_looked_at_once() -> None:
    """The current one first; without a name there is none besides the main one."""
    assert EventCalendars("Jobs", ("jobs", "Field Service", "")).named == ("Jobs", "Field Service")
    assert MAIN_ONLY.only_main
    assert not EventCalendars(former=("Jobs",)).only_main


def test_the_rules_ask_for_the_calendar_of_the_settings() -> None:
    """It is a part of what should show."""
    wanted = desired_state(booking(), lambda *_: CONTENT, require_work_order=True, calendar="Jobs")
    assert wanted == Wanted(ANNA, JOBS)


@pytest.mark.parametrize(
    ("recorded", "wanted", "misplaced"),
    [
        (CONTENT.fingerprint(), JOBS, True),
        (JOBS.fingerprint(), CONTENT, True),
        (JOBS.fingerprint(), replace(CONTENT, calendar="Field Service"), True),
        (calendar_part("Jobs"), CONTENT, True),
        ("", JOBS, True),
        (JOBS.fingerprint() + SHARED, replace(JOBS, subject="x"), False),
        (calendar_part("Jobs"), JOBS, False),
        ("", CONTENT, False),
    ],
)
def test_an_event_in_another_calendar_is_misplaced(
    recorded: str,
    wanted: EventContent,
    misplaced: bool,  # noqa: FBT001 - what is expected
) -> None:
    """The record tells where it is, whether or not it tells what it holds."""
    write = plan(SyncRecord(EVENT, 3, recorded), Wanted(ANNA, wanted), TRUSTED).write
    assert isinstance(write, UpdateEvent)
    assert (write.event, write.misplaced) == (EVENT, misplaced)


def test_an_event_in_its_calendar_that_shows_the_booking_is_left_alone() -> None:
    """Not one request."""
    record = SyncRecord(EVENT, 3, JOBS.fingerprint())
    steps = plan(record, Wanted(ANNA, JOBS), TRUSTED)
    assert (steps.write, steps.remove, steps.must_record) == (None, (), False)


def test_an_own_event_in_another_calendar_is_misplaced_too() -> None:
    """As a search found it; one that this very run made is where it was made."""
    for calendar, misplaced in (("Jobs", False), ("", True), (None, False)):
        knowledge = Knowledge(trusted=False, own=Own(EVENT, 3, calendar=calendar))
        write = plan(SyncRecord(), Wanted(ANNA, JOBS), knowledge).write
        assert isinstance(write, UpdateEvent)
        assert write.misplaced is misplaced
    assert isinstance(plan(SyncRecord(), Wanted(ANNA, JOBS), TRUSTED).write, CreateEvent)


def test_a_record_reads_back_with_its_calendar() -> None:
    """Sealed like all of it; an older key leaves the content unknown, and not the place."""
    old = sealer(ORGANIZATION_ID, keys=lambda: SealKeys((make_key(OTHER_KEY_TEXT),)))
    record = SyncRecord(EVENT, 3, JOBS.fingerprint())
    state = format_state("b", record, old)

    def read(by: Sealer, text: str) -> SyncRecord:
        return read_record("b", by, event_id=EVENT.event_id, mailbox=ANNA, state=text).record

    assert read(old, state) == record
    rotated = sealer(ORGANIZATION_ID, keys=lambda: SealKeys((make_key(KEY_TEXT), make_key(OTHER_KEY_TEXT))))
    assert read(rotated, state).fingerprint == calendar_part("Jobs")
    assert read(old, state.replace("@", "@0", 1)) == SyncRecord()


@pytest.mark.parametrize(
    ("recorded", "with_people"),
    [("", ""), ("@1f", "@1f"), ("ab", "ab!"), ("ab@1f+", "ab@1f+!"), ("ab!", "ab!")],
)
def test_only_what_tells_content_tells_of_people(recorded: str, with_people: str) -> None:
    """Once; and the content is the same with it."""
    assert with_invited(recorded) == with_people
    assert without_content(with_people) == without_content(recorded)
    assert tells_content(with_people) is tells_content(recorded)
