"""Each state with each operation: what is done is what the table says, and nobody gets mail from the app."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from booking_sync.bulk.adoption import ATTENDED_REASON as NOT_ADOPTED
from booking_sync.bulk.adoption import Fate
from booking_sync.bulk.purge import ATTENDED_REASON as NOT_PURGED
from booking_sync.domain.outcome import Outcome, OutcomeKind
from booking_sync.domain.record import ATTENDED_REASON, MAILED_REASON
from booking_sync.outlook.bodies import MARKER_PROPERTY
from tests.outlook.kit import MAILBOX, OTHER_MAILBOX
from tests.peoples_events.states import (
    ADOPTED,
    ANEW,
    INVITE,
    LEFT,
    MOVED,
    NONE,
    OPERATIONS,
    REMOVED,
    STATES,
    UNSEEN,
    WRITTEN,
    State,
)
from tests.peoples_events.world import Place
from tests.support.bookings import BOOKING_ID

if TYPE_CHECKING:
    from local.graph.mailbox.events import StoredEvent
    from tests.outlook.kit import GraphHere

LOOKS_FIRST = {"redelivery", "audit repair", "purge", "adopt"}
"""Operations that mail nobody even if the app has not heard of the people yet."""


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("state", STATES.values(), ids=STATES)
async def test_what_is_done_to_an_event_in_whatever_state(
    graph: GraphHere, state: State, operation: str
) -> None:
    """As the table says; no mail, and what is left alone is told."""
    place = Place(graph)
    event = place.foreign() if operation == "adopt" else await place.booked()
    graph.configure(**state.config)
    place.person(state.act, event)
    if state.act is INVITE and operation not in LOOKS_FIRST:
        await place.hear()
    assert await outcome_of(place, operation, event) == state.becomes[operation]
    assert place.mails() == []


@pytest.mark.parametrize("operation", ["update", "cancel", "reassign", "delete"])
async def test_the_one_window_costs_one_mail(graph: GraphHere, operation: str) -> None:
    """Who was invited since the app last heard of the event may be told once; an answer ends that."""
    place = Place(graph)
    place.person(INVITE, await place.booked())
    outcome = await ordinary(place, operation)
    assert [each["kind"] for each in place.mails()] == ["update" if operation == "update" else "cancellation"]
    if operation == "update":
        assert (outcome.kind, outcome.detail) == (OutcomeKind.FAILED, MAILED_REASON)
        assert place.record.error == MAILED_REASON
        await place.cancel()
        await place.reassign()
        assert len(place.mails()) == 1


async def test_what_was_left_for_people_s_sake_is_mended_once_they_are_gone(graph: GraphHere) -> None:
    """The technician removes the people: the next hint writes the event, and the row's error goes."""
    place = Place(graph)
    event = await place.booked()
    place.person(INVITE, event)
    await place.hear()
    assert place.record.error == ATTENDED_REASON
    event.content["attendees"] = []
    assert await outcome_of(place, "update", event) == WRITTEN
    assert place.record.error == ""


async def ordinary(place: Place, operation: str) -> Outcome:
    """The worker's end of it."""
    match operation:
        case "update":
            return await place.update()
        case "redelivery":
            return await place.redelivery()
        case "audit repair":
            return await place.audit_repair()
        case "cancel":
            return await place.cancel()
        case "reassign":
            return await place.reassign()
        case _:
            return await place.delete()


async def outcome_of(place: Place, operation: str, event: StoredEvent) -> str:
    """What is done, in the table's words."""
    before, ids = _snapshot(event), {each.immutable_id for each in place.shown()}
    if operation == "adopt":
        return await _adopted(place, event, before)
    if operation == "purge":
        problems = await place.purge()
        told = any(NOT_PURGED in each for each in problems)
        assert told or not problems
    else:
        outcome = await ordinary(place, operation)
        told = ATTENDED_REASON in outcome.detail
        assert told or outcome.kind is not OutcomeKind.FAILED, outcome.detail
        assert not told or operation == "delete" or ATTENDED_REASON in place.record.error
    here = place.shown()
    if told:
        assert (here, _snapshot(event)) == ([event], before)
        return LEFT
    if operation in ("cancel", "delete", "purge"):
        assert here == []
        return REMOVED
    if operation == "reassign":
        assert (here, len(place.shown(OTHER_MAILBOX))) == ([], 1)
        return MOVED
    return _written(place, ids)


def _written(place: Place, ids: set[str]) -> str:
    wanted = place.rows.rows[BOOKING_ID].booking.name
    if not place.shown():
        return UNSEEN
    (event,) = place.shown()
    assert wanted in event.content["subject"]
    assert (event.start.utc.hour, event.content["isAllDay"], event.content["recurrence"]) == (8, False, None)
    assert place.record.event
    assert (place.record.event.event_id, place.record.error) == (event.immutable_id, "")
    return WRITTEN if event.immutable_id in ids else ANEW


async def _adopted(place: Place, event: StoredEvent, before: dict[str, Any]) -> str:
    adoption = await place.adopt(event)
    if adoption.fate is Fate.GONE:
        return NONE
    if adoption.fate is Fate.FAILED:
        assert adoption.detail == NOT_ADOPTED
        assert _snapshot(event) == before
        return LEFT
    assert event.properties[MARKER_PROPERTY].endswith(BOOKING_ID)
    assert place.record.event
    assert place.record.event.event_id == event.immutable_id
    return ADOPTED


def _snapshot(event: StoredEvent) -> dict[str, Any]:
    """All of it that a write would change."""
    return copy.deepcopy(
        {
            "content": event.content,
            "times": (event.start, event.end),
            "properties": event.properties,
            "extensions": {name: each.values for name, each in event.extensions.items()},
            "mailbox": MAILBOX,
        }
    )
