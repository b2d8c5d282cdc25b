"""From what is there to what is to be done: pure, and the same answer each time."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from booking_sync.provisioning.actions import (
    COLUMN_COMPONENT,
    STEP_COMPONENT,
    WEBHOOK_COMPONENT,
    Action,
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
from booking_sync.provisioning.actual import KeyState
from booking_sync.provisioning.desired import row_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from booking_sync.provisioning.actual import Actual, FoundStep, FoundWebhook
    from booking_sync.provisioning.desired import Column, Desired, Image, Step

_NO_FIELD_SERVICE = "Dataverse has no such table to register it for; is Field Service installed?"


class State(StrEnum):
    """How a part stands."""

    EXISTS = "exists"
    MISSING = "missing"
    DIFFERS = "differs"
    SURPLUS = "to be removed"
    KEPT = "kept"
    """Not ours to change, or to be left in place on purpose."""
    CONFLICT = "in the way"
    """Nothing is done until a person has seen to it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One part: how it stands and what is to be done about it."""

    kind: str
    name: str
    state: State
    detail: str = ""
    actions: tuple[Action, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Plan:
    """All parts, in the order in which they are dealt with."""

    findings: tuple[Finding, ...]

    @property
    def actions(self) -> tuple[Action, ...]:
        """What is to be done; nothing at all while something is in the way."""
        if self.conflicts:
            return ()
        return tuple(action for finding in self.findings for action in finding.actions)

    @property
    def conflicts(self) -> tuple[Finding, ...]:
        """What is in the way."""
        return tuple(finding for finding in self.findings if finding.state is State.CONFLICT)


def make_plan(actual: Actual, desired: Desired) -> Plan:
    """What is missing and what differs, and how to mend it."""
    return Plan(tuple(_findings(actual, desired)))


def _findings(actual: Actual, desired: Desired) -> Iterator[Finding]:
    yield _publisher(actual, desired)
    yield _solution(actual, desired)
    columns = [_column(actual, desired, column) for column in desired.columns]
    yield from columns
    webhook = _webhook(actual, desired)
    steps = [finding for step in desired.steps for finding in _step(actual, desired, step)]
    # Publishing leaves no mark. Columns are published before there is a webhook, so that as long as a step is
    # missing, an earlier run may have broken off in between; publishing once more does no harm.
    touched = any(finding.actions for finding in columns)
    if touched or any(finding.state is State.MISSING for finding in (webhook, *steps)):
        yield Finding("customizations", desired.table, State.DIFFERS, "publish", (Publish(desired.table),))
    yield webhook
    yield from steps
    yield from _strangers(actual, desired)


def _publisher(actual: Actual, desired: Desired) -> Finding:
    if actual.publisher is not None:
        return Finding("publisher", actual.publisher.unique_name, State.EXISTS, f"prefix {desired.prefix}")
    name = desired.publisher
    action = MakePublisher(row_id("publisher", name), name, desired.prefix)
    return Finding("publisher", name, State.MISSING, f"prefix {desired.prefix}", (action,))


def _solution(actual: Actual, desired: Desired) -> Finding:
    name, found = desired.solution, actual.solution
    if found is None:
        publisher = actual.publisher.id if actual.publisher else row_id("publisher", desired.publisher)
        action = MakeSolution(row_id("solution", name), name, publisher)
        return Finding("solution", name, State.MISSING, "unmanaged", (action,))
    if found.managed:
        detail = "It was imported as a managed solution, which nothing can be added to: uninstall it first."
        return Finding("solution", name, State.CONFLICT, detail)
    if actual.publisher is None or found.publisher_id != actual.publisher.id:
        detail = f"Its publisher has another prefix than the columns ({desired.prefix}): rename or delete it."
        return Finding("solution", name, State.CONFLICT, detail)
    return Finding("solution", name, State.EXISTS, "unmanaged")


def _column(actual: Actual, desired: Desired, column: Column) -> Finding:
    found = actual.columns.get(column.name)
    detail = f"text, {column.length}"
    if found is None:
        action = MakeColumn(desired.table, column, desired.solution)
        return Finding("column", column.name, State.MISSING, detail, (action,))
    if not found.is_text:
        return Finding(
            "column",
            column.name,
            State.CONFLICT,
            "It exists and is no text column: remove it, or choose another name in the settings.",
        )
    member = AddToSolution(COLUMN_COMPONENT, found.metadata_id, desired.solution)
    outside = () if found.in_solution else (member,)
    if found.length < column.length:
        widen = WidenColumn(desired.table, column)
        return Finding(
            "column",
            column.name,
            State.DIFFERS,
            f"length {found.length} → {column.length}",
            (widen, *outside),
        )
    if outside:
        return Finding("column", column.name, State.DIFFERS, "not in the solution", outside)
    return Finding("column", column.name, State.EXISTS, f"text, {found.length}")


def _webhook(actual: Actual, desired: Desired) -> Finding:
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
        return Finding(
            "webhook", name, State.CONFLICT, "Its key is not sent in a header: give the function key."
        )
    actions: list[Action] = [action] if changes else []
    if not found.in_solution:
        actions.append(member)
        changes.append("not in the solution")
    if not changes:
        return Finding("webhook", name, State.EXISTS, found.url)
    return Finding("webhook", name, State.DIFFERS, ", ".join(changes), tuple(actions))


def _webhook_changes(found: FoundWebhook, desired: Desired) -> list[str]:
    changes = []
    if desired.webhook.url and found.url != desired.webhook.url:
        changes.append(f"address {found.url} → {desired.webhook.url}")
    if found.key is KeyState.OTHER:
        changes.append("another key")
    return changes


def _new_webhook(desired: Desired) -> Finding:
    name, url = desired.webhook.name, desired.webhook.url
    if not url or not desired.webhook.has_key:
        what = "where the function app takes webhooks" if not url else "the function's key"
        detail = f"It is missing, and nobody said {what}: see `booking-sync provision --help`."
        return Finding("webhook", name, State.CONFLICT, detail)
    action = WriteWebhook(row_id("webhook", name), name, url, desired.solution, new=True, with_key=True)
    return Finding("webhook", name, State.MISSING, url, (action,))


def _step(actual: Actual, desired: Desired, step: Step) -> Iterator[Finding]:
    if (step.message, step.table) not in actual.possible:
        yield Finding("step", step.name, State.CONFLICT, _NO_FIELD_SERVICE)
        return
    webhook = actual.webhook.id if actual.webhook else row_id("webhook", desired.webhook.name)
    found = _find(actual, step)
    if found is None:
        identity = row_id("step", step.name)
        action = WriteStep(identity, step, webhook, desired.solution, new=True)
        yield Finding("step", step.name, State.MISSING, _filter_text(step), (action,))
    else:
        identity = found.id
        yield _existing_step(found, desired, step, webhook)
    if step.image is not None:
        yield _image(found, identity, step, step.image)


def _existing_step(found: FoundStep, desired: Desired, step: Step, webhook_id: str) -> Finding:
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
        return Finding("step", step.name, State.EXISTS, _filter_text(step))
    return Finding("step", step.name, State.DIFFERS, "; ".join(changes), tuple(actions))


def _image(found: FoundStep | None, step_id: str, step: Step, image: Image) -> Finding:
    name = f"{image.alias} of {step.name}"
    existing = next((each for each in (found.images if found else ()) if each.alias == image.alias), None)
    if existing is None:
        action = WriteImage(row_id("image", name), step, step_id, image, new=True)
        return Finding("image", name, State.MISSING, f"{len(image.columns)} columns", (action,))
    if existing.before and existing.columns == image.columns:
        return Finding("image", name, State.EXISTS, f"{len(image.columns)} columns")
    action = WriteImage(existing.id, step, step_id, image, new=False)
    detail = f"holds {_names(existing.columns)} instead of {_names(image.columns)}"
    return Finding("image", name, State.DIFFERS, detail if existing.before else "no pre-image", (action,))


def _strangers(actual: Actual, desired: Desired) -> Iterator[Finding]:
    """What calls the app besides our steps: harmless, since a webhook is only a hint, but not for nothing."""
    ours = {found.id for step in desired.steps if (found := _find(actual, step)) is not None}
    for found in actual.steps:
        if found.id not in ours:
            yield Finding("step", found.name, State.KEPT, "somebody else's, on our webhook; not needed")
    for twin in actual.twins:
        detail = "another webhook to the same address: every change is reported twice; remove it"
        yield Finding("webhook", twin, State.KEPT, detail)


def _find(actual: Actual, step: Step) -> FoundStep | None:
    """The step for this occasion; of several the one that we made, or the first."""
    fitting = [found for found in actual.steps if found.occasion == (step.message, step.table)]
    own = row_id("step", step.name)
    return min(fitting, key=lambda found: (found.id != own, found.id), default=None)


def _filter_text(step: Step) -> str:
    return f"when one of {len(step.filtering)} columns changes" if step.filtering else "always"


def _names(columns: frozenset[str]) -> str:
    return ", ".join(sorted(columns)) or "no columns"
