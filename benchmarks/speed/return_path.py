"""What the way back from Outlook costs: echoes of own writes, moves that are granted, and proposals.

In virtual time, so that requests are counted and nothing else. What is measured are the hints that
notifications become: each is of another booking, all at one moment, as after a burst. Notifications, their
messages and the query that finds their bookings (one for up to 100 events) come before.
"""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from benchmarks.common.figures import Latency, Result, Table, Target
from benchmarks.simulated.load import BOOKINGS, Office
from benchmarks.simulated.product import open_product
from benchmarks.simulated.world import SimulatedWorld
from booking_sync.domain.return_path.client_state import NotificationKeys, make_notification_key
from booking_sync.domain.return_path.messages import MailboxSweep
from booking_sync.domain.return_path.version import version_of
from local.graph.api.render import etag_of
from local.graph.mailbox.schema import read_event
from local.graph.subscriptions.delivery import Heard
from local.standin.virtual_time import run_virtually

if TYPE_CHECKING:
    from benchmarks.common.figures import Options
    from booking_sync.domain.messages.audit_progress import AuditProgress
    from booking_sync.domain.messages.change import BookingChange, RelatedChange
    from booking_sync.domain.return_path.messages import OutlookMessage
    from local.graph.mailbox.zones import EventTime

TECHNICIANS, QUICK_TECHNICIANS = 100, 20
NEAR, FAR = timedelta(minutes=60), timedelta(days=1, minutes=60)
A_LITTLE = timedelta(minutes=5)
ON = {"RETURN_PATH": "apply", "RETURN_FREEZE_MINUTES": "0"}
ACCEPT = 1
SEEN_SECONDS = 90
"""An answer that names no proposal counts for one that is older than a minute."""
NO_LATENCY = Latency(0.0, 0.0)
BOOKINGS_EACH, SWEPT, QUICK_SWEPT = 20, 50, 5
WATCHED, QUICK_WATCHED, DAYS = 5_000, 50, 3
WATCH_COLUMNS = ("subscriptions", "on", "requests to Graph", "items", "requests of each")
SWEEP_COLUMNS = ("bookings", "mailboxes", "to Graph", "to Dataverse", "messages", "requests per booking")
COLUMNS = ("what happens", "bookings", "to Graph", "items", "to Dataverse", "requests per booking")


@dataclass(frozen=True, slots=True)
class Cost:
    """What one thing cost, that happened to so many bookings at one moment."""

    what: str
    bookings: int
    graph: int
    items: int
    dataverse: int

    @property
    def per_booking(self) -> float:
        """Requests to both services."""
        return (self.graph + self.dataverse) / self.bookings

    @property
    def row(self) -> tuple[str, int, int, int, int, float]:
        """Of the table."""
        return (self.what, self.bookings, self.graph, self.items, self.dataverse, self.per_booking)


def run(options: Options) -> Result:
    """Play a day of moves at each latency."""
    technicians = QUICK_TECHNICIANS if options.quick else TECHNICIANS
    found = {each: run_virtually(_play(each, technicians)) for each in options.latencies}
    made, echo, returned = (next(iter(found.values()))[place] for place in (1, 3, 4))
    return Result(
        "return_path",
        "What does the way back from Outlook cost?",
        {"technicians": technicians, "latencies": ", ".join(each.label for each in found)},
        tables=(
            *(
                Table(f"One booking of each technician, {each.label}", COLUMNS, tuple(c.row for c in costs))
                for each, costs in found.items()
            ),
            _sweeps(QUICK_SWEPT if options.quick else SWEPT),
            _watches(QUICK_WATCHED if options.quick else WATCHED),
        ),
        targets=(
            Target(
                "an echo of an own change costs no request to Graph",
                f"{echo.items / echo.bookings:.3g} items to Graph per booking",
                echo.items == 0,
            ),
            Target(
                "an echo of an event that was made costs no write, and one event read at most",
                f"{made.items / made.bookings:.3g} items to Graph per booking",
                made.items <= made.bookings,
            ),
            Target(
                "a move that is granted writes nothing to Outlook, and reads one event",
                f"{returned.items / returned.bookings:.3g} items to Graph per booking",
                returned.items <= returned.bookings,
            ),
        ),
        notes=(
            "The first row is what a new booking costs anyway. Notifications of Graph cost it, not us.",
            (
                "A row remembers the version that our last write of its event left, and an echo names it. "
                "A new event is written to once more, for its extension, whose answer names no version: "
                "so it is read."
            ),
            "With `RETURN_PATH=off` a change costs the requests that it did before there was a way back.",
        ),
    )


def _sweeps(technicians: int) -> Table:
    bookings, graph, dataverse, messages = run_virtually(_sweep(technicians))
    row = (bookings, technicians, graph, dataverse, messages, (graph + dataverse) / bookings)
    return Table("Sweeps of mailboxes in which nothing is amiss", SWEEP_COLUMNS, (row,))


def _watches(mailboxes: int) -> Table:
    costs = run_virtually(_watch(mailboxes))
    rows = tuple((mailboxes, each.what, each.graph, each.items, each.per_booking) for each in costs)
    return Table("Subscriptions, looked after every hour", WATCH_COLUMNS, rows)


async def _sweep(technicians: int) -> tuple[int, int, int, int]:
    """Bookings swept, requests to Graph and Dataverse, messages, when nothing is amiss."""
    world = SimulatedWorld(NO_LATENCY)
    office = Office(world, technicians=technicians, bookings=BOOKINGS_EACH * technicians)
    async with open_product(world, ON) as product:
        changes = office.book(BOOKINGS_EACH * technicians)
        await product.submit_all(changes)
        queue = CountingQueue()
        sweeper = product.sweeper(queue)
        world.clear_traffic()
        for mailbox in sorted({each.mailbox for each in changes}):
            await sweeper.sweep(MailboxSweep(mailbox, "sweep", world.now()))
        graph, dataverse = world.graph_link.traffic, world.dataverse_link.traffic
        return len(changes), graph.requests, dataverse.requests, queue.sent


async def _watch(mailboxes: int) -> list[Cost]:
    """The first day, on which subscriptions are made, and the third, on which they are renewed."""
    world = SimulatedWorld(NO_LATENCY)
    world.graph.notifier.poster = _agreeing
    names = [str(uuid.UUID(int=number + 1, version=4)) for number in range(mailboxes)]
    for name in names:
        world.graph.state.add_mailbox(name, name, f"{name}@contoso.example")
    costs = []
    async with open_product(world, ON) as product:
        watch = product.watch(frozenset(names), OneKey(), CountingQueue())
        for day in range(DAYS):
            world.clear_traffic()
            for _ in range(24):
                await watch.run()
                world.dataverse.state.throttle.clear()
                await asyncio.sleep(3600)
            traffic = world.graph_link.traffic
            costs.append(Cost(f"day {day + 1}", mailboxes, traffic.requests, traffic.batch_items, 0))
    return costs


async def _agreeing(url: str, body: bytes, seconds: float) -> Heard:  # noqa: ARG001 - as `Poster` has it
    """The address wants notifications."""
    token = parse_qs(urlsplit(url).query).get("validationToken", [""])[0]
    return Heard(200, "text/plain", token)


class OneKey:
    """Fulfils `NotificationKeyring`."""

    async def keys(self, *, renewed: bool = False) -> NotificationKeys:  # noqa: ARG002 - the port's
        """Always the same."""
        return NotificationKeys((make_notification_key("1" * 64),))


class CountingQueue:
    """Counts what it is given; fulfils `MessageQueue`."""

    def __init__(self) -> None:
        self.sent = 0

    async def send(self, change: BookingChange, delay: float = 0.0) -> None:  # noqa: ARG002 - the port's
        """Count."""
        self.sent += 1

    async def send_related(self, change: RelatedChange, delay: float = 0.0) -> None:  # noqa: ARG002 - the port's
        """Count."""
        self.sent += 1

    async def send_audit(self, progress: AuditProgress, delay: float = 0.0) -> None:  # noqa: ARG002 - the port's
        """Count."""
        self.sent += 1

    async def send_outlook(self, message: OutlookMessage, delay: float = 0.0) -> None:  # noqa: ARG002 - the port's
        """Count."""
        self.sent += 1

    async def dead_letter(self, text: str, reason: str) -> None:  # noqa: ARG002 - the port's
        """Count."""
        self.sent += 1


async def _play(latency: Latency, technicians: int) -> list[Cost]:
    world = SimulatedWorld(latency)
    office = Office(world, technicians=technicians, bookings=technicians)
    costs = []
    async with open_product(world, ON) as product:

        async def measure(what: str, booking_ids: list[str], *, look: bool = True) -> None:
            world.clear_traffic()
            await product.hint(booking_ids, look=look, versions=_versions(world) if look else {})
            graph, dataverse = world.graph_link.traffic, world.dataverse_link.traffic
            costs.append(Cost(what, len(booking_ids), graph.requests, graph.batch_items, dataverse.requests))

        booked = [each.booking_id for each in office.book(technicians)]
        await measure("a new booking's event is written", booked, look=False)
        await measure("Graph notifies of that write (its echo)", booked)
        for each in booked:
            row = world.dataverse.state.rows(BOOKINGS)[each]
            later = {name: _a_little_later(str(row[name])) for name in ("starttime", "endtime")}
            world.dataverse.state.update(BOOKINGS, each, later, webhooks=False)
        await measure("a dispatcher moves the booking", booked, look=False)
        await measure("Graph notifies of that change (its echo)", booked)
        moved = _drag(world, NEAR)
        await measure("somebody moves the event an hour", moved)
        await measure("Dynamics 365 tells of that return (its echo)", moved, look=False)
        asked = _drag(world, FAR)
        await measure("somebody moves the event to the next day: proposed", asked)
        await asyncio.sleep(SEEN_SECONDS)
        for each in asked:
            world.dataverse.state.update(BOOKINGS, each, {"bsync_proposalanswer": ACCEPT}, webhooks=False)
        await measure("a dispatcher accepts", asked, look=False)
        return costs


def _versions(world: SimulatedWorld) -> dict[str, frozenset[str]]:
    """Of the event that each row names, as Graph would notify them now."""
    state = world.graph.state
    return {
        booking_id: frozenset(
            {
                version_of(
                    etag_of(
                        state.find(
                            state.user(str(row["bsync_originalresource"])),
                            str(row["bsync_outlookeventid"]),
                            immutable=True,
                        )
                    )
                )
            }
        )
        for booking_id, row in world.dataverse.state.rows(BOOKINGS).items()
        if row["bsync_outlookeventid"]
    }


def _a_little_later(text: str) -> str:
    return f"{datetime.fromisoformat(text) + A_LITTLE:%Y-%m-%dT%H:%M:%SZ}"


def _drag(world: SimulatedWorld, by: timedelta) -> list[str]:
    """Somebody moves every event that a row names and that is to come; the bookings."""
    moved = []
    state = world.graph.state
    for booking_id, row in world.dataverse.state.rows(BOOKINGS).items():
        mailbox = state.user(str(row["bsync_originalresource"]))
        event = state.find(mailbox, str(row["bsync_outlookeventid"]), immutable=True)
        if event.start.utc <= world.now():
            continue
        body = {name: _later(moment, by) for name, moment in (("start", event.start), ("end", event.end))}
        state.change(mailbox, event, read_event(body, creating=False), by_app=False)
        moved.append(booking_id)
    return moved


def _later(moment: EventTime, by: timedelta) -> dict[str, str]:
    return {"dateTime": f"{moment.utc + by:%Y-%m-%dT%H:%M:%S}", "timeZone": "UTC"}
