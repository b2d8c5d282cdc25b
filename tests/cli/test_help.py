"""What the command line says of itself: its version, examples that can be typed, whole lines to go on by."""

from __future__ import annotations

import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from booking_sync.cli.checkpoint import CheckpointFile
from booking_sync.cli.commands.certify import LOGS_VARIABLE
from booking_sync.cli.input.examples import EXAMPLES
from booking_sync.cli.input.webhook_arguments import KEY_VARIABLE, URL_VARIABLE
from booking_sync.cli.main import app
from booking_sync.cli.queueing import QueueingOptions, resume_line
from booking_sync.cli.runner import TRACEBACK_VARIABLE, UsageError
from booking_sync.cli.terminal.blame import FILTER, blamed
from booking_sync.errors import PermanentError
from booking_sync.settings.lookalikes import COMMAND_LINE_NAMES, lookalikes

ROOT = Path(__file__).parents[2]
LINES = [line for lines in EXAMPLES.values() for line in lines]


def command(name: str) -> Any:
    """One of the program's; of which class is Typer's business."""
    group: Any = typer.main.get_command(app)
    return group.commands[name]


def test_the_version_is_that_of_the_project() -> None:
    """As pyproject.toml has it, which releases are numbered by."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    ended = CliRunner().invoke(app, ["--version"])
    assert (ended.exit_code, ended.output) == (0, f"booking-sync {version}\n")


@pytest.mark.parametrize("line", LINES)
def test_an_example_can_be_typed_as_it_stands(line: str) -> None:
    """Each of its words is one that the command takes, and its help shows it on a line of its own."""
    program, name, *words = shlex.split(line)
    assert program == "booking-sync"
    command(name).make_context(name, words)
    ended = CliRunner().invoke(app, [name, "--help"])
    assert line in [shown.strip() for shown in ended.output.splitlines()]


def test_every_command_has_examples() -> None:
    """But for the groups, whose commands have their own sections in the manual."""
    names = {each.name or each.callback.__name__ for each in app.registered_commands if each.callback}
    assert names == EXAMPLES.keys()


def test_a_run_that_broke_off_says_the_whole_line_to_go_on_by(tmp_path: Path) -> None:
    """Its checkpoint, its rate where it was chosen, its settings and sign-in; quoted for a shell."""
    file = CheckpointFile(tmp_path / "my file.json")
    options = QueueingOptions(
        "event apply", mistrusted=False, file=file, resume=False, rate=7.5, dry_run=False
    )
    line = resume_line(options, ("--settings", "local.settings.json", "--auth", "cli"))
    assert shlex.split(line) == [
        *("booking-sync", "event", "apply", "--resume", "--checkpoint", str(tmp_path / "my file.json")),
        *("--rate", "7.5", "--settings", "local.settings.json", "--auth", "cli"),
    ]


@pytest.mark.parametrize(
    ("reason", "condition", "says"),
    [
        ("the column 'startime' does not exist; run it.", "startime gt 2027-03-01", "Is starttime meant?"),
        ("the column 'resource' does not exist; run it.", "resource eq 1", "Is _resource_value meant?"),
        ("the column 'zzz' does not exist; run it.", "zzz eq 1", "logical names"),
        ("the request was refused. (400 0x0)", "nonsense", "does not understand --filter 'nonsense'"),
    ],
)
def test_a_mistyped_column_is_blamed_on_the_option(reason: str, condition: str, says: str) -> None:
    """With the nearest name; nobody is told to provision a column that they mistyped."""
    error = blamed(PermanentError(f"Dynamics 365: {reason}"), {FILTER: condition})
    assert isinstance(error, UsageError)
    assert says in str(error)
    assert "provision" not in str(error)


def test_a_column_that_no_option_names_is_not_blamed_on_one() -> None:
    """Our own columns are the provisioning command's to make."""
    error = PermanentError("Dynamics 365: the column 'bsync_outlooksyncstate' does not exist; provision.")
    assert blamed(error, {FILTER: "duration gt 60"}) is error


def test_a_shell_completes_commands() -> None:
    """The program answers a shell that asks what may follow."""
    asked = {"_BOOKING_SYNC_COMPLETE": "complete_bash", "COMP_WORDS": "booking-sync pro", "COMP_CWORD": "1"}
    ended = CliRunner().invoke(app, [], prog_name="booking-sync", env=asked)
    assert ended.output.split() == ["provision"]


def test_a_slip_in_a_variable_of_the_command_line_is_told() -> None:
    """As one in a setting of the app's; doctor shows both."""
    own = {URL_VARIABLE, KEY_VARIABLE, LOGS_VARIABLE, TRACEBACK_VARIABLE}
    assert own < set(COMMAND_LINE_NAMES)
    slips = {"WEBHOOK_KYE": "WEBHOOK_KEY", "EVENT_BODY_TEMPLTE": "EVENT_BODY_TEMPLATE"}
    assert lookalikes(dict.fromkeys((*slips, *COMMAND_LINE_NAMES), "x")) == slips
