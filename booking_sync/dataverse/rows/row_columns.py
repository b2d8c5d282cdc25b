"""Reads single columns of rows that are not bookings, each by its type.

A value of another type than the documented one makes the answer incomplete: nothing is to be made anew, or
taken away, because its row could not be read. Bookings have a reader of their own (`rows`), which names the
column to an administrator.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from booking_sync.dataverse.web_api.errors import incomplete

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_IDENTITY = re.compile(r"[a-z0-9_.-]+")


class RowColumns:
    """One row of an answer.

    Args:
        row: what should be one.

    Raises:
        TransientError: it is none; so does every method for a value of another type than it says.
    """

    def __init__(self, row: Any) -> None:
        if not isinstance(row, dict):
            raise incomplete()
        self._row = row

    def has(self, names: Iterable[str]) -> bool:
        """Whether each of these columns was sent, be it as null."""
        return all(name in self._row for name in names)

    def text(self, name: str) -> str:
        """A text; empty for null."""
        value = self._row.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise incomplete()
        return value

    def identity(self, name: str) -> str:
        """An id or a name of Dataverse's, which has to be there; in lower case.

        It goes into further queries, so it holds nothing but what ids and names are made of.
        """
        value = self.text(name).lower()
        if not _IDENTITY.fullmatch(value):
            raise incomplete()
        return value

    def whole(self, name: str) -> int | None:
        """A whole number or a choice's value; None for null."""
        value = self._row.get(name)
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        raise incomplete()

    def flag(self, name: str) -> bool:
        """Yes or no; null counts as no."""
        value = self._row.get(name)
        if value is None or isinstance(value, bool):
            return bool(value)
        raise incomplete()

    def flag_or_none(self, name: str) -> bool | None:
        """Yes, no, or not told."""
        return None if self._row.get(name) is None else self.flag(name)

    def row(self, name: str) -> RowColumns | None:
        """The row that came along under this navigation property; None when there is none."""
        value = self._row.get(name)
        return None if value is None else RowColumns(value)

    def rows(self, name: str) -> Sequence[RowColumns]:
        """The rows that came along under this name; a list has to be there."""
        return objects(self._row.get(name))


def objects(values: Any) -> Sequence[RowColumns]:
    """A list of rows, which has to be there.

    Raises:
        TransientError: it is none.
    """
    if not isinstance(values, list):
        raise incomplete()
    return [RowColumns(each) for each in values]
