"""What every command has in common: settings, exit codes, words instead of tracebacks."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import typer
from typer.testing import CliRunner

from booking_sync.azure.entra.sign_in import SignIn
from booking_sync.cli.commands.certify import LOGS_VARIABLE
from booking_sync.cli.commands.status import show
from booking_sync.cli.exit_codes import ExitCode
from booking_sync.cli.input.settings_file import merged, read_settings_file
from booking_sync.cli.input.webhook_arguments import KEY_VARIABLE, URL_VARIABLE, read_url
from booking_sync.cli.main import app
from booking_sync.cli.runner import TRACEBACK_VARIABLE, CommonOptions, Session, UsageError, run
from booking_sync.cli.terminal.output import make_table, open_output
from booking_sync.errors import PermanentError, SettingsError, TransientError
from booking_sync.provisioning.webhook_trial import ANSWERS, judge_trial
from booking_sync.status.report import Section
from local.stack import WEBHOOK_KEY_VARIABLE, WEBHOOK_URL_VARIABLE
from local.stack.options import LOGS_VARIABLE as STACK_LOGS_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]
MANUAL = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
ENVIRONMENT = {"DATAVERSE_URL": "https://contoso.crm4.dynamics.com", "ENTRA_TENANT_ID": "", "NO_COLOR": "1"}


def invoke(*arguments: str, **environment: str) -> tuple[int, str]:
    """Run the command line in this process; exit code and everything said."""
    found = CliRunner().invoke(app, arguments, env={**ENVIRONMENT, **environment})
    return found.exit_code, found.output


@pytest.mark.parametrize(
    ("raised", "code", "says"),
    [
        (SettingsError("A is missing"), ExitCode.USAGE, "A is missing"),
        (UsageError("no such thing"), ExitCode.USAGE, "no such thing"),
        (PermanentError("refused"), ExitCode.FINDINGS, "refused"),
        (TransientError("busy", retry_after=7), ExitCode.TRY_LATER, "busy. Try again in 7 seconds."),
        (TransientError("busy"), ExitCode.TRY_LATER, "busy. Try again later."),
        (TransientError("Busy."), ExitCode.TRY_LATER, "Busy. Try again later."),
        (KeyboardInterrupt(), ExitCode.INTERRUPTED, "Interrupted."),
        (typer.Abort(), ExitCode.INTERRUPTED, "Interrupted."),
        (EOFError(), ExitCode.INTERRUPTED, "Interrupted."),
        (ZeroDivisionError("oops"), ExitCode.BUG, "ZeroDivisionError"),
    ],
)
def test_every_end_has_its_code_and_its_words(
    raised: BaseException, code: ExitCode, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever a command raises becomes a sentence on standard error, never a traceback."""

    async def work(_session: Session) -> ExitCode:
        raise raised

    with pytest.raises(typer.Exit) as ended:
        run(CommonOptions(), work)
    spoken = capsys.readouterr()
    assert ended.value.exit_code == code
    assert says in spoken.err
    assert "Traceback" not in spoken.err
    assert spoken.out == ""


def test_a_mistake_of_ours_shows_where_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the variable set the exception comes out as it is."""

    async def work(_session: Session) -> ExitCode:
        raise ZeroDivisionError

    monkeypatch.setenv(TRACEBACK_VARIABLE, "1")
    with pytest.raises(ZeroDivisionError):
        run(CommonOptions(), work)


def test_a_command_chooses_who_signs_in_by_default() -> None:
    """The command's own default, unless the command line says otherwise."""
    seen: list[SignIn] = []

    async def work(session: Session) -> ExitCode:
        seen.append(session.auth)
        return ExitCode.FINE

    for auth in (None, SignIn.DEVICE):
        with pytest.raises(typer.Exit):
            run(CommonOptions(auth=auth), work, default_auth=SignIn.CLI)
    assert seen == [SignIn.CLI, SignIn.DEVICE]


def test_results_go_to_standard_output_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """JSON can be piped; notes and odd texts don't get into it."""
    output = open_output(as_json=True)
    output.note("[bold]note")
    output.result({"name": "[red]ä"}, make_table(("a",), [("x",)]))
    spoken = capsys.readouterr()
    assert json.loads(spoken.out) == {"name": "[red]ä"}
    assert spoken.err == "[bold]note\n"


def test_a_table_shows_texts_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    """What looks like markup is text."""
    open_output(as_json=False).result(None, make_table(("what",), [("[red]x[/red]",)]))
    assert "[red]x[/red]" in capsys.readouterr().out


def test_no_text_commands_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """An escape sequence or a turned direction in somebody's booking is taken out."""
    hostile = "a\x1b]0;b\x07c\u202ed\u2067e\x9bf"
    output = open_output(as_json=False)
    output.note(hostile)
    output.error(hostile)
    output.result(None, make_table(("what",), [(hostile,)]))
    output.result(None, show([Section("booking", (("name", hostile),))]))
    spoken = capsys.readouterr()
    assert spoken.out.count("a]0;bcdef") == spoken.err.count("a]0;bcdef") == 2


def test_progress_is_silent_where_nobody_looks_on(capsys: pytest.CaptureFixture[str]) -> None:
    """In a pipe or a scheduled job there are no moving bars."""
    output = open_output(as_json=True)
    with output.working("Looking"), output.counting("Bookings", 10) as advance:
        advance(10)
    spoken = capsys.readouterr()
    assert (spoken.out, spoken.err) == ("", "")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "not JSON"),
        ("[]", "no object"),
        ('{"Values": 1}', "no object"),
        ('{"Values": {"A": 1}}', "no texts: A"),
        ('{"Values": {"A": "x\\u0000y", "B": "x"}}', "what no environment can .*: 'A'"),
        ('{"Values": {"A=B": "x", "": "x", "C": "\\ud800"}}', "what no environment can .*: '', 'A=B', 'C'"),
        ('{"IsEncrypted": true, "Values": {"A": "x"}}', "encrypted"),
    ],
)
def test_a_settings_file_must_be_one(tmp_path: Path, text: str, says: str) -> None:
    """What is wrong with it is said, without quoting its values."""
    path = tmp_path / "local.settings.json"
    path.write_text(text)
    with pytest.raises(SettingsError, match=says):
        read_settings_file(path)


def test_a_settings_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """A wrong path is no traceback."""
    code, spoken = invoke("provision", "--settings", str(tmp_path / "nope.json"))
    assert code == ExitCode.USAGE
    assert "nope.json" in spoken.replace("\n", "")


def test_a_file_s_values_win_over_the_environment_s(tmp_path: Path) -> None:
    """It was named by hand."""
    path = tmp_path / "local.settings.json"
    path.write_text('\ufeff{"IsEncrypted": false, "Values": {"A": "file"}}', encoding="utf-8")
    assert merged({"A": "environment", "B": "kept"}, path) == {"A": "file", "B": "kept"}
    assert merged({"A": "environment"}, None) == {"A": "environment"}


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("", ""),
        ("https://app.azurewebsites.net", "https://app.azurewebsites.net/api/dataverse/bookings"),
        ("https://app.azurewebsites.net/ ", "https://app.azurewebsites.net/api/dataverse/bookings"),
        ("https://gateway.example/hooks/bookings", "https://gateway.example/hooks/bookings"),
        ("https://localhost:7071", "https://localhost:7071/api/dataverse/bookings"),
    ],
)
def test_the_webhook_s_address_may_be_the_app_s(given: str, address: str) -> None:
    """The route is added where none is given."""
    assert read_url(given) == address


@pytest.mark.parametrize(
    "given",
    [
        "http://app.azurewebsites.net",
        "app.azurewebsites.net",
        "https://app.azurewebsites.net/api?code=secret",
        "https://user:secret@app.azurewebsites.net",
        "https://app.azurewebsites.net:8443",
        "https://app.azurewebsites.net:port",
        "https://",
    ],
)
def test_an_address_that_dataverse_could_not_call_is_refused(given: str) -> None:
    """TLS, port 443, no key in the URL; the text does not quote it."""
    with pytest.raises(UsageError) as refused:
        read_url(given)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("arguments", "environment", "says"),
    [
        (["--remove-columns"], {}, "goes with --remove"),
        (["--remove"], {}, "--yes"),
        (["--write-key"], {}, "--key-file"),
        (["--user-only"], {"ENTRA_CLIENT_ID": ""}, "--user-only needs ENTRA_CLIENT_ID"),
        (["--user-only"], {"ENTRA_CLIENT_ID": "x"}, "ENTRA_CLIENT_ID is no GUID"),
        (["--dry-run"], {"ENTRA_CLIENT_ID": "0f0e0d0c-1111"}, "ENTRA_CLIENT_ID is no GUID"),
        (["--narrow", "--remove"], {}, "--narrow goes with neither"),
        (["--narrow", "--user-only"], {}, "--narrow goes with neither"),
        (["--key-file", "/does/not/exist"], {}, "can't be read"),
        (["--key-file", "-"], {}, "key is empty"),
        (["--auth", "nobody"], {}, "--auth"),
        ([], {"DATAVERSE_URL": ""}, "DATAVERSE_URL"),
        ([], {"EVENT_ID_COLUMN": "eventid"}, "prefix"),
        ([], {"WEBHOOK_URL": "http://x"}, "https"),
        (["--auth", "app"], {"ENTRA_CLIENT_SECRET": "s"}, "ENTRA_TENANT_ID"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_done(
    arguments: Sequence[str], environment: dict[str, str], says: str
) -> None:
    """Exit code 2 and a sentence that names what is wrong."""
    code, spoken = invoke("provision", *arguments, **environment)
    assert code == ExitCode.USAGE
    assert says in spoken


@pytest.mark.parametrize("given", ["http://api.loganalytics.io", "https://u@x.example", "https://x/v1", "x"])
def test_a_token_for_the_workspace_goes_to_a_plain_address(given: str) -> None:
    """Of the query API, over TLS, with nothing behind it; the text names the variable."""
    code, spoken = invoke("certify", "--dry-run", LOG_ANALYTICS_URL=given)
    assert (code, "LOG_ANALYTICS_URL must be" in spoken) == (ExitCode.USAGE, True)


def test_the_manual_names_every_command_option_and_exit_code() -> None:
    """docs/cli.md and the command line tell the same."""
    names = [
        command.name or command.callback.__name__ for command in app.registered_commands if command.callback
    ]
    for name in names:
        assert f"## `{name}`" in MANUAL
    for variable in (URL_VARIABLE, KEY_VARIABLE, LOGS_VARIABLE, TRACEBACK_VARIABLE, "ENTRA_CLIENT_SECRET"):
        assert f"`{variable}`" in MANUAL
    codes = {int(code) for code in re.findall(r"^\| (\d+) \|", MANUAL, re.MULTILINE)}
    assert codes == set(ExitCode)
    assert all(f"| `{way}` |" in MANUAL for way in SignIn)
    section = MANUAL.split("## `provision`")[1].split("\n## ")[0]
    _code, help_text = invoke("provision", "--help")
    own = set(re.findall(r"--(?:url|key|write|remove|leave|user|no)[a-z-]*", help_text))
    assert own == set(re.findall(r"--(?:url|key|write|remove|leave|user|no)[a-z-]*", section))


def test_the_manual_names_every_option_of_the_commands_about_events() -> None:
    """They have one section."""
    section = MANUAL.split("## `event`")[1].split("\n## ")[0]
    option = re.compile(r"--[a-z][a-z-]+")
    helps = "".join(invoke("event", each, "--help")[1] for each in ("check", "preview", "colours", "apply"))
    common = {"--settings", "--auth", "--json", "--dry-run", "--help"}
    told = set(option.findall(section)) - common - {"--only-behind"}  # that is another command's
    assert set(option.findall(helps)) - common == told


@pytest.mark.parametrize("command", ["certify", "backfill", "resync", "audit", "purge", "adopt"])
def test_the_manual_names_every_option_of_the_operating_commands(command: str) -> None:
    """Each in its command's section, and none that there is not; common ones are told once for all."""
    section = MANUAL.split(f"## `{command}`")[1].split("\n## ")[0]
    _code, help_text = invoke(command, "--help")
    common = {"--settings", "--auth", "--json", "--dry-run", "--yes", "--help"}
    option = re.compile(r"--[a-z][a-z-]+")
    own = set(option.findall(help_text)) - common
    assert own == set(option.findall(section)) - common


def test_resync_says_how_far_all_reaches() -> None:
    """Not the audit's window: however far ahead."""
    _code, help_text = invoke("resync", "--help")
    assert "Every booking from AUDIT_DAYS_BACK days ago on" in " ".join(help_text.split())
    assert "window" not in help_text


@pytest.mark.parametrize(
    "command",
    [
        "provision",
        "doctor",
        "certify",
        "backfill",
        "resync",
        "audit",
        "purge",
        "adopt",
        "event apply",
        "poison replay",
        "poison drop",
    ],
)
def test_whatever_changes_something_can_be_tried_without_changing_it(command: str) -> None:
    """All these have --dry-run."""
    _code, help_text = invoke(*command.split(), "--help")
    assert "--dry-run" in help_text


def test_the_local_stack_s_settings_file_has_what_provision_reads() -> None:
    """The stack writes the variables by the names that the command looks for."""
    assert (WEBHOOK_URL_VARIABLE, WEBHOOK_KEY_VARIABLE) == (URL_VARIABLE, KEY_VARIABLE)
    assert STACK_LOGS_VARIABLE == LOGS_VARIABLE


@pytest.mark.parametrize("key", ["None", " null\n", "undefined", '{"default": "abc"}', "two words", "a\tb"])
def test_what_can_be_no_key_is_refused(key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What tools print for nothing, JSON and white space: from a file, or from the environment."""
    monkeypatch.setenv("DATAVERSE_URL", "https://contoso.crm4.dynamics.com")
    file = tmp_path / "key"
    file.write_text(key)
    given = CliRunner().invoke(app, ["provision", "--key-file", str(file)])
    monkeypatch.setenv(KEY_VARIABLE, key)
    inherited = CliRunner().invoke(app, ["provision"])
    for ended in (given, inherited):
        assert ended.exit_code == ExitCode.USAGE
        assert "The function's key" in ended.output


@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "refuses the key"), (404, "no such function"), (0, "nobody answers"), (503, "can't take changes")],
)
def test_a_trial_that_fails_says_what_is_wrong(status: int, words: str) -> None:
    """Key, address, network, app: each has its own words, and none counts as an answer."""
    outcome = judge_trial("booking_sync", status)
    assert (outcome.result, words in outcome.detail) == ("fails", True)
    assert judge_trial("booking_sync", 200).result == ANSWERS
