"""Judges who takes part, and whether the app may open their calendars. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from booking_sync.doctor.report import Area, CheckResult, CheckStatus, some_of
from booking_sync.domain.bookings.participation import TakesPart, calendar_of
from booking_sync.ports.diagnosis import MailboxAccess

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from booking_sync.domain.bookings.booking import BookableResource
    from booking_sync.domain.bookings.participation import Participation
    from booking_sync.domain.bookings.reader import Reader
    from booking_sync.ports.dataverse.bookings import NamedResource

MOST_TRIED: Final = 500
"""Calendars that are asked for: 25 batches; the rest shows in the audit."""
READ: Final = (
    "The role of the application user must hold Read on Bookable Resource for the whole organization "
    "(docs/deployment.md, step 3); a column that TAKES_PART_COLUMN or RESOURCE_MAILBOX_COLUMN names is made "
    "by `booking-sync provision`."
)
CHECK: Final = "who takes part"
ON_ROWS: Final = "mailboxes on rows"
USERS: Final = "their users"
CALENDARS: Final = "their calendars"
READERS: Final = "their languages and zones"

_JOIN = "Choose *Takes part* on their rows, or name them in PARTICIPANTS (docs/participation.md)."
_MAILBOX = (
    "Write a mailbox's Entra object id or address on the resource's row, or empty it (docs/participation.md)."
)
_SCOPE = (
    "Add their mailboxes to the app's scope in Exchange (docs/deployment.md, step 2), which Graph follows "
    "within two hours; or take them out (docs/participation.md)."
)
_SETTINGS = (
    "Assign the app the role Application MailboxSettings.Read in Exchange, for the same mailboxes "
    "(docs/deployment.md, step 2), or take from_reader out of the event file; until then these people read "
    "the language and the zone that the file names."
)
_NO_MAILBOX = "They need a mailbox, or to be taken out (docs/participation.md)."


def taking_part(people: Sequence[NamedResource], participation: Participation) -> list[NamedResource]:
    """Those that take part and have a calendar to show their bookings in."""
    return [each for each in people if participation.shows(each.resource)]


def judge_participants(
    people: Sequence[NamedResource], participation: Participation
) -> Iterator[CheckResult]:
    """How many take part, and what keeps somebody from it who should.

    Args:
        people: every active bookable resource.
        participation: what the settings say.
    """
    inside = taking_part(people, participation)
    words = f"{len(inside)} of {len(people)} bookable resources: {_names(inside)}"
    if inside:
        yield CheckResult(Area.PEOPLE, CHECK, CheckStatus.OK, words)
    else:
        words = f"none of {len(people)} bookable resources, so that nothing shows in Outlook"
        yield CheckResult(Area.PEOPLE, CHECK, CheckStatus.WARNING, words, _JOIN)
    wrong = [each for each in people if each.resource.mailbox and calendar_of(each.resource) is None]
    unreadable = [each for each in wrong if not each.resource.mailbox_problem]
    if unreadable:
        words = (
            f"neither an Entra object id nor an address stands in the mailbox column of {_names(unreadable)}"
        )
        yield CheckResult(Area.PEOPLE, ON_ROWS, CheckStatus.ERROR, words, _MAILBOX)
    for reason in sorted({each.resource.mailbox_problem for each in wrong} - {""}):
        concerned = [each for each in wrong if each.resource.mailbox_problem == reason]
        words = f"an address leads to no mailbox: {_names(concerned)}"
        yield CheckResult(Area.PEOPLE, ON_ROWS, CheckStatus.ERROR, words, reason)
    for reason in sorted({each.resource.user_problem for each in people} - {""}):
        concerned = [each for each in people if each.resource.user_problem == reason]
        words = f"the user of the resource can't be read: {_names(concerned)}"
        yield CheckResult(Area.PEOPLE, USERS, CheckStatus.ERROR, words, reason)
    mute = [each for each in people if _is_chosen(each.resource, participation) and _is_mute(each.resource)]
    if mute:
        words = f"chosen, and without a calendar to show their bookings in: {_names(mute)}"
        yield CheckResult(Area.PEOPLE, "without a calendar", CheckStatus.WARNING, words, _MAILBOX)
    known = {name for each in people for name in (each.resource.id, calendar_of(each.resource))}
    strangers = sorted(participation.named - known)
    if strangers:
        words = f"{some_of(strangers)} in PARTICIPANTS: no active bookable resource, and no user of one"
        remedy = "Correct PARTICIPANTS: it takes ids of bookable resources and Entra object ids of users."
        yield CheckResult(Area.PEOPLE, "PARTICIPANTS", CheckStatus.WARNING, words, remedy)


def judge_calendars(
    inside: Sequence[NamedResource], found: Mapping[str, MailboxAccess], participation: Participation
) -> CheckResult:
    """Whether the app may open the calendars of those that take part.

    A missing mailbox is told of everybody, and complained of where somebody chose: many a tenant has users
    that are bookable and will never be booked.

    Args:
        inside: who they are.
        found: what Graph said, by mailbox; some may not have been asked for.
        participation: what the settings say.
    """
    state = {each: found.get(calendar_of(each.resource) or "") for each in inside}
    closed = [each for each in inside if state[each] is MailboxAccess.DENIED]
    missing = [each for each in inside if state[each] is MailboxAccess.NO_MAILBOX]
    all_of_them = {calendar_of(each.resource) for each in inside}
    words = f"{len(found)} of {len(all_of_them)} asked for"
    words += f"; {len(closed)} closed to the app: {_names(closed)}" if closed else ", none closed to the app"
    words += f"; {len(missing)} without a mailbox in Exchange Online: {_names(missing)}" if missing else ""
    wanted = [
        each for each in missing if not participation.everybody or _is_chosen(each.resource, participation)
    ]
    if closed:
        return CheckResult(Area.PEOPLE, CALENDARS, CheckStatus.ERROR, words, _SCOPE)
    if wanted:
        return CheckResult(Area.PEOPLE, CALENDARS, CheckStatus.WARNING, words, _NO_MAILBOX)
    return CheckResult(Area.PEOPLE, CALENDARS, CheckStatus.OK, words)


def judge_readers(
    inside: Sequence[NamedResource], asked: int, found: Mapping[str, Reader], refused: AbstractSet[str]
) -> CheckResult:
    """Whether events can speak their readers' languages, as the event file wants them to.

    Args:
        inside: who takes part.
        asked: of how many mailboxes that was tried.
        found: what mailboxes told; one without settings, or that can't be asked now, tells nothing.
        refused: mailboxes whose settings the app may not read.
    """
    closed = [each for each in inside if calendar_of(each.resource) in refused]
    languages = Counter(each.language or "none" for each in found.values())
    told = ", ".join(f"{name} ({count})" for name, count in sorted(languages.items()))
    words = f"{len(found)} of {asked} told; languages: {told or 'none'}"
    if not closed:
        return CheckResult(Area.PEOPLE, READERS, CheckStatus.OK, words)
    words += f"; the app may not read {len(closed)}: {_names(closed)}"
    return CheckResult(Area.PEOPLE, READERS, CheckStatus.WARNING, words, _SETTINGS)


def _is_chosen(resource: BookableResource, participation: Participation) -> bool:
    return resource.takes_part == TakesPart.YES or resource.id in participation.named


def _is_mute(resource: BookableResource) -> bool:
    return not resource.mailbox and not resource.user_problem and calendar_of(resource) is None


def _names(people: Sequence[NamedResource]) -> str:
    return some_of([each.name or each.resource.id for each in people])
