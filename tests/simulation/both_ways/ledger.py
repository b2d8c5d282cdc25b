"""Which times each booking may have in the end, when technicians and dispatchers move it.

Every plan and every wish is a time that the booking never had, so that a time in the end tells whose it is.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.simulation.trouble import BothWays

FIRST = datetime(2026, 3, 2, 8, tzinfo=UTC)
LENGTH = timedelta(hours=2, minutes=30)


class Ledger:
    """The times of the last change that nobody contested, by booking.

    Args:
        mode: what becomes of wishes.
    """

    def __init__(self, mode: BothWays) -> None:
        self._mode = mode
        self._allowed: dict[str, set[datetime]] = {}
        self._open: set[str] = set()
        self._used = 0

    def allowed(self, booking_id: str) -> set[datetime]:
        """The starts that it may have."""
        return self._allowed.setdefault(booking_id, {FIRST})

    def planned(self, booking_id: str) -> tuple[str, str]:
        """A dispatcher moves the booking: start and end. What technicians wished before is overruled."""
        start = self._next()
        self._allowed[booking_id] = {start}
        return _text(start), _text(start + LENGTH)

    def taken_back(self, booking_id: str, start: datetime) -> tuple[str, str]:
        """A dispatcher moves the booking to where it was once, which holds like any plan: start and end.

        Only for schedules that know what the app has read meanwhile: to it there and back again is no change.
        """
        self._allowed[booking_id] = {start}
        return _text(start), _text(start + LENGTH)

    def wished(self, booking_id: str, *, seen: bool) -> tuple[str, str]:
        """A technician moves the event; where that is granted it must count if they saw the plan as it is."""
        start = self._next()
        if self._mode == "apply":
            self._allowed[booking_id] = {start} if seen else {*self.allowed(booking_id), start}
        return _text(start), _text(start + LENGTH)

    def accepted(self, booking_id: str, start: datetime, *, certain: bool) -> None:
        """A dispatcher said yes to a proposal; it must count if their form and the plan were as they are."""
        self._allowed[booking_id] = {start} if certain else {*self.allowed(booking_id), start}

    def left_open(self, booking_id: str) -> None:
        """An event goes, and with it whatever was wished by moving it: no time is certain any more."""
        self._open.add(booking_id)

    def is_open(self, booking_id: str) -> bool:
        """Whether nothing is known of the times."""
        return booking_id in self._open

    def taken_elsewhere(self, booking_id: str, row: Mapping[str, Any]) -> None:
        """The booking leaves its event: a wish that nobody has looked at yet goes with it."""
        self.allowed(booking_id).add(read(row["starttime"]))

    def _next(self) -> datetime:
        self._used += 1
        return FIRST + timedelta(minutes=5 * self._used)


def read(value: Any) -> datetime:
    """A time of a row."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return datetime.fromisoformat(str(value)).astimezone(UTC)


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
