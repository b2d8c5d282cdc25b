"""`booking-sync exports`: has a shell run the command line with the settings of the deployed app."""

from __future__ import annotations

import json
import shlex
import sys
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import typer
from rich.text import Text

from booking_sync.cli.exit_codes import ExitCode
from booking_sync.cli.input.options import JsonOption
from booking_sync.cli.runner import CommonOptions, Session, UsageError, run
from booking_sync.settings.storage import STORAGE_SETTING
from booking_sync.settings.table import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Mapping

TAKEN: Final = tuple(each.name for each in SETTINGS if each.name != STORAGE_SETTING)
"""Names that are taken over: the app's own settings, none of which is a secret.

The storage account's are not: they may hold a key, and say how the app signs in there.
"""
_ASK = (
    "az functionapp config appsettings list --resource-group … --name … --output json | booking-sync exports"
)


def exports(*, as_json: JsonOption = False) -> None:
    """Print the app's own settings as exports for this shell, from what `az` lists of the function app.

    It reads from standard input what `az functionapp config appsettings list` prints, and takes the settings
    of docs/settings.md from it; what the app does not set is unset. No secret is among them.
    """
    run(CommonOptions(as_json=as_json), partial(_exports, _read()))


def _read() -> str:
    return "" if sys.stdin.isatty() else sys.stdin.read()


async def _exports(text: str, session: Session) -> ExitCode:
    values = taken(text)
    if session.output.as_json:
        session.output.result(values, Text())
    else:
        typer.echo(as_shell(values))  # a table would break its lines
    session.output.note(f"{len(values)} settings of the app, for this shell.")
    return ExitCode.FINE


def taken(text: str) -> dict[str, str]:
    """The settings of ours in what `az` printed, by name in the order of the documentation.

    Raises:
        UsageError: it is something else.
    """
    try:
        listed: Any = json.loads(text)
        found = {each["name"]: each["value"] for each in listed}
    except (ValueError, TypeError, KeyError):
        raise UsageError(f"This is not what az lists of the app's settings: {_ASK}") from None
    values = {name: found[name] for name in TAKEN if name in found}
    hidden = [name for name, value in values.items() if not isinstance(value, str)]
    if hidden:
        raise UsageError(f"az does not show the values of {', '.join(hidden)}: {_ASK}")
    if not values:
        raise UsageError("No setting of booking_sync is among these: is it the right function app?")
    return values


def as_shell(values: Mapping[str, str]) -> str:
    """Lines for a POSIX shell's `eval`, after which it has these settings and no others of ours."""
    return "\n".join(
        f"export {name}={shlex.quote(values[name])}" if name in values else f"unset {name}" for name in TAKEN
    )
