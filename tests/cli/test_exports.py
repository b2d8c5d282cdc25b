"""`booking-sync exports`: the deployed app's settings, for the shell of whoever operates it."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest
from jsonschema import validate
from typer.testing import CliRunner

from booking_sync.cli.commands.exports import TAKEN, as_shell, taken
from booking_sync.cli.exit_codes import ExitCode
from booking_sync.cli.main import app
from tools.schemas import SCHEMAS

ODD = 'it\'s $(touch /tmp/x) `id` "so"\n<p>\\n</p>'
APP = {
    "RETURN_PATH": "propose",
    "NOTIFICATION_URL": "https://app.example/api/outlook/notifications",
    "TAKES_PART_COLUMN": "bsync_takespart",
    "EVENT_TIME_ZONE": "Europe/Berlin",
    "EVENT_BODY_TEMPLATE": ODD,
    "DATAVERSE_APP_USER_ID": "",
}
FOREIGN = {
    "AzureWebJobsStorage": "AccountKey=secret",
    "AzureWebJobsStorage__credential": "managedidentity",
    "AZURE_CLIENT_ID": "0f0e0d0c-1111-4222-8333-444455556666",
    "PATH": "/elsewhere",
    "APPLICATIONINSIGHTS_CONNECTION_STRING": "InstrumentationKey=0",
}


def listed(values: dict[str, str]) -> str:
    """As `az functionapp config appsettings list` prints them."""
    return json.dumps(
        [{"name": name, "slotSetting": False, "value": value} for name, value in values.items()]
    )


def test_a_shell_has_the_app_s_settings_and_no_others_of_ours() -> None:
    """Letter by letter, whatever they hold; what the app does not set is unset, and foreign names stay."""
    bash = shutil.which("bash")
    assert bash
    lines = as_shell(taken(listed(APP | FOREIGN)))
    done = subprocess.run(  # noqa: S603 - our own lines
        [bash, "-euc", f'{lines}\n"$0" -0', shutil.which("env") or "env"],
        env={"PARTICIPATION": "none", "RETURN_PATH": "off", "AZURE_CLIENT_ID": "mine"},
        capture_output=True,
        text=True,
        check=True,
    )
    seen = dict(each.split("=", 1) for each in done.stdout.split("\0") if each)
    assert {name: value for name, value in seen.items() if name in TAKEN} == APP
    assert seen["AZURE_CLIENT_ID"] == "mine"
    assert "secret" not in lines


def test_it_is_read_from_standard_input_and_only_lines_for_the_shell_are_printed() -> None:
    """So that `eval` takes all that is printed; with --json as the schema says."""
    ended = CliRunner().invoke(app, ["exports"], input=listed(APP | FOREIGN))
    assert ended.exit_code == ExitCode.FINE
    assert ended.stdout.startswith(("export ", "unset "))
    assert ended.stdout.strip() == as_shell(APP)
    assert "6 settings of the app" in ended.stderr
    told = json.loads(CliRunner().invoke(app, ["exports", "--json"], input=listed(APP | FOREIGN)).stdout)
    validate(told, SCHEMAS["exports"])
    assert told == APP


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("", "not what az lists"),
        ("[]", "right function app"),
        ("{}", "right function app"),
        ("[1]", "not what az lists"),
        ("[{}]", "not what az lists"),
        (json.dumps([{"name": "RETURN_PATH", "value": None}]), "does not show the values of RETURN_PATH"),
    ],
)
def test_anything_else_is_refused_and_nothing_is_printed(given: str, says: str) -> None:
    """`eval` then changes nothing, and standard error says why."""
    ended = CliRunner().invoke(app, ["exports"], input=given)
    assert (ended.exit_code, ended.stdout) == (ExitCode.USAGE, "")
    assert says in ended.stderr
