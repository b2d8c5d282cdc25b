"""Each kind of change reaches the technician's calendar: HTTP, queue, Functions host, Dataverse, Graph."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from local.day.world import Appointment, appointment_event, bind_resource, booking_row, times
from local.stack import booking_webhook
from tests.e2e.office import BOOKINGS

if TYPE_CHECKING:
    from tests.e2e.office import Office

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_new_booking_shows_in_the_technicians_calendar(office: Office) -> None:
    """A created booking shows with its times, the customer's name, as busy, tagged and without attendees."""
    plan = await office.book()

    event, row = await office.event(plan), await office.row(plan)

    assert event.mailbox == office.anna.mailbox
    assert (event.start, event.end) == (plan.start, plan.end)
    assert plan.name in event.subject
    assert row.account in event.subject
    assert (event.show_as, event.attendees, event.tag) == ("busy", 0, plan.id)
    assert (row.recorded_event, row.recorded_mailbox) == (event.id, office.anna.mailbox)


async def test_a_rescheduled_booking_moves_its_event(office: Office) -> None:
    """A reschedule moves the same event, and no second one appears."""
    plan = await office.book()
    before = await office.event(plan)

    moved = await office.move(plan, timedelta(days=1))

    after = await office.event(plan)
    assert (after.id, after.start, after.end) == (before.id, moved.start, moved.end)


async def test_a_renamed_booking_renames_its_event(office: Office) -> None:
    """A new name reads the same in Outlook, whatever characters it has."""
    plan = await office.book()

    await office.change(plan, name="Heizung <dringend> & \N{OLD PERSONAL COMPUTER}")

    assert (await office.event(plan)).subject.endswith("Heizung <dringend> & \N{OLD PERSONAL COMPUTER}")


@pytest.mark.parametrize("raises", ["restore", "restore_and_create", "create"])
async def test_a_restored_booking_shows_again_at_once(office: Office, raises: str) -> None:
    """Whichever messages the recycle bin raises, nobody has to wait for an audit, and there is one event."""
    dataverse = office.stack.dataverse
    plan = await office.book()
    before = await office.event(plan)
    await dataverse.delete(BOOKINGS, plan.id)
    await office.settle()
    assert await office.events(plan) == []
    await office.stack.graph.age(before.mailbox)  # a search may not know what was made a moment ago

    await dataverse.configure(restore_raises=raises)
    await dataverse.restore(BOOKINGS, plan.id)
    await office.settle()
    await dataverse.configure(restore_raises="restore")

    after = await office.event(plan)
    assert (after.start, after.subject) == (before.start, before.subject)
    assert (await office.row(plan)).recorded_event == after.id


async def test_a_status_on_the_way_shows_in_the_category(office: Office) -> None:
    """A technician's progress is read from the event's category, and its times follow."""
    plan = await office.book()
    later = plan.moved(timedelta(minutes=12))

    await office.change(plan, **times(later.start, later.end))
    await office.set_status(plan, "In Progress")

    event = await office.event(plan)
    assert event.start == later.start
    assert event.raw["categories"] == ["Field Service: In progress"]


async def test_a_proposed_booking_shows_as_tentative(office: Office) -> None:
    """A booking that is only proposed does not block the calendar as a firm one does."""
    plan = await office.book()

    await office.set_status(plan, "Proposed")

    assert (await office.event(plan)).show_as == "tentative"


async def test_a_canceled_booking_disappears_and_comes_back(office: Office) -> None:
    """Canceling removes the event; taking that back shows exactly one again."""
    plan = await office.book()

    await office.set_status(plan, "Canceled")
    assert await office.events(plan) == []

    await office.set_status(plan, "Scheduled")
    assert (await office.event(plan)).start == plan.start


async def test_a_reassigned_booking_changes_calendars(office: Office) -> None:
    """A booking given to a colleague shows in that calendar only."""
    plan = await office.book()

    await office.give_to(plan, office.ben)

    assert (await office.event(plan)).mailbox == office.ben.mailbox


async def test_a_booking_of_equipment_shows_nowhere(office: Office) -> None:
    """A booking given to a machine leaves the technician's calendar."""
    plan = await office.book()

    await office.give_to(plan, office.world.equipment)

    assert await office.events(plan) == []
    assert (await office.row(plan)).error == ""


async def test_a_deleted_booking_disappears(office: Office) -> None:
    """Deleting the row removes the event that only its pre-image still names."""
    plan = await office.book()
    assert await office.events(plan)

    await office.stack.dataverse.delete(BOOKINGS, plan.id)
    await office.settle()

    assert await office.events(plan) == []


async def test_an_inactive_booking_disappears(office: Office) -> None:
    """Deactivating a booking removes its event."""
    plan = await office.book()

    await office.change(plan, statecode=1)

    assert await office.events(plan) == []


async def test_a_booking_without_work_order_disappears(office: Office) -> None:
    """Taking the work order off a booking removes its event."""
    plan = await office.book()

    await office.change(plan, **{"msdyn_workorder@odata.bind": None})

    assert await office.events(plan) == []


@pytest.mark.parametrize(
    ("deleted_items", "tells"), [("gone", "nothing"), ("kept", "calendar"), ("kept", "cancelled")]
)
async def test_an_event_that_its_owner_deleted_comes_back_with_the_next_change(
    office: Office, deleted_items: str, tells: str
) -> None:
    """A technician who deletes an event gets it back, once, where an answer tells; else the audit does it."""
    plan = await office.book()
    event = await office.event(plan)
    await office.stack.graph.configure(deleted_items=deleted_items, deleted_items_tell=tells)
    await office.stack.graph.user("delete", event.mailbox, id=event.id)

    moved = await office.move(plan, timedelta(hours=2))
    await office.stack.graph.configure(deleted_items="kept", deleted_items_tell="nothing")

    assert (await office.event(plan)).start == moved.start


async def test_a_technicians_own_events_stay_as_they_are(office: Office) -> None:
    """Neither a private appointment nor a user's own copy of our event is ever touched."""
    plan = await office.book()
    private = Appointment(office.anna.mailbox, "Dentist", plan.start, plan.end)
    dentist = await office.stack.graph.user("create", office.anna.mailbox, event=appointment_event(private))
    copied = await office.stack.graph.user("copy", office.anna.mailbox, id=(await office.event(plan)).id)

    await office.move(plan, timedelta(hours=3))
    await office.set_status(plan, "Canceled")

    left = await office.stack.graph.events(office.anna.mailbox)
    assert dentist in left
    assert copied in left
    assert [event.id for event in await office.events(plan)] == [copied["immutableId"]]


async def test_a_change_by_our_own_user_is_ignored(office: Office) -> None:
    """What the app's own user writes is no reason to look at the booking again."""
    plan = await office.book(name="As planned")

    status = await office.stack.web_api(
        "PATCH", f"{BOOKINGS}({plan.id})", {"name": "Renamed by our own user"}
    )
    await office.settle()

    assert status == 204
    assert (await office.event(plan)).subject.endswith("As planned")


async def test_doubled_and_shuffled_webhooks_end_in_one_right_event(office: Office) -> None:
    """Twelve changes in a row, each told twice and out of order, end in one event with the last content."""
    plan = office.plan(name="Rush")
    await office.stack.dataverse.configure(webhooks_twice=True, webhooks_shuffled=True)
    await office.stack.dataverse.create(BOOKINGS, booking_row(plan))
    for number in range(12):
        who = office.ben if number % 2 else office.anna
        await office.stack.dataverse.update(
            BOOKINGS, plan.id, {"name": f"Rush {number}", **bind_resource(who.id)}
        )
    await office.settle()
    await office.stack.dataverse.configure(webhooks_twice=False, webhooks_shuffled=False)

    event = await office.event(plan)
    assert event.subject.endswith("Rush 11")
    assert event.mailbox == office.ben.mailbox


async def test_a_second_run_of_the_same_messages_changes_nothing(office: Office) -> None:
    """A webhook that comes again leads to no write, neither in Outlook nor on the row."""
    plan = await office.book()
    event, row = await office.event(plan), await office.row(plan)
    await office.stack.graph.clear_requests()

    for message in ("Create", "Update", "Update"):
        assert (
            await office.stack.post_webhook(booking_webhook(office.stack.identities, message, plan.id)) == 202
        )
    await office.settle()

    assert (await office.stack.graph.counts()).writes == 0
    assert await office.event(plan) == event
    assert await office.row(plan) == row
