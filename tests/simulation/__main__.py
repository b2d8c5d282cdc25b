"""`make soak SCHEDULES=n`, `make replay SEED=n`, and `python -m tests.simulation power`."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from tests.simulation.both_ways.shape import SHAPES as BOTH_WAYS
from tests.simulation.chance.focus import mixed, of_calendars
from tests.simulation.schedule import Result, play
from tests.simulation.teeth.power import print_power

if TYPE_CHECKING:
    from tests.simulation.chance.trouble import Profile

CHUNK = 50
MOST_FAILURES_SHOWN = 20


@dataclass
class Account:
    """What many schedules came to."""

    schedules: int = 0
    decisions: int = 0
    seconds: float = 0.0
    """Virtual."""
    struck: Counter[str] = field(default_factory=Counter)
    crash_points: Counter[str] = field(default_factory=Counter)
    excused: int = 0
    audited: int = 0
    """Schedules that needed the audit."""
    audited_for: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)
    failures: dict[int, list[str]] = field(default_factory=dict)
    """Violations by seed."""

    def add(self, result: Result) -> None:
        """Count one."""
        self.schedules += 1
        self.decisions += result.decisions
        self.seconds += result.seconds
        self.struck += result.struck
        self.crash_points += result.crash_points
        self.excused += bool(result.excuses)
        self.left.update(each.kind for each in result.left_to_audit)
        if result.left_to_audit:
            self.audited += 1
            self.audited_for[" and ".join(sorted(result.excuses))] += 1
        if result.violations:
            self.failures[result.seed] = [str(each) for each in result.violations]

    def merge(self, other: Account) -> None:
        """Take another's counts."""
        self.schedules += other.schedules
        self.decisions += other.decisions
        self.seconds += other.seconds
        self.struck += other.struck
        self.crash_points += other.crash_points
        self.excused += other.excused
        self.audited += other.audited
        self.audited_for += other.audited_for
        self.left += other.left
        self.failures.update(other.failures)


def audited(profile: Profile) -> Profile:
    """The same, with the app's own audit in the end, which only some schedules draw."""
    return replace(profile, audits=True)


def _mixed_and_audited(profile: Profile) -> Profile:
    return audited(mixed(profile))


def _of_calendars_and_audited(profile: Profile) -> Profile:
    return audited(of_calendars(profile))


SHAPES = {
    (False, False): mixed,
    (True, False): _mixed_and_audited,
    (False, True): of_calendars,
    (True, True): _of_calendars_and_audited,
}
"""By `--audits` and `--calendars`."""


def _shape(audits: bool, calendars: bool, returns: str) -> Callable[[Profile], Profile]:  # noqa: FBT001 - as given
    if not returns:
        return SHAPES[audits, calendars]
    shape = BOTH_WAYS[returns]
    return lambda profile: shape(mixed(profile))


def play_many(
    first: int, count: int, *, audits: bool = False, calendars: bool = False, returns: str = ""
) -> Account:
    """Play the schedules of these seeds.

    Args:
        first: the first seed.
        count: how many.
        audits: whether each ends with the app's own audit.
        calendars: whether events have a calendar of their own in each.
        returns: which kind of schedules with a return path to play instead, by its name; empty: none.
    """
    logging.disable(logging.CRITICAL)  # thousands of outcome lines are nobody's
    account = Account()
    for seed in range(first, first + count):
        account.add(play(seed, shape=_shape(audits, calendars, returns)))
    return account


def _soak(schedules: int, first: int, *, audits: bool, calendars: bool, returns: str) -> int:
    console = Console()
    started = time.monotonic()
    account = Account()
    columns = (
        TextColumn("schedules"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[failures]} failed"),
    )
    with ProcessPoolExecutor(os.cpu_count()) as pool, Progress(*columns, console=console) as progress:
        bar = progress.add_task("soak", total=schedules, failures=0)
        futures = [
            pool.submit(play_many, *chunk, audits=audits, calendars=calendars, returns=returns)
            for chunk in _chunks(first, schedules)
        ]
        for future in as_completed(futures):
            account.merge(future.result())
            progress.update(bar, completed=account.schedules, failures=len(account.failures))
    _print_account(console, account, time.monotonic() - started)
    return 1 if account.failures else 0


def _chunks(first: int, count: int) -> Iterator[tuple[int, int]]:
    for start in range(first, first + count, CHUNK):
        yield start, min(CHUNK, first + count - start)


def _print_account(console: Console, account: Account, seconds: float) -> None:
    console.print(
        f"{account.schedules} schedules in {seconds:.0f} s: {account.decisions} decisions, "
        f"{account.seconds / 3600:.0f} hours of virtual time, {account.struck.total()} faults."
    )
    _print_counts(console, "Faults survived", account.struck)
    _print_counts(console, "What a process was in the middle of when it was killed", account.crash_points)
    console.print(
        f"{account.excused} schedules held something that may leave work to the audit; "
        f"{account.audited} did: {dict(account.left)}."
    )
    _print_counts(console, "Schedules that needed the audit, because of", account.audited_for)
    for seed, violations in sorted(account.failures.items())[:MOST_FAILURES_SHOWN]:
        console.print(f"[red]seed {seed}[/]: {violations[0]}   (make replay SEED={seed})", highlight=False)
    console.print(f"{len(account.failures)} schedules failed.")


def _print_counts(console: Console, title: str, counts: Counter[str]) -> None:
    table = Table(title=title, title_justify="left", show_header=False)
    for name, count in sorted(counts.items()):
        table.add_row(name, str(count))
    console.print(table)


def _replay(seed: int, *, audits: bool, calendars: bool, returns: str) -> int:
    logging.disable(logging.CRITICAL)
    result = play(seed, shape=_shape(audits, calendars, returns))
    sys.stdout.write("\n".join([*result.trace, ""]))
    for violation in result.violations:
        sys.stdout.write(f"VIOLATION  {violation}\n")
    if not result.violations:
        sys.stdout.write("every invariant holds\n")
    return 1 if result.violations else 0


def main() -> int:
    """Run a command; the exit code says whether everything held."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    soak = commands.add_parser("soak", help="play many schedules on all cores")
    soak.add_argument("schedules", type=int)
    soak.add_argument("--first", type=int, default=0, help="the first seed")
    replay = commands.add_parser("replay", help="play one schedule and print its trace")
    replay.add_argument("seed", type=int)
    for command in (soak, replay):
        words = "end each schedule with two audits of the app's own, which one of eight draws otherwise"
        command.add_argument("--audits", action="store_true", help=words)
        words = "have events in a calendar of their own, which some schedules change"
        command.add_argument("--calendars", action="store_true", help=words)
        words = "let technicians' moves come back to Dynamics 365"
        command.add_argument("--return", dest="returns", choices=BOTH_WAYS, default="", help=words)
    power = commands.add_parser("power", help="say after how many schedules a missing rule is noticed")
    power.add_argument("rules", nargs="*", help="as `tests/simulation/teeth/sabotage.py` names them; all")
    arguments = parser.parse_args()
    if arguments.command == "power":
        return print_power(arguments.rules)
    if arguments.command == "soak":
        return _soak(arguments.schedules, arguments.first, **_kind(arguments))
    return _replay(arguments.seed, **_kind(arguments))


def _kind(arguments: argparse.Namespace) -> dict[str, Any]:
    return {name: getattr(arguments, name) for name in ("audits", "calendars", "returns")}


if __name__ == "__main__":
    sys.exit(main())
