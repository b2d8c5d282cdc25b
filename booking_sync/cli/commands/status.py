"""`booking-sync status`: shows one booking, its event, and what the worker would do."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group
from rich.text import Text

from booking_sync.cli.exit_codes import ExitCode
from booking_sync.cli.input.naming import BOOKING_HELP, Names
from booking_sync.cli.input.options import AuthOption, JsonOption, SettingsOption
from booking_sync.cli.runner import CommonOptions, Session, run
from booking_sync.cli.terminal.tables import PlainTable
from booking_sync.status.look import look
from booking_sync.status.report import as_json as report_json
from booking_sync.status.report import sections
from booking_sync.status.verdict import judge
from booking_sync.wiring.commands.doctor import open_looking

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from booking_sync.status.report import Section

BookingArgument = Annotated[
    str,
    typer.Argument(metavar="BOOKING", help=f"{BOOKING_HELP[0].upper()}{BOOKING_HELP[1:]}."),
]


def status(
    booking: BookingArgument,
    *,
    as_json: JsonOption = False,
    settings: SettingsOption = None,
    auth: AuthOption = None,
) -> None:
    """Show how one booking stands, and what the worker would do about it; nothing is changed.

    Its row, what the row remembers, its events in Outlook and what differs, messages about it that were
    given up, a verdict.
    """
    run(CommonOptions(settings, auth, as_json), partial(_status, booking))


async def _status(booking: str, session: Session) -> ExitCode:
    async with open_looking(session.environ, session.auth) as looking:
        booking_id = await Names(looking.names, session.output).booking(booking)
        with session.output.working("Dataverse and Outlook"):
            facts = await look(looking.status, booking_id)
    verdict = judge(facts)
    session.output.result(report_json(facts, verdict), show(sections(facts, verdict)))
    return ExitCode.FINE if verdict.fine else ExitCode.FINDINGS


def show(parts: Sequence[Section]) -> RenderableType:
    """One table per section, without what a terminal would obey: names are anybody's text."""
    shown: list[RenderableType] = []
    for part in parts:
        shown += [PlainTable(("", ""), part.lines, part.title, header=False), Text()]
    return Group(*shown)
