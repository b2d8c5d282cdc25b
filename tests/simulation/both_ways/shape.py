"""From an ordinary profile to one with a return path."""

from __future__ import annotations

import functools
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.graph.config import EventIfMatch
    from tests.simulation.chance.trouble import BothWays, Profile


MODES: Final[tuple[BothWays, ...]] = ("report", "propose", "apply", "apply")
VERSIONS: Final[tuple[EventIfMatch, ...]] = ("checked", "ignored")


def both_ways(
    profile: Profile, mode: BothWays = "", if_match: EventIfMatch | None = None, *, deletes: bool = False
) -> Profile:
    """Technicians move events and mean the booking; dispatchers move it too, with all the usual trouble.

    Args:
        profile: of an ordinary schedule.
        mode: what becomes of a wish; empty: by chance.
        deletes: whether they delete events as well.
        if_match: what Graph does about versions; None: by chance.
    """
    chance = _chance("both ways", profile)
    chosen = mode or chance.choice(MODES)
    versions: EventIfMatch = chance.choice(VERSIONS) if if_match is None else if_match
    moves = tuple(each for each in profile.moves if each in {"reassign", "cancel"})
    kinds = replace(profile.returns, restores=0, imports=0, new_ids=0, strange_answers=0)
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
        habits=0,
        audits=False,
        denied_mailbox=False,
        broken_links=0,
        returns=kinds,
        graph=graph,
    )


def with_migrations(profile: Profile) -> Profile:
    """Events are given other ids beside that, and bookings deleted."""
    shaped, chance = both_ways(profile), _chance("migrations", profile)
    moves = tuple(each for each in profile.moves if each in {*shaped.moves, "delete"})
    returns = replace(shaped.returns, new_ids=chance.randint(1, 3))
    return replace(shaped, moves=moves, returns=returns)


def with_meetings(profile: Profile) -> Profile:
    """Technicians invite people beside that, and make all-day events and series of events."""
    return replace(both_ways(profile), habits=_chance("meetings", profile).randint(1, 4))


def with_everything(profile: Profile) -> Profile:
    """All trouble of an ordinary schedule beside that, but for columns that somebody overwrites."""
    shaped, chance = both_ways(profile), _chance("everything", profile)
    moves = tuple(each for each in profile.moves if each != "overwrite")
    return replace(
        shaped,
        moves=(*moves, *chance.choice(((), ("relate",), ("join",)))),
        user_actions=profile.user_actions,
        forgeries=profile.forgeries,
        habits=profile.habits,
        audits=profile.audits,
        denied_mailbox=profile.denied_mailbox,
        broken_links=profile.broken_links,
        returns=replace(profile.returns, imports=0),
        graph=replace(shaped.graph, zone_shifts=profile.graph.zone_shifts),
    )


def _chance(what: str, profile: Profile) -> random.Random:
    return random.Random(f"{what} {profile}")  # noqa: S311 - schedules must replay


def _shapes() -> dict[str, Callable[[Profile], Profile]]:
    return {
        "both-ways": functools.partial(both_ways),
        "apply": functools.partial(both_ways, mode="apply", if_match="checked"),
        "propose": functools.partial(both_ways, mode="propose", if_match="checked"),
        "report": functools.partial(both_ways, mode="report", if_match="checked"),
        "deletions": functools.partial(both_ways, deletes=True),
        "migrations": with_migrations,
        "meetings": with_meetings,
        "everything": with_everything,
        "ignored": functools.partial(both_ways, if_match="ignored"),
    }


SHAPES = _shapes()
"""What `soak` and `replay` take as `--return`."""
