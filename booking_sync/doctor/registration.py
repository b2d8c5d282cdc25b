"""Judges columns, webhook and steps: what `provision` would find, as results of the doctor. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from booking_sync.doctor.report import Area, CheckResult, CheckStatus
from booking_sync.ports.dataverse.customization_actions import AddToSolution, Publish
from booking_sync.provisioning.parts import PartState
from booking_sync.provisioning.plan import IN_IMAGE, WATCHED, make_plan

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from booking_sync.ports.dataverse.customizations import DesiredCustomizations, FoundCustomizations
    from booking_sync.ports.diagnosis import FailedJobs, TableFacts
    from booking_sync.provisioning.parts import PlannedPart

PROVISION = "Run `booking-sync provision`; `booking-sync provision --dry-run` shows first what it would do."
_FOR_DISPATCHERS = ("view", "form")
"""Parts without which bookings reach Outlook all the same."""
_FIRST = "See to it, then run `booking-sync provision`."
_BEYOND = (
    "Run this with the app's settings (docs/deployment.md, step 6); else `booking-sync provision --narrow`."
)
_STRANGER = "Remove it with the Plug-in Registration Tool, unless you know what it is for."
_CONCURRENCY = (
    "Enable it: in the Plug-in Registration Tool's or XrmToolBox's metadata browser, or by the Web API, set "
    "IsOptimisticConcurrencyEnabled of bookableresourcebooking to true and publish."
)
_SECURED = (
    "Add the application user to a column security profile with Read and Update on all four, or turn column "
    "security off for them (docs/deployment.md, step 3)."
)


def judge_registration(actual: FoundCustomizations, desired: DesiredCustomizations) -> Iterator[CheckResult]:
    """Each part of what `provision` makes, as its plan sees it."""
    for part in make_plan(actual, desired).parts:
        if not any(isinstance(action, Publish) for action in part.actions):  # follows from another part
            yield _judge(part)


def _judge(part: PlannedPart) -> CheckResult:
    check = f"{part.kind} {part.name}"
    if part.state is PartState.EXISTS or (part.kind == "form" and part.state is PartState.KEPT):
        return CheckResult(Area.REGISTRATION, check, CheckStatus.OK, part.detail)
    words = f"{part.state}: {part.detail}" if part.detail else str(part.state)
    if part.state is PartState.KEPT:
        remedy = _BEYOND if part.kind in (WATCHED, IN_IMAGE) else _STRANGER
        return CheckResult(Area.REGISTRATION, check, CheckStatus.WARNING, words, remedy)
    if part.state is PartState.CONFLICT:
        return CheckResult(Area.REGISTRATION, check, CheckStatus.ERROR, words, _FIRST)
    cosmetic = part.kind in ("publisher", "solution", *_FOR_DISPATCHERS) or _is_membership(part)
    status = CheckStatus.WARNING if cosmetic else CheckStatus.ERROR
    return CheckResult(Area.REGISTRATION, check, status, words, PROVISION)


def _is_membership(part: PlannedPart) -> bool:
    """Everything is there and right, only not in the solution."""
    return bool(part.actions) and all(isinstance(action, AddToSolution) for action in part.actions)


def judge_definition(table: TableFacts) -> Iterator[CheckResult]:
    """Whether our record can be written at all, and under the version that was read."""
    check = "optimistic concurrency"
    if table.optimistic_concurrency:
        yield CheckResult(Area.REGISTRATION, check, CheckStatus.OK, "enabled on the booking table")
    else:
        words = "not enabled on the booking table, so that no record can be written"
        yield CheckResult(Area.REGISTRATION, check, CheckStatus.ERROR, words, _CONCURRENCY)
    yield _columns(table)


def _columns(table: TableFacts) -> CheckResult:
    check = "column access"
    if table.unusable:
        words = f"can't be read or written: {', '.join(sorted(table.unusable))}"
        remedy = "Choose other columns in the settings, then run `booking-sync provision`."
        return CheckResult(Area.REGISTRATION, check, CheckStatus.ERROR, words, remedy)
    if table.secured:
        words = f"column security is on: {', '.join(sorted(table.secured))}"
        return CheckResult(Area.REGISTRATION, check, CheckStatus.WARNING, words, _SECURED)
    return CheckResult(Area.REGISTRATION, check, CheckStatus.OK, "without column security")


def our_steps(actual: FoundCustomizations, desired: DesiredCustomizations) -> Sequence[str]:
    """The steps whose jobs tell of our webhook."""
    occasions = {(step.message, step.table) for step in desired.steps}
    return [step.id for step in actual.steps if step.occasion in occasions]


def judge_jobs(jobs: FailedJobs, days: int) -> CheckResult:
    """Whether webhooks got lost."""
    check = "failed webhooks"
    if not jobs.count:
        return CheckResult(Area.REGISTRATION, check, CheckStatus.OK, f"none in the last {days} days")
    count = f"more than {jobs.count}" if jobs.more else str(jobs.count)
    newest = f"{jobs.newest:%Y-%m-%d %H:%M} UTC" if jobs.newest else "at an unknown time"
    words = f"{count} in the last {days} days, the latest {newest}: {jobs.reason or 'without a reason'}"
    remedy = (
        "The catch-up and the audit make up for them. If they go on: 401 means another key (`booking-sync "
        "provision --key-file -`), 404 another address (`--url`), anything else that the function app did "
        "not answer. Then delete the jobs in the admin centre (Settings, System jobs)."
    )
    return CheckResult(Area.REGISTRATION, check, CheckStatus.WARNING, words, remedy)
