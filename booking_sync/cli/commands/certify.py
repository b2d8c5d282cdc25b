"""`booking-sync certify`: tries on the real tenant what our stand-ins assume of it."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Group
from rich.text import Text

from booking_sync.azure.entra.sign_in import SignIn
from booking_sync.certify.parts import CertifyOptions
from booking_sync.certify.results import Comparison
from booking_sync.cli.exit_codes import ExitCode
from booking_sync.cli.input.arguments import read_guid
from booking_sync.cli.input.options import DryRunOption, JsonOption, SettingsOption
from booking_sync.cli.input.webhook_arguments import KEY_VARIABLE, URL_VARIABLE, read_url
from booking_sync.cli.runner import CommonOptions, Session, UsageError, run
from booking_sync.cli.terminal.output import make_table
from booking_sync.cli.terminal.tables import PlainTable
from booking_sync.domain.text import trim
from booking_sync.wiring.commands.certify import WorkspaceReader, open_certify
from booking_sync.wiring.commands.doctor import WebhookToExpect

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import RenderableType

    from booking_sync.certify.results import AssumptionResult, CertifyReport

MOST_MAILBOXES: Final = 2
LOGS_VARIABLE: Final = "LOG_ANALYTICS_URL"
"""Leads to the query API of another cloud than the public one."""
_LOGS_URL: Final = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]+)?")
_LINE_BYTES = 1024

MailboxOption = Annotated[
    list[str],
    typer.Option(
        "--mailbox",
        metavar="ID_OR_UPN",
        help="The test mailbox, by Entra object id or sign-in name: some forty test events are made there "
        "and removed. A second one is only read.",
        show_default=False,
    ),
]
BookingOption = Annotated[
    str,
    typer.Option(
        "--booking",
        metavar="ID",
        help="A booking to try on: its error text is written as it is, and the app is told to look at it.",
        show_default=False,
    ),
]
WorkspaceOption = Annotated[
    str,
    typer.Option(
        "--workspace",
        metavar="ID",
        help="The Log Analytics workspace that the app's telemetry goes to, by its Workspace ID: it is asked "
        "whether the app's lines have arrived.",
        show_default=False,
    ),
]
WorkspaceAuthOption = Annotated[
    SignIn,
    typer.Option(
        "--workspace-auth",
        help="Who reads that workspace: you, by `az login` (cli), in the browser (browser) or with a code "
        "(device), or the app registration (app).",
    ),
]
ByHandOption = Annotated[
    bool, typer.Option("--by-hand", help="Ask for what only people can do in Outlook: copy an event.")
]
_STYLES = {
    Comparison.AS_ASSUMED: "green",
    Comparison.OTHERWISE: "yellow",
    Comparison.UNKNOWN: "bold red",
    Comparison.NOT_TRIED: "dim",
}


def certify(
    *,
    mailbox: MailboxOption = [],  # noqa: B006 - Typer makes a list of its own for each run
    booking: BookingOption = "",
    workspace: WorkspaceOption = "",
    workspace_auth: WorkspaceAuthOption = SignIn.CLI,
    by_hand: ByHandOption = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
    settings: SettingsOption = None,
) -> None:
    """Try on this tenant what the app assumes of Outlook, Dynamics 365 and Azure.

    For each assumption: what is expected, what was seen, what it means, and what to do. Everything is asked
    as the app, except the workspace of --workspace. Test events have no attendees and are removed again,
    those of a run that was killed by the next one. No other event is touched, and no mail is sent. --json
    holds no ids and no addresses, so that it can be published.
    """
    asked = _Asked(tuple(mailbox), booking, workspace, workspace_auth, by_hand, dry_run)
    work = partial(_certify, asked)
    run(CommonOptions(settings, None, as_json), work)


@dataclass(frozen=True, slots=True)
class _Asked:
    """The command line, as it was typed."""

    mailboxes: tuple[str, ...]
    booking: str
    workspace: str
    workspace_auth: SignIn
    by_hand: bool
    dry_run: bool

    def read(self, webhook: WebhookToExpect) -> CertifyOptions:
        """What it asks for.

        Raises:
            UsageError: it makes no sense.
        """
        names = tuple(dict.fromkeys(self.mailboxes))
        if len(names) > MOST_MAILBOXES:
            raise UsageError("--mailbox may be given twice: the test mailbox, and one that is only read.")
        if self.by_hand and not sys.stdin.isatty():
            raise UsageError("--by-hand asks for help, and nobody can be asked here.")
        return CertifyOptions(
            mailbox=names[0] if names else "",
            other_mailbox=names[1] if len(names) > 1 else "",
            booking=read_guid(self.booking, "--booking") if self.booking else "",
            webhook=bool(webhook.url and webhook.key),
            workspace=read_guid(self.workspace, "--workspace") if self.workspace else "",
            by_hand=self.by_hand,
            dry_run=self.dry_run,
        )


async def _certify(asked: _Asked, session: Session) -> ExitCode:
    environ, output = session.environ, session.output
    webhook = WebhookToExpect(read_url(environ.get(URL_VARIABLE, "")), trim(environ.get(KEY_VARIABLE, "")))
    options = asked.read(webhook)
    reader = WorkspaceReader(asked.workspace_auth, _read_logs_url(environ.get(LOGS_VARIABLE, "")))
    ask = partial(_ask_person, output.note)
    async with open_certify(
        environ, SignIn.APP, options, output.note, ask, webhook=webhook, reader=reader
    ) as check:
        if options.dry_run:
            plan = check.plan()
            data = [{"assumptions": names, "does": does} for names, does in plan]
            output.result(data, make_table(("assumptions", "what is done"), plan))
            output.note(check.announcement())
            return ExitCode.FINE
        if options.mailbox:
            output.note(check.announcement())
        report = await check.run()
    output.result(report.as_json(), _show(report))
    if report.correlation_id:
        output.note(
            f"Correlation id of the message that was queued: {report.correlation_id}. Some minutes later its "
            "log lines should be in Application Insights; --workspace has certify look for them."
        )
    output.note(report.summary())
    return ExitCode.FINE if report.nothing_to_do else ExitCode.FINDINGS


def _read_logs_url(text: str) -> str:
    """The query API's address, to which a token goes; empty for the public cloud's.

    Raises:
        UsageError: it is no such address.
    """
    url = trim(text).rstrip("/")
    if url and not _LOGS_URL.fullmatch(url):
        raise UsageError(
            f"{LOGS_VARIABLE} must be an address like https://api.loganalytics.io, without anything behind."
        )
    return url


async def _ask_person(note: Callable[[str], None], text: str) -> None:
    note(f"{text} Then press Enter.")
    loop = asyncio.get_running_loop()
    pressed: asyncio.Future[None] = loop.create_future()

    def done() -> None:
        if not pressed.done():
            pressed.set_result(None)

    def wait() -> None:
        os.read(sys.stdin.fileno(), _LINE_BYTES)
        with suppress(RuntimeError):  # the loop was closed meanwhile, by Ctrl-C
            loop.call_soon_threadsafe(done)

    # A daemon, and no buffered read: neither keeps the process from ending after Ctrl-C.
    threading.Thread(target=wait, daemon=True).start()
    await pressed


def _show(report: CertifyReport) -> RenderableType:
    """One table per service; what it means and what to do stand below what was seen."""
    parts: list[RenderableType] = []
    for service, results in groupby(report.results, key=lambda each: each.assumption.service):
        rows: list[Sequence[str | Text]] = []
        for each in results:
            style = _STYLES[each.outcome]
            rows.append((Text(each.outcome, style=style), each.assumption.name, _words(each)))
        parts += [PlainTable(("", "", ""), rows, service, header=False), Text()]
    return Group(*parts)


def _words(result: AssumptionResult) -> Text:
    words = Text(result.assumption.question, style="dim")
    if result.outcome is Comparison.NOT_TRIED:
        words.append(f"\n{result.seen}", style="not dim")
        return words
    expected = result.assumption.expected.value
    beside = "" if result.outcome is Comparison.AS_ASSUMED else f", expected {expected}"
    words.append(f"\n{result.seen}{beside}: {result.means}", style="not dim")
    if result.action:
        words.append(f"\n→ {result.action}", style="cyan not dim")
    return words
