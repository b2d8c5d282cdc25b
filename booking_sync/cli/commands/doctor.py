"""`booking-sync doctor`: checks whatever a working sync depends on."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import groupby, zip_longest
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group
from rich.text import Text

from booking_sync.azure.entra.sign_in import SignIn
from booking_sync.cli.exit_codes import ExitCode
from booking_sync.cli.input.naming import Names
from booking_sync.cli.input.options import AuthOption, DryRunOption, JsonOption, SettingsOption
from booking_sync.cli.input.webhook_arguments import KEY_VARIABLE, URL_VARIABLE, read_url
from booking_sync.cli.runner import CommonOptions, Session, run
from booking_sync.cli.terminal.tables import PlainTable
from booking_sync.doctor.options import DoctorOptions
from booking_sync.doctor.report import Area, CheckStatus
from booking_sync.domain.ids import typed_guid
from booking_sync.domain.text import clean, trim
from booking_sync.errors import SettingsError, SyncError
from booking_sync.wiring.commands.doctor import WebhookToExpect, open_doctor, open_looking

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from booking_sync.doctor.report import DoctorReport

MailboxOption = Annotated[
    list[str],
    typer.Option(
        "--mailbox",
        metavar="WHO",
        help="A technician, by name, sign-in name or id: a test event is made in the calendar, read "
        "back and removed. May be repeated.",
        show_default=False,
    ),
]
OutsideOption = Annotated[
    list[str],
    typer.Option(
        "--outside-mailbox",
        metavar="WHO",
        help="Somebody, named alike, whose calendar must be closed to the app. May be repeated.",
        show_default=False,
    ),
]
_STYLES = {
    CheckStatus.OK: "green",
    CheckStatus.SKIPPED: "dim",
    CheckStatus.WARNING: "yellow",
    CheckStatus.ERROR: "bold red",
}


def doctor(
    *,
    mailbox: MailboxOption = [],  # noqa: B006 - Typer makes a list of its own for each run
    outside_mailbox: OutsideOption = [],  # noqa: B006 - the same
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
    settings: SettingsOption = None,
    auth: AuthOption = None,
) -> None:
    """Look for whatever keeps the sync from working, and say what to do about it.

    Settings, queues, timers, client secret, tokens, clocks, privileges, columns, webhook, steps, lost
    webhooks, failing bookings and Microsoft's own sync. Nothing is changed, but for a test event in each
    --mailbox. Services are asked as the app; with --auth, table definitions, steps and jobs are read as you.
    """
    options = DoctorOptions(
        tuple(mailbox), tuple(outside_mailbox), dry_run, signed_in_as_app=auth in (None, SignIn.APP)
    )
    run(CommonOptions(settings, auth, as_json), partial(_doctor, options))


async def _doctor(options: DoctorOptions, session: Session) -> ExitCode:
    environ = session.environ
    webhook = WebhookToExpect(read_url(environ.get(URL_VARIABLE, "")), trim(environ.get(KEY_VARIABLE, "")))

    tell = session.output.note
    options = replace(
        options,
        mailboxes=await _mailboxes(options.mailboxes, session),
        outside=await _mailboxes(options.outside, session),
    )
    async with open_doctor(environ, session.auth, options, tell, webhook=webhook) as checks:
        report = await checks.run()
    session.output.result(report.as_json(), _show(report))
    session.output.note(report.summary())
    return ExitCode.FINE if report.healthy else ExitCode.FINDINGS


async def _mailboxes(texts: Sequence[str], session: Session) -> tuple[str, ...]:
    """Technicians' names as mailboxes; ids and addresses stay, and so does all where nobody can be asked."""
    named = [text for text in texts if "@" not in text and typed_guid(text) is None]
    if not named:
        return tuple(texts)
    try:
        async with open_looking(session.environ, session.auth) as looking:
            names = Names(looking.names, session.output)
            found = {text: await names.mailbox(text) for text in named}
    except (SettingsError, SyncError):
        return tuple(texts)  # the checks tell what is wrong
    return tuple(found.get(text, text) for text in texts)


def _show(report: DoctorReport) -> RenderableType:
    """One table per area; a remedy stands below its result, or below the last result that shares it."""
    parts: list[RenderableType] = []
    areas = list(Area)
    ordered = sorted(report.results, key=lambda each: areas.index(each.area))
    for area, results in groupby(ordered, key=lambda each: each.area):
        rows: list[Sequence[str | Text]] = []
        group = list(results)
        for each, following in zip_longest(group, group[1:]):
            style = _STYLES[each.status]
            words = Text(clean(each.words))
            repeated = following is not None and following.remedy == each.remedy
            if each.remedy and each.status is not CheckStatus.OK and not repeated:
                words.append(f"\n→ {each.remedy}", style="cyan")
            rows.append((Text(each.status, style=style), each.check, words))
        parts += [PlainTable(("", "", ""), rows, area, header=False), Text()]
    return Group(*parts)
