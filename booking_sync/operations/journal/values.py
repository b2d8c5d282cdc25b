"""The journal: what one instance of the app remembers for the operator's page, as values and as JSON. Pure.

It is bounded, and may be lost: what must last is on the booking rows, on the poison queue and in the log. It
holds ids and our own words only: texts that a reason quotes are left out, as in the log.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from booking_sync.domain.events.zones import ZoneDifference
from booking_sync.domain.ids import read_moment
from booking_sync.domain.messages.change import is_by_webhook
from booking_sync.domain.text import shorten, without_quotes
from booking_sync.domain.timers import TimerRun
from booking_sync.operations.journal.order_tally import OrderTally, read_tallies
from booking_sync.operations.journal.trend import QUARTER, Slot, gathered, read_slots

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAX_ENTRIES = 100
MAX_CLOSED = 200
MAX_REASON = 300
MAX_ZONES = 200


@dataclass(frozen=True, slots=True)
class Entry:
    """How the handling of one message ended."""

    moment: datetime
    """Aware, UTC."""
    booking_id: str
    outcome: str
    """An `OutcomeKind`'s value."""
    reason: str
    correlation_id: str
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class ClosedMailbox:
    """A mailbox that Graph asked to leave alone; an empty id stands for Graph as a whole."""

    mailbox: str
    until: datetime
    """Aware, UTC."""


@dataclass(frozen=True, slots=True)
class Journal:
    """What one instance remembers."""

    instance: str
    entries: tuple[Entry, ...] = ()
    """Newest first."""
    closed: tuple[ClosedMailbox, ...] = ()
    slots: tuple[Slot, ...] = ()
    """What it counted by the quarter of an hour, within a day."""
    orders: tuple[OrderTally, ...] = ()
    """How messages of operators' orders ended."""


@dataclass(frozen=True, slots=True)
class Zones:
    """Where Exchange was seen to read the events' zone by other rules, by any instance."""

    differences: tuple[ZoneDifference, ...] = ()
    """The newest sighting first."""


def make_entry(
    moment: datetime, booking_id: str, *, outcome: str, reason: str, correlation_id: str, attempt: int
) -> Entry:
    """An entry without quoted texts, shortened."""
    return Entry(moment, booking_id, outcome, _tidy(reason), shorten(correlation_id, 100), attempt)


def make_run(
    finished: datetime, tally: Mapping[str, int], problem: str, former: TimerRun | None = None
) -> TimerRun:
    """A run that ended, with the last success taken over from the run before when it failed."""
    succeeded = (former.succeeded if former else None) if problem else finished
    return TimerRun(finished, dict(tally), _tidy(problem), succeeded)


def merge(journals: Iterable[Journal], now: datetime) -> Journal:
    """The journals of all instances in one: the newest entries, and the mailboxes that are still closed."""
    entries: list[Entry] = []
    closed: dict[str, datetime] = {}
    slots: list[Slot] = []
    orders: list[OrderTally] = []
    for journal in journals:
        entries += journal.entries
        slots += journal.slots
        orders += journal.orders
        for each in journal.closed:
            if each.until > now:
                closed[each.mailbox] = max(each.until, closed.get(each.mailbox, now))
    entries.sort(key=lambda entry: entry.moment, reverse=True)
    return Journal(
        "",
        tuple(entries[:MAX_ENTRIES]),
        tuple(ClosedMailbox(*each) for each in sorted(closed.items(), key=lambda each: each[1])),
        gathered(slots, QUARTER),
        tuple(orders),
    )


def latest_by_webhook(journal: Journal) -> datetime | None:
    """When the handling of a change that came by webhook last ended; None when none is known."""
    return next((each.moment for each in journal.entries if is_by_webhook(each.correlation_id)), None)


def merge_zones(all_zones: Iterable[Zones], since: datetime) -> Zones:
    """The sightings of all, but for those that are older; each day of a zone once."""
    found: dict[tuple[str, int, object], ZoneDifference] = {}
    for each in sorted((e for zones in all_zones for e in zones.differences), key=lambda e: e.seen):
        if each.seen > since:
            found[each.zone, each.minutes, each.meant.date()] = each
    return Zones(tuple(reversed(found.values()))[:MAX_ZONES])


def encode(value: Journal | TimerRun | Zones) -> str:
    """The value as JSON text."""
    return json.dumps(asdict(value), default=datetime.isoformat)


def decode_journal(text: str) -> Journal | None:
    """The journal that `encode` wrote; None for any other text, such as another version's."""
    try:
        found = json.loads(text)
        return Journal(
            instance=str(found["instance"]),
            entries=tuple(_entry(each) for each in found["entries"][:MAX_ENTRIES]),
            closed=tuple(
                ClosedMailbox(str(each["mailbox"]), _moment(each["until"]))
                for each in found["closed"][:MAX_CLOSED]
            ),
            # A version before wrote neither.
            slots=read_slots(found.get("slots", [])),
            orders=read_tallies(found.get("orders", [])),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
        return None


def decode_run(text: str) -> TimerRun | None:
    """The run that `encode` wrote; None for any other text."""
    try:
        found = json.loads(text)
        succeeded = found["succeeded"]
        return TimerRun(
            _moment(found["finished"]),
            {str(name): int(count) for name, count in found["tally"].items()},
            str(found["problem"]),
            _moment(succeeded) if succeeded else None,
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
        return None


def decode_zones(text: str) -> Zones | None:
    """The differences that `encode` wrote; None for any other text."""
    try:
        return Zones(
            tuple(
                ZoneDifference(
                    str(each["zone"]), _moment(each["meant"]), int(each["minutes"]), _moment(each["seen"])
                )
                for each in json.loads(text)["differences"][:MAX_ZONES]
            )
        )
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
        return None


def _entry(found: Mapping[str, Any]) -> Entry:
    return make_entry(
        _moment(found["moment"]),
        str(found["booking_id"]),
        outcome=str(found["outcome"]),
        reason=str(found["reason"]),
        correlation_id=str(found["correlation_id"]),
        attempt=int(found["attempt"]),
    )


def _moment(text: str) -> datetime:
    moment = read_moment(text)
    if moment is None:
        raise ValueError("no moment with its zone")
    return moment


def _tidy(reason: str) -> str:
    return shorten(without_quotes(reason), MAX_REASON)
