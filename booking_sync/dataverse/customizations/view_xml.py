"""A view's query (FetchXML) and its columns (layout XML), written and looked at. Pure.

The shapes are those of Microsoft's "Customize views", section "Create views".
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

from booking_sync.dataverse.customizations.safe_xml import UnreadableXmlError, parse

if TYPE_CHECKING:
    from booking_sync.ports.dataverse.dispatcher import View

_NEWEST_FIRST = "starttime"
_DAYS = 14
"""How long a view shows what happened."""


def fetch_xml(view: View) -> str:
    """Which rows the view shows: those with something in its column, the latest start first."""
    names = [f"{view.table}id", *(name for name, _width in view.columns)]
    attributes = "".join(f"<attribute name={quoteattr(name)} />" for name in dict.fromkeys(names))
    return (
        '<fetch version="1.0" output-format="xml-platform" mapping="logical" distinct="false">'
        f"<entity name={quoteattr(view.table)}>{attributes}"
        f'<order attribute="{_NEWEST_FIRST}" descending="true" />'
        f"{_filter(view)}</entity></fetch>"
    )


def _filter(view: View) -> str:
    filled = f'<condition attribute={quoteattr(view.column)} operator="not-null" />'
    if not view.recent:
        return f'<filter type="and">{filled}</filter>'
    return (
        f'<filter type="or">{filled}<filter type="and">'
        f'<condition attribute={quoteattr(view.recent)} operator="not-null" />'
        f'<condition attribute="modifiedon" operator="last-x-days" value="{_DAYS}" /></filter></filter>'
    )


def layout_xml(view: View, object_type: int) -> str:
    """Which columns it shows.

    Args:
        view: what to show.
        object_type: the table's number in this environment.
    """
    cells = "".join(f'<cell name={quoteattr(name)} width="{width}" />' for name, width in view.columns)
    return (
        f'<grid name="resultset" object="{object_type}" jump="name" select="1" preview="1" icon="1">'
        f'<row name="result" id="{view.table}id">{cells}</row></grid>'
    )


def asks_for(fetch: str, column: str) -> bool:
    """Whether a query asks for rows that have something in a column, whatever else it asks."""
    try:
        query = parse(fetch)
    except UnreadableXmlError:
        return False
    conditions = (each.attributes for each in query.all("condition"))
    return any(each.get("attribute") == column and each.get("operator") == "not-null" for each in conditions)
