"""What the benchmarks of one process conclude from their samples, spans and logs."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from benchmarks.common.flatness import growth as grown
from benchmarks.common.profiling import group_of
from benchmarks.common.timeline import timeline
from benchmarks.probes.run import ProbeError, run_python
from benchmarks.probes.trace import Trace
from benchmarks.scale import against, growth
from benchmarks.speed import cold_start, deployed_start, idle

SPANS: list[list[Any]] = [
    ["booking", 0.0, 460.0],
    ["read", 100.0, 206.0],
    ["token", 100.5, 100.6],
    ["dataverse request", 101.0, 205.0],
    ["create", 207.0, 328.0],
    ["graph request", 218.0, 327.0],
    ["token", 218.0, 220.0],
    ["tag", 328.0, 450.0],
    ["record", 328.0, 455.0],
    ["graph request", 338.0, 449.0],
    ["token", 338.0, 338.1],
    ["dataverse request", 349.0, 454.0],
]


def test_flat_samples_have_no_growth() -> None:
    """One spike does not count as growth."""
    samples = [(number, 60.0) for number in range(16)]
    samples[-1] = (15, 90.0)
    assert grown(samples) == 0


def test_a_leak_is_growth() -> None:
    """Growth is counted between the middles of the quarters compared."""
    samples = [(number, float(number)) for number in range(16)]
    assert (grown(samples), grown(samples, since=1)) == (12, 8)


def test_growth_needs_samples() -> None:
    """Three samples have no quarters."""
    with pytest.raises(ValueError, match="four samples"):
        grown([(1, 1.0)] * 3)


def test_a_bookings_time_is_fully_accounted_for() -> None:
    """Linger, windows and requests on the way to the event add up to the moment when it is there."""
    found = timeline(SPANS)
    parts = (found.linger, found.read_window, found.read, found.create_window, found.create)
    between = found.plan
    assert sum(parts) + between == pytest.approx(found.in_outlook)
    assert found.in_outlook == 327
    assert found.on_row == 454


def test_batching_is_linger_and_windows() -> None:
    """What the requests take is not batching, nor is the tag, which nobody waits for."""
    assert timeline(SPANS).batching == pytest.approx(100 + 1 + 11 + 21)


def test_spans_without_an_event_are_refused() -> None:
    """A booking that was only read must not pass for a fast one."""
    with pytest.raises(ValueError, match="lack a part"):
        timeline(SPANS[:4])


def test_a_trace_orders_spans_by_their_beginning() -> None:
    """An outer span ends after the inner one but comes first, and each is taken once."""
    trace = Trace()
    with trace.span("outer"), trace.span("inner"):
        pass
    assert [span.name for span in trace.take()] == ["outer", "inner"]
    assert trace.take() == []


def test_growth_is_the_cost_between_samples() -> None:
    """Each point of the chart is the cost of the bookings since the one before."""
    samples = [(100, 0.2, 0.1, 1.0), (200, 0.5, 0.2, 2.0)]
    (first, cost), (second, more) = growth.costs(samples)
    assert (first, second) == (100, 200)
    assert (cost, more) == pytest.approx((2.0, 3.0))


def _entry(method: str, path: str, started: float, *items: tuple[str, str]) -> dict[str, Any]:
    parts = [{"method": verb, "path": where, "status": 204} for verb, where in items]
    return {"method": method, "path": path, "started": started, "seconds": 0.1, "items": parts}


DATAVERSE = [
    _entry("GET", "/api/data/v9.2/bookableresourcebookings?x", 11.0),
    _entry("POST", "/api/data/v9.2/$batch", 11.5, ("PATCH", "bookableresourcebookings(1)")),
]
GRAPH = [
    _entry("POST", "/v1.0/$batch", 11.2, ("POST", "/users/a/events")),
    _entry("POST", "/v1.0/$batch", 11.4, ("POST", "/users/a/events/1/extensions")),
]


def test_a_passage_is_read_off_the_logs() -> None:
    """The event counts from its own request, not from the extension's, and the record from its batch."""
    found = idle.passage(10.0, 10.05, DATAVERSE, GRAPH)
    assert found.queued == pytest.approx(50)
    assert found.picked_up == pytest.approx(950)
    assert found.event == pytest.approx(1300)
    assert found.record == pytest.approx(1600)


def test_a_booking_without_an_event_has_no_passage() -> None:
    """A worker that does nothing must not look fast."""
    with pytest.raises(RuntimeError, match="0 events"):
        idle.passage(10.0, 10.05, DATAVERSE, GRAPH[1:])


@pytest.mark.parametrize(
    ("file", "name", "group"),
    [
        ("/x/site-packages/msgraph/generated/models/event.py", "serialize", "Graph SDK"),
        ("/x/site-packages/stduritemplate/__init__.py", "expand", "Graph SDK"),
        ("/x/site-packages/urllib3/connection.py", "connect", "requests"),
        ("/usr/lib/python3.11/json/decoder.py", "decode", "JSON"),
        ("/usr/lib/python3.11/asyncio/events.py", "_run", "asyncio"),
        ("/app/booking_sync/outlook/batch.py", "send", "booking_sync outlook"),
        ("/app/booking_sync/sync/worker.py", "handle", "booking_sync sync"),
        ("~", "<method 'read' of '_ssl._SSLSocket' objects>", "TLS and sockets"),
        ("~", "<built-in method builtins.isinstance>", "Python's own, the rest"),
    ],
)
def test_profiled_functions_have_an_owner(file: str, name: str, group: str) -> None:
    """A function belongs to the package that it is in, or to what it is made of."""
    assert group_of(file, name) == group


def test_import_times_count_from_the_mark() -> None:
    """What azure.functions imports is not the app's."""
    said = "import time:  900 |  900 | azure.functions\n-\nimport time:  1500 |  9000 | booking_sync.wiring\n"
    (found,) = cold_start.imported_since_mark(said)
    assert (found.module, found.own_ms) == ("booking_sync.wiring", 1.5)


def test_heavy_libraries_are_found_by_package() -> None:
    """A submodule gives its library away; a library whose name only begins alike does not."""
    assert cold_start.loaded_heavy(["msgraph.generated", "jinja2", "httpx_like"]) == ["jinja2", "msgraph"]


def test_a_failed_probe_says_what_it_wrote() -> None:
    """A probe's own words are in the error."""
    with pytest.raises(ProbeError, match="no such luck"):
        asyncio.run(run_python("-c", "import sys; sys.exit('no such luck')"))


@pytest.mark.parametrize(("now", "met"), [(1.0, True), (1.2, False)])
def test_two_versions_are_told_by_their_ratio(now: float, met: bool) -> None:  # noqa: FBT001 - a parameter
    """Each repeat's two costs are divided, so that a busy machine spoils both or none."""
    found = against.result([(2.0, now), (4.0, 2 * now), (20.0, 10 * now)], 100)
    (target,) = found.targets
    assert target.met is met
    assert f"{now / 2:.2f} times" in target.measured.replace(f" ({now / 2:.2f}-{now / 2:.2f})", "")
    assert bool(target.bound) is not met


def test_a_commit_that_is_not_there_is_named() -> None:
    """A shallow clone can't be compared with a commit that it lacks."""
    with (
        pytest.raises(RuntimeError, match="commit 0123456789ab can't be read"),
        against.checkout("0123456789ab"),
    ):
        pass


def test_a_deployed_start_that_fails_says_why() -> None:
    """What is no Python with the worker's library ends the measurement with its own words."""
    with pytest.raises(RuntimeError, match=r"(invalid|unknown|illegal) option"):
        deployed_start.measure("/bin/cat", 1)
