"""The report says what was stored, in the same bytes each time."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.catalogue import CATALOGUE
from benchmarks.common.figures import Chart, ChartKind, Result, Table, Target
from benchmarks.report import charts, page
from benchmarks.report.cells import markdown, markdown_table, number
from benchmarks.report.write import write
from benchmarks.runner.provenance import Machine, Provenance
from benchmarks.runner.store import RESULTS, Measurement, load, store

ROOT = Path(__file__).parents[2]
LINES = Chart(
    "growth", "Time by size", ChartKind.LINES, "bookings", "s", {"booking_sync": ((1000, 1.0), (5000, 5.0))}
)
BARS = Chart(
    "requests",
    'Requests | "per" change',
    ChartKind.BARS,
    "workload",
    "requests",
    {"the flow": (("100 over 10", 8.0), ("1,000 over 50", 8.0)), "booking_sync": (("100 over 10", 0.3),)},
    log_y=True,
)
MET = Target("at least 25x fewer requests", "41x", met=True)
MISSED = Target("below 2 ms", "2.4 ms", met=False, bound="the storage SDK's own pipeline")
RESULT = Result(
    "webhook",
    "What does a webhook cost?",
    {"webhooks": 20_000},
    (Table("Costs", ("part", "ms"), (("parse | decide", 0.12345), ("all", 12)), "Sums."),),
    (LINES, BARS),
    (MET, MISSED),
    ("A note.",),
)
PROVENANCE = Provenance(
    Machine(2, "A processor", 8.0, "3.11.7", "Linux x86_64"),
    "2026-11-03",
    "abc12",
    "python -m benchmarks webhook",
    9.5,
)
MEASURED = {"webhook": Measurement(RESULT, PROVENANCE)}
README = f"# Title\n\n{page.BEGIN}\nold\n{page.END}\n\nThe rest.\n"


def _repository(root: Path) -> Path:
    (root / "docs").mkdir(parents=True)
    (root / "README.md").write_text(README)
    return root


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0, "0"), (0.0, "0"), (12345, "12,345"), (12345.6, "12,300"), (0.0123456, "0.0123"), (1.0, "1.00"),
        (9.996, "10.0"), (99.96, "100"), (999.6, "1,000"), (-3.14159, "-3.14"), (float("inf"), "inf"),
    ],
)  # fmt: skip
def test_counts_are_exact_and_other_figures_have_three_digits(value: float, written: str) -> None:
    """An int is a count; a float is a measurement."""
    assert number(value) == written


def test_a_cell_cannot_break_its_table() -> None:
    """Bars and line ends within a text stay within its cell."""
    assert markdown("a | b\nc") == "a \\| b c"


def test_columns_of_numbers_are_aligned_to_the_right() -> None:
    """A spread counts as a number; a column with any other text does not."""
    table = markdown_table(("what", "ms"), (("a", 1.5), ("b", "2.0 (1.0-3.0)")))
    assert table.splitlines() == ["| what | ms |", "| --- | ---: |", "| a | 1.50 |", "| b | 2.0 (1.0-3.0) |"]


def test_the_page_tells_all_of_a_result() -> None:
    """Question, figures, charts, notes, targets, command, date, commit, machine."""
    text = page.page(MEASURED)
    section = text.partition("\n## The webhook\n")[2].partition("\n## ")[0]
    for part in (
        "What does a webhook cost?", "| parse \\| decide | 0.123 |", "| all | 12 |", "Sums.", "- A note.",
        "images/benchmarks/growth-light.svg", "images/benchmarks/growth-dark.svg", "webhooks: 20,000",
        "`python -m benchmarks webhook`, 3 November 2026, commit abc12, 9.50 s.",
        "2 cores of A processor, 8 GiB, Python 3.11.7",
    ):  # fmt: skip
        assert part in section
    assert "| met | at least 25x fewer requests | 41x | [The webhook](#the-webhook) |" in text


def test_a_missed_target_is_told_with_what_bounds_it() -> None:
    """Neither the page nor the README keeps quiet about it."""
    text = page.page(MEASURED)
    assert "| **missed** | below 2 ms | 2.4 ms |" in text
    assert "- **below 2 ms**: 2.4 ms. What bounds it: the storage SDK's own pipeline" in text
    first = replace(RESULT, targets=(MISSED, MET))
    table = page.readme_table({"requests_per_change": Measurement(first, PROVENANCE)})
    assert "| requests per new booking, beside a flow's | below 2 ms | 2.4 ms (missed) |" in table


def test_the_readme_shows_three_targets_at_most() -> None:
    """Its table is short: the catalogue says which target of which benchmark is in it."""
    table = page.readme_table(MEASURED | {"requests_per_change": MEASURED["webhook"]})
    assert "| at least 25x fewer requests | 41x |" in table
    assert "below 2 ms" not in table
    assert sum(each.headline is not None for each in CATALOGUE) == 3


def test_the_table_replaces_the_older_one_and_nothing_else() -> None:
    """What stands around the markers stays; putting it in twice changes nothing."""
    once = page.with_table(README, "new")
    assert once == f"# Title\n\n{page.BEGIN}\n\nnew\n\n{page.END}\n\nThe rest.\n"
    assert page.with_table(once, "new") == once


def test_a_readme_without_a_place_is_told_so() -> None:
    """The message names the two lines that are missing."""
    with pytest.raises(page.NoPlaceError, match="put these two lines there"):
        page.with_table("# Title", "new")


def test_two_charts_of_one_name_are_refused() -> None:
    """One would overwrite the other's image."""
    twice = {name: Measurement(RESULT, PROVENANCE) for name in ("webhook", "idle")}
    with pytest.raises(ValueError, match="two charts are called 'growth'"):
        page.images(twice)


@pytest.mark.parametrize("theme", charts.THEMES, ids=lambda theme: theme.name)
@pytest.mark.parametrize("chart", [LINES, BARS], ids=lambda chart: chart.name)
def test_a_chart_is_the_same_bytes_each_time(chart: Chart, theme: charts.Theme) -> None:
    """No date, no random id; it names the data that it shows."""
    image = charts.draw(chart, theme)
    assert image == charts.draw(chart, theme)
    assert charts.digest(chart, theme).encode() in image
    assert b"<dc:date>" not in image


def test_other_data_has_another_digest() -> None:
    """An image of older data is recognised as such."""
    other = replace(LINES, series={"booking_sync": ((1000, 1.0), (5000, 5.1))})
    assert charts.digest(other, charts.LIGHT) != charts.digest(LINES, charts.LIGHT)


def test_the_same_results_give_the_same_files(tmp_path: Path) -> None:
    """Two reports of one folder of results are equal in every byte; a second writing changes nothing."""
    results = tmp_path / "results"
    store(MEASURED["webhook"], results)
    contents = []
    for root in (_repository(tmp_path / "a"), _repository(tmp_path / "b")):
        contents += [
            {file.relative_to(root): file.read_bytes() for file in write(root, results)} for _ in "ab"
        ]
    assert all(each == contents[0] for each in contents)
    assert len(contents[0]) == 2 + 4


def test_images_follow_the_results(tmp_path: Path) -> None:
    """Changed data is drawn anew, and an image that nothing shows any longer goes."""
    root, results = _repository(tmp_path / "a"), tmp_path / "results"
    store(MEASURED["webhook"], results)
    write(root, results)
    image = root / "docs" / page.IMAGES / "growth-light.svg"
    before = image.read_bytes()
    changed = replace(LINES, series={"booking_sync": ((1000, 2.0),)})
    store(Measurement(replace(RESULT, charts=(changed,)), PROVENANCE), results)
    write(root, results)
    assert image.read_bytes() != before
    assert sorted(file.name for file in image.parent.iterdir()) == ["growth-dark.svg", "growth-light.svg"]


def test_the_committed_page_is_what_the_stored_results_say() -> None:
    """Nobody edited docs/benchmarks.md by hand or forgot `make bench-report`."""
    assert (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8") == page.page(load(RESULTS))


def test_the_readme_is_what_the_stored_results_say() -> None:
    """Its table is up to date (`make bench-report`)."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert page.with_table(readme, page.readme_table(load(RESULTS))) == readme


def test_the_committed_images_show_the_stored_results() -> None:
    """Each image carries the digest of its data, and there is no other image (`make bench-report`)."""
    folder = ROOT / "docs" / page.IMAGES
    wanted = {name: charts.digest(*shown) for name, shown in page.images(load(RESULTS)).items()}
    assert {file.name for file in folder.glob("*")} == set(wanted)
    assert [name for name in wanted if wanted[name] not in (folder / name).read_text()] == []


def test_every_benchmark_has_its_section_and_every_command_exists() -> None:
    """The page leaves none out and names none that is not there."""
    text = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    assert [each.title for each in CATALOGUE if f"\n## {each.title}\n" not in text] == []
    named = set(re.findall(r"`python -m benchmarks ([a-z_]+)", text))
    assert named == {each.name for each in CATALOGUE}
    files = [ROOT / "benchmarks" / each.package / f"{each.name}.py" for each in CATALOGUE]
    assert [file for file in files if not file.exists()] == []


def test_every_link_within_the_page_leads_somewhere() -> None:
    """The targets' links name headings as GitHub does."""
    text = page.page({each.name: Measurement(replace(RESULT, charts=()), PROVENANCE) for each in CATALOGUE})
    headings = {title.lower().replace(" ", "-") for title in re.findall(r"^## (.+)$", text, re.MULTILINE)}
    assert set(re.findall(r"\(#([^)]+)\)", text)) <= headings
