"""A day with its troubles through the whole chain, as OpenTelemetry hears of it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from booking_sync.plumbing.telemetry import Attribute, Metric, SpanName
from local.day.world import WorldMaker
from local.processes import REPOSITORY
from local.stack import NO_TIMERS, LocalStack, StackOptions
from local.standin.faults import Fault
from tests.e2e.crowd import Crowd, poll
from tests.e2e.test_log_hygiene import make_trouble, personal, tokens
from tests.telemetry.heard import HeardSpan, Telemetry, read_telemetry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio(loop_scope="session")

APP = Path(__file__).with_name("listening_app.py")
THROTTLED = Fault(
    path="/events", method="POST", status=429, headers={"Retry-After": "1"}, body={"error": {"code": "x"}}
)


@dataclass(frozen=True)
class Heard:
    """What was heard, and what happened."""

    alone: Telemetry
    """After one booking."""
    first_booking: str
    requests: dict[str, set[str]]
    """Client request ids that came to each service by then."""
    burst: Telemetry
    """After twelve more at one go, and one whose creation was throttled."""
    all: Telemetry
    forbidden: frozenset[str]
    """Secrets and what is personal."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def heard(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Heard]:
    """A booking, a burst, a throttled mailbox, trouble that quotes people, both timers."""
    app, folder = tmp_path_factory.mktemp("app"), tmp_path_factory.mktemp("telemetry")
    shutil.copy(APP, app / "function_app.py")
    shutil.copy(REPOSITORY / "host.json", app)
    told = {"TELEMETRY_FOLDER": str(folder), "TELEMETRY_APP": str(REPOSITORY / "function_app.py")}
    settings = {**NO_TIMERS, **told}
    options = StackOptions(tmp_path_factory.mktemp("stack"), app_folder=app, settings=settings)
    maker = WorldMaker(seed=3)
    world = maker.make(technicians=4, bookings=4, day=datetime.now(UTC).date())
    async with LocalStack(options) as stack:
        crowd = Crowd(stack, maker, world)
        await crowd.furnish()
        (plan,) = crowd.plan(1)
        await crowd.book([plan])
        await crowd.settle()
        await told_of(folder, 1)
        alone = read_telemetry(folder)
        requests = {
            "graph": await request_ids(stack, "client-request-id"),
            "dataverse": await request_ids(stack, "x-ms-client-request-id"),
        }
        await stack.graph.add_fault(THROTTLED)
        await crowd.book(crowd.plan(12))
        await crowd.settle()
        await told_of(folder, 13)
        burst = read_telemetry(folder)
        await make_trouble(crowd)
        secrets = {stack.client_secret, stack.keys.function, stack.keys.master}
        logs = {name: await each.requests() for name, each in (("g", stack.graph), ("d", stack.dataverse))}
        forbidden = frozenset(secrets | tokens(logs) | personal(world))
    yield Heard(alone, plan.id, requests, burst, read_telemetry(folder), forbidden)


async def request_ids(stack: LocalStack, header: str) -> set[str]:
    """The ids under which a service was asked."""
    service = stack.graph if header == "client-request-id" else stack.dataverse
    return {each["headers"][header] for each in await service.requests() if header in each["headers"]}


async def told_of(folder: Path, synced: int) -> None:
    """Wait until the metrics tell of so many synced bookings."""

    async def told() -> bool:
        return read_telemetry(folder).total(Metric.OUTCOMES, outcome="synced") >= synced

    await poll(told)


def only(spans: list[HeardSpan]) -> HeardSpan:
    """The one that there is."""
    (span,) = spans
    return span


@pytest.mark.assumes("telemetry_arrives")
async def test_one_trace_holds_a_booking_s_whole_way(heard: Heard) -> None:
    """Webhook, worker, every Dataverse request and every Graph batch of a lone booking are one trace."""
    receive = only([s for s in heard.alone.named(SpanName.RECEIVE) if s[Attribute.BOOKING]])
    sync = only(heard.alone.named(SpanName.SYNC))
    assert sync.trace == receive.trace
    assert sync.parent == receive.span
    assert sync[Attribute.BOOKING] == receive[Attribute.BOOKING] == heard.first_booking
    assert sync[Attribute.CORRELATION] == receive[Attribute.CORRELATION]
    calls = [s for s in heard.alone.spans if s.trace == sync.trace and s.parent == sync.span]
    assert {s.name for s in calls} == {SpanName.GRAPH_BATCH, SpanName.DATAVERSE_REQUEST}
    assert len([s for s in calls if s.name == SpanName.GRAPH_BATCH]) == 2  # the event; its open extension


async def test_requests_are_found_by_the_ids_that_the_services_were_given(heard: Heard) -> None:
    """Each Graph batch and each Dataverse request is named by what went into its header."""
    batches = {s[Attribute.CLIENT_REQUEST] for s in heard.alone.named(SpanName.GRAPH_BATCH)}
    requests = {s[Attribute.CLIENT_REQUEST] for s in heard.alone.named(SpanName.DATAVERSE_REQUEST)}
    assert batches == heard.requests["graph"] != set()
    assert requests <= heard.requests["dataverse"]
    assert len(requests) >= 3  # WhoAmI, the read, the record


async def test_a_batch_leads_to_each_of_its_bookings(heard: Heard) -> None:
    """Whatever batch a booking's events went with has a link to that booking's span."""
    syncs = {s.span for s in heard.burst.named(SpanName.SYNC) if s[Attribute.OUTCOME] == "synced"}
    linked = {link for s in heard.burst.named(SpanName.GRAPH_BATCH) for link in s.links}
    read = {link for s in heard.burst.named(SpanName.DATAVERSE_REQUEST) for link in s.links}
    assert len(syncs) == 13
    assert syncs <= linked
    assert syncs <= read
    assert max(len(s.links) for s in heard.burst.named(SpanName.GRAPH_BATCH)) > 3


async def test_a_booking_that_is_put_back_stays_in_its_trace(heard: Heard) -> None:
    """The throttled try and the one that worked are parts of the trace that the webhook began."""
    (deferred, *_) = [s for s in heard.burst.named(SpanName.SYNC) if s[Attribute.OUTCOME] == "deferred"]
    again = only(
        [
            s
            for s in heard.burst.named(SpanName.SYNC)
            if s[Attribute.BOOKING] == deferred[Attribute.BOOKING] and s[Attribute.OUTCOME] == "synced"
        ]
    )
    assert again.trace == deferred.trace
    assert again.parent == deferred.parent


async def test_outcomes_lags_and_batches_are_counted(heard: Heard) -> None:
    """13 events: 13 outcomes and lags, batches that add up to what Graph and Dataverse were asked."""
    burst = heard.burst
    assert burst.total(Metric.OUTCOMES, outcome="synced") == 13
    assert burst.total(Metric.OUTCOMES, outcome="failed") == 0
    assert burst.total(Metric.WEBHOOKS, status="queued") == 13
    (lag,) = burst.metrics[Metric.LAG]
    assert lag["count"] == 13
    assert 0 < lag["max"] < 60
    graph = sum(s[Attribute.SIZE] for s in burst.named(SpanName.GRAPH_BATCH))
    assert burst.total(Metric.BATCH_SIZE, service="Graph", operation="events") == graph
    assert burst.total(Metric.BATCH_SIZE, service="Dynamics 365", operation="record") >= 13


async def test_throttling_is_counted_by_service(heard: Heard) -> None:
    """One 429 of Graph, none of Dataverse; the outcome of that try is deferred."""
    assert heard.burst.total(Metric.THROTTLES, service="Graph") == 1
    assert heard.burst.total(Metric.THROTTLES, service="Dynamics 365") == 0
    assert heard.burst.total(Metric.OUTCOMES, outcome="deferred") >= 1


async def test_failures_the_catch_up_and_the_queues_are_told(heard: Heard) -> None:
    """After the trouble: failed bookings, a poison queue that is not empty, a catch-up that found nothing."""
    assert heard.all.total(Metric.OUTCOMES, outcome="failed") >= 1
    assert heard.all.total(Metric.QUEUE_DEPTH, queue="poison") >= 1
    assert heard.all.metrics[Metric.CATCH_UP_FOUND]
    assert heard.all.total(Metric.AUDIT_FINDINGS, kind="failing") >= 1
    failed = [s for s in heard.all.named(SpanName.GRAPH_BATCH) if s.failed]
    assert {s[Attribute.ERROR] for s in failed} >= {"400"}


async def test_nothing_personal_and_no_secret_is_told(heard: Heard) -> None:
    """Neither spans, ours and the SDK's, nor metrics hold a name, a note, a place, a token or a key."""
    text = heard.all.text.lower()
    assert len(heard.forbidden) > 30
    assert [each for each in heard.forbidden if each.lower() in text] == []
    assert [event for s in heard.all.spans for event in s.events if "exception" in event["name"]] == []
    assert "bearer" not in text


async def test_metrics_are_few(heard: Heard) -> None:
    """No id is an attribute of a metric, and every attribute has a handful of values."""
    ours = {name: points for name, points in heard.all.metrics.items() if name.startswith("booking_sync.")}
    assert set(ours) <= set(Metric)
    ids = {Attribute.BOOKING, Attribute.ROW, Attribute.CORRELATION, Attribute.CLIENT_REQUEST}
    for points in ours.values():
        assert len(points) < 12
        assert not any(ids & point["attributes"].keys() for point in points)
