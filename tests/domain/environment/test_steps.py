"""The plan of steps: every combination of what the row remembers, what the run knows, and what is wanted."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from booking_sync.domain.events.event import EventContent, EventOptions, EventTime
from booking_sync.domain.events.event_calendars import calendar_part
from booking_sync.domain.events.event_ref import EventRef
from booking_sync.domain.events.ownership import Own
from booking_sync.domain.plan import (
    CreateEvent,
    Invalid,
    Knowledge,
    Unwanted,
    UpdateEvent,
    Wanted,
    plan,
    shown_in,
)
from booking_sync.domain.record import SyncRecord
from tests.support.bookings import ANNA, BERT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from booking_sync.domain.plan import DesiredState, Plan

TIME = EventTime("2026-03-02T09:00:00", "UTC")
CONTENT = EventContent(
    "Repair", "<p>Pump</p>", TIME, TIME, "busy", options=EventOptions(managed=frozenset({"reminder"}))
)
OTHER = replace(CONTENT, subject="Another")
EVENTS = [None, EventRef(ANNA, "E1"), EventRef(BERT, "E2")]
OWNS = [None, Own(EventRef(ANNA, "E1"), 3), Own(EventRef(ANNA, "E3"), 4), Own(EventRef(BERT, "E4"), 4)]
FINGERPRINTS = [CONTENT.fingerprint(), OTHER.fingerprint(), ""]
BURNED: list[dict[str, int]] = [{}, {ANNA: 6}, {BERT: 7}]
DESIRED: list[DesiredState] = [
    Wanted(ANNA, CONTENT),
    Wanted(BERT, CONTENT),
    Unwanted("off", notice="tell"),
    Invalid("no end"),
]


def _cases() -> Iterator[tuple[SyncRecord, DesiredState, Knowledge]]:
    errors = ("", "no end")
    for event, fingerprint, error in itertools.product(EVENTS, FINGERPRINTS, errors):
        record = SyncRecord(event, 3, fingerprint if event else "", error)
        for desired, own, burned, trusted in itertools.product(DESIRED, OWNS, BURNED, (True, False)):
            yield record, desired, Knowledge(trusted, own, burned)


def _known(record: SyncRecord, knowledge: Knowledge) -> set[EventRef]:
    return {each for each in (record.event, knowledge.own.event if knowledge.own else None) if each}


def _check(record: SyncRecord, desired: DesiredState, knowledge: Knowledge, steps: Plan) -> None:
    """What has to hold of any plan, said another way than `plan` says it."""
    known = _known(record, knowledge)
    assert set(steps.remove) <= known
    assert len(set(steps.remove)) == len(steps.remove)
    left = known - set(steps.remove)
    if isinstance(desired, Wanted):
        _check_wanted(record, desired, knowledge, steps, left)
    elif isinstance(desired, Unwanted):
        assert not left
        assert (steps.write, steps.record.event, steps.record.error) == (None, None, desired.notice)
    else:
        assert left == ({record.event} if record.event else set())
        assert steps.write is None
        assert steps.record == replace(record, generation=steps.record.generation, error=desired.reason)
    changed = bool(steps.remove) or steps.write is not None or steps.record != record
    assert steps.must_record == changed
    used = max(record.generation, *knowledge.burned.values(), 0)
    own = knowledge.own if knowledge.own and knowledge.own.event != record.event else None
    assert steps.record.generation == max(used, own.generation if own else 0)
    undone = own if own and own.event in steps.remove else None
    assert steps.undone == undone


def _check_wanted(
    record: SyncRecord, desired: Wanted, knowledge: Knowledge, steps: Plan, left: set[EventRef]
) -> None:
    """In the end there is one event in the wanted mailbox, and no other."""
    write, fingerprint = steps.write, desired.content.fingerprint()
    if isinstance(write, CreateEvent):
        assert not left
        assert (write.mailbox, write.generation) == (
            desired.mailbox,
            max(record.generation, knowledge.burned.get(desired.mailbox, 0)) + 1,
        )
        assert write.content == desired.content.after("", trusted=False)
    elif isinstance(write, UpdateEvent):
        assert left == {write.event}
        assert write.event.mailbox == desired.mailbox
        _check_update(record, desired, knowledge, write)
    else:
        assert left == {record.event}
        assert knowledge.trusted
        assert record.fingerprint == fingerprint
    assert steps.record.error == ""
    assert steps.record.fingerprint == fingerprint
    expected = record.event if record.event and record.event.mailbox == desired.mailbox else None
    assert steps.record.event == expected


def _check_update(record: SyncRecord, desired: Wanted, knowledge: Knowledge, write: UpdateEvent) -> None:
    if write.event == record.event:
        believed = knowledge.trusted and bool(record.fingerprint)
        assert write.tag != believed
        assert write.kept == ({"body", "categories"} if believed else set())
        assert write.content == desired.content.after(record.fingerprint, trusted=knowledge.trusted)
    else:
        assert knowledge.own
        assert (write.event, write.generation) == (knowledge.own.event, knowledge.own.generation)
        assert write.tag
        assert not write.kept
        assert write.content == desired.content.after("", trusted=False)
    assert not write.misplaced


def test_every_plan_leaves_one_event_where_it_is_wanted_and_none_elsewhere() -> None:
    """Of all that the row remembers and the run knows; and nothing is recorded that was known already."""
    count = 0
    for record, desired, knowledge in _cases():
        own = knowledge.own
        copied = replace(own, event=replace(own.event)) if own else None  # equal, and not the same object
        _check(record, desired, knowledge, plan(record, desired, replace(knowledge, own=copied)))
        count += 1
    assert count == 3 * 3 * 2 * 4 * 4 * 3 * 2


def test_an_event_that_shows_the_content_already_is_left_and_an_old_error_forgotten() -> None:
    """The fingerprint stays as it was recorded, with whatever it tells besides the content."""
    record = SyncRecord(EVENTS[1], 3, f"{CONTENT.fingerprint()}+")
    trusted = Knowledge(trusted=True)
    assert not plan(record, DESIRED[0], trusted).must_record
    steps = plan(replace(record, error="no end"), DESIRED[0], trusted)
    assert (steps.write, steps.must_record, steps.record) == (None, True, record)


@pytest.mark.parametrize("calendar", ["Jobs", ""])
def test_an_event_of_this_run_in_another_calendar_is_misplaced(calendar: str) -> None:
    """Whether it was found in the main one or in one of its own; unknown is no reason to remove it."""
    wanted = Wanted(ANNA, replace(CONTENT, calendar=calendar))
    elsewhere = "" if calendar else "Jobs"
    for found, misplaced in ((elsewhere, True), (calendar, False), (None, False)):
        own = Own(EventRef(ANNA, "E3"), 4, calendar=found)
        write = plan(SyncRecord(None, 3), wanted, Knowledge(trusted=True, own=own)).write
        assert isinstance(write, UpdateEvent)
        assert write.misplaced == misplaced
        recorded = SyncRecord(EVENTS[1], 3, calendar_part(found or "") or CONTENT.fingerprint())
        known = plan(recorded, wanted, Knowledge(trusted=True)).write
        if found is not None and known is not None:
            assert isinstance(known, UpdateEvent)
            assert known.misplaced == misplaced


def test_a_booking_is_shown_in_the_wanted_mailbox_and_else_nowhere() -> None:
    """As the audit asks it."""
    assert [shown_in(each) for each in DESIRED] == [ANNA, BERT, None, None]
