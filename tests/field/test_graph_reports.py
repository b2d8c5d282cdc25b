"""Reports on Graph, as docs/field-cases.md numbers them."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from booking_sync.sync.booking.task import SyncTask
from tests.audit.world import REPORT_ONLY
from tests.dataverse.world import BOOKINGS
from tests.field.between import Item
from tests.outlook.kit import MAILBOX, OTHER_MAILBOX

if TYPE_CHECKING:
    from booking_sync.domain.bookings.booking import Booking
    from tests.audit.world import AuditWorld
    from tests.field.between import Between


def rename(world: AuditWorld, booking: Booking, name: str) -> None:
    """A dispatcher renames a booking."""
    world.dataverse.put(replace(booking, name=name))


def recorded(world: AuditWorld, booking: Booking) -> str:
    """The event that the booking's row names."""
    return str(world.dataverse.standin.state.rows(BOOKINGS)[booking.id]["bsync_outlookeventid"])


def subjects(world: AuditWorld, mailbox: str = MAILBOX) -> list[str]:
    """What a calendar shows, without the customer's name."""
    return sorted(each.content["subject"].rpartition(" ")[2] for each in world.events(mailbox))


async def quiet(world: AuditWorld) -> dict[str, int]:
    """What an audit finds after one that repaired."""
    await world.audit()
    await world.work_off()
    return dict((await world.audit(REPORT_ONLY)).counts())


def once(
    condition: Callable[[Item, Item], bool], between: Between
) -> Callable[[list[tuple[Item, Item]]], None]:
    """Answers, once, the second request of a batch that meets the condition as the first."""

    def answer(exchanges: list[tuple[Item, Item]]) -> None:
        hit = [reply for request, reply in exchanges if condition(request, reply)]
        if len(hit) > 1:
            hit[1].update(status=hit[0]["status"], body=copy.deepcopy(hit[0]["body"]))
            between.to_app = lambda _exchanges: None

    return answer


async def test_b2_two_creations_that_get_the_same_answer_make_two_bookings_events(
    world: AuditWorld, between: Between
) -> None:
    """An answer that is another creation's is known by its transactionId; the next try finds the event."""
    between.to_app = once(
        lambda request, _: request["method"] == "POST" and "extensions" not in request["url"], between
    )
    first, second = await asyncio.gather(world.book(days=1), world.book(days=2))
    assert recorded(world, first) != recorded(world, second)
    rename(world, first, "one")
    rename(world, second, "two")
    for each in (first, second):
        await world.synchronizer.sync(SyncTask(each.id, trusted=False, suspects=frozenset({MAILBOX})))
    assert subjects(world) == ["one", "two"]
    assert await quiet(world) == {}


async def test_b2_two_calendars_that_get_the_same_answer_lose_nothing(
    world: AuditWorld, between: Between
) -> None:
    """The audit takes one technician's list for another's: what it then has looked at is as it was."""
    made = [await world.book(), await world.book(OTHER_MAILBOX)]
    before = [recorded(world, each) for each in made]
    between.to_app = once(lambda request, _: "calendarview" in request["url"].lower(), between)
    found = (await world.audit()).counts()
    assert sum(found.values()) > 0
    await world.work_off()
    assert [recorded(world, each) for each in made] == before
    assert (len(world.events()), len(world.events(OTHER_MAILBOX))) == (1, 1)
    assert await quiet(world) == {}


async def test_b3_ids_that_differ_in_case_travel_in_one_batch(world: AuditWorld) -> None:
    """Requests are numbered, so that no service takes two events' ids for one."""
    world.graph.configure(lookalike_ids="case")
    first, second = await asyncio.gather(world.book(days=1), world.book(days=2))
    assert recorded(world, first).lower() == recorded(world, second).lower()
    rename(world, first, "one")
    rename(world, second, "two")
    await asyncio.gather(world.sync(first.id), world.sync(second.id))
    assert [len(each.items) for each in world.graph.batches][-1] == 2
    assert subjects(world) == ["one", "two"]


async def test_b4_a_change_that_is_answered_and_not_kept_is_found_by_the_audit(world: AuditWorld) -> None:
    """What is compared with the calendar is put right; a text that is not compared, by the next change."""
    made = await world.book()
    (event,) = world.events()
    before = copy.deepcopy(event.content)
    rename(world, made, "later")
    await world.sync(made.id)
    event.content = before
    assert (await world.audit()).counts() == {"drift": 1}
    await world.work_off()
    assert (subjects(world), await quiet(world)) == (["later"], {})


PLACES: dict[str, Callable[[Item], bool]] = {
    "the audit's list": lambda request: "calendarview" in request["url"].lower(),
    "searches": lambda request: "$filter" in request["url"] and "calendarview" not in request["url"].lower(),
    "lists": lambda request: "$filter" in request["url"] or "calendarview" in request["url"].lower(),
    "reads": lambda request: request["method"] == "GET",
    "writes": lambda request: request["method"] != "GET",
    "everything": lambda _request: True,
}
"""Which requests lose what they ask for."""


@pytest.mark.parametrize("place", PLACES)
async def test_b5_lists_without_our_marks_remove_and_double_nothing(
    world: AuditWorld, between: Between, place: str
) -> None:
    """What shows no mark counts as missing for the audit, and is found to be there when it is mended."""
    made = await world.book()
    (event,) = world.events()

    def strip(exchanges: list[tuple[Item, Item]]) -> None:
        for request, answer in exchanges:
            body = answer.get("body")
            for each in (
                body.get("value", [body]) if isinstance(body, dict) and PLACES[place](request) else ()
            ):
                each.pop("singleValueExtendedProperties", None)

    between.to_app = strip
    for _ in range(3):
        await world.audit()
        await world.work_off()
    rename(world, made, "later")
    await world.sync(made.id)
    assert [each.immutable_id for each in world.events()] == [event.immutable_id]
    between.to_app = lambda _exchanges: None
    assert (subjects(world), await quiet(world)) == (["later"], {})


@pytest.mark.parametrize("place", PLACES)
async def test_b6_ids_of_the_other_kind_remove_and_double_nothing(
    world: AuditWorld, between: Between, place: str
) -> None:
    """The wish for immutable ids is lost on the way, here and there or everywhere: it is the same event."""
    made = await world.book()
    (event,) = world.events()

    def strip(request: Item) -> None:
        if PLACES[place](request):
            kept = {
                name: value for name, value in request.get("headers", {}).items() if name.lower() != "prefer"
            }
            request["headers"] = kept

    between.to_graph = strip
    for _ in range(3):
        await world.audit()
        await world.work_off()
    rename(world, made, "later")
    await world.sync(made.id)
    assert [each.immutable_id for each in world.events()] == [event.immutable_id]
    between.to_graph = lambda _request: None
    assert await quiet(world) == {}
    assert ([each.immutable_id for each in world.events()], subjects(world)) == (
        [event.immutable_id],
        ["later"],
    )


@pytest.mark.parametrize("place", PLACES)
async def test_b6_an_event_made_under_an_id_of_the_other_kind_is_one_event(
    world: AuditWorld, between: Between, place: str
) -> None:
    """Whichever kind the row remembers, it is the only event, and stays it."""

    def strip(request: Item) -> None:
        if PLACES[place](request):
            request["headers"] = {
                name: value for name, value in request.get("headers", {}).items() if name.lower() != "prefer"
            }

    between.to_graph = strip
    made = await world.book()
    (event,) = world.events()
    between.to_graph = lambda _request: None
    assert await quiet(world) == {}
    rename(world, made, "later")
    await world.sync(made.id)
    assert ([each.immutable_id for each in world.events()], subjects(world)) == (
        [event.immutable_id],
        ["later"],
    )


async def test_b7_a_removal_that_is_answered_and_not_done_is_told_by_each_audit(
    world: AuditWorld, between: Between
) -> None:
    """The row is free of it; the event is an orphan until it goes."""
    made, _other = await world.book(), await world.book(days=2)

    def keep(request: Item) -> None:
        if request["method"] == "DELETE":
            request.update(method="PATCH", body={}, headers={"Content-Type": "application/json"})

    def lie(exchanges: list[tuple[Item, Item]]) -> None:
        for request, answer in exchanges:
            if request.get("method") == "PATCH" and request.get("body") == {}:
                answer.update(status=204, body=None)

    between.to_graph, between.to_app = keep, lie
    world.dataverse.remove(made.id)
    await world.sync(made.id)
    for _ in range(2):
        assert (await world.audit()).counts() == {"orphan": 1}
        await world.work_off()
    between.to_graph, between.to_app = (lambda _request: None), (lambda _exchanges: None)
    assert await quiet(world) == {}
    assert len(world.events()) == 1
