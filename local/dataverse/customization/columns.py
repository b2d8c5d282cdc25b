"""Columns added, widened and removed, and the publishing of it: writes of table definitions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from local.dataverse.customization import metadata
from local.dataverse.customization.rules import still_needed
from local.dataverse.errors import bad_request, not_implemented, row_missing

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.dataverse.customization.forms import Forms
    from local.dataverse.customization.solutions import Solutions
    from local.dataverse.tables.schema import Schema
    from local.dataverse.tables.store import Store


class Customization:
    """Writes of table definitions.

    Args:
        schema: the tables in force.
        store: the rows, which lose a removed column's values.
        solutions: what new columns are put into.
        forms: what is published with a table, and what holds on to its columns.
    """

    def __init__(self, schema: Schema, store: Store, solutions: Solutions, forms: Forms) -> None:
        self._schema = schema
        self._store = store
        self._solutions = solutions
        self._forms = forms
        self.is_used: Callable[[str, str], bool] = lambda _table, _column: False
        """Whether a step or an image names a column of a table; then it can't be removed."""
        self.published: list[str] = []
        """What was published: tables by logical name, `*` for everything."""

    def create(self, path: str, body: Any, solution: str, user_id: str) -> str:
        """Add a text column, a choice or a moment; returns its MetadataId.

        Raises:
            DataverseError: of another kind, a bad name or length, no such prefix, or it exists.
        """
        place = metadata.locate(self._schema, path)
        if not place.attributes or place.attribute or place.cast:
            raise not_implemented("creating anything but attributes")
        column, prefix = metadata.read_new_column(body)
        allowed = {self._solutions.prefix(solution)} if solution else self._solutions.prefixes()
        if prefix not in allowed:
            raise bad_request(
                f"The prefix '{prefix}' of {column.name} is not that of the solution's publisher.",
                "0x8004701e",
            )
        table = place.table.logical_name
        self._schema.add_column(table, column)
        if solution:
            self._solutions.add_column(solution, table, column.name, user_id)
        return metadata.metadata_id(table, column.name)

    def change(self, path: str, body: Any) -> None:
        """Put a column's whole definition; raises DataverseError."""
        table, name = self._column(path)
        column = metadata.read_changed_column(self._schema.table(table), name, body)
        self._schema.change_column(table, column)

    def delete(self, path: str, user_id: str) -> None:
        """Remove a column with all its values.

        Raises:
            DataverseError: there is none, it is no custom one, or a step or an image names it.
        """
        table, name = self._column(path)
        if self.is_used(table, name) or self._forms.uses(table, name):
            raise still_needed("Attribute", metadata.metadata_id(table, name), 1)
        self._schema.remove_column(table, name)
        for row in self._store.rows(self._schema.table(table)).values():
            row.pop(name, None)
        self._solutions.forget(metadata.metadata_id(table, name), user_id)

    def publish(self, body: Any) -> None:
        """Carry out `PublishXml`.

        Raises:
            DataverseError: its parameter is missing or no XML of this kind, or names an unknown table.
        """
        text = body.get("ParameterXml") if isinstance(body, dict) and len(body) == 1 else None
        try:
            root = ET.fromstring(text or "")  # noqa: S314 - written by our own tests and tools
        except ET.ParseError:
            raise bad_request("PublishXml needs the parameter ParameterXml, and XML in it.") from None
        tables = [each.text or "" for each in root.findall("./entities/entity")]
        if root.tag != "importexportxml" or not tables:
            raise bad_request("ParameterXml must be <importexportxml><entities><entity>...")
        names = [self._schema.table(each).logical_name for each in tables]
        self.published += names
        for name in names:
            self._forms.publish(name)

    def publish_all(self) -> None:
        """Carry out `PublishAllXml`."""
        self.published.append("*")
        for table in self._schema.tables:
            self._forms.publish(table.logical_name)

    def _column(self, path: str) -> tuple[str, str]:
        place = metadata.locate(self._schema, path)
        if place.attribute is None or place.cast is not None:
            raise not_implemented(f"writing to '{path}'")
        if place.attribute not in place.table.by_name:
            raise row_missing("Attribute", place.attribute)
        return place.table.logical_name, place.attribute
