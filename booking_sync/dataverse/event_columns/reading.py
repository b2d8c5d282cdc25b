"""The values of the columns that an administrator chose, out of a booking's row.

As with every other column an empty one is ordinary, and a value of another type is refused. A lookup on the
path that is set and leads to nothing is a row that we may not see, and is told: its text would silently be
missing. Of a column that may point to several tables that can't be told, and counts as empty.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import TYPE_CHECKING

from booking_sync.domain.events.event_text.columns import ColumnKind, ColumnValue

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from booking_sync.dataverse.rows.row_reader import RowReader
    from booking_sync.domain.events.event_text.columns import EventColumn, Raw

_NUMBERS = re.compile(r"-?\d{1,10}(?:,-?\d{1,10})*")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def read_values(row: RowReader, columns: Sequence[EventColumn]) -> Mapping[str, ColumnValue]:
    """By name the values that are there.

    Raises:
        PermanentError: a column holds what it can't hold, or a row on its path may not be seen.
    """
    values: dict[str, ColumnValue] = {}
    for column in columns:
        holder = _holder(row, column)
        raw = None if holder is None else _READERS[column.kind](holder, column.selected)
        if holder is not None and raw is not None:
            values[column.name] = ColumnValue(column, raw, holder.formatted(column.selected))
    return values


def _holder(row: RowReader, column: EventColumn) -> RowReader | None:
    """The row that the column is of."""
    holder: RowReader | None = row
    for hop in column.hops:
        if holder is None:
            return None
        # A shared column may be set and point to another table: nothing is wrong where this way is empty.
        holder = holder.related(hop.navigation, None if hop.shared else hop.selected)
    return holder


def _text(row: RowReader, name: str) -> Raw | None:
    return row.text(name)


def _number(row: RowReader, name: str) -> Raw | None:
    return row.number(name)


def _choice(row: RowReader, name: str) -> Raw | None:
    return row.integer(name)


def _choices(row: RowReader, name: str) -> Raw | None:
    """Dataverse sends them as one text: `1,3`."""
    text = row.text(name)
    if not text:
        return None
    if not _NUMBERS.fullmatch(text):
        raise row.wrong(name, "numbers of choices")
    return tuple(int(each) for each in text.split(","))


def _yes_no(row: RowReader, name: str) -> Raw | None:
    return row.flag_or_none(name)


def _lookup(row: RowReader, name: str) -> Raw | None:
    return row.guid(name)


def _moment(row: RowReader, name: str) -> Raw | None:
    return row.moment(name)


def _day(row: RowReader, name: str) -> Raw | None:
    text = row.text(name)
    if not text:
        return None
    try:
        day = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None:
        raise row.wrong(name, "a date")
    return day


def _clock(row: RowReader, name: str) -> Raw | None:
    """Sent as if it were in UTC, which says nothing here: date and time are meant as they stand."""
    moment = row.moment(name)
    return datetime.combine(moment.date(), moment.time()) if moment else None


_READERS: Mapping[ColumnKind, Callable[[RowReader, str], Raw | None]] = {
    ColumnKind.TEXT: _text,
    ColumnKind.NUMBER: _number,
    ColumnKind.MONEY: _number,
    ColumnKind.CHOICE: _choice,
    ColumnKind.CHOICES: _choices,
    ColumnKind.YES_NO: _yes_no,
    ColumnKind.LOOKUP: _lookup,
    ColumnKind.MOMENT: _moment,
    ColumnKind.DAY: _day,
    ColumnKind.DAY_OF_MOMENT: _moment,
    ColumnKind.CLOCK: _clock,
}
