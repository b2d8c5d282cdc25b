"""How many schedules of the default mix it takes to notice that a rule is missing.

A mix that never meets the moments in which a rule matters proves nothing about it, however many of its
schedules pass. So each rule is removed (`sabotage`), and schedules are played as the soak plays them, in the
order of their seeds, until one is violated that holds with the rule.
"""

from __future__ import annotations

import logging
import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from tests.simulation.schedule import play
from tests.simulation.teeth.sabotage import SABOTAGES
from tests.simulation.teeth.way_back import OF_THE_WAY_BACK

if TYPE_CHECKING:
    from collections.abc import Sequence

REMOVALS = SABOTAGES | OF_THE_WAY_BACK
WITHIN = 3000
"""Schedules in which each removal has to be noticed."""

FALLS = {
    "the untrusting rule": 0,
    "distrust in later rounds": 0,
    "the record of removals": 34,
    "the generations of each mailbox": 33,
    "If-Match": 108,
    "the generation": 1,
    "the undo": 41,
    "carrying the own event along": 41,
    "the adoption": 71,
    "the recovery of suspects": 6,
    "the attendees": 2,
    "the look for attendees": 27,
    "the making anew of what no update turns back": 2,
    "the look at what an update left as it was": 17,
    "tagging what is untrusted": 54,
    "the proof that no copy carries": 11,
    "the proof of what is claimed": 27,
    "the identity in a tag": 177,
    "the second write in UTC": 0,
    "the memory of a zone's rules": 0,
    "the fingerprint of the zone's times": 76,
    "the mistrust of a restored row": 76,
    "the mistrust of an imported record": 474,
    "the look for an event under another id": 1,
    "the service's own words": 213,
    "the renewal of the identity's token": 6,
    "the pause of a throttled mailbox": 1,
}
"""By rule, the first schedule that notices its removal, as `python -m tests.simulation power` found it."""


@dataclass(frozen=True, slots=True)
class Fall:
    """The first schedule that notices a rule's removal."""

    rule: str
    seed: int | None
    """None when none did."""
    kinds: tuple[str, ...] = ()
    """Of the violations."""


def notices(rule: str, seed: int) -> frozenset[str]:
    """The kinds of violations in a schedule without the rule, if one shows what the rule is there to prevent.

    None count when the schedule is violated with the rule as well.
    """
    sabotage = REMOVALS[rule]
    shape = sabotage.shape
    kinds = frozenset(each.kind for each in play(seed, sabotage.parts, shape).violations)
    return kinds if kinds & sabotage.shows_as and not play(seed, shape=shape).violations else frozenset()


def find_fall(rule: str, within: int = WITHIN) -> Fall:
    """Play the default mix without a rule until that shows as it should."""
    for seed in range(within):
        if kinds := notices(rule, seed):
            return Fall(rule, seed, tuple(sorted(kinds)))
    return Fall(rule, None)


def _be_quiet() -> None:
    logging.disable(logging.CRITICAL)  # thousands of outcome lines are nobody's


def print_power(rules: Sequence[str]) -> int:
    """Find the falls of these rules, or of all that have any; exit code 1 when one has none."""
    console = Console()
    table = Table("rule that is missing", "first schedule that notices", "as", box=None)
    with ProcessPoolExecutor(os.cpu_count(), initializer=_be_quiet) as pool:
        for future in as_completed([pool.submit(find_fall, each) for each in rules or SABOTAGES]):
            fall = future.result()
            seen = f"none of {WITHIN}" if fall.seed is None else str(fall.seed)
            table.add_row(fall.rule, seen, ", ".join(fall.kinds))
            console.print(f"{fall.rule}: {seen}", highlight=False)
    console.print(table)
    return int(any("none" in str(cell) for cell in table.columns[1].cells))
