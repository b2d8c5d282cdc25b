"""The port `TableDefinitions` on Dataverse's metadata ("Query table definitions using the Web API").

A choice may have its options in a list of its own or in one that several columns share, and which of the two
properties then holds them is not told for every case: both are asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from booking_sync.dataverse.rows.row_columns import RowColumns, objects
from booking_sync.dataverse.web_api.errors import incomplete
from booking_sync.ports.dataverse.definitions import LookupDefinition, TableDefinition, TimeDefinition

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from booking_sync.dataverse.web_api.client import DataverseClient
    from booking_sync.ports.dataverse.definitions import Labels

_COLUMNS: Final = "LogicalName,AttributeTypeName,AttributeOf,IsValidForRead"
_LOOKUPS: Final = "ReferencingAttribute,ReferencedEntity,ReferencingEntityNavigationPropertyName"
_PREFIX: Final = "Microsoft.Dynamics.CRM."


class DataverseTableDefinitions:
    """Definitions of one environment; fulfils `TableDefinitions`.

    Args:
        client: the environment's Web API; stays the caller's to close.
    """

    def __init__(self, client: DataverseClient) -> None:
        self._client = client

    async def table(self, name: str) -> TableDefinition:
        """The table of that logical name.

        Raises:
            TransientError: of every method here: no complete answer now.
            PermanentError: of every method here: refused.
        """
        path = (
            f"{_place(name)}?$select=LogicalName&$expand=Attributes($select={_COLUMNS}),"
            f"ManyToOneRelationships($select={_LOOKUPS})"
        )
        answer = await self._client.get(path)
        return TableDefinition(
            name,
            {
                row.text("LogicalName"): _type_name(row)
                for row in objects(answer.get("Attributes"))
                if row.flag_or_none("IsValidForRead") is not False and not row.text("AttributeOf")
            },
            tuple(
                LookupDefinition(
                    row.text("ReferencingEntityNavigationPropertyName"),
                    row.text("ReferencingAttribute"),
                    row.text("ReferencedEntity"),
                )
                for row in objects(answer.get("ManyToOneRelationships"))
                if row.text("ReferencingEntityNavigationPropertyName")
            ),
        )

    async def labels(self, table: str, type_name: str, columns: Sequence[str]) -> Mapping[str, Labels]:
        """By column, choice and language what choices are called."""
        cast = f"{type_name.removesuffix('Type')}AttributeMetadata"
        rows = await self._columns(table, cast, "LogicalName", columns, "&$expand=OptionSet,GlobalOptionSet")
        return {
            RowColumns(row).text("LogicalName"): {
                number: labels for number, labels in map(_labels, _options(row)) if labels
            }
            for row in rows
        }

    async def times(self, table: str, columns: Sequence[str]) -> Mapping[str, TimeDefinition]:
        """By column how its times are meant."""
        select = "LogicalName,DateTimeBehavior,Format"
        rows = await self._columns(table, "DateTimeAttributeMetadata", select, columns)
        found = {}
        for row in map(RowColumns, rows):
            behavior = row.row("DateTimeBehavior")
            if behavior is None:
                raise incomplete()  # taken for a moment, a date might be another one
            time = TimeDefinition(behavior.text("Value"), row.text("Format") == "DateOnly")
            found[row.text("LogicalName")] = time
        return found

    async def _columns(
        self, table: str, cast: str, select: str, columns: Sequence[str], expand: str = ""
    ) -> list[dict[str, Any]]:
        condition = quote(" or ".join(f"LogicalName eq '{name}'" for name in columns), safe="")
        path = f"{_place(table)}/Attributes/{_PREFIX}{cast}?$select={select}{expand}&$filter={condition}"
        rows = await self._client.rows(path)
        if {RowColumns(row).text("LogicalName") for row in rows} != set(columns):
            raise incomplete()
        return rows


def _place(table: str) -> str:
    return f"EntityDefinitions(LogicalName='{table}')"


def _type_name(row: RowColumns) -> str:
    name = row.row("AttributeTypeName")
    return name.text("Value") if name else ""


def _options(row: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for name in ("OptionSet", "GlobalOptionSet"):
        found = row.get(name)
        if isinstance(found, dict):
            several = found.get("Options")
            yield from several if isinstance(several, list) else ()
            yield from (each for key in ("TrueOption", "FalseOption") if (each := found.get(key)))


def _labels(option: Mapping[str, Any]) -> tuple[int, dict[int, str]]:
    row = RowColumns(option)
    number, label = row.whole("Value"), row.row("Label")
    localized = objects(option["Label"].get("LocalizedLabels")) if label else []
    texts = {
        code: each.text("Label") for each in localized if (code := each.whole("LanguageCode")) is not None
    }
    return (-1, {}) if number is None else (number, texts)
