"""Reads single fields of Graph's answers, each by its type.

An absent field and a null are the same: Graph leaves out what it does not know. Any other type than the
documented one makes the answer unreadable: half an event must not pass for one without marks or times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from booking_sync.domain.events.event_ref import is_event_id
from booking_sync.domain.ids import read_utc_time
from booking_sync.errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime


def unreadable(*, maybe_applied: bool = False) -> TransientError:
    """An answer that is not as Graph documents it, be it a list or an event."""
    return TransientError("Graph's answer can't be read", maybe_applied=maybe_applied)


class Fields:
    """One JSON object of an answer.

    Args:
        value: what should be one.

    Raises:
        TransientError: it is none; so does every method for a value of another type than it says.
    """

    def __init__(self, value: Any) -> None:
        if not isinstance(value, dict):
            raise unreadable()
        self._fields: Mapping[str, Any] = value

    def text(self, name: str) -> str:
        """A text; empty when there is none."""
        value = self._fields.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise unreadable()
        return value

    def evidence(self, name: str) -> str:
        """A text that may prove something; whatever else is there proves nothing, as if there were none."""
        value = self._fields.get(name)
        return value if isinstance(value, str) else ""

    def whole(self, name: str) -> int:
        """A whole number; 0 when there is none."""
        value = self._fields.get(name)
        if value is None:
            return 0
        if not isinstance(value, int) or isinstance(value, bool):
            raise unreadable()
        return value

    def flag(self, name: str) -> bool:
        """Whether it is true, and not anything else."""
        return self._fields.get(name) is True

    def is_filled(self, name: str) -> bool:
        """Whether there is anything but an empty list."""
        return self._fields.get(name) not in (None, [])

    def readable_texts(self, name: str) -> tuple[str, ...]:
        """The texts of a list, without whatever else is there."""
        values = self._fields.get(name)
        return tuple(each for each in values if isinstance(each, str)) if isinstance(values, list) else ()

    def event_id(self, name: str = "id") -> str:
        """An event's id, which has to be there."""
        value = self.text(name)
        if not is_event_id(value):
            raise unreadable()
        return value

    def texts(self, name: str) -> Sequence[str]:
        """A list of texts; empty when there is none."""
        values = self._list(name)
        if not all(isinstance(each, str) for each in values):
            raise unreadable()
        return values

    def objects(self, name: str) -> Sequence[Fields]:
        """A list of objects; empty when there is none."""
        return [Fields(each) for each in self._list(name)]

    def object(self, name: str) -> Fields | None:
        """An object, or None."""
        value = self._fields.get(name)
        return None if value is None else Fields(value)

    def utc_time(self, name: str) -> datetime:
        """A wall-clock time in UTC, which has to be there.

        Graph sends seven fractional digits, of which six are read.
        """
        moment = self.told_time(name)
        if moment is None:
            raise unreadable()
        return moment

    def told_time(self, name: str) -> datetime | None:
        """The same, where it need not be told; None for anything else."""
        time = self._fields.get(name)
        if not isinstance(time, dict) or time.get("timeZone") != "UTC":
            return None
        return read_utc_time(time.get("dateTime"))

    def _list(self, name: str) -> list[Any]:
        value = self._fields.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise unreadable()
        return value


def rows(page: Any) -> list[Any]:
    """A page's entries; one without any has an empty list, and not none.

    Raises:
        TransientError: it is no page.
    """
    value = page.get("value") if isinstance(page, dict) else None
    if not isinstance(value, list):
        raise unreadable()
    return value


def next_link(page: Mapping[str, Any]) -> str | None:
    """Where a list goes on; None at its end.

    Raises:
        TransientError: what is there is no address.
    """
    link = page.get("@odata.nextLink")
    if link is None or (isinstance(link, str) and link):
        return link
    raise unreadable()
