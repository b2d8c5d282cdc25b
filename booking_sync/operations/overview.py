"""Gathers what the operator's page shows. A section that can't be read says why in its place."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from booking_sync.domain.text import clean_line, clean_lines
from booking_sync.domain.timers import Timer
from booking_sync.errors import SettingsError, SyncError
from booking_sync.operations.dead_letters import read_dead_letter
from booking_sync.operations.headline import headline

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import datetime

    from booking_sync.domain.participation import Participation
    from booking_sync.domain.timers import TimerRun
    from booking_sync.operations.dead_letters import DeadLetter
    from booking_sync.operations.health import Health, HealthProbe
    from booking_sync.operations.journal import Entry, Journal
    from booking_sync.operations.journal_store import JournalStore
    from booking_sync.ports.bookings import FailingBooking, FailingBookings, FailureListing
    from booking_sync.ports.clock import Clock
    from booking_sync.ports.diagnosis import PeopleReads
    from booking_sync.ports.queues import PoisonQueue

MAX_FAILING = 50
MAX_PEOPLE = 500
"""Names of those who take part; there may be thousands."""
PATIENCE_SECONDS = 20.0
"""A section that takes longer says that there was no answer; the page shows the others."""

_MAX_NAME = 200
_MAX_ERROR = 1000


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


class Overview:
    """Gathers all sections side by side."""

    def __init__(self, sources: OverviewSources) -> None:
        self._sources = sources

    async def gather(self) -> dict[str, Any]:
        """The sections as JSON values; one that could not be read has a text in `problem`."""
        sections = {
            "poison": self._poison(),
            "failing": self._failing(),
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
            "headline": _headline(health, told["failing"]),
            "health": describe_health(health),
            "queues": _depths(health),
            **told,
        }

    async def _poison(self) -> dict[str, Any]:
        dead_letters = [read_dead_letter(message) for message in await self._sources.open_poison().peek()]
        return {"letters": [self._dead_letter(each) for each in dead_letters]}

    def _dead_letter(self, dead_letter: DeadLetter) -> dict[str, Any]:
        return {
            "id": dead_letter.message_id,
            "reason": dead_letter.reason,
            "deadLetteredAt": dead_letter.dead_lettered_at,
            "came": _text(dead_letter.came),
            "expires": _text(dead_letter.expires),
            "bookingId": dead_letter.booking_id,
            "link": self._sources.link(dead_letter.booking_id) if dead_letter.booking_id else "",
            "about": dead_letter.about,
            "correlationId": dead_letter.correlation_id,
            "replayable": dead_letter.change is not None,
        }

    async def _failing(self) -> dict[str, Any]:
        found: FailingBookings = await (await self._sources.open_failures()).failing(MAX_FAILING)
        return {"bookings": [self._booking(each) for each in found.bookings], "more": found.more}

    def _booking(self, booking: FailingBooking) -> dict[str, Any]:
        return {
            "bookingId": booking.booking_id,
            "name": clean_line(booking.name, _MAX_NAME),
            "starts": _text(booking.starts),
            "modified": _text(booking.modified),
            "reason": clean_lines(booking.error, _MAX_ERROR),
            "link": self._sources.link(booking.booking_id),
        }

    async def _people(self) -> dict[str, Any]:
        """Who takes part and has a calendar, of all there are."""
        reads, participation = await self._sources.open_people()
        everybody = await reads.everybody()
        shown = [each for each in everybody if participation.shows(each.resource)]
        names = [clean_line(each.name, _MAX_NAME) for each in shown[:MAX_PEOPLE]]
        return {"all": len(everybody), "inside": len(shown), "names": names, "more": len(shown) - len(names)}

    async def _journal(self) -> dict[str, Any]:
        journal: Journal = await self._sources.journal_store().everything()
        return {
            "outcomes": [self._entry(entry) for entry in journal.entries],
            "throttled": [
                {"mailbox": each.mailbox, "until": each.until.isoformat()} for each in journal.closed
            ],
        }

    def _entry(self, entry: Entry) -> dict[str, Any]:
        return {
            "moment": entry.moment.isoformat(),
            "bookingId": entry.booking_id,
            "link": self._sources.link(entry.booking_id),
            "outcome": entry.outcome,
            "reason": entry.reason,
            "correlationId": entry.correlation_id,
            "attempt": entry.attempt,
        }

    async def _last(self, timer: Timer) -> dict[str, Any]:
        return _run(await self._sources.journal_store().last(timer))


def describe_health(health: Health) -> dict[str, Any]:
    """The health as JSON values, with all problems: for operators only."""
    return {
        "status": "ok" if health.works else "failing",
        "findings": [
            {
                "topic": each.topic.value,
                "severity": each.severity.value,
                "words": each.words,
                "remedy": each.remedy,
                "since": _text(each.since),
            }
            for each in health.findings
        ],
        "timers": [
            {
                "timer": each.timer.value,
                "last": _text(each.last),
                "due": _text(each.due),
                "overdue": each.is_overdue,
            }
            for each in health.timers
        ],
    }


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


def _headline(health: Health, failing: Mapping[str, Any]) -> dict[str, str]:
    known = not failing["problem"]
    said = headline(
        health, len(failing["bookings"]) if known else None, more=bool(failing["more"]) if known else False
    )
    return {"severity": said.severity, "words": said.words}


def _depths(health: Health) -> dict[str, Any]:
    if health.queues is None:
        return {"problem": "The queues can't be looked at; see what health says."}
    return {
        "problem": "",
        "changes": health.queues.changes,
        "poison": health.queues.poison,
        "oldestChange": _text(health.queues.oldest_change),
    }


def _run(run: TimerRun | None) -> dict[str, Any]:
    """The last run; nothing when none is known."""
    if run is None:
        return {"finished": ""}
    return {
        "finished": run.finished.isoformat(),
        "succeeded": _text(run.succeeded),
        "tally": dict(run.tally),
        "failed": run.problem,
    }


def _text(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""
