"""Invented but believable sample data: technicians, customers, work orders and a planned day, seeded.

The same seed, size and date give the same world, ids included. Everybody and every company is made up.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import IntEnum
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

TIME_ZONE = "Europe/Berlin"
"""Where the sample company works; the app's `EVENT_TIME_ZONE` too."""

_FIRST_NAMES = """
Anneke Bruno Clara Dario Elif Fabian Greta Hamza Ines Jonas Katja Lorenz Mira Nils Oksana Pavel Ronja Samir
Tilda Uwe Vera Wim Yara Zeno
"""
_LAST_NAMES = """
Albersdorf Brinkhoff Carstensen Dohmann Eickelberg Fennhuis Grotenrath Harmsema Imbrock Jansbeek Kolthoff
Lindworth Merkelbach Nettelbrand Oosterkamp Petersfeld Quastenberg Rademaker Steinhövel Tiedkens Uhlenbruck
Voorthuis Wiesenkamp Zandvoorde
"""
_COMPANIES = (
    "Alpenglanz Molkerei",
    "Brückner & Söhne Druckerei",
    "Cordula Kliniken",
    "Deichhaus Hotels",
    "Elbtal Maschinenbau",
    "Falkenried Logistik",
    'Groote "De Molen" Bakkerijen',
    "Hafenblick Immobilien",
    "Isarwerk Präzision",
    "Kanaal & Zonen Koeltechniek",
    "Lindenhof Pflegeheim",
    "Maasstad Verpakkingen",
    "Nordlicht Brauerei",
    "Oranje Tuinbouw",
    "Polderland Zuivel",
    "Rheinufer Rechenzentrum",
)
_PLACES = (
    ("Am Speicher 4", "Hamburg", "20457", "Hamburg", "Germany", 53.5439, 9.9886),
    ("Lindenallee 17", "Köln", "50668", "Nordrhein-Westfalen", "Germany", 50.9500, 6.9670),
    ("Werkstraße 102", "Dresden", "01139", "Sachsen", "Germany", 51.0790, 13.7000),
    ("Hofgartenweg 9", "München", "80539", "Bayern", "Germany", 48.1450, 11.5820),
    ("Zur Mühle 2a", "Münster", "48143", "Nordrhein-Westfalen", "Germany", 51.9620, 7.6280),
    ("Kadijk 31", "Rotterdam", "3083 AB", "Zuid-Holland", "Netherlands", 51.8940, 4.4830),
    ("Molenpad 8", "Utrecht", "3511 LV", "Utrecht", "Netherlands", 52.0900, 5.1210),
    ("Industrieweg 240", "Eindhoven", "5627 BR", "Noord-Brabant", "Netherlands", 51.4810, 5.4510),
)
_JOBS = (
    ("Boiler inspection", "Yearly inspection. Check the safety valve & the flue."),
    ("Cooling unit repair", "Unit 3 no longer reaches -18 °C."),
    ("Filter replacement", "Six filters, in the van already."),
    ("Lift maintenance", "Doors hang on the <2nd> floor."),
    ("Control cabinet upgrade", "New firmware; plan a restart."),
    ("Leak search", "Water under the conveyor since Friday.\nBring the camera."),
    ("Meter reading", ""),
    ("Installation of a heat pump", "Second visit: electrics only."),
)


class Commitment(IntEnum):
    """`bookingstatus.status`."""

    PROPOSED = 1
    COMMITTED = 2
    CANCELED = 3


class Stage(IntEnum):
    """`bookingstatus.msdyn_fieldservicestatus`."""

    SCHEDULED = 690970000
    TRAVELING = 690970001
    ON_BREAK = 690970002
    IN_PROGRESS = 690970003
    COMPLETED = 690970004
    CANCELED = 690970005


class ResourceKind(IntEnum):
    """`bookableresource.resourcetype`, as far as the day needs it."""

    USER = 3
    EQUIPMENT = 4
    CREW = 6


PRIORITIES = {
    name: str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}.priority.example")) for name in ("Normal", "High")
}
"""Ids of the work orders' priorities, by name."""
URGENT_EVERY = 4
"""So often a work order has the higher one."""
LANGUAGES = ("de-DE", "fi-FI")
"""That people chose in Outlook, by turns."""
TAKES_PART, TAKES_NO_PART = 725_900_000, 725_900_001
"""The choices of the resource's column."""
FEW_TECHNICIANS = 5
"""With fewer nobody leaves for a while."""


@dataclass(frozen=True)
class Status:
    """A booking status."""

    id: str
    name: str
    commitment: Commitment
    stage: Stage


@dataclass(frozen=True)
class Resource:
    """Who or what can be booked; users have a Dynamics 365 user and an Entra object id."""

    id: str
    name: str
    kind: ResourceKind
    user_id: str = ""
    mailbox: str = ""
    """Entra object id."""
    email: str = ""
    disabled: bool = False
    has_mailbox: bool = True
    """False: the user exists in Entra without an Exchange Online mailbox."""
    language: str = "de-DE"
    """That the person chose in Outlook."""


@dataclass(frozen=True)
class WorkOrder:
    """A job at a customer's place."""

    id: str
    number: str
    account_id: str
    job: str
    notes: str
    place: tuple[str, str, str, str, str, float, float]
    """Street, city, postal code, state, country, latitude, longitude."""
    priority: str
    """A name in `PRIORITIES`."""


@dataclass(frozen=True)
class Booking:
    """A booking as the dispatcher plans it; times aware, UTC."""

    id: str
    name: str
    start: datetime
    end: datetime
    resource_id: str
    status_id: str
    work_order_id: str = ""

    def moved(self, by: timedelta) -> Booking:
        """The same booking, later or earlier."""
        return replace(self, start=self.start + by, end=self.end + by)


@dataclass(frozen=True)
class Appointment:
    """A private appointment in a technician's calendar; times aware, UTC."""

    mailbox: str
    subject: str
    start: datetime
    end: datetime


@dataclass(frozen=True)
class World:
    """All the sample data of a day."""

    day: date
    technicians: tuple[Resource, ...]
    """Ordinary ones: enabled, with a mailbox."""
    disabled: Resource
    without_mailbox: Resource
    equipment: Resource
    crew: Resource
    statuses: tuple[Status, ...]
    accounts: dict[str, str]
    """Account names by id."""
    work_orders: tuple[WorkOrder, ...]
    bookings: tuple[Booking, ...]
    appointments: tuple[Appointment, ...]
    shared_mailbox: Resource
    """Whose mailbox the equipment is given in the course of the day."""

    @property
    def leavers(self) -> tuple[Resource, ...]:
        """Two technicians who take no part for a while; nobody where there are few."""
        return self.technicians[-2:] if len(self.technicians) >= FEW_TECHNICIANS else ()

    @property
    def returners(self) -> tuple[Resource, ...]:
        """Those of them who come back on that day."""
        return self.leavers[:1]

    @property
    def mailboxes(self) -> tuple[Resource, ...]:
        """Everybody and everything with an object in Entra."""
        return (*self.people, self.shared_mailbox)

    @property
    def people(self) -> tuple[Resource, ...]:
        """Everybody with an account in Entra."""
        return (*self.technicians, self.disabled, self.without_mailbox)

    @property
    def resources(self) -> tuple[Resource, ...]:
        """Everybody and everything that can be booked."""
        return (*self.people, self.equipment, self.crew)

    def status(self, name: str) -> Status:
        """The status of that name."""
        return next(status for status in self.statuses if status.name == name)


class WorldMaker:
    """Makes worlds; one maker's ids and choices follow from its seed alone."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 - sample data, reproducible on purpose
        self._names = [f"{first} {last}" for last in _LAST_NAMES.split() for first in _FIRST_NAMES.split()]
        self._random.shuffle(self._names)
        self._last_number = 0
        self._people = 0

    def make(self, *, technicians: int, bookings: int, day: date) -> World:
        """A planned day.

        Args:
            technicians: how many ordinary ones, at most about 500.
            bookings: how many, dealt round to the technicians; at least one.
            day: the local day in `TIME_ZONE`.
        """
        people = tuple(self._user() for _ in range(technicians))
        statuses = self._statuses()
        accounts = {self.new_id(): name for name in _COMPANIES}
        # One for each booking, and one for the odd ones.
        work_orders = tuple(self.work_order(list(accounts)) for _ in range(bookings + 1))
        return World(
            day=day,
            technicians=people,
            disabled=replace(self._user(), disabled=True),
            without_mailbox=replace(self._user(), has_mailbox=False),
            equipment=Resource(self.new_id(), "Mobile crane 2", ResourceKind.EQUIPMENT),
            crew=Resource(self.new_id(), "Crew North", ResourceKind.CREW),
            statuses=statuses,
            accounts=accounts,
            work_orders=work_orders,
            bookings=self.bookings(people, work_orders, statuses, day, bookings),
            appointments=tuple(each for person in people for each in self._appointments(person, day)),
            shared_mailbox=replace(self._user(), name="Mobile crane 2 (shared mailbox)"),
        )

    def new_id(self) -> str:
        """A GUID."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def work_order(self, account_ids: list[str]) -> WorkOrder:
        """A job for one of these customers."""
        self._last_number += 1
        job, notes = self._random.choice(_JOBS)
        account, place = self._random.choice(account_ids), self._random.choice(_PLACES)
        priority = "Normal" if self._last_number % URGENT_EVERY else "High"
        return WorkOrder(self.new_id(), f"{self._last_number:05d}", account, job, notes, place, priority)

    def bookings(
        self,
        people: tuple[Resource, ...],
        work_orders: tuple[WorkOrder, ...],
        statuses: tuple[Status, ...],
        day: date,
        count: int,
    ) -> tuple[Booking, ...]:
        """Bookings dealt round to these people, each one's own one after the other from the early morning."""
        committed = [status.id for status in statuses if status.name == "Scheduled"]
        proposed = [status.id for status in statuses if status.name == "Proposed"]
        free_from = {person.id: local_time(day, 7) for person in people}
        made = []
        for index in range(count):
            person, work_order = people[index % len(people)], work_orders[index % len(work_orders)]
            start = free_from[person.id] + timedelta(minutes=self._random.choice((0, 0, 5, 15)))
            end = start + timedelta(minutes=self._random.choice((30, 45, 45, 60, 75, 90)))
            free_from[person.id] = end
            status = self._random.choices((committed[0], proposed[0]), (9, 1))[0]
            name = f"{work_order.job} {work_order.number}"
            made.append(Booking(self.new_id(), name, start, end, person.id, status, work_order.id))
        return tuple(made)

    def people(self, count: int) -> tuple[Resource, ...]:
        """More technicians, all ordinary."""
        return tuple(self._user() for _ in range(count))

    def _user(self) -> Resource:
        name = self._names.pop()
        self._people += 1
        address = name.lower().replace(" ", ".").replace("ö", "oe")
        return Resource(
            id=self.new_id(),
            name=name,
            kind=ResourceKind.USER,
            user_id=self.new_id(),
            mailbox=self.new_id(),
            email=f"{address}@technicians.example",
            language=LANGUAGES[self._people % len(LANGUAGES)],
        )

    def _statuses(self) -> tuple[Status, ...]:
        committed = Commitment.COMMITTED
        return (
            Status(self.new_id(), "Proposed", Commitment.PROPOSED, Stage.SCHEDULED),
            Status(self.new_id(), "Scheduled", committed, Stage.SCHEDULED),
            Status(self.new_id(), "Traveling", committed, Stage.TRAVELING),
            Status(self.new_id(), "On Break", committed, Stage.ON_BREAK),
            Status(self.new_id(), "In Progress", committed, Stage.IN_PROGRESS),
            Status(self.new_id(), "Completed", committed, Stage.COMPLETED),
            Status(self.new_id(), "Canceled", Commitment.CANCELED, Stage.CANCELED),
        )

    def _appointments(self, person: Resource, day: date) -> tuple[Appointment, ...]:
        dentist = local_time(day, self._random.choice((12, 13, 17)))
        football = local_time(day, 19)
        return (
            Appointment(person.mailbox, "Dentist", dentist, dentist + timedelta(minutes=45)),
            Appointment(person.mailbox, "Football practice", football, football + timedelta(hours=2)),
        )


def local_time(day: date, hour: int, minute: int = 0) -> datetime:
    """A wall-clock time of the sample company, in UTC."""
    return datetime.combine(day, time(hour, minute), ZoneInfo(TIME_ZONE)).astimezone(UTC)


def rows(world: World) -> list[tuple[str, dict[str, Any]]]:
    """All of Dataverse before the first booking: entity set and Web API body, what is referred to first."""
    found: list[tuple[str, dict[str, Any]]] = [
        ("accounts", {"accountid": account, "name": name}) for account, name in world.accounts.items()
    ]
    found += [
        ("msdyn_priorities", {"msdyn_priorityid": key, "msdyn_name": name})
        for name, key in PRIORITIES.items()
    ]
    found += [("bookingstatuses", _status_row(status)) for status in world.statuses]
    for resource in world.resources:
        found += resource_rows(resource)
    found += [("msdyn_workorders", work_order_row(work_order)) for work_order in world.work_orders]
    return found


def resource_rows(resource: Resource) -> list[tuple[str, dict[str, Any]]]:
    """A resource and, before it, its user."""
    body: dict[str, Any] = {
        "bookableresourceid": resource.id,
        "name": resource.name,
        "resourcetype": int(resource.kind),
    }
    if not resource.user_id:
        return [("bookableresources", body)]
    body["UserId@odata.bind"] = f"/systemusers({resource.user_id})"
    user = {
        "systemuserid": resource.user_id,
        "fullname": resource.name,
        "internalemailaddress": resource.email,
        "azureactivedirectoryobjectid": resource.mailbox,
        "isdisabled": resource.disabled,
    }
    return [("systemusers", user), ("bookableresources", body)]


def mailbox(person: Resource) -> dict[str, str]:
    """A person as the Graph stand-in's control plane wants them."""
    return {
        "id": person.mailbox,
        "displayName": person.name,
        "userPrincipalName": person.email,
        "kind": "normal" if person.has_mailbox else "no_mailbox",
        "language": person.language,
    }


def appointment_event(appointment: Appointment) -> dict[str, Any]:
    """A private appointment as a Graph event."""
    return {
        "subject": appointment.subject,
        "start": {"dateTime": f"{appointment.start:%Y-%m-%dT%H:%M:%S}", "timeZone": "UTC"},
        "end": {"dateTime": f"{appointment.end:%Y-%m-%dT%H:%M:%S}", "timeZone": "UTC"},
        "sensitivity": "private",
        "categories": ["Private"],
    }


def work_order_row(work_order: WorkOrder) -> dict[str, Any]:
    """A work order's Web API body."""
    street, city, postal_code, state, country, latitude, longitude = work_order.place
    return {
        "msdyn_workorderid": work_order.id,
        "msdyn_name": work_order.number,
        "msdyn_serviceaccount@odata.bind": f"/accounts({work_order.account_id})",
        "msdyn_priority@odata.bind": f"/msdyn_priorities({PRIORITIES[work_order.priority]})",
        "msdyn_workordersummary": work_order.notes,
        "msdyn_address1": street,
        "msdyn_city": city,
        "msdyn_postalcode": postal_code,
        "msdyn_stateorprovince": state,
        "msdyn_country": country,
        "msdyn_latitude": latitude,
        "msdyn_longitude": longitude,
    }


def booking_row(booking: Booking) -> dict[str, Any]:
    """A booking's Web API body."""
    body: dict[str, Any] = {
        "bookableresourcebookingid": booking.id,
        "name": booking.name,
        **times(booking.start, booking.end),
        **bind_resource(booking.resource_id),
        **bind_status(booking.status_id),
        "bookingtype": 1,
    }
    if booking.work_order_id:
        body["msdyn_workorder@odata.bind"] = f"/msdyn_workorders({booking.work_order_id})"
    return body


def times(start: datetime, end: datetime) -> dict[str, Any]:
    """The columns that move when a booking moves."""
    minutes = int((end - start).total_seconds() // 60)
    return {"starttime": _moment(start), "endtime": _moment(end), "duration": max(minutes, 0)}


def bind_resource(resource_id: str) -> dict[str, Any]:
    """The column that says who is booked."""
    return {"Resource@odata.bind": f"/bookableresources({resource_id})"}


def bind_status(status_id: str) -> dict[str, Any]:
    """The column that says how far it is."""
    return {"BookingStatus@odata.bind": f"/bookingstatuses({status_id})"}


def _status_row(status: Status) -> dict[str, Any]:
    return {
        "bookingstatusid": status.id,
        "name": status.name,
        "status": int(status.commitment),
        "msdyn_fieldservicestatus": int(status.stage),
    }


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
