"""One schedule, from its seed to the verdict."""

from __future__ import annotations

import functools
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from booking_sync.dataverse.bookings import DataverseBookings
from booking_sync.dataverse.web_api.client import DataverseClient
from booking_sync.domain.environment.columns import ReturnColumns, SupportColumns
from booking_sync.domain.events.event_calendars import MAIN_ONLY
from booking_sync.domain.messages.change import BookingChange
from booking_sync.sync.catch_up import Standing, standing
from booking_sync.sync.webhook.dynamics_webhook import ReceiverPolicy
from booking_sync.sync.webhook.receiver import Receiver
from local.dataverse.environment import DEFAULT_IDENTITY
from local.dataverse.tables.schema import BOOKING
from tests.simulation.app.audits import Nights
from tests.simulation.app.deployer import Deployer
from tests.simulation.app.process import KEYRING, SEALER, Credential, Parts, Process, desired_state
from tests.simulation.both_ways.answers import Answers
from tests.simulation.both_ways.wishes import Wishes
from tests.simulation.chance.clock import now
from tests.simulation.chance.conductor import Choice, Conductor, NeverSettlesError
from tests.simulation.chance.focus import mixed
from tests.simulation.chance.trouble import Profile, Troubles, draw_profile
from tests.simulation.checks.invariants import Violation, check_bookings, check_conduct
from tests.simulation.meetings.habits import Habits
from tests.simulation.meetings.verdict import apart_from_meetings, bookings_with_people, untold
from tests.simulation.people import ANNA, BERT, DORA, NAMES, Dispatcher, Forger, Technicians
from tests.simulation.returns.new_ids import Migration
from tests.simulation.returns.rows import Administrator
from tests.simulation.services.dataverse import (
    DATAVERSE_URL,
    ORGANIZATION_ID,
    RESOURCE_COLUMNS,
    DataverseSide,
    DataverseWire,
)
from tests.simulation.services.graph import GraphSide
from tests.simulation.services.queue import ProcessQueue, QueueModel
from tests.simulation.sign_in.links import Breaker, Tenant
from tests.support.return_reads import FakeReturnReads

if TYPE_CHECKING:
    from booking_sync.domain.record import BookingRow

CRASH_WEIGHT = 0.6
IDLE_CRASH_WEIGHT = 0.07
"""Of a process that is only reading, or about to: much of that is before it did anything at all."""
AUDIT_SECONDS = 900.0
"""After the last change; by then a search knows every event."""
A_HAND = "a user's hand"
MEETINGS = "people at an event"
KEPT = "Deleted Items answers for a removed event"
"""A worker that does not know of the removal writes there, and is told that all is well."""
ON_A_ROW = "a hand on a row's columns"
IMPORTED = "a row of an earlier moment was imported"
UNTOLD = "nobody told of a row that came back"
NEW_IDS = "events got new ids"
NO_LOCK = "two events for one transactionId"
LEFT_BY_A_HAND = frozenset({"missing", "content", "tag", "calendar", "lost move", "lost proposal"})
"""What a user's deletion or edit of our event leaves to the booking's next change, or to the audit."""
LEFT_BY_A_RECORD = LEFT_BY_A_HAND | {"mailbox", "unwanted", "orphan"}
"""The same of a record that came back untold: it may name an event in another mailbox, or hide one."""
LEFT_BY_MISHAP = frozenset({"orphan"})
"""What any other excuse leaves to the audit: nothing but an event more, provably ours."""

_POLICY = ReceiverPolicy(
    organization_id=ORGANIZATION_ID,
    app_user_id=DEFAULT_IDENTITY.app_user_id,
    require_work_order=True,
    columns=SupportColumns(),
)


@dataclass(frozen=True)
class Result:
    """How a schedule ended."""

    seed: int
    violations: tuple[Violation, ...]
    trace: tuple[str, ...]
    struck: Counter[str] = field(default_factory=Counter)
    crash_points: Counter[str] = field(default_factory=Counter)
    excuses: frozenset[str] = frozenset()
    """Why something may have been left to the audit."""
    left_to_audit: tuple[Violation, ...] = ()
    decisions: int = 0
    seconds: float = 0.0
    """Virtual."""


class Schedule:
    """One world with its processes.

    Args:
        seed: decides everything.
        parts: of the protocol, for sabotage.
        shape: changes the profile that the seed draws.
    """

    def __init__(self, seed: int, parts: Parts, shape: Callable[[Profile], Profile]) -> None:
        self.seed = seed
        self.conductor = Conductor(seed)
        self.profile = shape(draw_profile(self.conductor.random))
        self.troubles = Troubles(self.conductor, self.profile)
        self.troubles.strangely = parts.strangely
        self.graph = GraphSide(self.conductor, self.troubles, self.profile.graph, NAMES)
        for mailbox, name in NAMES.items():
            self.graph.state.add_mailbox(mailbox, name, kind="denied" if mailbox == DORA else "normal")
        self.tenant = Tenant(self.conductor, self.profile.credential, breakable=self.profile.broken_links > 0)
        self.queue = QueueModel(self.conductor, self.troubles, lambda: self.processes)
        returns = self.profile.returns
        self.dataverse = DataverseSide(self.conductor, self.troubles, self._receive, returns.restoring)
        # Where rows lose their records as well, nothing tells two events of one creation apart
        # (docs/architecture.md, "Limits").
        self.graph.state.forgets_creations = not returns.imports and "overwrite" not in self.profile.moves
        self.migration = Migration(self.conductor, self.graph, self.dataverse, returns.new_ids)
        self.reads = FakeReturnReads()
        self.nonces = random.Random(f"nonces {seed}")  # noqa: S311 - of its own: schedules replay as before
        self.habits = Habits(self.conductor, self.graph, self.profile.habits)
        self.calendars = self.profile.calendars[0]
        """What the settings say by now."""
        self._parts = parts
        self._receiver = self._make_receiver()
        self._started = 0
        self.processes: list[Process] = []
        self._crash_points: Counter[str] = Counter()
        self._left: tuple[Violation, ...] = ()

    def run(self) -> Result:
        """Play it to the end and judge."""
        try:
            violations = self.conductor.run(self._play())
        except NeverSettlesError as error:
            violations = [Violation("settle", str(error)), *check_conduct(self)]
        return Result(
            self.seed,
            tuple(violations),
            tuple(self.conductor.trace),
            self.troubles.struck,
            self._crash_points,
            self._excuses(),
            self._left,
            self.conductor.decisions,
            self.conductor.time,
        )

    async def _play(self) -> list[Violation]:
        self.conductor.note(f"{self.profile}")
        for _ in range(self.profile.processes):
            self._start_process()
        self.dispatcher = Dispatcher(self.conductor, self.dataverse, self.profile, self.graph.state)
        named = self.profile.calendars != (MAIN_ONLY,)
        self.reads.status = self.dispatcher.canceled_status
        self.technicians = Technicians(self.conductor, self.graph, self.profile.user_actions, named=named)
        self.wishes = Wishes(
            self.conductor,
            self.graph,
            self.dataverse,
            self.queue,
            self.dispatcher,
            self.profile.haste,
            self.profile.wishes,
            self.profile.deletions,
        )
        if self.profile.both_ways:
            self.graph.state.observers.append(self.wishes.echo)
        if self.profile.deletions:
            self.technicians.own_event_each()
        answering = self.profile.wishes if self.profile.both_ways == "propose" else 0
        self.answers = Answers(self.conductor, self.dataverse, self.dispatcher, answering)
        self.conductor.actors += [self.wishes, self.answers]
        self.forger = Forger(self.conductor, self.graph, self.queue, self.dispatcher, self.profile.forgeries)
        self.conductor.actors += [self.queue, self.dataverse, self.dispatcher, self.technicians]
        returns = self.profile.returns
        self.administrator = Administrator(
            self.conductor, self.dataverse, self.dispatcher, returns.restores, returns.imports
        )
        breaker = Breaker(self.conductor, self.tenant, self.troubles, self.profile.broken_links)
        self.conductor.actors += [self.administrator, self.migration]
        self.conductor.actors += [self.forger, self.habits, breaker, Deployer(self), self]
        await self._rest()
        self.conductor.note("-- changes have stopped, services are healthy")
        self.troubles.healthy = True
        self.dispatcher.stop()
        self.technicians.stop()
        self.forger.stop()
        self.wishes.stop()
        self.answers.stop()
        self.administrator.stop()
        self.migration.stop()
        self.habits.stop()
        await self._catch_up()
        await self._rest()
        return await self._judge() + check_conduct(self)

    async def _rest(self) -> None:
        await self.conductor.quiet()
        if self.queue.messages:
            raise NeverSettlesError(f"{len(self.queue.messages)} messages are left on the queue for ever")

    async def _judge(self) -> list[Violation]:
        """I1, at once where nothing excuses a delay, else after the audit."""
        found = check_bookings(self, await self._read_rows())
        lost = frozenset(each.booking_id for each in found if each.kind == "missing")
        self._left = tuple(each for each in found if self._is_excused(each, lost))
        wrong = [each for each in found if each not in self._left]
        if wrong:
            return wrong
        if self.profile.audits:
            self.habits.part()
            return await Nights(self, self._rest, self._read_rows).violations()
        if not self._excuses():
            return []
        met = bookings_with_people(self.habits)
        found = await self._judge_again()
        if not self.habits.met:
            return found
        wrong = apart_from_meetings(found, self.habits)
        wrong += untold(await self._read_rows(), met & bookings_with_people(self.habits), DORA)
        self.conductor.note("-- technicians take the people off our events")
        self.habits.part()
        return wrong or await self._judge_again()

    async def _judge_again(self) -> list[Violation]:
        self._audit()
        await self._rest()
        return check_bookings(self, await self._read_rows())

    # --- processes --------------------------------------------------------------------------------------

    def choices(self) -> Iterable[Choice]:
        """A process may die whenever it is at work."""
        if self.troubles.may("crash"):
            for process in self.processes:
                if process.at_work and all(each.may_spoil for each in process.at_work):
                    stages = self.conductor.stages(process)
                    writing = any("read" not in stage and "find" not in stage for stage in stages)
                    weight = CRASH_WEIGHT if writing else IDLE_CRASH_WEIGHT
                    yield Choice(weight, functools.partial(self.crash, process))

    def _start_process(self) -> None:
        self._started += 1
        self.processes.append(Process(self, self._started, self._parts))

    def outdated(self) -> list[Process]:
        """Idle processes that read the settings before they were changed."""
        return [each for each in self.processes if each.calendars != self.calendars and not each.at_work]

    def replace(self, process: Process) -> None:
        """Stop an idle process and start another one, as a deployment does."""
        self.conductor.note(f"{process.name} makes room for a new one")
        self.processes.remove(process)
        process.crash()
        self._start_process()

    def crash(self, process: Process) -> None:
        """A process is killed, and another one started."""
        self.troubles.use("crash")
        self._crash_points.update(self.conductor.stages(process) or ["between requests"])
        self.conductor.note(f"{process.name} is killed")
        self.troubles.tell("process killed")
        self.processes.remove(process)
        process.crash()
        self.queue.return_from(process)
        self._start_process()

    # --- what is told to the app ------------------------------------------------------------------------

    async def _receive(self, body: bytes, headers: Mapping[str, str]) -> int:
        return (await self._receiver.receive(body, headers)).status

    def _make_receiver(self) -> Receiver:
        queue = ProcessQueue(self.queue, self.conductor, self.troubles, "webhook", self._parts.told)
        policy = replace(_POLICY, return_columns=ReturnColumns()) if self.profile.both_ways else _POLICY
        return Receiver(queue, policy, now, lambda: "correlation", lambda: self.conductor.time)

    async def _catch_up(self) -> None:
        """What the timers do about what no webhook told: a plain hint.

        A change of another row leaves a booking's version as it is, so that no conditional write notices it.
        What that leaves behind its record is found by `standing`, as `catch_up` and the audit do.
        """
        lost = {each.row_id for each in self.dataverse.lost if each.table == BOOKING}
        for booking_id, row in (await self._read_rows()).items():
            rule = functools.partial(desired_state, calendar=self.calendars.current)
            stale = self.dispatcher.related or len(self.profile.calendars) > 1
            behind = stale and row and standing(row, rule) is Standing.BEHIND
            if behind or (row and booking_id in lost):
                self.queue.put(BookingChange(booking_id, "catch-up", now()))

    def _excuses(self) -> frozenset[str]:
        """Why an event may be left that only the audit finds."""
        reasons = {
            "a crash": sum(self._crash_points.values()),
            NO_LOCK: self.profile.graph.no_lock,
            A_HAND: self.technicians.meddled or self.habits.reshaped or self.wishes.moved,
            MEETINGS: self.habits.met,
            ON_A_ROW: self.dispatcher.overwrote,
            KEPT: any(each.deleted_items for each in self.graph.state.mailboxes.values()),
            IMPORTED: self.administrator.imported,
            UNTOLD: self.administrator.silently
            or any(each.row_id in self.administrator.returned for each in self.dataverse.lost),
            NEW_IDS: self.migration.happened,
            "a deletion's webhook was lost": any(each.message == "Delete" for each in self.dataverse.lost),
            "the queue failed": self.queue.ill_settled,
        }
        return frozenset(reason for reason, given in reasons.items() if given)

    def _is_excused(self, violation: Violation, lost: frozenset[str]) -> bool:
        """Whether it is the audit's to mend.

        Args:
            violation: of a booking.
            lost: bookings whose rows name an event that is not there.

        A mishap excuses an orphan only if the booking did not want its event in one place all the time: else
        the next try meets the event at its creation.
        """
        if violation.booking_id in self.habits.met:
            return True
        excuses = self._excuses()
        if UNTOLD in excuses and violation.kind in LEFT_BY_A_RECORD:
            return True
        if violation.kind in LEFT_BY_A_HAND:
            return bool(excuses & {A_HAND, ON_A_ROW, KEPT, NEW_IDS})
        restored = violation.booking_id in self.wishes.restored  # whose row let the event go meanwhile
        if violation.kind in LEFT_BY_MISHAP and (restored or ON_A_ROW in excuses):
            return True
        if violation.kind in LEFT_BY_MISHAP and NEW_IDS in excuses and violation.booking_id in lost:
            return True  # it is the event that the row names by its former id
        wavered = violation.booking_id in self.dispatcher.wavering
        if not wavered and {KEPT, A_HAND} <= excuses:
            wavered = True  # the next try meets what a user deleted, not what came after it
        mishaps = excuses - {A_HAND, KEPT, NEW_IDS, MEETINGS} if wavered else excuses & {NO_LOCK}
        return violation.kind in LEFT_BY_MISHAP and bool(mishaps)

    def _audit(self) -> None:
        """What the audit does about each booking: look everywhere, trust nothing."""
        self.conductor.note(f"-- audit, because of {sorted(self._excuses())}")
        for booking_id in self.dispatcher.bookings:
            self.queue.put(
                BookingChange(booking_id, "audit", now(), uncertain=True, suspects=frozenset({ANNA, BERT})),
                AUDIT_SECONDS,
            )

    async def _read_rows(self) -> dict[str, BookingRow | None]:
        """The bookings, through the real adapter."""
        client = DataverseClient(
            DATAVERSE_URL,
            Credential(),
            now,
            open_wire=lambda pause: DataverseWire(
                self.dataverse, self.conductor, self.troubles, "judge", pause
            ),
        )
        back = ReturnColumns() if self.profile.both_ways else None
        rows = DataverseBookings(
            client, SupportColumns(), SEALER, KEYRING, of_resource=RESOURCE_COLUMNS, of_return=back
        )
        return {booking_id: await rows.read(booking_id) for booking_id in self.dispatcher.bookings}


def play(seed: int, parts: Parts | None = None, shape: Callable[[Profile], Profile] = mixed) -> Result:
    """Run the schedule of a seed."""
    return Schedule(seed, parts or Parts(), shape).run()
