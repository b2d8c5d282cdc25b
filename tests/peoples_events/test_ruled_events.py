"""What rules of the event file do to events on the strict stand-in, beside what their people choose."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from booking_sync.audit.compare import differences
from booking_sync.domain.outcome import OutcomeKind
from booking_sync.domain.plan import Wanted, desired_state
from booking_sync.errors import TransientError
from booking_sync.event_file.checking import Overrides, make_renderer
from booking_sync.event_file.parsing import parse
from booking_sync.sync.booking.task import SyncTask
from local.graph.mailbox.schema import read_event
from tests.audit.kit import WINDOW
from tests.outlook.kit import MAILBOX
from tests.peoples_events.world import Place
from tests.support.bookings import BOOKING_ID, TRAVELING, booking

if TYPE_CHECKING:
    from booking_sync.domain.plan import DesiredStateRule
    from local.graph.mailbox.events import StoredEvent
    from tests.outlook.kit import GraphHere

RULES = """
[event]
zone = "Europe/Berlin"
[[rules]]
when = { status = "Traveling" }
show_as = "away"
private = true
reminder = 15
importance = "high"
category = "On the road"
[[rules]]
when = { status = "Secret" }
event = false
"""
SCHEDULED_HERE = booking(mailbox=MAILBOX)
ON_THE_ROAD = replace(SCHEDULED_HERE, status=TRAVELING)
SECRET = replace(SCHEDULED_HERE, status=replace(TRAVELING, name="Secret"))
RULED = {
    "showAs": "oof",
    "sensitivity": "private",
    "isReminderOn": True,
    "reminderMinutesBeforeStart": 15,
    "importance": "high",
    "categories": ["Field Service: On the road"],
}
AS_MADE = {
    "showAs": "busy",
    "sensitivity": "normal",
    "isReminderOn": False,
    "importance": "normal",
    "categories": ["Field Service: Scheduled"],
}
OWN = {"sensitivity": "private", "isReminderOn": True, "reminderMinutesBeforeStart": 5, "importance": "low"}


def rule_of(text: str) -> DesiredStateRule:
    """What Outlook should show by this file."""
    renderer = make_renderer(parse(text, "event.toml", str), Overrides(), "https://contoso.crm4.dynamics.com")
    return partial(desired_state, render=renderer.render, require_work_order=True, rules=renderer.style.rules)


@pytest.fixture
def place(graph: GraphHere) -> Place:
    """The booking of a deployment with rules."""
    return Place(graph, rule=rule_of(RULES))


def looks(event: StoredEvent, names: dict[str, Any]) -> dict[str, Any]:
    """The event's values of these names."""
    return {name: event.content[name] for name in names}


def person_sets(place: Place, event: StoredEvent, **values: Any) -> None:
    """A technician changes the event in Outlook."""

    def act(state: Any, mailbox: Any, changed: StoredEvent) -> None:
        state.change(mailbox, changed, read_event(values, creating=False), by_app=False)

    place.person(act, event)


async def drift(place: Place) -> list[str]:
    """What an audit finds changed."""
    (event,) = await place.graph.calendar.list_marked(MAILBOX, WINDOW.first, WINDOW.last)
    subject = place.rows.rows[BOOKING_ID].booking
    wanted = place.rule(subject)
    assert isinstance(wanted, Wanted)
    return differences(event, wanted.content, subject)


async def test_a_rule_is_written_with_the_change_and_put_back_with_the_next(place: Place) -> None:
    """Each by the one PATCH that the change costs anyway; a hint without a change writes nothing."""
    event = await place.booked()
    assert looks(event, AS_MADE) == AS_MADE
    before = event.immutable_id
    for subject, expected in ((ON_THE_ROAD, RULED), (SCHEDULED_HERE, AS_MADE)):
        assert (await place.update(subject)).kind is OutcomeKind.SYNCED
        (event,) = place.shown()
        assert event.immutable_id == before
        assert looks(event, expected) == expected
        assert await drift(place) == []
        assert (await place.update(subject)).kind is OutcomeKind.UNCHANGED


async def test_an_event_is_made_as_the_rule_says(place: Place) -> None:
    """Whoever is on the road at once gets the event so from its first moment on."""
    place.rows.put(ON_THE_ROAD)
    await place.synchronizer.sync(SyncTask(BOOKING_ID))
    (event,) = place.shown()
    assert looks(event, RULED) == RULED


async def test_what_no_rule_says_stays_the_person_s(place: Place) -> None:
    """Their privacy, reminder and importance outlive changes of a booking that no rule speaks of."""
    event = await place.booked()
    person_sets(place, event, **OWN)
    await place.update(replace(SCHEDULED_HERE, name="Another job"))
    assert looks(event, OWN) == OWN
    assert await drift(place) == []


@pytest.mark.parametrize(("name", "told"), [("sensitivity", "sensitivity"), ("isReminderOn", "reminder")])
async def test_an_audit_finds_what_a_person_changed_of_a_rule_s(place: Place, name: str, told: str) -> None:
    """As with availability: what a rule says is the booking's, and is put back."""
    event = await place.booked()
    await place.update(ON_THE_ROAD)
    person_sets(place, event, **{name: {"sensitivity": "normal", "isReminderOn": False}[name]})
    assert await drift(place) == [told]
    await place.audit_repair()
    assert looks(event, RULED) == RULED
    assert await drift(place) == []


async def test_after_a_crash_nothing_of_a_former_rule_is_left(place: Place) -> None:
    """Written and not recorded: whoever comes next knows of it by nothing, and writes the event whole."""
    event = await place.booked()
    row = place.rows.rows[BOOKING_ID]
    await place.update(ON_THE_ROAD)
    place.rows.rows[BOOKING_ID] = replace(
        place.rows.rows[BOOKING_ID], booking=SCHEDULED_HERE, record=row.record
    )
    assert looks(event, RULED) == RULED
    await place.redelivery()
    assert looks(event, AS_MADE) == AS_MADE


async def test_without_rules_a_redelivery_leaves_what_people_chose(graph: GraphHere) -> None:
    """A deployment that has no rule for a thing never writes it."""
    place = Place(graph)
    event = await place.booked()
    person_sets(place, event, **OWN)
    await place.redelivery()
    await place.audit_repair()
    assert looks(event, OWN) == OWN


async def test_a_rule_that_leaves_the_file_is_put_back_by_what_the_row_remembers(graph: GraphHere) -> None:
    """With the booking's next look, though no rule speaks of reminders any more; once, and never again."""
    place = Place(graph, rule=rule_of(RULES))
    event = await place.booked()
    await place.update(ON_THE_ROAD)
    later = Place(graph, place.rows, rule_of(""))
    outcome = await later.update(ON_THE_ROAD)
    assert outcome.kind is OutcomeKind.SYNCED
    expected = AS_MADE | {"categories": ["Field Service: Traveling"]}
    assert looks(event, expected) == expected
    person_sets(later, event, **OWN)
    await later.update(replace(ON_THE_ROAD, name="Another job"))
    assert looks(event, OWN) == OWN


async def test_a_booking_may_be_ruled_to_have_no_event(place: Place) -> None:
    """It goes with the change that makes the rule fit, and comes back with the one that ends that."""
    await place.booked()
    assert (await place.update(SECRET)).detail == "event removed: rule 2 of the event file wants no event"
    assert place.shown() == []
    assert (await place.update(SECRET)).kind is OutcomeKind.SKIPPED
    await place.update(ON_THE_ROAD)
    (event,) = place.shown()
    assert looks(event, RULED) == RULED


async def test_a_creation_that_meets_an_earlier_try_s_event_leaves_nothing_of_it(place: Place) -> None:
    """The first try made it private and was never recorded; the booking is another by now."""
    place.rows.put(ON_THE_ROAD)
    place.rows.faults.before["record"] = [TransientError("the process died")]
    await place.synchronizer.sync(SyncTask(BOOKING_ID))
    assert place.record.event is None
    place.rows.put(SCHEDULED_HERE)
    await place.redelivery()
    (event,) = place.shown()
    assert looks(event, AS_MADE) == AS_MADE
