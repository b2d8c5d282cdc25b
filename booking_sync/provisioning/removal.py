"""What to take away, in the order in which Dataverse lets it go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from booking_sync.domain.environment.watched import BOOKING_TABLE
from booking_sync.ports.dataverse.customization_actions import Publish, RemoveColumn, RemoveRow
from booking_sync.provisioning.dispatcher_plan import dispatcher_removal, is_unpublished
from booking_sync.provisioning.parts import PartState, PlannedPart, ProvisioningPlan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from booking_sync.ports.dataverse.customizations import (
        DesiredCustomizations,
        FoundColumn,
        FoundCustomizations,
    )

_NOT_OURS = "not made by us: remove it by hand if nobody needs it"


def plan_removal(
    actual: FoundCustomizations, desired: DesiredCustomizations, *, remove_columns: bool
) -> ProvisioningPlan:
    """Views and forms, steps, webhook; with the columns also those, then the solution and its publisher.

    Args:
        actual: what is there.
        desired: what a provisioning would have made.
        remove_columns: the columns hold what we know of every event, so they go only when asked for, and
            only those that are ours. The solution and its publisher stay as long as they hold columns.
    """
    return ProvisioningPlan(tuple(_parts(actual, desired, remove_columns=remove_columns)))


def _ours(actual: FoundCustomizations, desired: DesiredCustomizations) -> frozenset[str]:
    """Names of the columns that may be removed: provisioning made them, or made them its own.

    Each of these is in the solution. One that only has the name holds somebody else's data. Without the
    solution nobody can tell, so that none is ours; this plan is also made again after the solution is gone.
    """
    return frozenset(
        column.name
        for column in desired.columns
        if (found := actual.columns.get(column.name)) and found.in_solution and found.fits(column)
    )


def _parts(
    actual: FoundCustomizations, desired: DesiredCustomizations, *, remove_columns: bool
) -> Iterator[PlannedPart]:
    ours = _ours(actual, desired)
    going = ours if remove_columns else frozenset()
    seen = list(dispatcher_removal(actual, desired, going))
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
    for name, column in actual.columns.items():
        yield _column(column, ours=name in ours, remove=remove_columns)
    if remove_columns:
        touched = dict.fromkeys(each.table for name, each in actual.columns.items() if name in ours)
        yield from _home(actual, desired, touched)
    elif actual.solution is not None:
        yield PlannedPart("solution", desired.solution, PartState.KEPT, "holds the columns")


def _column(column: FoundColumn, *, ours: bool, remove: bool) -> PlannedPart:
    if not ours:
        return PlannedPart("column", column.name, PartState.KEPT, _NOT_OURS)
    if remove:
        action = RemoveColumn(column.table, column.name)
        return PlannedPart("column", column.name, PartState.SURPLUS, "with all that it holds", (action,))
    held = "what is known of events" if column.table == BOOKING_TABLE else "what people chose"
    return PlannedPart("column", column.name, PartState.KEPT, f"holds {held}; --remove-columns removes it")


def _home(
    actual: FoundCustomizations, desired: DesiredCustomizations, tables: Iterable[str]
) -> Iterator[PlannedPart]:
    """The tables that lost columns are published; then the solution, which holds nothing of ours any more."""
    for table in tables:
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
