"""Judges which mailboxes the app can read. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from booking_sync.doctor.report import Area, CheckResult, CheckStatus
from booking_sync.ports.diagnosis import MailboxAccess

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

INCLUDE = (
    "The person needs a mailbox in Exchange Online (a licence), and the app's scope in Exchange has to "
    "include it (docs/deployment.md, step 2); `Test-ServicePrincipalAuthorization` tells at once, Graph "
    "follows within two hours."
)
_CALENDARS = "Calendars."
_NARROW = (
    "Remove the app's consent in Entra (Enterprise applications, Permissions), and grant it its mailboxes in "
    "Exchange (docs/deployment.md, steps 1 and 2)."
)


def not_asked() -> CheckResult:
    """No mailbox was named."""
    words = "no mailbox was given, so that nobody knows whether Graph lets the app write events"
    remedy = "Give a technician's: `booking-sync doctor --mailbox anna@contoso.com`."
    return CheckResult(Area.MAILBOXES, "test event", CheckStatus.SKIPPED, words, remedy)


def unknown(name: str) -> CheckResult:
    """Nobody in Dataverse has this name."""
    words = "no Dynamics 365 user has this name, and Graph is asked by ids only"
    remedy = f"Give the Entra object id: `az ad user show --id {name} --query id --output tsv`."
    return CheckResult(Area.MAILBOXES, name, CheckStatus.ERROR, words, remedy)


def judge_outside(name: str, access: MailboxAccess) -> CheckResult:
    """Whether a mailbox that should be closed to the app is."""
    check = f"outside: {name}"
    if access is MailboxAccess.DENIED:
        return CheckResult(Area.MAILBOXES, check, CheckStatus.OK, "closed to the app, as it should be")
    if access is MailboxAccess.NO_MAILBOX:
        words = "this person has no mailbox, which proves nothing"
        remedy = "Name somebody with a mailbox that the app should not reach."
        return CheckResult(Area.MAILBOXES, check, CheckStatus.WARNING, words, remedy)
    words = "the app can open this calendar, which should be closed to it"
    return CheckResult(Area.MAILBOXES, check, CheckStatus.ERROR, words, _NARROW)


def judge_scope(roles: AbstractSet[str], *, outside_refused: bool) -> CheckResult:
    """Whether Entra grants the app everybody's calendar."""
    check = "tenant-wide permission"
    wide = sorted(role for role in roles if role.startswith(_CALENDARS))
    if not wide:
        return CheckResult(Area.MAILBOXES, check, CheckStatus.OK, "none on calendars: Exchange decides")
    words = f"Entra grants {', '.join(wide)}"
    if outside_refused:
        return CheckResult(Area.MAILBOXES, check, CheckStatus.OK, f"{words}, and Exchange limits it")
    words += " for every mailbox of the tenant"
    return CheckResult(Area.MAILBOXES, check, CheckStatus.WARNING, words, _NARROW)
