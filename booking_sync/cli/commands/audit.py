"""`booking-sync audit`: compares calendars with bookings, on this machine."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from booking_sync.audit.auditor import AuditRequest
from booking_sync.audit.findings import Kind
from booking_sync.cli.exit_codes import ExitCode
from booking_sync.cli.input.naming import Names, beside
from booking_sync.cli.input.options import (
    AuthOption,
    DryRunOption,
    JsonOption,
    MailboxesOption,
    SettingsOption,
)
from booking_sync.cli.runner import CommonOptions, Session, UsageError, run
from booking_sync.cli.terminal.output import make_table
from booking_sync.wiring.commands.operating import open_use_cases

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from booking_sync.audit.report import AuditReport
    from booking_sync.domain.events.event import MarkedEvent
    from booking_sync.ports.outlook.calendars import MarkedEvents

FixOption = Annotated[bool, typer.Option("--fix", help="Queue what can be mended, for the app to mend.")]
ForceOption = Annotated[
    bool,
    typer.Option("--force", help="With --fix: mend also what is withheld for being too much to be true."),
]

HARMLESS = frozenset({Kind.COPY, Kind.FOREIGN})
"""Kinds that are reported, but about which nobody has to do anything."""
MAX_SHOWN = 100


@dataclass(frozen=True, slots=True)
class _Options:
    """The options of this command, as they were given."""

    fix: bool
    force: bool
    dry_run: bool
    mailboxes: tuple[str, ...]


def audit(
    *,
    fix: FixOption = False,
    force: ForceOption = False,
    mailbox: MailboxesOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
    settings: SettingsOption = None,
    auth: AuthOption = None,
) -> None:
    """Compare calendars with bookings, and report what differs.

    It is the app's daily audit, run from here: AUDIT_DAYS_BACK and AUDIT_DAYS_AHEAD say which time it looks
    at. Without --fix, or with --dry-run, nothing is changed. Exit code 1 when anything is not as it should
    be; people's own copies of events and events of other organisations are told, and don't count.
    """
    run(
        CommonOptions(settings, auth, as_json),
        partial(_audit, _Options(fix, force, dry_run, tuple(mailbox or ()))),
    )


async def _audit(options: _Options, session: Session) -> ExitCode:
    if options.force and not options.fix:
        raise UsageError("--force goes with --fix.")
    async with open_use_cases(session.environ, session.auth) as use_cases:
        names = Names(use_cases.names, session.output)
        mailboxes = await names.mailboxes(options.mailboxes)
        fix = options.fix and not options.dry_run
        request = AuditRequest(fix=fix, force=options.force, mailboxes=mailboxes)
        with session.output.progress("Mailboxes") as advance:
            auditor = use_cases.auditor(lambda events: _Watched(events, partial(_tell, advance, request)))
            report = await auditor.run(request)
        shown = report.findings[:MAX_SHOWN]
        named = await names.of_bookings(each.booking_id for each in shown if each.booking_id)
        people = await names.of_mailboxes() if shown else {}
    _show(report, request, {**people, **named}, session)
    if options.dry_run:
        session.output.note("Nothing was queued (--dry-run).")
    return ExitCode.FINDINGS if report.counts().keys() - HARMLESS else ExitCode.FINE


def _tell(advance: Callable[[int, int | None], None], request: AuditRequest, done: int) -> None:
    advance(done, len(request.mailboxes) or None)


@dataclass(slots=True)
class _Watched:
    """Calendars that tell how many of them were listed."""

    events: MarkedEvents
    tell: Callable[[int], None]
    _mailboxes: set[str] = field(default_factory=set)

    async def list_marked(self, mailbox: str, first: datetime, last: datetime) -> Sequence[MarkedEvent]:
        """See the port."""
        found = await self.events.list_marked(mailbox, first, last)
        self._mailboxes.add(mailbox)
        self.tell(len(self._mailboxes))
        return found


def _show(report: AuditReport, request: AuditRequest, named: Mapping[str, str], session: Session) -> None:
    shown = report.findings[:MAX_SHOWN]
    rows = [
        (
            each.kind.value,
            each.words,
            *(beside(named.get(one), one) for one in (each.booking_id, each.mailbox)),
        )
        for each in shown
    ]
    session.output.result(report.payload(), make_table(("finding", "what", "booking", "mailbox"), rows))
    note = session.output.note
    counts = ", ".join(f"{count} {kind}" for kind, count in report.counts().items())
    looked = f"{report.mailboxes} mailboxes, {report.listed.rows} bookings, {report.listed.events} events"
    note(f"{looked}: {counts or 'everything as it should be'}.")
    if (found := sum(report.counts().values())) > len(shown):
        note(f"{found - len(shown)} more findings; --json shows up to 500.")
    if report.in_motion:
        note(f"{report.in_motion} findings were left out, because their bookings changed meanwhile.")
    if report.withheld:
        note(f"{report.withheld} repairs were withheld; look first, then add --force.")
    if request.fix:
        note(f"{report.enqueued} bookings queued to be mended.")
