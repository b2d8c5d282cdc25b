"""Reads the columns of one row by type, and refuses what a column can't hold, naming it by its path."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from booking_sync.domain.ids import read_guid, read_moment
from booking_sync.errors import PermanentError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

FORMATTED = "OData.Community.Display.V1.FormattedValue"
"""What Dataverse itself makes of a value: the name behind a lookup, a label, an amount with its currency."""

_ETAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]+"')


def is_etag(value: object) -> bool:
    """Whether this names one version of a row; `*` and an empty text would overwrite any."""
    return isinstance(value, str) and _ETAG.fullmatch(value) is not None


class RowReader:
    """One row, or a row it points to.

    Args:
        row: as it was answered.
        path: how the row is reached from the one that was asked for; empty for that one itself.

    Raises:
        PermanentError: of each method, when the column holds something else.
    """

    def __init__(self, row: Mapping[str, Any], path: str = "") -> None:
        self._row = row
        self._path = path

    def text(self, column: str) -> str | None:
        """A text; None when the column is empty, as for every method that is not called `required`."""
        value = self._row.get(column)
        if value is None or isinstance(value, str):
            return value
        raise self.wrong(column, "text")

    def guid(self, column: str) -> str | None:
        """A GUID in lower case."""
        if self._row.get(column) is None:
            return None
        return self.required_guid(column)

    def required_guid(self, column: str) -> str:
        """A GUID in lower case."""
        guid = read_guid(self._row.get(column))
        if guid is None:
            raise self.wrong(column, "a GUID")
        return guid

    def integer(self, column: str) -> int | None:
        """A whole number."""
        if self._row.get(column) is None:
            return None
        return self.required_integer(column)

    def required_integer(self, column: str) -> int:
        """A whole number."""
        value = self._row.get(column)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        raise self.wrong(column, "a whole number")

    def number(self, column: str) -> float | None:
        """A number that is finite."""
        value = self._row.get(column)
        if value is None:
            return None
        if isinstance(value, int | float) and not isinstance(value, bool):
            number = _float(value)
            if math.isfinite(number):
                return number
        raise self.wrong(column, "a number")

    def flag(self, column: str) -> bool:
        """Yes or no; an empty column says no."""
        return self.flag_or_none(column) or False

    def flag_or_none(self, column: str) -> bool | None:
        """Yes or no."""
        value = self._row.get(column)
        if value is None or isinstance(value, bool):
            return value
        raise self.wrong(column, "yes or no")

    def moment(self, column: str) -> datetime | None:
        """A moment, aware and in UTC."""
        value = self._row.get(column)
        if value is None:
            return None
        moment = read_moment(value)
        if moment is None:
            raise self.wrong(column, "a time with its zone, between the years 1 and 9999")
        return moment

    def formatted(self, column: str) -> str:
        """What Dataverse itself makes of the value; empty when it tells nothing."""
        value = self._row.get(f"{column}@{FORMATTED}")
        return value if isinstance(value, str) else ""

    def etag(self) -> str:
        """The row's version."""
        value = self._row.get("@odata.etag")
        if isinstance(value, str) and is_etag(value):
            return value
        raise self.wrong("@odata.etag", "a version")

    def related(self, navigation: str, lookup: str | None = None) -> RowReader | None:
        """A row that this one points to; None when it points to none.

        Args:
            navigation: the lookup's navigation property.
            lookup: the lookup as a column, which tells a row that we may not see from none; None where it
                can't, or where that makes no difference.
        """
        value = self._row.get(navigation)
        if isinstance(value, dict):
            return RowReader(value, f"{self._path}{navigation}/")
        if value is not None:
            raise self.wrong(navigation, "a row")
        if lookup is not None and self._row.get(lookup) is not None:
            raise PermanentError(
                f"Dynamics 365: the booking's {self._path}{navigation} is set, but our application user may "
                "not read it; an administrator must check its security role."
            )
        return None

    def wrong(self, column: str, expected: str) -> PermanentError:
        """Why the row can't be read."""
        return PermanentError(f"Dynamics 365: the column '{self._path}{column}' does not hold {expected}.")


def _float(number: float) -> float:
    """As a float; infinite when it is too large for one, as JSON's whole numbers may be."""
    try:
        return float(number)
    except OverflowError:
        return math.inf
