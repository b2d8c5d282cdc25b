"""Which mailboxes an audit looks at together: few enough that their bookings fit into memory. Pure."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from booking_sync.domain.messages.audit_progress import AuditProgress, MailboxRange

MAILBOXES_PER_PART = 40
"""Two full batches to Graph; 12,000 bookings where each technician has 300 in the window, some 80 MB."""
MAX_ROWS_PER_PART = 16_000
"""A part with more is halved, down to one mailbox."""


@dataclass(frozen=True, slots=True)
class CalendarOwner:
    """A mailbox and the bookable resources whose user has it."""

    mailbox: str
    """Entra object id, lower case."""
    resource_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AuditPart:
    """What is looked at together."""

    owners: tuple[CalendarOwner, ...] = ()
    booking_ids: tuple[str, ...] = ()
    """Instead of the owners': these bookings, whose resources have no mailbox that we know."""
    undivided: bool = False
    """All bookings of the window; the owners are all that there are."""
    mailboxes: frozenset[str] = frozenset()
    """Only these mailboxes, and the bookings that concern them."""
    elsewhere: frozenset[str] = frozenset()
    """The mailboxes of other parts."""

    @property
    def own_mailboxes(self) -> frozenset[str]:
        """Those of its owners."""
        return frozenset(each.mailbox for each in self.owners)

    @property
    def resource_ids(self) -> tuple[str, ...]:
        """Those of its owners."""
        return tuple(each for owner in self.owners for each in owner.resource_ids)

    @property
    def may_shrink(self) -> bool:
        """Whether it can be looked at in smaller parts."""
        return len(self.owners) > 1 and not self.mailboxes and not self.booking_ids


def owners_of(resources: Mapping[str, str]) -> list[CalendarOwner]:
    """The owners in the order of their mailboxes.

    Args:
        resources: by resource id the mailbox of its user; empty for one that has none.
    """
    found: dict[str, list[str]] = {}
    for resource_id, mailbox in resources.items():
        if mailbox:
            found.setdefault(mailbox, []).append(resource_id)
    return [CalendarOwner(mailbox, tuple(sorted(ids))) for mailbox, ids in sorted(found.items())]


def fit_together(owners: int, size: int) -> bool:
    """Whether so many owners are looked at in one go: one part and a half cost fewer requests than two."""
    return owners <= size + size // 2


def first_part(owners: Sequence[CalendarOwner], where: MailboxRange, size: int) -> tuple[CalendarOwner, ...]:
    """The first owners of the range, at most so many; none when the range is gone through."""
    mailboxes = [each.mailbox for each in owners]
    start = bisect_right(mailboxes, where.after)
    end = bisect_right(mailboxes, where.until) if where.until else len(mailboxes)
    return tuple(owners[start : min(start + size, end)])


def behind(
    where: MailboxRange, done: Sequence[CalendarOwner], owners: Sequence[CalendarOwner]
) -> tuple[MailboxRange, ...]:
    """What is left of the range behind these owners: nothing, or one range."""
    rest = replace(where, after=done[-1].mailbox)
    return (rest,) if first_part(owners, rest, 1) else ()


def halved(progress: AuditProgress, owners: int) -> AuditProgress:
    """The same with parts half as large as one of so many owners."""
    return replace(
        progress, undivided=False, strays=progress.strays or progress.undivided, size=max(1, owners // 2)
    )
