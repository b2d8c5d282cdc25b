"""docs/costs.md, from its template. Pure but for reading the template."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2

from benchmarks.report.cells import markdown_table
from tools.costs.model import Assumed, month

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tools.costs.measured import Measured
    from tools.costs.model import Month
    from tools.costs.prices import Prices

SIZES = (50, 500, 5_000)
SMALL_INSTANCES = (
    "besides, instances of 512 MB with a quarter of a core: `instanceMemoryMB=512`, **not tried in Azure**"
)


@dataclass(frozen=True, slots=True)
class Saving:
    """A way to pay less."""

    words: str
    values: Mapping[str, float]
    """What it makes of the assumptions."""


def savings(assumed: Assumed) -> Sequence[Saving]:
    """Each alone, and the first three together."""
    logs = {"queue_logs": 0.0}
    traces = {"traces": 0.0}
    alerts = {"alert_rules": 0.0, "slow_alert_rules": assumed.alert_rules + assumed.slow_alert_rules}
    return (
        Saving("no line for each operation on a queue: `queueLogs='[]'`", logs),
        Saving("no traces: `traceSampler=always_off`", traces),
        Saving("alerts every 15 minutes instead of 5 (`every` in `infra/modules/alerts.bicep`)", alerts),
        Saving("all three", {**logs, **traces, **alerts}),
        Saving(SMALL_INSTANCES, {**logs, **traces, **alerts, "memory_gb": 0.5}),
    )


def page(prices: Prices, measured: Measured, assumed: Assumed, sizes: Sequence[int] = SIZES) -> str:
    """The page."""
    months = [month(size, measured, assumed) for size in sizes]
    bills = [each.dollars(prices) for each in months]
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).with_name("templates")),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 - Markdown of our own figures
    )
    return environment.get_template("costs.md.jinja").render(
        used=markdown_table(("a month", *_names(sizes)), _used(months, assumed)),
        bill=markdown_table(("US dollars a month", *_names(sizes)), _bill(prices, bills)),
        both_ways=markdown_table(
            ("US dollars a month", *_names(sizes)), _with_way_back(prices, measured, assumed, sizes)
        ),
        saved=markdown_table(("what", *_names(sizes)), _saved(prices, measured, assumed, sizes)),
        prices=prices,
        measured=measured,
        assumed=assumed,
        total=[_dollars(sum(each.values())) for each in bills],
        sizes=[f"{size:,}" for size in sizes],
    )


def _names(sizes: Sequence[int]) -> list[str]:
    return [f"{size:,} technicians" for size in sizes]


def _used(months: Sequence[Month], assumed: Assumed) -> list[list[str]]:
    rows = (
        ("changes of bookings", [f"{each.changes:,.0f}" for each in months]),
        ("requests to Graph", [f"{each.graph:,.0f}" for each in months]),
        ("requests to Dataverse", [f"{each.dataverse:,.0f}" for each in months]),
        ("of these on a working day", [f"{each.dataverse / assumed.working_days:,.0f}" for each in months]),
        ("executions of functions", [f"{each.executions:,.0f}" for each in months]),
        ("GB-seconds", [f"{each.gb_seconds:,.0f}" for each in months]),
        ("operations on queues", [f"{each.queue_operations:,.0f}" for each in months]),
        ("writes of blobs", [f"{each.blob_operations:,.0f}" for each in months]),
        ("GB of telemetry and logs", [f"{each.log_gigabytes:,.1f}" for each in months]),
        ("alert rules", [f"{each.alert_rules + each.slow_alert_rules:,.0f}" for each in months]),
    )
    return [[name, *cells] for name, cells in rows]


def _bill(prices: Prices, bills: Sequence[Mapping[str, float]]) -> list[list[str]]:
    rows = [
        [price.meter, *(_dollars(each[name]) for each in bills)] for name, price in prices.by_name.items()
    ]
    return [*rows, ["**together**", *(_dollars(sum(each.values())) for each in bills)]]


def _saved(prices: Prices, measured: Measured, assumed: Assumed, sizes: Sequence[int]) -> list[list[str]]:
    """What is left to pay with each saving."""

    def left(values: Mapping[str, float], size: int) -> str:
        used = month(size, measured, assumed.with_values(values))
        return _dollars(sum(used.dollars(prices).values()))

    return [[each.words, *(left(each.values, size) for size in sizes)] for each in savings(assumed)]


def _with_way_back(
    prices: Prices, measured: Measured, assumed: Assumed, sizes: Sequence[int]
) -> list[list[str]]:
    """What is to pay where Graph notifies once of each change, and where it does not."""
    rows = []
    for words, notified in (("one way", 0.0), ("both ways", 1.0)):
        used = (month(size, measured, assumed.with_values({"notifications": notified})) for size in sizes)
        rows.append([words, *(_dollars(sum(each.dollars(prices).values())) for each in used)])
    return rows


def _dollars(amount: float) -> str:
    return f"{amount:,.2f}"
