"""What people do while the app works: dispatchers in Dynamics 365, technicians in Outlook."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from booking_sync.domain.bookings.participation import TakesPart
from booking_sync.domain.events.event_ref import EventClaim, EventRef
from booking_sync.domain.messages.change import BookingChange
from booking_sync.outlook.bodies import SEALED_PROPERTY
from local.graph.mailbox.schema import read_event
from tests.simulation.both_ways.ledger import Ledger
from tests.simulation.chance.clock import now
from tests.simulation.chance.conductor import Choice
from tests.simulation.services.dataverse import BOOKINGS, RESOURCE_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from local.graph.mailbox.events import Mailbox, StoredEvent
    from local.graph.mailbox.store import GraphState
    from tests.simulation.chance.conductor import Conductor
    from tests.simulation.chance.trouble import Profile
    from tests.simulation.services.dataverse import DataverseSide
    from tests.simulation.services.graph import GraphSide
    from tests.simulation.services.queue import QueueModel

ANNA = "a0000000-0000-4000-8000-00000000000a"
BERT = "b0000000-0000-4000-8000-00000000000b"
DORA = "d0000000-0000-4000-8000-00000000000d"
"""Whose mailbox is outside the app's scope."""
NAMES = {ANNA: "anna", BERT: "bert", DORA: "dora"}

USER_WEIGHT = 0.7
FORGER_WEIGHT = 0.4
COPIES_WITH_TRANSACTION = 0.7
"""Outlook's copies were seen with the original's transactionId; other programs' copies may lack it."""

_SUPPORT = ("bsync_outlookeventid", "bsync_originalresource", "bsync_outlooksyncstate")


@dataclass
class Office:
    """The rows that bookings point to: paths for `@odata.bind`."""

    statuses: dict[str, str]
    resources: dict[str, str]
    work_orders: list[str]
    users: dict[str, str]


class Dispatcher:
    """Plans bookings: creates some at first, then changes them for as long as the profile says."""

    def __init__(
        self, conductor: Conductor, dataverse: DataverseSide, profile: Profile, graph: GraphState
    ) -> None:
        self._graph = graph
        self._conductor = conductor
        self._dataverse = dataverse
        self._profile = profile
        self._office = _open_office(dataverse, conductor)
        self._left = profile.changes
        self._people = [ANNA, BERT, *([DORA] if profile.denied_mailbox else [])]
        self.ledger = Ledger(profile.both_ways)
        """Which times each booking may have in the end."""
        self.bookings: list[str] = []
        """Ids of all there ever were."""
        self.wavering: set[str] = set()
        """Those that did not want an event in one and the same mailbox all the time."""
        self.related = False
        """Whether a row that bookings name was changed."""
        self.overwrote = False
        """Whether somebody wrote into our columns."""
        for _ in range(profile.bookings):
            self._create({})

    @property
    def canceled_status(self) -> str:
        """The id of the booking status that cancels."""
        return self._office.statuses["canceled"].partition("(")[2].rstrip(")")

    def stop(self) -> None:
        """No more changes."""
        self._left = 0

    def choices(self) -> Iterable[Choice]:
        """One change of one booking."""
        if self._left:
            yield Choice(self._profile.haste, self._act)

    def _act(self) -> None:
        self._left -= 1
        live = list(self._dataverse.bookings())
        if not live:
            return
        booking_id = self._conductor.random.choice(live)
        moves: list[tuple[float, str, Callable[[str], None]]] = [
            (3, "", self._rename),
            (4.0 if self._profile.both_ways else 0.5, "", self._move),
            (0.3, "", self._copy),
            (3, "reassign", self._reassign),
            (3, "cancel", self.cancel_or_reactivate),
            (0.5, "cancel", self._toggle_work_order),
            (12, "waver", self.cancel_or_reactivate),
            (1, "delete", self._delete),
            (2, "relate", self._move_work_order),
            (1, "relate", self._change_user),
            (3, "join", self._leave_or_join),
            (2, "overwrite", self._overwrite),
        ]
        open_to_us = [(weight, move) for weight, kind, move in moves if kind in {"", *self._profile.moves}]
        weights = [weight for weight, _ in open_to_us]
        self._conductor.random.choices([move for _, move in open_to_us], weights)[0](booking_id)

    def _create(self, more: dict[str, Any]) -> None:
        booking_id = str(uuid.UUID(int=self._conductor.random.getrandbits(128), version=4))
        body = {
            "bookableresourcebookingid": booking_id,
            "name": self._title(),
            "starttime": "2026-03-02T08:00:00Z",
            "endtime": "2026-03-02T10:30:00Z",
            "statecode": 0,
            "BookingStatus@odata.bind": self._office.statuses["scheduled"],
            "Resource@odata.bind": self._office.resources[ANNA],
            "msdyn_workorder@odata.bind": self._office.work_orders[0],
            **more,
        }
        self._note(booking_id, "creates")
        self._dataverse.create(BOOKINGS, body)
        self.bookings.append(booking_id)

    def _rename(self, booking_id: str) -> None:
        title = self._title()
        self._note(booking_id, f"renames to {title}")
        self._dataverse.update(booking_id, {"name": title})

    def _reassign(self, booking_id: str) -> None:
        whom = self._conductor.random.choice([*self._people, *self._people, "van", "disabled"])
        self.wavering.add(booking_id)
        self.ledger.taken_elsewhere(booking_id, self._dataverse.bookings()[booking_id])
        self._note(booking_id, f"reassigns to {NAMES.get(whom, whom)}")
        self._dataverse.update(booking_id, {"Resource@odata.bind": self._office.resources[whom]})

    def cancel_or_reactivate(self, booking_id: str) -> None:
        """Calls it off, or on again."""
        row = self._dataverse.bookings()[booking_id]
        canceled = self._office.statuses["canceled"]
        now_canceled = str(row["bookingstatus"]) in canceled
        # With a return path wishes count only before somebody is on the way.
        away = ("canceled", "canceled" if self._profile.both_ways else "traveling")
        status = "scheduled" if now_canceled else self._conductor.random.choice(away)
        self.wavering.add(booking_id)
        self.ledger.taken_elsewhere(booking_id, row)
        self._note(booking_id, f"sets {status}")
        self._dataverse.update(booking_id, {"BookingStatus@odata.bind": self._office.statuses[status]})

    def _move(self, booking_id: str) -> None:
        hour = self._conductor.random.choice((8, 9))
        if self._profile.both_ways:
            self.plan(booking_id)
            return
        self._note(booking_id, f"moves to {hour} o'clock")
        self._dataverse.update(booking_id, {"starttime": f"2026-03-02T{hour:02}:00:00Z"})

    def plan(self, booking_id: str) -> None:
        """Moves it to a time that it never had, so that nobody takes that for a change back."""
        start, end = self.ledger.planned(booking_id)
        self._note(booking_id, f"plans for {start}")
        self._dataverse.update(booking_id, {"starttime": start, "endtime": end})

    def _toggle_work_order(self, booking_id: str) -> None:
        row = self._dataverse.bookings()[booking_id]
        order = None if row["msdyn_workorder"] else self._conductor.random.choice(self._office.work_orders)
        self.wavering.add(booking_id)
        self.ledger.taken_elsewhere(booking_id, row)
        self._note(booking_id, "sets a work order" if order else "removes the work order")
        self._dataverse.update(booking_id, {"msdyn_workorder@odata.bind": order})

    def _move_work_order(self, booking_id: str) -> None:
        """Moves the booking's work order, and with it whatever else is booked for that."""
        order = self._dataverse.bookings()[booking_id]["msdyn_workorder"]
        if order is None:
            return
        # Few cities, so that a former content comes back while something stale is still under way.
        city = self._conductor.random.choice(("Espoo", "Hanko"))
        self.related = True
        self._conductor.note(f"dispatcher moves work order {str(order)[-4:]} to {city}")
        self._dataverse.update(str(order), {"msdyn_city": city}, "msdyn_workorders")

    def _change_user(self, booking_id: str) -> None:
        """Has somebody else take over the booking's resource, and with it all that is booked of it."""
        resource = str(self._dataverse.bookings()[booking_id]["resource"])
        whom = self._conductor.random.choice((ANNA, BERT))
        if resource not in self._office.resources[ANNA] + self._office.resources[BERT]:
            return
        self.related = True
        self.wavering.update(self._dataverse.bookings())
        for each, row in self._dataverse.bookings().items():
            self.ledger.taken_elsewhere(each, row)
        self._conductor.note(f"dispatcher gives resource {resource[-4:]} to {NAMES[whom]}")
        self._dataverse.update(resource, {"UserId@odata.bind": self._office.users[whom]}, "bookableresources")

    def _leave_or_join(self, booking_id: str) -> None:
        """Has the booking's resource take part no more, or again, and with it all that is booked of it."""
        resource = str(self._dataverse.bookings()[booking_id]["resource"])
        self.related = True
        self.wavering.update(self._dataverse.bookings())
        for each, row in self._dataverse.bookings().items():
            self.ledger.taken_elsewhere(each, row)
        choice = self._conductor.random.choice((TakesPart.NO, TakesPart.NO, TakesPart.YES, None))
        self._conductor.note(f"dispatcher says of resource {resource[-4:]} whether it takes part: {choice}")
        self._dataverse.update(resource, {RESOURCE_COLUMNS.takes_part: choice}, "bookableresources")

    def _copy(self, booking_id: str) -> None:
        """Copies the row with all its columns, ours among them, as people and tools do."""
        row = self._dataverse.bookings()[booking_id]
        self._create({"name": row["name"], **{column: row[column] for column in _SUPPORT}})

    def _overwrite(self, booking_id: str) -> None:
        """Somebody with write access puts another event, or nothing, into our columns."""
        chance, rows = self._conductor.random, self._dataverse.bookings()
        other = rows[chance.choice(list(rows))]
        mailbox = self._graph.user(chance.choice((ANNA, BERT)))
        events = [*mailbox.events, "AAMkInvented="]
        state = chance.choice(
            (None, "999999999:", "7::0123456789abcdef", "1:f:2.00000000.0", other[_SUPPORT[2]])
        )
        named: dict[str, Any] = chance.choice(
            (
                {_SUPPORT[0]: chance.choice(events), _SUPPORT[1]: mailbox.id, _SUPPORT[2]: state},
                {column: other[column] for column in _SUPPORT},
                dict.fromkeys(_SUPPORT),
            )
        )
        self.overwrote = True
        self.wavering.add(booking_id)
        self._note(booking_id, "overwrites our columns of")
        # Half of the time together with something that an event shows, as an import does.
        shown = {"name": self._title()} if chance.random() < 0.5 else {}
        self._dataverse.update(booking_id, {**named, **shown})

    def _delete(self, booking_id: str) -> None:
        self.wavering.add(booking_id)
        self.ledger.taken_elsewhere(booking_id, self._dataverse.bookings()[booking_id])
        self._note(booking_id, "deletes")
        self._dataverse.delete(booking_id)

    def _title(self) -> str:
        # Few titles, so that a former content comes back while something stale is still under way.
        return self._conductor.random.choice(("Boiler", "Pump", "Valve"))

    def _note(self, booking_id: str, what: str) -> None:
        self._conductor.note(f"dispatcher {what}: {booking_id[-4:]}")


@dataclass
class Technicians:
    """What users do with events in Outlook, theirs and ours."""

    conductor: Conductor
    graph: GraphSide
    left: int
    foreign: dict[str, tuple[Mailbox, dict[str, Any]]] = field(default_factory=dict)
    """Users' own events and copies, by id, with what they show."""
    named: bool = False
    """Whether events may be in other calendars than the main one."""
    meddled: bool = False
    """A user deleted or edited an event of ours, which only a change or the audit mends."""

    def stop(self) -> None:
        """No more of it."""
        self.left = 0

    def choices(self) -> Iterable[Choice]:
        """One thing in one mailbox."""
        if self.left:
            yield Choice(USER_WEIGHT, self._act)

    def _act(self) -> None:
        self.left -= 1
        mailbox = self.graph.state.user(self.conductor.random.choice((ANNA, BERT)))
        ours = [event for event in mailbox.events.values() if event.owner_app]
        if not ours:
            self._create(mailbox)
            return
        event = self.conductor.random.choice(ours)
        acts = [self._copy, self._copy, self._move, self._delete, self._edit]
        acts += [self._drag, self._drag, self._delete_calendar] if self.named else []
        act = self.conductor.random.choice(acts)
        act(mailbox, event)

    def own_event_each(self) -> None:
        """Each has an appointment of their own, so that no calendar ever shows nothing."""
        for mailbox in (ANNA, BERT):
            self._create(self.graph.state.user(mailbox))

    def _create(self, mailbox: Mailbox) -> None:
        times = {name: {"dateTime": "2026-03-02T09:00:00", "timeZone": "UTC"} for name in ("start", "end")}
        draft = read_event({"subject": "Dentist", **times}, creating=True)
        self._keep(mailbox, self.graph.state.create(mailbox, draft, by_app=False), "makes an own event")

    def _copy(self, mailbox: Mailbox, event: StoredEvent) -> None:
        copied = self.graph.state.copy(mailbox, event)
        if self.conductor.random.random() < COPIES_WITH_TRANSACTION:
            copied.transaction_id = event.transaction_id
        if not event.extensions and SEALED_PROPERTY not in event.properties:
            self.graph.indistinct[copied.immutable_id] = event
        self._keep(mailbox, copied, f"copies {event.immutable_id} to")

    def _move(self, mailbox: Mailbox, event: StoredEvent) -> None:
        self.graph.state.move(mailbox, event)
        self._note(mailbox, f"moves {event.immutable_id} away and back")

    def _delete(self, mailbox: Mailbox, event: StoredEvent) -> None:
        self.graph.state.delete(mailbox, event, by_app=False)
        self.meddled = True
        self._note(mailbox, f"deletes {event.immutable_id}")

    def _drag(self, mailbox: Mailbox, event: StoredEvent) -> None:
        calendar = self.conductor.random.choice(["", *mailbox.calendars])
        self.graph.state.drag(mailbox, event, calendar)
        self.meddled = True
        self._note(
            mailbox, f"drags {event.immutable_id} to {mailbox.calendars.get(calendar, 'the main one')}"
        )

    def _delete_calendar(self, mailbox: Mailbox, event: StoredEvent) -> None:
        """The one that shows this event, with people's own events and copies in it."""
        if not event.calendar or any(not each.owner_app for each in mailbox.events.values()):
            return
        self.graph.state.delete_calendar(mailbox, event.calendar)
        self.meddled = True
        self._note(mailbox, f"deletes the calendar of {event.immutable_id}")

    def _edit(self, mailbox: Mailbox, event: StoredEvent) -> None:
        draft = read_event({"subject": "Changed by hand"}, creating=False)
        self.graph.state.change(mailbox, event, draft, by_app=False)
        self.meddled = True
        self._note(mailbox, f"edits {event.immutable_id}")

    def _keep(self, mailbox: Mailbox, event: StoredEvent, what: str) -> None:
        self.foreign[event.immutable_id] = (mailbox, dict(event.content))
        self._note(mailbox, f"{what} {event.immutable_id}")

    def _note(self, mailbox: Mailbox, what: str) -> None:
        self.conductor.note(f"user {NAMES[mailbox.id]} {what}")


@dataclass
class Forger:
    """Holds a function key or a role on the queue, and puts messages there that no row asked for."""

    conductor: Conductor
    graph: GraphSide
    queue: QueueModel
    dispatcher: Dispatcher
    left: int

    def stop(self) -> None:
        """No more of it."""
        self.left = 0

    def choices(self) -> Iterable[Choice]:
        """One message."""
        if self.left:
            yield Choice(FORGER_WEIGHT, self._act)

    def _act(self) -> None:
        self.left -= 1
        chance = self.conductor.random
        mailbox = self.graph.state.user(chance.choice((ANNA, BERT)))
        if not mailbox.events:
            return
        event = EventRef(mailbox.id, chance.choice(list(mailbox.events)))
        invented = str(uuid.UUID(int=chance.getrandbits(128), version=4))
        booking_id = chance.choice([*self.dispatcher.bookings, invented])
        state = chance.choice(("", "1::", "3:f:2.00000000." + "0" * 32))
        self.conductor.note(f"forger names {event.event_id} for {booking_id[-4:]}")
        self.queue.put(
            BookingChange(
                booking_id,
                "forged",
                now(),
                deleted=chance.random() < 0.7,
                event=EventClaim(event, state),
                uncertain=chance.random() < 0.5,
                suspects=frozenset({ANNA, BERT} if chance.random() < 0.5 else ()),
            )
        )


def _open_office(dataverse: DataverseSide, conductor: Conductor) -> Office:
    def add(entity_set: str, key: str, body: dict[str, Any]) -> str:
        row_id = str(uuid.UUID(int=conductor.random.getrandbits(128), version=4))
        return f"/{entity_set}({dataverse.create(entity_set, {key: row_id, **body})})"

    users: dict[str, str] = {}

    def person(mailbox: str, *, disabled: bool = False) -> str:
        body = {"azureactivedirectoryobjectid": mailbox, "isdisabled": disabled}
        user = add("systemusers", "systemuserid", body)
        users.setdefault(mailbox, user)
        body = {"resourcetype": 3, "UserId@odata.bind": user}
        return add("bookableresources", "bookableresourceid", body)

    def status(name: str, commit_type: int, number: int) -> str:
        body = {"name": name, "status": commit_type, "msdyn_fieldservicestatus": number}
        return add("bookingstatuses", "bookingstatusid", body)

    account = add("accounts", "accountid", {"name": "Adatum Bakery"})
    order = {"msdyn_serviceaccount@odata.bind": account, "msdyn_city": "Helsinki"}
    return Office(
        {
            "scheduled": status("Scheduled", 2, 690970000),
            "traveling": status("Traveling", 2, 690970001),
            "canceled": status("Canceled", 3, 690970005),
        },
        {
            **{mailbox: person(mailbox) for mailbox in NAMES},
            "disabled": person(ANNA, disabled=True),
            "van": add("bookableresources", "bookableresourceid", {"resourcetype": 4}),
        },
        [
            add("msdyn_workorders", "msdyn_workorderid", {**order, "msdyn_name": f"WO-{number}"})
            for number in (1, 2)
        ],
        users,
    )
