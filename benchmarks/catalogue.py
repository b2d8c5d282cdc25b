"""Which benchmarks there are, in the order in which they are run and told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A module of `speed` or `scale` with `run(options: Options) -> Result`."""

    name: str
    """The module's."""
    title: str
    """Its heading in the report."""
    headline: int | None = None
    """Which of its targets the README shows, counted from 0; None: none."""
    in_words: str = ""
    """What it is about, for a reader of the README; empty: the heading."""
    package: str = "speed"
    """Where its module lies."""


CATALOGUE = (
    Benchmark(
        "requests_per_change", "Requests per booking change", 0, "requests per new booking, beside a flow's"
    ),
    Benchmark(
        "side_by_side",
        "Side by side on the local stack",
        1,
        "1,000 new bookings, beside a plain worker",
    ),
    Benchmark("scheduling", "Scheduling against the bound"),
    Benchmark(
        "noisy_neighbour",
        "A burst while one mailbox is throttled",
        0,
        "a burst while Graph throttles a mailbox",
    ),
    Benchmark("idle", "One booking at idle"),
    Benchmark("webhook", "The webhook"),
    Benchmark("cold_start", "Cold start"),
    Benchmark("growth", "Processor time and growth", package="scale"),
    Benchmark("against", "Processor time against an earlier commit", package="scale"),
    Benchmark("memory", "Memory of the worker", package="scale"),
    Benchmark("catch_up", "Catch-up", package="scale"),
    Benchmark("audit_at_scale", "Audits of any size", package="scale"),
    Benchmark("near_audit", "Audits of these days", package="scale"),
    Benchmark("backfill", "Backfills of any size", package="scale"),
    Benchmark("return_path", "The way back from Outlook"),
    Benchmark("volume", "Telemetry and requests per change"),
)


class UnknownBenchmarkError(ValueError):
    """There is no such benchmark; the message names those that there are."""


def chosen(names: list[str]) -> tuple[Benchmark, ...]:
    """The benchmarks of these names, in the catalogue's order; hyphens will do for underscores.

    Raises:
        UnknownBenchmarkError: one of the names means nothing.
    """
    wanted = {name.replace("-", "_") for name in names}
    known = {benchmark.name for benchmark in CATALOGUE}
    if "all" in wanted:
        wanted = (wanted - {"all"}) | known
    if unknown := wanted - known:
        raise UnknownBenchmarkError(
            f"there is no benchmark {', '.join(sorted(unknown))}; there are: all, {', '.join(sorted(known))}"
        )
    return tuple(benchmark for benchmark in CATALOGUE if benchmark.name in wanted)
