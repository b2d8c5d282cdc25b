"""Which times each booking may have in the end, when technicians and dispatchers move it.

Every plan and every wish is a time that the booking never had, so that a time in the end tells whose it is.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from booking_sync.domain.return_path.times import read_times

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.simulation.chance.trouble import BothWays

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
        self._asked: dict[str, datetime] = {}
        self._used = 0

    def allowed(self, booking_id: str) -> set[datetime]:
        """The starts that it may have."""
        return self._allowed.setdefault(booking_id, {FIRST})

    def planned(self, booking_id: str) -> tuple[str, str]:
        """A dispatcher moves the booking: start and end. What technicians wished before is overruled."""
        start = self._next()
        self._allowed[booking_id] = {start}
        self._asked.pop(booking_id, None)
        return _text(start), _text(start + LENGTH)

    def taken_back(self, booking_id: str, start: datetime) -> tuple[str, str]:
        """A dispatcher moves the booking to where it was once, which holds like any plan: start and end.

        Only for schedules that know what the app has read meanwhile: to it there and back again is no change.
        """
        self._allowed[booking_id] = {start}
        self._asked.pop(booking_id, None)
        return _text(start), _text(start + LENGTH)

    def wished(self, booking_id: str, *, seen: bool) -> tuple[str, str]:
        """A technician moves the event; who saw the plan as it is must be granted it, or have it proposed."""
        start = self._next()
        self._asked.pop(booking_id, None)
        if self._mode == "propose" and seen:
            self._asked[booking_id] = start
        if self._mode == "apply":
            self._allowed[booking_id] = {start} if seen else {*self.allowed(booking_id), start}
        return _text(start), _text(start + LENGTH)

    def asked(self, booking_id: str) -> datetime | None:
        """The start that must be proposed, for nobody answered or contested it; None where nobody knows."""
        return self._asked.get(booking_id)

    def answered(self, booking_id: str) -> None:
        """A dispatcher said something, by whatever form."""
        self._asked.pop(booking_id, None)

    def accepted(self, booking_id: str, start: datetime, *, certain: bool) -> None:
        """A dispatcher said yes to a proposal; it must count if their form and the plan were as they are."""
        self._allowed[booking_id] = {start} if certain else {*self.allowed(booking_id), start}

    def left_open(self, booking_id: str) -> None:
        """An event goes, and with it whatever was wished by moving it: no time is certain any more."""
        self._open.add(booking_id)
        self._asked.pop(booking_id, None)

    def is_open(self, booking_id: str) -> bool:
        """Whether nothing is known of the times."""
        return booking_id in self._open

    def taken_elsewhere(self, booking_id: str, row: Mapping[str, Any]) -> None:
        """The booking leaves its event: a wish that nobody has looked at yet goes with it."""
        self.allowed(booking_id).add(read(row["starttime"]))
        self._asked.pop(booking_id, None)

    def _next(self) -> datetime:
        self._used += 1
        return FIRST + timedelta(minutes=5 * self._used)


def read(value: Any) -> datetime:
    """A time of a row."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return datetime.fromisoformat(str(value)).astimezone(UTC)


def agreed_start(row: Mapping[str, Any]) -> tuple[datetime | None, str]:
    """When a row's base says that the booking starts, and the nonce of the stamp that it has seen."""
    _, times, nonce, *_ = (row["bsync_outlookbase"] or "::").split(":")
    agreed = read_times(times)
    return agreed.start if agreed else None, nonce


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
