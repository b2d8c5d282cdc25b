"""What we remember of a booking's event, kept in support columns on the booking row itself.

The state column reads `<generation>:<fingerprint>:<seal>`. The seal ties the record to its booking in its
organisation: rows get copied in Dynamics 365, support columns and all, and so do whole environments, and a
copy that believed the original's record would edit and delete the original's event. A record with a wrong
seal counts as no record. A record without a seal (made by hand, or by a migration that adopts events)
is believed, with nothing known of the content.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from booking_sync.domain.event import EventRef, is_event_id, is_mailbox

if TYPE_CHECKING:
    from booking_sync.domain.booking import Booking

_SEAL_BYTES = 8


@dataclass(frozen=True, slots=True)
class SyncRecord:
    """Our memory of one booking."""

    event: EventRef | None = None
    generation: int = 0
    """How many events this booking has had; the next creation takes the next number."""
    fingerprint: str = ""
    """Of the content last written; empty when unknown, which matches nothing."""
    error: str = ""
    """What a person should read when the booking can't sync."""


@dataclass(frozen=True, slots=True)
class BookingRow:
    """A booking as it was read: its content, our record on it, and the version both belong to."""

    booking: Booking
    record: SyncRecord
    etag: str


class Seal(StrEnum):
    """Whether a record belongs to the row that it was found on."""

    VALID = "valid"
    WRONG = "wrong"
    """The row or its environment is a copy, or somebody edited the columns: the record counts as none."""
    NONE = "none"
    """Filled by hand or by a migration, or empty: believed, with the content unknown."""


def format_state(booking_id: str, record: SyncRecord, organization_id: str = "") -> str:
    """The state column's text, sealed for this booking of this organisation."""
    return f"{record.generation}:{record.fingerprint}:{_seal(booking_id, record, organization_id)}"


def parse_record(
    booking_id: str,
    *,
    event_id: str | None,
    mailbox: str | None,
    state: str | None,
    error: str | None,
    organization_id: str = "",
) -> SyncRecord:
    """Read the support columns; never raises, since people can edit them.

    Half a reference (an event id without mailbox) can't be acted on and counts as none; so does one of which
    either half can't be what it should be.
    """
    event = _event(mailbox or "", event_id or "")
    generation, fingerprint, seal = _split_state(state or "")
    record = SyncRecord(event, generation, fingerprint, error or "")
    if seal and seal != _seal(booking_id, record, organization_id):
        return SyncRecord(error=record.error)
    if not seal:
        return SyncRecord(event, generation, "", record.error)
    return record


def judge_seal(
    booking_id: str,
    *,
    event_id: str | None,
    mailbox: str | None,
    state: str | None,
    organization_id: str = "",
) -> Seal:
    """What the seal of these support columns says; arguments as for `parse_record`."""
    generation, fingerprint, seal = _split_state(state or "")
    if not seal:
        return Seal.NONE
    record = SyncRecord(_event(mailbox or "", event_id or ""), generation, fingerprint)
    return Seal.VALID if seal == _seal(booking_id, record, organization_id) else Seal.WRONG


def _event(mailbox: str, event_id: str) -> EventRef | None:
    return EventRef(mailbox, event_id) if is_mailbox(mailbox) and is_event_id(event_id) else None


def _split_state(state: str) -> tuple[int, str, str]:
    generation, _, rest = state.partition(":")
    fingerprint, _, seal = rest.partition(":")
    number = int(generation) if generation.isascii() and generation.isdigit() and len(generation) < 10 else 0  # noqa: PLR2004 - a bound against absurd numbers
    return number, fingerprint, seal


def _seal(booking_id: str, record: SyncRecord, organization_id: str) -> str:
    event = record.event
    sealed = "\n".join(
        (
            organization_id.lower(),
            booking_id.lower(),
            event.mailbox.lower() if event else "",
            event.event_id if event else "",
            str(record.generation),
            record.fingerprint,
        )
    )
    # A column may hold half a character, which has no UTF-8.
    return hashlib.blake2b(sealed.encode(errors="replace"), digest_size=_SEAL_BYTES).hexdigest()
