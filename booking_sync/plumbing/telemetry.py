"""What the app tells OpenTelemetry: one trace from the webhook to the services' answers, and a few metrics.

Only OpenTelemetry's API is used; who listens is the platform's business (with the app settings of infra/ the
Functions worker starts Azure Monitor's SDK before it imports the app, and makes each invocation's trace the
current one). Where no SDK is loaded, nothing is told and nothing imported: the API alone would cost a
webhook's cold start 20 to 30 ms.

Spans carry ids and counts, never what a person wrote, nor an error's text. Metrics don't even carry ids:
each would be a time series of its own. docs/operations.md says what all of it means.
"""

from __future__ import annotations

import contextvars
import functools
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from opentelemetry.context import Context
    from opentelemetry.metrics import Counter, Histogram, _Gauge
    from opentelemetry.trace import Link, Span, Tracer

    Origin = Span | None
    """The span that asked for something which it may share with others; None when nobody listens."""

_SCOPE = "booking_sync"
_SDK = "opentelemetry.sdk"
GRAPH = "Graph"
DATAVERSE = "Dynamics 365"
"""Services by the names that reasons and the log use."""


class SpanName(StrEnum):
    """Everything that has a span."""

    RECEIVE = "receive change"
    """One webhook, from its body to its place on the queue."""
    SYNC = "sync booking"
    """One delivery of a booking's message; goes on with the webhook's trace."""
    FAN_OUT = "fan out"
    """One delivery of a related row's message."""
    GRAPH_BATCH = "graph batch"
    DATAVERSE_REQUEST = "dataverse request"


class Attribute(StrEnum):
    """Everything that a span or a metric is told by."""

    BOOKING = "booking_sync.booking_id"
    ROW = "booking_sync.row_id"
    TABLE = "booking_sync.table"
    CORRELATION = "booking_sync.correlation_id"
    """The Dataverse operation's, also in the log."""
    ATTEMPT = "booking_sync.attempt"
    DELIVERY = "booking_sync.delivery"
    OUTCOME = "booking_sync.outcome"
    STATUS = "booking_sync.status"
    """What became of a webhook: queued, joined, ignored, refused, unavailable."""
    SERVICE = "booking_sync.service"
    """A metric's service."""
    OPERATION = "booking_sync.operation"
    SIZE = "booking_sync.batch.size"
    CLIENT_REQUEST = "booking_sync.client_request_id"
    """Graph's `client-request-id`, Dataverse's `x-ms-client-request-id`: for Microsoft's support."""
    SERVICE_REQUEST = "booking_sync.service_request_id"
    """The service's own name for the request."""
    QUEUE = "booking_sync.queue"
    KIND = "booking_sync.kind"
    METHOD = "booking_sync.method"
    """Not OpenTelemetry's `http.request.method`, of which Azure Monitor would make the dependency's name."""
    HTTP_STATUS = "booking_sync.http_status"
    ERROR = "booking_sync.error"
    PEER = "peer.service"
    """A span's service: Azure Monitor's target of the dependency."""


Value = str | int | float | bool
About = dict[Attribute, Value]
"""What is told of something."""


class Metric(StrEnum):
    """Every metric."""

    WEBHOOKS = "booking_sync.webhooks"
    LAG = "booking_sync.lag"
    OUTCOMES = "booking_sync.outcomes"
    BATCH_SIZE = "booking_sync.batch.size"
    THROTTLES = "booking_sync.throttles"
    CIRCUIT_OPENINGS = "booking_sync.circuit.openings"
    QUEUE_DEPTH = "booking_sync.queue.depth"
    CATCH_UP_FOUND = "booking_sync.catch_up.found"
    AUDIT_FINDINGS = "booking_sync.audit.findings"
    ZONE_DIFFERENCES = "booking_sync.zone.differences"


@dataclass(frozen=True, slots=True)
class Definition:
    """What a metric is."""

    unit: str
    about: str


COUNTERS: Mapping[Metric, Definition] = {
    Metric.WEBHOOKS: Definition("{webhook}", "Webhooks by what became of them"),
    Metric.OUTCOMES: Definition("{message}", "Handled messages by outcome"),
    Metric.THROTTLES: Definition("{answer}", "Answers 429 by service"),
    Metric.CIRCUIT_OPENINGS: Definition("{opening}", "How often a service was given a rest"),
    Metric.CATCH_UP_FOUND: Definition("{booking}", "Bookings whose webhook was missed"),
    Metric.AUDIT_FINDINGS: Definition("{finding}", "Findings of the audit by kind"),
    Metric.ZONE_DIFFERENCES: Definition("{event}", "Events that Exchange read at another time than meant"),
}
HISTOGRAMS: Mapping[Metric, Definition] = {
    Metric.LAG: Definition("s", "From a change's arrival to the record of its event"),
    Metric.BATCH_SIZE: Definition("{item}", "Items that shared one request, by service and operation"),
}
GAUGES: Mapping[Metric, Definition] = {
    Metric.QUEUE_DEPTH: Definition("{message}", "Messages on a queue, hidden ones included"),
}


class Note(Protocol):
    """A span under way."""

    def add(self, attributes: Mapping[Attribute, Value]) -> None:
        """Tell more of it."""

    def fail(self, kind: str) -> None:
        """It did not go well; `kind` is an error's type or a status, never its text."""


class _NoSpan:
    """Nobody listens."""

    def add(self, attributes: Mapping[Attribute, Value]) -> None:
        pass

    def fail(self, kind: str) -> None:
        pass


_NO_SPAN = _NoSpan()
_sharing: contextvars.ContextVar[Sequence[Span]] = contextvars.ContextVar("sharing", default=())
"""The spans that the work under way is shared by; see `shared_by`."""


def count(metric: Metric, amount: int = 1, attributes: Mapping[Attribute, str] | None = None) -> None:
    """Add to a counter; zero makes it known that nothing happened."""
    if telemetry := _open_telemetry():
        telemetry.counters[metric].add(amount, _plain(attributes))


def measure(metric: Metric, value: float, attributes: Mapping[Attribute, str] | None = None) -> None:
    """Add to a histogram."""
    if telemetry := _open_telemetry():
        telemetry.histograms[metric].record(value, _plain(attributes))


def observe(metric: Metric, value: float, attributes: Mapping[Attribute, str] | None = None) -> None:
    """Set a gauge."""
    if telemetry := _open_telemetry():
        telemetry.gauges[metric].set(value, _plain(attributes))


def listening() -> bool:
    """Whether anybody may want to know; for what costs something to find out."""
    return _SDK in sys.modules


@contextmanager
def span(
    name: SpanName, attributes: Mapping[Attribute, Value], *, calls: bool = False, continues: str = ""
) -> Iterator[Note]:
    """A span around what the context holds.

    Args:
        name: what is done.
        attributes: ids and counts only.
        calls: it is a request to a service.
        continues: the W3C traceparent of the trace that it is a part of, and then a link leads to the current
            span; empty: it is a part of the current one.
    """
    telemetry = _open_telemetry()
    if telemetry is None:
        yield _NO_SPAN
        return
    parent = telemetry.context_of(continues) if continues else None
    links = telemetry.links([here()] if parent else _sharing.get())
    with telemetry.tracer.start_as_current_span(
        name.value,
        context=parent,
        kind=telemetry.client if calls else telemetry.internal,
        attributes=_plain(attributes),
        links=links,
        record_exception=False,  # its text may hold what a person wrote
        set_status_on_exception=False,
    ) as started:
        note = _SpanNote(started, telemetry)
        try:
            yield note
        except BaseException as error:
            note.fail(type(error).__name__)
            raise


def traceparent() -> str:
    """The current span in W3C's form, for a message; empty when there is none."""
    telemetry = _open_telemetry()
    return telemetry.traceparent() if telemetry else ""


def here() -> Origin:
    """The current span, to be named by work that it shares with others."""
    telemetry = _open_telemetry()
    return telemetry.here() if telemetry else None


def shared_by(origins: Sequence[Origin]) -> contextvars.Context | None:
    """The context for a task that several spans share, such as a batch; None: the task's as it is.

    Spans in it are parts of the first one's trace (the first that is sampled), so that a booking that travels
    alone has it all in one trace; and they have links to all of them, so that a batch is found from each of
    its bookings.
    """
    spans = {origin.get_span_context().span_id: origin for origin in origins if origin is not None}
    telemetry = _open_telemetry()
    if not spans or telemetry is None:
        return None
    context = contextvars.copy_context()
    context.run(telemetry.enter, tuple(spans.values()))
    return context


@contextmanager
def untraced() -> Iterator[None]:
    """Around a library that has spans of its own, of which there would be several for each booking.

    Kiota, on which the Graph SDK stands, has one for each object that it writes and each step of a request;
    they say nothing that our span of the batch does not.
    """
    telemetry = _open_telemetry()
    if telemetry is None:
        yield
        return
    with telemetry.untraced():
        yield


class _SpanNote:
    """A real span."""

    def __init__(self, started: Span, telemetry: _OpenTelemetry) -> None:
        self._span = started
        self._open_telemetry = telemetry

    def add(self, attributes: Mapping[Attribute, Value]) -> None:
        for key, value in attributes.items():
            self._span.set_attribute(key.value, value)

    def fail(self, kind: str) -> None:
        self._span.set_attribute(Attribute.ERROR.value, kind)
        self._span.set_status(self._open_telemetry.error)


class _OpenTelemetry:
    """OpenTelemetry's API, imported and its instruments made."""

    def __init__(self) -> None:
        from opentelemetry import context, metrics, trace  # noqa: PLC0415 - see the module's text
        from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415 - as above
            TraceContextTextMapPropagator,
        )

        self.tracer: Tracer = trace.get_tracer(_SCOPE)
        self.client, self.internal = trace.SpanKind.CLIENT, trace.SpanKind.INTERNAL
        self.error = trace.StatusCode.ERROR
        self._trace = trace
        self._context = context
        self._propagator = TraceContextTextMapPropagator()
        meter = metrics.get_meter(_SCOPE)
        self.counters: Mapping[Metric, Counter] = {
            metric: meter.create_counter(metric.value, each.unit, each.about)
            for metric, each in COUNTERS.items()
        }
        self.histograms: Mapping[Metric, Histogram] = {
            metric: meter.create_histogram(metric.value, each.unit, each.about)
            for metric, each in HISTOGRAMS.items()
        }
        self.gauges: Mapping[Metric, _Gauge] = {
            metric: meter.create_gauge(metric.value, each.unit, each.about) for metric, each in GAUGES.items()
        }

    def context_of(self, parent: str) -> Context | None:
        """The context of a traceparent; None when it is none."""
        context = self._propagator.extract({"traceparent": parent})
        return context if self._trace.get_current_span(context).get_span_context().is_valid else None

    def traceparent(self) -> str:
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier)
        return carrier.get("traceparent", "")

    def here(self) -> Origin:
        found = self._trace.get_current_span()
        return found if found.get_span_context().is_valid else None

    def links(self, origins: Sequence[Origin]) -> list[Link]:
        return [self._trace.Link(origin.get_span_context()) for origin in origins if origin is not None]

    def enter(self, origins: Sequence[Span]) -> None:
        """Make the current context one that these spans share."""
        _sharing.set(origins)
        parent = next((origin for origin in origins if origin.is_recording()), origins[0])
        self._context.attach(self._trace.set_span_in_context(parent))

    @contextmanager
    def untraced(self) -> Iterator[None]:
        """Give out the current span as unsampled: samplers that go by parents drop its children."""
        now = self._trace.get_current_span().get_span_context()
        unsampled = self._trace.SpanContext(now.trace_id or 1, now.span_id or 1, is_remote=False)
        token = self._context.attach(self._trace.set_span_in_context(self._trace.NonRecordingSpan(unsampled)))
        try:
            yield
        finally:
            self._context.detach(token)


def _plain(attributes: Mapping[Attribute, Value] | None) -> dict[str, Value]:
    """With texts for keys: the SDK compares and hashes these often."""
    return {key.value: value for key, value in attributes.items()} if attributes else {}


def _open_telemetry() -> _OpenTelemetry | None:
    return _set_up_telemetry() if listening() else None


@functools.cache
def _set_up_telemetry() -> _OpenTelemetry:
    return _OpenTelemetry()
