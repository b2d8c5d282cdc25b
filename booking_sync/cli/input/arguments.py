"""What people write on the command line, read strictly: ids and moments; and the question before a change."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING

import typer

from booking_sync.cli.runner import UsageError
from booking_sync.domain.ids import typed_guid, typed_moment

if TYPE_CHECKING:
    from collections.abc import Iterable


def read_guid(text: str, what: str) -> str:
    """A GUID in lower case, however people write it.

    Raises:
        UsageError: it is none.
    """
    guid = typed_guid(text)
    if guid is None:
        raise UsageError(
            f"{what} must be a GUID, such as 1b671a64-40d5-491e-99b0-da01ff1f3341, not {text!r}."
        )
    return guid


def read_guids(texts: Iterable[str], what: str) -> tuple[str, ...]:
    """GUIDs, each once; raises as `read_guid`."""
    return tuple(dict.fromkeys(read_guid(text, what) for text in texts))


def read_moment(text: str, option: str) -> datetime:
    """A date or a moment (ISO 8601); without an offset it is UTC, without a time it is midnight.

    Raises:
        UsageError: it is neither.
    """
    moment = typed_moment(text)
    if moment is None:
        raise UsageError(
            f"{option} must be a date such as 2027-03-01 or a moment such as 2027-03-01T06:00Z, not {text!r}."
        )
    return moment


def confirm(what: str, *, yes: bool) -> None:
    """Ask a person before what can't be undone.

    Args:
        what: the question without its mark, such as `Delete 3 messages`.
        yes: they said so already.

    Raises:
        UsageError: they said no, or nobody can be asked.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"{what}? Nobody can be asked here: add --yes, or look first with --dry-run.")
    if not typer.confirm(f"{what}?", err=True):
        raise UsageError("Nothing was done.")
