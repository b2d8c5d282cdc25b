"""Judges what the way back from Outlook depends on, where it is on. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from booking_sync.doctor.report import Area, CheckResult, CheckStatus, some_of
from booking_sync.domain.return_path.policy import Mode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from booking_sync.domain.return_path.policy import ReturnPolicy

CHECK: Final = "settings"
STATUS: Final = "status for cancellations"
KEY: Final = "key of notifications"
SUBSCRIPTIONS: Final = "subscriptions"
GRAPH_REPORTS: Final = "Check that Graph answers; the app looks for changes every half hour all the same."
_NOBODY: Final = (
    "Look again in an hour: the app's timer `watch` makes them. If there are none by then, see what its log "
    "says (docs/operations.md), and that NOTIFICATION_URL leads to the app."
)
READ: Final = "Check the role of the application user (docs/deployment.md, step 3)."
VAULT: Final = (
    "Run `booking-sync provision` with RETURN_PATH and NOTIFICATION_URL set, which makes the key; who runs "
    "this command needs the role Key Vault Secrets User on the vault, as the app does."
)
_STATUS_REMEDY: Final = "Set RETURN_CANCEL_STATUS_ID to one of them, or deactivate the others."
_WORDS: Final = {
    Mode.OFF: "means nothing",
    Mode.REPORT: "is put right",
    Mode.PROPOSE: "is proposed",
    Mode.APPLY: "counts",
}


def judge_policy(policy: ReturnPolicy) -> CheckResult:
    """What comes back, in words; that it is off is nothing to complain of."""
    if policy.path is Mode.OFF:
        words = "RETURN_PATH is off: changes in Outlook never change a booking"
        return CheckResult(Area.WAY_BACK, CHECK, CheckStatus.OK, words)
    near, far, deleted = (min(policy.path, each) for each in (policy.near, policy.far, policy.delete))
    until = policy.freeze.total_seconds() / 60
    words = (
        f"a small move {_WORDS[near]}, another one {_WORDS[far]}, a deletion {_WORDS[deleted]}, "
        f"until {until:g} minutes before the start"
    )
    return CheckResult(Area.WAY_BACK, CHECK, CheckStatus.OK, words)


def judge_status(named: str, there: Mapping[str, str]) -> CheckResult:
    """Whether it is clear which status a canceled booking gets.

    Args:
        named: by the settings; empty for none.
        there: by id the names of the active statuses of type Canceled.
    """
    if named:
        if named in there:
            return CheckResult(Area.WAY_BACK, STATUS, CheckStatus.OK, there[named] or named)
        words = "RETURN_CANCEL_STATUS_ID names no active booking status of type Canceled"
        return CheckResult(Area.WAY_BACK, STATUS, CheckStatus.ERROR, words, _choose(there))
    if len(there) == 1:
        (name,) = there.values()
        return CheckResult(Area.WAY_BACK, STATUS, CheckStatus.OK, f"{name}, the only one of type Canceled")
    if not there:
        words = "there is no active booking status of type Canceled: no booking can be canceled from Outlook"
        return CheckResult(Area.WAY_BACK, STATUS, CheckStatus.ERROR, words, "Make one in Dynamics 365.")
    words = f"several could be meant, so that no booking is canceled from Outlook: {_listed(there)}"
    return CheckResult(Area.WAY_BACK, STATUS, CheckStatus.ERROR, words, _STATUS_REMEDY)


def judge_key(versions: int) -> CheckResult:
    """The key is there."""
    words = f"readable; {versions} version{'s are' if versions > 1 else ' is'} accepted"
    return CheckResult(Area.WAY_BACK, KEY, CheckStatus.OK, words)


def judge_subscriptions(count: int) -> CheckResult:
    """Whether Graph reports to the app at all; how many it should be, the timer knows and tells its log."""
    if not count:
        words = "Graph reports of no mailbox to NOTIFICATION_URL; changes are found every half hour"
        return CheckResult(Area.WAY_BACK, SUBSCRIPTIONS, CheckStatus.WARNING, words, _NOBODY)
    return CheckResult(Area.WAY_BACK, SUBSCRIPTIONS, CheckStatus.OK, f"Graph reports of {count} mailboxes")


def judge_without_notifications() -> CheckResult:
    """Graph is not asked to report."""
    words = "none is needed: NOTIFICATION_URL is empty, and the app looks for changes every half hour"
    return CheckResult(Area.WAY_BACK, KEY, CheckStatus.OK, words)


def _choose(there: Mapping[str, str]) -> str:
    if not there:
        return "Make one in Dynamics 365, and set its id."
    return f"Set it to one of them: {_listed(there)}."


def _listed(there: Mapping[str, str]) -> str:
    return some_of([f"{name} ({status_id})" for status_id, name in there.items()])
