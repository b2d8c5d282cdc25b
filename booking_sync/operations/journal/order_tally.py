"""What became of the bookings that an operator's order put on the queue. Pure.

An order is known by the correlation id that its messages bear. The journal counts how these end, so that
the page can tell, however many they are, without keeping each.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from booking_sync.domain.outcome import OutcomeKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

RESYNC: Final = "resync-"
REPLAY: Final = "replay-"
MAX_ORDERS: Final = 50
"""Orders of which an instance knows how they ended: the latest."""
MAX_REASONS: Final = 5
"""Reasons that are kept of each order's failures; further ones count as `OTHERS`."""
OTHERS: Final = "other reasons"


@dataclass(frozen=True, slots=True)
class OrderTally:
    """How an order's messages ended."""

    order: str
    """Its correlation id."""
    done: int = 0
    """Shown as they are now, or rightly not shown."""
    failed: int = 0
    put_back: int = 0
    """Times that one was put back; it comes again."""
    reasons: Mapping[str, int] = field(default_factory=dict)
    """Why some failed or were put back, without what people wrote."""


def is_order(correlation_id: str) -> bool:
    """Whether an operator ordered it."""
    return correlation_id.startswith((RESYNC, REPLAY))


def counted(tally: OrderTally, outcome: str, reason: str) -> OrderTally:
    """The tally with one more end of a message.

    Args:
        tally: before.
        outcome: an `OutcomeKind`'s value.
        reason: without quoted texts.
    """
    failed, put_back = outcome == OutcomeKind.FAILED, outcome == OutcomeKind.DEFERRED
    return OrderTally(
        tally.order,
        tally.done + (not failed and not put_back),
        tally.failed + failed,
        tally.put_back + put_back,
        _with_reason(tally.reasons, reason, 1) if failed or put_back else tally.reasons,
    )


def together(tallies: Iterable[OrderTally], order: str) -> OrderTally:
    """What all instances counted of one order."""
    found = OrderTally(order)
    for each in tallies:
        if each.order == order:
            reasons = found.reasons
            for reason, count in each.reasons.items():
                reasons = _with_reason(reasons, reason, count)
            found = OrderTally(
                order,
                found.done + each.done,
                found.failed + each.failed,
                found.put_back + each.put_back,
                reasons,
            )
    return found


def read_tallies(found: object) -> tuple[OrderTally, ...]:
    """The tallies that were made JSON values of by `dataclasses.asdict`; none for anything else."""
    try:
        return tuple(_tally(each) for each in found[:MAX_ORDERS])  # type: ignore[index]  # what has no index raises TypeError
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return ()


def _tally(found: Mapping[str, Any]) -> OrderTally:
    reasons = {str(reason): int(count) for reason, count in list(found["reasons"].items())[: MAX_REASONS + 1]}
    done, failed, put_back = (int(found[name]) for name in ("done", "failed", "put_back"))
    return OrderTally(str(found["order"]), done, failed, put_back, reasons)


def _with_reason(reasons: Mapping[str, int], reason: str, count: int) -> dict[str, int]:
    known = reason in reasons or len(reasons) - (OTHERS in reasons) < MAX_REASONS
    name = reason if known else OTHERS
    return {**reasons, name: reasons.get(name, 0) + count}
