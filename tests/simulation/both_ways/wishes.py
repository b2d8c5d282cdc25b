"""Technicians who move events of ours and mean the booking; and what Graph notifies, own writes included."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from booking_sync.domain.messages.change import BookingChange
from booking_sync.domain.return_path.version import version_of
from local.graph.api.render import etag_of
from local.graph.mailbox.schema import read_event
from tests.simulation.both_ways.ledger import agreed_start, read
from tests.simulation.chance.clock import now
from tests.simulation.chance.conductor import Choice

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from local.graph.mailbox.events import Mailbox, StoredEvent
    from tests.simulation.both_ways.ledger import Ledger
    from tests.simulation.chance.conductor import Conductor
    from tests.simulation.people import Dispatcher
    from tests.simulation.services.dataverse import DataverseSide
    from tests.simulation.services.graph import GraphSide
    from tests.simulation.services.queue import QueueModel

DELETION_SHARE = 0.4
"""How readily they delete, beside moving."""
MARKER, STAMP = "BookingSyncMarker", "BookingSyncStamp"
RESTORED = 0.4
"""How often what lies in Deleted Items is taken out again, where something else could be deleted."""
_NO_NOTIFICATION = (0, 1, 1, 1, 2)
"""How often a move is notified."""
ECHOES = (0, 0, 1)
"""How often a write of the app's is."""


@dataclass
class Wishes:
    """Moves events of ours, as readily as dispatchers act: else the last word would always be one side's."""

    conductor: Conductor
    graph: GraphSide
    dataverse: DataverseSide
    queue: QueueModel
    dispatcher: Dispatcher
    haste: float
    left: int
    deletions: int = 0
    moved: bool = field(default=False)
    echoes: Sequence[int] = ECHOES
    acting: bool = field(default=False)
    """What changes now is a person's doing."""
    deleted: set[str] = field(default_factory=set)
    """Events that somebody deleted, by immutable id."""
    restored: set[str] = field(default_factory=set)
    """Bookings, an event of which somebody took out of Deleted Items: it may be theirs no more."""

    @property
    def ledger(self) -> Ledger:
        """Which times each booking may have in the end."""
        return self.dispatcher.ledger

    def stop(self) -> None:
        """No more of it."""
        self.left = self.deletions = 0
        self.echoes = ()

    def choices(self) -> Iterable[Choice]:
        """One move of one event, or its deletion, or its way back."""
        if self.left and self._movable():
            yield Choice(self.haste, self._act)
        if self.deletions and (self.ours() or self._in_bin()):
            yield Choice(self.haste * DELETION_SHARE, self._delete_or_restore)

    def ours(self) -> list[tuple[str, StoredEvent]]:
        """The mailboxes and events that the app made."""
        return [
            (mailbox.id, event)
            for mailbox in self.graph.state.mailboxes.values()
            for event in mailbox.events.values()
            if event.owner_app
        ]

    def _movable(self) -> list[tuple[str, StoredEvent]]:
        """Neither all-day events nor series, whose times are no wish."""
        return [
            each for each in self.ours() if not (each[1].content["isAllDay"] or each[1].content["recurrence"])
        ]

    def _act(self) -> None:
        self.left -= 1
        chance = self.conductor.random
        mailbox_id, event = chance.choice(self._movable())
        self.move(mailbox_id, event)
        self._notify(event, chance.choice(_NO_NOTIFICATION))

    def move(self, mailbox_id: str, event: StoredEvent) -> None:
        """They move an event of ours to a time that its booking never had."""
        booking_id = _booking_of(event)
        start, end = self.ledger.wished(booking_id, seen=self._sees_the_plan(booking_id, mailbox_id, event))
        times = {
            name: {"dateTime": text.removesuffix("Z"), "timeZone": "UTC"}
            for name, text in (("start", start), ("end", end))
        }
        mailbox = self.graph.state.user(mailbox_id)
        self.acting = True
        self.graph.state.change(mailbox, event, read_event(times, creating=False), by_app=False)
        self.acting = False
        self.moved = True
        self.conductor.note(f"user moves {event.immutable_id} to {start}")

    def echo(self, mailbox: Mailbox, event: StoredEvent, change: str) -> None:
        """Graph notifies of what the app wrote, and this may come late."""
        del mailbox
        if self.echoes and event.owner_app and change != "deleted" and not self.acting:
            self._notify(event, self.conductor.random.choice(self.echoes))

    def _notify(self, event: StoredEvent, times: int, *, deleted: bool = False) -> None:
        """Of the version that the event has now."""
        versions = frozenset() if deleted else frozenset({version_of(etag_of(event))})
        hint = BookingChange(_booking_of(event), "notification", now(), look=True, versions=versions)
        for _ in range(times):
            self.queue.put(hint)

    def _in_bin(self) -> list[tuple[str, StoredEvent]]:
        return [
            (mailbox.id, event)
            for mailbox in self.graph.state.mailboxes.values()
            for event in mailbox.deleted_items.values()
            if event.owner_app and event.immutable_id in self.deleted
        ]

    def _delete_or_restore(self) -> None:
        self.deletions -= 1
        chance, binned = self.conductor.random, self._in_bin()
        if binned and (not self.ours() or chance.random() < RESTORED):
            mailbox_id, event = chance.choice(binned)
            self.acting = True
            self.graph.state.restore(self.graph.state.user(mailbox_id), event)
            self.acting = False
            self.conductor.note(f"user restores {event.immutable_id}")
            self.restored.add(_booking_of(event))
        else:
            mailbox_id, event = chance.choice(self.ours())
            self.graph.state.delete(self.graph.state.user(mailbox_id), event, by_app=False)
            self.deleted.add(event.immutable_id)
            self.conductor.note(f"user deletes {event.immutable_id}")
        self.moved = True
        booking_id = _booking_of(event)
        self.ledger.left_open(booking_id)
        self._notify(event, chance.choice(_NO_NOTIFICATION), deleted=True)

    def wipe(self) -> None:
        """Something that is no person removes all events of ours: nobody wishes anything by that."""
        for mailbox_id, event in self.ours():
            self.graph.state.delete(self.graph.state.user(mailbox_id), event, by_app=False)
            self.conductor.note(f"a clean-up removes {event.immutable_id}")
            self.ledger.left_open(_booking_of(event))
        self.moved = True

    def _sees_the_plan(self, booking_id: str, mailbox_id: str, event: StoredEvent) -> bool:
        """Whether the event is the booking's, which never left it, and they know the plan.

        They do where the event shows the row's times, or was moved from where both had agreed on.
        """
        row = self.dataverse.bookings().get(booking_id)
        if row is None or booking_id in self.dispatcher.wavering:
            return False
        if (row["bsync_outlookeventid"], row["bsync_originalresource"]) != (event.immutable_id, mailbox_id):
            return False
        planned, (agreed, nonce) = read(row["starttime"]), agreed_start(row)
        as_agreed = agreed == planned and _property(event, STAMP).endswith(f"/{nonce}")
        return not row["bsync_proposalanswer"] and (planned == event.start.utc or as_agreed)


def _booking_of(event: StoredEvent) -> str:
    return _property(event, MARKER).rpartition("/")[2]


def _property(event: StoredEvent, kind: str) -> str:
    return next((value for name, value in event.properties.items() if name.endswith(kind)), "")
