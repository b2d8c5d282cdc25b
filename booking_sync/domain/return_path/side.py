"""What a booking's row holds of the return path, beside the record of its event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from booking_sync.domain.return_path.base import NO_BASE, Base

if TYPE_CHECKING:
    from booking_sync.domain.return_path.times import Times


@dataclass(frozen=True, slots=True)
class OutlookSide:
    """The columns of the return path on one row."""

    base: Base = NO_BASE
    """What both sides last agreed on."""
    told: str = ""
    """What became of the last change from Outlook, in words for people."""


@dataclass(frozen=True, slots=True)
class Returned:
    """What a record writes of the return path, in the same conditional request."""

    side: OutlookSide
    times: Times | None = None
    """New start and end of the booking itself: a person's wish that is granted; None leaves them."""
