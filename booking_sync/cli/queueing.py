"""Queues a selection of bookings from the command line, for `backfill`, `resync --all` and `event apply`.

Progress is noted in a file and shown against a total, where Dataverse tells one; what breaks off says how to
go on.
"""

from __future__ import annotations

import shlex
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from booking_sync.bulk.queueing import Checkpoint, Selection
from booking_sync.cli.exit_codes import ExitCode
from booking_sync.cli.input.naming import Names
from booking_sync.cli.input.options import DEFAULT_RATE
from booking_sync.cli.runner import UsageError
from booking_sync.cli.terminal.blame import FILTER, blamed
from booking_sync.cli.terminal.output import make_table
from booking_sync.cli.terminal.pace import depth_teller
from booking_sync.errors import PermanentError
from booking_sync.sync.sending import Pace
from booking_sync.wiring.basics import new_id, now
from booking_sync.wiring.commands.operating import open_use_cases

if TYPE_CHECKING:
    from collections.abc import Sequence

    from booking_sync.cli.checkpoint import CheckpointFile
    from booking_sync.cli.runner import Session
    from booking_sync.wiring.commands.operating import UseCases

CheckpointOption = Annotated[
    Path | None,
    typer.Option(
        "--checkpoint", metavar="FILE", help="Where to note how far it has come.", show_default=False
    ),
]
ResumeOption = Annotated[
    bool, typer.Option("--resume", help="Go on with a run that broke off, by its checkpoint.")
]


@dataclass(frozen=True, slots=True)
class QueueingOptions:
    """How a selection is queued."""

    command: str
    """As people call it, to be told how to go on."""
    mistrusted: bool
    """As in `Selection`: the kind of run that a checkpoint must be of."""
    file: CheckpointFile
    resume: bool
    rate: float
    dry_run: bool


Select = Callable[[datetime, Names], Awaitable[Selection]]
"""What to queue, by when the window begins (aware) and what people call things."""


def begun(options: QueueingOptions, *, selects: bool) -> Checkpoint | None:
    """The run to go on with; None to begin one.

    Args:
        options: as they were given.
        selects: whether the command line selects bookings as well.

    Raises:
        UsageError: these options can't go together, or with the file that is there.
    """
    file = options.file
    if options.resume:
        if selects:
            raise UsageError(
                "--resume goes on with what the checkpoint says: leave out what selects bookings."
            )
        checkpoint = file.load()
        if checkpoint.selection.mistrusted is not options.mistrusted:
            raise UsageError(f"{file.path} is no checkpoint of booking-sync {options.command}.")
        return checkpoint
    if file.exists() and not options.dry_run:
        raise UsageError(
            f"{file.path} tells of a run that broke off: go on with --resume, or delete the file to begin "
            "anew."
        )
    file.check()
    return None


async def queue_selection(
    options: QueueingOptions,
    going_on: Checkpoint | None,
    select: Select,
    session: Session,
) -> ExitCode:
    """Queue every booking of a selection, or say how many there are.

    Args:
        options: how.
        going_on: the run to go on with, from `begun`.
        select: the selection of a new run.
        session: of the command.
    """
    pace = Pace(options.rate)
    async with open_use_cases(session.environ, session.auth) as use_cases:
        names = Names(use_cases.names, session.output)
        checkpoint = going_on or _begin(options, await select(use_cases.horizon, names))
        total = await _total(checkpoint, use_cases, session)
        with session.output.progress("Bookings") as advance:
            advance(checkpoint.seen, total)
            use_case = use_cases.queueing(checkpoint.selection, lambda each: advance(each.seen, total))
            try:
                if options.dry_run:
                    done = await use_case.count(checkpoint)
                else:
                    _announce(total, checkpoint, pace, session)
                    sender = use_cases.queues.sender(pace, depth_teller(session, pace))
                    work = use_case.run(checkpoint, sender, options.file, now)
                    done = await _to_its_end(work, options, session)
            except PermanentError as error:
                raise blamed(error, {FILTER: checkpoint.selection.condition}) from None
    sums = _Sums(total, done.queued - checkpoint.queued, use_cases.removals)
    _show(done, options, sums, session)
    return ExitCode.FINE


def _begin(options: QueueingOptions, selection: Selection) -> Checkpoint:
    name = options.command.partition(" ")[0]
    return Checkpoint(f"{name}-{new_id()}", selection, selection.starts_from)


async def _total(checkpoint: Checkpoint, use_cases: UseCases, session: Session) -> int | None:
    """How many there are, those that are done included; None when nobody can tell just now."""
    with session.output.working("Counting"):
        left = await use_cases.count(checkpoint.remaining())
    return None if left is None else checkpoint.seen + left - len(checkpoint.done_at_position)


def _announce(total: int | None, checkpoint: Checkpoint, pace: Pace, session: Session) -> None:
    if total is None:
        return
    left = max(0, total - checkpoint.seen)
    if checkpoint.selection.only_behind:
        session.output.note(f"{left:,} bookings to compare; those that are behind are queued.")
    else:
        session.output.note(
            f"{left:,} bookings at {pace.per_second:g} a second: {_duration(left, pace)} or more, since the "
            "changes of the day go first."
        )


def _duration(count: int, pace: Pace) -> str:
    return str(timedelta(seconds=round(count / pace.per_second)))


async def _to_its_end(work: Awaitable[Checkpoint], options: QueueingOptions, session: Session) -> Checkpoint:
    """Do the work; when anything ends it early, say how to go on."""
    try:
        return await work
    except BaseException:
        if options.file.exists():
            session.output.note(f"Broke off. To go on: {resume_line(options, session.repeated)}")
        raise


def resume_line(options: QueueingOptions, repeated: Sequence[str]) -> str:
    """The whole command that goes on, to be copied; `repeated` are the options of every command."""
    words = ["booking-sync", *options.command.split(), "--resume", "--checkpoint", str(options.file.path)]
    if options.rate != DEFAULT_RATE:
        words += ["--rate", f"{options.rate:g}"]
    return shlex.join([*words, *repeated])


@dataclass(frozen=True, slots=True)
class _Sums:
    """What a run comes to besides what it noted."""

    total: int | None
    """Bookings in all; None when nobody could tell."""
    fresh: int
    """How many are queued by this run, or would be: without those that the checkpoint tells of."""
    removals: int
    """How many of those that were compared lose their event."""


def _show(done: Checkpoint, options: QueueingOptions, sums: _Sums, session: Session) -> None:
    queued = sums.fresh if options.dry_run else done.queued
    data: dict[str, Any] = {
        "seen": done.seen,
        "total": sums.total,
        "toQueue" if options.dry_run else "queued": queued,
        "from": done.selection.starts_from.isoformat(),
        "correlationId": done.correlation_id,
        "dryRun": options.dry_run,
    }
    columns = ["bookings seen", "of", "to queue" if options.dry_run else "queued"]
    row = [f"{done.seen:,}", "unknown" if sums.total is None else f"{sums.total:,}", f"{queued:,}"]
    if options.dry_run:
        pace = Pace(options.rate)
        data["seconds"] = round(queued / pace.per_second)
        columns.append("takes at least")
        row.append(_duration(queued, pace))
        if done.selection.only_behind:
            data["losingTheirEvent"] = sums.removals
            columns.append("lose their event")
            row.append(f"{sums.removals:,}")
    session.output.result(data, make_table(columns, [row]))
    if options.dry_run:
        session.output.note("Nothing was queued (--dry-run).")
