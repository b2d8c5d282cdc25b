"""`python -m local run`: play a day; `demo`: a small one; `both-ways`: an evening; `start`: keep it up.

The other commands act on a stack that was started with `--folder`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import math
import shutil
import signal
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from local.commands import NoSuchThingError, add_commands, follow_app_orders, run_command
from local.day import both_ways
from local.day.closing import console_for, recorded, show_picture, show_small
from local.day.facts import EVENT_FILE
from local.day.picture import picture
from local.day.report import in_words, show
from local.day.run import DayOptions, DayRun
from local.day.sample_data import PLANNED, load_sample_data
from local.day.small import play, small_world
from local.day.world import TIME_ZONE
from local.processes import REPOSITORY, StartError
from local.stack import NO_TIMERS, LocalStack, NotQuietError, StackOptions
from local.stack.control import ControlError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

DEFAULTS = DayOptions()
DEFAULT_LATENCY = "30/30"
FOLDER = REPOSITORY / ".local-stack"
EMPTY_EVENT_FILE = "# What events say: docs/event.md. The app reads this when it starts.\n"


def read_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="play a technicians' day; exit code 0: in step, 1: differs")
    run.add_argument("--bookings", type=_at_least(10), default=DEFAULTS.bookings, help="planned bookings")
    run.add_argument(
        "--burst", type=_at_least(0), default=DEFAULTS.burst, help="new bookings at the end; 0: none"
    )
    run.add_argument("--seed", type=int, default=DEFAULTS.seed, help="the same seed gives the same day")
    run.add_argument(
        "--latency",
        type=_latency,
        default=DEFAULT_LATENCY,
        metavar="ROUND_TRIP[/SERVICE]",
        help="milliseconds to Graph and Dataverse and back, and what they work on each request or part of a "
        f"batch; one number is both; default {DEFAULT_LATENCY}",
    )
    run.add_argument(
        "--one-way", action="store_true", help="leave out the evening on which technicians change events"
    )
    run.add_argument("--json", action="store_true", help="print the report as JSON on standard output")
    run.add_argument(
        "--calendars", type=_at_least(0), help="print so many people's calendars; by default everybody's"
    )
    run.add_argument("--recording", type=Path, metavar="FILE", help="an SVG of what is printed")
    demo = commands.add_parser("demo", help="play a small day in some seconds; exit codes as of run")
    evening = commands.add_parser(
        "both-ways",
        help="play what technicians change in Outlook, as run does in the end; exit codes as of run",
    )
    evening.add_argument("--seed", type=int, default=DEFAULTS.seed, help="of the sample data")
    start = commands.add_parser("start", help="start the stack with sample data and keep it up")
    start.add_argument("--seed", type=int, default=DEFAULTS.seed, help="of the sample data")
    start.add_argument(
        "--unprovisioned",
        action="store_true",
        help="leave columns and webhook to `python -m booking_sync provision`",
    )
    start.add_argument(
        "--bookings", type=_from_to(1, 5000), default=PLANNED, help=f"planned bookings; default {PLANNED}"
    )
    start.add_argument(
        "--folder",
        type=Path,
        help="where settings, certificates and logs are; other commands find the stack there. "
        "By default a new one below .local-stack",
    )
    add_commands(commands)
    start.add_argument(
        "--debug-port",
        type=_from_to(1024, 65535),
        help="port on 127.0.0.1 where a debugger may attach to the app; .vscode/launch.json expects 5678",
    )
    for command in (run, demo, evening, start):
        command.add_argument(
            "--app",
            type=Path,
            default=REPOSITORY,
            help="folder of function_app.py; default this one. `make package` builds dist/package",
        )
        command.add_argument(
            "--no-extension", action="store_true", help="write no open extension on the events"
        )
    return parser.parse_args(arguments)


async def run(arguments: argparse.Namespace) -> int:
    """Play a day; the exit code."""
    console = console_for(arguments.recording, to_errors=arguments.json)
    options = DayOptions(bookings=arguments.bookings, burst=arguments.burst, seed=arguments.seed)
    with _folder() as folder:
        round_trip, service = arguments.latency
        slow = replace(
            _stack_options(folder, arguments),
            round_trip_seconds=round_trip,
            service_seconds=service,
            settings={"EVENT_FILE": EVENT_FILE},
        )
        async with LocalStack(slow) as stack:
            report = await DayRun(stack, options, console).run()
    evening = None if arguments.one_way else await _evening(arguments, console)
    if arguments.json:
        told = report.as_json() | ({"bothWays": both_ways.as_json(evening)} if evening else {})
        sys.stdout.write(json.dumps(told, indent=2, ensure_ascii=False) + "\n")
    else:
        show(console, report, TIME_ZONE, arguments.calendars)
        if evening:
            both_ways.show(console, evening)
    if arguments.recording:
        arguments.recording.write_text(recorded(console, "make run"), encoding="utf-8")
    if report.planned:
        show_picture(console, picture(report.planned, report.facts, TIME_ZONE, in_words(report)), FOLDER)
    return 0 if report.in_step and not (evening and evening.differences) else 1


async def _evening(arguments: argparse.Namespace, console: Console) -> both_ways.Evening:
    """Technicians change events in a second stack, where that goes back to Dynamics 365."""
    with _folder() as folder, console.status("Evening: technicians change tomorrow's events in Outlook"):
        options = replace(_stack_options(folder, arguments), settings=both_ways.SETTINGS)
        async with LocalStack(options) as stack:
            evening = await both_ways.BothWays(stack, arguments.seed).play()
    mark = "[red]✗[/]" if evening.differences else "[green]✓[/]"
    acts = f"{len(evening.acts)} changes in Outlook"
    console.print(f"{mark} Evening: {acts}, on both sides after {evening.seconds:.1f} s")
    return evening


async def play_both_ways(arguments: argparse.Namespace) -> int:
    """Play the evening alone; the exit code."""
    console = Console()
    evening = await _evening(arguments, console)
    both_ways.show(console, evening)
    return 1 if evening.differences else 0


async def demo(arguments: argparse.Namespace) -> int:
    """Play a small day; the exit code."""
    console = Console()
    with _folder() as folder, console.status("The local stack starts"):
        options = replace(_stack_options(folder, arguments), settings={**NO_TIMERS, "EVENT_FILE": EVENT_FILE})
        async with LocalStack(options) as stack:
            day = await play(stack, small_world())
    show_small(console, day)
    show_picture(console, picture(day.planned, day.now, TIME_ZONE, day.words), FOLDER)
    return 1 if day.differences else 0


async def start(arguments: argparse.Namespace) -> int:
    """Keep the stack up until somebody ends it; the exit code."""
    with _folder(arguments.folder) as folder:
        event_file = folder / "event.toml"
        event_file.write_text(EMPTY_EVENT_FILE, encoding="utf-8")
        options = replace(
            _stack_options(folder, arguments),
            provisioned=not arguments.unprovisioned,
            debug_port=arguments.debug_port,
            settings={"EVENT_FILE": str(event_file)},
        )
        async with LocalStack(options) as stack:
            console = Console(soft_wrap=True, highlight=False)
            await load_sample_data(stack, arguments.seed, arguments.bookings, console)
            await follow_app_orders(folder, stack.restart_host, stack.hosts[0].stop)
    return 0


def main() -> None:
    """Run a command; expected failures end with one message, not with a traceback."""
    arguments = read_arguments()
    own = {"run": run, "demo": demo, "both-ways": play_both_ways, "start": start}
    command = own.get(arguments.command, run_command)
    try:
        sys.exit(asyncio.run(_until_terminated(command(arguments))))
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(0 if command is start else 130)
    except StartError as error:
        sys.exit(f"error: {error}\n`make {arguments.command}` installs what is missing.")
    except (NotQuietError, ControlError, NoSuchThingError) as error:
        sys.exit(f"error: {error}")


async def _until_terminated(work: Coroutine[None, None, int]) -> int:
    """Treat SIGTERM as Ctrl-C, so that everything is stopped in order."""
    task = asyncio.ensure_future(work)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task


@contextlib.contextmanager
def _folder(wanted: Path | None = None) -> Iterator[Path]:
    """A folder for certificates and logs, kept only when something went wrong.

    Raises:
        NoSuchThingError: the one that is wanted is taken.
    """
    FOLDER.mkdir(exist_ok=True)
    folder = _claimed(wanted) if wanted else Path(tempfile.mkdtemp(prefix="stack-", dir=FOLDER))
    try:
        yield folder
    except Exception:
        sys.stderr.write(f"The logs are in {folder}\n")
        raise
    except BaseException:  # Ctrl-C is no failure
        shutil.rmtree(folder)
        raise
    shutil.rmtree(folder)


def _claimed(wanted: Path) -> Path:
    try:
        wanted.mkdir(parents=True)
    except FileExistsError as error:
        raise NoSuchThingError(
            f"{wanted} exists: a stack runs there, or one left its logs. Remove it, or choose another."
        ) from error
    return wanted.resolve()


def _stack_options(folder: Path, arguments: argparse.Namespace) -> StackOptions:
    options = StackOptions(folder, app_folder=arguments.app.resolve(), time_zone=TIME_ZONE)
    return replace(options, extension_name="") if arguments.no_extension else options


def _latency(text: str) -> tuple[float, float]:
    """Round trip and service time in seconds, of `20/80` or of one number for both, in milliseconds."""
    round_trip, _, service = text.partition("/")
    try:
        seconds = float(round_trip) / 1000, float(service or round_trip) / 1000
    except ValueError:
        seconds = (math.nan, math.nan)
    if not all(0 <= each < math.inf for each in seconds):
        raise argparse.ArgumentTypeError("must be milliseconds such as 20/80 or 30")
    return seconds


def _from_to(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        number = _at_least(least)(text)
        if number > most:
            raise argparse.ArgumentTypeError(f"must be at most {most}")
        return number

    return read


def _at_least(least: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"must be a whole number, {least} or more")
        return int(text)

    return read


if __name__ == "__main__":
    main()
