"""Running benchmarks: fresh processes, honest endings, stored results."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from benchmarks.__main__ import main
from benchmarks.catalogue import CATALOGUE, UnknownBenchmarkError, chosen
from benchmarks.common.figures import Chart, ChartKind, Latency, Options, Result, Table, Target
from benchmarks.runner.provenance import Machine, Provenance, command_line, this_machine
from benchmarks.runner.run import Crashed, run
from benchmarks.runner.store import BadResultError, Measurement, load, store

if TYPE_CHECKING:
    from benchmarks.__main__ import Measure

SAMPLES = "tests.benchmarks.samples"
BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
RESULT = Result(
    "webhook",
    "What does it cost?",
    {"rows": 20_000, "pace": 0.5},
    (Table("Costs", ("part", "ms"), (("parse", 0.25), ("total", 3)), "All in."),),
    (
        Chart(
            "costs", "Costs", ChartKind.LINES, "rows", "ms", {"ours": ((1, 2.5), ("2 more", 3.0))}, log_y=True
        ),
    ),
    (Target("below 2 ms", "1 ms", met=True),),
    ("A note.",),
)
PROVENANCE = Provenance(
    Machine(2, "A processor", 8.0, "3.11.7", "Linux x86_64"),
    "2026-11-23",
    "abc",
    "python -m benchmarks webhook",
    9.5,
)
MEASUREMENT = Measurement(RESULT, PROVENANCE)


def test_a_benchmark_runs_in_a_process_of_its_own_with_the_options_asked_for() -> None:
    """Options arrive, the process is another one, and the result bears the module's name."""
    options = Options(quick=True, repeats=7, latencies=(Latency(0.02, 0.08), Latency(0.0, 0.5)))
    measured = run("good", options, package=SAMPLES)
    assert isinstance(measured, Measurement)
    told = {str(what): value for what, value in measured.result.tables[0].rows}
    assert told.pop("process") != os.getpid()
    assert told == {"repeats": 7, "latencies": "20/80 ms, 0/500 ms"}
    assert (measured.result.name, measured.result.parameters) == ("good", {"quick": "True"})
    assert measured.provenance.machine == this_machine()


def test_a_crash_is_told_with_the_last_words() -> None:
    """A benchmark that raises has no result; what it printed is handed on."""
    crashed = run("crashing", Options(repeats=3), package=SAMPLES)
    assert isinstance(crashed, Crashed)
    assert crashed.reason == "ended with exit code 1"
    assert "the sample fails with 3 repeats" in crashed.tail


def _runs(process_id: int) -> bool:
    if not psutil.pid_exists(process_id):
        return False
    return bool(psutil.Process(process_id).status() != psutil.STATUS_ZOMBIE)


def test_a_benchmark_that_hangs_is_ended_with_all_its_processes() -> None:
    """After its time a benchmark is ended, and so is what it started."""
    crashed = run("hanging", Options(), package=SAMPLES, limit=3.0)
    assert isinstance(crashed, Crashed)
    assert crashed.reason == "was still running after 3 s"
    child = int(crashed.tail.splitlines()[0])
    for _ in range(100):
        if not _runs(child):
            break
        time.sleep(0.05)  # killed, and not gone yet
    assert not _runs(child)


def test_a_benchmark_dies_with_the_command_that_runs_it() -> None:
    """Killing the command leaves no benchmark running by itself."""
    program = (
        "from benchmarks.common.figures import Options; from benchmarks.runner.run import run; "
        f"run('hanging', Options(), package={SAMPLES!r})"
    )
    command = psutil.Popen([sys.executable, "-c", program], cwd=BENCHMARKS.parent)
    while not (children := command.children()):
        time.sleep(0.05)
    command.kill()
    command.wait()
    assert psutil.wait_procs(children, timeout=10)[1] == []


def test_a_module_that_is_missing_is_a_crash_that_names_it() -> None:
    """A catalogue ahead of its modules does not stop the others."""
    crashed = run("nowhere", Options(), package=SAMPLES)
    assert isinstance(crashed, Crashed)
    assert "tests.benchmarks.samples.nowhere" in crashed.tail


def test_a_stored_measurement_is_read_back_as_it_was(tmp_path: Path) -> None:
    """A way through the file changes nothing."""
    store(MEASUREMENT, tmp_path)
    assert load(tmp_path) == {"webhook": MEASUREMENT}


def test_a_damaged_file_is_named_with_the_remedy(tmp_path: Path) -> None:
    """Whoever damaged a stored result reads which one, and how to make it anew."""
    (tmp_path / "idle.json").write_text('{"result": {}}')
    with pytest.raises(BadResultError, match=r"idle\.json is damaged .* python -m benchmarks idle"):
        load(tmp_path)


def test_figures_that_are_no_numbers_are_not_stored(tmp_path: Path) -> None:
    """NaN is no JSON, and no figure."""
    broken = Result("idle", "?", {"mean": float("nan")})
    with pytest.raises(ValueError, match="JSON"):
        store(Measurement(broken, PROVENANCE), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "command"),
    [
        (Options(), "python -m benchmarks idle"),
        (Options(quick=True, repeats=1), "python -m benchmarks idle --quick"),
        (
            Options(repeats=1, latencies=(Latency(0.02, 0.08), Latency(0.0005, 1))),
            "python -m benchmarks idle --repeats 1 --latency 20/80 0.5/1000",
        ),
    ],
)
def test_the_command_is_what_one_types_to_measure_the_same(options: Options, command: str) -> None:
    """Only options other than the defaults are told."""
    assert command_line("idle", options) == command


@pytest.mark.parametrize("text", ["", "20", "20/", "a/b", "1/2/3", "-1/5", "nan/1", "1/inf"])
def test_a_latency_that_makes_no_sense_is_refused(text: str) -> None:
    """The message shows how to write one."""
    with pytest.raises(ValueError, match="such as 20/80"):
        Latency.parse(text)


def test_a_latency_reads_as_it_is_written() -> None:
    """Milliseconds in the text, seconds inside."""
    assert Latency.parse("20/80") == Latency(0.02, 0.08)
    assert Latency.parse("2.5/0").label == "2.5/0 ms"


def test_benchmarks_are_chosen_by_name_and_kept_in_order() -> None:
    """`all` means all, hyphens will do, doubles count once."""
    assert chosen(["all", "idle"]) == CATALOGUE
    assert [each.name for each in chosen(["webhook", "side-by-side", "webhook"])] == [
        "side_by_side",
        "webhook",
    ]
    with pytest.raises(
        UnknownBenchmarkError, match="no benchmark nonsense; there are: all, against, audit_at_scale"
    ):
        chosen(["nonsense"])


def _measure(outcomes: dict[str, Measurement | Crashed], asked: list[Options]) -> Measure:
    def measure(name: str, options: Options) -> Measurement | Crashed:
        asked.append(options)
        return outcomes[name]

    return measure


def test_a_crash_fails_the_command_after_the_others_ran(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The benchmarks after a crash are measured and stored; how to repeat the crashed one is told."""
    outcomes: dict[str, Measurement | Crashed] = {
        "idle": Crashed("idle", "ended with exit code 1", "last words"),
        "webhook": MEASUREMENT,
    }
    assert main(["idle", "webhook"], measure=_measure(outcomes, []), results=tmp_path) == 1
    assert list(load(tmp_path)) == ["webhook"]
    assert "last words" in (errors := capsys.readouterr().err)
    assert "To repeat: python -m benchmarks idle" in errors


@pytest.mark.parametrize(("met", "strict", "code"), [(True, True, 0), (False, False, 0), (False, True, 3)])
def test_a_missed_target_is_an_error_only_when_asked_for(
    tmp_path: Path, *, met: bool, strict: bool, code: int
) -> None:
    """It is told either way; `--strict` makes it the exit code."""
    result = replace(RESULT, targets=(Target("below 2 ms", "2.4 ms", met=met),))
    measure = _measure({"webhook": Measurement(result, PROVENANCE)}, [])
    assert main(["webhook", *(["--strict"] if strict else [])], measure=measure, results=tmp_path) == code


def test_a_quick_run_is_small_and_stored_apart(tmp_path: Path) -> None:
    """It repeats once and never replaces what the report is made from."""
    asked: list[Options] = []
    assert (
        main(["webhook", "--quick"], measure=_measure({"webhook": MEASUREMENT}, asked), results=tmp_path) == 0
    )
    assert asked == [Options(quick=True, repeats=1)]
    assert (list(load(tmp_path)), list(load(tmp_path / "quick"))) == ([], ["webhook"])


def test_json_is_what_was_stored_and_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Standard output holds one JSON list; progress goes elsewhere."""
    main(["webhook", "--json"], measure=_measure({"webhook": MEASUREMENT}, []), results=tmp_path)
    printed = json.loads(capsys.readouterr().out)
    assert [Measurement.from_json(each) for each in printed] == [MEASUREMENT]


def test_without_a_name_the_benchmarks_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing runs; each is named."""
    assert main([], measure=_measure({}, []), results=tmp_path) == 0
    printed = capsys.readouterr().out
    assert [each.name for each in CATALOGUE if each.name not in printed] == []


@pytest.mark.parametrize("arguments", [["nonsense"], ["idle", "--repeats", "0"], ["idle", "--latency", "20"]])
def test_a_wrong_command_line_is_exit_code_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """It is refused before anything runs, without a traceback."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "error: " in capsys.readouterr().err


def test_every_module_that_runs_is_in_the_catalogue() -> None:
    """No benchmark is forgotten by `all`."""
    runnable = {
        (file.parent.name, file.stem)
        for file in BENCHMARKS.rglob("*.py")
        if "\ndef run(options: Options)" in file.read_text()
    }
    assert runnable == {(each.package, each.name) for each in CATALOGUE}
