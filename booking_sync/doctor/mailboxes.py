"""Judgements on which mailboxes the app reaches. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from booking_sync.doctor.facts import MailboxAccess
from booking_sync.doctor.findings import Area, Finding, Severity

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


def not_asked() -> Finding:
    """No mailbox was named."""
    words = "no mailbox was given, so that nobody knows whether Graph lets the app write events"
    remedy = "Give a technician's: `booking-sync doctor --mailbox anna@contoso.com`."
    return Finding(Area.MAILBOXES, "test event", Severity.SKIPPED, words, remedy)


def unknown(name: str) -> Finding:
    """Nobody in Dataverse has this name."""
    words = "no Dynamics 365 user has this name, and Graph is asked by ids only"
    remedy = f"Give the Entra object id: `az ad user show --id {name} --query id --output tsv`."
    return Finding(Area.MAILBOXES, name, Severity.ERROR, words, remedy)


def judge_outside(name: str, access: MailboxAccess) -> Finding:
    """Whether a mailbox that should be closed to the app is."""
    check = f"outside: {name}"
    if access is MailboxAccess.DENIED:
        return Finding(Area.MAILBOXES, check, Severity.OK, "closed to the app, as it should be")
    if access is MailboxAccess.NO_MAILBOX:
        words = "this person has no mailbox, which proves nothing"
        remedy = "Name somebody with a mailbox that the app should not reach."
        return Finding(Area.MAILBOXES, check, Severity.WARNING, words, remedy)
    words = "the app can open this calendar, which should be closed to it"
    return Finding(Area.MAILBOXES, check, Severity.ERROR, words, _NARROW)


def judge_scope(roles: AbstractSet[str], *, outside_refused: bool) -> Finding:
    """Whether Entra grants the app everybody's calendar."""
    check = "tenant-wide permission"
    wide = sorted(role for role in roles if role.startswith(_CALENDARS))
    if not wide:
        return Finding(Area.MAILBOXES, check, Severity.OK, "none on calendars: Exchange decides")
    words = f"Entra grants {', '.join(wide)}"
    if outside_refused:
        return Finding(Area.MAILBOXES, check, Severity.OK, f"{words}, and Exchange limits it")
    words += " for every mailbox of the tenant"
    return Finding(Area.MAILBOXES, check, Severity.WARNING, words, _NARROW)
