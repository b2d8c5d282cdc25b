"""`booking-sync backfill`: queues every booking that matches."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from booking_sync.bulk.backfill import Checkpoint, Selection
from booking_sync.cli.arguments import read_guid, read_guids, read_moment
from booking_sync.cli.checkpoint import CheckpointFile
from booking_sync.cli.exit_codes import ExitCode
from booking_sync.cli.options import (
    DEFAULT_RATE,
    AuthOption,
    DryRunOption,
    FromOption,
    JsonOption,
    RateOption,
    SettingsOption,
)
from booking_sync.cli.output import make_table
from booking_sync.cli.pace import depth_teller
from booking_sync.cli.runner import CommonOptions, Session, UsageError, run
from booking_sync.sync.sending import Pace
from booking_sync.wiring.commands import open_use_cases
from booking_sync.wiring.services import new_id, now

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from datetime import datetime

    from booking_sync.wiring.commands import UseCases

UntilOption = Annotated[
    str,
    typer.Option("--until", metavar="DATE", help="Bookings that start before (UTC).", show_default=False),
]
ResourceOption = Annotated[
    str,
    typer.Option("--resource", metavar="ID", help="Bookings of this bookable resource.", show_default=False),
]
WorkOrderOption = Annotated[
    list[str] | None,
    typer.Option(
        "--work-order",
        metavar="ID",
        help="Bookings of this work order; may be given several times.",
        show_default=False,
    ),
]
FilterOption = Annotated[
    str,
    typer.Option(
        "--filter",
        metavar="ODATA",
        help='Bookings to which this applies, in the words of the Web API\'s $filter: "duration gt 60".',
        show_default=False,
    ),
]
OnlyBehindOption = Annotated[
    bool,
    typer.Option(
        "--only-behind", help="Leave out bookings whose rows say that their events show them as they are."
    ),
]
CheckpointOption = Annotated[
    Path, typer.Option("--checkpoint", metavar="FILE", help="Where to note how far it has come.")
]
ResumeOption = Annotated[
    bool, typer.Option("--resume", help="Go on with a run that broke off, by its checkpoint.")
]

DEFAULT_CHECKPOINT = Path("booking-sync-backfill.json")
MAX_WORK_ORDERS = 50
"""Each is a part of one request's address."""


@dataclass(frozen=True, slots=True)
class _Options:
    """The options of this command, as they were given."""

    starts_from: str
    until: str
    resource: str
    work_orders: tuple[str, ...]
    condition: str
    only_behind: bool
    rate: float
    file: CheckpointFile
    resume: bool
    dry_run: bool

    @property
    def selects(self) -> bool:
        options = (self.starts_from, self.until, self.resource, self.work_orders, self.condition)
        return self.only_behind or any(options)


def backfill(
    *,
    starts_from: FromOption = "",
    until: UntilOption = "",
    resource: ResourceOption = "",
    work_order: WorkOrderOption = None,
    condition: FilterOption = "",
    only_behind: OnlyBehindOption = False,
    rate: RateOption = DEFAULT_RATE,
    checkpoint: CheckpointOption = DEFAULT_CHECKPOINT,
    resume: ResumeOption = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
    settings: SettingsOption = None,
    auth: AuthOption = None,
) -> None:
    """Queue every booking that matches, for the app to bring in step.

    Messages go to the queue at a bounded rate, and none while it is deep, so that the day's changes are not
    held up. Progress is noted in a file: after Ctrl-C or a failure, --resume goes on there. A booking whose
    event shows it as it is costs the app one read, and Outlook nothing.
    """
    options = _Options(
        starts_from,
        until,
        resource,
        tuple(work_order or ()),
        condition.strip(),
        only_behind,
        rate,
        CheckpointFile(checkpoint),
        resume,
        dry_run,
    )
    run(CommonOptions(settings, auth, as_json), partial(_backfill, options))


async def _backfill(options: _Options, session: Session) -> ExitCode:
    begun = _begun(options)
    chosen = _read_selection(options)
    pace = Pace(options.rate)
    async with open_use_cases(session.environ, session.auth) as use_cases:
        checkpoint = begun or _begin(chosen, use_cases)
        with session.output.progress("Bookings") as advance:
            use_case = use_cases.backfill(lambda each: advance(each.seen, None))
            if options.dry_run:
                done = await use_case.count(checkpoint)
            else:
                sender = use_cases.queues.sender(pace, depth_teller(session, pace))
                done = await _to_its_end(
                    use_case.run(checkpoint, sender, options.file, now), options, session
                )
    _show(done, options, session)
    return ExitCode.FINE


async def _to_its_end(work: Awaitable[Checkpoint], options: _Options, session: Session) -> Checkpoint:
    """Do the work; when anything ends it early, say how to go on."""
    try:
        return await work
    except BaseException:
        if options.file.exists():
            path = options.file.path
            session.output.note(f"Broke off. To go on: booking-sync backfill --resume --checkpoint {path}")
        raise


def _begun(options: _Options) -> Checkpoint | None:
    if options.resume:
        if options.selects:
            raise UsageError(
                "--resume goes on with what the checkpoint says: leave out what selects bookings."
            )
        return options.file.load()
    if options.file.exists() and not options.dry_run:
        raise UsageError(
            f"{options.file.path} tells of a backfill that broke off: go on with --resume, or delete the "
            "file to begin anew."
        )
    options.file.check()
    return None


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The selection as far as the command line tells it."""

    starts_from: datetime | None
    starts_before: datetime | None
    resource_id: str
    work_order_ids: tuple[str, ...]
    condition: str
    only_behind: bool


def _read_selection(options: _Options) -> _Chosen:
    if len(options.work_orders) > MAX_WORK_ORDERS:
        raise UsageError(f"--work-order may be given at most {MAX_WORK_ORDERS} times.")
    chosen = _Chosen(
        read_moment(options.starts_from, "--from") if options.starts_from else None,
        read_moment(options.until, "--until") if options.until else None,
        read_guid(options.resource, "--resource") if options.resource else "",
        read_guids(options.work_orders, "--work-order"),
        options.condition,
        options.only_behind,
    )
    if chosen.starts_from and chosen.starts_before and chosen.starts_before <= chosen.starts_from:
        raise UsageError("--until must be after --from.")
    return chosen


def _begin(chosen: _Chosen, use_cases: UseCases) -> Checkpoint:
    starts_from = chosen.starts_from or use_cases.horizon
    selection = Selection(
        starts_from,
        chosen.starts_before,
        chosen.resource_id,
        chosen.work_order_ids,
        chosen.condition,
        chosen.only_behind,
    )
    return Checkpoint(f"backfill-{new_id()}", selection, starts_from)


def _show(done: Checkpoint, options: _Options, session: Session) -> None:
    data = {
        "seen": done.seen,
        "toQueue" if options.dry_run else "queued": done.queued,
        "from": done.selection.starts_from.isoformat(),
        "correlationId": done.correlation_id,
        "dryRun": options.dry_run,
    }
    columns = ("bookings seen", "to queue" if options.dry_run else "queued")
    session.output.result(data, make_table(columns, [(f"{done.seen:,}", f"{done.queued:,}")]))
    if options.dry_run:
        session.output.note("Nothing was queued (--dry-run).")
