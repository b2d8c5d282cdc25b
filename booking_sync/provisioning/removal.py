"""What to take away, in the order in which Dataverse lets it go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from booking_sync.domain.environment.watched import BOOKING_TABLE
from booking_sync.ports.dataverse.customization_actions import Publish, RemoveColumn, RemoveRow
from booking_sync.provisioning.dispatcher_plan import dispatcher_removal, is_unpublished
from booking_sync.provisioning.parts import PartState, PlannedPart, ProvisioningPlan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from booking_sync.ports.dataverse.customizations import DesiredCustomizations, FoundCustomizations


def plan_removal(
    actual: FoundCustomizations, desired: DesiredCustomizations, *, remove_columns: bool
) -> ProvisioningPlan:
    """Views and forms, steps, webhook; with the columns also those, then the solution and its publisher.

    Args:
        actual: what is there.
        desired: what a provisioning would have made.
        remove_columns: the columns hold what we know of every event, so they go only when asked for. The
            solution and its publisher stay as long as they hold columns.
    """
    return ProvisioningPlan(tuple(_parts(actual, desired, remove_columns=remove_columns)))


def _parts(
    actual: FoundCustomizations, desired: DesiredCustomizations, *, remove_columns: bool
) -> Iterator[PlannedPart]:
    seen = list(dispatcher_removal(actual, desired, remove_columns=remove_columns))
    yield from seen
    if any(part.actions for part in seen) or is_unpublished(actual):
        yield PlannedPart(
            "customizations", BOOKING_TABLE, PartState.DIFFERS, "publish", (Publish(BOOKING_TABLE),)
        )
    for step in actual.steps:  # an image goes with its step
        action = RemoveRow("sdkmessageprocessingsteps", step.id)
        yield PlannedPart("step", step.name, PartState.SURPLUS, "", (action,))
    if actual.webhook is not None:
        action = RemoveRow("serviceendpoints", actual.webhook.id)
        yield PlannedPart("webhook", desired.webhook.name, PartState.SURPLUS, actual.webhook.url, (action,))
    if remove_columns:
        yield from _columns_and_home(actual, desired)
        return
    for name, column in actual.columns.items():
        held = "what is known of events" if column.table == BOOKING_TABLE else "what people chose"
        yield PlannedPart("column", name, PartState.KEPT, f"holds {held}; --remove-columns removes it")
    if actual.solution is not None:
        yield PlannedPart("solution", desired.solution, PartState.KEPT, "holds the columns")


def _columns_and_home(actual: FoundCustomizations, desired: DesiredCustomizations) -> Iterator[PlannedPart]:
    for name, column in actual.columns.items():
        remove = RemoveColumn(column.table, name)
        yield PlannedPart("column", name, PartState.SURPLUS, "with all that it holds", (remove,))
    for table in dict.fromkeys(column.table for column in actual.columns.values()):
        yield PlannedPart("customizations", table, PartState.DIFFERS, "publish", (Publish(table),))
    if actual.solution is not None:
        yield _solution(actual.solution.id, desired, managed=actual.solution.managed)
    publisher = actual.publisher
    if publisher is None:
        return
    if publisher.unique_name != desired.publisher or publisher.other_solutions:
        yield PlannedPart(
            "publisher", publisher.unique_name, PartState.KEPT, "not made by us, or of use to others"
        )
        return
    action = RemoveRow("publishers", publisher.id)
    yield PlannedPart("publisher", publisher.unique_name, PartState.SURPLUS, "", (action,))


def _solution(solution_id: str, desired: DesiredCustomizations, *, managed: bool) -> PlannedPart:
    if managed:
        return PlannedPart(
            "solution", desired.solution, PartState.KEPT, "managed: uninstall it in Power Apps"
        )
    action = RemoveRow("solutions", solution_id)
    return PlannedPart("solution", desired.solution, PartState.SURPLUS, "", (action,))
