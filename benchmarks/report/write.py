"""Puts the report into the repository: docs/benchmarks.md, its images, the README's table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.report import charts, page
from benchmarks.runner.provenance import ROOT
from benchmarks.runner.store import RESULTS, load

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.common.figures import Chart


def write(root: Path = ROOT, results: Path = RESULTS) -> list[Path]:
    """Write all documents and return them; images that nothing shows any longer are removed.

    Raises:
        BadResultError: a stored result is damaged.
        NoPlaceError: the README has no place for the table.
        OSError: a file can't be read or written.
    """
    measurements = load(results)
    document, readme = root / "docs" / "benchmarks.md", root / "README.md"
    with_figures = page.with_table(readme.read_text(encoding="utf-8"), page.readme_table(measurements))
    document.write_text(page.page(measurements), encoding="utf-8")
    readme.write_text(with_figures, encoding="utf-8")
    folder = root / "docs" / page.IMAGES
    folder.mkdir(parents=True, exist_ok=True)
    shown = page.images(measurements)
    for name, (chart, theme) in shown.items():
        _draw_if_changed(folder / name, chart, theme)
    for stale in {file.name for file in folder.glob("*.svg")} - shown.keys():
        (folder / stale).unlink()
    return [document, readme, *(folder / name for name in shown)]


def _draw_if_changed(file: Path, chart: Chart, theme: charts.Theme) -> None:
    """Another version of the plotting library need not change images of the same figures."""
    if not (file.exists() and charts.digest(chart, theme) in file.read_text(encoding="utf-8")):
        file.write_bytes(charts.draw(chart, theme))
