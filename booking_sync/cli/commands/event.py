"""`booking-sync event …`: checks the event file, shows what it makes of bookings, has events rewritten."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group
from rich.text import Text

from booking_sync.azure.entra.sign_in import SignIn
from booking_sync.bulk.queueing import Selection
from booking_sync.cli.checkpoint import CheckpointFile
from booking_sync.cli.exit_codes import ExitCode
from booking_sync.cli.input.naming import BOOKING_HELP, Names
from booking_sync.cli.input.options import (
    DEFAULT_RATE,
    AuthOption,
    DryRunOption,
    JsonOption,
    MailboxesOption,
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
from booking_sync.cli.terminal.tables import PlainTable
from booking_sync.domain.bookings.reader import Reader
from booking_sync.domain.events.event_text.words import read_tag
from booking_sync.domain.events.zones import zone_of
from booking_sync.preview.look import look
from booking_sync.preview.page import page
from booking_sync.preview.text import as_json as preview_json
from booking_sync.preview.text import lines, reader_text
from booking_sync.wiring.commands.events import check_event_file, open_colouring, open_preview

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from rich.console import RenderableType

    from booking_sync.bulk.colouring import Coloured
    from booking_sync.event_file.report import EventFileReport
    from booking_sync.preview.look import Preview

BookingsArgument = Annotated[
    list[str],
    typer.Argument(metavar="BOOKING...", help=f"Which bookings, each by {BOOKING_HELP}."),
]
HtmlOption = Annotated[
    Path | None,
    typer.Option(
        "--html",
        metavar="FILE",
        help="Write a page for a browser too, in light and dark. It holds what the events hold.",
        show_default=False,
    ),
]
LanguageOption = Annotated[
    str,
    typer.Option(
        "--language",
        metavar="TAG",
        help="Show them as to somebody who reads this language, such as fi.",
        show_default=False,
    ),
]
ZoneOption = Annotated[
    str,
    typer.Option(
        "--zone",
        metavar="NAME",
        help="Show them as to somebody in this time zone, such as Europe/Helsinki.",
        show_default=False,
    ),
]
DEFAULT_CHECKPOINT = Path("booking-sync-event.json")

app = typer.Typer(
    name="event",
    help="What events say: check the event file, look at its events, have them rewritten.",
    no_args_is_help=True,
)


@app.command()
def check(*, as_json: JsonOption = False, settings: SettingsOption = None, auth: AuthOption = None) -> None:
    """Check the event file against the tables and columns of the environment; nothing is changed.

    Each mistake is told with its line and with what may be meant. By default it signs in as you (--auth cli).
    """
    run(CommonOptions(settings, auth, as_json), _check, default_auth=SignIn.CLI)


async def _check(session: Session) -> ExitCode:
    with session.output.working("Dataverse"):
        report = await check_event_file(session.environ, session.auth)
    problems = [(str(each),) for each in (*report.problems, *report.idle)]
    shown = make_table(("to be mended",), problems) if problems else _contents(report)
    session.output.result(report.as_json(), shown)
    for note in report.language_notes():
        session.output.note(note)
    session.output.note(report.verdict)
    return ExitCode.FINE if report.faultless else ExitCode.FINDINGS


def _contents(report: EventFileReport) -> RenderableType:
    columns = make_table(("name", "column", "holds", "a change shows"), report.rows())
    if not report.rules:
        return columns
    return Group(columns, Text(), make_table(("rule", "fits when", "says"), report.rule_rows()))


@app.command()
def preview(
    bookings: BookingsArgument,
    *,
    html: HtmlOption = None,
    language: LanguageOption = "",
    zone: ZoneOption = "",
    as_json: JsonOption = False,
    settings: SettingsOption = None,
    auth: AuthOption = None,
) -> None:
    """Show bookings as their events would look by the event file that is here; nothing is changed.

    Where the file takes language or zone from readers, they are shown as to those whose calendars they are
    in; with --language or --zone as to somebody who reads that.
    """
    run(CommonOptions(settings, auth, as_json), partial(_preview, bookings, html, (language, zone)))


def _reader(language: str, zone: str) -> Reader | None:
    """Raises UsageError for what nobody can have chosen."""
    if not language and not zone:
        return None
    tag = read_tag(language)
    if language and not tag:
        raise UsageError(f"--language takes a language's tag, such as de or pt-BR, and not {language!r}.")
    if zone and zone_of(zone) is None:
        raise UsageError(f"--zone takes a zone's IANA or Windows name, and not {zone!r}.")
    return Reader(tag, zone)


async def _preview(
    bookings: Sequence[str], html: Path | None, reader: tuple[str, str], session: Session
) -> ExitCode:
    async with open_preview(session.environ, session.auth, _reader(*reader)) as task:
        ids = await Names(task.names, session.output).bookings(bookings)
        with session.output.working("Dataverse"):
            previews = await look(task.sources, ids)
    if html is not None:
        _write(html, page(previews, task.sources.colours))
        session.output.note(f"Written to {html}: open it in a browser.")
    session.output.result([preview_json(each) for each in previews], _show(previews))
    return ExitCode.FINE if all(each.content for each in previews) else ExitCode.FINDINGS


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"The file {path} can't be written: {error.strerror}.") from None


def _show(previews: Sequence[Preview]) -> RenderableType:
    """One table per booking, without what a terminal would obey: texts are anybody's."""
    shown: list[RenderableType] = []
    for each in previews:
        rows = lines(each.content, each.rules) if each.content else [("no event", each.reason)]
        reader = [("reader", reader_text(each.reader))] if each.reader else []
        table = PlainTable(("", ""), [("booking", each.booking_id), *reader, *rows], header=False)
        shown += [table, Text()]
    return Group(*shown)


@app.command()
def colours(
    *,
    mailbox: MailboxesOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
    settings: SettingsOption = None,
    auth: AuthOption = None,
) -> None:
    """Add the event file's categories, with their colours, to the technicians' own lists of categories.

    A category that a list has already keeps the colour that it has there. The nightly audit does the same:
    this is for whoever does not want to wait, or wants to know why nothing comes of it.
    """
    run(CommonOptions(settings, auth, as_json), partial(_colours, tuple(mailbox or ()), dry_run))


async def _colours(mailboxes: Sequence[str], dry_run: bool, session: Session) -> ExitCode:  # noqa: FBT001 - bound by the command
    async with open_colouring(session.environ, session.auth) as task:
        if not task.colours:
            session.output.result([], Text())
            session.output.note("The event file has no [categories]: there is nothing to colour.")
            return ExitCode.FINE
        wanted = await Names(task.names, session.output).mailboxes(mailboxes) or task.mailboxes
        with session.output.progress("Categories") as advance:
            done = await task.colouring.see_to(wanted, dry_run=dry_run, advance=advance)
    session.output.result([_coloured_json(each) for each in done], _coloured_table(done))
    made = sum(len(each.made) for each in done)
    failed = [each for each in done if each.problem]
    session.output.note(
        f"{made} categories {'are missing' if dry_run else 'added'} in {len(done)} mailboxes."
    )
    if failed:
        session.output.note(f"Not all could be seen to in {len(failed)} of them: {failed[0].problem}")
    return ExitCode.FINDINGS if failed else ExitCode.FINE


def _coloured_json(done: Coloured) -> dict[str, object]:
    return {"mailbox": done.mailbox, "made": list(done.made), "problem": done.problem, "denied": done.denied}


def _coloured_table(done: Sequence[Coloured]) -> RenderableType:
    rows = [(each.mailbox, ", ".join(each.made), each.problem) for each in done if each.made or each.problem]
    return make_table(("mailbox", "categories", "problem"), rows)


@app.command()
def apply(
    *,
    rate: RateOption = DEFAULT_RATE,
    checkpoint: CheckpointOption = None,
    resume: ResumeOption = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
    settings: SettingsOption = None,
    auth: AuthOption = None,
) -> None:
    """Have the events rewritten that would look otherwise by the event file that is here.

    For a change of the file, once the app with it is published. Bookings of the window are compared with
    what their rows remember; those that differ are queued at a bounded rate, and none while the queue is
    deep. What people wrote into a body stays where the body does not change. Progress is noted in a file:
    after Ctrl-C or a failure, --resume goes on there.
    """
    options = QueueingOptions(
        "event apply",
        mistrusted=False,
        file=CheckpointFile(checkpoint or DEFAULT_CHECKPOINT),
        resume=resume,
        rate=rate,
        dry_run=dry_run,
    )
    run(CommonOptions(settings, auth, as_json), partial(_apply, options))


async def _apply(options: QueueingOptions, session: Session) -> ExitCode:
    async def select(horizon: datetime, _names: Names) -> Selection:
        return Selection(horizon, only_behind=True)

    return await queue_selection(options, begun(options, selects=False), select, session)
