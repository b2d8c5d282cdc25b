"""`booking-sync purge`: removes every event of ours from mailboxes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from booking_sync.bulk.purge import HIDDEN_REASON, MailboxSurvey
from booking_sync.cli.exit_codes import ExitCode
from booking_sync.cli.input.arguments import confirm
from booking_sync.cli.input.naming import Names, beside
from booking_sync.cli.input.options import (
    AuthOption,
    DryRunOption,
    JsonOption,
    MailboxesOption,
    SettingsOption,
    YesOption,
)
from booking_sync.cli.runner import CommonOptions, Session, UsageError, run
from booking_sync.cli.terminal.output import make_table
from booking_sync.errors import SyncError
from booking_sync.wiring.basics import now
from booking_sync.wiring.commands.operating import open_use_cases

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from booking_sync.bulk.purge import Purge, Purged, Survey
    from booking_sync.wiring.commands.operating import UseCases

AllOption = Annotated[
    bool, typer.Option("--all", help="The mailboxes of all resources, and all that any row names.")
]

RECENT = timedelta(minutes=15)
"""The catch-up runs every five minutes unless CATCH_UP_SCHEDULE says otherwise."""


@dataclass(frozen=True, slots=True)
class _Options:
    """The options of this command, as they were given."""

    mailboxes: tuple[str, ...]
    everything: bool
    yes: bool
    dry_run: bool


def purge(
    *,
    mailbox: MailboxesOption = None,
    everything: AllOption = False,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
    settings: SettingsOption = None,
    auth: AuthOption = None,
) -> None:
    """Remove every event that the sync made from mailboxes, and what the rows remember of them.

    Past and future events; only what is provably ours: people's own copies stay, and so do events of other
    organisations. Stop the app first, or disable the person's user in Dynamics 365: an app that runs makes
    the events of bookings that are still wanted anew. May be run again, and completes what was left.
    """
    options = _Options(tuple(mailbox or ()), everything, yes, dry_run)
    run(CommonOptions(settings, auth, as_json), partial(_purge, options))


async def _purge(options: _Options, session: Session) -> ExitCode:
    if bool(options.mailboxes) == options.everything:
        raise UsageError("Say either which --mailbox, or --all.")
    async with open_use_cases(session.environ, session.auth) as use_cases:
        names = Names(use_cases.names, session.output)
        mailboxes = await names.mailboxes(options.mailboxes)
        people = await names.of_mailboxes()
        use_case = use_cases.purge()
        survey = await _survey(use_case, mailboxes, session, "Looking")
        await _warn(survey, use_cases, session)
        if options.dry_run:
            show(survey, [], None, ShownAs(people, options.everything), session)
            session.output.note("Nothing was removed (--dry-run).")
            return ExitCode.FINE
        _ask(survey, options)
        done = await _empty(use_case, survey, session)
        await _end_subscriptions(use_cases, options, session)
        left = await _survey(use_case, mailboxes, session, "Looking again")
    show(survey, done, left, ShownAs(people, options.everything), session)
    return ExitCode.FINE if left.clean else ExitCode.FINDINGS


async def _end_subscriptions(use_cases: UseCases, options: _Options, session: Session) -> None:
    """With all mailboxes nobody is to report any more; what can't be ended ends by itself in some days."""
    if not options.everything:
        return
    try:
        ended = await use_cases.end_subscriptions()
    except SyncError as error:
        session.output.note(f"Graph goes on reporting for up to three days: {error.reason}")
    else:
        if ended:
            session.output.note(f"Graph reports changes of {ended} mailboxes no more.")


async def _survey(use_case: Purge, mailboxes: frozenset[str], session: Session, text: str) -> Survey:
    with session.output.progress(text) as advance:
        return await use_case.survey(mailboxes, advance, lambda rows: advance(rows, None))


async def _empty(use_case: Purge, survey: Survey, session: Session) -> list[Purged]:
    try:
        with session.output.progress("Emptying") as advance:
            return await use_case.carry_out(survey, advance)
    except BaseException:
        session.output.note("Broke off. The same command completes it.")
        raise


async def _warn(survey: Survey, use_cases: UseCases, session: Session) -> None:
    if survey.wanted:
        session.output.note(
            f"{survey.wanted} of these bookings are still wanted: an app that runs makes their events anew, "
            "within minutes. Stop the app first, or disable the person's user in Dynamics 365."
        )
    signs = await _signs_of_life(use_cases)
    if signs:
        session.output.note(f"The app seems to run: {' and '.join(signs)}.")


async def _signs_of_life(use_cases: UseCases) -> list[str]:
    """Signs that the app runs, in words; what can't be asked is no sign."""
    signs = []
    try:
        depth = (await use_cases.queues.inspection.depths()).changes
        if depth:
            signs.append(f"{depth} messages are on the queue")
        last = await use_cases.last_catch_up()
        if last and now() - last < RECENT:
            signs.append(f"its catch-up ran {(now() - last) // timedelta(minutes=1)} minutes ago")
    except SyncError:
        return signs
    return signs


def _ask(survey: Survey, options: _Options) -> None:
    events = sum(each.events for each in survey.mailboxes)
    rows = sum(each.bookings for each in survey.mailboxes)
    if events or rows:
        places = sum(bool(each.events) for each in survey.mailboxes)
        what = f"Remove {events} events from {places} mailboxes, and what {rows} bookings remember"
        confirm(what, yes=options.yes)


@dataclass(frozen=True, slots=True)
class ShownAs:
    """How a result is shown to people."""

    names: Mapping[str, str]
    """By mailbox."""
    summed: bool
    """Many mailboxes: a line for each exception, and one for their sum."""


def show(
    survey: Survey, done: Sequence[Purged], left: Survey | None, shown: ShownAs, session: Session
) -> None:
    """Print what was found, what was removed, and what is left; `left` is None when nothing was removed."""
    latest = left or survey
    purged = {each.mailbox: each for each in done}
    remaining = {each.mailbox: each for each in latest.mailboxes}
    lines = [
        _line(
            each,
            purged.get(each.mailbox),
            remaining.get(each.mailbox, MailboxSurvey(each.mailbox)),
            again=left is not None,
        )
        for each in survey.mailboxes
        if not each.clean or each.copies or each.foreign
    ]
    data = {
        "mailboxes": lines,
        "unreadableBookings": list(latest.unreadable_rows),
        "closedMailboxes": list(latest.closed),
        "clean": latest.clean,
        "dryRun": left is None,
    }
    columns = ("mailbox", "events", "bookings", "removed", "cleared", "left", "copies kept", "problems")
    keys = ("mailbox", "events", "bookings", "eventsRemoved", "bookingsCleared", "left", "copies", "problems")
    told = [line for line in lines if _is_exception(line)] if shown.summed else lines
    rows = [
        (beside(shown.names.get(line["mailbox"]), line["mailbox"]), *(_text(line[key]) for key in keys[1:]))
        for line in told
    ]
    if shown.summed:
        rows.append(_sum(lines, keys))
    session.output.result(data, make_table(columns, rows))
    if latest.unreadable_rows:
        session.output.note(
            f"{len(latest.unreadable_rows)} bookings can't be read completely, so nothing is known of their "
            "events; --json names them."
        )
    if latest.closed:
        session.output.note(
            "Not looked into, since there is no mailbox or it is closed to the app, and no booking to clear "
            f"names it: {len(latest.closed)}; --json says whose."
        )
    if left:
        session.output.note(_closing(done, left))


def _is_exception(line: Mapping[str, Any]) -> bool:
    """Somebody has to look at it: something is left, or was not ours to remove."""
    return bool(line["problems"] or line["left"] or line["copies"] or line["foreign"])


def _sum(lines: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> tuple[str, ...]:
    counted = [[line[key] for line in lines] for key in keys[1:-1]]
    sums = ["" if None in column else f"{sum(column):,}" for column in counted]
    return (f"all {len(lines):,} mailboxes", *sums, str(sum(bool(line["problems"]) for line in lines) or ""))


def _line(found: MailboxSurvey, done: Purged | None, latest: MailboxSurvey, *, again: bool) -> dict[str, Any]:
    problems = list(done.problems) if done else []
    if latest.problem:
        problems.append(f"The calendar could not be listed. {latest.problem}")
    if latest.withheld:
        problems.append(f"{latest.withheld} {HIDDEN_REASON}.")
    return {
        "mailbox": found.mailbox or "(none named)",
        "events": found.events,
        "bookings": found.bookings,
        "stillWanted": found.wanted,
        "eventsRemoved": done.events if done else 0,
        "bookingsCleared": done.rows if done else 0,
        "left": latest.events + latest.bookings if again else None,
        "copies": latest.copies,
        "foreign": latest.foreign,
        "problems": problems,
    }


def _text(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(value)
    return "" if value is None else str(value)


def _closing(done: Sequence[Purged], left: Survey) -> str:
    events, rows = sum(each.events for each in done), sum(each.rows for each in done)
    gone = f"{events:,} events removed, {rows:,} bookings cleared. "
    if left.clean:
        return f"{gone}Looked again: nothing of ours is left."
    return (
        f"{gone}Looked again: something is left, or could not be told; see the table. If the app runs, it "
        "may have made it anew: stop it, and run the command again."
    )
