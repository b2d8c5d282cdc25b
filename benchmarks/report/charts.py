"""Draws charts as SVG, once for light pages and once for dark ones.

Deterministic: no dates, ids from a fixed salt, letters as outlines of the font that matplotlib brings along.
The palette is Okabe and Ito's, which colour-blind readers can tell apart; lines differ by their markers too,
bars by their order and the figures above them.
"""

from __future__ import annotations

import hashlib
import io
import json
import textwrap
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from benchmarks.common.figures import Chart, ChartKind
from benchmarks.report.cells import number, text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from benchmarks.common.figures import Cell

DRAWING = "1"
"""Raise it when this module draws differently: the images' digests then ask for new ones."""
SIZE_INCHES = (8.0, 4.2)
OURS = "booking_sync"
LABEL_WIDTH = 72
"""Letters that fit side by side below the axis."""
MARKERS = "osD^vP*X"
HEADROOM = 1.12
"""For the figure above the highest bar."""


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours of one kind of page."""

    name: str
    background: str
    ink: str
    grid: str
    ours: str
    others: tuple[str, ...]


LIGHT = Theme(
    "light",
    background="#ffffff",
    ink="#1f2328",
    grid="#d0d7de",
    ours="#0072b2",
    others=("#e69f00", "#d55e00", "#009e73", "#cc79a7", "#707070"),
)
DARK = Theme(
    "dark",
    background="#0d1117",
    ink="#e6edf3",
    grid="#30363d",
    ours="#56b4e9",
    others=("#e69f00", "#f0753c", "#2bc49b", "#e39ac3", "#a8a8a8"),
)
THEMES = (LIGHT, DARK)


def file_name(chart: Chart, theme: Theme) -> str:
    """Of the chart's image."""
    return f"{chart.name}-{theme.name}.svg"


def digest(chart: Chart, theme: Theme) -> str:
    """Of all that the image shows; the image carries it, so that one can see whether it is up to date."""
    shown = json.dumps([DRAWING, asdict(chart), asdict(theme)], sort_keys=True)
    return hashlib.sha256(shown.encode()).hexdigest()[:16]


def draw(chart: Chart, theme: Theme) -> bytes:
    """The chart as SVG."""
    with mpl.rc_context(_style(theme)):
        buffer = io.BytesIO()
        metadata: dict[str, Any] = {"Date": None, "Creator": None, "Description": digest(chart, theme)}
        FigureCanvasSVG(_figure(chart, theme)).print_svg(buffer, metadata=metadata)  # type: ignore[no-untyped-call]
    return buffer.getvalue()


def _style(theme: Theme) -> dict[Any, Any]:
    return {
        **mpl.rcParamsDefault,
        "svg.hashsalt": "booking_sync",
        "svg.fonttype": "path",
        "font.family": "DejaVu Sans",
        "font.size": 10,
        "axes.edgecolor": theme.grid,
        "axes.facecolor": theme.background,
        "axes.labelcolor": theme.ink,
        "figure.facecolor": theme.background,
        "grid.color": theme.grid,
        "text.color": theme.ink,
        "xtick.color": theme.ink,
        "ytick.color": theme.ink,
    }


def _figure(chart: Chart, theme: Theme) -> Figure:
    figure = Figure(figsize=SIZE_INCHES, layout="constrained")
    axes = figure.subplots()
    axes.set_title(chart.title, loc="left", fontweight="bold", fontsize=11, pad=10)
    axes.set_xlabel(chart.x_label)
    axes.set_ylabel(chart.y_label)
    if chart.kind is ChartKind.BARS:
        _bars(axes, chart, _colours(chart, theme))
    else:
        _lines(axes, chart, _colours(chart, theme))
    _scale(axes, chart)
    axes.grid(visible=True, axis="y", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(which="both", length=0)
    if len(chart.series) > 1:
        figure.legend(loc="outside lower center", ncols=min(len(chart.series), 3), frameon=False)
    return figure


def _colours(chart: Chart, theme: Theme) -> dict[str, str]:
    """Ours, or what stands alone, has always the same; the others take turns."""
    alone = next(iter(chart.series)) if len(chart.series) == 1 else None
    ours = next((label for label in chart.series if OURS in label), alone)
    rest = [label for label in chart.series if label != ours]
    colours = {label: theme.others[at % len(theme.others)] for at, label in enumerate(rest)}
    return colours | ({ours: theme.ours} if ours else {})


def _scale(axes: Axes, chart: Chart) -> None:
    if chart.log_y:
        axes.set_yscale("log")
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.set_ylim(top=axes.get_ylim()[1] * 1.3)
    else:
        highest = max((y for points in chart.series.values() for _, y in points), default=0)
        axes.set_ylim(bottom=0, top=highest * HEADROOM or 1)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))


def _categories(chart: Chart) -> list[Cell]:
    """Every x of any series, once, in the order of their first appearance."""
    return list(dict.fromkeys(x for points in chart.series.values() for x, _ in points))


def _label_categories(axes: Axes, categories: list[Cell]) -> None:
    width = max(8, LABEL_WIDTH // max(1, len(categories)))
    labels = [textwrap.fill(text(category), width) for category in categories]
    axes.set_xticks(range(len(categories)), labels)


def _bars(axes: Axes, chart: Chart, colours: dict[str, str]) -> None:
    categories = _categories(chart)
    width = 0.8 / max(1, len(chart.series))
    crowded = len(categories) * len(chart.series) > 16  # noqa: PLR2004 - as many labels fit side by side
    for at, (label, points) in enumerate(chart.series.items()):
        offset = (at - (len(chart.series) - 1) / 2) * width
        places = [categories.index(x) + offset for x, _ in points]
        heights = [y for _, y in points]
        bars = axes.bar(places, heights, width * 0.92, label=label, color=colours[label])
        written = [number(y) for y in heights]
        axes.bar_label(bars, written, padding=2, fontsize=6 if crowded else 8)
    _label_categories(axes, categories)


def _lines(axes: Axes, chart: Chart, colours: dict[str, str]) -> None:
    categories = _categories(chart)
    numeric = all(not isinstance(x, str) for x in categories)
    for at, (label, points) in enumerate(chart.series.items()):
        xs = [float(x) if numeric else categories.index(x) for x, _ in points]
        few = len(points) <= 30  # noqa: PLR2004 - beyond that markers hide the line
        marker = MARKERS[at % len(MARKERS)] if few else ""
        ys = [y for _, y in points]
        axes.plot(xs, ys, marker=marker, label=label, color=colours[label], linewidth=2, markersize=5)
    if numeric:
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    else:
        _label_categories(axes, categories)
