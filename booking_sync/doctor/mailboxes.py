"""Judges which mailboxes the app can read. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from booking_sync.doctor.report import Area, CheckResult, CheckStatus
from booking_sync.errors import Cause, PermanentError, TransientError
from booking_sync.ports.diagnosis import MailboxAccess

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from booking_sync.errors import SyncError

_BY_CAUSE = {
    Cause.NO_MAILBOX: "The person needs a mailbox in Exchange Online: a licence, and some minutes.",
    Cause.NO_CALENDAR: (
        "Try again in an hour: a mailbox that is being made has no calendar yet. If it stays so, have the "
        "person open Outlook once."
    ),
    Cause.ACCESS_DENIED: (
        "The app's scope in Exchange has to include the mailbox (docs/deployment.md, step 2); "
        "`Test-ServicePrincipalAuthorization` tells at once, Graph follows within two hours."
    ),
    Cause.MAILBOX_FULL: "The person has to make room, Recoverable Items included, or needs a larger quota.",
    Cause.TIME_ZONE: (
        "Set EVENT_TIME_ZONE to a zone that Outlook knows, or to UTC (docs/settings.md); Graph tells which "
        "it knows at /users/<id>/outlook/supportedTimeZones."
    ),
}
_CONTENT = (
    "The words are Graph's own. What the event holds comes from EVENT_SUBJECT_TEMPLATE, EVENT_BODY_TEMPLATE "
    "and the other EVENT_ settings (docs/settings.md): try without them. The code's meaning is in "
    '"Microsoft Graph error responses" and, where it begins with Error, in "ResponseCode" of Exchange Web '
    "Services."
)
_APP = (
    "Graph refuses the app itself, and not this mailbox: see in Entra (Enterprise applications) that it is "
    "enabled and that its sign-in log names no policy against it. Changes wait until then "
    "(docs/operations.md, `app_refused`)."
)
LATER = "Try again later; if it goes on, see https://admin.microsoft.com for the state of Exchange Online."
_CALENDARS = "Calendars."
_NARROW = (
    "Remove the app's consent in Entra (Enterprise applications, Permissions), and grant it its mailboxes in "
    "Exchange (docs/deployment.md, steps 1 and 2)."
)


def remedy(error: SyncError) -> str:
    """What mends a refusal of the test event."""
    if isinstance(error, PermanentError):
        return _BY_CAUSE[error.cause] if error.cause else _CONTENT
    return _APP if isinstance(error, TransientError) and error.until_mended else LATER


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
