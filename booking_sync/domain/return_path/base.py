"""What a booking's row remembers of what both sides last agreed on: the base of the three-way comparison.

It stands in a column of its own with a seal of its own: a longer record would fail an older instance's seal,
count as none there, and have a second event made, whereas a column that an instance does not know it leaves
alone. So a base may be of another event than the record's; then it counts as none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final

from booking_sync.domain.environment.columns import OUTLOOK_BASE_LENGTH
from booking_sync.domain.events.event_ref import EventRef, is_event_id, is_mailbox
from booking_sync.domain.events.ownership import Seal
from booking_sync.domain.return_path.comparison import Agreement
from booking_sync.domain.return_path.times import format_times, read_times
from booking_sync.domain.return_path.version import is_version

if TYPE_CHECKING:
    from booking_sync.domain.events.ownership import Sealer

MOST_LEAVING: Final = 8
"""Events of one booking that are withdrawn and perhaps not removed yet; no run has more than a few."""
_VERSION: Final = "1"
_PARTS: Final = 10
_HASH: Final = re.compile(r"[0-9a-f]{0,32}")
_NONCE: Final = re.compile(r"[0-9a-f-]{0,36}")
_SECONDS: Final = re.compile(r"[0-9]{1,11}")
_MOVES: Final = re.compile(r"([0-9]{8})x([0-9]{1,4})")


@dataclass(frozen=True, slots=True)
class DayMoves:
    """How often Outlook moved a booking on one day, UTC."""

    day: date
    count: int

    def on(self, today: date) -> int:
        """How often it did today."""
        return self.count if self.day == today else 0


@dataclass(frozen=True, slots=True)
class Base:
    """What both sides last agreed on."""

    agreement: Agreement | None = None
    """The times; None while the booking shows nowhere."""
    face: str = ""
    """Hash of subject, place, availability and our categories as they were last written; empty: unknown."""
    body: str = ""
    """The same of the body."""
    leaving: frozenset[EventRef] = field(default_factory=frozenset)
    """Events that the row names no more, and that are perhaps not removed yet."""
    moves: DayMoves | None = None
    proposed: datetime | None = None
    """When what is proposed now was put on the row: aware, UTC, full seconds; None while nothing is."""
    version: str = field(default="", compare=False)
    """Of the event, as the row's last write of us knew it, see `version`; empty: unknown.

    It makes no base another one: no row is written for its sake.
    """


NO_BASE: Final = Base()


def format_base(booking_id: str, event: EventRef | None, generation: int, base: Base, sealer: Sealer) -> str:
    """The column's text, sealed for this booking with this event.

    Raises:
        ValueError: more events are leaving than the column has room for.
    """
    if len(base.leaving) > MOST_LEAVING:
        raise ValueError(f"at most {MOST_LEAVING} events can be leaving")
    content = ":".join(
        (
            _VERSION,
            format_times(base.agreement.times) if base.agreement else "",
            base.agreement.nonce if base.agreement else "",
            base.face,
            base.body,
            ",".join(sorted(f"{each.mailbox}/{each.event_id}" for each in base.leaving)),
            f"{base.moves.day:%Y%m%d}x{base.moves.count}" if base.moves else "",
            str(int(base.proposed.timestamp())) if base.proposed else "",
            base.version,
        )
    )
    return f"{content}:{sealer.base(booking_id, event, generation, content)}"


def read_base(
    booking_id: str, event: EventRef | None, generation: int, text: str, sealer: Sealer
) -> Base | None:
    """What the column says; None when it says nothing that was sealed for this booking with this event.

    Never raises: people can edit the column. One that an older key sealed is believed: what it says of times
    holds whoever sealed it, and the next record seals it anew.
    """
    content, _, seal = text.rpartition(":")
    parts = content.split(":")
    if len(text) > OUTLOOK_BASE_LENGTH or len(parts) != _PARTS - 1 or parts[0] != _VERSION:
        return None
    if sealer.judge_base(seal, booking_id, event, generation, content) is not Seal.VALID:
        return None
    _, times_text, nonce, face, body, leaving, moves, proposed, version = parts
    times = read_times(times_text)
    if not (_NONCE.fullmatch(nonce) and _HASH.fullmatch(face) and _HASH.fullmatch(body)):
        return None
    return Base(
        Agreement(times, nonce) if times else None,
        face,
        body,
        _read_leaving(leaving),
        _read_moves(moves),
        datetime.fromtimestamp(int(proposed), UTC) if _SECONDS.fullmatch(proposed) else None,
        version if is_version(version) else "",
    )


def leaving_in(text: str) -> frozenset[EventRef]:
    """The events that a column's text calls leaving, whoever wrote it: each has to be proven by itself.

    For the row of a deleted booking, whose text is all that is left of it.
    """
    parts = text.split(":")
    return _read_leaving(parts[5]) if len(parts) == _PARTS and parts[0] == _VERSION else frozenset()


def _read_leaving(text: str) -> frozenset[EventRef]:
    named = (each.partition("/") for each in text.split(",") if each)
    return frozenset(
        EventRef(mailbox, event_id)
        for mailbox, _, event_id in named
        if is_mailbox(mailbox) and is_event_id(event_id)
    )


def _read_moves(text: str) -> DayMoves | None:
    match = _MOVES.fullmatch(text)
    if match is None:
        return None
    try:
        return DayMoves(date.fromisoformat(match[1]), int(match[2]))
    except ValueError:
        return None
