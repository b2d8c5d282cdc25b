"""`booking-sync backfill`: queues every booking that matches."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from booking_sync.bulk.queueing import Selection
from booking_sync.cli.checkpoint import CheckpointFile
from booking_sync.cli.input.arguments import read_guids, read_moment
from booking_sync.cli.input.naming import RESOURCE_HELP, Names
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
    Select,
    begun,
    queue_selection,
)
from booking_sync.cli.runner import CommonOptions, Session, UsageError, run

if TYPE_CHECKING:
    from datetime import datetime

    from booking_sync.cli.exit_codes import ExitCode

UntilOption = Annotated[
    str,
    typer.Option("--until", metavar="DATE", help="Bookings that start before (UTC).", show_default=False),
]
ResourceOption = Annotated[
    str,
    typer.Option(
        "--resource",
        metavar="WHO",
        help=f"Bookings of this bookable resource: {RESOURCE_HELP}.",
        show_default=False,
    ),
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

DEFAULT_CHECKPOINT = Path("booking-sync-backfill.json")
MAX_WORK_ORDERS = 50
"""Each is a part of one request's address."""


def backfill(
    *,
    starts_from: FromOption = "",
    until: UntilOption = "",
    resource: ResourceOption = "",
    work_order: WorkOrderOption = None,
    condition: FilterOption = "",
    only_behind: OnlyBehindOption = False,
    rate: RateOption = DEFAULT_RATE,
    checkpoint: CheckpointOption = None,
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
    given = _Given(starts_from, until, resource, tuple(work_order or ()), condition.strip(), only_behind)
    options = QueueingOptions(
        "backfill",
        mistrusted=False,
        file=CheckpointFile(checkpoint or DEFAULT_CHECKPOINT),
        resume=resume,
        rate=rate,
        dry_run=dry_run,
    )

    run(CommonOptions(settings, auth, as_json), partial(_backfill, given, options))


async def _backfill(given: _Given, options: QueueingOptions, session: Session) -> ExitCode:
    going_on = begun(options, selects=given.anything)
    return await queue_selection(options, going_on, _read(given), session)


@dataclass(frozen=True, slots=True)
class _Given:
    """What selects bookings, as it was given."""

    starts_from: str
    until: str
    resource: str
    work_orders: tuple[str, ...]
    condition: str
    only_behind: bool

    @property
    def anything(self) -> bool:
        """Whether anything was."""
        options = (self.starts_from, self.until, self.resource, self.work_orders, self.condition)
        return self.only_behind or any(options)


def _read(given: _Given) -> Select:
    """The selection, once it can be asked who is meant.

    Raises:
        UsageError: an option makes no sense.
    """
    if len(given.work_orders) > MAX_WORK_ORDERS:
        raise UsageError(f"--work-order may be given at most {MAX_WORK_ORDERS} times.")
    starts_from = read_moment(given.starts_from, "--from") if given.starts_from else None
    starts_before = read_moment(given.until, "--until") if given.until else None
    work_order_ids = read_guids(given.work_orders, "--work-order")
    if starts_from and starts_before and starts_before <= starts_from:
        raise UsageError("--until must be after --from.")

    async def select(horizon: datetime, names: Names) -> Selection:
        first = starts_from or horizon
        resource_id = await names.resource(given.resource) if given.resource else ""
        return Selection(
            first, starts_before, resource_id, work_order_ids, given.condition, given.only_behind
        )

    return select
