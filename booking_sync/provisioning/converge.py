"""Carrying a plan out: look, do, look again, until nothing is left to do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from booking_sync.errors import TransientError
from booking_sync.provisioning.plan import Finding, State

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from booking_sync.provisioning.actions import Action
    from booking_sync.provisioning.actual import Actual
    from booking_sync.provisioning.desired import Desired
    from booking_sync.provisioning.plan import Plan

MAX_ROUNDS = 6
MAX_PAUSE_SECONDS = 120.0
_FIRST_PAUSE_SECONDS = 5.0
_DONE = {State.MISSING: "made", State.DIFFERS: "changed", State.SURPLUS: "removed"}
_DOING = {State.MISSING: "making", State.DIFFERS: "changing", State.SURPLUS: "removing"}


class Environment(Protocol):
    """One Dataverse environment, as provisioning sees it."""

    async def read(self, desired: Desired) -> Actual:
        """What there is of what is desired.

        Raises:
            TransientError: not now.
            PermanentError: refused.
        """

    async def carry_out(self, action: Action) -> None:
        """Do it; raises as `read`. Doing it twice must be harmless or refused."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One part, as it is in the end."""

    kind: str
    name: str
    result: str
    """`exists`, `made`, `changed`, `removed`, `kept`, `in the way`; what was not done keeps its state."""
    detail: str

    def as_json(self) -> dict[str, str]:
        """For `--json`."""
        return {"kind": self.kind, "name": self.name, "result": self.result, "detail": self.detail}


@dataclass(frozen=True, slots=True)
class Report:
    """What a run came to."""

    outcomes: tuple[Outcome, ...]
    complete: bool
    """Everything is as it should be, read back after the last change."""
    changed: bool

    def as_json(self) -> dict[str, object]:
        """For `--json`."""
        outcomes = [outcome.as_json() for outcome in self.outcomes]
        return {"complete": self.complete, "changed": self.changed, "parts": outcomes}


async def converge(
    environment: Environment,
    desired: Desired,
    decide: Callable[[Actual], Plan],
    *,
    dry_run: bool,
    sleep: Callable[[float], Awaitable[None]],
    tell: Callable[[str], None],
) -> Report:
    """Bring an environment to where a plan has nothing left to do.

    Args:
        environment: where.
        desired: what to look for.
        decide: the plan for what was found.
        dry_run: look once, do nothing.
        sleep: waits so many seconds: after a refusal that asks for patience, and for changes to show.
        tell: hears of each step.

    Raises:
        TransientError: Dataverse can't, several times over; what was done stays, the next run goes on.
        PermanentError: refused; the same.
    """
    first = decide(await environment.read(desired))
    if dry_run or first.conflicts:
        return Report(_outcomes(first, first, set()), complete=not _pending(first), changed=False)
    done: set[Action] = set()
    plan = first
    for round_number in range(MAX_ROUNDS):
        if not plan.actions:
            break
        todo = [action for action in plan.actions if action not in done]
        try:
            await _do(environment, plan.findings, todo, done, tell)
        except TransientError as error:
            if round_number == MAX_ROUNDS - 1:
                raise
            pause = _pause(error, round_number)
            tell(f"{error.reason} Going on in {pause:.0f} seconds.")
            await sleep(pause)
        if not todo:  # done, and Dataverse does not show it yet
            await sleep(_FIRST_PAUSE_SECONDS)
        plan = decide(await environment.read(desired))
    return Report(_outcomes(first, plan, done), complete=not _pending(plan), changed=bool(done))


async def _do(
    environment: Environment,
    findings: Sequence[Finding],
    todo: Sequence[Action],
    done: set[Action],
    tell: Callable[[str], None],
) -> None:
    for finding in findings:
        for action in finding.actions:
            if action in todo:
                tell(f"{_DOING[finding.state]} {finding.kind} {finding.name}")
                await environment.carry_out(action)
                done.add(action)


def _pause(error: TransientError, round_number: int) -> float:
    asked = _FIRST_PAUSE_SECONDS * 2**round_number if error.retry_after is None else error.retry_after
    return min(max(asked, 1.0), MAX_PAUSE_SECONDS)


def _pending(plan: Plan) -> bool:
    return bool(plan.actions or plan.conflicts)


def _outcomes(first: Plan, last: Plan, done: set[Action]) -> tuple[Outcome, ...]:
    """The parts of the first plan with what became of them; what only came up later is appended."""
    before = {(finding.kind, finding.name): finding for finding in first.findings}
    after = {(finding.kind, finding.name): finding for finding in last.findings}
    both = {**before, **{key: finding for key, finding in after.items() if key not in before}}
    return tuple(_outcome(finding, after.get(key), done) for key, finding in both.items())


def _outcome(finding: Finding, now: Finding | None, done: set[Action]) -> Outcome:
    acted = bool(finding.actions) and all(action in done for action in finding.actions)
    if acted and not (now is not None and now.actions):
        return Outcome(finding.kind, finding.name, _DONE[finding.state], finding.detail)
    shown = now or replace(finding, actions=())
    return Outcome(shown.kind, shown.name, str(shown.state), shown.detail)
