"""Commands for a stack that runs: what people would do in Dynamics 365, Outlook and the Azure portal.

Each command finds its stack by the folder that `python -m local start --folder` was given. People are named
by any part of their name that is theirs alone. Times are shown in the sample company's zone.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from zoneinfo import ZoneInfo

import aiohttp

from local.day.world import TIME_ZONE, bind_resource, times
from local.stack.control import ControlError, DataverseControl, GraphControl, QueueControl

if TYPE_CHECKING:
    import argparse
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    Row = Mapping[str, Any]

BOOKINGS = "bookableresourcebookings"
SETTINGS_FILE = "settings.json"
STOPPED_FILE = "app-stopped"
"""While it lies in the stack's folder, the stack keeps the app stopped."""
POLL_SECONDS = 0.2
PATIENCE_SECONDS = 120.0
QUIET_POLLS = 3
"""A webhook that was delivered may not be on the queue yet, so one look is not enough."""


class NoSuchThingError(RuntimeError):
    """What was named does not exist, or is not the only one of that name; the text says which."""


@dataclass(frozen=True)
class Person:
    """Somebody who can be booked."""

    resource_id: str
    name: str
    mailbox: str
    """Entra object id."""


@dataclass(frozen=True)
class RunningStack:
    """The control planes of a stack that runs."""

    dataverse: DataverseControl
    graph: GraphControl
    queue: QueueControl
    folder: Path

    @classmethod
    def of(cls, folder: Path, session: aiohttp.ClientSession, settings: Mapping[str, str]) -> Self:
        """By the settings that the stack wrote."""
        authority = Path(settings["SSL_CERT_FILE"])
        return cls(
            DataverseControl(settings["DATAVERSE_URL"], session),
            GraphControl(settings["GRAPH_URL"], session),
            QueueControl(settings["AzureWebJobsStorage"], authority, settings["BOOKING_QUEUE_NAME"]),
            folder,
        )

    async def person(self, part: str) -> Person:
        """The person of that name.

        Raises:
            NoSuchThingError: nobody, or more than one.
        """
        users = await self.dataverse.rows("systemusers")
        resources = (await self.dataverse.rows("bookableresources")).values()
        found = [row for row in resources if row["userid"] and part.casefold() in row["name"].casefold()]
        if len(found) != 1:
            names = ", ".join(sorted(row["name"] for row in found)[:5]) or "nobody"
            raise NoSuchThingError(f'"{part}" should be one person, and is {names}.')
        (row,) = found
        mailbox = str(users[row["userid"]]["azureactivedirectoryobjectid"])
        return Person(row["bookableresourceid"], row["name"], mailbox)

    async def booking(self, booking_id: str) -> Row:
        """The booking's row.

        Raises:
            NoSuchThingError: there is none.
        """
        row = (await self.dataverse.rows(BOOKINGS)).get(booking_id.lower())
        if row is None:
            raise NoSuchThingError(f"There is no booking {booking_id}.")
        return row


async def show_plan(stack: RunningStack, who: str) -> None:
    """Somebody's bookings, with their ids at the ends of the lines."""
    person = await stack.person(who)
    rows = (await stack.dataverse.rows(BOOKINGS)).values()
    for row in sorted(rows, key=lambda each: str(each["starttime"])):
        if row["resource"] == person.resource_id:
            start, end = (datetime.fromisoformat(row[name]) for name in ("starttime", "endtime"))
            print(f"{_span(start, end)}  {row['name']}  {row['bookableresourcebookingid']}")


async def show_calendar(stack: RunningStack, who: str) -> None:
    """What somebody sees in Outlook."""
    person = await stack.person(who)
    events = await stack.graph.events(person.mailbox)
    for event in sorted(events, key=lambda each: str(each["start"]["dateTime"])):
        print(f"{_span(_utc(event['start']), _utc(event['end']))}  {event['subject']}")


async def show_totals(stack: RunningStack) -> None:
    """How many bookings there are, and how many events of whom."""
    bookings = len(await stack.dataverse.rows(BOOKINGS))
    events = await stack.graph.events()
    ours = sum(bool(event["extendedProperties"]) for event in events)
    print(f"{bookings} bookings, {ours} events of theirs, {len(events) - ours} events of people's own")


async def postpone(stack: RunningStack, booking: str, minutes: int) -> None:
    """A dispatcher drags a booking to another time."""
    row, later = await stack.booking(booking), timedelta(minutes=minutes)
    start, end = (datetime.fromisoformat(row[name]) + later for name in ("starttime", "endtime"))
    await stack.dataverse.update(BOOKINGS, row["bookableresourcebookingid"], times(start, end))


async def assign(stack: RunningStack, booking: str, who: str) -> None:
    """A dispatcher gives a booking to somebody else."""
    row, person = await stack.booking(booking), await stack.person(who)
    await stack.dataverse.update(
        BOOKINGS, row["bookableresourcebookingid"], bind_resource(person.resource_id)
    )


async def delete(stack: RunningStack, booking: str) -> None:
    """A dispatcher deletes a booking."""
    await stack.dataverse.delete(BOOKINGS, (await stack.booking(booking))["bookableresourcebookingid"])


async def set_mailbox(stack: RunningStack, who: str, state: str) -> None:
    """An administrator takes somebody's Exchange licence away, or gives it back."""
    person = await stack.person(who)
    (entry,) = [each for each in await stack.graph.mailboxes() if each["id"] == person.mailbox]
    kind = "normal" if state == "back" else "no_mailbox"
    await stack.graph.add_mailboxes([{**entry, "kind": kind}])


async def set_app(stack: RunningStack, state: str) -> None:
    """An administrator stops or starts the function app."""
    marker = stack.folder / STOPPED_FILE
    if state == "stop":
        marker.touch()
    else:
        marker.unlink(missing_ok=True)
    await _until(lambda: _app_obeyed(stack.folder, state), f"the app did not {state}")


async def settle(stack: RunningStack) -> None:
    """Wait until every webhook is delivered and the change queue is empty."""
    started, quiet = time.monotonic(), 0

    async def is_quiet() -> bool:
        nonlocal quiet
        left = await stack.dataverse.pending_deliveries() + await stack.queue.waiting()
        quiet = 0 if left else quiet + 1
        return quiet >= QUIET_POLLS

    await _until(is_quiet, "there is still work; see the logs")
    print(f"quiet after {time.monotonic() - started:.0f} s")


async def follow_app_orders(
    folder: Path, start: Callable[[], Awaitable[object]], stop: Callable[[], Awaitable[object]]
) -> None:
    """Stop and start the app as `set_app` orders, for ever.

    Args:
        folder: the stack's.
        start: starts the app.
        stop: stops it.
    """
    marker, obeyed = folder / STOPPED_FILE, folder / f"{STOPPED_FILE}-obeyed"
    while True:
        await asyncio.sleep(POLL_SECONDS)
        if marker.exists() and not obeyed.exists():
            await stop()
            obeyed.touch()
        elif obeyed.exists() and not marker.exists():
            await start()
            obeyed.unlink()


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put the commands on the command line; each leaves an `action`, which takes the `RunningStack`."""
    who = {"metavar": "WHO", "help": "a part of the person's name"}
    booking = {"metavar": "BOOKING", "help": "the booking's id"}
    _add(commands, show_plan, "plan", who=who)
    _add(commands, show_calendar, "calendar", who=who)
    _add(commands, show_totals, "totals")
    minutes = {"type": int, "metavar": "MINUTES", "help": "how much later"}
    _add(commands, postpone, "postpone", booking=booking, minutes=minutes)
    _add(commands, assign, "assign", booking=booking, who=who)
    _add(commands, delete, "delete", booking=booking)
    _add(commands, set_mailbox, "mailbox", who=who, state={"choices": ("gone", "back")})
    _add(commands, set_app, "app", state={"choices": ("stop", "start")})
    _add(commands, settle, "settle")


async def run_command(arguments: argparse.Namespace) -> int:
    """Do what the command line says; the exit code.

    Raises:
        NoSuchThingError: no stack runs there, or what was named does not exist.
        ControlError: the stack refuses.
    """
    given = {name: getattr(arguments, name) for name in arguments.given}
    async with open_running_stack(arguments.folder) as stack:
        await arguments.action(stack, **given)
    return 0


@asynccontextmanager
async def open_running_stack(folder: Path) -> AsyncIterator[RunningStack]:
    """The stack of that folder.

    Raises:
        NoSuchThingError: no stack runs there.
    """
    try:
        settings = json.loads((folder / SETTINGS_FILE).read_text(encoding="utf-8"))["Values"]
    except FileNotFoundError as error:
        raise NoSuchThingError(
            f"No stack runs in {folder}: `python -m local start --folder {folder}`."
        ) from error
    tls = ssl.create_default_context(cafile=settings["SSL_CERT_FILE"])
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls)) as session:
        stack = RunningStack.of(folder, session, settings)
        try:
            yield stack
        except aiohttp.ClientConnectionError as error:
            raise NoSuchThingError(f"The stack of {folder} does not answer: {error}") from error
        finally:
            await stack.queue.close()


def _add(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    action: Callable[..., Awaitable[None]],
    name: str,
    **positionals: Mapping[str, Any],
) -> None:
    text = (action.__doc__ or "").splitlines()[0]
    parser = commands.add_parser(name, help=text, description=text)
    for positional, options in positionals.items():
        parser.add_argument(positional, **options)
    parser.add_argument("--folder", type=Path, required=True, help="what `start --folder` was given")
    parser.set_defaults(action=action, given=tuple(positionals))


async def _app_obeyed(folder: Path, state: str) -> bool:
    return (folder / f"{STOPPED_FILE}-obeyed").exists() is (state == "stop")


async def _until(reached: Callable[[], Awaitable[bool]], complaint: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not await reached():
        if time.monotonic() > deadline:
            raise ControlError(f"After {PATIENCE_SECONDS:.0f} s {complaint}.")
        await asyncio.sleep(POLL_SECONDS)


def _span(start: datetime, end: datetime) -> str:
    zone = ZoneInfo(TIME_ZONE)
    return f"{start.astimezone(zone):%a %H:%M}-{end.astimezone(zone):%H:%M}"


def _utc(moment: Row) -> datetime:
    """The control plane shows all times in UTC."""
    return datetime.fromisoformat(moment["dateTime"]).replace(tzinfo=UTC)
