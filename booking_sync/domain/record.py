"""What we remember of a booking's event, kept in support columns on the booking row itself.

The state column reads `<generation>:<fingerprint>:<seal>`. The seal is made with a key from the vault and
ties the record to its booking, its organisation and the event that it names: rows get copied in Dynamics 365,
support columns and all, whole environments are copied, and people with write access can put into the columns
whatever they like. A record without a valid seal counts as none. The event that its columns name is a claim,
which has to be proven at the event itself (`ownership`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from booking_sync.domain.bookings.participation import calendar_of
from booking_sync.domain.environment.columns import SYNC_STATE_LENGTH
from booking_sync.domain.events.event import without_content
from booking_sync.domain.events.event_ref import EventRef, is_event_id, is_mailbox
from booking_sync.domain.events.ownership import MAX_GENERATION, Seal
from booking_sync.domain.ids import read_guid

if TYPE_CHECKING:
    from collections.abc import Iterable

    from booking_sync.domain.bookings.booking import Booking
    from booking_sync.domain.events.ownership import Sealer
    from booking_sync.domain.return_path.side import OutlookSide

ATTENDED_REASON = (
    "People are invited to this booking's event in Outlook. The app sends no mail to anybody, so it neither "
    "changes nor removes the event: ask the technician to remove the people from it, or to delete it in "
    "Outlook."
)
MAILED_REASON = (
    "People were invited to this booking's event in Outlook, and Outlook told them of the app's last update. "
    "From now on the app leaves the event as it is: ask the technician to remove the people from it, or to "
    "delete it in Outlook."
)
"""What a row says of an event that can't be written or removed without a mail to somebody."""


def left_behind(mailboxes: Iterable[str], reason: str) -> str:
    """What a row says of former events that stay, and that it names no more.

    It names where they are: whoever looks at other calendars can't tell whether they are still there.
    """
    where = " and ".join(sorted(mailboxes))
    return f"A former event of this booking could not be removed from the calendar of {where}. {reason}"


_GENERATION = re.compile(r"[0-9]{1,4}")


@dataclass(frozen=True, slots=True)
class SyncRecord:
    """Our memory of one booking."""

    event: EventRef | None = None
    generation: int = 0
    """How many events this booking has had; the next creation takes the next number."""
    fingerprint: str = ""
    """Of the content last written; empty when unknown, which matches nothing. Of an event in a calendar of
    its own it tells the calendar as well, also when the content is unknown (`event_calendars`)."""
    error: str = ""
    """Why the booking can't sync; `row_words` says it on the row, with what to do about it."""
    technician: str = field(default="", compare=False)
    """Whom the error concerns, for the row's words; not remembered."""

    @property
    def tells_of_people(self) -> bool:
        """Whether the error says that people are invited to an event of the booking's."""
        return ATTENDED_REASON in self.error or MAILED_REASON in self.error

    @property
    def left_in(self) -> frozenset[str]:
        """The mailboxes, lower case, in which the error says that events stay for their people's sake."""
        words = re.split(r"[ .]", self.error) if self.tells_of_people else ()
        return frozenset(mailbox for word in words if (mailbox := read_guid(word)))


@dataclass(frozen=True, slots=True)
class ReadRecord:
    """What the support columns of one row say."""

    record: SyncRecord
    """Without a valid seal: nothing but the error."""
    seal: Seal = Seal.NONE
    claim: EventRef | None = None
    """The event that the columns name without a valid seal."""
    intact: bool = True
    """The columns hold a sealed record or nothing at all; nobody else wrote into them."""


@dataclass(frozen=True, slots=True)
class BookingRow:
    """A booking as it was read: its content, our record on it, and the version both belong to."""

    booking: Booking
    record: SyncRecord
    etag: str
    claim: EventRef | None = None
    """See `ReadRecord`."""
    intact: bool = True
    """See `ReadRecord`."""
    side: OutlookSide | None = None
    """What it holds of the return path; None where that is off."""

    @property
    def asks_to_cancel(self) -> bool:
        """Whether a dispatcher is asked to cancel it, and it is planned as it was when its event went."""
        return self.side is not None and self.side.asks_to_cancel(self.booking.start, self.booking.end)

    @property
    def mailboxes(self) -> frozenset[str]:
        """The calendars in which the booking's events are, by our record, or should be; lower case."""
        event, resource = self.record.event, self.booking.resource
        user = resource.user if resource else None
        named = (
            event.mailbox if event else None,
            user.entra_object_id if user else None,
            calendar_of(resource) if resource else None,
        )
        return self.record.left_in | {mailbox.lower() for mailbox in named if mailbox}


def format_state(booking_id: str, record: SyncRecord, sealer: Sealer) -> str:
    """The state column's text, sealed for this booking of this organisation.

    Raises:
        ValueError: the generation is one that `read_record` would refuse.
    """
    if not 0 <= record.generation <= MAX_GENERATION:
        raise ValueError(f"a generation is from 0 to {MAX_GENERATION}")
    seal = sealer.record(booking_id, record.event, record.generation, record.fingerprint)
    return f"{record.generation}:{record.fingerprint}:{seal}"


def read_record(
    booking_id: str,
    sealer: Sealer,
    *,
    event_id: str | None,
    mailbox: str | None,
    state: str | None,
    error: str | None = None,
) -> ReadRecord:
    """Read the support columns; never raises, since people can edit them.

    Half a reference (an event id without mailbox) can't be acted on and counts as none; so does one of which
    either half can't be what it should be. A record that an older key sealed is believed, but its content
    counts as unknown: then the next look at the booking writes and seals everything anew.
    """
    event = _event(mailbox or "", event_id or "")
    generation, fingerprint, text = _split_state(state or "")
    seal = sealer.judge_record(text, booking_id, event, generation, fingerprint)
    if seal is Seal.VALID:
        known = fingerprint if sealer.is_current(text) else without_content(fingerprint)
        return ReadRecord(SyncRecord(event, generation, known, error or ""), seal)
    untouched = not (event_id or mailbox or state)
    return ReadRecord(SyncRecord(error=error or ""), seal, event, intact=untouched)


def seal_of(state: str) -> str:
    """The seal within a state column's text; empty for none."""
    return _split_state(state)[2]


def read_fingerprint(state: str) -> str:
    """The fingerprint within a state column's text, whoever wrote it; empty for none."""
    return _split_state(state)[1]


def _event(mailbox: str, event_id: str) -> EventRef | None:
    return EventRef(mailbox, event_id) if is_mailbox(mailbox) and is_event_id(event_id) else None


def _split_state(state: str) -> tuple[int, str, str]:
    if len(state) > SYNC_STATE_LENGTH:
        return 0, "", ""
    generation, _, rest = state.partition(":")
    fingerprint, _, seal = rest.partition(":")
    return (int(generation), fingerprint, seal) if _GENERATION.fullmatch(generation) else (0, "", "")
