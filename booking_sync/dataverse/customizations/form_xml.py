"""A section with columns in a form's definition: found, put in, taken out; all else stays as it is. Pure.

Elements and attributes are those of Microsoft's "Form XML reference". Ids are GUIDs in braces, of any case.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import quoteattr

from booking_sync.dataverse.customizations.safe_xml import Element, UnreadableXmlError, parse
from booking_sync.ports.dataverse.dispatcher import FieldKind, OnForm

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from booking_sync.ports.dataverse.dispatcher import FormField, FormSection

CONTROLS: Final = {
    FieldKind.LINES: "{E0DECE4B-6FC8-4A8F-A065-082708572369}",
    FieldKind.TEXT: "{4273EDBD-AC1D-40D3-9FB2-095C621B552D}",
    FieldKind.CHOICE: "{3EF39988-22BB-4F0B-BBBE-64B5A3748AEE}",
    FieldKind.MOMENT: "{5B773807-9FB2-42DB-97C3-7A91EFF8ADFF}",
}
"""Classes of the controls (Form XML reference)."""
_HEIGHT: Final = {FieldKind.LINES: 3}
"""Rows of the section that a control takes, where it is more than one."""
_TABS: Final = ("tabs", "tab")
_SECTIONS: Final = ("columns", "column", "sections")


class NoPlaceError(ValueError):
    """No tab of the form has a list of sections."""


def state_of(xml: str, section_id: str, column: str) -> OnForm:
    """Whether the form shows the column, and whose doing that is.

    Args:
        xml: the form's definition.
        section_id: of our section on this form, a GUID in lower case.
        column: logical name.
    """
    try:
        form = parse(xml)
    except UnreadableXmlError:
        return OnForm.NO_PLACE
    ours = _section(form, section_id)
    if ours is not None:
        return OnForm.OURS if any(_controls(ours, column)) else OnForm.EMPTIED
    if any(_controls(form, column)):
        return OnForm.ELSEWHERE
    return OnForm.ABSENT if _place(form) is not None else OnForm.NO_PLACE


def put_in(xml: str, section: FormSection, ids: Sequence[str], language: int) -> str:
    """The definition with our section at the end of its first tab that can be seen.

    Args:
        xml: the form's definition, which has no such section.
        section: what to show.
        ids: of the section and of its cells on this form, GUIDs in lower case.
        language: of its labels, an LCID.

    Raises:
        NoPlaceError: there is no such tab.
        UnreadableXmlError: the definition can't be read.
    """
    place = _place(parse(xml))
    if place is None:
        raise NoPlaceError
    return _spliced(xml, place, place, _section_xml(section, ids, language))


def take_out(xml: str, section_id: str, columns: Collection[str]) -> str:
    """The definition without our section; where somebody put more into it, without our columns only.

    Raises:
        UnreadableXmlError: the definition can't be read.
    """
    ours = _section(parse(xml), section_id)
    if ours is None:
        return xml
    others = [each for each in ours.all("control") if _field(each) not in columns]
    if not others:
        return _spliced(xml, ours.start, ours.end, "")
    for gone in reversed(list(_cells_of(ours, columns))):
        xml = _spliced(xml, gone.start, gone.end, "")
    return xml


def _cells_of(section: Element, columns: Collection[str]) -> Iterator[Element]:
    """The cells with these columns, in the order of the text; the whole row where there is nothing else."""
    for row in section.all("row"):
        ours = [
            cell for cell in row.path("cell") if any(_field(each) in columns for each in cell.all("control"))
        ]
        yield from [row] if ours and len(ours) == len(row.children) else ours


def _section(form: Element, section_id: str) -> Element | None:
    wanted = f"{{{section_id}}}"
    return next((each for each in form.all("section") if _id(each) == wanted), None)


def _controls(inside: Element, column: str) -> Iterator[Element]:
    return (each for each in inside.all("control") if _field(each) == column)


def _field(control: Element) -> str:
    return control.attributes.get("datafieldname", "").lower()


def _id(element: Element) -> str:
    return element.attributes.get("id", "").lower()


def _place(form: Element) -> int | None:
    """Behind the last section of the first column of the first tab that can be seen."""
    tabs = [tab for tab in form.path(*_TABS) if tab.attributes.get("visible", "true").lower() != "false"]
    for tab in tabs:
        for sections in tab.path(*_SECTIONS):
            if sections.content_end is not None:
                return sections.content_end
    return None


def _section_xml(section: FormSection, ids: Sequence[str], language: int) -> str:
    section_id, *cells = ids
    rows = (_rows(field, cell, language) for field, cell in zip(section.fields, cells, strict=True))
    return (
        f'<section name={quoteattr(section.name)} id="{{{section_id}}}" IsUserDefined="0" showlabel="true" '
        'showbar="false" locklevel="0" columns="1" labelwidth="115" layout="varwidth">'
        f"{_labels(section.label, language)}<rows>{''.join(rows)}</rows></section>"
    )


def _rows(field: FormField, cell_id: str, language: int) -> str:
    """A cell, and the empty rows that it reaches into."""
    column, height = quoteattr(field.column), _HEIGHT.get(field.kind, 1)
    span = f' rowspan="{height}"' if height > 1 else ""
    disabled = "" if field.editable else ' disabled="true"'
    visible = ' visible="false"' if field.hidden else ""
    return (
        f'<row><cell id="{{{cell_id}}}" showlabel="true" locklevel="0"{span}{visible}>'
        f"{_labels(field.label, language)}"
        f'<control id={column} classid="{CONTROLS[field.kind]}" datafieldname={column}{disabled} />'
        f"</cell></row>{'<row />' * (height - 1)}"
    )


def _labels(text: str, language: int) -> str:
    return f'<labels><label description={quoteattr(text)} languagecode="{language}" /></labels>'


def _spliced(xml: str, start: int, end: int, piece: str) -> str:
    data = xml.encode()
    return (data[:start] + piece.encode() + data[end:]).decode()
