"""`booking-sync poison …`: lists, shows, replays and deletes dead letters."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from booking_sync.cli.exit_codes import ExitCode
from booking_sync.cli.input.arguments import confirm
from booking_sync.cli.input.options import DryRunOption, JsonOption, SettingsOption, YesOption
from booking_sync.cli.runner import CommonOptions, Session, UsageError, run
from booking_sync.cli.terminal.output import make_table
from booking_sync.domain.ids import read_moment
from booking_sync.domain.messages.audit_message import encode_audit
from booking_sync.domain.messages.audit_progress import AuditProgress
from booking_sync.domain.messages.change import BookingChange, RelatedChange, encode_change, encode_related
from booking_sync.domain.return_path.messages import MailboxSweep, OutlookChange, encode_outlook
from booking_sync.domain.text import clean_lines
from booking_sync.errors import PermanentError, TransientError
from booking_sync.operations.dead_letters import read_dead_letter
from booking_sync.wiring.commands.operating import open_queues

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Sequence

    from booking_sync.operations.dead_letters import DeadLetter
    from booking_sync.operations.operator_actions import Dropped, OperatorActions, Replayed
    from booking_sync.ports.platform.queues import PoisonMessage

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="Of the message, as `list` shows it.")]
IdsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="ID...", help="Of messages, as `list` shows them.", show_default=False),
]
AllOption = Annotated[bool, typer.Option("--all", help="All messages.")]

HOST_REASON = "The Functions host gave it up after five deliveries; the app's log says what happened."
UNREADABLE = "No message of this app: it can't be tried again, only dropped."
MAX_TEXT = 4000

app = typer.Typer(
    name="poison",
    help="Messages that were given up: look at them, try them again, drop them.",
    no_args_is_help=True,
)


@dataclass(frozen=True, slots=True)
class _Options:
    """The options of this command, as they were given."""

    ids: tuple[str, ...]
    everything: bool
    dry_run: bool
    yes: bool = False

    @property
    def wanted(self) -> frozenset[str] | None:
        """The ids; None for all.

        Raises:
            UsageError: neither was said, or both.
        """
        if bool(self.ids) == self.everything:
            raise UsageError("Say either which IDs, or --all.")
        return None if self.everything else frozenset(self.ids)


@app.command("list")
def list_(*, as_json: JsonOption = False, settings: SettingsOption = None) -> None:
    """List the messages with the reasons why they were given up; exit code 1 when there are any."""
    run(CommonOptions(settings, None, as_json), _list)


@app.command()
def show(message: IdArgument, *, as_json: JsonOption = False, settings: SettingsOption = None) -> None:
    """Show one message with all that it holds."""
    run(CommonOptions(settings, None, as_json), partial(_show_one, message))


@app.command()
def replay(
    messages: IdsArgument = None,
    *,
    everything: AllOption = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
    settings: SettingsOption = None,
) -> None:
    """Put messages back on the change queue, as if they came in now.

    Each is queued first and taken off the poison queue then, so none is lost; one that is queued twice costs
    a read. The app believes nothing that is recorded of these bookings' events, and writes them again.
    """
    options = _Options(tuple(messages or ()), everything, dry_run)
    run(CommonOptions(settings, None, as_json), partial(_replay, options))


@app.command()
def drop(
    messages: IdsArgument = None,
    *,
    everything: AllOption = False,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
    settings: SettingsOption = None,
) -> None:
    """Delete messages for good; asks first.

    What a dropped message would have done, the audit finds within the time that it looks at.
    """
    options = _Options(tuple(messages or ()), everything, dry_run, yes)
    run(CommonOptions(settings, None, as_json), partial(_drop, options))


async def _list(session: Session) -> ExitCode:
    async with open_queues(session.environ) as queues:
        dead_letters = await _look(queues.actions(), None)
    _print_dead_letters(dead_letters, session, {})
    if not dead_letters:
        session.output.note("No messages were given up.")
    return ExitCode.FINDINGS if dead_letters else ExitCode.FINE


async def _show_one(message_id: str, session: Session) -> ExitCode:
    async with open_queues(session.environ) as queues:
        seen = await queues.actions().look(frozenset({message_id}))
    if not seen.messages:
        if seen.problem:
            raise TransientError(seen.problem)
        raise PermanentError(
            f"There is no message {message_id} on the poison queue, or it is in work just now."
        )
    (message,) = seen.messages
    dead_letter = read_dead_letter(message)
    data = {**_describe(dead_letter), "message": _content(dead_letter, message)}
    rows = [(name, str(value)) for name, value in data.items() if name != "message" and value != ""]
    rows.append(("message", json.dumps(data["message"], indent=2, ensure_ascii=False)))
    session.output.result(data, make_table(("", ""), rows))
    return ExitCode.FINE


async def _replay(options: _Options, session: Session) -> ExitCode:
    wanted = options.wanted
    async with open_queues(session.environ) as queues:
        actions = queues.actions()
        if options.dry_run:
            return await _only_look(actions, wanted, session)
        ids, last = await _until_none_is_left(actions.replay, wanted)
    data = {"replayed": len(ids), "ids": sorted(ids), "unreadable": last.unreadable, "dryRun": False}
    columns = ("replayed", "left, being no message of this app")
    session.output.result(data, make_table(columns, [(str(len(ids)), str(last.unreadable))]))
    return _end(wanted, ids, last.problem, session, unreadable=last.unreadable)


async def _drop(options: _Options, session: Session) -> ExitCode:
    wanted = options.wanted
    async with open_queues(session.environ) as queues:
        actions = queues.actions()
        if options.dry_run:
            return await _only_look(actions, wanted, session)
        count = (await queues.inspection.depths()).poison if wanted is None else len(wanted)
        if count:
            confirm(f"Delete {count} messages for good", yes=options.yes)
        ids, last = await _until_none_is_left(actions.drop, wanted)
    data = {"dropped": len(ids), "ids": sorted(ids), "dryRun": False}
    session.output.result(data, make_table(("dropped",), [(str(len(ids)),)]))
    return _end(wanted, ids, last.problem, session)


async def _until_none_is_left(
    action: Callable[[frozenset[str] | None, datetime], Awaitable[Replayed | Dropped]],
    wanted: frozenset[str] | None,
) -> tuple[set[str], Any]:
    """Repeat an action until nothing is left of what is there now: a call handles some hundred at most.

    Returns:
        The message ids of all that was done, and how the last call ended.
    """
    ids: set[str] = set()
    since = datetime.now(UTC)
    while True:
        done = await action(wanted, since)
        fresh = done.ids - ids
        ids |= fresh
        if done.problem or not fresh or wanted is not None:
            return ids, done


async def _only_look(actions: OperatorActions, wanted: frozenset[str] | None, session: Session) -> ExitCode:
    dead_letters = await _look(actions, wanted)
    _print_dead_letters(dead_letters, session, {"dryRun": True})
    session.output.note("Nothing was done (--dry-run).")
    return _end(wanted, {each.message_id for each in dead_letters}, "", session)


async def _look(actions: OperatorActions, wanted: frozenset[str] | None) -> list[DeadLetter]:
    seen = await actions.look(wanted)
    if seen.problem:
        raise TransientError(seen.problem)
    return [read_dead_letter(each) for each in seen.messages]


def _end(
    wanted: frozenset[str] | None,
    done: Collection[str],
    problem: str,
    session: Session,
    *,
    unreadable: int = 0,
) -> ExitCode:
    if problem:
        raise TransientError(f"Not all was done. {problem}")
    missing = sorted((wanted or frozenset()) - frozenset(done))
    if unreadable:
        session.output.error(f"{unreadable} left. {UNREADABLE}")
    elif missing:
        session.output.error(f"Not on the poison queue, or in work just now: {', '.join(missing)}")
    return ExitCode.FINDINGS if missing or unreadable else ExitCode.FINE


def _print_dead_letters(dead_letters: Sequence[DeadLetter], session: Session, more: dict[str, Any]) -> None:
    described = [_describe(each) for each in dead_letters]
    rows = [
        (
            each["id"],
            _minute(each["deadLetteredAt"]),
            _minute(each["expires"]) or "never",
            each["booking"] or each["about"],
            each["reason"],
        )
        for each in described
    ]
    columns = ("message", "given up", "expires", "booking", "reason")
    session.output.result({"messages": described, **more}, make_table(columns, rows))


def _minute(moment: str) -> str:
    """When, short enough for a table; what is no time stays as it is."""
    read = read_moment(moment)
    return f"{read:%Y-%m-%d %H:%M} UTC" if read else moment


def _describe(dead_letter: DeadLetter) -> dict[str, Any]:
    change = dead_letter.change
    return {
        "id": dead_letter.message_id,
        "reason": dead_letter.reason or (HOST_REASON if change else UNREADABLE),
        "deadLetteredAt": dead_letter.dead_lettered_at,
        "came": dead_letter.came.isoformat() if dead_letter.came else "",
        "expires": dead_letter.expires.isoformat() if dead_letter.expires else "",
        "booking": dead_letter.booking_id,
        "about": dead_letter.about,
        "replayable": change is not None,
    }


def _content(dead_letter: DeadLetter, message: PoisonMessage) -> Any:
    """The message as the app reads it; what it can't read is shown as the text that it is."""
    match dead_letter.change:
        case BookingChange():
            return json.loads(encode_change(dead_letter.change))
        case RelatedChange():
            return json.loads(encode_related(dead_letter.change))
        case AuditProgress():
            return json.loads(encode_audit(dead_letter.change))
        case OutlookChange() | MailboxSweep():
            return json.loads(encode_outlook(dead_letter.change))
        case None:
            return clean_lines(message.text, MAX_TEXT)
