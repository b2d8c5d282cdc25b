"""What a benchmark hands over: tables, charts and targets, as plain data that any report can be made from."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Cell = str | int | float


@dataclass(frozen=True, slots=True)
class Spread:
    """A measured quantity over several repeats; lowest, middle and highest, in one unit."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of at least one value.

        Raises:
            ValueError: there is none.
        """
        if not values:
            raise ValueError("a spread needs at least one value")
        ordered = sorted(values)
        middle = len(ordered) // 2
        median = ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
        return cls(ordered[0], median, ordered[-1])

    def text(self, digits: int = 1) -> str:
        """`median (low-high)`, for a table's cell."""
        return f"{self.median:,.{digits}f} ({self.low:,.{digits}f}-{self.high:,.{digits}f})"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings.

    The report formats numbers: a float to three significant digits; an int is a count and is told exactly.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


class ChartKind(StrEnum):
    """How a chart is drawn."""

    BARS = "bars"
    LINES = "lines"


@dataclass(frozen=True, slots=True)
class Chart:
    """Series over a common axis."""

    name: str
    """Of the image file, without extension: lower case and hyphens."""
    title: str
    kind: ChartKind
    x_label: str
    y_label: str
    series: Mapping[str, tuple[tuple[Cell, float], ...]]
    """By the series' label: points (bars: category and height)."""
    log_y: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """Something that was to be reached, and whether it was."""

    aim: str
    """In words, limit included: "at least 25x fewer requests than the flow"."""
    measured: str
    met: bool
    bound: str = ""
    """What bounds it, when it was not met."""


@dataclass(frozen=True, slots=True)
class Result:
    """One benchmark's answer."""

    name: str
    """As in `python -m benchmarks <name>`."""
    question: str
    """What it answers, one sentence."""
    parameters: Mapping[str, Cell]
    tables: tuple[Table, ...] = ()
    charts: tuple[Chart, ...] = ()
    targets: tuple[Target, ...] = ()
    """The most telling first: it is the one that the README shows."""
    notes: tuple[str, ...] = field(default=())
    """How it was measured and what that leaves out, a sentence or two each."""

    def as_json(self) -> dict[str, Any]:
        """For a file."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Result:
        """The opposite of `as_json`, also after a way through JSON.

        Raises:
            KeyError, TypeError, ValueError: this is not what `as_json` made.
        """
        return cls(
            name=data["name"],
            question=data["question"],
            parameters=dict(data["parameters"]),
            tables=tuple(_table(table) for table in data["tables"]),
            charts=tuple(_chart(chart) for chart in data["charts"]),
            targets=tuple(Target(**target) for target in data["targets"]),
            notes=tuple(data["notes"]),
        )


def _table(data: Mapping[str, Any]) -> Table:
    rows = tuple(tuple(row) for row in data["rows"])
    return Table(data["title"], tuple(data["columns"]), rows, data["note"])


def _chart(data: Mapping[str, Any]) -> Chart:
    series = {label: tuple((x, y) for x, y in points) for label, points in data["series"].items()}
    return Chart(**{**data, "kind": ChartKind(data["kind"]), "series": series})


@dataclass(frozen=True, slots=True)
class Latency:
    """What the simulated services take, in seconds."""

    round_trip: float
    """From sending a request to its arrival plus from the answer's leaving to its arrival."""
    service: float
    """Work on each operation: a request, or each part of a batch."""

    @classmethod
    def parse(cls, text: str) -> Latency:
        """From milliseconds, `20/80`.

        Raises:
            ValueError: it is not two numbers, none of them negative, with a slash between.
        """
        try:
            round_trip, service = (float(part) / 1000 for part in text.split("/"))
        except ValueError:
            round_trip = service = math.nan
        if not (0 <= round_trip < math.inf and 0 <= service < math.inf):
            raise ValueError(
                f"{text!r} is no latency: write ROUND_TRIP/SERVICE in milliseconds, such as 20/80"
            )
        return cls(round_trip, service)

    @property
    def label(self) -> str:
        """In milliseconds, `20/80 ms`."""
        return f"{self.round_trip * 1000:g}/{self.service * 1000:g} ms"


LATENCIES = (Latency(0.020, 0.080), Latency(0.050, 0.150))
"""What every latency-bound figure is reported at."""

QUICK_REPEATS = 1
"""Of a quick run, unless more are asked for."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a run was asked for."""

    quick: bool = False
    """Small sizes, one repeat: to see that it runs."""
    repeats: int = 5
    """Measured runs of whatever depends on the clock, after one warm-up that does not count."""
    latencies: tuple[Latency, ...] = LATENCIES
