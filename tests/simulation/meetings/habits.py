"""What technicians make of our events besides moving, copying, editing and deleting them.

Whom they invite gets mail by their own hand; that is theirs. From then on the app has to keep its hands off.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from booking_sync.domain.events.ownership import marked_booking
from booking_sync.outlook.bodies import MARKER_PROPERTY
from local.graph.mailbox.schema import read_event
from tests.simulation.chance.conductor import Choice
from tests.simulation.people import ANNA, BERT, NAMES
from tests.simulation.services.dataverse import ORGANIZATION_ID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from booking_sync.domain.events.event_ref import EventRef
    from local.graph.mailbox.events import Mailbox, StoredEvent
    from tests.simulation.chance.conductor import Conductor
    from tests.simulation.services.graph import GraphSide

HABIT_WEIGHT = 0.7
SOMEBODY = {"emailAddress": {"address": "customer@adatum.example", "name": "A customer"}, "type": "required"}
THEIRS = ("sensitivity", "isReminderOn", "reminderMinutesBeforeStart", "importance")
"""Properties that the app sets at the creation only."""
OWN_CATEGORY = "Family"
NOTE = "<p>Bring a ladder</p>"


@dataclass
class Habits:
    """Technicians, each time with one of our events."""

    conductor: Conductor
    graph: GraphSide
    left: int
    since: dict[str, int] = field(default_factory=dict)
    """By iCalUId, which no migration changes: the decision at which people were invited."""
    met: set[str] = field(default_factory=set)
    """Bookings to whose events people were ever invited."""
    private: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What events, by iCalUId, were like before a technician decided some of it for good."""
    copies: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What copies that pass for ours show since a technician changed them, by immutable id."""
    reshaped: bool = False
    """Something was changed that only the next write puts right."""

    def stop(self) -> None:
        """No more of it."""
        self.left = 0

    def choices(self) -> Iterable[Choice]:
        """One thing with one event."""
        if self.left and self._ours():
            yield Choice(HABIT_WEIGHT, self._act)

    def invited_since(self, event: EventRef) -> int | None:
        """Since which decision people are invited; None when nobody is, or no calendar shows the event."""
        stored = self.graph.state.user(event.mailbox).events.get(event.event_id)
        if stored is None or not stored.content["attendees"]:
            return None
        return self.since.get(stored.ical_uid, 0)

    def part(self) -> None:
        """Every technician takes the people off our events again."""
        for mailbox, event in self._ours():
            if event.content["attendees"]:
                self._uninvite(mailbox, event)

    def with_people(self) -> list[tuple[str, Mailbox, StoredEvent]]:
        """Events of ours in a calendar to which people are invited, each behind its booking and mailbox."""
        return [(_booking(event), box, event) for box, event in self._ours() if event.content["attendees"]]

    def without_theirs(self, event: StoredEvent) -> dict[str, Any]:
        """The content, but for what the technician alone decides."""
        body = {**event.content["body"], "content": event.content["body"]["content"].replace(NOTE, "")}
        categories = [each for each in event.content["categories"] if each != OWN_CATEGORY]
        as_made = self._as_made(event)
        return {**event.content, **as_made, "body": body, "categories": categories}

    def _as_made(self, event: StoredEvent) -> dict[str, Any]:
        """What a technician decided otherwise since: at the event, or at the one that it is a copy of."""
        as_made = self.private.get(event.ical_uid, {})
        original = self.graph.indistinct.get(event.immutable_id)
        return {**as_made, **self._as_made(original)} if original else as_made

    def _ours(self) -> list[tuple[Mailbox, StoredEvent]]:
        mailboxes = [self.graph.state.user(each) for each in (ANNA, BERT)]
        return [
            (box, event)
            for box in mailboxes
            for event in box.events.values()
            if event.owner_app or self.graph.is_indistinct(event)  # nobody can tell that from ours
        ]

    def _act(self) -> None:
        self.left -= 1
        habits: list[tuple[int, Callable[[Mailbox, StoredEvent], None]]] = [
            (4, self._invite_or_not),
            (1, self._make_all_day),
            (1, self._make_series),
            (1, self._add_note),
            (1, self._make_private),
        ]
        (act,) = self.conductor.random.choices([each for _, each in habits], [weight for weight, _ in habits])
        act(*self.conductor.random.choice(self._ours()))

    def _invite_or_not(self, mailbox: Mailbox, event: StoredEvent) -> None:
        if event.content["attendees"]:
            self._uninvite(mailbox, event)
            return
        self.since[event.ical_uid] = self.conductor.decisions
        self.met.add(_booking(event))
        self._change(mailbox, event, "invites people to", attendees=[SOMEBODY])

    def _uninvite(self, mailbox: Mailbox, event: StoredEvent) -> None:
        self._change(mailbox, event, "removes the people from", attendees=[])

    def _make_all_day(self, mailbox: Mailbox, event: StoredEvent) -> None:
        self.reshaped = True
        start, end = (
            {"dateTime": f"2026-03-{day:02}T00:00:00", "timeZone": "Tokyo Standard Time"} for day in (2, 4)
        )
        self._change(mailbox, event, "makes all day", isAllDay=True, start=start, end=end, recurrence=None)

    def _make_series(self, mailbox: Mailbox, event: StoredEvent) -> None:
        self.reshaped = True
        lasts = {"type": "numbered", "startDate": "2026-03-02", "numberOfOccurrences": 3}
        daily = {"pattern": {"type": "daily", "interval": 1}, "range": lasts}
        self._change(mailbox, event, "makes a series of", recurrence=daily)

    def _add_note(self, mailbox: Mailbox, event: StoredEvent) -> None:
        body = {"contentType": "html", "content": event.content["body"]["content"] + NOTE}
        self._change(mailbox, event, "adds a note to", body=body)

    def _make_private(self, mailbox: Mailbox, event: StoredEvent) -> None:
        self.private.setdefault(event.ical_uid, {name: event.content[name] for name in THEIRS})
        categories = [*event.content["categories"], OWN_CATEGORY]
        if OWN_CATEGORY in event.content["categories"]:
            categories = event.content["categories"]
        theirs = {"sensitivity": "private", "isReminderOn": True, "importance": "high"}
        self._change(mailbox, event, "makes private", **theirs, categories=categories)

    def _change(self, mailbox: Mailbox, event: StoredEvent, what: str, **changes: Any) -> None:
        draft = read_event(changes, creating=False)
        self.graph.state.change(mailbox, event, draft, by_app=False)
        if not event.owner_app:
            self.copies[event.immutable_id] = dict(event.content)
        self.conductor.note(f"user {NAMES[mailbox.id]} {what} {event.immutable_id}")


def _booking(event: StoredEvent) -> str:
    marker = next((text for name, text in event.properties.items() if name == MARKER_PROPERTY), "")
    return marked_booking(marker, ORGANIZATION_ID) or ""
