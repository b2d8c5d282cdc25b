"""What a script can have happen, with the simulation's own parts.

A script is a generator: whenever nothing is ready to run, it does the next thing instead of chance. When it
has ended, chance goes on until all is at rest, and the schedule is judged as every other one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from booking_sync.domain.messages.change import BookingChange
from local.graph.config import GraphConfig
from tests.simulation.app.process import Parts
from tests.simulation.both_ways.ledger import read
from tests.simulation.chance.clock import now
from tests.simulation.chance.trouble import Profile
from tests.simulation.schedule import Result, Schedule
from tests.simulation.services.dataverse import BOOKINGS

if TYPE_CHECKING:
    from datetime import datetime

    from booking_sync.domain.return_path.side import ProposalAnswer
    from local.graph.mailbox.events import StoredEvent
    from tests.simulation.app.process import Process
    from tests.simulation.chance.conductor import Wait
    from tests.simulation.chance.trouble import BothWays

Steps = Iterator[bool]
"""Yields after each thing, so that what follows from it runs; True: time passes to the next timer."""

_QUIET = Profile(
    processes=2,
    bookings=1,
    changes=0,
    haste=0.0,
    user_actions=0,
    crashes=0,
    call_faults=0,
    item_faults=0,
    throttles=0,
    queue_faults=0,
    redeliveries=0,
    doubled_hints=0,
    lost_webhooks=0,
    outages=0,
    stalls=0,
    moves=(),
    denied_mailbox=False,
    extension=False,
    graph=GraphConfig(inline_extension_failure_every=0, deleted_items="gone", event_if_match="checked"),
)


@dataclass(frozen=True)
class Built:
    """A script, and the world that it is played in."""

    rule: str
    """Whose removal it shows, as `teeth.way_back` names it."""
    script: Callable[[Stage], Steps]
    mode: BothWays = "apply"
    bookings: int = 1
    deletes: bool = False
    """Whether an event's deletion cancels its booking."""

    def play(self, parts: Parts | None = None) -> Result:
        """Play it with these parts of the protocol; None: with the real ones."""
        return _Played(self, parts or Parts()).run()


class _Played(Schedule):
    """A schedule that begins with a script."""

    def __init__(self, built: Built, parts: Parts) -> None:
        profile = replace(
            _QUIET, both_ways=built.mode, bookings=built.bookings, deletions=1 if built.deletes else 0
        )
        super().__init__(0, parts, lambda _drawn: profile)
        self._script: Callable[[Stage], Steps] | None = built.script

    async def _rest(self) -> None:
        if self._script:
            self.wishes.stop()  # what people do stands in the script
            self.conductor.script = self._script(Stage(self))
            self._script = None
        await super()._rest()


class Stage:
    """A schedule, as a script sees it. Processes are named P1, P2 and so on, as they start."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.booking = schedule.dispatcher.bookings[0]

    # --- the app ----------------------------------------------------------------------------------------

    def in_step(self) -> Steps:
        """Everything that was planned so far is shown, by the first process."""
        yield from self.tell()
        while self.schedule.queue.messages:
            yield from self.take("P1")
            yield from self.finish("P1")

    def tell(self) -> Steps:
        """Webhooks of all that was changed arrive: one message each."""
        for each in list(self.schedule.dataverse.held):
            self.schedule.dataverse.deliver(each)
        yield False
        while waits := self._waits("webhook"):
            self.schedule.conductor.release(waits[0])
            yield False

    def hint(self, booking_id: str = "", *, look: bool = False) -> None:
        """One more message about a booking is stored, the first one unless it is named."""
        told = BookingChange(booking_id or self.booking, "built", now(), look=look)
        self.schedule.queue.put(told)

    def take(self, name: str) -> Steps:
        """A process gets the first message that shows; as long as none does, time passes."""
        queue, conductor = self.schedule.queue, self.schedule.conductor
        while not (visible := [each for each in queue.messages if each.visible_at <= conductor.time + 1e-6]):
            yield True
        queue.deliver(self._process(name), visible[0])
        yield False

    def go(self, name: str, until: str) -> Steps:
        """A process goes on alone until it is about to do this, as `conductor.waits` call it."""
        process = self._process(name)
        while not any(until in each.point for each in self._waits_of(process)):
            assert process.at_work, f"{name} is done, and never came to {until!r}"
            yield from self._go_on(process)

    def finish(self, name: str) -> Steps:
        """A process goes on alone until it has done what it has in work."""
        process = self._process(name)
        while process.at_work:
            yield from self._go_on(process)

    def work(self, name: str) -> Steps:
        """A process takes a message and does what it asks for."""
        yield from self.take(name)
        yield from self.finish(name)

    def kill(self, name: str) -> Steps:
        """A process dies, and another one starts; its messages show again after a while."""
        self.schedule.crash(self._process(name))
        yield False

    def _go_on(self, process: Process) -> Steps:
        waits = self._waits_of(process) or self._waits("graph works on", "dataverse works on")
        if waits:
            self.schedule.conductor.release(waits[0])
        yield not waits

    def _waits_of(self, process: Process) -> list[Wait]:
        return [each for each in self.schedule.conductor.waits if each.owner is process]

    def _waits(self, *points: str) -> list[Wait]:
        return [each for each in self.schedule.conductor.waits if each.point.startswith(points)]

    def _process(self, name: str) -> Process:
        return next(each for each in self.schedule.processes if each.name == name)

    # --- dispatchers ------------------------------------------------------------------------------------

    def plan(self) -> None:
        """A dispatcher moves the booking to a time that it never had."""
        self.schedule.dispatcher.plan(self.booking)

    def start(self) -> datetime:
        """When the booking starts by its row."""
        return read(self.schedule.dataverse.bookings()[self.booking]["starttime"])

    def take_back(self, to: datetime) -> None:
        """A dispatcher moves the booking to where it was."""
        start, end = self.schedule.dispatcher.ledger.taken_back(self.booking, to)
        self.schedule.conductor.note(f"dispatcher takes it back to {start}")
        self.schedule.dataverse.update(self.booking, {"starttime": start, "endtime": end})

    def rename(self) -> None:
        """A dispatcher gives the booking another title."""
        self.schedule.conductor.note("dispatcher renames it")
        self.schedule.dataverse.update(self.booking, {"name": "Heat pump"})

    def cancel_or_reactivate(self) -> None:
        """A dispatcher calls the booking off, or on again."""
        self.schedule.dispatcher.cancel_or_reactivate(self.booking)

    def proposed(self) -> str:
        """The proposal as a dispatcher's form shows it."""
        row = self.schedule.dataverse.bookings()[self.booking]
        return "/".join(
            f"{read(row[f'bsync_proposed{each}']):%Y-%m-%dT%H:%M:%SZ}" for each in ("start", "end")
        )

    def answer(self, answer: ProposalAnswer, form: str) -> None:
        """A dispatcher answers by a form that shows this proposal."""
        self.schedule.conductor.note(f"dispatcher answers {answer.name} to {form}")
        said = {"bsync_proposalanswer": int(answer), "bsync_answerfor": form}
        self.schedule.dataverse.update(self.booking, said, BOOKINGS)

    # --- technicians ------------------------------------------------------------------------------------

    def event(self) -> tuple[str, StoredEvent]:
        """The booking's event, with its mailbox."""
        (found,) = self.schedule.wishes.ours()
        return found

    def move(self) -> None:
        """A technician moves the event to a time that it never had; nobody is told."""
        self.schedule.wishes.move(*self.event())
