"""Technicians who move events of ours and mean the booking, and what may come of it.

Every plan and every wish is a time that the booking never had, so that a time in the end tells whose it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from booking_sync.domain.change import BookingChange
from local.graph.mailbox.schema import read_event
from tests.simulation.clock import now
from tests.simulation.conductor import Choice

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from local.graph.mailbox.events import StoredEvent
    from tests.simulation.conductor import Conductor
    from tests.simulation.dataverse import DataverseSide
    from tests.simulation.graph import GraphSide
    from tests.simulation.queue import QueueModel

WISH_WEIGHT = 1.5
FIRST = datetime(2026, 3, 2, 8, tzinfo=UTC)
LENGTH = timedelta(hours=2, minutes=30)
_NO_NOTIFICATION = (0, 1, 1, 1, 2)
"""How often a move is notified."""


class Ledger:
    """Which times each booking may have at rest: those of the last change that nobody contested."""

    def __init__(self) -> None:
        self._allowed: dict[str, set[datetime]] = {}
        self._used = 0

    def allowed(self, booking_id: str) -> set[datetime]:
        """The starts that it may have."""
        return self._allowed.setdefault(booking_id, {FIRST})

    def planned(self, booking_id: str) -> tuple[str, str]:
        """A dispatcher moves the booking: start and end. What technicians wished before is overruled."""
        start = self._next()
        self._allowed[booking_id] = {start}
        return _text(start), _text(start + LENGTH)

    def wished(self, booking_id: str, *, seen: bool) -> tuple[str, str]:
        """A technician moves the event; it must count if they saw the plan as it is."""
        start = self._next()
        self._allowed[booking_id] = {start} if seen else {*self.allowed(booking_id), start}
        return _text(start), _text(start + LENGTH)

    def taken_elsewhere(self, booking_id: str, row: Mapping[str, Any]) -> None:
        """The booking leaves its event: a wish that nobody has looked at yet goes with it."""
        self.allowed(booking_id).add(read(row["starttime"]))

    def _next(self) -> datetime:
        self._used += 1
        return FIRST + timedelta(minutes=5 * self._used)


def read(value: Any) -> datetime:
    """A time of a row."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return datetime.fromisoformat(str(value)).astimezone(UTC)


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Wishes:
    """Moves events of ours."""

    conductor: Conductor
    graph: GraphSide
    dataverse: DataverseSide
    queue: QueueModel
    ledger: Ledger
    left: int
    moved: bool = field(default=False)

    def stop(self) -> None:
        """No more of it."""
        self.left = 0

    def choices(self) -> Iterable[Choice]:
        """One move of one event."""
        if self.left and self._ours():
            yield Choice(WISH_WEIGHT, self._act)

    def _ours(self) -> list[tuple[str, StoredEvent]]:
        return [
            (mailbox.id, event)
            for mailbox in self.graph.state.mailboxes.values()
            for event in mailbox.events.values()
            if event.owner_app
        ]

    def _act(self) -> None:
        self.left -= 1
        chance = self.conductor.random
        mailbox_id, event = chance.choice(self._ours())
        booking_id = _booking_of(event)
        start, end = self.ledger.wished(booking_id, seen=self._sees_the_plan(booking_id, mailbox_id, event))
        times = {
            name: {"dateTime": text.removesuffix("Z"), "timeZone": "UTC"}
            for name, text in (("start", start), ("end", end))
        }
        mailbox = self.graph.state.user(mailbox_id)
        self.graph.state.change(mailbox, event, read_event(times, creating=False), by_app=False)
        self.moved = True
        self.conductor.note(f"user moves {event.immutable_id} to {start}")
        for _ in range(chance.choice(_NO_NOTIFICATION)):
            self.queue.put(BookingChange(booking_id, "notification", now(), uncertain=True))

    def _sees_the_plan(self, booking_id: str, mailbox_id: str, event: StoredEvent) -> bool:
        """Whether the event is the booking's, and shows the times that the row has."""
        row = self.dataverse.bookings().get(booking_id)
        return (
            row is not None
            and row["bsync_outlookeventid"] == event.immutable_id
            and row["bsync_originalresource"] == mailbox_id
            and read(row["starttime"]) == event.start.utc
        )


def _booking_of(event: StoredEvent) -> str:
    marks = (value for name, value in event.properties.items() if name.endswith("BookingSyncMarker"))
    return next(marks, "").rpartition("/")[2]
