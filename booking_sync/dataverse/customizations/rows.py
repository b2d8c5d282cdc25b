"""Lists of Dataverse's own rows, complete or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from booking_sync.dataverse.rows.row_columns import RowColumns
from booking_sync.dataverse.web_api.errors import incomplete

if TYPE_CHECKING:
    from collections.abc import Sequence

    from booking_sync.dataverse.web_api.client import DataverseClient


async def filtered(client: DataverseClient, path: str, select: str, condition: str) -> list[RowColumns]:
    """The rows that fit a condition; raises as `whole`."""
    return await whole(client, path, select, f"&$filter={quote(condition, safe='')}")


async def whole(client: DataverseClient, path: str, select: str, options: str = "") -> list[RowColumns]:
    """Rows with every column that was asked for; an answer without them must not pass for "not there".

    Raises:
        TransientError: no complete answer now.
        PermanentError: refused.
    """
    rows = [RowColumns(row) for row in await client.rows(f"{path}?$select={select}{options}")]
    if not all(row.has(select.split(",")) for row in rows):
        raise incomplete()
    return rows


async def base_language(client: DataverseClient) -> int:
    """The environment's base language (an LCID), which every label has to have; raises as `whole`."""
    rows = await whole(client, "organizations", "languagecode")
    language = rows[0].whole("languagecode") if rows else None
    if language is None:
        raise incomplete()
    return language


def literal(text: str) -> str:
    """A text as OData writes it."""
    return "'" + text.replace("'", "''") + "'"


def either(column: str, values: Sequence[str]) -> str:
    """The condition that a column holds one of these texts."""
    return " or ".join(f"{column} eq {literal(value)}" for value in values)


def names(text: str) -> frozenset[str]:
    """A list of logical names, as Dataverse keeps them in one text."""
    return frozenset(name.strip() for name in text.split(",") if name.strip())


def attributes(table: str) -> str:
    """Where a table's columns are defined."""
    return f"EntityDefinitions(LogicalName='{table}')/Attributes"
