"""Gathers what the operator's page shows. A section that can't be read says why in its place."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from booking_sync.domain.bookings.participation import calendar_of
from booking_sync.domain.text import clean_line
from booking_sync.domain.timers import Timer
from booking_sync.errors import SettingsError, SyncError
from booking_sync.operations.dead_letters import read_dead_letter
from booking_sync.operations.journal.order_tally import together
from booking_sync.operations.overview.describe import (
    describe_booking,
    describe_entry,
    describe_group,
    describe_health,
    describe_letter,
    describe_order,
    describe_queues,
    describe_run,
    describe_trend,
    text_of,
)
from booking_sync.operations.overview.failing import MAX_FAILING, PAGE, grouped, people_of
from booking_sync.operations.overview.headline import Failures, headline
from booking_sync.operations.overview.remembered import Remembered
from booking_sync.operations.overview.way_back import MAX_CHANGES, OFF, OVERRULED_FOR, describe_way_back

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from booking_sync.domain.bookings.participation import Participation
    from booking_sync.operations.health import HealthProbe
    from booking_sync.operations.journal.store import JournalStore
    from booking_sync.operations.overview.failing import FailingGroup
    from booking_sync.ports.dataverse.bookings import FailingBooking, FailingBookings, FailureListing
    from booking_sync.ports.dataverse.return_path import ReturnListing
    from booking_sync.ports.diagnosis import PeopleReads
    from booking_sync.ports.platform.clock import Clock
    from booking_sync.ports.platform.queues import PoisonQueue

MAX_PEOPLE = 500
"""Names of those who take part; there may be thousands."""
PATIENCE_SECONDS = 20.0
"""A section that takes longer says that there was no answer; the page shows the others."""
ASKED_NOW: Final = timedelta(seconds=1)
"""How old what Dataverse said may be where a person asks, or an order has just been given."""
SEEN_LATELY: Final = timedelta(minutes=1)
"""How old it may be where the page refreshes by itself."""
PEOPLE_LATELY: Final = timedelta(minutes=10)
"""How old the list of all resources may be, which may be long and changes seldom."""

_MAX_NAME = 200


async def _nothing_comes_back() -> None:
    """The way back from Outlook is off."""


@dataclass(frozen=True, slots=True)
class OverviewSources:
    """Where the sections come from; opening one may raise `SettingsError` or `SyncError`."""

    probe: HealthProbe
    journal_store: Callable[[], JournalStore]
    open_poison: Callable[[], PoisonQueue]
    open_failures: Callable[[], Awaitable[FailureListing]]
    open_people: Callable[[], Awaitable[tuple[PeopleReads, Participation]]]
    """The bookable resources, and which of them take part by the settings."""
    link: Callable[[str], str]
    """The address of a booking for people, by its id; empty when it can't be told."""
    now: Clock
    open_returns: Callable[[], Awaitable[ReturnListing | None]] = _nothing_comes_back
    """None where nothing comes back from Outlook."""


@dataclass(frozen=True, slots=True)
class _FoundFailures:
    """What is known of the failing bookings."""

    bookings: Sequence[FailingBooking]
    groups: Sequence[FailingGroup]
    more: bool


class Overview:
    """Gathers all sections side by side."""

    def __init__(self, sources: OverviewSources) -> None:
        self._sources = sources
        self._failures = Remembered(self._list_failures, sources.now)
        self._everybody = Remembered(self._list_people, sources.now)
        self._returns = Remembered(self._list_returns, sources.now)

    async def gather(self, *, by_itself: bool = False) -> dict[str, Any]:
        """The sections as JSON values; one that could not be read has a text in `problem`.

        Args:
            by_itself: the page refreshes itself, so that what costs requests to Dataverse may be a minute
                old.
        """
        max_age = SEEN_LATELY if by_itself else ASKED_NOW
        sections = {
            "poison": self._poison(max_age),
            "failing": self._failing(max_age),
            "wayBack": self._way_back(max_age),
            "people": self._people(),
            "journal": self._journal(),
            "catchUp": self._last(Timer.CATCH_UP),
            "audit": self._last(Timer.AUDIT),
            "nearAudit": self._last(Timer.NEAR_AUDIT),
        }
        health, contents = await asyncio.gather(
            self._sources.probe.look(), asyncio.gather(*map(_section, sections.values()))
        )
        told = dict(zip(sections, contents, strict=True))
        return {
            "asOf": self._sources.now().isoformat(),
            "headline": headline(health, _failures_of(told["failing"])).as_json(),
            "health": describe_health(health),
            "queues": describe_queues(health),
            **told,
        }

    async def group(self, key: str, begin: int) -> dict[str, Any]:
        """A part of a group of failing bookings, and the ids of all of it; an unknown group is an empty one.

        Args:
            key: of the group.
            begin: how many to pass over.

        Raises:
            SyncError: they can't be listed.
            SettingsError: settings can't be used.
        """
        found = await self._failures.get(SEEN_LATELY)
        bookings = next((each.bookings for each in found.groups if each.key == key), ())
        return {
            "key": key,
            "count": len(bookings),
            "bookings": [
                describe_booking(each, self._sources.link) for each in bookings[begin : begin + PAGE]
            ],
            "ids": [each.booking_id for each in bookings],
        }

    async def order(self, order: str) -> dict[str, Any]:
        """What became of an order so far, as far as the instances have written it down.

        Raises:
            SyncError: the journal can't be read.
            SettingsError: settings can't be used.
        """
        journal = await self._sources.journal_store().everything()
        return describe_order(together(journal.orders, order))

    async def _list_failures(self) -> _FoundFailures:
        found: FailingBookings = await (await self._sources.open_failures()).failing(MAX_FAILING)
        return _FoundFailures(found.bookings, grouped(found.bookings), found.more)

    async def _list_people(self) -> dict[str, Any]:
        """Who takes part and has a calendar, of all there are."""
        reads, participation = await self._sources.open_people()
        everybody = await reads.everybody()
        shown = [each for each in everybody if participation.shows(each.resource)]
        told = [
            {
                "technicianId": each.resource.id,
                "name": clean_line(each.name, _MAX_NAME),
                "mailbox": calendar_of(each.resource),
            }
            for each in shown[:MAX_PEOPLE]
        ]
        return {
            "all": len(everybody),
            "inside": len(shown),
            "technicians": told,
            "more": len(shown) - len(told),
        }

    async def _poison(self, max_age: timedelta) -> dict[str, Any]:
        letters = [read_dead_letter(message) for message in await self._sources.open_poison().peek()]
        names = await self._names(max_age) if letters else {}
        return {
            "letters": [
                describe_letter(each, self._sources.link, names.get(each.booking_id)) for each in letters
            ]
        }

    async def _names(self, max_age: timedelta) -> Mapping[str, FailingBooking]:
        """The failing bookings by id, for what people call them; none where they can't be listed."""
        try:
            found = await self._failures.get(max_age)
        except (SyncError, SettingsError):
            return {}
        return {each.booking_id: each for each in found.bookings}

    async def _failing(self, max_age: timedelta) -> dict[str, Any]:
        found = await self._failures.get(max_age)
        moments = (each.modified for each in found.bookings if each.modified)
        return {
            "count": len(found.bookings),
            "people": people_of(found.bookings),
            "since": text_of(min(moments, default=None)),
            "groups": [describe_group(each, self._sources.link) for each in found.groups],
            "more": found.more,
        }

    async def _list_returns(self) -> dict[str, Any]:
        listing = await self._sources.open_returns()
        if listing is None:
            return OFF
        found = await listing.changes(MAX_CHANGES, self._sources.now() - OVERRULED_FOR)
        return describe_way_back(found, self._sources.link)

    async def _way_back(self, max_age: timedelta) -> dict[str, Any]:
        return await self._returns.get(max_age)

    async def _people(self) -> dict[str, Any]:
        return await self._everybody.get(PEOPLE_LATELY)

    async def _journal(self) -> dict[str, Any]:
        store = self._sources.journal_store()
        journal = await store.everything()
        return {
            "outcomes": [describe_entry(entry, self._sources.link) for entry in journal.entries],
            "throttled": [
                # To the second: what is left is reckoned anew each time, and no tag must change by that.
                {"mailbox": each.mailbox, "until": each.until.replace(microsecond=0).isoformat()}
                for each in journal.closed
            ],
            "trend": describe_trend(journal.slots, await store.hours(), self._sources.now()),
        }

    async def _last(self, timer: Timer) -> dict[str, Any]:
        return describe_run(await self._sources.journal_store().last(timer))


async def _section(content: Awaitable[dict[str, Any]]) -> dict[str, Any]:
    """The content, or why it could not be read."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return {"problem": "", **await content}
    except TimeoutError:
        return {"problem": f"There was no answer within {PATIENCE_SECONDS:g} seconds; refresh to ask again."}
    except SyncError as error:
        return {"problem": error.reason}
    except SettingsError as error:
        return {"problem": str(error)}


def _failures_of(failing: Mapping[str, Any]) -> Failures | None:
    if failing["problem"]:
        return None
    first = failing["groups"][0] if failing["groups"] else {}
    return Failures(
        failing["count"],
        failing["people"],
        more=failing["more"],
        since=failing["since"],
        remedy=first.get("remedy", ""),
    )
