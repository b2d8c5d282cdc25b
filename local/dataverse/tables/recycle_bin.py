"""The recycle bin: deleted rows that can be restored with all their columns.

Microsoft's page "Restore deleted records with code": `Restore` takes a full record, of which it keeps what is
given and restores the rest; it is refused where a reference leads nowhere any more, or where a row of that id
exists again; a row whose id was deleted before is not kept a second time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.dataverse.errors import DataverseError, row_missing
from local.dataverse.tables.columns import Kind
from local.dataverse.tables.schema import BOOKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.dataverse.tables.columns import Table
    from local.dataverse.tables.payload import Row

RECYCLED_TABLES = frozenset({BOOKING})
"""Tables that keep what is deleted, and so have the message `Restore`."""


class RecycleBin:
    """Deleted rows by table and id."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], Row] = {}

    def clear(self) -> None:
        """Forget them."""
        self._rows.clear()

    def keep(self, table: Table, row_id: str, row: Row) -> None:
        """Keep a row that is deleted, if its table has a recycle bin and its id is not there yet."""
        if table.logical_name in RECYCLED_TABLES:
            self._rows.setdefault((table.logical_name, row_id), dict(row))

    def check(self, table: Table, row_id: str, exists: Callable[[str, str], bool]) -> Row:
        """The row to restore; it stays until `take`.

        Args:
            table: of the row.
            row_id: its id.
            exists: whether a row is there, by its table's logical name and id.

        Raises:
            DataverseError: it is not here, a row of that id exists, or a reference leads nowhere.
        """
        row = self._rows.get((table.logical_name, row_id))
        if exists(table.logical_name, row_id):
            raise DataverseError(
                412,
                "0x80044a02",
                f"Please delete the existing conflicting record '{table.logical_name}' with primary key "
                f"'{table.primary_id}' and primary key value '{row_id}' before attempting restore.",
            )
        if row is None:
            raise row_missing(table.logical_name, row_id)
        for column in table.columns:
            value = row.get(column.name)
            if column.kind is Kind.LOOKUP and value is not None and not exists(column.target, str(value)):
                raise DataverseError(
                    400,
                    "0x80049959",
                    f"Entity with id '{value}' and logical name '{column.target}' does not exist. We cannot "
                    f"restore the reference '{column.name}' that must be restored as part of this Restore "
                    f"call. ValueToBeRestored: {value}, ReferencedEntityName: {column.target}, "
                    f"AttributeName: {column.name}",
                )
        return dict(row)

    def take(self, table: Table, row_id: str) -> None:
        """Forget a row that was restored."""
        del self._rows[table.logical_name, row_id]
