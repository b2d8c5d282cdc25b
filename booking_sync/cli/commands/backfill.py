"""`booking-sync backfill`: every booking that matches, through the queue."""

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
from booking_sync.cli.runner import Request, Session, UsageError, run
from booking_sync.sync.sending import Pace
from booking_sync.wiring.ambient import new_id, now
from booking_sync.wiring.commands import open_console

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from datetime import datetime

    from booking_sync.wiring.commands import Console

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
class _Order:
    """What the command line asks for."""

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
        given = (self.starts_from, self.until, self.resource, self.work_orders, self.condition)
        return self.only_behind or any(given)


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
    order = _Order(
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
    run(Request(settings, auth, as_json), partial(_backfill, order))


async def _backfill(order: _Order, session: Session) -> ExitCode:
    begun = _begun(order)
    chosen = _read_selection(order)
    pace = Pace(order.rate)
    async with open_console(session.environ, session.auth) as console:
        checkpoint = begun or _begin(chosen, console)
        with session.output.progress("Bookings") as advance:
            use_case = console.backfill(lambda each: advance(each.seen, None))
            if order.dry_run:
                done = await use_case.count(checkpoint)
            else:
                sender = console.queues.sender(pace, depth_teller(session, pace))
                done = await _to_its_end(use_case.run(checkpoint, sender, order.file, now), order, session)
    _show(done, order, session)
    return ExitCode.FINE


async def _to_its_end(work: Awaitable[Checkpoint], order: _Order, session: Session) -> Checkpoint:
    """Do it; whatever ends it early, say how to go on."""
    try:
        return await work
    except BaseException:
        if order.file.exists():
            path = order.file.path
            session.output.note(f"Broke off. To go on: booking-sync backfill --resume --checkpoint {path}")
        raise


def _begun(order: _Order) -> Checkpoint | None:
    if order.resume:
        if order.selects:
            raise UsageError(
                "--resume goes on with what the checkpoint says: leave out what selects bookings."
            )
        return order.file.load()
    if order.file.exists() and not order.dry_run:
        raise UsageError(
            f"{order.file.path} tells of a backfill that broke off: go on with --resume, or delete the file "
            "to begin anew."
        )
    order.file.check()
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


def _read_selection(order: _Order) -> _Chosen:
    if len(order.work_orders) > MAX_WORK_ORDERS:
        raise UsageError(f"--work-order may be given at most {MAX_WORK_ORDERS} times.")
    chosen = _Chosen(
        read_moment(order.starts_from, "--from") if order.starts_from else None,
        read_moment(order.until, "--until") if order.until else None,
        read_guid(order.resource, "--resource") if order.resource else "",
        read_guids(order.work_orders, "--work-order"),
        order.condition,
        order.only_behind,
    )
    if chosen.starts_from and chosen.starts_before and chosen.starts_before <= chosen.starts_from:
        raise UsageError("--until must be after --from.")
    return chosen


def _begin(chosen: _Chosen, console: Console) -> Checkpoint:
    starts_from = chosen.starts_from or console.horizon
    selection = Selection(
        starts_from,
        chosen.starts_before,
        chosen.resource_id,
        chosen.work_order_ids,
        chosen.condition,
        chosen.only_behind,
    )
    return Checkpoint(f"backfill-{new_id()}", selection, starts_from)


def _show(done: Checkpoint, order: _Order, session: Session) -> None:
    data = {
        "seen": done.seen,
        "toQueue" if order.dry_run else "queued": done.queued,
        "from": done.selection.starts_from.isoformat(),
        "correlationId": done.correlation_id,
        "dryRun": order.dry_run,
    }
    columns = ("bookings seen", "to queue" if order.dry_run else "queued")
    session.output.result(data, make_table(columns, [(f"{done.seen:,}", f"{done.queued:,}")]))
    if order.dry_run:
        session.output.note("Nothing was queued (--dry-run).")
