"""From an ordinary profile to one with a return path."""

from __future__ import annotations

import functools
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from local.graph.config import EventIfMatch
    from tests.simulation.chance.trouble import BothWays, Profile


MODES: Final[tuple[BothWays, ...]] = ("report", "propose", "apply", "apply")
VERSIONS: Final[tuple[EventIfMatch, ...]] = ("checked", "ignored")


def both_ways(
    profile: Profile,
    mode: BothWays = "",
    if_match: EventIfMatch | None = None,
    *,
    deletes: bool = False,
    migrates: bool = False,
    meets: bool = False,
) -> Profile:
    """Technicians move events and mean the booking; dispatchers move it too, with all the usual trouble.

    Args:
        profile: of an ordinary schedule.
        mode: what becomes of a wish; empty: by chance.
        deletes: whether they delete events as well.
        if_match: what Graph does about versions; None: by chance.
        migrates: whether events are given other ids, and bookings deleted.
        meets: whether technicians invite people to events, and make all-day events and series of them.
    """
    chance = random.Random(f"both ways {profile}")  # noqa: S311 - schedules must replay
    chosen = mode or chance.choice(MODES)
    versions: EventIfMatch = chance.choice(VERSIONS) if if_match is None else if_match
    kept = {"reassign", "cancel", *(["delete"] if migrates else [])}
    moves = tuple(each for each in profile.moves if each in kept)
    new_ids = chance.randint(1, 3) if migrates else 0
    kinds = replace(profile.returns, restores=0, imports=0, new_ids=new_ids, strange_answers=0)
    graph = replace(
        profile.graph,
        no_lock=False,
        deleted_items=chance.choice(("gone", "kept")) if deletes else "gone",
        zone_shifts=(),
        event_if_match=versions,
    )
    return replace(
        profile,
        both_ways=chosen,
        wishes=chance.randint(1, 6),
        deletions=chance.randint(1, 4) if deletes else 0,
        moves=moves,
        user_actions=0,
        forgeries=0,
        habits=chance.randint(1, 4) if meets else 0,
        audits=False,
        denied_mailbox=False,
        broken_links=0,
        returns=kinds,
        graph=graph,
    )


def _shapes() -> dict[str, functools.partial[Profile]]:
    return {
        "both-ways": functools.partial(both_ways),
        "apply": functools.partial(both_ways, mode="apply", if_match="checked"),
        "propose": functools.partial(both_ways, mode="propose", if_match="checked"),
        "report": functools.partial(both_ways, mode="report", if_match="checked"),
        "deletions": functools.partial(both_ways, deletes=True),
        "migrations": functools.partial(both_ways, migrates=True),
        "meetings": functools.partial(both_ways, meets=True),
        "ignored": functools.partial(both_ways, if_match="ignored"),
    }


SHAPES = _shapes()
"""What `soak` and `replay` take as `--return`."""
