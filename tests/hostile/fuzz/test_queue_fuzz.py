"""The change queue under fire: any bytes as a message."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_sync.azure.storage.queue import MAX_MESSAGE_CHARACTERS, dead_letter_text
from booking_sync.domain.environment.columns import SYNC_STATE_LENGTH
from booking_sync.domain.events.event_ref import EventClaim, EventRef
from booking_sync.domain.messages.audit_message import MAX_COUNT, MAX_KINDS, MAX_RANGES, encode_audit
from booking_sync.domain.messages.audit_progress import AuditProgress, AuditSums, MailboxRange
from booking_sync.domain.messages.change import (
    MAX_SUSPECTS,
    BookingChange,
    MalformedChangeError,
    decode_change,
    decode_message,
    encode_change,
    encode_related,
)
from booking_sync.domain.outcome import Outcome, deferred_by
from booking_sync.domain.plan import Invalid
from booking_sync.domain.return_path.messages import (
    Lifecycle,
    MailboxSweep,
    OutlookChange,
    encode_outlook,
)
from booking_sync.errors import TransientError
from booking_sync.sync.back_off import BackOff
from booking_sync.sync.booking.per_booking import PerBookingRunner
from booking_sync.sync.booking.synchronizer import Synchronizer
from booking_sync.sync.fan_out import FanOut
from booking_sync.sync.from_outlook.changes import EventHint
from booking_sync.sync.worker import MAX_DEQUEUE_COUNT, ChangeWorker, MessageHandlers, OutlookHandlers
from tests.hostile.fuzz.bodies import junk, nested, write
from tests.hostile.fuzz.budget import tries
from tests.support.bookings import ANNA, BERT, BOOKING_ID, ORGANIZATION_ID, booking
from tests.support.fakes import FakeCalendar, FakeQueue, FakeRelated, FakeRows
from tests.support.seals import prover

if TYPE_CHECKING:
    from tests.hostile.fuzz.app_functions import AppFunctions

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
MESSAGE: dict[str, Any] = {
    "version": 1,
    "bookingId": BOOKING_ID,
    "correlationId": "c-1",
    "firstSeen": NOW.isoformat(),
    "deleted": True,
    "event": {"mailbox": ANNA, "id": "E1", "state": "1:f:2.0123abcd." + "0" * 32},
    "attempt": 3,
    "waitedSeconds": 30.5,
    "uncertain": True,
    "suspects": [ANNA, BERT],
}
RELATED_MESSAGE: dict[str, Any] = {
    "version": 2,
    "table": "msdyn_workorder",
    "rowId": BOOKING_ID,
    "correlationId": "c-1",
    "firstSeen": NOW.isoformat(),
    "attempt": 3,
    "waitedSeconds": 30.5,
    "startsFrom": NOW.isoformat(),
}
AUDIT = AuditProgress(
    audit_id="audit-1",
    first_seen=NOW,
    first=NOW - timedelta(days=7),
    last=NOW + timedelta(days=60),
    fix=True,
    undivided=False,
    size=60,
    ranges=(MailboxRange(ANNA, BERT),),
    strays=True,
    strays_from=NOW,
    revisit=(MailboxRange("", ANNA),),
    sums=AuditSums(3, 40, 41, 39, {"orphan": 2}, {"orphan": 2}, {}, 1, 0, 5),
    next_hint=NOW,
    attempt=3,
    waited=30.5,
)
AUDIT_MESSAGE: dict[str, Any] = json.loads(encode_audit(AUDIT))
OUTLOOK_MESSAGE: dict[str, Any] = json.loads(
    encode_outlook(
        OutlookChange(
            ANNA,
            ("E1", "E2"),
            "outlook-1",
            NOW,
            deleted=frozenset({"E2"}),
            versions=frozenset({("E1", "0123456789abcdef")}),
            attempt=3,
            waited=30.5,
        )
    )
)
SWEEP_MESSAGE: dict[str, Any] = json.loads(
    encode_outlook(
        MailboxSweep(ANNA, "sweep-1", NOW, frozenset({BOOKING_ID}), Lifecycle.REMOVED, BOOKING_ID, 3, 30.5)
    )
)
EXAMPLES = (MESSAGE, RELATED_MESSAGE, AUDIT_MESSAGE, OUTLOOK_MESSAGE, SWEEP_MESSAGE)
REASON_LIMIT = 300


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    """A queue message with values swapped or dropped, or no message at all."""
    message = dict(draw(st.sampled_from(EXAMPLES)))
    for key in draw(st.lists(st.sampled_from(sorted(message)), max_size=3)):
        if draw(st.booleans()):
            message.pop(key, None)
        else:
            message[key] = draw(junk)
    return draw(st.binary(max_size=200) | st.just(write(message).encode()))


class QueueWorld:
    """The worker and the protocol on fakes: one booking, and a mailbox that can't be reached."""

    def __init__(self) -> None:
        self.queue = FakeQueue()
        self.rows = FakeRows()
        self.rows.put(booking())
        self.calendar = FakeCalendar()
        synchronizer = Synchronizer(
            self.rows,
            self.calendar,
            lambda _: Invalid("not today"),
            prover(self.calendar, ORGANIZATION_ID),
            lambda: NOW,
        )
        self.bookings = FakeRelated({BOOKING_ID: NOW})
        fan_out = FanOut(self.bookings, self.queue, timedelta(days=7), lambda: NOW)
        runner = PerBookingRunner(synchronizer.sync, max_bookings=1, linger=0)
        outlook = OutlookHandlers(self._bookings_of, self._sweep)
        self._handlers = MessageHandlers(runner, fan_out, synchronizer.note_failure, self._audit, outlook)
        self.worker = ChangeWorker(
            self._open, self.queue, lambda: NOW, timedelta(hours=24), BackOff(lambda: 0.5)
        )

    async def _open(self) -> MessageHandlers:
        return self._handlers

    async def _audit(self, progress: AuditProgress) -> Outcome:
        """Put back as often as a booking is read without success."""
        assert decode_message(encode_audit(progress)) == progress
        return self._put_back()

    async def _bookings_of(self, change: OutlookChange) -> list[EventHint]:
        """One booking, unless Dataverse is throttled."""
        assert decode_message(encode_outlook(change)) == change
        if self.bookings.fails:
            raise self.bookings.fails
        hint = BookingChange(BOOKING_ID, change.correlation_id, change.first_seen, look=True)
        return [EventHint(hint, change.mailbox if change.deleted else "")]

    async def _sweep(self, sweep: MailboxSweep) -> Outcome:
        assert decode_message(encode_outlook(sweep)) == sweep
        return self._put_back()

    @staticmethod
    def _put_back() -> Outcome:
        return deferred_by(TransientError("throttled", retry_after=1))


@tries(2)
@given(messages(), st.integers(1, MAX_DEQUEUE_COUNT), st.booleans())
async def test_no_message_breaks_the_worker(body: bytes, dequeue_count: int, throttled: bool) -> None:  # noqa: FBT001 - drawn by Hypothesis
    """Whatever lies on the queue is settled, put back, or dead-lettered beside a reason that fits."""
    world = QueueWorld()
    if throttled:
        world.rows.faults.before["read"] = [TransientError("throttled", retry_after=1)]
        world.bookings.fails = TransientError("throttled", retry_after=1)
    text = body.decode("utf-8", errors="replace")
    await world.worker.handle(text, dequeue_count)
    for change, delay in world.queue.sent:
        assert decode_change(encode_change(change)) == change
        assert 0 <= delay < 7 * 24 * 3600
    for related, delay in world.queue.related:
        assert decode_message(encode_related(related)) == related
        assert 0 < delay < 7 * 24 * 3600
    for audit, delay in world.queue.audits:
        assert decode_message(encode_audit(audit)) == audit
        assert 0 < delay < 7 * 24 * 3600
    for hint, delay in world.queue.outlook:
        assert decode_message(encode_outlook(hint)) == hint
        assert 0 < delay < 7 * 24 * 3600
    for message, reason in world.queue.poison:
        own = decode_change(message) if message != text else None
        assert own is None or (own.look and isinstance(decode_message(text), OutlookChange))
        assert 0 < len(reason) <= REASON_LIMIT
        assert len(dead_letter_text(message, reason, NOW)) <= MAX_MESSAGE_CHARACTERS


LARGEST = 48 * 1024
AWKWARD = {
    "nothing": b"",
    "half a character": b'{"version":1,"bookingId":"\\ud800"}',
    "no UTF-8": b"\xff\xfe\x00{",
    "deep lists": nested(LARGEST // 2).encode(),
    "deep objects": nested(LARGEST // 6, '{"a":', "}", "0").encode(),
    "a huge number": b'{"version":' + b"9" * 40_000 + b"}",
    "a huge attempt": write({**MESSAGE, "attempt": 10**4000}).encode(),
    "not a number": write({**MESSAGE, "attempt": float("nan")}).encode(),
    "before time": write({**MESSAGE, "firstSeen": "0001-01-01T00:00:00+23:59"}).encode(),
    "a long correlation id": write({**MESSAGE, "correlationId": "\N{PILE OF POO}" * 3000}).encode(),
    "a long reason for nothing": b'"' + "\N{PILE OF POO}".encode() * (LARGEST // 4 - 1) + b'"',
    "control characters": bytes(range(32)) * 1500,
    "many suspects": write({**MESSAGE, "suspects": ["x"] * 9000}).encode(),
    "more mailboxes to search than a booking has": write(
        {**MESSAGE, "suspects": [f"a0000000-0000-4000-8000-{number:012}" for number in range(1100)]}
    ).encode(),
    "a table that has no bookings": write({**RELATED_MESSAGE, "table": "systemuser"}).encode(),
    "a row that is none": write({**RELATED_MESSAGE, "rowId": "../accounts"}).encode(),
    "a start out of time": write({**RELATED_MESSAGE, "startsFrom": "9999-12-31T23:59:59-23:59"}).encode(),
    "a kind to come": write({**RELATED_MESSAGE, "version": 6}).encode(),
    "events elsewhere": write({**OUTLOOK_MESSAGE, "events": ["../../messages/1"]}).encode(),
    "a sweep of somebody's mail": write({**SWEEP_MESSAGE, "mailbox": "anna@example.com"}).encode(),
    "an event elsewhere": write({**MESSAGE, "event": {"mailbox": ANNA, "id": "../../messages/1"}}).encode(),
}


@pytest.mark.parametrize("kind", AWKWARD)
def test_an_awkward_message_lies_on_the_poison_queue_beside_its_reason(
    app_functions: AppFunctions, kind: str
) -> None:
    """Through the real function and a real queue: one dead letter, with a reason, and no error raised."""
    app_functions.deliver(AWKWARD[kind])
    (letter,) = [json.loads(text) for text in app_functions.poison()]
    assert letter["reason"].startswith("Malformed message: ")
    assert len(letter["reason"]) <= REASON_LIMIT
    assert app_functions.changes() == []


@tries(0.3)
@given(
    st.text(st.characters(codec=None, exclude_categories=())) | st.text(max_size=3).map(lambda t: t * 16_000),
    st.text(),
)
def test_every_dead_letter_fits_and_keeps_its_reason(message: str, reason: str) -> None:
    """However long and odd the original is, the letter is ASCII, fits into a message, and says why."""
    text = dead_letter_text(message, reason, NOW)
    assert text.isascii()
    assert len(text) <= MAX_MESSAGE_CHARACTERS
    assert json.loads(text)["reason"] == reason[:2000]


def test_the_largest_message_of_ours_fits() -> None:
    """A deletion with the longest event id, and all suspects besides, is below what the queue takes."""
    mailboxes = [f"a0000000-0000-4000-8000-{number:012}" for number in range(MAX_SUSPECTS)]
    change = BookingChange(
        BOOKING_ID,
        "\N{PILE OF POO}" * 200,
        NOW,
        deleted=True,
        event=EventClaim(EventRef(ANNA, "A" * 1000), "s" * SYNC_STATE_LENGTH),
        attempt=1_000_000,
        uncertain=True,
        suspects=frozenset(mailboxes),
    )
    text = encode_change(change)
    assert len(text) < MAX_MESSAGE_CHARACTERS / 4
    assert decode_change(text) == change


def test_the_longest_audit_fits_into_a_message() -> None:
    """As many parts to be visited again as there can be, all counts at their largest."""
    ranges = tuple(MailboxRange(ANNA, BERT) for _ in range(MAX_RANGES))
    counts = {f"kind {number}": MAX_COUNT for number in range(MAX_KINDS)}
    sums = AuditSums(MAX_COUNT, MAX_COUNT, MAX_COUNT, MAX_COUNT, counts, counts, counts, MAX_COUNT)
    progress = replace(AUDIT, audit_id="x" * 200, ranges=ranges, revisit=ranges, sums=sums)
    text = encode_audit(progress)
    assert len(text) < MAX_MESSAGE_CHARACTERS
    assert decode_message(text) == progress


@pytest.mark.parametrize(
    ("spoiled", "says"),
    [
        ({"from": "2020-01-01T00:00:00Z"}, "no window"),
        ({"until": AUDIT_MESSAGE["from"]}, "no window"),
        ({"size": 0}, "'size'"),
        ({"size": 1001}, "'size'"),
        ({"reach": "everywhere"}, "'reach'"),
        ({"pass": "destroy"}, "'pass'"),
        ({"ranges": [[ANNA, BERT]] * (MAX_RANGES + 1)}, "'ranges'"),
        ({"revisit": [[ANNA]]}, "'revisit'"),
        ({"revisit": [[ANNA, "users/.."]]}, "'revisit'"),
        ({"sums": {}}, "'mailboxes'"),
        ({"counts": {str(number): 1 for number in range(MAX_KINDS + 1)}}, "'counts'"),
        ({"guarded": {"orphan": -1}}, "'orphan'"),
        ({"mended": {"orphan": True}}, "'orphan'"),
        ({"force": 1}, "'force'"),
        ({"correlationId": "x" * 201}, "'correlationId'"),
        ({"straysFrom": "yesterday"}, "'straysFrom'"),
    ],
)
def test_a_spoiled_audit_is_refused_by_name(spoiled: dict[str, object], says: str) -> None:
    """Whatever a message can say is bounded, and what is wrong with it is named."""
    with pytest.raises(MalformedChangeError, match=says):
        decode_message(json.dumps({**AUDIT_MESSAGE, **spoiled}))


def test_an_audit_of_chosen_mailboxes_never_lies_on_the_queue() -> None:
    """It is done in one go; a message of it would be an audit of all."""
    with pytest.raises(ValueError, match="chosen"):
        encode_audit(replace(AUDIT, mailboxes=frozenset({ANNA})))
