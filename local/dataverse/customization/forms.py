"""Views and forms: two versions of each, what their XML must be, and which columns they hold on to.

A change is saved first and shown to people only when its table is published; an ordinary read answers what is
published, `RetrieveUnpublishedMultiple` what was saved last (Microsoft's "Publish customizations"). Whether a
view that was just made shows in lists before it is published, no source says: here it does not.

The XML is held to Microsoft's "Form XML reference" and "Customize views".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from local.dataverse.customization.metadata import BASE_LANGUAGE, object_type
from local.dataverse.errors import bad_request
from local.dataverse.tables.platform_tables import FORM, VIEW

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.dataverse.tables.columns import Table
    from local.dataverse.tables.payload import Row, Value
    from local.dataverse.tables.schema import Schema
    from local.dataverse.tables.store import Store

LAYERED = {VIEW: ("name", "description", "fetchxml", "layoutxml"), FORM: ("name", "formxml")}
"""Columns of which there are two versions, by table."""
MAIN_FORM = 2
TEXT_CONTROL, LINES_CONTROL = (
    "{4273EDBD-AC1D-40D3-9FB2-095C621B552D}",
    "{E0DECE4B-6FC8-4A8F-A065-082708572369}",
)

_GUID = re.compile(r"\{[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\}")
_INVALID = "0x80040203"
_BOOKING_FORM = "b0d3a7c2-1111-4b7a-9f10-0c2d3e4f5a01"


class Forms:
    """The versions of views and forms, and the rules for them.

    Args:
        schema: the tables in force.
        store: the rows, as they were saved last.
    """

    def __init__(self, schema: Schema, store: Store) -> None:
        self._schema = schema
        self._store = store
        self._published: dict[tuple[str, str], Row] = {}
        store.watch(self._written)

    def _written(self, table: Table) -> None:
        """What is deleted is gone for everybody, and what is made anew under its id is not published."""
        if table.logical_name in LAYERED:
            there = self._store.rows(table)
            gone = [key for key in self._published if key[0] == table.logical_name and key[1] not in there]
            for key in gone:
                del self._published[key]

    def seed(self, user_id: str) -> None:
        """The booking's main form, which Field Service has."""
        self._published.clear()
        row: Row = {
            "formid": _BOOKING_FORM,
            "name": "Information",
            "objecttypecode": "bookableresourcebooking",
            "type": MAIN_FORM,
            "formactivationstate": 1,
            "formxml": booking_form(),
            "iscustomizable": True,
        }
        self._store.create(self._schema.table(FORM), row, user_id)
        self.publish("bookableresourcebooking")

    def published(self, table: Table, row: Row) -> Row | None:
        """A row as people see it; None while it was never published."""
        if table.logical_name not in LAYERED:
            return row
        seen = self._published.get((table.logical_name, str(row[table.primary_id])))
        return None if seen is None else {**row, **seen}

    def publish(self, logical_name: str) -> None:
        """Show people the views and forms of a table as they were saved last."""
        for name, row_id, row in self._rows():
            if _table_of(name, row) == logical_name:
                self._published[name, row_id] = {column: row[column] for column in LAYERED[name]}

    def check(self, table: Table, row: Row) -> None:
        """Refuse a view or a form that the platform would not take.

        Raises:
            DataverseError: 400.
        """
        if table.logical_name == FORM:
            if row["iscustomizable"] is False:
                raise bad_request("The form can't be customized: its IsCustomizable is false.", "0x8004f026")
            self._check_form(row)
        elif table.logical_name == VIEW:
            self._check_view(row)

    def uses(self, logical_name: str, column: str) -> bool:
        """Whether a view or a form, saved or published, names a column of a table."""
        versions = ((name, row) for name, _row_id, row in self._rows())
        seen = (
            (name, {**row, **self._published.get((name, row_id), {})}) for name, row_id, row in self._rows()
        )
        return any(
            _table_of(name, row) == logical_name and column in _columns_in(row)
            for name, row in (*versions, *seen)
        )

    def _rows(self) -> Iterator[tuple[str, str, Row]]:
        for name in LAYERED:
            for row_id, row in self._store.rows(self._schema.table(name)).items():
                yield name, row_id, row

    def _check_form(self, row: Row) -> None:
        form = _parsed(row["formxml"], "form")
        table = self._schema.table(str(row["objecttypecode"]))
        ids = [each.get("id", "") for tag in ("tab", "section", "cell") for each in form.iter(tag)]
        wrong = next((each for each in ids if not _GUID.fullmatch(each)), None)
        if wrong is not None or len({each.lower() for each in ids}) != len(ids):
            raise _invalid(f"the id '{wrong}' is no GUID in braces, or one stands there twice")
        for control in form.iter("control"):
            field = control.get("datafieldname", "")
            if not _GUID.fullmatch(control.get("classid", "")):
                raise _invalid(f"the control {control.get('id')} has no classid")
            if field and field not in table.by_name:
                raise _invalid(f"there is no column '{field}' on '{table.logical_name}'")
        for label in form.iter("label"):
            if label.get("languagecode") != str(BASE_LANGUAGE):
                raise _invalid(f"the language {label.get('languagecode')} is not installed")
        for section in form.iter("section"):
            if [each.tag for each in section] != ["labels", "rows"]:
                raise _invalid("a section has labels, then rows")
            _check_rows(section)

    def _check_view(self, row: Row) -> None:
        if row["querytype"] != 0:
            raise bad_request("Only public views (querytype 0) can be made.", _INVALID)
        table = self._schema.table(str(row["returnedtypecode"]))
        fetch, layout = _parsed(row["fetchxml"], "fetch"), _parsed(row["layoutxml"], "grid")
        entity = fetch.find("entity")
        if entity is None or entity.get("name") != table.logical_name:
            raise _invalid(f"the query is not of '{table.logical_name}'")
        asked = {each.get("name", "") for each in entity.findall("attribute")}
        used = asked | {
            each.get("attribute", "") for tag in ("condition", "order") for each in fetch.iter(tag)
        }
        unknown = sorted(used - set(table.by_name))
        if unknown:
            raise bad_request(
                f"'{table.logical_name}' entity doesn't contain attribute with Name = '{unknown[0]}'.",
                "0x80041103",
            )
        shown = layout.find("row")
        if shown is None or shown.get("id") != table.primary_id:
            raise _invalid(f"the layout's row is not by '{table.primary_id}'")
        if layout.get("object") != str(object_type(table.logical_name)):
            raise _invalid(f"the layout is not of the object {object_type(table.logical_name)}")
        if not {cell.get("name") for cell in shown.findall("cell")} <= asked:
            raise _invalid("the layout shows a column that the query does not ask for")


def booking_form(*, extra: str = "") -> str:
    """A main form of the booking, as the form designer writes it; `extra` rows come last in its section."""
    return (
        '<form shownavigationbar="true" maxWidth="1920"><!-- > made by hand --><tabs>'
        f'<tab name="hidden" id="{_guid(1)}" visible="false" IsUserDefined="0">{_labels("Hidden")}'
        f'<columns><column width="100%"><sections>{_section(2, "H", "")}</sections></column></columns></tab>'
        f'<tab name="general" id="{_guid(3)}" verticallayout="true">{_labels("Übersicht > alles")}'
        '<columns><column width="60%"><sections>\n  '
        f"{_section(4, 'Allgemein', _row(5, 'name') + _row(6, 'starttime') + extra)}\n</sections></column>"
        f'<column width="40%"><sections />'
        "</column></columns></tab></tabs><Navigation /><footer /></form>"
    )


def _section(number: int, name: str, rows: str) -> str:
    return (
        f'<section name="{name}" id="{_guid(number)}" showlabel="true">{_labels(name)}'
        f"<rows>{rows}</rows></section>"
    )


def _row(number: int, column: str) -> str:
    return (
        f'<row><cell id="{_guid(number)}">{_labels(column)}<control id="{column}" '
        f'classid="{TEXT_CONTROL}" datafieldname="{column}" /></cell></row>'
    )


def _labels(text: str) -> str:
    return f'<labels><label description="{text}" languagecode="{BASE_LANGUAGE}" /></labels>'


def _guid(number: int) -> str:
    return f"{{0D8A1B2C-0000-4000-8000-{number:012}}}"


def _check_rows(section: ET.Element) -> None:
    """A cell over several rows needs these rows."""
    rows = section.findall("rows/row")
    for number, row in enumerate(rows):
        for cell in row.findall("cell"):
            if number + int(cell.get("rowspan", "1")) > len(rows):
                raise _invalid("a cell spans more rows than its section has")


def _parsed(xml: Value, root: str) -> ET.Element:
    try:
        parsed = ET.fromstring(str(xml or ""))  # noqa: S314 - written by our own tests and tools
    except ET.ParseError as error:
        raise _invalid(str(error)) from None
    if parsed.tag != root:
        raise _invalid(f"'{parsed.tag}' stands where '{root}' should")
    return parsed


def _invalid(what: str) -> Exception:
    return bad_request(f"The XML is not valid: {what}.", _INVALID)


def _table_of(name: str, row: Row) -> str:
    return str(row["objecttypecode" if name == FORM else "returnedtypecode"])


def _columns_in(row: Row) -> set[str]:
    found: set[str] = set()
    for name in ("formxml", "fetchxml"):
        if row.get(name):
            for each in ET.fromstring(str(row[name])).iter():  # noqa: S314 - as above
                found |= {each.get("datafieldname", ""), each.get("attribute", "")}
                found |= {each.get("name", "")} if each.tag == "attribute" else set()
    return found
