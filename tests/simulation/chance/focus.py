"""Schedules about one thing: a share of all, shaped from the profile that the seed drew.

Where everything may happen, what a rule is there for happens rarely, and something else often mends what its
absence broke. `python -m tests.simulation power` tells after how many schedules each absence is noticed.
"""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from booking_sync.domain.events.event_calendars import MAIN_ONLY, EventCalendars
from tests.simulation.chance.trouble import ANOTHER_LAW, with_returns

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.graph.config import ShapeEnds
    from tests.simulation.chance.trouble import Profile

SHARE = 0.3
"""Of all schedules."""


def same_profile(profile: Profile) -> Profile:
    """As drawn."""
    return profile


def mixed(profile: Profile) -> Profile:
    """As drawn, or about one thing; by what is drawn already."""
    drawn = (profile.graph.shuffle_seed, profile.changes, profile.call_faults, profile.item_faults)
    chance = random.Random(f"focus {drawn}")  # noqa: S311 - schedules must replay, whatever is drawn besides
    if chance.random() >= SHARE:
        return profile
    return chance.choices(list(FOCUSES), list(FOCUSES.values()))[0](profile)


def _quietly(profile: Profile, **changes: Any) -> Profile:
    """Nothing but what is said, so that nothing else mends or excuses what it leaves."""
    kinds = replace(profile.returns, restores=0, imports=0, new_ids=0, strange_answers=0)
    quiet = replace(
        profile,
        bookings=1,
        changes=7,
        moves=(),
        user_actions=0,
        crashes=0,
        call_faults=0,
        item_faults=0,
        throttles=0,
        queue_faults=0,
        redeliveries=0,
        doubled_hints=0,
        lost_webhooks=0,
        outages=0,
        stalls=0,
        denied_mailbox=False,
        graph=replace(profile.graph, no_lock=False, deleted_items="gone"),
        forgeries=0,
        audits=False,
        returns=kinds,
        habits=0,
        broken_links=0,
    )
    return replace(quiet, **changes)


def hasty(profile: Profile) -> Profile:
    """Dispatchers rename while three processes are at work."""
    return replace(profile, processes=3, bookings=1, changes=7, haste=1.0, moves=())


def racing(profile: Profile) -> Profile:
    """Slow processes that overtake each other while dispatchers change their minds."""
    return replace(_quietly(profile), processes=3, haste=0.3, moves=("reassign", "cancel"), stalls=3)


def renaming_amid_crashes(profile: Profile) -> Profile:
    """Processes die while a booking changes that wants its event in one place all the time."""
    return replace(profile, crashes=3, moves=(), bookings=1, changes=5)


def cancelling(profile: Profile) -> Profile:
    """Bookings are called off and on again, where Graph remembers the transactionIds of deleted events."""
    graph = replace(profile.graph, deleted_transactions="remembered")
    return replace(profile, moves=("cancel",), bookings=1, changes=6, haste=0.1, graph=graph)


def wavering(profile: Profile) -> Profile:
    """Bookings are called off and on, while Graph fails before and after it did as asked."""
    wavers = ("cancel", "waver")
    return _quietly(profile, bookings=3, changes=10, haste=0.1, item_faults=20, moves=wavers)


def with_people(profile: Profile) -> Profile:
    """Users at work on our events, and messages that name them."""
    return replace(profile, user_actions=4, forgeries=4, moves=(*profile.moves, "cancel", "overwrite"))


def with_meetings(profile: Profile) -> Profile:
    """Technicians invite people to our events."""
    return replace(profile, habits=6, moves=(*profile.moves, "cancel"))


def reshaping(profile: Profile) -> Profile:
    """Technicians make series and all-day events of ours, which no update turns back; the audit runs."""
    stays: ShapeEnds = "refused" if profile.graph.shuffle_seed % 2 else "ignored"
    graph = replace(profile.graph, series_end=stays, all_day_end=stays)
    return replace(profile, graph=graph, habits=6, audits=True)


def signing_in(profile: Profile) -> Profile:
    """What leads to tokens is refused again and again."""
    return replace(profile, broken_links=4)


def _plainly(profile: Profile, **changes: Any) -> Profile:
    """Without what would excuse what is left."""
    graph = replace(profile.graph, no_lock=False, deleted_items="gone")
    return replace(
        profile,
        graph=graph,
        denied_mailbox=False,
        user_actions=0,
        forgeries=0,
        crashes=0,
        queue_faults=0,
        lost_webhooks=0,
        **changes,
    )


def with_restored_rows(profile: Profile) -> Profile:
    """Deleted bookings come back from the recycle bin."""
    kinds = replace(profile.returns, restores=4, imports=0, new_ids=0)
    return with_returns(_plainly(profile, moves=("delete",), changes=5), kinds)


def with_imports(profile: Profile) -> Profile:
    """Rows of an earlier moment are imported."""
    quiet = _quietly(profile, changes=10, haste=0.1)
    return with_returns(quiet, replace(quiet.returns, imports=8))


def with_new_ids(profile: Profile) -> Profile:
    """Events get other ids."""
    kinds = replace(profile.returns, restores=0, imports=0, new_ids=4)
    return with_returns(_plainly(profile, moves=(), changes=7, haste=0.1), kinds)


def with_strange_answers(profile: Profile) -> Profile:
    """Gateways answer for the services."""
    kinds = replace(profile.returns, restores=0, imports=0, new_ids=0, strange_answers=6)
    return with_returns(_plainly(profile, moves=("cancel",), changes=7), kinds)


def audited_under_another_law(profile: Profile) -> Profile:
    """Exchange reads the zone otherwise, and the app's own audit runs in the end."""
    return replace(profile, audits=True, graph=replace(profile.graph, zone_shifts=(ANOTHER_LAW,)))


JOBS, FIELD = EventCalendars("Jobs"), EventCalendars("Field Service")
ROADS: tuple[tuple[EventCalendars, ...], ...] = (
    (MAIN_ONLY, JOBS),
    (JOBS, EventCalendars(former=("Jobs",))),
    (JOBS, EventCalendars("Field Service", ("Jobs",))),
    (MAIN_ONLY, JOBS, EventCalendars("Field Service", ("Jobs",))),
)
"""From one calendar to another."""


def _calendars_of(profile: Profile, *settings: EventCalendars) -> Profile:
    """In these calendars, on a Graph that is as it may be about calendars."""
    chance = random.Random(f"calendars {profile.graph.shuffle_seed} {profile.changes}")  # noqa: S311 - as above
    graph = replace(
        profile.graph,
        events_cover=chance.choice(("main", "all")),
        transactions_span=chance.choice(("mailbox", "calendar")),
        calendar_names=chance.choice(("unique", "shared")),
        deleted_calendars=chance.choice(("gone", "kept")),
    )
    return replace(profile, graph=graph, calendars=settings)


def in_a_calendar(profile: Profile) -> Profile:
    """Events have a calendar of their own; people drag them out of it, and delete it."""
    return _calendars_of(profile, JOBS)


def changing_calendars(profile: Profile) -> Profile:
    """An administrator changes the calendar while dispatchers are at work."""
    return _calendars_of(profile, *ROADS[profile.graph.shuffle_seed % len(ROADS)])


def of_calendars(profile: Profile) -> Profile:
    """One of the two, beside whatever else a schedule is about."""
    about = in_a_calendar if profile.graph.shuffle_seed % 2 else changing_calendars
    return about(mixed(profile))


FOCUSES: dict[Callable[[Profile], Profile], int] = {
    hasty: 2,
    racing: 2,
    renaming_amid_crashes: 1,
    cancelling: 1,
    wavering: 3,
    with_people: 1,
    with_meetings: 1,
    reshaping: 1,
    signing_in: 1,
    with_restored_rows: 1,
    with_imports: 1,
    with_new_ids: 1,
    with_strange_answers: 1,
    audited_under_another_law: 1,
}
"""With their weights."""
