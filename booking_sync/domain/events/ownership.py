"""What proves an Outlook event, or a record on a booking's row, to be ours. Pure.

People can edit rows, copy events with all their properties, and compute whatever has no key. So nothing
counts as proof but a seal made with a key from the vault, together with the event's own identity:

    record   the state column is sealed with the event's id: nobody can make a row name another event
    tag      the open extension is sealed with the event's id and iCalUId: a copy has another id and iCalUId
    birth    a property of the creating request, sealed with its time. It serves while an event has no tag:
             a process may die between creating and tagging. The event that was created then is the first one
             with this birth, and Exchange created it when the birth says; a copy is later.

The marker finds a booking's events and the transactionId keeps a creation from being done twice; neither
proves anything. docs/architecture.md, "Whose event is it?", has the argument and its limits.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import uuid
from base64 import b64decode
from binascii import Error as Base64Error
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from booking_sync.domain.events.event_calendars import is_same_calendar
from booking_sync.domain.text import trim

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from booking_sync.domain.events.event import EventState, FoundEvent
    from booking_sync.domain.events.event_ref import EventRef

MAX_GENERATION = 9_999
"""How many events a booking can have had. Far more than any has; neither read nor written beyond."""
MAX_SEALED_GENERATION = 999_999_999
"""The highest generation that a tag or a birth can name: events that are no booking's take any of them."""
LEGACY_GENERATIONS = 32
"""How far up the transactionIds of events are tried that were made before there were seals."""
CREATED_BEFORE_BIRTH = timedelta(minutes=2)
CREATED_AFTER_BIRTH = timedelta(minutes=4)
"""How far Exchange's time of an event's creation may lie from the time in its birth: two clocks, and a
request that waits for its batch."""
MIN_KEY_BYTES = 32

_TRANSACTION_NAMESPACE = uuid.UUID("5f0f7c0e-3c9b-5b0a-9d0e-6f6b0d2f7a41")
_MAC_BYTES = 16
_KEY_ID_BYTES = 4
_VERSION = "2"
_RECORD_SEAL = re.compile(r"2\.([0-9a-f]{8})\.([0-9a-f]{32})")
_TAG = re.compile(r"2\.([0-9a-f]{8})\.([0-9]{1,9})\.([0-9a-f]{32})\.([0-9a-f]{32})")
_ANY_SEAL = re.compile(r"2\.([0-9a-f]{8})\.")
_BIRTH = re.compile(r"2\.([0-9a-f]{8})\.([0-9]{1,9})\.([0-9]{1,12})\.([0-9a-f]{8})\.([0-9a-f]{32})")


class Seal(StrEnum):
    """What a seal says."""

    VALID = "valid"
    WRONG = "wrong"
    """Of another row, event or environment, edited, forged, or made with a key that is accepted no more."""
    UNKNOWN_KEY = "unknown key"
    """Made with a key that we have not seen: the vault may have a new one."""
    NONE = "none"
    """There is no keyed seal."""


class EventIdentity(StrEnum):
    """Whether an event is the one that its tag was made for."""

    SAME = "same"
    RENAMED = "renamed"
    """Another id, the same iCalUId: an import, an archive or a migration moved it."""
    OTHER = "other"
    """A copy of it, or no tag of ours."""


@dataclass(frozen=True, slots=True)
class SealKey:
    """A key from the vault."""

    key_id: str
    """Named in every seal; a hash, which does not give the key away."""
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SealKeys:
    """The keys that are accepted, the one that seals first."""

    accepted: tuple[SealKey, ...]
    since: datetime | None = None
    """Aware, UTC: when the first key was made. Events made earlier can't carry a seal; None: all must."""

    def __post_init__(self) -> None:
        if not self.accepted:
            raise ValueError("there must be a key to seal with")

    def named(self, key_id: str) -> SealKey | None:
        """The accepted key of this id."""
        return next((key for key in self.accepted if key.key_id == key_id), None)


def make_key(text: str) -> SealKey:
    """A key from a secret's text: Base64 of at least 32 random bytes.

    Raises:
        ValueError: it is none; the text says what to do and quotes nothing.
    """
    try:
        secret = b64decode(trim(text), validate=True)
    except (Base64Error, ValueError):
        raise ValueError("must be Base64, as `openssl rand -base64 32` prints it") from None
    if len(secret) < MIN_KEY_BYTES:
        raise ValueError(f"must be at least {MIN_KEY_BYTES} bytes, as `openssl rand -base64 32` prints")
    return SealKey(hashlib.sha256(b"booking_sync key id" + secret).digest()[:_KEY_ID_BYTES].hex(), secret)


@dataclass(frozen=True, slots=True)
class Own:
    """An event that is proven to be this booking's."""

    event: EventRef
    generation: int
    state: EventState | None = field(default=None, compare=False)
    """What people have made of it; None when it was not looked at."""
    uid: str = field(default="", compare=False)
    """Its iCalUId, as far as it was told: the same under whatever id the event shows."""
    calendar: str | None = field(default=None, compare=False)
    """Name of the calendar in which a search found it; None where none did."""

    def is_misplaced(self, calendar: str) -> bool:
        """Whether it is shown by another calendar than this one."""
        return self.calendar is not None and not is_same_calendar(self.calendar, calendar)


@dataclass(frozen=True, slots=True)
class Birth:
    """What the creating request said of itself."""

    generation: int
    moment: datetime
    """Aware, UTC, whole seconds."""


class Sealer:
    """Makes and reads seals for one organisation.

    Args:
        organization_id: of the Dataverse environment.
        keys: the accepted keys at the moment.
        now: the time of day, aware.
        chance: so many random bits; tells two creations of one second apart.
    """

    def __init__(
        self,
        organization_id: str,
        keys: Callable[[], SealKeys],
        now: Callable[[], datetime],
        chance: Callable[[int], int],
    ) -> None:
        self.organization_id = organization_id.lower()
        self._keys = keys
        self._now = now
        self._chance = chance

    def record(self, booking_id: str, event: EventRef | None, generation: int, fingerprint: str) -> str:
        """The seal of a record on this booking's row."""
        key = self._keys().accepted[0]
        return f"{_VERSION}.{key.key_id}.{self._record_mac(key, booking_id, event, generation, fingerprint)}"

    def judge_record(
        self, text: str, booking_id: str, event: EventRef | None, generation: int, fingerprint: str
    ) -> Seal:
        """Whether this seal was made for this record of this row."""
        return self._judge(
            text, lambda key: self._record_mac(key, booking_id, event, generation, fingerprint)
        )

    def base(self, booking_id: str, event: EventRef | None, generation: int, content: str) -> str:
        """The seal of a base on this booking's row, beside a record of this event."""
        key = self._keys().accepted[0]
        return f"{_VERSION}.{key.key_id}.{self._base_mac(key, booking_id, event, generation, content)}"

    def judge_base(
        self, text: str, booking_id: str, event: EventRef | None, generation: int, content: str
    ) -> Seal:
        """Whether this seal was made for this base of this row, beside a record of this event."""
        return self._judge(text, lambda key: self._base_mac(key, booking_id, event, generation, content))

    def _judge(self, text: str, mac: Callable[[SealKey], str]) -> Seal:
        """A seal of a row's column, against the one that its key would make."""
        match = _RECORD_SEAL.fullmatch(text)
        if match is None:
            return Seal.NONE
        key = self._keys().named(match[1])
        if key is None:
            return Seal.UNKNOWN_KEY
        return Seal.VALID if hmac.compare_digest(mac(key), match[2]) else Seal.WRONG

    def is_current(self, text: str) -> bool:
        """Whether a seal was made with the key that seals now, not with an older one."""
        return text.split(".")[1:2] == [self._keys().accepted[0].key_id]

    def tag(self, booking_id: str, event: EventRef, uid: str, generation: int) -> str:
        """The seal in an event's open extension.

        Args:
            booking_id: the event's booking.
            event: the event by its immutable id.
            uid: its iCalUId; empty when Graph did not tell it.
            generation: of its creation.
        """
        key = self._keys().accepted[0]
        by_id = self._tag_mac(key, booking_id, event.mailbox, generation, id=event.event_id)
        by_uid = self._tag_mac(key, booking_id, event.mailbox, generation, uid=uid)
        return f"{_VERSION}.{key.key_id}.{generation}.{by_id}.{by_uid}"

    def judge_tag(self, booking_id: str, found: FoundEvent) -> tuple[EventIdentity, int]:
        """What an event's tag says of the event that carries it, and the generation it names."""
        match = _TAG.fullmatch(found.tag)
        key = self._keys().named(match[1]) if match else None
        if match is None or key is None or not 0 < int(match[2]) <= MAX_SEALED_GENERATION:
            return EventIdentity.OTHER, 0
        generation = int(match[2])
        about = (booking_id, found.ref.mailbox)
        if hmac.compare_digest(self._tag_mac(key, *about, generation, id=found.ref.event_id), match[3]):
            return EventIdentity.SAME, generation
        same_uid = found.uid and hmac.compare_digest(
            self._tag_mac(key, *about, generation, uid=found.uid), match[4]
        )
        return (EventIdentity.RENAMED if same_uid else EventIdentity.OTHER), generation

    def birth(self, booking_id: str, mailbox: str, generation: int) -> str:
        """The sealed property of a creating request that is about to be sent."""
        key = self._keys().accepted[0]
        seconds, number = int(self._now().timestamp()), f"{self._chance(32):08x}"
        mac = self._birth_mac(key, booking_id, mailbox, generation, f"{seconds}.{number}")
        return f"{_VERSION}.{key.key_id}.{generation}.{seconds}.{number}.{mac}"

    def read_birth(self, booking_id: str, mailbox: str, text: str) -> Birth | None:
        """What a birth says; None when it is not of this booking, mailbox and organisation, or not ours."""
        match = _BIRTH.fullmatch(text)
        key = self._keys().named(match[1]) if match else None
        if match is None or key is None:
            return None
        generation, seconds = int(match[2]), int(match[3])
        mac = self._birth_mac(key, booking_id, mailbox, generation, f"{seconds}.{match[4]}")
        if not hmac.compare_digest(mac, match[5]):
            return None
        return Birth(generation, datetime.fromtimestamp(seconds, UTC))

    def marker(self, booking_id: str) -> str:
        """The value that every event of this booking carries, to be found by."""
        return marker(self.organization_id, booking_id)

    def predates_seals(self, created: datetime | None) -> bool:
        """Whether an event is older than the first key, so that it can't carry a seal."""
        since = self._keys().since
        return since is not None and created is not None and created < since

    def unknown_keys(self, texts: Iterable[str]) -> frozenset[str]:
        """The ids of keys that these seals name and that are not accepted as far as we know."""
        named = (match[1] for text in texts if (match := _ANY_SEAL.match(text)))
        return frozenset(each for each in named if self._keys().named(each) is None)

    def _record_mac(
        self, key: SealKey, booking_id: str, event: EventRef | None, generation: int, fingerprint: str
    ) -> str:
        mailbox, event_id = (event.mailbox.lower(), event.event_id) if event else ("", "")
        return self._mac(key, "record", booking_id.lower(), mailbox, event_id, generation, fingerprint)

    def _base_mac(
        self, key: SealKey, booking_id: str, event: EventRef | None, generation: int, content: str
    ) -> str:
        mailbox, event_id = (event.mailbox.lower(), event.event_id) if event else ("", "")
        return self._mac(key, "base", booking_id.lower(), mailbox, event_id, generation, content)

    def _tag_mac(self, key: SealKey, booking_id: str, mailbox: str, generation: int, **identity: str) -> str:
        ((kind, value),) = identity.items()
        return self._mac(key, f"tag {kind}", booking_id.lower(), mailbox.lower(), value, generation)

    def _birth_mac(self, key: SealKey, booking_id: str, mailbox: str, generation: int, moment: str) -> str:
        return self._mac(key, "birth", booking_id.lower(), mailbox.lower(), generation, moment)

    def _mac(self, key: SealKey, *parts: str | int) -> str:
        # JSON keeps the parts apart, and writes half a character, which a column may hold, as plain ASCII.
        text = json.dumps((self.organization_id, *parts)).encode("ascii")
        return hmac.new(key.secret, text, hashlib.sha256).digest()[:_MAC_BYTES].hex()


def prove(sealer: Sealer, booking_id: str, found: Sequence[FoundEvent]) -> list[Own]:
    """Which of a mailbox's events with this booking's marker are proven to be ours, by generation.

    Args:
        sealer: of the booking's organisation.
        booking_id: the booking.
        found: every event of one mailbox with the booking's marker, each with its tag: a copy is told from
            its original by comparing them.
    """
    mark = sealer.marker(booking_id)
    carried = [event for event in found if event.marker.lower() == mark]
    tagged = {event: sealer.judge_tag(booking_id, event) for event in carried if event.tag}
    own = [
        Own(event.ref, generation, event.state, event.uid, event.calendar)
        for event, (identity, generation) in tagged.items()
        if identity is EventIdentity.SAME
    ]
    own += _prove_renamed(tagged, own)
    own += _prove_untagged(sealer, booking_id, carried)
    return sorted(own, key=lambda each: each.generation)


def _prove_renamed(tagged: Mapping[FoundEvent, tuple[EventIdentity, int]], own: Sequence[Own]) -> list[Own]:
    """Events under another id than their tags name, unless one may be an import of another of these."""
    renamed = [event for event, (identity, _) in tagged.items() if identity is EventIdentity.RENAMED]
    uids = Counter(event.uid for event in renamed)
    uids.update(each.uid for each in own)
    untold = {each.generation for each in own if not each.uid}
    return [
        Own(event.ref, tagged[event][1], event.state, event.uid, event.calendar)
        for event in renamed
        if uids[event.uid] == 1 and tagged[event][1] not in untold
    ]


def _prove_untagged(sealer: Sealer, booking_id: str, found: Sequence[FoundEvent]) -> list[Own]:
    own: list[Own] = []
    for event in found:
        if event.tag:
            continue
        generation = _birth_generation(sealer, booking_id, event) or _legacy_generation(
            sealer, booking_id, event
        )
        if generation and _is_first(event, found):
            own.append(Own(event.ref, generation, event.state, event.uid, event.calendar))
    return own


def _birth_generation(sealer: Sealer, booking_id: str, event: FoundEvent) -> int:
    """The generation that a birth proves an event without a tag to be; 0 for none."""
    birth = sealer.read_birth(booking_id, event.ref.mailbox, event.birth)
    if birth is None or event.created is None:
        return 0
    if not _is_of_creation(sealer, booking_id, event, birth.generation):
        return 0
    late = event.created - birth.moment
    return birth.generation if -CREATED_BEFORE_BIRTH <= late <= CREATED_AFTER_BIRTH else 0


def _is_of_creation(sealer: Sealer, booking_id: str, event: FoundEvent, generation: int) -> bool:
    expected = transaction_id(sealer.marker(booking_id), event.ref.mailbox, generation)
    return (event.transaction_id or "").lower() == expected


def _legacy_generation(sealer: Sealer, booking_id: str, event: FoundEvent) -> int:
    """The generation of an event that was made before there were seals; 0 for none."""
    if event.birth or not sealer.predates_seals(event.created):
        return 0
    mark = sealer.marker(booking_id)
    return own_generation(event.transaction_id, mark, event.ref.mailbox, LEGACY_GENERATIONS)


def _is_first(event: FoundEvent, found: Sequence[FoundEvent]) -> bool:
    """Whether no other event comes of the same creation and is as old or older: then that one is no copy."""
    return not any(
        other.ref != event.ref
        and (other.birth == event.birth if event.birth else other.transaction_id == event.transaction_id)
        and (other.created is None or event.created is None or other.created <= event.created)
        for other in found
    )


def transaction_id(mark: str, mailbox: str, generation: int) -> str:
    """The id under which a booking's n-th event is created, the same on every try.

    Graph answers a second creation with the same id by naming the first event instead of doubling it. A
    copied environment has the same bookings and must not be given the original's events: hence the marker.
    """
    return str(uuid.uuid5(_TRANSACTION_NAMESPACE, f"{mark}/{mailbox}/{generation}".lower()))


def own_generation(found: str | None, mark: str, mailbox: str, up_to_generation: int) -> int:
    """Of which creation of this `marker` in this mailbox a transactionId is; 0 for none.

    It proves nothing: a copy carries it along, and anybody can compute it.
    """
    if found is None:
        return 0
    for generation in range(1, up_to_generation + 1):
        if found.lower() == transaction_id(mark, mailbox, generation):
            return generation
    return 0


def marker(organization_id: str, booking_id: str) -> str:
    """The value that every event of ours carries as an extended property."""
    return f"{organization_id}/{booking_id}".lower()


def marked_booking(found: str, organization_id: str) -> str | None:
    """The id of the booking that a marker names; None when it is not this organisation's."""
    organization, slash, booking_id = found.lower().partition("/")
    return booking_id if slash and booking_id and organization == organization_id.lower() else None
