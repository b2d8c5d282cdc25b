"""An environment in memory that does what actions say, and trouble for it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from booking_sync.domain.environment.columns import ResourceColumns, ReturnColumns, SupportColumns
from booking_sync.domain.environment.watched import BOOKING_TABLE
from booking_sync.ports.dataverse.customization_actions import (
    COLUMN_COMPONENT,
    STEP_COMPONENT,
    VIEW_COMPONENT,
    Action,
    AddToSolution,
    MakeColumn,
    MakePublisher,
    MakeSolution,
    Publish,
    RemoveColumn,
    RemoveRow,
    ShowOnForm,
    TakeOffForm,
    WidenColumn,
    WriteImage,
    WriteStep,
    WriteView,
    WriteWebhook,
)
from booking_sync.ports.dataverse.customizations import (
    DesiredCustomizations,
    FoundColumn,
    FoundCustomizations,
    FoundImage,
    FoundPublisher,
    FoundSolution,
    FoundStep,
    FoundWebhook,
    KeyState,
)
from booking_sync.ports.dataverse.dispatcher import FoundForm, FoundView, OnForm
from booking_sync.provisioning.desired import desired_customizations
from booking_sync.provisioning.plan import make_plan

if TYPE_CHECKING:
    from booking_sync.ports.dataverse.customizations import Column

NAMES = SupportColumns()
URL = "https://app.azurewebsites.net/api/dataverse/bookings"
RESOURCE_NAMES = ResourceColumns("bsync_takespart", "bsync_mailbox")
RETURN_NAMES = ReturnColumns()
DESIRED = desired_customizations(NAMES, URL, of_resource=RESOURCE_NAMES, of_return=RETURN_NAMES, has_key=True)
POSSIBLE = frozenset((str(step.message), step.table) for step in DESIRED.steps)
FORM = FoundForm(
    id="f0" * 4 + "-0000-4000-8000-" + "f0" * 6,
    name="Information",
    section=DESIRED.sections[0].name,
    state=OnForm.ABSENT,
    published=True,
    customizable=True,
)
FORMS = tuple(replace(FORM, section=section.name) for section in DESIRED.sections)
EMPTY = FoundCustomizations(possible=POSSIBLE, forms=FORMS)
"""Field Service without anything of ours."""


@dataclass
class FakeCustomizations:
    """A Dataverse that obeys; fulfils `Customizations`."""

    actual: FoundCustomizations = EMPTY
    done: list[Action] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    """Raised one after the other, each instead of an action."""
    blind_reads: int = 0
    """How many reads show an old state after the first action."""
    _before: FoundCustomizations | None = None

    async def read(self, desired: DesiredCustomizations) -> FoundCustomizations:
        """What there is, or what there was."""
        del desired
        if self.done and self.blind_reads and self._before is not None:
            self.blind_reads -= 1
            return self._before
        return self.actual

    async def carry_out(self, action: Action) -> None:
        """Do it, unless a failure is due."""
        if self.failures:
            raise self.failures.pop(0)
        self._before = self._before or self.actual
        self.done.append(action)
        self.actual = apply(self.actual, action)


def apply(actual: FoundCustomizations, action: Action) -> FoundCustomizations:  # noqa: PLR0911 - one line for each kind
    """The state after an action."""
    match action:
        case MakePublisher():
            return replace(actual, publisher=FoundPublisher(action.id, action.unique_name, 0))
        case MakeSolution():
            return replace(actual, solution=FoundSolution(action.id, False, action.publisher_id))  # noqa: FBT003 - managed
        case MakeColumn():
            return with_column(actual, column(action.column))
        case WidenColumn():
            found = actual.columns[action.column.name]
            return with_column(actual, replace(found, length=action.column.length))
        case WriteWebhook():
            found_hook = actual.webhook or FoundWebhook(action.id, "", True, KeyState.SAME, True)  # noqa: FBT003 - kit
            return replace(
                actual, webhook=replace(found_hook, url=action.url or found_hook.url, key=KeyState.SAME)
            )
        case WriteStep() | WriteImage() | AddToSolution() | RemoveRow():
            return _apply_to_steps(actual, action)
        case RemoveColumn():
            kept = {name: each for name, each in actual.columns.items() if name != action.name}
            return replace(actual, columns=kept)
        case Publish():
            return _published(actual) if action.table == BOOKING_TABLE else actual
        case WriteView() | ShowOnForm() | TakeOffForm():
            return _apply_for_dispatchers(actual, action)
        case _:
            raise AssertionError(f"no customization: {action}")


def _apply_for_dispatchers(
    actual: FoundCustomizations, action: WriteView | ShowOnForm | TakeOffForm
) -> FoundCustomizations:
    if isinstance(action, WriteView):
        view = actual.views.get(action.view.id)
        kept = True if view is None else view.in_solution
        found = FoundView(action.view.id, True, kept, published=False)  # noqa: FBT003 - kit
        return replace(actual, views={**actual.views, found.id: found})
    state = OnForm.OURS if isinstance(action, ShowOnForm) else OnForm.ABSENT
    place = (action.form_id, action.section.name)
    forms = (
        replace(form, state=state, published=False) if (form.id, form.section) == place else form
        for form in actual.forms
    )
    return replace(actual, forms=tuple(forms))


def _published(actual: FoundCustomizations) -> FoundCustomizations:
    views = {each.id: replace(each, published=True) for each in actual.views.values()}
    return replace(actual, views=views, forms=tuple(replace(form, published=True) for form in actual.forms))


def _apply_to_steps(
    actual: FoundCustomizations, action: WriteStep | WriteImage | AddToSolution | RemoveRow
) -> FoundCustomizations:
    others = {step.id: step for step in actual.steps}
    if isinstance(action, RemoveRow):
        return _without(actual, action)
    if isinstance(action, AddToSolution):
        if action.component_type == COLUMN_COMPONENT:
            (found,) = (each for each in actual.columns.values() if each.metadata_id == action.id)
            return with_column(actual, replace(found, in_solution=True))
        if action.component_type == VIEW_COMPONENT:
            view = replace(actual.views[action.id], in_solution=True)
            return replace(actual, views={**actual.views, view.id: view})
        if action.component_type == STEP_COMPONENT:
            others[action.id] = replace(others[action.id], in_solution=True)
            return replace(actual, steps=tuple(others.values()))
        assert actual.webhook is not None
        return replace(actual, webhook=replace(actual.webhook, in_solution=True))
    if isinstance(action, WriteStep):
        step, images = action.step, others[action.id].images if action.id in others else ()
        others[action.id] = FoundStep(
            action.id,
            step.name,
            (step.message, step.table),
            proper=True,
            enabled=True,
            filtering=step.filtering,
            images=images,
            in_solution=True,
        )
    else:
        image = FoundImage(action.id, action.image.alias, before=True, columns=action.image.columns)
        others[action.step_id] = replace(others[action.step_id], images=(image,))
    return replace(actual, steps=tuple(others.values()))


def _without(actual: FoundCustomizations, action: RemoveRow) -> FoundCustomizations:
    if action.entity_set == "sdkmessageprocessingsteps":
        return replace(actual, steps=tuple(step for step in actual.steps if step.id != action.id))
    if action.entity_set == "savedqueries":
        return replace(actual, views={key: each for key, each in actual.views.items() if key != action.id})
    if action.entity_set == "serviceendpoints":
        assert not actual.steps, "an endpoint with steps can't be deleted"
        return replace(actual, webhook=None)
    if action.entity_set == "solutions":
        return replace(actual, solution=None)
    assert action.entity_set == "publishers"
    assert actual.solution is None, "a publisher with solutions can't be deleted"
    return replace(actual, publisher=None)


def column(wanted: Column, *, length: int | None = None, in_solution: bool = True) -> FoundColumn:
    """A column as it should be, or shorter."""
    size = wanted.length if length is None else length
    return FoundColumn(
        wanted.name,
        f"id of {wanted.name}",
        is_text=not (wanted.choices or wanted.moment),
        length=size,
        in_solution=in_solution,
        table=wanted.table,
        choices=frozenset(value for value, _label in wanted.choices),
        is_moment=wanted.moment,
    )


def with_column(actual: FoundCustomizations, found: FoundColumn) -> FoundCustomizations:
    """The state with this column in the place of the one of its name."""
    return replace(actual, columns={**actual.columns, found.name: found})


def provisioned() -> FoundCustomizations:
    """The state in which nothing is left to do."""
    actual = EMPTY
    for action in make_plan(EMPTY, DESIRED).actions:
        actual = apply(actual, action)
    return actual
