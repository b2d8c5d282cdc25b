"""`booking-sync adopt`: events of a former sync become ours."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from booking_sync.bulk.adoption import Extension
from booking_sync.cli.exit_codes import ExitCode
from booking_sync.cli.input.arguments import confirm, read_moment
from booking_sync.cli.input.options import (
    AuthOption,
    DryRunOption,
    FromOption,
    JsonOption,
    SettingsOption,
    YesOption,
)
from booking_sync.cli.runner import CommonOptions, Session, UsageError, run
from booking_sync.cli.terminal.blame import blamed
from booking_sync.cli.terminal.output import make_table
from booking_sync.domain.environment.columns import is_logical_name
from booking_sync.errors import PermanentError
from booking_sync.wiring.commands.operating import FormerSync, open_use_cases

if TYPE_CHECKING:
    from booking_sync.bulk.adoption import Adoption, Adoptions

EventColumnOption = Annotated[
    str,
    typer.Option(
        "--event-column",
        metavar="NAME",
        help="Column of the booking that holds the id of its event (logical name).",
        show_default=False,
    ),
]
MailboxColumnOption = Annotated[
    str,
    typer.Option(
        "--mailbox-column",
        metavar="NAME",
        help="Column that says whose calendar the event is in: an Entra object id, or the id of a bookable "
        "resource. Without it, or where it holds anything else, the booking's resource of today is taken.",
        show_default=False,
    ),
]
ExtensionOption = Annotated[
    str,
    typer.Option(
        "--extension",
        metavar="NAME",
        help="Open extension that holds the booking's id on each event; looked for in resources' mailboxes.",
        show_default=False,
    ),
]
FieldOption = Annotated[
    str,
    typer.Option("--extension-field", metavar="NAME", help="The extension's field with the booking's id."),
]

DEFAULT_FIELD = "bookingSyncGuid"


@dataclass(frozen=True, slots=True)
class _Options:
    """The options of this command, as they were given."""

    former: FormerSync
    starts_from: str
    yes: bool
    dry_run: bool


def adopt(
    *,
    event_column: EventColumnOption = "",
    mailbox_column: MailboxColumnOption = "",
    extension: ExtensionOption = "",
    extension_field: FieldOption = DEFAULT_FIELD,
    starts_from: FromOption = "",
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
    settings: SettingsOption = None,
    auth: AuthOption = None,
) -> None:
    """Make the events of a former sync ours, so that nobody gets a second event for a booking.

    Stop the former sync, make the columns with `provision`, adopt, and only then start the app. For each
    booking it looks whether the event exists, marks it and records it on the booking's row; the app then
    updates it in place. Look with --dry-run first. What can't be adopted is told with the reason.
    """
    former = FormerSync(
        event_column, mailbox_column, Extension(extension, extension_field) if extension else None
    )
    run(CommonOptions(settings, auth, as_json), partial(_adopt, _Options(former, starts_from, yes, dry_run)))


async def _adopt(options: _Options, session: Session) -> ExitCode:
    former = options.former
    if not former.event_column and former.extension is None:
        raise UsageError("Say where the former sync noted its events: --event-column, --extension, or both.")
    if former.mailbox_column and not former.event_column:
        raise UsageError("--mailbox-column goes with --event-column.")
    _check_columns(former)
    starts_from = read_moment(options.starts_from, "--from") if options.starts_from else None
    if not options.dry_run:
        confirm("Mark the former sync's events as ours, and record them on their bookings", yes=options.yes)
    async with open_use_cases(session.environ, session.auth) as use_cases:
        adopter = use_cases.adopter(former, dry_run=options.dry_run)
        try:
            with session.output.progress("Bookings") as advance:
                done = await adopter.run(starts_from or use_cases.horizon, advance)
        except PermanentError as error:
            named = {"--event-column": former.event_column, "--mailbox-column": former.mailbox_column}
            raise blamed(error, named) from None
    _show(done, options, session)
    return ExitCode.FINE if done.complete else ExitCode.FINDINGS


def _check_columns(former: FormerSync) -> None:
    for name in filter(None, (former.event_column, former.mailbox_column)):
        if not is_logical_name(name):
            raise UsageError(f"{name!r} is no column's logical name, such as new_outlookeventid.")


def _show(done: Adoptions, options: _Options, session: Session) -> None:
    removed = [each.booking_id for each in done.adoptions if each.removed_next]
    data = {
        "counts": done.counts(),
        "removedNext": removed,
        "bookings": [_describe(each) for each in done.adoptions],
        "problems": list(done.problems),
        "complete": done.complete,
        "dryRun": options.dry_run,
    }
    rows = [
        (each.fate.value, each.booking_id, each.detail, _others(each))
        for each in done.adoptions
        if not each.settled
    ]
    session.output.result(data, make_table(("booking's event", "booking", "why", "events that stay"), rows))
    note = session.output.note
    for problem in done.problems:
        note(problem)
    counts = ", ".join(f"{count} {fate}" for fate, count in done.counts().items())
    note(f"{len(done.adoptions)} bookings with a former event{': ' if counts else ''}{counts}.")
    if removed:
        note(f"{len(removed)} of them should not show (canceled, inactive, …): the app removes their events.")
    if options.dry_run:
        note("Nothing was changed (--dry-run).")


def _describe(adoption: Adoption) -> dict[str, Any]:
    event = adoption.event
    return {
        "booking": adoption.booking_id,
        "fate": adoption.fate.value,
        "detail": adoption.detail,
        "mailbox": event.mailbox if event else "",
        "eventId": event.event_id if event else "",
        "otherEvents": [{"mailbox": each.mailbox, "eventId": each.event_id} for each in adoption.others],
        "removedNext": adoption.removed_next,
    }


def _others(adoption: Adoption) -> str:
    return ", ".join(f"{each.event_id} in {each.mailbox}" for each in adoption.others)
