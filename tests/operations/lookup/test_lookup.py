"""The search, a technician's page and a booking's page: as HTTP answers, and in a real browser."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.office import BOOKINGS
from tests.operations.test_http import ask

if TYPE_CHECKING:
    from tests.e2e.office import Office

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOBODY = "00000000-1111-4000-8000-000000000000"


def days_of(office: Office, technician_id: str = "") -> str:
    """The address of the answer about a technician, Anna for one, on the office's day."""
    return f"operations/technician?id={technician_id or office.anna.id}&from={office.world.day}"


def of(answer: Any, plan_id: str) -> Any:
    """What is told of one booking among a technician's."""
    (entry,) = [each for each in answer["bookings"] if each["bookingId"] == plan_id]
    return entry


@pytest.mark.parametrize("path", ["booking?id=1", "technician?id=1", "search"])
async def test_names_are_told_to_those_with_the_key(office: Office, path: str) -> None:
    """Nobody else learns who works where."""
    body = {"q": "Anna"} if path == "search" else None
    assert (await ask(office, f"operations/{path}", body=body, headers={}))[0] == 401


async def test_a_technician_s_days_are_told_as_outlook_shows_them(office: Office) -> None:
    """A booking in step stands beside its event; one that somebody moved in Outlook says what differs."""
    plan, moved = await office.book(name="Pump check"), await office.book(name="Valve check")
    event = await office.event(moved)
    await office.stack.graph.user("edit", event.mailbox, id=event.id, event={"subject": "Mine now"})
    status, answer = await ask(office, days_of(office))
    assert status == 200
    assert (answer["name"], answer["takesPart"], answer["kind"]) == (office.anna.name, True, "User")
    fine = of(answer, plan.id)
    assert (fine["state"], fine["name"], fine["fine"]) == ("in step", "Pump check", True)
    (shown,) = fine["events"]
    assert shown["starts"] == fine["starts"] == plan.start.isoformat()
    wrong = of(answer, moved.id)
    assert (wrong["state"], wrong["events"][0]["subject"]) == ("drift", "Mine now")
    assert "subject" in wrong["words"][0]
    assert answer["headline"]["severity"] == "warning"
    assert plan.id in {each["bookingId"] for each in answer["journal"]["outcomes"]}


async def test_who_can_t_see_anything_is_told_why(office: Office) -> None:
    """A person without a mailbox: the booking says it, and nobody claims that an event is missing."""
    person = office.world.without_mailbox
    plan = await office.book(person, "Turbine check")
    _, answer = await ask(office, days_of(office, person.id))
    entry = of(answer, plan.id)
    assert "mailbox" in answer["mailbox"]["problem"]
    assert (entry["state"], entry["fine"]) == ("unreadable", False)
    assert "no Exchange Online mailbox" in entry["error"]
    await office.stack.dataverse.delete(BOOKINGS, plan.id)
    await office.settle()


async def test_there_may_be_no_such_technician(office: Office) -> None:
    """404, with words."""
    status, answer = await ask(office, f"operations/technician?id={NOBODY}")
    assert (status, "no such bookable resource" in answer["problem"]) == (404, True)


async def test_a_booking_is_told_with_row_event_record_and_outcomes(office: Office) -> None:
    """What the status command tells, and what became of its messages."""
    plan = await office.book(name="Burner check")
    status, answer = await ask(office, f"operations/booking?id={plan.id}")
    assert status == 200
    assert (answer["verdict"], answer["fine"], answer["row"]["name"]) == ("in step", True, "Burner check")
    assert answer["row"]["resource"] == {"id": office.anna.id, "name": office.anna.name}
    assert (len(answer["events"]), answer["record"]["seal"]) == (1, "valid")
    assert answer["customer"]
    assert answer["link"].endswith(f"id={plan.id}")
    assert [each["outcome"] for each in answer["journal"]["outcomes"]][-1:] == ["synced"]


async def test_a_booking_that_is_gone_says_so(office: Office) -> None:
    """Its page is no dead end."""
    _, answer = await ask(office, f"operations/booking?id={uuid.uuid4()}")
    assert (answer["verdict"], answer["row"], answer["link"]) == ("gone", None, "")


async def test_whatever_a_person_calls_it_is_found(office: Office) -> None:
    """By name, by the work order's number and customer, by the technician's name and address."""
    plan = await office.book(name="Nozzle check")
    order = office.world.work_orders[0]
    for words in ("nozzle", order.number, plan.id):
        _, found = await ask(office, "operations/search", body={"q": words})
        assert plan.id in {each["bookingId"] for each in found["bookings"]}, words
    for words in (office.anna.name.split()[-1], office.anna.id):
        _, found = await ask(office, "operations/search", body={"q": words})
        assert office.anna.id in {each["technicianId"] for each in found["technicians"]}, words
