"""Carries a plan out: reads, changes and reads again, until nothing is left to do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from booking_sync.errors import PermanentError, TransientError
from booking_sync.provisioning.parts import PartState, PlannedPart, ProvisioningPlan

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from booking_sync.ports.dataverse.customization_actions import Action, Provisionable

Desired = TypeVar("Desired")
Found = TypeVar("Found")

MAX_ROUNDS = 6
MAX_PAUSE_SECONDS = 120.0
_FIRST_PAUSE_SECONDS = 5.0
_DONE = {PartState.MISSING: "made", PartState.DIFFERS: "changed", PartState.SURPLUS: "removed"}
_DOING = {PartState.MISSING: "making", PartState.DIFFERS: "changing", PartState.SURPLUS: "removing"}


@dataclass(frozen=True, slots=True)
class PartOutcome:
    """One part, as it is after the run."""

    kind: str
    name: str
    result: str
    """`exists`, `made`, `changed`, `removed`, `kept`, `in the way`; what was not done keeps its state."""
    detail: str

    def as_json(self) -> dict[str, str]:
        """For `--json`."""
        return {"kind": self.kind, "name": self.name, "result": self.result, "detail": self.detail}


@dataclass(frozen=True, slots=True)
class ProvisioningReport:
    """How a run ended."""

    outcomes: tuple[PartOutcome, ...]
    complete: bool
    """Everything is as it should be: it was read back after the last change."""
    changed: bool
    refused: str = ""
    """Why a change was refused for good, a sentence; empty where none was."""

    def as_json(self) -> dict[str, object]:
        """For `--json`."""
        outcomes = [outcome.as_json() for outcome in self.outcomes]
        return {"complete": self.complete, "changed": self.changed, "parts": outcomes}


def joined(reports: Sequence[ProvisioningReport]) -> ProvisioningReport:
    """Several runs as one."""
    return ProvisioningReport(
        tuple(outcome for report in reports for outcome in report.outcomes),
        complete=all(report.complete for report in reports),
        changed=any(report.changed for report in reports),
        refused=" ".join(report.refused for report in reports if report.refused),
    )


class ChangeRefusedError(PermanentError):
    """Dataverse let us look, and refused a change for good.

    Args:
        cause: the refusal.
        report: what had been done by then, and what had not.
    """

    def __init__(self, cause: PermanentError, report: ProvisioningReport) -> None:
        super().__init__(cause.reason, patience=cause.patience, cause=cause.cause)
        self.report = report


async def converge(
    environment: Provisionable[Desired, Found],
    desired: Desired,
    decide: Callable[[Found], ProvisioningPlan],
    *,
    dry_run: bool,
    sleep: Callable[[float], Awaitable[None]],
    tell: Callable[[str], None],
) -> ProvisioningReport:
    """Change an environment until the plan has nothing left to do.

    Args:
        environment: what is read and changed.
        desired: what should be there.
        decide: the plan for what was found.
        dry_run: read once, change nothing.
        sleep: waits so many seconds: after a refusal that asks for patience, and for changes to show.
        tell: called with each step, in words.

    Raises:
        TransientError: Dataverse could not, several times. What was done stays, and the next run goes on.
        ChangeRefusedError: it refuses a change, or to be read after one. What was done stays too.
        PermanentError: it refuses to be read.
    """
    first = decide(await environment.read(desired))
    if dry_run or first.conflicts:
        return ProvisioningReport(_outcomes(first, first, set()), complete=not _pending(first), changed=False)
    done: set[Action] = set()
    try:
        last = await _until_done(environment, desired, decide, first, done, sleep=sleep, tell=tell)
    except PermanentError as error:
        raise ChangeRefusedError(error, _refused(first, done, error.reason)) from error
    return ProvisioningReport(_outcomes(first, last, done), complete=not _pending(last), changed=bool(done))


async def _until_done(
    environment: Provisionable[Desired, Found],
    desired: Desired,
    decide: Callable[[Found], ProvisioningPlan],
    plan: ProvisioningPlan,
    done: set[Action],
    *,
    sleep: Callable[[float], Awaitable[None]],
    tell: Callable[[str], None],
) -> ProvisioningPlan:
    """Change and read by turns; what was carried out is added to `done`, also where this raises.

    Returns:
        The plan for what was read last.
    """
    for round_number in range(MAX_ROUNDS):
        if not plan.actions:
            break
        todo = [action for action in plan.actions if action not in done]
        try:
            await _do(environment, plan.parts, todo, done, tell)
        except TransientError as error:
            if round_number == MAX_ROUNDS - 1:
                raise
            pause = _pause(error, round_number)
            tell(f"{error.reason} Going on in {pause:.0f} seconds.")
            await sleep(pause)
        if not todo:  # done, and Dataverse does not show it yet
            await sleep(_FIRST_PAUSE_SECONDS)
        plan = decide(await environment.read(desired))
    return plan


async def _do(
    environment: Provisionable[Desired, Found],
    parts: Sequence[PlannedPart],
    todo: Sequence[Action],
    done: set[Action],
    tell: Callable[[str], None],
) -> None:
    for part in parts:
        for action in part.actions:
            if action in todo:
                tell(f"{_DOING[part.state]} {part.kind} {part.name}")
                await environment.carry_out(action)
                done.add(action)


def _refused(plan: ProvisioningPlan, done: set[Action], reason: str) -> ProvisioningReport:
    """What became of a plan that was refused half-way; it names the reason at the part that was next."""
    left = []
    told = False
    for part in plan.parts:
        undone = tuple(action for action in part.actions if action not in done)
        here = bool(undone) and not told
        told = told or here
        detail = "; ".join(filter(None, (part.detail, f"refused: {reason}"))) if here else part.detail
        left.append(replace(part, detail=detail, actions=undone))
    outcomes = _outcomes(plan, ProvisioningPlan(tuple(left)), done)
    return ProvisioningReport(outcomes, complete=False, changed=bool(done), refused=reason)


def _pause(error: TransientError, round_number: int) -> float:
    asked = _FIRST_PAUSE_SECONDS * 2**round_number if error.retry_after is None else error.retry_after
    return min(max(asked, 1.0), MAX_PAUSE_SECONDS)


def _pending(plan: ProvisioningPlan) -> bool:
    return bool(plan.actions or plan.conflicts)


def _outcomes(first: ProvisioningPlan, last: ProvisioningPlan, done: set[Action]) -> tuple[PartOutcome, ...]:
    """The parts of the first plan with what became of them; what only came up later is appended."""
    before = {(part.kind, part.name): part for part in first.parts}
    after = {(part.kind, part.name): part for part in last.parts}
    both = {**before, **{key: part for key, part in after.items() if key not in before}}
    return tuple(_outcome(part, after.get(key), done) for key, part in both.items())


def _outcome(part: PlannedPart, now: PlannedPart | None, done: set[Action]) -> PartOutcome:
    acted = bool(part.actions) and all(action in done for action in part.actions)
    if acted and not (now is not None and now.actions):
        return PartOutcome(part.kind, part.name, _DONE[part.state], part.detail)
    shown = now or replace(part, actions=())
    return PartOutcome(shown.kind, shown.name, str(shown.state), shown.detail)
