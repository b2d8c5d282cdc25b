"""`booking-sync resync`: has bookings written again, some or all, whatever their records say."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from booking_sync.bulk.queueing import Selection
from booking_sync.cli.checkpoint import CheckpointFile
from booking_sync.cli.exit_codes import ExitCode
from booking_sync.cli.input.arguments import read_moment
from booking_sync.cli.input.naming import BOOKING_HELP, MAILBOX_HELP, Names, beside
from booking_sync.cli.input.options import (
    DEFAULT_RATE,
    AuthOption,
    DryRunOption,
    FromOption,
    JsonOption,
    RateOption,
    SettingsOption,
)
from booking_sync.cli.queueing import (
    CheckpointOption,
    QueueingOptions,
    ResumeOption,
    begun,
    queue_selection,
)
from booking_sync.cli.runner import CommonOptions, Session, UsageError, run
from booking_sync.cli.terminal.output import make_table
from booking_sync.cli.terminal.pace import depth_teller
from booking_sync.sync.sending import Pace
from booking_sync.wiring.basics import new_id, now
from booking_sync.wiring.commands.operating import open_use_cases

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from booking_sync.bulk.resync import Chosen

BookingsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="BOOKING...", help=f"Bookings, each by {BOOKING_HELP}.", show_default=False),
]
MailboxOption = Annotated[
    str,
    typer.Option(
        "--mailbox",
        metavar="WHO",
        help="All bookings whose events are recorded in this mailbox, or whose resource is its user: "
        f"{MAILBOX_HELP}.",
        show_default=False,
    ),
]


AllOption = Annotated[
    bool,
    typer.Option(
        "--all",
        help="Every booking from AUDIT_DAYS_BACK days ago on, at a bounded rate: Dynamics 365 was restored "
        "to an earlier time, or a template or the time zone was changed.",
    ),
]

DEFAULT_CHECKPOINT = Path("booking-sync-resync.json")


@dataclass(frozen=True, slots=True)
class _Options:
    """The options of this command, as they were given."""

    bookings: tuple[str, ...]
    mailbox: str
    everything: bool
    starts_from: str
    rate: float
    checkpoint: Path | None
    resume: bool
    dry_run: bool


def resync(
    bookings: BookingsArgument = None,
    *,
    mailbox: MailboxOption = "",
    everything: AllOption = False,
    starts_from: FromOption = "",
    rate: RateOption = DEFAULT_RATE,
    checkpoint: CheckpointOption = None,
    resume: ResumeOption = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
    settings: SettingsOption = None,
    auth: AuthOption = None,
) -> None:
    """Have bookings written again, whatever their records say.

    For events that somebody changed in Outlook, a mailbox that was restored or moved, and with --all for a
    Dynamics 365 that was restored, or a template or zone that was changed. The app believes nothing that is
    recorded of their content: it writes each event, and looks for events that an earlier try may have left.
    With --all progress is noted in a file: after Ctrl-C or a failure, --resume goes on there.
    """
    options = _Options(
        tuple(bookings or ()), mailbox, everything, starts_from, rate, checkpoint, resume, dry_run
    )
    run(CommonOptions(settings, auth, as_json), partial(_resync_all if everything else _resync, options))


async def _resync_all(options: _Options, session: Session) -> ExitCode:
    if options.bookings or options.mailbox:
        raise UsageError("--all goes with neither BOOKINGs nor --mailbox.")
    queueing = QueueingOptions(
        "resync --all",
        mistrusted=True,
        file=CheckpointFile(options.checkpoint or DEFAULT_CHECKPOINT),
        resume=options.resume,
        rate=options.rate,
        dry_run=options.dry_run,
    )
    going_on = begun(queueing, selects=bool(options.starts_from))
    given = read_moment(options.starts_from, "--from") if options.starts_from else None

    async def select(horizon: datetime, _names: Names) -> Selection:
        return Selection(given or horizon, mistrusted=True)

    return await queue_selection(queueing, going_on, select, session)


async def _resync(options: _Options, session: Session) -> ExitCode:
    if bool(options.bookings) == bool(options.mailbox):
        raise UsageError("Say either which BOOKINGs, or whose --mailbox, or --all.")
    if options.starts_from and not options.mailbox:
        raise UsageError("--from goes with --mailbox or --all.")
    if options.resume or options.checkpoint:
        raise UsageError("--resume and --checkpoint go with --all.")
    correlation_id = f"resync-{new_id()}"
    pace = Pace(options.rate)
    starts_from = read_moment(options.starts_from, "--from") if options.starts_from else None
    async with open_use_cases(session.environ, session.auth) as use_cases:
        names = Names(use_cases.names, session.output)
        ids = await names.bookings(options.bookings)
        mailbox = await names.mailbox(options.mailbox) if options.mailbox else ""
        with session.output.working("Dataverse"):
            use_case = use_cases.resync()
            chosen = (
                await use_case.by_mailbox(mailbox, starts_from or use_cases.horizon)
                if mailbox
                else await use_case.by_id(ids)
            )
        if not options.dry_run:
            with session.output.counting("Bookings", len(chosen.booking_ids)) as advance:
                sender = use_cases.queues.sender(pace, depth_teller(session, pace))
                await use_case.queue(chosen, sender, correlation_id, now, advance)
        named = await names.of_bookings(chosen.booking_ids) if ids else {}
    _show(chosen, options, correlation_id, named, session)
    return ExitCode.FINDINGS if chosen.missing else ExitCode.FINE


def _show(
    chosen: Chosen, options: _Options, correlation_id: str, named: Mapping[str, str], session: Session
) -> None:
    count = len(chosen.booking_ids)
    data = {
        "bookings": list(chosen.booking_ids),
        "toQueue" if options.dry_run else "queued": count,
        "missing": list(chosen.missing),
        "correlationId": correlation_id,
        "dryRun": options.dry_run,
    }
    done = "to queue" if options.dry_run else "queued"
    rows = [(done, beside(named[each], each)) for each in chosen.booking_ids if each in named]
    rows += [(done, str(count))] if count != len(rows) or not rows else []
    rows += [("no such booking", each) for each in chosen.missing]
    session.output.result(data, make_table(("bookings", ""), rows))
    if chosen.unreadable:
        session.output.note(f"{chosen.unreadable} of them can't be read completely; their rows will say why.")
    if options.dry_run:
        session.output.note("Nothing was queued (--dry-run).")
