"""What a booking's row says when it can't sync: why, whose it is, what to do, when it is tried again.

A dispatcher reads the error column in a view or on the booking's form, and knows neither this app nor
Outlook's errors. Rules go by the bare reason, which is the first line; the lines below it are words for
people, made anew with each write. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from booking_sync.domain.environment.columns import SYNC_ERROR_LENGTH
from booking_sync.domain.text import clean_line, shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

TECHNICIAN: Final = "Technician: "
NEXT_STEP: Final = "What to do: "
TRIED_AGAIN: Final = "Tried again: "
_MAX_NAME = 100

_NIGHT = "when the booking changes, and by the audit every night."
_CHANGE = "when the booking changes."
_PEOPLE = "by the audit every night, once nobody is invited any more."
_HOURS = "by itself for the next {} hours; then when the booking changes, and by the audit every night."


class _Advice(NamedTuple):
    beginning: str
    """Of the reason."""
    step: str
    """Empty where the reason says what to do."""
    again: str


_ADVICE: Final[Sequence[_Advice]] = (
    _Advice(
        "Outlook: this person has no Exchange Online mailbox",
        "ask an administrator for a mailbox, or give the booking to somebody else.",
        _NIGHT,
    ),
    _Advice("Outlook: the app may not write to this person's calendar", "", _HOURS.format(4)),
    _Advice(
        "Outlook: this person's mailbox has no calendar yet",
        "wait if the mailbox is new; else ask an administrator.",
        _HOURS.format(4),
    ),
    _Advice(
        "Outlook: this person's mailbox is full", "ask the technician to make room in it.", _HOURS.format(24)
    ),
    _Advice("People are invited", "", _PEOPLE),
    _Advice("People were invited", "", _PEOPLE),
    _Advice("The booking ends before it starts", "correct the booking's start and end.", _CHANGE),
    _Advice("The booking has no start", "give the booking a start and an end.", _CHANGE),
    _Advice("The booking's times are too far", "correct the booking's start and end.", _CHANGE),
    _Advice(
        "The event template",
        "ask an administrator to correct the event file.",
        "when the booking changes, or when an administrator applies the corrected file.",
    ),
    _Advice(
        "The resource's user has no Microsoft Entra account",
        "ask an administrator, or give the booking to somebody else.",
        "when the booking or its resource changes.",
    ),
    _Advice("The address in the mailbox column", "", "when the booking or its resource changes."),
    _Advice("The mailbox on the resource's row", "", "when the booking or its resource changes."),
    _Advice(
        "A former event of this booking",
        "ask the owner of that calendar to delete the event if it still shows.",
        _NIGHT,
    ),
    _Advice("Given up after", "ask an administrator to look at the operator's page.", _NIGHT),
    _Advice("", "show this to an administrator.", _NIGHT),
)


def row_words(reason: str, technician: str) -> str:
    """What the row is to say; empty without a reason.

    Args:
        reason: why the booking can't sync.
        technician: the resource's name; empty where nobody knows it.
    """
    if not reason:
        return ""
    advice = next(each for each in _ADVICE if reason.startswith(each.beginning))
    name = clean_line(technician, _MAX_NAME)
    lines = [f"{TECHNICIAN}{name}"] if name else []
    lines += [f"{NEXT_STEP}{advice.step}"] if advice.step else []
    lines += [f"{TRIED_AGAIN}{advice.again}"]
    below = "\n".join(["", *lines])
    room = SYNC_ERROR_LENGTH - len(below.encode("utf-16-le")) // 2
    return shorten(reason, room) + below


def reason_in(words: str) -> str:
    """The bare reason of what a row says, whoever wrote it."""
    marks = (f"\n{mark}" for mark in (TECHNICIAN, NEXT_STEP, TRIED_AGAIN))
    ends = [at for at in map(words.find, marks) if at >= 0]
    return words[: min(ends)] if ends else words
