"""From what is there to what is to be done: pure, and the same answer each time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from booking_sync.domain.environment.watched import BOOKING_TABLE, RelatedTable
from booking_sync.ports.dataverse.customization_actions import (
    COLUMN_COMPONENT,
    STEP_COMPONENT,
    WEBHOOK_COMPONENT,
    AddToSolution,
    MakeColumn,
    MakePublisher,
    MakeSolution,
    Publish,
    WidenColumn,
    WriteImage,
    WriteStep,
    WriteWebhook,
)
from booking_sync.ports.dataverse.customizations import KeyState, row_id
from booking_sync.provisioning.dispatcher_plan import dispatcher_parts, is_unpublished
from booking_sync.provisioning.parts import PartState, PlannedPart, ProvisioningPlan

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from booking_sync.ports.dataverse.customization_actions import Action
    from booking_sync.ports.dataverse.customizations import (
        Column,
        DesiredCustomizations,
        FoundCustomizations,
        FoundImage,
        FoundStep,
        FoundWebhook,
        Image,
        Step,
    )

WATCHED: Final = "watched column"
IN_IMAGE: Final = "image column"
"""Kinds of parts: what a step filters by, or an image holds, that these settings do without."""
_NO_FIELD_SERVICE = "Dataverse has no such table to register it for; is Field Service installed?"
_NO_SUCH_MESSAGE = "not needed: this environment raises no such message for the table"


def make_plan(
    actual: FoundCustomizations, desired: DesiredCustomizations, *, narrow: bool = False
) -> ProvisioningPlan:
    """What is missing and what differs, and how to mend it.

    Args:
        actual: what is there.
        desired: what should be there.
        narrow: take away as well what the way back or participation had the webhook told; otherwise that
            stays, since the settings may only be incomplete.
    """
    return ProvisioningPlan(tuple(_parts(actual, desired, narrow=narrow)))


def _parts(
    actual: FoundCustomizations, desired: DesiredCustomizations, *, narrow: bool
) -> Iterator[PlannedPart]:
    yield _publisher(actual, desired)
    yield _solution(actual, desired)
    columns = [_column(actual, desired, column) for column in desired.columns]
    yield from columns
    seen = list(dispatcher_parts(actual, desired))
    yield from seen
    webhook = _webhook(actual, desired)
    steps = {step: tuple(_step(actual, desired, step, narrow=narrow)) for step in desired.steps}
    of_steps = [part for parts in steps.values() for part in parts]
    unfinished = _unfinished(webhook, steps)
    for table in dict.fromkeys(column.table for column in desired.columns):
        touched = any(
            part.actions
            for part, column in zip(columns, desired.columns, strict=True)
            if column.table == table
        )
        if table == BOOKING_TABLE:
            touched = touched or any(part.actions for part in seen) or is_unpublished(actual)
        if touched or table in unfinished:
            yield PlannedPart("customizations", table, PartState.DIFFERS, "publish", (Publish(table),))
    yield webhook
    yield from of_steps
    yield from _strangers(actual, desired)


def _unfinished(webhook: PlannedPart, steps: Mapping[Step, Sequence[PlannedPart]]) -> frozenset[str]:
    """Tables that an earlier run may have left unpublished, where it broke off in between.

    Publishing leaves no mark. Columns are published before webhook and steps are written: while one of these
    is missing, a first run may have broken off; while a table's own step differs, one that made or widened a
    column of the table. Publishing once more does no harm.
    """
    all_parts = (webhook, *(part for parts in steps.values() for part in parts))
    if any(part.state is PartState.MISSING for part in all_parts):
        return frozenset(step.table for step in steps)
    return frozenset(
        step.table for step, parts in steps.items() if any(part.state is PartState.DIFFERS for part in parts)
    )


def _publisher(actual: FoundCustomizations, desired: DesiredCustomizations) -> PlannedPart:
    if actual.publisher is not None:
        return PlannedPart(
            "publisher", actual.publisher.unique_name, PartState.EXISTS, f"prefix {desired.prefix}"
        )
    name = desired.publisher
    action = MakePublisher(row_id("publisher", name), name, desired.prefix)
    return PlannedPart("publisher", name, PartState.MISSING, f"prefix {desired.prefix}", (action,))


def _solution(actual: FoundCustomizations, desired: DesiredCustomizations) -> PlannedPart:
    name, found = desired.solution, actual.solution
    if found is None:
        publisher = actual.publisher.id if actual.publisher else row_id("publisher", desired.publisher)
        action = MakeSolution(row_id("solution", name), name, publisher)
        return PlannedPart("solution", name, PartState.MISSING, "unmanaged", (action,))
    if found.managed:
        detail = "It was imported as a managed solution, which nothing can be added to: uninstall it first."
        return PlannedPart("solution", name, PartState.CONFLICT, detail)
    if actual.publisher is None or found.publisher_id != actual.publisher.id:
        detail = f"Its publisher has another prefix than the columns ({desired.prefix}): rename or delete it."
        return PlannedPart("solution", name, PartState.CONFLICT, detail)
    return PlannedPart("solution", name, PartState.EXISTS, "unmanaged")


def _column(actual: FoundCustomizations, desired: DesiredCustomizations, column: Column) -> PlannedPart:
    found = actual.columns.get(column.name)
    if found is None:
        action = MakeColumn(column, desired.solution)
        return PlannedPart("column", column.name, PartState.MISSING, _kind(column, column.length), (action,))
    if not found.fits(column):
        wanted = _kind(column, 0) if column.choices or column.moment else "text column"
        return PlannedPart(
            "column",
            column.name,
            PartState.CONFLICT,
            f"It exists and is no {wanted}: remove it, or choose another name in the settings.",
        )
    member = AddToSolution(COLUMN_COMPONENT, found.metadata_id, desired.solution)
    outside = () if found.in_solution else (member,)
    if found.length < column.length:
        widen = WidenColumn(column)
        return PlannedPart(
            "column",
            column.name,
            PartState.DIFFERS,
            f"length {found.length} → {column.length}",
            (widen, *outside),
        )
    if outside:
        return PlannedPart("column", column.name, PartState.DIFFERS, "not in the solution", outside)
    return PlannedPart("column", column.name, PartState.EXISTS, _kind(column, found.length))


def _kind(column: Column, length: int) -> str:
    if column.moment:
        return "date and time"
    if not column.choices:
        return f"text, {length}"
    return "choice of " + ", ".join(f"{value} {label}" for value, label in column.choices)


def _webhook(actual: FoundCustomizations, desired: DesiredCustomizations) -> PlannedPart:
    name, found = desired.webhook.name, actual.webhook
    if found is None:
        return _new_webhook(desired)
    changes = _webhook_changes(found, desired)
    key_is_new = found.key is KeyState.OTHER
    action = WriteWebhook(
        found.id,
        name,
        desired.webhook.url if found.url != desired.webhook.url else "",
        desired.solution,
        new=False,
        with_key=key_is_new,
    )
    member = AddToSolution(WEBHOOK_COMPONENT, found.id, desired.solution)
    if not found.uses_header and found.key is KeyState.NOT_GIVEN:
        return PlannedPart(
            "webhook", name, PartState.CONFLICT, "Its key is not sent in a header: give the function key."
        )
    actions: list[Action] = [action] if changes else []
    if not found.in_solution:
        actions.append(member)
        changes.append("not in the solution")
    if not changes:
        return PlannedPart("webhook", name, PartState.EXISTS, found.url)
    return PlannedPart("webhook", name, PartState.DIFFERS, ", ".join(changes), tuple(actions))


def _webhook_changes(found: FoundWebhook, desired: DesiredCustomizations) -> list[str]:
    changes = []
    if desired.webhook.url and found.url != desired.webhook.url:
        changes.append(f"address {found.url} → {desired.webhook.url}")
    if found.key is KeyState.OTHER:
        changes.append("another key")
    return changes


def _new_webhook(desired: DesiredCustomizations) -> PlannedPart:
    name, url = desired.webhook.name, desired.webhook.url
    if not url or not desired.webhook.has_key:
        what = "where the function app takes webhooks" if not url else "the function's key"
        detail = f"It is missing, and nobody said {what}: see `booking-sync provision --help`."
        return PlannedPart("webhook", name, PartState.CONFLICT, detail)
    action = WriteWebhook(row_id("webhook", name), name, url, desired.solution, new=True, with_key=True)
    return PlannedPart("webhook", name, PartState.MISSING, url, (action,))


def _step(
    actual: FoundCustomizations, desired: DesiredCustomizations, step: Step, *, narrow: bool
) -> Iterator[PlannedPart]:
    if (step.message, step.table) not in actual.possible:
        if step.optional:
            yield PlannedPart("step", step.name, PartState.EXISTS, _NO_SUCH_MESSAGE)
            return
        yield PlannedPart("step", step.name, PartState.CONFLICT, _NO_FIELD_SERVICE)
        return
    webhook = actual.webhook.id if actual.webhook else row_id("webhook", desired.webhook.name)
    found = _find(actual, step)
    if found is None:
        identity = row_id("step", step.name)
        action = WriteStep(identity, step, webhook, desired.solution, new=True)
        yield PlannedPart("step", step.name, PartState.MISSING, _filter_text(step), (action,))
    else:
        identity = found.id
        spared = _spared(found.filtering, desired, step)
        yield _existing_step(found, desired, replace(step, filtering=step.filtering | spared), webhook)
        if spared:
            less = WriteStep(found.id, step, webhook, desired.solution, new=False)
            yield _beyond(WATCHED, spared, step.name, step, less if narrow else None)
    if step.image is not None:
        yield from _images(found, identity, step, step.image, narrow=narrow)


def _spared(there: frozenset[str], desired: DesiredCustomizations, step: Step) -> frozenset[str]:
    """What the step filters by that other settings need, and these do not.

    How a deployment calls its columns on resources only its settings tell; they have our prefix.
    """
    own = f"{desired.prefix}_"
    on_resources = step.table == RelatedTable.RESOURCE
    return frozenset(
        name
        for name in there - step.filtering
        if name in step.spares or (on_resources and name.startswith(own))
    )


def _beyond(
    kind: str, columns: frozenset[str], of: str, step: Step, less: WriteStep | WriteImage | None
) -> PlannedPart:
    """What is there beyond what these settings need: kept, or taken away where somebody asked for that."""
    by = "TAKES_PART_COLUMN and RESOURCE_MAILBOX_COLUMN"
    if step.table == BOOKING_TABLE:
        by = "RETURN_PATH and NOTIFICATION_URL"
    name = f"{_names(columns)} of {of}"
    if less is None:
        detail = (
            f"these settings do without it: set {by} as the app has them; where the app does without it too, "
            "--narrow takes it away"
        )
        return PlannedPart(kind, name, PartState.KEPT, detail)
    detail = f"takes away {_names(columns)} from {of}: set {by} as the app has them to keep it"
    return PlannedPart(kind, name, PartState.SURPLUS, detail, (less,))


def _existing_step(
    found: FoundStep, desired: DesiredCustomizations, step: Step, webhook_id: str
) -> PlannedPart:
    changes = []
    if not found.proper:
        changes.append("not asynchronous, after the operation, with jobs that go by themselves")
    if not found.enabled:
        changes.append("disabled")
    if found.filtering != step.filtering:
        changes.append(f"filters by {_names(found.filtering)} instead of {_names(step.filtering)}")
    actions: list[Action] = []
    if changes:
        actions.append(WriteStep(found.id, step, webhook_id, desired.solution, new=False))
    if not found.in_solution:
        actions.append(AddToSolution(STEP_COMPONENT, found.id, desired.solution))
        changes.append("not in the solution")
    if not changes:
        return PlannedPart("step", step.name, PartState.EXISTS, _filter_text(step))
    return PlannedPart("step", step.name, PartState.DIFFERS, "; ".join(changes), tuple(actions))


def _images(
    found: FoundStep | None, step_id: str, step: Step, image: Image, *, narrow: bool
) -> Iterator[PlannedPart]:
    name = f"{image.alias} of {step.name}"
    existing = next((each for each in (found.images if found else ()) if each.alias == image.alias), None)
    if existing is None:
        action = WriteImage(row_id("image", name), step, step_id, image, new=True)
        yield PlannedPart("image", name, PartState.MISSING, f"{len(image.columns)} columns", (action,))
        return
    spared = (existing.columns - image.columns) & image.spares
    yield _existing_image(existing, name, step_id, step, replace(image, columns=image.columns | spared))
    if spared:
        less = WriteImage(existing.id, step, step_id, image, new=False)
        yield _beyond(IN_IMAGE, spared, name, step, less if narrow else None)


def _existing_image(existing: FoundImage, name: str, step_id: str, step: Step, image: Image) -> PlannedPart:
    if existing.before and existing.columns == image.columns:
        return PlannedPart("image", name, PartState.EXISTS, f"{len(image.columns)} columns")
    action = WriteImage(existing.id, step, step_id, image, new=False)
    detail = f"holds {_names(existing.columns)} instead of {_names(image.columns)}"
    return PlannedPart(
        "image", name, PartState.DIFFERS, detail if existing.before else "no pre-image", (action,)
    )


def _strangers(actual: FoundCustomizations, desired: DesiredCustomizations) -> Iterator[PlannedPart]:
    """What calls the app besides our steps: harmless, since a webhook is only a hint, but not for nothing."""
    ours = {found.id for step in desired.steps if (found := _find(actual, step)) is not None}
    for found in actual.steps:
        if found.id not in ours:
            yield PlannedPart(
                "step", found.name, PartState.KEPT, "somebody else's, on our webhook; not needed"
            )
    for twin in actual.twins:
        detail = "another webhook to the same address: every change is reported twice; remove it"
        yield PlannedPart("webhook", twin, PartState.KEPT, detail)


def _find(actual: FoundCustomizations, step: Step) -> FoundStep | None:
    """The step for this occasion; of several the one that we made, or the first."""
    fitting = [found for found in actual.steps if found.occasion == (step.message, step.table)]
    own = row_id("step", step.name)
    return min(fitting, key=lambda found: (found.id != own, found.id), default=None)


def _filter_text(step: Step) -> str:
    return f"when one of {len(step.filtering)} columns changes" if step.filtering else "always"


def _names(columns: frozenset[str]) -> str:
    return ", ".join(sorted(columns)) or "no columns"
