"""Spans and metrics, as a real SDK hears them; and the silence without one."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from opentelemetry import context, trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from booking_sync.domain.environment.watched import RelatedTable
from booking_sync.domain.events.event import EventContent, EventTime
from booking_sync.domain.events.zones import event_zone
from booking_sync.domain.messages.change import (
    BookingChange,
    RelatedChange,
    decode_message,
    encode_change,
    encode_related,
)
from booking_sync.domain.outcome import Outcome, OutcomeKind
from booking_sync.errors import TransientError
from booking_sync.operations.health import tell_depths
from booking_sync.plumbing import telemetry
from booking_sync.plumbing.circuit import Circuit
from booking_sync.plumbing.microbatch import MicroBatcher
from booking_sync.plumbing.telemetry import COUNTERS, GAUGES, HISTOGRAMS, Attribute, Metric, SpanName
from booking_sync.ports.outlook.calendars import Written
from booking_sync.ports.platform.queues import QueueState
from booking_sync.sync.booking.per_booking import PerBookingRunner
from booking_sync.sync.booking.task import SyncTask
from booking_sync.sync.booking.zone_differences import ZoneDifferences
from booking_sync.sync.webhook.receiver import Receiver
from tests.support.fakes import FakeQueue
from tests.support.webhook_bodies import POLICY, headers, updated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.telemetry.conftest import Ear

NOW = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
BOOKING = "0d7c1f57-3b1e-4c8e-9a55-2f6f0d6b1a01"
INVOCATION = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
WEBHOOK = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
SILENT_PROGRAM = """
import json, sys
from booking_sync.plumbing import telemetry as t
with t.span(t.SpanName.SYNC, {t.Attribute.BOOKING: "x"}, continues=sys.argv[1]) as note:
    note.add({t.Attribute.OUTCOME: "synced"}); note.fail("x")
    with t.untraced():
        t.count(t.Metric.OUTCOMES); t.measure(t.Metric.LAG, 1.0); t.observe(t.Metric.QUEUE_DEPTH, 1)
loaded = [name for name in sys.modules if name.startswith("opentelemetry")]
print(json.dumps([loaded, t.traceparent(), t.here() is None, t.shared_by([None]) is None, t.listening()]))
"""


@pytest.fixture
def invocation() -> Iterator[str]:
    """The trace that the Functions worker makes the current one for an invocation."""
    token = context.attach(TraceContextTextMapPropagator().extract({"traceparent": INVOCATION}))
    yield INVOCATION
    context.detach(token)


def ids(traceparent: str) -> tuple[int, int]:
    """Trace and span."""
    _, trace_id, span_id, _ = traceparent.split("-")
    return int(trace_id, 16), int(span_id, 16)


def test_without_an_sdk_nothing_is_told_and_nothing_imported() -> None:
    """Every function may be called, and OpenTelemetry is not even loaded."""
    done = subprocess.run(  # noqa: S603 - our own program in our own interpreter
        [sys.executable, "-c", SILENT_PROGRAM, WEBHOOK], capture_output=True, check=True, timeout=30
    )
    assert json.loads(done.stdout) == [[], "", True, True, False]


def test_every_metric_is_defined_once() -> None:
    """Each has one kind, a unit and a sentence."""
    defined = [*COUNTERS, *HISTOGRAMS, *GAUGES]
    assert sorted(defined) == sorted(Metric)
    for each in (*COUNTERS.values(), *HISTOGRAMS.values(), *GAUGES.values()):
        assert each.unit
        assert each.about


async def test_the_webhook_s_span_is_a_part_of_its_invocation(ear: Ear, invocation: str) -> None:
    """The trace that the host began goes on in the webhook, whose span names the booking."""
    receiver = Receiver(FakeQueue(), POLICY, lambda: NOW, lambda: "id")
    await receiver.receive(updated().body(), headers())
    span = ear.span(SpanName.RECEIVE)
    assert span.parent is not None
    assert (span.parent.trace_id, span.parent.span_id) == ids(invocation)
    assert span.attributes is not None
    assert span.attributes[Attribute.STATUS] == "queued"
    assert span.attributes[Attribute.BOOKING]


async def test_ignored_webhooks_are_counted_and_told_without_their_contents(ear: Ear) -> None:
    """What a stranger sent does not come to be an attribute."""
    receiver = Receiver(FakeQueue(), POLICY, lambda: NOW, lambda: "id")
    await receiver.receive(b'{"PrimaryEntityName": "Frau Albers"}', {})
    assert dict(ear.span(SpanName.RECEIVE).attributes or {}) == {Attribute.STATUS: "ignored"}
    assert {point.attributes[Attribute.STATUS] for point in ear.points(Metric.WEBHOOKS)} >= {"ignored"}


def test_a_span_continues_the_message_s_trace_and_names_its_invocation(ear: Ear, invocation: str) -> None:
    """The webhook's span is the parent; a link leads to the invocation of the queue's function."""
    with telemetry.span(SpanName.SYNC, {Attribute.BOOKING: BOOKING}, continues=WEBHOOK):
        inside = telemetry.traceparent()
    span = ear.span(SpanName.SYNC)
    assert span.parent is not None
    assert (span.parent.trace_id, span.parent.span_id) == ids(WEBHOOK)
    assert [(link.context.trace_id, link.context.span_id) for link in span.links] == [ids(invocation)]
    assert ids(inside)[0] == ids(WEBHOOK)[0]


def test_a_message_without_a_trace_is_a_part_of_its_invocation(ear: Ear, invocation: str) -> None:
    """As messages of the version before are."""
    with telemetry.span(SpanName.SYNC, {}):
        pass
    span = ear.span(SpanName.SYNC)
    assert span.parent is not None
    assert (span.parent.trace_id, span.parent.span_id) == ids(invocation)


def test_an_error_is_told_by_its_type_only(ear: Ear) -> None:
    """Its text may hold what a person wrote."""
    with pytest.raises(ValueError, match="Albers"), telemetry.span(SpanName.SYNC, {}):
        raise ValueError("Frau Albers has no mailbox")
    span = ear.span(SpanName.SYNC)
    assert span.status.status_code is trace.StatusCode.ERROR
    assert dict(span.attributes or {}) == {Attribute.ERROR: "ValueError"}
    assert not span.events
    assert "Albers" not in span.to_json()


async def test_a_shared_request_is_linked_to_everybody_s_span(ear: Ear) -> None:
    """It is a part of the first one's trace, whoever's timer sent it."""

    async def execute(items: Sequence[int]) -> Sequence[int]:
        with telemetry.span(SpanName.DATAVERSE_REQUEST, {}, calls=True):
            return items

    batcher: MicroBatcher[int, int] = MicroBatcher(execute, largest=10, places=1)

    async def booking(number: int) -> None:
        with telemetry.span(SpanName.SYNC, {Attribute.ATTEMPT: number}):
            await batcher.submit(number)

    await asyncio.gather(*(booking(number) for number in range(3)))
    request = ear.span(SpanName.DATAVERSE_REQUEST)
    syncs = {span.context.span_id: span for span in ear.spans if span.name == SpanName.SYNC and span.context}
    assert {link.context.span_id for link in request.links} == set(syncs)
    assert request.parent is not None
    first = syncs[request.parent.span_id]
    assert (first.attributes or {})[Attribute.ATTEMPT] == 0
    assert request.kind is trace.SpanKind.CLIENT


def test_a_hushed_library_s_spans_are_not_heard(ear: Ear) -> None:
    """With a sampler that goes by the parent, which is what infra/ sets."""
    with telemetry.span(SpanName.GRAPH_BATCH, {}):
        with telemetry.untraced(), trace.get_tracer("kiota").start_as_current_span("RetryHandler_send"):
            pass
        with trace.get_tracer("other").start_as_current_span("heard"):
            pass
    assert [span.name for span in ear.spans] == ["heard", SpanName.GRAPH_BATCH]


async def test_each_booking_is_worked_on_in_its_own_message_s_span(ear: Ear) -> None:
    """Whoever's timer starts them all: bookings that are gathered don't get into each other's traces."""
    seen: dict[str, str] = {}

    async def sync(task: SyncTask) -> Outcome:
        seen[task.booking_id] = telemetry.traceparent()
        return Outcome(OutcomeKind.SYNCED)

    runner = PerBookingRunner(sync, max_bookings=10, linger=0)

    async def message(booking_id: str) -> str:
        with telemetry.span(SpanName.SYNC, {}):
            await runner.submit(SyncTask(booking_id))
            return telemetry.traceparent()

    first, second = await asyncio.gather(message("a"), message("b"))
    assert seen == {"a": first, "b": second}
    assert len(ear.spans) == 2


def test_a_circuit_that_opens_is_counted(ear: Ear) -> None:
    """Once for each rest, by service."""
    circuit = Circuit("a service", lambda: 0.0, lambda: 0.0, failures_to_open=1)
    with circuit.call() as call:
        call.failed("down")
    with pytest.raises(TransientError), circuit.call():
        pass
    points = ear.points(Metric.CIRCUIT_OPENINGS)
    assert [p.value for p in points if p.attributes[Attribute.SERVICE] == "a service"] == [1]


def test_an_event_that_is_written_again_in_utc_is_counted(ear: Ear) -> None:
    """Each one, also where the difference is known by then; none that UTC did not put right."""
    zone = event_zone("Europe/Berlin")
    nine, ten = (EventTime(f"2026-03-02T{hour}:00:00", zone.graph_name) for hour in ("09", "10"))
    sent = EventContent("", "", nine, ten, "busy")
    start, end = zone.instant(sent.start), zone.instant(sent.end)
    late = Written("id", start=start + timedelta(hours=1), end=end + timedelta(hours=1))
    zones = ZoneDifferences(zone, lambda: NOW)
    difference = zones.misread(sent, late)
    assert difference
    before = sum(point.value for point in ear.points(Metric.ZONE_DIFFERENCES))
    for answer in (Written("id", start=start, end=end), Written("other", start=start, end=end), late):
        zones.learn(difference, zones.in_utc(sent), answer)
    assert sum(point.value for point in ear.points(Metric.ZONE_DIFFERENCES)) - before == 2


def test_the_queues_depths_are_told(ear: Ear) -> None:
    """Each queue by its part, as they were last."""
    tell_depths(QueueState(changes=7, poison=2))
    points = ear.points(Metric.QUEUE_DEPTH)
    assert {p.attributes[Attribute.QUEUE]: p.value for p in points} == {"changes": 7, "poison": 2}


@pytest.mark.parametrize(
    "change",
    [
        BookingChange(BOOKING, "c", NOW, trace=WEBHOOK),
        BookingChange(BOOKING, "c", NOW),
        RelatedChange(RelatedTable.WORK_ORDER, BOOKING, "c", NOW, trace=WEBHOOK),
        RelatedChange(RelatedTable.WORK_ORDER, BOOKING, "c", NOW),
    ],
)
def test_messages_with_and_without_a_trace_are_read(change: BookingChange | RelatedChange) -> None:
    """What is written is read; without a trace the message is what it was before there were any."""
    text = encode_change(change) if isinstance(change, BookingChange) else encode_related(change)
    assert decode_message(text) == change
    assert ("traceparent" in text) == bool(change.trace)


@pytest.mark.parametrize("value", ["", "00-xyz", 7, None, ["00"], WEBHOOK.upper(), WEBHOOK + "\n"])
def test_a_message_s_odd_trace_is_no_reason_to_lose_the_change(value: object) -> None:
    """Whatever is no traceparent counts as none."""
    change = BookingChange(BOOKING, "c", NOW)
    message = json.loads(encode_change(replace(change, trace=WEBHOOK)))
    assert decode_message(json.dumps({**message, "traceparent": value})) == change


def test_a_traceparent_of_zeros_begins_a_trace_of_its_own(ear: Ear) -> None:
    """It has the form, but names nothing."""
    nothing = f"00-{'0' * 32}-{'0' * 16}-00"
    with telemetry.span(SpanName.SYNC, {}, continues=nothing):
        pass
    assert ear.span(SpanName.SYNC).parent is None
