"""The view and the forms that dispatchers see: what is there, what is to be done and taken away. Pure.

Whoever arranged a form or the view keeps their arrangement: the view is written anew only when it no longer
asks for bookings with an error, and a form that shows the column, wherever somebody put it, is left alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from booking_sync.ports.customization_actions import (
    VIEW_COMPONENT,
    Action,
    AddToSolution,
    RemoveRow,
    ShowOnForm,
    TakeOffForm,
    WriteView,
)
from booking_sync.ports.dispatcher import OnForm
from booking_sync.provisioning.parts import PartState, PlannedPart

if TYPE_CHECKING:
    from collections.abc import Iterator

    from booking_sync.ports.customizations import DesiredCustomizations, FoundCustomizations
    from booking_sync.ports.dispatcher import FormSection, FoundForm, View

_BY_HAND = "put the column {column} onto it by hand"
_LEFT = {
    OnForm.OURS: "shows why a booking can't sync",
    OnForm.ELSEWHERE: "shows the column where somebody put it",
    OnForm.EMPTIED: "somebody took the column off our section",
}


def dispatcher_parts(actual: FoundCustomizations, desired: DesiredCustomizations) -> Iterator[PlannedPart]:
    """The view, then each form."""
    if desired.view is not None:
        yield _view(actual, desired.view, desired.solution)
    if desired.form is not None:
        for form in actual.forms:
            yield _form(form, _name(form, actual.forms), desired.form)


def is_unpublished(actual: FoundCustomizations) -> bool:
    """Whether something of this was saved and not published."""
    return any(not found.published for found in (actual.view, *actual.forms) if found is not None)


def _view(actual: FoundCustomizations, view: View, solution: str) -> PlannedPart:
    found = actual.view
    if found is None:
        action = WriteView(view, solution, new=True)
        return PlannedPart("view", view.name, PartState.MISSING, "for dispatchers", (action,))
    changes: list[str] = []
    actions: list[Action] = []
    if not found.shows_errors:
        changes.append("does not ask for bookings with an error")
        actions.append(WriteView(view, solution, new=False))
    if not found.in_solution:
        changes.append("not in the solution")
        actions.append(AddToSolution(VIEW_COMPONENT, found.id, solution))
    if changes:
        return PlannedPart("view", view.name, PartState.DIFFERS, "; ".join(changes), tuple(actions))
    return PlannedPart("view", view.name, PartState.EXISTS, "for dispatchers")


def _form(form: FoundForm, name: str, section: FormSection) -> PlannedPart:
    by_hand = _BY_HAND.format(column=section.column)
    if form.state in (OnForm.OURS, OnForm.ELSEWHERE):
        return PlannedPart("form", name, PartState.EXISTS, _LEFT[form.state])
    if form.state is OnForm.EMPTIED:
        return PlannedPart("form", name, PartState.KEPT, _LEFT[form.state])
    if not form.customizable:
        return PlannedPart("form", name, PartState.KEPT, "its maker lets nobody change it")
    if form.state is OnForm.NO_PLACE:
        return PlannedPart("form", name, PartState.KEPT, f"no tab has room for a section: {by_hand}")
    action = ShowOnForm(form.id, section)
    return PlannedPart("form", name, PartState.MISSING, "a section that tells why", (action,))


def dispatcher_removal(
    actual: FoundCustomizations, desired: DesiredCustomizations, *, remove_columns: bool
) -> Iterator[PlannedPart]:
    """The view, and our section of each form; a column that stands elsewhere on one can't be removed."""
    if actual.view is not None and desired.view is not None:
        action = RemoveRow("savedqueries", actual.view.id)
        yield PlannedPart("view", desired.view.name, PartState.SURPLUS, "", (action,))
    for form in actual.forms:
        name = _name(form, actual.forms)
        if desired.form is not None and form.state is OnForm.OURS:
            take = TakeOffForm(form.id, desired.form)
            yield PlannedPart("form", name, PartState.SURPLUS, "our section, and nothing else", (take,))
        elif desired.form is not None and form.state is OnForm.ELSEWHERE:
            state = PartState.CONFLICT if remove_columns else PartState.KEPT
            words = f"somebody put the column {desired.form.column} onto it"
            detail = f"{words}: take it off, then run this again" if remove_columns else words
            yield PlannedPart("form", name, state, detail)


def _name(form: FoundForm, forms: tuple[FoundForm, ...]) -> str:
    """What people call the form; where several are called so, with its id."""
    alike = sum(other.name == form.name for other in forms)
    return form.name if alike == 1 else f"{form.name} ({form.id})"
