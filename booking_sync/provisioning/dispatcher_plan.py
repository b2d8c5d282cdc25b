"""The views and the forms that dispatchers see: what is there, what is to be done and taken away. Pure.

Whoever arranged a form or a view keeps their arrangement: a view is written anew only when it no longer asks
for what it is for, and a form that shows the column, wherever somebody put it, is left alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from booking_sync.ports.dataverse.customization_actions import (
    VIEW_COMPONENT,
    Action,
    AddToSolution,
    RemoveRow,
    ShowOnForm,
    TakeOffForm,
    WriteView,
)
from booking_sync.ports.dataverse.dispatcher import OnForm
from booking_sync.provisioning.parts import PartState, PlannedPart

if TYPE_CHECKING:
    from collections.abc import Iterator

    from booking_sync.ports.dataverse.customizations import DesiredCustomizations, FoundCustomizations
    from booking_sync.ports.dataverse.dispatcher import FormSection, FoundForm, View

_BY_HAND = "put the column {column} onto it by hand"
_LEFT = {
    OnForm.ELSEWHERE: "shows the column where somebody put it",
    OnForm.EMPTIED: "somebody took the column off our section",
}


def dispatcher_parts(actual: FoundCustomizations, desired: DesiredCustomizations) -> Iterator[PlannedPart]:
    """The views, then each form with its sections."""
    for view in desired.views:
        yield _view(actual, view, desired.solution)
    for section in desired.sections:
        for form in _forms_with(section, actual):
            yield _form(form, _name(form, actual, desired), section)


def is_unpublished(actual: FoundCustomizations) -> bool:
    """Whether something of this was saved and not published."""
    views = all(view.published for view in actual.views.values())
    return not (views and all(form.published for form in actual.forms))


def _view(actual: FoundCustomizations, view: View, solution: str) -> PlannedPart:
    found = actual.views.get(view.id)
    if found is None:
        action = WriteView(view, solution, new=True)
        return PlannedPart("view", view.name, PartState.MISSING, "for dispatchers", (action,))
    changes: list[str] = []
    actions: list[Action] = []
    if not found.asks:
        changes.append(f"does not ask for bookings {view.asks}")
        actions.append(WriteView(view, solution, new=False))
    if not found.in_solution:
        changes.append("not in the solution")
        actions.append(AddToSolution(VIEW_COMPONENT, found.id, solution))
    if changes:
        return PlannedPart("view", view.name, PartState.DIFFERS, "; ".join(changes), tuple(actions))
    return PlannedPart("view", view.name, PartState.EXISTS, "for dispatchers")


def _form(form: FoundForm, name: str, section: FormSection) -> PlannedPart:
    by_hand = _BY_HAND.format(column=section.column)
    if form.state is OnForm.OURS:
        return PlannedPart("form", name, PartState.EXISTS, f"shows {section.tells}")
    if form.state is OnForm.ELSEWHERE:
        return PlannedPart("form", name, PartState.EXISTS, _LEFT[form.state])
    if form.state is OnForm.EMPTIED:
        return PlannedPart("form", name, PartState.KEPT, _LEFT[form.state])
    if not form.customizable:
        return PlannedPart("form", name, PartState.KEPT, "its maker lets nobody change it")
    if form.state is OnForm.NO_PLACE:
        return PlannedPart("form", name, PartState.KEPT, f"no tab has room for a section: {by_hand}")
    action = ShowOnForm(form.id, section)
    return PlannedPart("form", name, PartState.MISSING, f"a section that shows {section.tells}", (action,))


def dispatcher_removal(
    actual: FoundCustomizations, desired: DesiredCustomizations, going: frozenset[str]
) -> Iterator[PlannedPart]:
    """The views, and our sections of each form.

    Args:
        actual: what is there.
        desired: what a provisioning would have made.
        going: the columns that are removed; one that stands elsewhere on a form can't be.
    """
    for view in desired.views:
        if view.id in actual.views:
            action = RemoveRow("savedqueries", view.id)
            yield PlannedPart("view", view.name, PartState.SURPLUS, "", (action,))
    for section in desired.sections:
        for form in _forms_with(section, actual):
            name = _name(form, actual, desired)
            if form.state is OnForm.OURS:
                take = TakeOffForm(form.id, section)
                yield PlannedPart("form", name, PartState.SURPLUS, "our section, and nothing else", (take,))
            elif form.state is OnForm.ELSEWHERE:
                goes = section.column in going
                state = PartState.CONFLICT if goes else PartState.KEPT
                words = f"somebody put the column {section.column} onto it"
                detail = f"{words}: take it off, then run this again" if goes else words
                yield PlannedPart("form", name, state, detail)


def _forms_with(section: FormSection, actual: FoundCustomizations) -> Iterator[FoundForm]:
    return (form for form in actual.forms if form.section == section.name)


def _name(form: FoundForm, actual: FoundCustomizations, desired: DesiredCustomizations) -> str:
    """What people call it; with its id where several are called so, and with a further section's label."""
    alike = len({other.id for other in actual.forms if other.name == form.name})
    name = form.name if alike == 1 else f"{form.name} ({form.id})"
    first, *others = desired.sections
    return (
        name
        if form.section == first.name
        else name + "".join(f": {each.label}" for each in others if each.name == form.section)
    )
