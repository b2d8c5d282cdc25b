"""Judges what Dataverse lets the app do, and what the app sees there. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from booking_sync.doctor.report import Area, CheckResult, CheckStatus, some_of
from booking_sync.domain.text import quote

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from booking_sync.ports.dataverse.bookings import FailingBookings
    from booking_sync.ports.diagnosis import ForeignMarks, Identity

_WHOLE_ORGANIZATION = "Global"
_MAX_NAME = 60
_OWN_ROWS = "Basic"
"""Also what `RetrieveUserPrivileges` tells of every privilege that a user has by a team's role, whatever that
role gives (Microsoft's reference of the function, remarks)."""

ROLE = (
    "`booking-sync provision --user-only` gives it; or give it for the Organization in the Power Platform "
    "admin centre, in the security role booking_sync (docs/deployment.md, step 3)."
)
_NOT_BY_A_TEAM = (
    f"{ROLE} And give that role to the application user itself, not to a team that it belongs to."
)
APPLICATION_USER = (
    "`booking-sync provision --user-only` adds the app registration as application user of this environment, "
    "with its role (docs/deployment.md, step 3)."
)
READ = (
    "Check that DATAVERSE_URL leads to an environment with Field Service, the role of the application user "
    "(docs/deployment.md, step 3), and that the columns exist: `booking-sync provision --dry-run`."
)
_RESET_URL = (
    "Set DATAVERSE_URL and DATAVERSE_ORGANIZATION_ID for the same environment: its WhoAmI tells the second."
)


def judge_identity(who: Identity) -> Iterator[CheckResult]:
    """Whether this is the environment that is meant, and whether we are who the settings say."""
    yield _organization(who)
    yield _user(who)


def _organization(who: Identity) -> CheckResult:
    actual, expected = who.organization_id, who.expected_organization_id
    check = "organisation"
    if not expected:
        words = (
            f"it is {actual}, and no setting says which it should be: a copied environment would be served"
        )
        remedy = f"Set DATAVERSE_ORGANIZATION_ID to {actual}."
        return CheckResult(Area.DATAVERSE, check, CheckStatus.WARNING, words, remedy)
    if actual != expected:
        words = f"DATAVERSE_URL leads to {actual}, but DATAVERSE_ORGANIZATION_ID is {expected}"
        return CheckResult(Area.DATAVERSE, check, CheckStatus.ERROR, words, _RESET_URL)
    return CheckResult(Area.DATAVERSE, check, CheckStatus.OK, actual)


def _user(who: Identity) -> CheckResult:
    actual, expected = who.user_id, who.expected_user_id
    check, remedy = "application user", f"Set DATAVERSE_APP_USER_ID to {actual}."
    if not expected:
        words = f"we are {actual}, and no setting says so: each of our own changes is taken for somebody's"
        return CheckResult(Area.DATAVERSE, check, CheckStatus.WARNING, words, remedy)
    if actual != expected:
        words = (
            f"we are {actual}, but DATAVERSE_APP_USER_ID is {expected}: that user's changes are overlooked"
        )
        return CheckResult(Area.DATAVERSE, check, CheckStatus.ERROR, words, remedy)
    return CheckResult(Area.DATAVERSE, check, CheckStatus.OK, actual)


def judge_privileges(held: Mapping[str, str], wanted: Collection[str]) -> CheckResult:
    """Whether the role has all that is wanted, for the whole organisation."""
    wanted = sorted(wanted)
    held = {name.lower(): depth for name, depth in held.items()}
    missing = [name for name in wanted if name.lower() not in held]
    narrow = [name for name in wanted if held.get(name.lower(), _WHOLE_ORGANIZATION) != _WHOLE_ORGANIZATION]
    if missing:
        words = f"missing: {', '.join(missing)}"
        return CheckResult(Area.DATAVERSE, "privileges", CheckStatus.ERROR, words, ROLE)
    if narrow:
        words = f"not for the whole organisation, so that some bookings stay unseen: {', '.join(narrow)}"
        if any(held[name.lower()] == _OWN_ROWS for name in narrow):
            words += "; or held through a team: a team's role shows as Basic, however far it reaches"
            return CheckResult(Area.DATAVERSE, "privileges", CheckStatus.ERROR, words, _NOT_BY_A_TEAM)
        return CheckResult(Area.DATAVERSE, "privileges", CheckStatus.ERROR, words, ROLE)
    return CheckResult(Area.DATAVERSE, "privileges", CheckStatus.OK, f"all {len(wanted)} that are needed")


def judge_table(table: str) -> CheckResult:
    """A table whose columns could be read."""
    return CheckResult(Area.DATAVERSE, f"reading {table}", CheckStatus.OK, "every column that is used")


def judge_failing(failing: FailingBookings) -> CheckResult:
    """Whether rows tell people that they can't sync."""
    check, found = "failing bookings", failing.bookings
    if not found:
        return CheckResult(Area.DATAVERSE, check, CheckStatus.OK, "none")
    count = f"more than {len(found)}" if failing.more else str(len(found))
    newest = found[0]
    name = f" ({quote(newest.name, _MAX_NAME)})" if newest.name else ""
    words = f"{count} with an error text, the latest {newest.booking_id}{name}: {newest.error}"
    remedy = (
        f"Mend what the text names, then `booking-sync resync {newest.booking_id}`; "
        f"`booking-sync status {newest.booking_id}` tells more."
    )
    return CheckResult(Area.DATAVERSE, check, CheckStatus.WARNING, words, remedy)


def judge_foreign_marks(marks: ForeignMarks, days: int) -> CheckResult:
    """Whether Field Service's own sync is at work, which doubles every event."""
    check = "Microsoft's own sync"
    if not marks.bookings:
        words = f"no mark of it on bookings of the last {days} days"
        return CheckResult(Area.DATAVERSE, check, CheckStatus.OK, words)
    count = f"more than {marks.bookings}" if marks.more else str(marks.bookings)
    people = some_of([f"{each.name} ({each.resource_id})" for each in marks.people])
    words = f"it marked {count} bookings of the last {days} days, so that events appear twice, for {people}"
    remedy = (
        "Have Microsoft support turn Field Service's booking sync to Outlook off for this environment "
        "(docs/deployment.md, step 7); until then take these users' server-side appointment sync away."
    )
    return CheckResult(Area.DATAVERSE, check, CheckStatus.ERROR, words, remedy)
