"""From a queue message's text to its acknowledgement."""

from __future__ import annotations

import asyncio
import json
import logging
import traceback
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from booking_sync.domain.environment.watched import RelatedTable
from booking_sync.domain.events.event_ref import EventClaim, EventRef
from booking_sync.domain.messages.audit_message import encode_audit
from booking_sync.domain.messages.audit_progress import AuditProgress
from booking_sync.domain.messages.change import (
    BookingChange,
    Message,
    RelatedChange,
    encode_change,
    encode_related,
)
from booking_sync.domain.outcome import Outcome, OutcomeKind
from booking_sync.domain.return_path.guard import GRACE
from booking_sync.domain.return_path.messages import (
    MAX_MISSING,
    MailboxSweep,
    OutlookChange,
    encode_outlook,
)
from booking_sync.errors import PermanentError, TransientError
from booking_sync.sync.back_off import BackOff
from booking_sync.sync.booking.per_booking import PerBookingRunner
from booking_sync.sync.booking.task import SyncTask
from booking_sync.sync.fan_out import FanOut
from booking_sync.sync.from_outlook.changes import EventHint
from booking_sync.sync.from_outlook.later_sweeps import MARGIN, MOST_HIDDEN
from booking_sync.sync.worker import (
    MAX_DEQUEUE_COUNT,
    ChangeWorker,
    MessageHandlers,
    OutlookHandlers,
    UnexpectedError,
)
from tests.support.bookings import ANNA, BOOKING_ID
from tests.support.fakes import FakeQueue

BEN = "bbbbbbbb-0000-4000-8000-000000000002"
START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
CHANGE = BookingChange(BOOKING_ID, "correlation-1", START)
TEXT = encode_change(CHANGE)
AUDIT = AuditProgress(
    audit_id="audit-1",
    first_seen=START,
    first=START,
    last=START + timedelta(days=60),
    fix=True,
    undivided=False,
    size=60,
)
AUDIT_TEXT = encode_audit(AUDIT)
OUTLOOK = OutlookChange(ANNA, ("E1", "E2"), "outlook-1", START)
OUTLOOK_TEXT = encode_outlook(OUTLOOK)
SWEEP = MailboxSweep(ANNA, "sweep-1", START)
SWEEP_TEXT = encode_outlook(SWEEP)
RELATED = RelatedChange(RelatedTable.WORK_ORDER, BOOKING_ID, "correlation-2", START)
RELATED_TEXT = encode_related(RELATED)


class FakeSync:
    """In place of the synchronizer: answers each task with the outcome it was given."""

    def __init__(self, outcome: Outcome | Exception) -> None:
        self.outcome = outcome
        self.tasks: list[SyncTask] = []
        self.given_up: list[tuple[str, str]] = []

    async def sync(self, task: SyncTask) -> Outcome:
        """Note the task, and answer."""
        self.tasks.append(task)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    async def note_failure(self, booking_id: str, reason: str) -> None:
        """Note what the row is told."""
        self.given_up.append((booking_id, reason))


class FakeFanOut(FanOut):
    """Answers each change of a row with the outcome it was given."""

    def __init__(self, outcome: Outcome | Exception) -> None:
        self.outcome = outcome
        self.changes: list[RelatedChange] = []

    async def queue_hints(self, change: RelatedChange) -> Outcome:
        """Note the change, and answer."""
        self.changes.append(change)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


class WorkerWorld:
    """A worker on fakes, with a clock that is set by hand."""

    def __init__(
        self, outcome: Outcome | Exception, on_outcome: Callable[[BookingChange, Outcome], None] | None = None
    ) -> None:
        self.outcome = outcome
        self.audits: list[AuditProgress] = []
        self.sweeps: list[MailboxSweep] = []
        self.found: list[str] | Exception = []
        self.gone_from = ""
        self.two_ways = True
        self.work = FakeSync(outcome)
        self.fan_out = FakeFanOut(outcome)
        self.queue = FakeQueue()
        self.time = START
        self.opening_fails: TransientError | None = None
        self.worker = ChangeWorker(
            self._open,
            self.queue,
            lambda: self.time,
            timedelta(hours=24),
            BackOff(lambda: 1.0),
            on_outcome=on_outcome,
        )

    async def _audit(self, progress: AuditProgress) -> Outcome:
        self.audits.append(progress)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    async def _open(self) -> MessageHandlers:
        if self.opening_fails:
            raise self.opening_fails
        runner = PerBookingRunner(self.work.sync, max_bookings=1, linger=0)
        outlook = OutlookHandlers(self._bookings_of, self._sweep) if self.two_ways else None
        return MessageHandlers(runner, self.fan_out, self.work.note_failure, self._audit, outlook)

    async def _bookings_of(self, change: OutlookChange) -> list[EventHint]:
        if isinstance(self.found, Exception):
            raise self.found
        return [
            EventHint(
                BookingChange(each, change.correlation_id, change.first_seen, look=True),
                gone_from=self.gone_from,
            )
            for each in self.found
        ]

    async def _sweep(self, sweep: MailboxSweep) -> Outcome:
        self.sweeps.append(sweep)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


@pytest.mark.parametrize("kind", [OutcomeKind.SYNCED, OutcomeKind.UNCHANGED, OutcomeKind.SKIPPED])
async def test_a_settled_booking_acknowledges_its_message(kind: OutcomeKind) -> None:
    """Done, unchanged and skipped need nothing more."""
    world = WorkerWorld(Outcome(kind))
    await world.worker.handle(TEXT, 1)
    assert (world.queue.sent, world.queue.poison) == ([], [])


async def test_the_outcome_is_one_structured_line_with_the_correlation_id(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Each message logs one JSON line by which it can be followed."""
    with caplog.at_level(logging.INFO, "booking_sync.sync.worker"):
        await WorkerWorld(Outcome(OutcomeKind.SYNCED, "event created")).worker.handle(TEXT, 1)
    (line,) = [json.loads(record.getMessage()) for record in caplog.records]
    assert line["event"] == "booking_outcome"
    assert (line["outcome"], line["detail"]) == ("synced", "event created")
    assert (line["bookingId"], line["correlationId"]) == (BOOKING_ID, "correlation-1")


async def test_a_deferred_message_is_put_back_with_what_was_learnt() -> None:
    """The delay asked for is the least it waits, and it remembers its uncertain past."""
    world = WorkerWorld(
        Outcome(OutcomeKind.DEFERRED, "throttled", 30.0, uncertain=True, suspects=frozenset({ANNA}))
    )
    await world.worker.handle(TEXT, 1)
    ((change, delay),) = world.queue.sent
    assert delay == pytest.approx(30.5)
    assert (change.attempt, change.uncertain, change.suspects) == (0, True, frozenset({ANNA}))
    assert change.first_seen == START


async def test_a_failed_booking_lies_on_the_poison_queue_beside_its_reason() -> None:
    """A permanent failure keeps the message, with the words for a person."""
    world = WorkerWorld(Outcome(OutcomeKind.FAILED, "Outlook: no mailbox."))
    await world.worker.handle(TEXT, 1)
    assert world.queue.poison == [(TEXT, "Outlook: no mailbox.")]


async def test_a_message_from_the_future_grows_old_from_now_on() -> None:
    """Whatever moment a message claims, it is given up one day: a put-back says when it was met."""
    world = WorkerWorld(Outcome(OutcomeKind.DEFERRED, "throttled"))
    far = datetime(9999, 1, 1, tzinfo=UTC)
    for text in (
        encode_change(replace(CHANGE, first_seen=far)),
        encode_related(replace(RELATED, first_seen=far)),
    ):
        await world.worker.handle(text, 1)
    assert [change.first_seen for change, _ in world.queue.sent] == [START]
    assert [change.first_seen for change, _ in world.queue.related] == [START]


async def test_a_refusal_that_may_pass_is_tried_again_for_hours_and_then_fails_in_its_own_words() -> None:
    """Rights that were just granted arrive late: the message waits, longer each time."""
    reason = "Outlook: the app may not write to this person's calendar (access denied)."
    world = WorkerWorld(Outcome(OutcomeKind.FAILED, reason, patience=timedelta(hours=4)))
    text, tries = TEXT, 0
    while not world.queue.poison:
        await world.worker.handle(text, 1)
        tries += 1
        if world.queue.sent:
            change, delay = world.queue.sent.pop()
            assert delay >= 900
            text = encode_change(change)
            world.time += timedelta(seconds=delay)
    assert tries == 7
    assert timedelta(hours=4) <= world.time - START < timedelta(hours=5)
    assert world.queue.poison == [(text, reason)]
    assert world.work.given_up == []  # the row says it since the first try


async def test_a_refusal_is_not_tried_longer_than_any_change() -> None:
    """A patience beyond the age at which messages are given up ends there."""
    world = WorkerWorld(Outcome(OutcomeKind.FAILED, "full", patience=timedelta(days=30)))
    await world.worker.handle(encode_change(replace(CHANGE, waited=23 * 3600.0)), 1)
    assert len(world.queue.sent) == 1
    text = encode_change(replace(CHANGE, waited=24 * 3600.0))
    await world.worker.handle(text, 1)
    assert world.queue.poison == [(text, "full")]


WEEKEND = timedelta(hours=60)
TROUBLES = {
    "throttled": Outcome(OutcomeKind.DEFERRED, "throttled", 1.0),
    "throttled without a time": Outcome(OutcomeKind.DEFERRED, "throttled"),
    "an answer that was lost": Outcome(OutcomeKind.DEFERRED, "lost", uncertain=True),
    "a service that is down": Outcome(OutcomeKind.DEFERRED, "down", 8.0, untried=True),
    "an app that is refused": Outcome(OutcomeKind.DEFERRED, "refused", 60.0, until_mended=True),
}


@pytest.mark.parametrize("outcome", TROUBLES.values(), ids=TROUBLES)
@pytest.mark.parametrize("text", [TEXT, RELATED_TEXT], ids=["booking", "row"])
async def test_a_weekends_message_is_not_given_up_at_its_first_trouble(outcome: Outcome, text: str) -> None:
    """The app stood still since Friday: what was never tried has its whole time before it."""
    world = WorkerWorld(outcome)
    world.time = START + WEEKEND
    await world.worker.handle(text, 1)
    assert world.queue.poison == []
    assert len(world.queue.sent) + len(world.queue.related) == 1


async def test_a_weekends_message_is_tried_again_when_it_is_refused() -> None:
    """Patience for a new mailbox or a new grant, too, begins with the first refusal."""
    world = WorkerWorld(Outcome(OutcomeKind.FAILED, "denied", patience=timedelta(hours=4)))
    world.time = START + WEEKEND
    await world.worker.handle(TEXT, 1)
    assert (len(world.queue.sent), world.queue.poison) == (1, [])


@pytest.mark.parametrize(
    "opening",
    [TransientError("vault down"), TransientError("settings", until_mended=True), None],
    ids=["vault", "settings", "circuit"],
)
@pytest.mark.parametrize("text", [TEXT, RELATED_TEXT], ids=["booking", "row"])
async def test_what_is_not_tried_never_ends_a_message(opening: TransientError | None, text: str) -> None:
    """However long a service is down or the app can't start, the time of trying does not pass."""
    world = WorkerWorld(TROUBLES["a service that is down"])
    world.opening_fails = opening
    for _ in range(1_000):
        await world.worker.handle(text, 1)
        texts = [encode_change(change) for change, _ in world.queue.sent]
        (text,) = [*texts, *(encode_related(change) for change, _ in world.queue.related)]
        world.queue.sent.clear()
        world.queue.related.clear()
        world.time += timedelta(hours=1)
    assert world.queue.poison == []
    assert "waited" not in text


async def test_what_a_message_says_of_its_past_outlives_a_refusal() -> None:
    """Mailboxes to search and doubt are put back with it."""
    world = WorkerWorld(Outcome(OutcomeKind.FAILED, "denied", patience=timedelta(hours=4)))
    await world.worker.handle(encode_change(replace(CHANGE, uncertain=True, suspects=frozenset({ANNA}))), 1)
    ((change, _),) = world.queue.sent
    assert (change.uncertain, change.suspects, change.attempt) == (True, frozenset({ANNA}), 1)


async def test_the_time_of_trying_ends_the_put_backs() -> None:
    """Not their count: what waited too long between its tries is dead-lettered, and its row is told."""
    world = WorkerWorld(Outcome(OutcomeKind.DEFERRED, "Outlook: throttled."))
    text, tries = TEXT, 0
    while not world.queue.poison:
        await world.worker.handle(text, 1)
        tries += 1
        if world.queue.sent:
            change, delay = world.queue.sent.pop()
            text = encode_change(change)
            world.time += timedelta(seconds=delay)
    assert tries > 288
    assert timedelta(hours=24) <= world.time - START < timedelta(hours=24, minutes=6)
    ((_, reason),) = world.queue.poison
    assert "Given up after 24 hours" in reason
    assert "Outlook: throttled." in reason
    assert world.work.given_up == [(BOOKING_ID, reason)]
    assert not world.queue.sent


async def test_a_message_is_given_up_though_its_row_cannot_be_told() -> None:
    """Services that were there for the last try and are gone now keep no message on the queue."""
    world, text = WorkerWorld(Outcome(OutcomeKind.DEFERRED, "Outlook: throttled.")), TEXT

    class GoneAfterwards(FakeSync):
        async def sync(self, task: SyncTask) -> Outcome:
            world.opening_fails = TransientError("Key Vault is down")
            return await super().sync(task)

    world.work = GoneAfterwards(world.outcome)
    while not world.queue.poison:
        world.opening_fails = None
        await world.worker.handle(text, 1)
        if world.queue.sent:
            change, delay = world.queue.sent.pop()
            text = encode_change(change)
            world.time += timedelta(seconds=delay)
    assert world.work.given_up == []
    ((letter, reason),) = world.queue.poison
    assert (letter, "Given up after 24 hours" in reason) == (text, True)


@pytest.mark.parametrize("text", [TEXT, RELATED_TEXT, AUDIT_TEXT])
async def test_no_message_is_given_up_for_the_settings(text: str) -> None:
    """However long they take to be mended, it is put back; mended, it has its whole time before it."""
    world = WorkerWorld(Outcome(OutcomeKind.DEFERRED, "throttled"))
    world.opening_fails = TransientError("1 app setting", retry_after=60.0, untried=True, until_mended=True)
    await world.worker.handle(text, 1)
    world.time += timedelta(days=3)
    await world.worker.handle(text, MAX_DEQUEUE_COUNT)
    put_back: list[tuple[Message, float]] = [
        *world.queue.sent,
        *world.queue.related,
        *world.queue.audits,
    ]
    assert [(change.first_seen, change.waited) for change, _ in put_back] == [(START, 0.0)] * 2
    assert min(delay for _, delay in put_back) >= 60
    assert world.queue.poison == []


@pytest.mark.parametrize(
    ("change", "dequeue_count", "trusted"),
    [
        (CHANGE, 1, True),
        (CHANGE, 2, False),
        (BookingChange(BOOKING_ID, "c", START, uncertain=True), 1, False),
        (BookingChange(BOOKING_ID, "c", START, attempt=3), 1, True),
    ],
)
async def test_only_a_first_delivery_of_a_certain_past_is_trusted(
    change: BookingChange,
    dequeue_count: int,
    trusted: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """Redeliveries and uncertain put-backs are not trusted; throttling alone takes no trust away."""
    world = WorkerWorld(Outcome(OutcomeKind.SYNCED))
    await world.worker.handle(encode_change(change), dequeue_count)
    assert world.work.tasks[0].trusted is trusted


async def test_a_deletion_hands_on_the_event_that_the_row_named() -> None:
    """What the pre-image told reaches the protocol."""
    world = WorkerWorld(Outcome(OutcomeKind.SYNCED))
    event = EventClaim(EventRef(ANNA, "E1"), "1:f:2.0a.0b")
    await world.worker.handle(
        encode_change(BookingChange(BOOKING_ID, "c", START, deleted=True, event=event)), 1
    )
    assert world.work.tasks[0].deleted == frozenset({event})


async def test_a_malformed_message_is_dead_lettered_at_once() -> None:
    """No five tries for what will never be a message."""
    world = WorkerWorld(Outcome(OutcomeKind.SYNCED))
    await world.worker.handle("not ours", 1)
    ((text, reason),) = world.queue.poison
    assert text == "not ours"
    assert reason.startswith("Malformed message: ")
    assert not world.work.tasks


async def test_an_unexpected_error_is_delivered_again_and_at_last_dead_lettered_with_its_name() -> None:
    """A bug costs deliveries, never the message."""
    world = WorkerWorld(RuntimeError("bug"))
    with pytest.raises(RuntimeError):
        await world.worker.handle(TEXT, MAX_DEQUEUE_COUNT - 1)
    await world.worker.handle(TEXT, MAX_DEQUEUE_COUNT)
    ((text, reason),) = world.queue.poison
    assert text == TEXT
    assert "RuntimeError" in reason


async def test_a_bugs_own_words_stay_out_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """An error may quote a row: its type and its place are logged, its text is not, nor is it raised on."""
    world = WorkerWorld(KeyError("Adatum Bakery"))
    with pytest.raises(UnexpectedError) as raised:
        await world.worker.handle(TEXT, 1)
    await world.worker.handle(TEXT, MAX_DEQUEUE_COUNT)
    shown = "".join(traceback.format_exception(raised.value)) + caplog.text + str(world.queue.poison)
    assert "Adatum" not in shown
    first = json.loads(caplog.records[0].getMessage())
    assert (first["event"], first["error"]) == ("unexpected_error", "KeyError")
    assert first["at"][-1].startswith("sync/test_worker.py:")


async def test_a_queue_that_is_down_leaves_the_message_with_the_host() -> None:
    """What can't be put back is not acknowledged."""
    world = WorkerWorld(Outcome(OutcomeKind.DEFERRED, "throttled"))
    world.queue.down = True
    with pytest.raises(TransientError):
        await world.worker.handle(TEXT, 1)


async def test_an_app_that_cant_start_puts_messages_back_as_they_were() -> None:
    """Bad settings or a vault that is down burn no delivery and take no trust away."""
    world = WorkerWorld(Outcome(OutcomeKind.SYNCED))
    world.opening_fails = TransientError("2 app settings need attention.")
    await world.worker.handle(TEXT, 1)
    ((change, _),) = world.queue.sent
    assert (change.attempt, change.uncertain) == (1, False)


async def test_an_app_that_cant_start_says_when_to_come_back() -> None:
    """The wait that goes with the reason is kept: a hundred messages don't start it again and again."""
    world = WorkerWorld(Outcome(OutcomeKind.SYNCED))
    world.opening_fails = TransientError("2 app settings need attention.", retry_after=60.0)
    await world.worker.handle(TEXT, 1)
    ((_, delay),) = world.queue.sent
    assert delay == 60.5


async def test_waiting_for_a_service_that_is_down_is_no_try() -> None:
    """While a circuit is open the message's own delay does not grow, so it is back soon after the service."""
    world = WorkerWorld(Outcome(OutcomeKind.DEFERRED, "Graph is not asked for a while", 8.0, untried=True))
    await world.worker.handle(encode_change(BookingChange(BOOKING_ID, "c", START, attempt=1)), 1)
    ((change, delay),) = world.queue.sent
    assert (change.attempt, delay) == (1, 8.5)


async def test_a_changed_row_is_spread_once_and_acknowledged(caplog: pytest.LogCaptureFixture) -> None:
    """A message about a row goes to the fan-out, leaves nothing behind, and is one line in the log."""
    world = WorkerWorld(Outcome(OutcomeKind.SYNCED, "hints queued: 3"))
    with caplog.at_level(logging.INFO, "booking_sync.sync.worker"):
        await world.worker.handle(RELATED_TEXT, 1)
    assert (world.fan_out.changes, world.work.tasks) == ([RELATED], [])
    assert (world.queue.related, world.queue.poison) == ([], [])
    line = json.loads(caplog.records[0].getMessage())
    assert (line["event"], line["outcome"], line["table"]) == ("fan_out", "synced", "msdyn_workorder")
    assert (line["rowId"], line["correlationId"]) == (BOOKING_ID, "correlation-2")


async def test_a_deferred_fan_out_is_put_back_where_it_was() -> None:
    """A throttled list waits as long as it was told to, keeps its place, and takes no booking for failed."""
    world = WorkerWorld(Outcome(OutcomeKind.DEFERRED, "throttled", 30.0))
    later = replace(RELATED, starts_from=START)
    await world.worker.handle(encode_related(later), 1)
    ((put_back, delay),) = world.queue.related
    assert (put_back, delay) == (replace(later, waited=30.5), 30.5)
    assert world.work.given_up == []


async def test_an_app_that_cant_start_puts_a_changed_row_back() -> None:
    """Bad settings or a vault that is down lose no change of a work order."""
    world = WorkerWorld(Outcome(OutcomeKind.SYNCED))
    world.opening_fails = TransientError("2 app settings need attention.", untried=True)
    await world.worker.handle(RELATED_TEXT, 1)
    assert [change for change, _ in world.queue.related] == [RELATED]


async def test_a_fan_out_that_is_refused_or_was_tried_too_long_lies_on_the_poison_queue() -> None:
    """Somebody has to know that a work order's change reached nobody, and why."""
    refused = WorkerWorld(Outcome(OutcomeKind.FAILED, "Dynamics 365: forbidden."))
    await refused.worker.handle(RELATED_TEXT, 1)
    assert refused.queue.poison == [(RELATED_TEXT, "Dynamics 365: forbidden.")]

    tired = WorkerWorld(Outcome(OutcomeKind.DEFERRED, "throttled"))
    waited_enough = encode_related(replace(RELATED, waited=24 * 3600.0))
    await tired.worker.handle(waited_enough, 1)
    ((text, reason),) = tired.queue.poison
    assert text == waited_enough
    assert reason == "Given up after 24 hours of trying. The last reason: throttled"


async def test_a_fan_out_that_the_queue_breaks_off_is_delivered_again() -> None:
    """A message is acknowledged only when all hints are queued; after the last delivery it says why not."""
    world = WorkerWorld(TransientError("the queue can't be reached"))
    with pytest.raises(TransientError):
        await world.worker.handle(RELATED_TEXT, 1)
    await world.worker.handle(RELATED_TEXT, MAX_DEQUEUE_COUNT)
    assert [text for text, _ in world.queue.poison] == [RELATED_TEXT]


async def test_messages_that_wait_together_come_back_apart() -> None:
    """The more this process has put back, the wider it spreads them, as long as their time has not come."""
    world = WorkerWorld(Outcome(OutcomeKind.DEFERRED, "throttled", 30.0))
    for _ in range(101):
        await world.worker.handle(TEXT, 1)
    delays = [delay for _, delay in world.queue.sent]
    assert (delays[0], delays[-1]) == (30.5, 31.5)
    world.time += timedelta(seconds=60)
    await world.worker.handle(TEXT, 1)
    assert world.queue.sent[-1][1] == 30.5


async def test_a_service_that_says_when_to_come_back_takes_no_try() -> None:
    """Twelve refusals that each name their time leave the change's own delay as short as it was."""
    world = WorkerWorld(Outcome(OutcomeKind.DEFERRED, "throttled", 2.0))
    text = TEXT
    for _ in range(12):
        await world.worker.handle(text, 1)
        text = encode_change(world.queue.sent.pop()[0])
    world.work.outcome = Outcome(OutcomeKind.DEFERRED, "no answer")
    await world.worker.handle(text, 1)
    ((change, delay),) = world.queue.sent
    assert (change.attempt, delay) == (1, 2.0)


async def test_who_asked_for_outcomes_is_told_how_each_message_ended() -> None:
    """Whoever keeps a journal hears of the outcome once, when the message is settled."""
    told: list[tuple[BookingChange, Outcome]] = []
    world = WorkerWorld(Outcome(OutcomeKind.FAILED, "No mailbox."), lambda *each: told.append(each))
    await world.worker.handle(TEXT, 1)
    assert told == [(CHANGE, Outcome(OutcomeKind.FAILED, "No mailbox."))]
    assert len(world.queue.poison) == 1


async def test_an_error_in_what_hears_of_outcomes_fails_no_message(caplog: pytest.LogCaptureFixture) -> None:
    """A message that is settled is not delivered again because of who looked on; the log says what broke."""

    def broken(_change: BookingChange, _outcome: Outcome) -> None:
        raise ValueError("a secret")

    await WorkerWorld(Outcome(OutcomeKind.SYNCED), broken).worker.handle(TEXT, 1)
    line = json.loads(caplog.records[-1].getMessage())
    assert (line["event"], line["error"]) == ("outcome_not_noted", "ValueError")
    assert "a secret" not in caplog.text


# --- audits under way ------------------------------------------------------------------------------------


async def test_an_audit_that_waits_is_put_back() -> None:
    """After the delay that the service asked for; each try that failed counts, as for a booking."""
    world = WorkerWorld(Outcome(OutcomeKind.DEFERRED, "Dataverse: throttled"))
    await world.worker.handle(AUDIT_TEXT, 1)
    ((put_back, delay),) = world.queue.audits
    assert put_back == replace(AUDIT, attempt=1, waited=delay)
    assert world.queue.poison == []


async def test_an_audit_that_can_not_go_on_is_a_dead_letter() -> None:
    """Refused, or tried for as long as any message: with the reason, so that a replay goes on with it."""
    world = WorkerWorld(Outcome(OutcomeKind.FAILED, "Dataverse refuses the app"))
    await world.worker.handle(AUDIT_TEXT, 1)
    assert world.queue.poison == [(AUDIT_TEXT, "Dataverse refuses the app")]
    patient = WorkerWorld(Outcome(OutcomeKind.DEFERRED, "Dataverse: throttled"))
    text = encode_audit(replace(AUDIT, waited=25 * 3600.0))
    await patient.worker.handle(text, 1)
    ((letter, reason),) = patient.queue.poison
    assert (letter, "Given up after 24 hours" in reason) == (text, True)


async def test_a_bug_in_an_audit_is_told_and_kept() -> None:
    """Delivered again, and in the end laid beside its reason; nothing of it is quoted."""
    world = WorkerWorld(RuntimeError("of Anna's"))
    with pytest.raises(UnexpectedError):
        await world.worker.handle(AUDIT_TEXT, 1)
    await world.worker.handle(AUDIT_TEXT, MAX_DEQUEUE_COUNT)
    ((_, reason),) = world.queue.poison
    assert "Anna" not in reason


@pytest.mark.parametrize(
    ("told", "delivery", "uncertain"),
    [(False, 1, False), (False, 2, True), (False, 3, True), (True, 1, True), (True, 2, True)],
)
async def test_an_app_that_cant_start_forgets_no_uncertainty(
    told: bool,  # noqa: FBT001 - a row of the table
    delivery: int,
    uncertain: bool,  # noqa: FBT001
) -> None:
    """A second delivery may follow one that died in the middle; what the message says of itself counts."""
    world = WorkerWorld(Outcome(OutcomeKind.SYNCED))
    world.opening_fails = TransientError("Key Vault is down")
    await world.worker.handle(encode_change(replace(CHANGE, uncertain=told)), delivery)
    ((again, _),) = world.queue.sent
    assert isinstance(again, BookingChange)
    assert again.uncertain is uncertain


@pytest.mark.parametrize("delivery", [MAX_DEQUEUE_COUNT, MAX_DEQUEUE_COUNT + 1])
async def test_a_bug_at_the_last_delivery_or_later_is_a_dead_letter(delivery: int) -> None:
    """Another version of the app may have been given more deliveries."""
    world = WorkerWorld(ValueError("bug"))
    await world.worker.handle(TEXT, delivery)
    assert len(world.queue.poison) == 1


async def test_the_line_tells_seconds_to_a_tenth_and_the_lag_of_what_is_in_outlook(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A change that came in by a clock ahead of ours has no negative lag; nothing else has a lag at all."""
    seen: list[float | None] = []
    for kind, ahead in (
        (OutcomeKind.SYNCED, -2.34),
        (OutcomeKind.SYNCED, 5.0),
        (OutcomeKind.UNCHANGED, -2.34),
    ):
        world = WorkerWorld(Outcome(kind))
        change = replace(CHANGE, first_seen=START + timedelta(seconds=ahead))
        caplog.clear()
        with caplog.at_level(logging.INFO, "booking_sync.sync.worker"):
            await world.worker.handle(encode_change(change), 1)
        seen.append(json.loads(caplog.records[-1].getMessage()).get("lagSeconds"))
    assert seen == [2.3, 0.0, None]


OTHER_BOOKING = "0d7c1f57-3b1e-4c8e-9a55-2f6f0d6b1a02"


async def test_events_of_outlook_become_looks_at_their_bookings() -> None:
    """Each booking that names one is looked at, at once, and nothing else comes of the message."""
    world = WorkerWorld(Outcome(OutcomeKind.UNCHANGED))
    world.found = [BOOKING_ID, OTHER_BOOKING]
    await world.worker.handle(OUTLOOK_TEXT, 1)
    assert {(each.booking_id, each.look, each.trusted) for each in world.work.tasks} == {
        (BOOKING_ID, True, True),
        (OTHER_BOOKING, True, True),
    }
    assert (world.queue.sent, world.queue.outlook, world.queue.poison) == ([], [], [])


async def test_an_event_that_no_row_names_ends_there() -> None:
    """A private appointment is nobody's business."""
    world = WorkerWorld(Outcome(OutcomeKind.SYNCED))
    await world.worker.handle(OUTLOOK_TEXT, 1)
    assert (world.work.tasks, world.queue.outlook, world.queue.poison) == ([], [], [])


async def test_one_booking_of_several_is_put_back_for_itself() -> None:
    """Outlook's message is done with; the booking goes on as any other, and is to be looked at."""
    world = WorkerWorld(Outcome(OutcomeKind.DEFERRED, "throttled", 30.0))
    world.found = [BOOKING_ID]
    await world.worker.handle(OUTLOOK_TEXT, 1)
    ((change, _),) = world.queue.sent
    assert (change.booking_id, change.look, change.first_seen) == (BOOKING_ID, True, START)
    assert world.queue.outlook == []


async def test_one_booking_that_is_refused_is_dead_lettered_alone() -> None:
    """With a message of its own, that can be replayed."""
    world = WorkerWorld(Outcome(OutcomeKind.FAILED, "no"))
    world.found = [BOOKING_ID]
    await world.worker.handle(OUTLOOK_TEXT, 1)
    ((text, reason),) = world.queue.poison
    assert (json.loads(text)["bookingId"], reason) == (BOOKING_ID, "no")


async def test_events_whose_bookings_cannot_be_told_are_put_back() -> None:
    """All of them, later; a refusal for good is dead-lettered."""
    world = WorkerWorld(Outcome(OutcomeKind.SYNCED))
    world.found = TransientError("Dataverse is down", retry_after=7)
    await world.worker.handle(OUTLOOK_TEXT, 1)
    ((again, delay),) = world.queue.outlook
    assert again == replace(OUTLOOK, waited=delay)
    assert delay == pytest.approx(7.5)
    world.found = PermanentError("refused")
    await world.worker.handle(OUTLOOK_TEXT, 1)
    assert world.queue.poison == [(OUTLOOK_TEXT, "refused")]


async def test_a_bug_at_one_booking_delivers_all_again() -> None:
    """The others have had their work done, which may be done twice."""
    world = WorkerWorld(ValueError("a bug"))
    world.found = [BOOKING_ID]
    with pytest.raises(UnexpectedError):
        await world.worker.handle(OUTLOOK_TEXT, 1)


@pytest.mark.parametrize("text", [OUTLOOK_TEXT, SWEEP_TEXT])
async def test_without_a_way_back_what_came_from_outlook_is_dropped(text: str) -> None:
    """It was queued before somebody switched the return path off."""
    world = WorkerWorld(Outcome(OutcomeKind.SYNCED))
    world.two_ways, world.found = False, [BOOKING_ID]
    await world.worker.handle(text, 1)
    assert (world.work.tasks, world.sweeps) == ([], [])
    assert (world.queue.sent, world.queue.outlook, world.queue.poison) == ([], [], [])


async def test_a_mailbox_is_swept_once_a_deletion_can_no_longer_be_taken_back() -> None:
    """Queued before the message is acknowledged; one sweep for all events found gone together."""
    world = WorkerWorld(Outcome(OutcomeKind.SKIPPED, "the event is gone", missing=ANNA))
    world.found = [BOOKING_ID, OTHER_BOOKING]
    await world.worker.handle(OUTLOOK_TEXT, 1)
    ((sweep, delay),) = world.queue.outlook
    assert isinstance(sweep, MailboxSweep)
    assert (sweep.mailbox, delay) == (ANNA, GRACE.total_seconds())
    assert sweep.missing == {BOOKING_ID, OTHER_BOOKING}
    assert sweep.correlation_id == "outlook-1"
    await world.worker.handle(TEXT, 1)
    (_, (alone, _)) = world.queue.outlook
    assert isinstance(alone, MailboxSweep)
    assert alone.missing == {BOOKING_ID}
    assert alone.correlation_id == "correlation-1"


@pytest.mark.parametrize("kind", [OutcomeKind.UNCHANGED, OutcomeKind.DEFERRED])
async def test_an_event_that_graph_calls_deleted_is_looked_for_later(kind: OutcomeKind) -> None:
    """Even where a look still shows it, as Deleted Items may; and where the look has to wait."""
    world = WorkerWorld(Outcome(kind))
    world.found, world.gone_from = [BOOKING_ID], ANNA
    await world.worker.handle(OUTLOOK_TEXT, 1)
    ((sweep, delay),) = world.queue.outlook
    assert isinstance(sweep, MailboxSweep)
    assert (sweep.mailbox, delay) == (ANNA, GRACE.total_seconds())
    assert sweep.missing == {BOOKING_ID}


async def test_very_many_missing_events_are_several_sweeps() -> None:
    """None is forgotten: what one message can't name, another does."""
    world = WorkerWorld(Outcome(OutcomeKind.SKIPPED, missing=ANNA))
    world.found = [f"a0000000-0000-4000-8000-{number:012}" for number in range(MAX_MISSING + 1)]
    await world.worker.handle(OUTLOOK_TEXT, 1)
    sweeps = [each for each, _ in world.queue.outlook if isinstance(each, MailboxSweep)]
    assert sorted(len(each.missing) for each in sweeps) == [1, MAX_MISSING]


async def test_a_wiped_mailbox_is_swept_a_few_times_however_many_events_are_gone() -> None:
    """What those sweeps do not ask about they find missing; other mailboxes and later times have theirs."""
    world = WorkerWorld(Outcome(OutcomeKind.SKIPPED, missing=ANNA))
    bookings = [f"a0000000-0000-4000-8000-{number:012}" for number in range(300)]
    messages = [encode_change(BookingChange(each, "correlation-1", START)) for each in bookings]
    await asyncio.gather(*(world.worker.handle(each, 1) for each in messages))
    asked = [each.missing for each, _ in world.queue.outlook if isinstance(each, MailboxSweep)]
    assert asked == [{each} for each in bookings[:MOST_HIDDEN]]

    world.work.outcome = Outcome(OutcomeKind.SKIPPED, missing=BEN)
    await world.worker.handle(TEXT, 1)
    world.time += GRACE - MARGIN
    world.work.outcome = Outcome(OutcomeKind.SKIPPED, missing=ANNA)
    await world.worker.handle(TEXT, 1)
    later = [each.mailbox for each, _ in world.queue.outlook[MOST_HIDDEN:] if isinstance(each, MailboxSweep)]
    assert later == [BEN, ANNA], "a sweep that begins soon may not know of the deletion yet"


async def test_a_sweep_that_could_not_be_queued_covers_nothing() -> None:
    """The message comes again, and its deletion is swept for."""
    world = WorkerWorld(Outcome(OutcomeKind.SKIPPED, missing=ANNA))
    world.queue.down = True
    for _ in range(MOST_HIDDEN):
        with pytest.raises(TransientError):
            await world.worker.handle(TEXT, 1)
    world.queue.down = False
    await world.worker.handle(TEXT, 1)
    assert len(world.queue.outlook) == 1


async def test_a_sweep_that_cannot_be_queued_keeps_the_message() -> None:
    """Else a deletion in Outlook would be forgotten."""
    world = WorkerWorld(Outcome(OutcomeKind.SKIPPED, missing=ANNA))
    world.queue.down = True
    with pytest.raises(TransientError):
        await world.worker.handle(TEXT, 1)


async def test_a_sweep_is_settled_as_it_ended() -> None:
    """Done, put back or dead-lettered, with what it is about."""
    world = WorkerWorld(Outcome(OutcomeKind.SYNCED))
    await world.worker.handle(SWEEP_TEXT, 1)
    assert world.sweeps == [SWEEP]
    world.outcome = Outcome(OutcomeKind.DEFERRED, "down", 7.0)
    await world.worker.handle(SWEEP_TEXT, 1)
    ((again, delay),) = world.queue.outlook
    assert again == replace(SWEEP, waited=delay)
    assert delay == pytest.approx(7.5)
    world.outcome = Outcome(OutcomeKind.FAILED, "no")
    await world.worker.handle(SWEEP_TEXT, 1)
    assert world.queue.poison == [(SWEEP_TEXT, "no")]
