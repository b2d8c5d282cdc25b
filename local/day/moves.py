"""What dispatchers, technicians and other software do all day, each through the interface they really have.

Moves of one phase happen at the same time, in bursts, while webhooks come doubled and out of order.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import groupby
from operator import itemgetter
from random import Random
from typing import TYPE_CHECKING, Any

from local.day.world import (
    TAKES_NO_PART,
    TAKES_PART,
    Booking,
    Resource,
    World,
    appointment_event,
    bind_resource,
    bind_status,
    booking_row,
    local_time,
    mailbox,
    rows,
    times,
)
from local.stack import PRE_IMAGE_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from local.stack import LocalStack

BOOKINGS = "bookableresourcebookings"
RESOURCES = "bookableresources"
CREATED = "createdDateTime"
RUSH_ROUNDS = 8


@dataclass(frozen=True)
class Phase:
    """A part of the day."""

    title: str
    play: Callable[[], Awaitable[None]]


class Day:
    """Plays a world on a stack.

    Args:
        stack: runs, and holds nothing yet.
        world: the sample data.
        seed: decides who does what.
    """

    def __init__(self, stack: LocalStack, world: World, seed: int) -> None:
        self.private: dict[str, dict[str, Any]] = {}
        """The technicians' own events by id, as they were put in."""
        self.removed: dict[str, dict[str, Any]] = {}
        """Pre-images of deleted bookings by id."""
        self.left_to_audit: set[str] = set()
        """Bookings whose events technicians deleted, which nothing but an audit may be able to see."""
        self.tally: Counter[str] = Counter()
        """Changes of bookings by kind."""
        self._stack = stack
        self._world = world
        self._random = Random(seed)  # noqa: S311 - reproducible on purpose
        self._bookings = {booking.id: booking for booking in world.bookings}
        self._untouched = list(world.bookings)
        self._random.shuffle(self._untouched)
        self._canceled: list[Booking] = []
        self._deactivated: list[Booking] = []
        self._without_work_order: list[Booking] = []
        self._backwards: list[Booking] = []

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The parts of the day, in order; the stack should be quiet between them."""
        return (
            Phase("Night: the morning's plan is published", self.publish_plan),
            Phase("Morning: technicians set out, webhooks come doubled and shuffled", self.set_out),
            Phase("Noon: dispatchers change their minds", self.replan),
            Phase("Afternoon: second thoughts, and other hands in the calendars", self.reconsider),
            Phase("Rush hour: the same bookings again and again", self.rush),
            Phase("Night: the audit looks through the calendars", self.audit),
        )

    async def furnish(self) -> None:
        """Put in everything that is there before the first booking."""
        for entity_set, group in groupby(rows(self._world), key=itemgetter(0)):
            bodies = [body for _, body in group]
            await self._stack.dataverse.create_many(entity_set, bodies, webhooks=False)
        await self._stack.graph.configure(mailbox_settings="told", master_categories="without_ours")
        await self._stack.graph.add_mailboxes([mailbox(each) for each in self._world.mailboxes])
        for appointment in self._world.appointments:
            event = appointment_event(appointment)
            self._keep(await self._stack.graph.user("create", appointment.mailbox, event=event))

    async def publish_plan(self) -> None:
        """Everything planned, and every odd booking there can be."""
        planned = [*self._world.bookings, *self._odd_bookings()]
        await _all(self._create(booking) for booking in planned)

    async def set_out(self) -> None:
        """Field Service Mobile: each step of a job rewrites status and times."""
        await self._stack.dataverse.configure(webhooks_twice=True, webhooks_shuffled=True)
        await _all(self._work(booking) for booking in self._take(0.25))

    async def replan(self) -> None:
        """Dispatchers move, rename, reassign, cancel, deactivate and delete."""
        await self._stack.dataverse.configure(webhooks_twice=False, webhooks_shuffled=False)
        self._canceled, self._deactivated = self._take(0.06), self._take(0.04)
        self._without_work_order = self._take(0.03)
        await _all(
            (
                *(self._move(booking, "rescheduled") for booking in self._take(0.1)),
                *(self._rename(booking) for booking in self._take(0.08)),
                *(self._reassign(booking, self._somebody(booking)) for booking in self._take(0.08)),
                *(self._set_status(booking, "Canceled", "canceled") for booking in self._canceled),
                *(self._change(booking, "deactivated", {"statecode": 1}) for booking in self._deactivated),
                *(self._remove_work_order(booking) for booking in self._without_work_order),
                *(self._delete_work_order(booking) for booking in self._take(0.02)),
                *(self._reassign(booking, self._world.equipment) for booking in self._take(0.02)),
                *(self._delete(booking) for booking in self._take(0.04)),
            )
        )

    async def reconsider(self) -> None:
        """Things come back, calendars are tidied up; two technicians leave, the crane joins."""
        await self._tidy_calendars(self._take(0.03))
        await _all(
            (
                *(self._set_status(each, "Scheduled", "reactivated") for each in _half(self._canceled)),
                *(self._change(each, "reactivated", {"statecode": 0}) for each in _half(self._deactivated)),
                *(self._restore_work_order(each) for each in _half(self._without_work_order)),
                *(self._mend(booking) for booking in self._backwards[:1]),
                *(self._touch_as_app(booking) for booking in self._take(0.03)),
                *(self._choose(person, TAKES_NO_PART, "taken out") for person in self._world.leavers),
                self._give_a_mailbox(self._world.equipment, self._world.shared_mailbox),
            )
        )

    async def rush(self) -> None:
        """A few bookings change over and over, from one technician to the other and back."""
        await self._stack.dataverse.configure(webhooks_twice=True, webhooks_shuffled=True)
        await _all(
            (
                *(self._hurry(booking) for booking in self._take(0.06)),
                *(self._choose(person, TAKES_PART, "taken in again") for person in self._world.returners),
            )
        )
        await self._stack.dataverse.configure(webhooks_twice=False, webhooks_shuffled=False)

    async def audit(self) -> None:
        """Hours later, since searches may not know what was made a moment ago."""
        for person in self._world.mailboxes:
            await self._stack.graph.age(person.mailbox)
        for event in await self._stack.graph.events():
            if before := self.private.get(event["immutableId"]):
                self.private[event["immutableId"]] = before | {CREATED: event[CREATED]}
        await self._stack.audit()
        self.left_to_audit.clear()

    def _odd_bookings(self) -> list[Booking]:
        world, noon = self._world, local_time(self._world.day, 12)
        plain = replace(
            world.bookings[0],
            start=noon,
            end=noon + timedelta(hours=1),
            resource_id=world.technicians[0].id,
            work_order_id=world.work_orders[-1].id,
        )
        backwards = replace(plain, end=noon - timedelta(hours=1))
        self._backwards = [
            self._odd(backwards, "Ends before it starts"),
            self._odd(backwards, "Ends before it starts, and stays so"),
        ]
        return [
            self._odd(replace(plain, resource_id=world.equipment.id), "Crane for the roof"),
            self._odd(replace(plain, resource_id=world.crew.id), "Crew job"),
            self._odd(replace(plain, resource_id=world.disabled.id), "For one who has left"),
            self._odd(replace(plain, resource_id=world.without_mailbox.id), "For one without a mailbox"),
            self._odd(replace(plain, work_order_id=""), "Team meeting"),
            *self._backwards,
        ]

    def _odd(self, booking: Booking, name: str) -> Booking:
        made = replace(booking, id=_guid(self._random), name=name)
        self._bookings[made.id] = made
        return made

    async def _create(self, booking: Booking) -> None:
        self.tally["created"] += 1
        await self._stack.dataverse.create(BOOKINGS, booking_row(booking))

    async def _work(self, booking: Booking) -> None:
        """Traveling, In Progress and, mostly, Completed; each step knows the times better."""
        minutes = self._random.randint
        left = replace(booking, start=booking.start - timedelta(minutes=minutes(3, 12)))
        arrived = replace(left, start=left.start + timedelta(minutes=minutes(1, 20)))
        done = replace(arrived, end=arrived.end + timedelta(minutes=minutes(0, 30)))
        steps = [("Traveling", left), ("In Progress", arrived), ("On Break", arrived), ("Completed", done)]
        for status, now in steps[: self._random.choice((1, 2, 4, 4))]:
            self._bookings[booking.id] = now
            await self._change(
                now, status, {**times(now.start, now.end), **bind_status(self._world.status(status).id)}
            )

    async def _move(self, booking: Booking, kind: str) -> None:
        minutes = self._random.choice((-45, -15, 15, 30, 90))
        moved = self._bookings[booking.id].moved(timedelta(minutes=minutes))
        self._bookings[booking.id] = moved
        await self._change(moved, kind, times(moved.start, moved.end))

    async def _rename(self, booking: Booking) -> None:
        await self._change(booking, "renamed", {"name": f"{booking.name} & more <urgent>"})

    async def _reassign(self, booking: Booking, to: Resource) -> None:
        kind = "reassigned" if to.mailbox else "given to equipment"
        await self._change(booking, kind, bind_resource(to.id))

    async def _set_status(self, booking: Booking, status: str, kind: str) -> None:
        await self._change(booking, kind, bind_status(self._world.status(status).id))

    async def _remove_work_order(self, booking: Booking) -> None:
        await self._change(booking, "work order removed", {"msdyn_workorder@odata.bind": None})

    async def _restore_work_order(self, booking: Booking) -> None:
        body = {"msdyn_workorder@odata.bind": f"/msdyn_workorders({booking.work_order_id})"}
        await self._change(booking, "work order restored", body)

    async def _delete_work_order(self, booking: Booking) -> None:
        self.tally["work order deleted"] += 1
        await self._stack.dataverse.delete("msdyn_workorders", booking.work_order_id)

    async def _delete(self, booking: Booking) -> None:
        self.tally["deleted"] += 1
        row = (await self._stack.dataverse.rows(BOOKINGS))[booking.id]
        self.removed[booking.id] = {name: row[name] for name in PRE_IMAGE_COLUMNS.split(",")}
        await self._stack.dataverse.delete(BOOKINGS, booking.id)

    async def _mend(self, booking: Booking) -> None:
        end = booking.start + timedelta(hours=1)
        await self._change(booking, "mended", times(booking.start, end))

    async def _touch_as_app(self, booking: Booking) -> None:
        """Our own application user writes a watched column; its webhook is to be dropped when it arrives."""
        self.tally["touched by our own user"] += 1
        await self._stack.web_api("PATCH", f"{BOOKINGS}({booking.id})", {"name": booking.name})

    async def _tidy_calendars(self, bookings: list[Booking]) -> None:
        """Technicians delete, move away and copy events of ours; then those bookings change."""
        events = {self._booking_of(event): event for event in await self._stack.graph.events()}
        for action, booking in zip(("delete", "move", "copy"), bookings, strict=False):
            event = events[booking.id]
            done = await self._stack.graph.user(action, event["mailbox"], id=event["immutableId"])
            if action == "copy":
                self._keep(done)
            if action == "delete":
                self.left_to_audit.add(booking.id)
        await _all(self._move(booking, "rescheduled after its event was touched") for booking in bookings)

    async def _hurry(self, booking: Booking) -> None:
        home = next(each for each in self._world.technicians if each.id == booking.resource_id)
        away = self._somebody(booking)
        for number in range(RUSH_ROUNDS):
            await self._move(booking, "rescheduled in a rush")
            if number % 3 == 0:
                await self._reassign(booking, away if number % 2 else home)

    async def _choose(self, person: Resource, choice: int, kind: str) -> None:
        """A dispatcher says whether a technician takes part."""
        self.tally[f"technician {kind}"] += 1
        await self._stack.dataverse.update(RESOURCES, person.id, {"bsync_takespart": choice})

    async def _give_a_mailbox(self, resource: Resource, mailbox: Resource) -> None:
        self.tally["equipment given a mailbox"] += 1
        await self._stack.dataverse.update(RESOURCES, resource.id, {"bsync_mailbox": mailbox.mailbox})

    async def _change(self, booking: Booking, kind: str, body: dict[str, Any]) -> None:
        self.tally[kind] += 1
        await self._stack.dataverse.update(BOOKINGS, booking.id, body)

    def _take(self, share: float) -> list[Booking]:
        """Bookings that no other move has had, at least one while there are any."""
        count = max(1, round(share * len(self._world.bookings)))
        taken, self._untouched = self._untouched[:count], self._untouched[count:]
        return taken

    def _somebody(self, booking: Booking) -> Resource:
        others = [each for each in self._world.technicians if each.id != booking.resource_id]
        return self._random.choice(others)

    def _keep(self, event: dict[str, Any]) -> None:
        self.private[event["immutableId"]] = event

    def _booking_of(self, event: dict[str, Any]) -> str:
        marks = [value.partition("/")[2] for value in event["extendedProperties"].values()]
        return marks[0] if marks else ""


async def _all(moves: Iterable[Awaitable[None]]) -> None:
    await asyncio.gather(*moves)


def _half(bookings: list[Booking]) -> list[Booking]:
    return bookings[: (len(bookings) + 1) // 2]


def _guid(random: Random) -> str:
    return str(uuid.UUID(int=random.getrandbits(128), version=4))
