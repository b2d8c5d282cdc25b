"""Fills a world with technicians and bookings, and plays what dispatchers do; seeded, so the same every time.

Nothing here takes virtual time or raises webhooks: the changes returned stand for them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum, auto
from random import Random
from typing import TYPE_CHECKING, Any

from benchmarks.common.bound import MailboxWork, Work
from local.day.world import (
    WorldMaker,
    appointment_event,
    bind_resource,
    bind_status,
    booking_row,
    mailbox,
    rows,
    times,
)
from local.graph.mailbox.schema import read_event

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.simulated.world import SimulatedWorld
    from local.day.world import Booking, Resource

BOOKINGS = "bookableresourcebookings"
DAY = date(2026, 3, 2)


class Kind(StrEnum):
    """What a dispatcher did to a booking."""

    CREATE = auto()
    RESCHEDULE = auto()
    STATUS = auto()
    CANCEL = auto()
    REASSIGN = auto()
    DELETE = auto()


SHARES = {
    Kind.CREATE: 0.30,
    Kind.RESCHEDULE: 0.30,
    Kind.STATUS: 0.15,
    Kind.REASSIGN: 0.10,
    Kind.CANCEL: 0.10,
    Kind.DELETE: 0.05,
}
"""Of a mixed load; of so many changes, the shares but the last are rounded down."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one booking, made in Dataverse already."""

    booking_id: str
    kind: Kind
    mailbox: str
    """Of the technician after the change."""
    former_mailbox: str
    """Of the technician before it; another one after a reassignment only."""
    event_id: str = ""
    """Deletion only: the event that the deleted row named, as a pre-image tells."""
    state: str = ""
    """Deletion only: the row's state column."""


class Office:
    """Technicians, and dispatchers who plan them.

    Args:
        world: an empty one; gets technicians, mailboxes and work orders.
        technicians: how many, at most 500.
        bookings: how many can be booked in all.
        seed: decides names, ids, times and who is chosen.
    """

    def __init__(self, world: SimulatedWorld, *, technicians: int, bookings: int, seed: int = 7) -> None:
        self._world = world
        self._plan = WorldMaker(seed).make(technicians=technicians, bookings=bookings, day=DAY)
        self._random = Random(seed)  # noqa: S311 - reproducible on purpose
        self._unbooked = list(reversed(self._plan.bookings))
        self._untouched: list[Booking] = []
        self._technicians = {person.id: person for person in self._plan.technicians}
        self.private: dict[str, dict[str, Any]] = {}
        """The technicians' own appointments by immutable event id, as they were put in."""
        self._furnish()

    def book(self, count: int) -> list[Change]:
        """New bookings, dealt round to the technicians."""
        return [self._create(self._unbooked.pop()) for _ in range(count)]

    def mix(self, count: int) -> list[Change]:
        """Changes of all kinds by `SHARES`, each of another booking, in random order.

        The bookings made so far must be as many as the changes that are no creations, and have their events.
        """
        kinds = {kind: int(share * count) for kind, share in SHARES.items()}
        kinds[Kind.DELETE] += count - sum(kinds.values())
        self._random.shuffle(self._untouched)
        touched = [
            self._change(kind, self._untouched.pop())
            for kind, number in kinds.items()
            for _ in range(number)
            if kind is not Kind.CREATE
        ]
        changes = touched + self.book(kinds[Kind.CREATE])
        self._random.shuffle(changes)
        return changes

    def _furnish(self) -> None:
        for entity_set, body in rows(self._plan):
            self._world.dataverse.state.create(entity_set, body, webhooks=False)
        state = self._world.graph.state
        for person in self._plan.people:
            entry = mailbox(person)
            state.add_mailbox(entry["id"], entry["displayName"], entry["userPrincipalName"])
        for appointment in self._plan.appointments:
            draft = read_event(appointment_event(appointment), creating=True)
            event = state.create(state.user(appointment.mailbox), draft, by_app=False)
            self.private[event.immutable_id] = {"subject": appointment.subject}

    def _create(self, booking: Booking) -> Change:
        self._world.dataverse.state.create(BOOKINGS, booking_row(booking), webhooks=False)
        self._untouched.append(booking)
        person = self._technicians[booking.resource_id]
        return Change(booking.id, Kind.CREATE, person.mailbox, person.mailbox)

    def _change(self, kind: Kind, booking: Booking) -> Change:
        before = self._technicians[booking.resource_id]
        after = self._somebody_else(before) if kind is Kind.REASSIGN else before
        event_id = state = ""
        if kind is Kind.DELETE:
            row = self._world.dataverse.state.rows(BOOKINGS)[booking.id]
            event_id = str(row["bsync_outlookeventid"] or "")
            state = str(row["bsync_outlooksyncstate"] or "")
            self._world.dataverse.state.delete(BOOKINGS, booking.id, webhooks=False)
        else:
            body = self._body(kind, booking, after)
            self._world.dataverse.state.update(BOOKINGS, booking.id, body, webhooks=False)
        return Change(booking.id, kind, after.mailbox, before.mailbox, event_id, state)

    def _body(self, kind: Kind, booking: Booking, after: Resource) -> dict[str, Any]:
        if kind is Kind.RESCHEDULE:
            moved = booking.moved(timedelta(minutes=self._random.choice((-45, -15, 15, 30, 90))))
            return times(moved.start, moved.end)
        if kind is Kind.REASSIGN:
            return bind_resource(after.id)
        status = "Canceled" if kind is Kind.CANCEL else "Traveling"
        return bind_status(self._plan.status(status).id)

    def _somebody_else(self, person: Resource) -> Resource:
        while (other := self._random.choice(self._plan.technicians)) is person:
            if len(self._plan.technicians) == 1:
                raise ValueError("a reassignment needs two technicians")
        return other


def work_of(changes: Sequence[Change], *, tags: bool = True) -> Work:
    """What these changes ask of the services at least.

    Args:
        changes: with events for all bookings that are not new.
        tags: whether each new event gets an open extension.
    """
    recorded, unrecorded, tagged = Counter[str](), Counter[str](), Counter[str]()
    for change in changes:
        created = change.kind in (Kind.CREATE, Kind.REASSIGN)
        if change.kind is Kind.DELETE:
            unrecorded[change.mailbox] += 1
        else:
            recorded[change.mailbox] += 1
        if created and tags:
            tagged[change.mailbox] += 1
        if change.kind is Kind.REASSIGN:
            recorded[change.former_mailbox] += 1
    names = {*recorded, *unrecorded, *tagged}
    return Work(
        changes=len(changes),
        records=sum(change.kind is not Kind.DELETE for change in changes),
        mailboxes=tuple(
            MailboxWork(recorded[name], tagged[name], unrecorded[name]) for name in sorted(names)
        ),
    )
