"""The documents as text: pure, from measurements to Markdown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2
from markupsafe import escape

from benchmarks.catalogue import CATALOGUE
from benchmarks.report import cells, charts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from benchmarks.catalogue import Benchmark
    from benchmarks.common.figures import Chart, Target
    from benchmarks.runner.store import Measurement

BEGIN = "<!-- benchmarks: begin, written by `make bench-report` -->"
END = "<!-- benchmarks: end -->"
READ_ON = (
    "All figures, how they were measured and what they do not say: [docs/benchmarks.md](docs/benchmarks.md)."
)
IMAGES = "images/benchmarks"
"""From docs/."""


class NoPlaceError(ValueError):
    """A document lacks the markers between which the table belongs."""


@dataclass(frozen=True, slots=True)
class Section:
    """One benchmark's part of the page."""

    benchmark: Benchmark
    measurement: Measurement | None
    """None: not measured yet."""

    @property
    def anchor(self) -> str:
        """As GitHub makes it of the heading."""
        return self.benchmark.title.lower().replace(" ", "-")


def page(measurements: Mapping[str, Measurement]) -> str:
    """docs/benchmarks.md."""
    sections = [Section(benchmark, measurements.get(benchmark.name)) for benchmark in CATALOGUE]
    missed = [(section, target) for section, target in _targets(sections) if not target.met]
    template = _environment().get_template("benchmarks.md.jinja")
    text = template.render(
        sections=sections,
        targets=cells.markdown_table(
            ("", "aim", "measured", "in"),
            (_target_row(section, target) for section, target in _targets(sections)),
        ),
        missed=missed,
        picture=_picture,
    )
    return _tidy(text)


def readme_table(measurements: Mapping[str, Measurement]) -> str:
    """The most telling targets, and where the rest is."""
    told = [
        (benchmark, measurements[benchmark.name].result.targets[benchmark.headline])
        for benchmark in CATALOGUE
        if benchmark.headline is not None and benchmark.name in measurements
    ]
    rows = [
        (
            benchmark.in_words or benchmark.title,
            target.aim,
            target.measured if target.met else f"{target.measured} (missed)",
        )
        for benchmark, target in told
    ]
    if not rows:
        return f"Not measured yet: `make bench`.\n\n{READ_ON}"
    table = cells.markdown_table(("", "aim", "measured"), rows)
    return f"{table}\n\n{READ_ON}"


def with_table(document: str, table: str) -> str:
    """The document with this table between its markers.

    Raises:
        NoPlaceError: it has no such place.
    """
    head, begin, rest = document.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        raise NoPlaceError(
            f"README.md has no place for the figures; put these two lines there: {BEGIN} {END}"
        )
    return f"{head}{BEGIN}\n\n{table}\n\n{END}{tail}"


def images(measurements: Mapping[str, Measurement]) -> dict[str, tuple[Chart, charts.Theme]]:
    """What each image file shows, by its name.

    Raises:
        ValueError: two charts have the same name.
    """
    found: dict[str, tuple[Chart, charts.Theme]] = {}
    for measurement in measurements.values():
        for chart in measurement.result.charts:
            for theme in charts.THEMES:
                name = charts.file_name(chart, theme)
                if name in found:
                    raise ValueError(f"two charts are called {chart.name!r}; rename one in benchmarks/")
                found[name] = chart, theme
    return found


def _targets(sections: list[Section]) -> Iterator[tuple[Section, Target]]:
    for section in sections:
        if section.measurement:
            yield from ((section, target) for target in section.measurement.result.targets)


def _target_row(section: Section, target: Target) -> tuple[str, ...]:
    link = f"[{section.benchmark.title}](#{section.anchor})"
    return ("met" if target.met else "**missed**", target.aim, target.measured, link)


def _picture(chart: Chart) -> str:
    """The image that suits the reader's page, light or dark."""
    light, dark = (f"{IMAGES}/{charts.file_name(chart, theme)}" for theme in charts.THEMES)
    return (
        f'<picture><source media="(prefers-color-scheme: dark)" srcset="{dark}">'
        f'<img alt="{escape(" ".join(chart.title.split()))}" src="{light}"></picture>'
    )


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).with_name("templates")),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 - Markdown of our own figures, read by no browser before GitHub cleans it
    )
    environment.filters |= {"cell": cells.markdown, "day": cells.day}
    environment.globals["markdown_table"] = cells.markdown_table
    return environment


def _tidy(text: str) -> str:
    """One empty line at most, none at the end, no blanks at line ends."""
    lines: list[str] = []
    for line in (each.rstrip() for each in text.splitlines()):
        if line or (lines and lines[-1]):
            lines.append(line)
    return "\n".join(lines).rstrip("\n") + "\n"
