"""What to take away, in the order in which Dataverse lets it go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from booking_sync.provisioning.actions import Publish, RemoveColumn, RemoveRow
from booking_sync.provisioning.plan import Finding, Plan, State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from booking_sync.provisioning.actual import Actual
    from booking_sync.provisioning.desired import Desired


def plan_removal(actual: Actual, desired: Desired, *, remove_columns: bool) -> Plan:
    """Steps, then the webhook; with the columns also those, then the solution and its publisher.

    Args:
        actual: what is there.
        desired: what a provisioning would have made.
        remove_columns: the columns hold what we know of every event, so they go only when asked for. The
            solution and its publisher stay as long as they hold columns.
    """
    return Plan(tuple(_findings(actual, desired, remove_columns=remove_columns)))


def _findings(actual: Actual, desired: Desired, *, remove_columns: bool) -> Iterator[Finding]:
    for step in actual.steps:  # an image goes with its step
        action = RemoveRow("sdkmessageprocessingsteps", step.id)
        yield Finding("step", step.name, State.SURPLUS, "", (action,))
    if actual.webhook is not None:
        action = RemoveRow("serviceendpoints", actual.webhook.id)
        yield Finding("webhook", desired.webhook.name, State.SURPLUS, actual.webhook.url, (action,))
    if remove_columns:
        yield from _columns_and_home(actual, desired)
        return
    for name in actual.columns:
        yield Finding(
            "column", name, State.KEPT, "holds what is known of events; --remove-columns removes it"
        )
    if actual.solution is not None:
        yield Finding("solution", desired.solution, State.KEPT, "holds the columns")


def _columns_and_home(actual: Actual, desired: Desired) -> Iterator[Finding]:
    for name in actual.columns:
        remove = RemoveColumn(desired.table, name)
        yield Finding("column", name, State.SURPLUS, "with all that it holds", (remove,))
    if actual.columns:
        yield Finding("customizations", desired.table, State.DIFFERS, "publish", (Publish(desired.table),))
    if actual.solution is not None:
        yield _solution(actual.solution.id, desired, managed=actual.solution.managed)
    publisher = actual.publisher
    if publisher is None:
        return
    if publisher.unique_name != desired.publisher or publisher.other_solutions:
        yield Finding("publisher", publisher.unique_name, State.KEPT, "not made by us, or of use to others")
        return
    action = RemoveRow("publishers", publisher.id)
    yield Finding("publisher", publisher.unique_name, State.SURPLUS, "", (action,))


def _solution(solution_id: str, desired: Desired, *, managed: bool) -> Finding:
    if managed:
        return Finding("solution", desired.solution, State.KEPT, "managed: uninstall it in Power Apps")
    action = RemoveRow("solutions", solution_id)
    return Finding("solution", desired.solution, State.SURPLUS, "", (action,))
