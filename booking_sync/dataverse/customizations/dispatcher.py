"""Reads the views and the forms that dispatchers see, as they were saved last and as they are published.

Dataverse keeps both: an ordinary list shows what is published, `RetrieveUnpublishedMultiple` what was saved
last (Web API reference). Only the latter may be changed and written back, or the unpublished work of somebody
else would be lost; a difference between the two says that publishing is still to be done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from booking_sync.dataverse.customizations import form_xml, view_xml
from booking_sync.dataverse.customizations.rows import filtered, literal
from booking_sync.dataverse.web_api.errors import incomplete
from booking_sync.ports.dataverse.customizations import row_id
from booking_sync.ports.dataverse.dispatcher import FoundForm, FoundView

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from booking_sync.dataverse.rows.row_columns import RowColumns
    from booking_sync.dataverse.web_api.client import DataverseClient
    from booking_sync.ports.dataverse.customizations import DesiredCustomizations
    from booking_sync.ports.dataverse.dispatcher import FormSection, View

FORMS: Final = "systemforms"
VIEWS: Final = "savedqueries"
UNPUBLISHED: Final = "/Microsoft.Dynamics.CRM.RetrieveUnpublishedMultiple()"
_MAIN, _ACTIVE = 2, 1
_FORM_COLUMNS = "formid,name,formxml,iscustomizable"
_VIEW_COLUMNS = "savedqueryid,fetchxml,layoutxml"


class DispatcherReads:
    """The views and the forms.

    Args:
        client: of the environment.
    """

    def __init__(self, client: DataverseClient) -> None:
        self._client = client

    async def read(
        self, desired: DesiredCustomizations, components: frozenset[str]
    ) -> tuple[Mapping[str, FoundView], tuple[FoundForm, ...]]:
        """What there is of the desired views by their ids, and every form that may show the sections.

        Args:
            desired: the views and the sections; there may be none.
            components: ids of what is in the solution.

        Raises:
            TransientError: no complete answer now.
            PermanentError: refused.
        """
        return await self._views(desired.views, components), await self._forms(desired.sections)

    async def _views(self, views: Sequence[View], components: frozenset[str]) -> Mapping[str, FoundView]:
        if not views:
            return {}
        condition = " or ".join(f"savedqueryid eq {view.id}" for view in views)
        saved = await filtered(self._client, VIEWS + UNPUBLISHED, _VIEW_COLUMNS, condition)
        rows = await filtered(self._client, VIEWS, _VIEW_COLUMNS, condition) if saved else []
        published = {row.identity("savedqueryid"): _query(row) for row in rows}
        there = {row.identity("savedqueryid"): row for row in saved}
        return {
            view.id: FoundView(
                id=view.id,
                asks=view_xml.asks_for(row.text("fetchxml"), view.column),
                in_solution=view.id in components,
                published=published.get(view.id) == _query(row),
            )
            for view in views
            if (row := there.get(view.id)) is not None
        }

    async def _forms(self, sections: Sequence[FormSection]) -> tuple[FoundForm, ...]:
        if not sections:
            return ()
        condition = (
            f"objecttypecode eq {literal(sections[0].table)} and type eq {_MAIN} "
            f"and formactivationstate eq {_ACTIVE}"
        )
        saved = await filtered(self._client, FORMS + UNPUBLISHED, _FORM_COLUMNS, condition)
        rows = await filtered(self._client, FORMS, _FORM_COLUMNS, condition)
        published = {row.identity("formid"): row.text("formxml") for row in rows}
        return tuple(_to_form(row, published, section) for section in sections for row in saved)


def _query(row: RowColumns) -> tuple[str, str]:
    return row.text("fetchxml"), row.text("layoutxml")


def _to_form(row: RowColumns, published: dict[str, str], section: FormSection) -> FoundForm:
    form_id, column = row.identity("formid"), section.column
    section_id = section_ids(form_id, section)[0]
    state = form_xml.state_of(row.text("formxml"), section_id, column)
    shown = form_xml.state_of(published.get(form_id, ""), section_id, column)
    customizable = row.row("iscustomizable")
    if customizable is None:
        raise incomplete()
    return FoundForm(
        form_id, row.text("name"), section.name, state, state is shown, customizable.flag("Value")
    )


def section_ids(form_id: str, section: FormSection) -> tuple[str, ...]:
    """Ids of our section and of its cells on this form: the same each time, and no form's twice."""
    places = [f"{form_id}/{field.column}" for field in section.fields]
    return (row_id("form section", places[0]), *(row_id("form cell", place) for place in places))
