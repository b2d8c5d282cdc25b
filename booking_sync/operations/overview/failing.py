"""Failing bookings as people can take them in: those that fail alike together, some at a time. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from booking_sync.domain.text import clean_lines, without_quotes
from booking_sync.operations.overview.remedies import Remedy, remedy_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from booking_sync.ports.dataverse.bookings import FailingBooking

MAX_FAILING: Final = 10_000
"""As many are looked at; a tenant where more fail has one cause, which these show."""
MAX_GROUPS: Final = 30
"""Reasons that differ by what a row says may be thousands; the smallest groups then stand together."""
OTHERS: Final = "Other reasons, which differ: each row tells its own."
SHOWN: Final = 20
"""Of a group, at first; the others page by page."""
PAGE: Final = 100
MAX_REASON: Final = 1000


@dataclass(frozen=True, slots=True)
class FailingGroup:
    """Bookings that fail alike."""

    key: str
    """Names the group, for asking for more of it."""
    reason: str
    """As the latest of them has it."""
    remedy: Remedy | None
    bookings: tuple[FailingBooking, ...]
    """Those first that changed last."""

    @property
    def people(self) -> int:
        """How many bookable resources they concern."""
        return people_of(self.bookings)


def grouped(bookings: Iterable[FailingBooking]) -> tuple[FailingGroup, ...]:
    """The groups, the largest first."""
    found: dict[str, list[FailingBooking]] = {}
    for each in bookings:
        found.setdefault(_kind(each.error), []).append(each)
    groups = sorted(
        (
            FailingGroup(
                _key(kind),
                clean_lines(members[0].error, MAX_REASON),
                remedy_for(members[0].error),
                tuple(members),
            )
            for kind, members in found.items()
        ),
        key=lambda each: -len(each.bookings),
    )
    if len(groups) <= MAX_GROUPS:
        return tuple(groups)
    others = tuple(booking for group in groups[MAX_GROUPS - 1 :] for booking in group.bookings)
    return (*groups[: MAX_GROUPS - 1], FailingGroup(_key(OTHERS), OTHERS, None, others))


def people_of(bookings: Sequence[FailingBooking]) -> int:
    """How many bookable resources these concern; those without one count together."""
    return len({each.resource_id for each in bookings})


def _key(kind: str) -> str:
    return hashlib.sha256(kind.encode()).hexdigest()[:16]


def _kind(error: str) -> str:
    """By what is to be done where that is known: the same trouble of two people has other words."""
    remedy = remedy_for(error)
    return remedy.kind if remedy else without_quotes(error)
