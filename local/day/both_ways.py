"""An evening on which technicians change tomorrow's events in Outlook, while dispatchers plan on.

Everything goes both ways here (`RETURN_PATH=apply`). Each technician's act is one that docs/two-way.md tells
of, and what became of it is read from the booking's row, and judged like any other day.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE
from rich.markup import escape
from rich.table import Table

from local.day.facts import gather_facts
from local.day.moves import BOOKINGS, Day
from local.day.run import PATIENCE_SECONDS, DayOptions
from local.day.verdict import compare
from local.day.world import Booking, WorldMaker, bind_status, booking_row, local_time, times
from local.stack import NO_TIMERS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping, Sequence

    from rich.console import Console

    from local.day.verdict import Difference, EventFact, Facts
    from local.day.world import World
    from local.stack import LocalStack

SETTINGS = {**NO_TIMERS, "RETURN_PATH": "apply"}
TECHNICIANS, SEED = 6, 11
HOURS = (8, 11, 14)
"""When each technician's bookings begin; they take an hour."""
ACCEPT, REJECT = 1, 2
GRACE_MINUTES = 10
"""What the app waits with deletions; the evening does not."""
POLL_SECONDS, QUIET_POLLS = 0.1, 40
"""What Graph tells lies hidden on the queue for three seconds, so quiet is what lasts longer."""


@dataclass(frozen=True, slots=True)
class Act:
    """What a technician did, or a technician and a dispatcher at the same time."""

    words: str
    booking_id: str
    answer: int = 0
    """What the dispatcher says, if asked; 0: nothing yet."""


@dataclass(frozen=True, slots=True)
class Evening:
    """What was done, and what became of it."""

    acts: Sequence[Act]
    told: Mapping[str, str]
    """By booking: what its row said before dispatchers answered."""
    now: Facts
    seconds: float
    """From the first act until all was quiet, grace and answers left out."""
    differences: Sequence[Difference]
    """Between rows and calendars, whenever somebody looked; none: in step."""


class BothWays:
    """Plays the evening.

    Args:
        stack: runs with `SETTINGS`, and holds nothing yet.
        seed: of names and private appointments.
    """

    def __init__(self, stack: LocalStack, seed: int = SEED) -> None:
        self._stack = stack
        self._tomorrow = DayOptions().day + timedelta(days=1)
        self._maker = WorldMaker(seed)
        self._world: World = self._maker.make(technicians=TECHNICIANS, bookings=1, day=self._tomorrow)
        self._day = Day(stack, self._world, seed)
        self._acts: list[Act] = []

    async def play(self) -> Evening:
        """Plan, let technicians and dispatchers act, let the grace pass, answer.

        Raises:
            NotQuietError: the app did not get done.
        """
        await self._day.furnish()
        plan = self._plan()
        bookings = [each for of_one in plan for each in of_one]
        await self._stack.dataverse.create_many(BOOKINGS, [booking_row(each) for each in bookings])
        await self._quiet()
        await self._listen()
        differences = compare(await self._facts())
        started = time.monotonic()
        deleted = await self._act(plan)
        seconds = time.monotonic() - started
        await self._let_grace_pass(deleted)
        asked = await self._facts()
        differences += compare(asked)
        await self._answer()
        now = await self._facts()
        told = {each.id: each.told for each in asked.bookings}
        return Evening(self._acts, told, now, seconds, [*differences, *compare(now)])

    def _plan(self) -> list[list[Booking]]:
        return [
            [
                Booking(
                    id=self._maker.new_id(),
                    name=f"{self._world.work_orders[0].id[:4]} {person.name.split()[0]} {hour}:00",
                    start=local_time(self._tomorrow, hour),
                    end=local_time(self._tomorrow, hour + 1),
                    resource_id=person.id,
                    status_id=self._world.status("Scheduled").id,
                    work_order_id=self._world.work_orders[0].id,
                )
                for hour in HOURS
            ]
            for person in self._world.technicians
        ]

    async def _listen(self) -> None:
        """Have the app subscribe to the mailboxes that show bookings, as it does every hour.

        It sweeps each a minute later, for what changed before; here nothing has.
        """
        await self._stack.run_timer("watch")
        await self._settle_but_sweeps(len(self._world.technicians))
        await self._stack.queue.clear()

    async def _act(self, plan: list[list[Booking]]) -> list[Booking]:
        """Everything but deletions at the same moment; then these, which the app waits with."""
        events = {each.booking_id: each for each in (await self._facts()).events if each.booking_id}
        anna, ben, carl, dora, emil, fay = plan
        await asyncio.gather(
            self._do("drags it an hour", anna[0], self._shift(events, anna[0], minutes=60)),
            self._do(
                "drags it to the next day", anna[1], self._shift(events, anna[1], minutes=24 * 60), ACCEPT
            ),
            self._do(
                "stretches it by half an hour", anna[2], self._shift(events, anna[2], longer=30), REJECT
            ),
            self._do(
                "drags it, and the dispatcher moves the booking", ben[0], self._both_move(events, ben[0])
            ),
            self._do("copies it, and drags the copy", ben[1], self._copy(events, ben[1])),
            self._do("deletes it and takes it back", ben[2], self._delete_and_restore(events, ben[2])),
            self._do("drags it onto the next one", dora[0], self._shift(events, dora[0], minutes=180)),
            self._do(
                "drags it, and the dispatcher cancels the booking", dora[2], self._overruled(events, dora[2])
            ),
            self._do("drags it there and back", emil[0], self._there_and_back(events, emil[0])),
            self._do(
                "drags it, and the dispatcher renames the booking", fay[0], self._renamed(events, fay[0])
            ),
        )
        await self._settle_but_sweeps(0)  # of what was deleted and taken back
        await self._stack.graph.configure(deleted_items="gone")
        for booking, answer in ((carl[0], ACCEPT), (carl[1], REJECT), (carl[2], 0)):
            await self._do("deletes it", booking, self._user("delete", events, booking), answer)
        await self._settle_but_sweeps(1)
        return [*carl, ben[2]]

    async def _do(self, words: str, booking: Booking, done: Awaitable[Any], answer: int = 0) -> None:
        self._acts.append(Act(words, booking.id, answer))
        await done

    async def _user(
        self, action: str, events: Mapping[str, EventFact], booking: Booking, **order: Any
    ) -> dict[str, Any]:
        event = events[booking.id]
        return await self._stack.graph.user(action, event.mailbox, **{"id": event.id, **order})

    async def _shift(self, events: Mapping[str, EventFact], booking: Booking, **by: int) -> None:
        await self._user("shift", events, booking, **by)

    async def _both_move(self, events: Mapping[str, EventFact], booking: Booking) -> None:
        moved = booking.moved(timedelta(minutes=90))
        await asyncio.gather(
            self._shift(events, booking, minutes=45),
            self._stack.dataverse.update(BOOKINGS, booking.id, times(moved.start, moved.end)),
        )

    async def _copy(self, events: Mapping[str, EventFact], booking: Booking) -> None:
        copy = await self._user("copy", events, booking)
        moved = await self._user("shift", events, booking, id=copy["immutableId"], minutes=30)
        self._day.private[moved["immutableId"]] = moved

    async def _delete_and_restore(self, events: Mapping[str, EventFact], booking: Booking) -> None:
        for action in ("delete", "restore"):
            await self._user(action, events, booking)

    async def _overruled(self, events: Mapping[str, EventFact], booking: Booking) -> None:
        canceled = bind_status(self._world.status("Canceled").id)
        await asyncio.gather(
            self._shift(events, booking, minutes=-30),
            self._stack.dataverse.update(BOOKINGS, booking.id, canceled),
        )

    async def _there_and_back(self, events: Mapping[str, EventFact], booking: Booking) -> None:
        for minutes in (60, -60):
            await self._shift(events, booking, minutes=minutes)

    async def _renamed(self, events: Mapping[str, EventFact], booking: Booking) -> None:
        await asyncio.gather(
            self._shift(events, booking, minutes=30),
            self._stack.dataverse.update(BOOKINGS, booking.id, {"name": f"{booking.name}, urgent"}),
        )

    async def _settle_but_sweeps(self, least: int) -> None:
        """Wait until nothing is left but messages that wait for their time."""
        quiet, before = 0, -1
        async with asyncio.timeout(PATIENCE_SECONDS):
            while quiet < QUIET_POLLS:
                await asyncio.sleep(POLL_SECONDS)
                waiting = await self._stack.queue.waiting()
                told = await self._stack.graph.pending_notifications()
                pending = told + await self._stack.dataverse.pending_deliveries()
                quiet = quiet + 1 if (waiting, pending) == (before, 0) and waiting >= least else 0
                before = waiting

    async def _let_grace_pass(self, deleted: Sequence[Booking]) -> None:
        """Ten minutes later: what waited for it is looked into, as if it had been queued then."""
        await self._stack.queue.clear()
        people = {each.id: each.mailbox for each in self._world.technicians}
        for mailbox in {people[each.resource_id] for each in deleted}:
            ids = [each.id for each in deleted if people[each.resource_id] == mailbox]
            await self._stack.queue.send(_sweep(mailbox, ids))
        await self._quiet()

    async def _answer(self) -> None:
        """Dispatchers look at the view, and answer."""
        rows = await self._stack.dataverse.rows(BOOKINGS)
        for act in self._acts:
            row = rows[act.booking_id]
            if act.answer and row["bsync_outlookproposal"]:
                about = [row["bsync_proposedstart"], row["bsync_proposedend"]]
                shown = about if all(about) else [row["starttime"], row["endtime"]]
                body = {"bsync_proposalanswer": act.answer, "bsync_answerfor": "/".join(shown)}
                await self._stack.dataverse.update(BOOKINGS, act.booking_id, body)
        await self._quiet()

    async def _quiet(self) -> None:
        await self._stack.wait_until_quiet(PATIENCE_SECONDS)

    async def _facts(self) -> Facts:
        return await gather_facts(self._stack, self._day.private, await self._stack.queue.take_poison())


def _sweep(mailbox: str, booking_ids: Sequence[str]) -> str:
    """The message that the app queues when it finds events gone, for when the grace has passed."""
    return json.dumps(
        {
            "version": 5,
            "mailbox": mailbox,
            "correlationId": "ten-minutes-later",
            "firstSeen": (datetime.now(UTC) - timedelta(minutes=GRACE_MINUTES)).isoformat(),
            "missing": list(booking_ids),
        }
    )


def as_json(evening: Evening) -> dict[str, Any]:
    """The evening for machines."""
    rows = {each.id: each for each in evening.now.bookings}
    return {
        "acts": [
            {
                "act": act.words,
                "bookingId": act.booking_id,
                "told": evening.told[act.booking_id],
                "toldAfterAnswers": rows[act.booking_id].told,
            }
            for act in evening.acts
        ],
        "seconds": round(evening.seconds, 2),
        "differences": [asdict(each) for each in evening.differences],
    }


def show(console: Console, evening: Evening) -> None:
    """Print each act and what became of it, and the verdict."""
    rows = {each.id: each for each in evening.now.bookings}
    title = "Both ways: technicians change tomorrow's events in Outlook"
    table = Table(title=title, title_justify="left", box=SIMPLE, expand=True, padding=(0, 1, 0, 0))
    for column in ("A technician …", "What the booking's row said", "… and after the dispatcher's answer"):
        table.add_column(column, overflow="fold", ratio=1)
    for act in evening.acts:
        before, after = evening.told[act.booking_id], rows[act.booking_id].told
        table.add_row(
            act.words,
            escape(_undated(before)) or "[dim]nothing[/]",
            escape(_undated(after)) if act.answer else "",
        )
    console.print(table)
    for difference in evening.differences:
        console.print(f"[red]✗ {difference.kind}[/]: {escape(difference.text)}")
    verdict = "[red]differs[/]" if evening.differences else "[green]in step[/]"
    console.print(f"Both sides, after {evening.seconds:.1f} s and after the answers: {verdict}")


def _undated(told: str) -> str:
    """Without the day, which is today."""
    return told.partition(" ")[2]
