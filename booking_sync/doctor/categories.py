"""Judges whether categories of the event file have their colours in the technicians' mailboxes. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from booking_sync.doctor.report import Area, CheckResult, CheckStatus
from booking_sync.errors import Cause, PermanentError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from booking_sync.domain.events.event_text.colours import CategoryColour
    from booking_sync.errors import SyncError

CHECK: Final = "colours of categories"
MOST_TRIED: Final = 3
"""Mailboxes that are looked into: a permission is given to all of them or to none."""
PERMISSION: Final = (
    "Give the app MailboxSettings.ReadWrite for the technicians' mailboxes (docs/event.md); until then "
    "categories show without colour, or in the one that people choose."
)
LATER: Final = (
    "Run `booking-sync event colours`, or wait for the nightly audit. Where they stay missing, the app may "
    "read the lists and not write: give it MailboxSettings.ReadWrite (docs/event.md)."
)


def judge_colours(
    colours: Sequence[CategoryColour], found: Mapping[str, frozenset[str] | SyncError]
) -> CheckResult:
    """Whether the lists of these mailboxes have the categories.

    Args:
        colours: of the event file.
        found: by mailbox the names in its list, in lower case, or why it could not be read.
    """
    errors = [each for each in found.values() if not isinstance(each, frozenset)]
    denied = [
        each for each in errors if isinstance(each, PermanentError) and each.cause is Cause.ACCESS_DENIED
    ]
    if errors:
        remedy = PERMISSION if denied else LATER
        words = f"{len(errors)} of {len(found)} lists could not be read: {(denied or errors)[0].reason}"
        return CheckResult(Area.PEOPLE, CHECK, CheckStatus.WARNING, words, remedy)
    lists = [each for each in found.values() if isinstance(each, frozenset)]
    missing = [each.name for each in colours if any(each.name.casefold() not in names for names in lists)]
    if missing:
        words = f"not in the lists of all {len(lists)} mailboxes looked into: {', '.join(missing)}"
        return CheckResult(Area.PEOPLE, CHECK, CheckStatus.WARNING, words, LATER)
    words = f"all {len(colours)} are in the lists of the {len(lists)} mailboxes looked into"
    return CheckResult(Area.PEOPLE, CHECK, CheckStatus.OK, words)
