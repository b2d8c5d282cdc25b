"""The webhook's use case: what is queued, what is answered and what is logged."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from booking_sync.domain.environment.columns import ReturnColumns
from booking_sync.domain.environment.watched import RelatedTable
from booking_sync.domain.events.event_ref import EventClaim, EventRef
from booking_sync.domain.messages.change import BookingChange, RelatedChange
from booking_sync.domain.return_path.missing import Missing
from booking_sync.errors import PermanentError, SyncError, TransientError
from booking_sync.sync.webhook.announce import SETTLE_SECONDS, SPACING_SECONDS
from booking_sync.sync.webhook.receiver import Receiver
from tests.support.fakes import FakeQueue
from tests.support.webhook_bodies import (
    APP_USER,
    BOOKING,
    CORRELATION,
    EVENT_ID,
    IMAGE_COLUMNS,
    MAILBOX,
    POLICY,
    RESOURCE_ID,
    WORK_ORDER_ID,
    Webhook,
    created,
    deleted,
    encode,
    headers,
    resource_updated,
    restored,
    updated,
    work_order_updated,
)

if TYPE_CHECKING:
    from booking_sync.ports.platform.queues import MessageQueue

NOW = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
NEW_ID = "12121212-1212-4121-8121-121212121212"


class BrokenQueue(FakeQueue):
    """A queue that fails in a given way."""

    def __init__(self, error: SyncError) -> None:
        super().__init__()
        self.tried: list[tuple[BookingChange, float]] = []
        self._error = error

    async def send(self, change: BookingChange, delay: float = 0.0) -> None:
        """Fail, after noting what was asked for."""
        self.tried.append((change, delay))
        raise self._error


def receiver(queue: MessageQueue) -> Receiver:
    """A receiver at a fixed time."""
    return Receiver(queue, POLICY, lambda: NOW, lambda: NEW_ID)


@pytest.mark.parametrize("webhook", [created(), updated()], ids=lambda each: each.message)
async def test_change_is_queued_and_acknowledged(webhook: Webhook) -> None:
    """A change goes to the queue at once, without a delay, and the answer names it."""
    queue = FakeQueue()
    answer = await receiver(queue).receive(webhook.body(), headers(webhook.message))
    assert queue.sent == [(BookingChange(BOOKING, CORRELATION, NOW), 0.0)]
    assert answer.status == 202
    assert answer.payload == {
        "status": "queued",
        "change": webhook.message,
        "bookingId": BOOKING,
        "correlationId": CORRELATION,
    }


async def test_deletion_is_queued_with_its_event() -> None:
    """A deletion's message holds all that is needed to remove the event."""
    queue = FakeQueue()
    await receiver(queue).receive(deleted().body(), headers("Delete"))
    event = EventClaim(EventRef(MAILBOX, EVENT_ID))
    assert queue.sent == [(BookingChange(BOOKING, CORRELATION, NOW, deleted=True, event=event), 0.0)]


async def test_mailboxes_with_events_that_a_deleted_row_had_given_up_are_searched() -> None:
    """They go along as those that an uncertain try leaves behind."""
    queue = FakeQueue()
    image = {**IMAGE_COLUMNS, "bsync_outlookbase": f"1:::::{MAILBOX}/AAA::::seal"}
    policy = replace(POLICY, return_columns=ReturnColumns())
    two_ways = Receiver(queue, policy, lambda: NOW, lambda: NEW_ID)
    await two_ways.receive(deleted(image).body(), headers("Delete"))
    assert queue.sent[0][0].suspects == {MAILBOX}


@pytest.mark.parametrize(
    ("columns", "missing"), [(ReturnColumns(), Missing.ROW_RETURNED), (None, Missing.UNKNOWN)]
)
async def test_a_restored_booking_says_that_its_event_may_be_gone_with_it(
    columns: ReturnColumns | None, missing: Missing
) -> None:
    """Or its end would be taken for somebody's wish; without a way back it never is."""
    queue = FakeQueue()
    policy = replace(POLICY, return_columns=columns)
    await Receiver(queue, policy, lambda: NOW, lambda: NEW_ID).receive(restored().body(), headers("Restore"))
    ((change, _),) = queue.sent
    assert (change.uncertain, change.missing) == (True, missing)


async def test_missing_correlation_id_is_made_up() -> None:
    """A change that names no correlation id gets one, so that it can be followed."""
    queue = FakeQueue()
    context = {**updated().context(), "CorrelationId": None}
    answer = await receiver(queue).receive(encode(context), {})
    assert answer.payload["correlationId"] == NEW_ID
    assert queue.sent[0][0].correlation_id == NEW_ID


async def test_ignored_webhook_is_acknowledged_but_not_queued() -> None:
    """Dataverse need not try again what needs no work."""
    queue = FakeQueue()
    answer = await receiver(queue).receive(Webhook(user=APP_USER).body(), headers())
    assert (answer.status, queue.sent) == (202, [])
    assert answer.payload == {"status": "ignored", "reason": "made by our own application user"}


@pytest.mark.parametrize(("body", "status"), [(b"{", 400), (b" " * (1024 * 1024 + 1), 413)])
async def test_refused_webhook_says_what_is_wrong(body: bytes, status: int) -> None:
    """A body that is no webhook gets a client error with a sentence."""
    queue = FakeQueue()
    answer = await receiver(queue).receive(body, {})
    assert (answer.status, queue.sent) == (status, [])
    assert answer.payload["status"] == "refused"
    assert answer.payload["error"].endswith(".")


@pytest.mark.parametrize(
    ("error", "wait"),
    [
        (TransientError("the queue is down"), "10"),
        (TransientError("the queue is busy", retry_after=3.2), "3"),
        (PermanentError("the queue refuses"), "10"),
    ],
    ids=["down", "busy", "refusing"],
)
async def test_queue_that_fails_makes_dataverse_try_again(error: SyncError, wait: str) -> None:
    """Only what is durably queued is acknowledged; 503 is a status that Dataverse tries again."""
    queue = BrokenQueue(error)
    answer = await receiver(queue).receive(updated().body(), headers())
    assert len(queue.tried) == 1
    assert (answer.status, answer.headers) == (503, {"Retry-After": wait})
    assert answer.payload["status"] == "unavailable"
    assert answer.payload["bookingId"] == BOOKING


ORDER_CHANGE = RelatedChange(RelatedTable.WORK_ORDER, WORK_ORDER_ID, CORRELATION, NOW)


@pytest.mark.parametrize(
    ("webhook", "change"),
    [
        (work_order_updated(), ORDER_CHANGE),
        (resource_updated(), RelatedChange(RelatedTable.RESOURCE, RESOURCE_ID, CORRELATION, NOW)),
    ],
    ids=["work order", "resource"],
)
async def test_a_row_that_bookings_show_is_one_message(webhook: Webhook, change: RelatedChange) -> None:
    """However many bookings name the row, the answer waits for one message, hidden for a moment."""
    queue = FakeQueue()
    answer = await receiver(queue).receive(webhook.body(), headers())
    assert (queue.sent, queue.related) == ([], [(change, SETTLE_SECONDS)])
    assert answer.status == 202
    assert answer.payload == {
        "status": "queued",
        "change": "Update",
        "table": change.table.value,
        "rowId": change.row_id,
        "correlationId": CORRELATION,
    }


async def test_a_row_that_keeps_changing_is_announced_at_intervals() -> None:
    """Ten saves within a minute are three messages; those between are acknowledged as joined."""
    queue, time = FakeQueue(), [0.0]
    webhook_receiver = Receiver(queue, POLICY, lambda: NOW, lambda: NEW_ID, lambda: time[0])
    answers = []
    for _ in range(10):
        answers.append(await webhook_receiver.receive(work_order_updated().body(), headers()))
        time[0] += 6.0
    assert {answer.status for answer in answers} == {202}
    assert [answer.payload["status"] for answer in answers].count("joined") == 7
    assert [delay for _, delay in queue.related] == [
        SETTLE_SECONDS,
        SPACING_SECONDS - 3.0,
        SPACING_SECONDS - 3.0,
    ]


async def test_a_row_that_can_t_be_queued_makes_dataverse_try_again() -> None:
    """A queue that is down is a 503 for these as well, and the second attempt is not taken for joined."""
    queue = FakeQueue()
    queue.down = True
    webhook_receiver = receiver(queue)
    answer = await webhook_receiver.receive(work_order_updated().body(), headers())
    assert (answer.status, answer.payload["status"]) == (503, "unavailable")
    assert answer.payload["rowId"] == WORK_ORDER_ID
    queue.down = False
    answer = await webhook_receiver.receive(work_order_updated().body(), headers())
    assert (answer.status, answer.payload["status"]) == (202, "queued")
    assert [change for change, _ in queue.related] == [ORDER_CHANGE]


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """The structured lines logged so far."""
    return [json.loads(record.getMessage()) for record in caplog.records]


@pytest.mark.parametrize(
    ("body", "queue", "status", "level"),
    [
        (updated().body(), FakeQueue(), "queued", logging.INFO),
        (Webhook(table="account").body(), FakeQueue(), "ignored", logging.INFO),
        (b"{", FakeQueue(), "refused", logging.WARNING),
        (updated().body(), BrokenQueue(TransientError("down")), "unavailable", logging.WARNING),
    ],
    ids=["queued", "ignored", "refused", "unavailable"],
)
async def test_each_webhook_is_one_line_in_the_log(
    body: bytes, queue: FakeQueue, status: str, level: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Every webhook leaves one line of JSON, and trouble can be told by its level."""
    caplog.set_level(logging.INFO)
    answer = await receiver(queue).receive(body, headers())
    [line] = lines(caplog)
    assert (line["event"], line["status"], line["httpStatus"]) == ("webhook", status, answer.status)
    assert caplog.records[0].levelno == level


async def test_log_names_no_mailbox_and_no_event(caplog: pytest.LogCaptureFixture) -> None:
    """What a deletion carries stays out of the log."""
    caplog.set_level(logging.DEBUG)
    await receiver(FakeQueue()).receive(deleted().body(), headers("Delete"))
    assert BOOKING in caplog.text
    assert MAILBOX not in caplog.text
    assert EVENT_ID not in caplog.text
