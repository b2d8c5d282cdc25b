"""Reads the view and the forms that dispatchers see, as they were saved last and as they are published.

Dataverse keeps both: an ordinary list shows what is published, `RetrieveUnpublishedMultiple` what was saved
last (Web API reference). Only the latter may be changed and written back, or the unpublished work of somebody
else would be lost; a difference between the two says that publishing is still to be done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from booking_sync.dataverse.customizations import form_xml, view_xml
from booking_sync.dataverse.customizations.rows import filtered, literal
from booking_sync.dataverse.web_api.errors import incomplete
from booking_sync.ports.customizations import row_id
from booking_sync.ports.dispatcher import FoundForm, FoundView

if TYPE_CHECKING:
    from booking_sync.dataverse.row_columns import RowColumns
    from booking_sync.dataverse.web_api.client import DataverseClient
    from booking_sync.ports.customizations import DesiredCustomizations
    from booking_sync.ports.dispatcher import FormSection, View

FORMS: Final = "systemforms"
VIEWS: Final = "savedqueries"
UNPUBLISHED: Final = "/Microsoft.Dynamics.CRM.RetrieveUnpublishedMultiple()"
_MAIN, _ACTIVE = 2, 1
_FORM_COLUMNS = "formid,name,formxml,iscustomizable"
_VIEW_COLUMNS = "savedqueryid,fetchxml,layoutxml"


class DispatcherReads:
    """The view and the forms.

    Args:
        client: of the environment.
    """

    def __init__(self, client: DataverseClient) -> None:
        self._client = client

    async def read(
        self, desired: DesiredCustomizations, components: frozenset[str]
    ) -> tuple[FoundView | None, tuple[FoundForm, ...]]:
        """What there is of the desired view, and every form that may show the section.

        Args:
            desired: the view and the section; either may be unwanted.
            components: ids of what is in the solution.

        Raises:
            TransientError: no complete answer now.
            PermanentError: refused.
        """
        view = await self._view(desired.view, components) if desired.view else None
        forms = await self._forms(desired.form) if desired.form else ()
        return view, forms

    async def _view(self, view: View, components: frozenset[str]) -> FoundView | None:
        condition = f"savedqueryid eq {view.id}"
        saved = await filtered(self._client, VIEWS + UNPUBLISHED, _VIEW_COLUMNS, condition)
        if not saved:
            return None
        published = await filtered(self._client, VIEWS, _VIEW_COLUMNS, condition)
        row = saved[0]
        return FoundView(
            id=view.id,
            shows_errors=view_xml.asks_for(row.text("fetchxml"), view.error_column),
            in_solution=view.id in components,
            published=bool(published) and _query(published[0]) == _query(row),
        )

    async def _forms(self, section: FormSection) -> tuple[FoundForm, ...]:
        condition = (
            f"objecttypecode eq {literal(section.table)} and type eq {_MAIN} "
            f"and formactivationstate eq {_ACTIVE}"
        )
        saved = await filtered(self._client, FORMS + UNPUBLISHED, _FORM_COLUMNS, condition)
        rows = await filtered(self._client, FORMS, _FORM_COLUMNS, condition)
        published = {row.identity("formid"): row.text("formxml") for row in rows}
        return tuple(_to_form(row, published, section.column) for row in saved)


def _query(row: RowColumns) -> tuple[str, str]:
    return row.text("fetchxml"), row.text("layoutxml")


def _to_form(row: RowColumns, published: dict[str, str], column: str) -> FoundForm:
    form_id = row.identity("formid")
    section_id, _cell_id = section_ids(form_id, column)
    state = form_xml.state_of(row.text("formxml"), section_id, column)
    shown = form_xml.state_of(published.get(form_id, ""), section_id, column)
    customizable = row.row("iscustomizable")
    if customizable is None:
        raise incomplete()
    return FoundForm(form_id, row.text("name"), state, state is shown, customizable.flag("Value"))


def section_ids(form_id: str, column: str) -> tuple[str, str]:
    """Ids of our section and of its cell on this form: the same each time, and no form's twice."""
    return row_id("form section", f"{form_id}/{column}"), row_id("form cell", f"{form_id}/{column}")
