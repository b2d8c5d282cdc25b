"""What the operator's page shows, as JSON values: moments in ISO 8601, texts cleaned. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from booking_sync.domain.text import clean_line, clean_lines
from booking_sync.operations.journal.trend import (
    DAY,
    HOUR,
    QUARTER,
    THROTTLED,
    WEEK,
    Slot,
    begin_of,
    gathered,
    kept,
    percentile,
)
from booking_sync.operations.overview.failing import MAX_REASON, SHOWN
from booking_sync.operations.overview.remedies import remedy_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime, timedelta

    from booking_sync.domain.timers import TimerRun
    from booking_sync.operations.dead_letters import DeadLetter
    from booking_sync.operations.health import Health
    from booking_sync.operations.journal.order_tally import OrderTally
    from booking_sync.operations.journal.values import Entry
    from booking_sync.operations.overview.failing import FailingGroup
    from booking_sync.ports.dataverse.bookings import FailingBooking

    Link = Callable[[str], str]
    """The address of a booking for people, by its id; empty when it can't be told."""

QUARTER_OF_A_DAY: Final = DAY / 4
_MAX_NAME = 200


def describe_health(health: Health) -> dict[str, Any]:
    """The health, with all findings: for operators only."""
    return {
        "status": "ok" if health.works else "failing",
        "findings": [
            {
                "topic": each.topic.value,
                "severity": each.severity.value,
                "words": each.words,
                "remedy": each.remedy,
                "since": text_of(each.since),
            }
            for each in health.findings
        ],
        "timers": [
            {
                "timer": each.timer.value,
                "last": text_of(each.last),
                "due": text_of(each.due),
                "overdue": each.is_overdue,
            }
            for each in health.timers
        ],
        "secretExpires": text_of(health.secret_expires),
    }


def describe_queues(health: Health) -> dict[str, Any]:
    """How full the queues are."""
    if health.queues is None:
        return {"problem": "The queues can't be looked at; see what health says."}
    return {
        "problem": "",
        "changes": health.queues.changes,
        "poison": health.queues.poison,
        "oldestChange": text_of(health.queues.oldest_change),
    }


def describe_letter(letter: DeadLetter, link: Link, known: FailingBooking | None) -> dict[str, Any]:
    """A message that was given up.

    Args:
        letter: the message.
        link: to a booking.
        known: its booking, where that is among the failing ones: what people call it.
    """
    remedy = remedy_for(letter.reason)
    return {
        "id": letter.message_id,
        "reason": letter.reason,
        "remedy": remedy.words if remedy else "",
        "deadLetteredAt": letter.dead_lettered_at,
        "came": text_of(letter.came),
        "expires": text_of(letter.expires),
        "bookingId": letter.booking_id,
        "name": clean_line(known.name, _MAX_NAME) if known else "",
        "technician": clean_line(known.resource_name, _MAX_NAME) if known else "",
        "technicianId": known.resource_id if known else "",
        "link": link(letter.booking_id) if letter.booking_id else "",
        "about": letter.about,
        "correlationId": letter.correlation_id,
        "replayable": letter.change is not None,
    }


def describe_group(group: FailingGroup, link: Link) -> dict[str, Any]:
    """Bookings that fail alike, and the latest of them."""
    return {
        "key": group.key,
        "reason": group.reason,
        "remedy": group.remedy.words if group.remedy else "",
        "heading": group.remedy.heading if group.remedy else "",
        "count": len(group.bookings),
        "people": group.people,
        "bookings": [describe_booking(each, link) for each in group.bookings[:SHOWN]],
    }


def describe_booking(booking: FailingBooking, link: Link) -> dict[str, Any]:
    """One that fails."""
    return {
        "bookingId": booking.booking_id,
        "name": clean_line(booking.name, _MAX_NAME),
        "technician": clean_line(booking.resource_name, _MAX_NAME),
        "technicianId": booking.resource_id,
        "starts": text_of(booking.starts),
        "modified": text_of(booking.modified),
        "reason": clean_lines(booking.error, MAX_REASON),
        "link": link(booking.booking_id),
    }


def describe_entry(entry: Entry, link: Link) -> dict[str, Any]:
    """How the handling of one message ended."""
    return {
        "moment": entry.moment.isoformat(),
        "bookingId": entry.booking_id,
        "link": link(entry.booking_id),
        "outcome": entry.outcome,
        "reason": entry.reason,
        "correlationId": entry.correlation_id,
        "attempt": entry.attempt,
    }


def describe_order(tally: OrderTally) -> dict[str, Any]:
    """What became of an operator's order so far."""
    return {
        "order": tally.order,
        "done": tally.done,
        "failed": tally.failed,
        "putBack": tally.put_back,
        "reasons": [
            {"reason": reason, "count": count}
            for reason, count in sorted(tally.reasons.items(), key=lambda each: -each[1])
        ],
    }


def describe_run(run: TimerRun | None) -> dict[str, Any]:
    """The last run of a timer; nothing when none is known."""
    if run is None:
        return {"finished": ""}
    return {
        "finished": run.finished.isoformat(),
        "succeeded": text_of(run.succeeded),
        "tally": dict(run.tally),
        "failed": run.problem,
    }


def describe_trend(quarters: Sequence[Slot], hours: Sequence[Slot], now: datetime) -> dict[str, Any]:
    """The last hour, the last day by the hour, and the last week by the quarter of a day.

    Args:
        quarters: what the instances of the last day counted.
        hours: those of the last week that are over.
        now: aware.
    """
    known = kept(gathered(quarters, HOUR), hours, now)
    recent = [each for each in quarters if each.start >= begin_of(now - HOUR, QUARTER)]
    return {
        "lastHour": {
            "changes": sum(each.changes for each in recent),
            "median": _seconds(percentile(recent, 0.5)),
            "slowest": _seconds(percentile(recent, 0.95)),
        },
        "day": _series(known, HOUR, DAY, now),
        "week": _series(known, QUARTER_OF_A_DAY, WEEK, now),
    }


def _series(slots: Iterable[Slot], width: timedelta, span: timedelta, now: datetime) -> list[dict[str, Any]]:
    """A point for each width of the span, the last of which is not over."""
    by_start: Mapping[datetime, Slot] = {each.start: each for each in gathered(slots, width)}
    last = begin_of(now, width)
    starts = (last - place * width for place in reversed(range(span // width)))
    return [_point(by_start.get(start, Slot(start))) for start in starts]


def _point(slot: Slot) -> dict[str, Any]:
    return {
        "start": slot.start.isoformat(),
        "changes": slot.changes,
        "failed": slot.counts.get("failed", 0),
        "throttled": slot.counts.get(THROTTLED, 0),
        "median": _seconds(percentile([slot], 0.5)),
        "slowest": _seconds(percentile([slot], 0.95)),
    }


def _seconds(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def text_of(moment: datetime | None) -> str:
    """The moment; empty when there is none."""
    return moment.isoformat() if moment else ""
