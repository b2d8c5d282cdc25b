"""What to do about a booking that can't sync, by its reason, in the runbook's words. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_POISON: Final = "The poison queue is worked through"


@dataclass(frozen=True, slots=True)
class Remedy:
    """What mends a kind of failure."""

    kind: str
    """A word for it, by which such failures stand together whoever they concern."""
    marks: tuple[str, ...]
    """One of them is in the reason."""
    words: str
    heading: str = _POISON
    """In the runbook (docs/operations.md), where more is said."""


REMEDIES: Final = (
    Remedy(
        "no mailbox",
        ("no Exchange Online mailbox",),
        "Give the person a licence with a mailbox, then sync these again.",
        "A mailbox is moved",
    ),
    Remedy(
        "no calendar",
        ("has no calendar yet",),
        "The mailbox is being made: the app tries again for 4 hours. Afterwards sync these again.",
        "A mailbox is moved",
    ),
    Remedy(
        "access",
        ("access denied",),
        "Take the mailbox into the app's scope in Exchange, which takes up to 2 hours to count.",
    ),
    Remedy(
        "mailbox full",
        ("mailbox is full",),
        "Room has to be made in the mailbox: the app tries again for a day. Afterwards sync these again.",
    ),
    Remedy(
        "privilege",
        ("privilege",),
        "Add the privilege that it names to the application user's role in Dynamics 365.",
    ),
    Remedy(
        "template",
        ("template can't be used", "can't use the template"),
        "Mend the template in event.toml or the settings; `booking-sync event check` says where it is wrong.",
        "Templates or the time zone are changed",
    ),
    Remedy(
        "user without an account",
        ("no Microsoft Entra account", "names no user"),
        "Connect the Dynamics 365 user to the person's Entra account; the booking's next change then syncs.",
    ),
    Remedy(
        "disabled user",
        ("user is disabled",),
        "Enable the user in Dynamics 365, or give the bookings to somebody else.",
        "A person leaves",
    ),
    Remedy(
        "times",
        ("ends before it starts", "no start or no end", "too far away for a calendar"),
        "Correct the booking's times in Dynamics 365; that change syncs by itself.",
    ),
    Remedy(
        "invited people",
        ("People are invited",),
        "Somebody invited people to the event, and changing it would mail them: ask that person to settle "
        "it in Outlook, then sync these again.",
    ),
    Remedy(
        "given up after hours",
        ("Given up after",),
        "A service was throttled or down for long; that is over by now, or shows above. Try again.",
        "Throttled for long",
    ),
    Remedy(
        "mistake",
        ("Unexpected", "unexpected_error"),
        "A mistake of the app's: the log's line unexpected_error says where. Try again once, then report it.",
    ),
    Remedy(
        "host",
        ("The host gave up after five deliveries",),
        "The app crashed or ran for too long: see the log around that time, then try again.",
    ),
    Remedy("not ours", ("Not Base64", "Malformed message"), "Not written by this app; it can be dropped."),
)
"""The first that fits."""


def remedy_for(reason: str) -> Remedy | None:
    """What mends a failure with this reason; None where only the reason tells."""
    plain = reason.casefold()
    return next((each for each in REMEDIES if any(mark.casefold() in plain for mark in each.marks)), None)
