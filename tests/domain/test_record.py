"""What the support columns hold, and what is believed of them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_sync.domain.bookings.booking import BookableResource
from booking_sync.domain.bookings.resource_type import ResourceType
from booking_sync.domain.environment.columns import SYNC_STATE_LENGTH
from booking_sync.domain.events.event_ref import EventRef
from booking_sync.domain.events.ownership import MAX_GENERATION, Seal, Sealer, SealKeys, make_key
from booking_sync.domain.record import (
    ATTENDED_REASON,
    MAILED_REASON,
    BookingRow,
    ReadRecord,
    SyncRecord,
    format_state,
    left_behind,
    read_fingerprint,
    read_record,
    seal_of,
)
from tests.support.bookings import ANNA, BERT, ORGANIZATION_ID, booking
from tests.support.fakes import events_clock
from tests.support.seals import KEY_TEXT, OTHER_KEY_TEXT, sealer

VAN = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"

ID = "0d7c1f57-3b1e-4c8e-9a55-2f6f0d6b1a01"
MAILBOX = "a0000000-0000-4000-8000-00000000000a"
OTHER_ID = "0d7c1f57-3b1e-4c8e-9a55-2f6f0d6b1a02"
texts = st.text(alphabet=st.characters(codec="ascii", exclude_categories=["C"]), min_size=1, max_size=40)
event_ids = st.from_regex(r"[0-9A-Za-z_=+-]{1,40}", fullmatch=True)
refs = st.none() | st.builds(EventRef, st.uuids().map(str), event_ids)
records = st.builds(
    SyncRecord, refs, st.integers(0, MAX_GENERATION), st.text(alphabet="0123456789abcdef", max_size=32), texts
)


SEALS = sealer(ORGANIZATION_ID)


def _read(record: SyncRecord, booking_id: str, state: str | None, seals: Sealer = SEALS) -> ReadRecord:
    return read_record(
        booking_id,
        seals,
        event_id=record.event.event_id if record.event else None,
        mailbox=record.event.mailbox if record.event else None,
        state=state,
        error=record.error,
    )


@given(records)
def test_a_record_reads_back_as_it_was_written(record: SyncRecord) -> None:
    """Formatting and parsing are inverse for the booking that the record belongs to."""
    assert _read(record, ID, format_state(ID, record, SEALS)) == ReadRecord(record, Seal.VALID)


@given(records)
def test_a_record_copied_to_another_booking_counts_as_none(record: SyncRecord) -> None:
    """A row copied in Dynamics 365 with our columns has a claim to the original's event, and no record."""
    read = _read(record, OTHER_ID, format_state(ID, record, SEALS))
    assert read == ReadRecord(SyncRecord(error=record.error), Seal.WRONG, record.event, intact=False)


@given(records)
def test_a_record_in_a_copied_environment_counts_as_none(record: SyncRecord) -> None:
    """A sandbox made from production does not claim production's events."""
    sandbox = sealer("22220000-0000-4000-8000-000000000002")
    read = _read(record, ID, format_state(ID, record, SEALS), sandbox)
    assert (read.seal, read.record) == (Seal.WRONG, SyncRecord(error=record.error))


@given(records, st.data())
def test_whatever_is_edited_the_record_counts_as_none(record: SyncRecord, data: st.DataObject) -> None:
    """Nobody without the key can make a row name another event, generation or content."""
    state = format_state(ID, record, SEALS)
    other = data.draw(records.filter(lambda each: replace(each, error="") != replace(record, error="")))
    mixed = f"{other.generation}:{other.fingerprint}:{seal_of(state)}"
    read = _read(other, ID, mixed)
    assert (read.seal, read.record.event, read.claim) == (Seal.WRONG, None, other.event)


@pytest.mark.parametrize("state", [None, "", "3", "3:abc", "3:abc:0123456789abcdef"])
def test_an_event_without_a_keyed_seal_is_a_claim(state: str | None) -> None:
    """Columns filled by hand, by a migration or by version 0.1 name an event that has to be proven first."""
    read = read_record(ID, SEALS, event_id="E", mailbox=MAILBOX, state=state)
    assert read == ReadRecord(SyncRecord(), Seal.NONE, EventRef(MAILBOX, "E"), intact=False)


def test_empty_columns_are_intact() -> None:
    """A row that was never synced was not written into by anybody."""
    assert read_record(ID, SEALS, event_id=None, mailbox=None, state=None).intact


def test_a_record_of_an_older_key_is_believed_but_written_anew() -> None:
    """After a new key, events and records are sealed with it one after the other."""
    keys = [make_key(KEY_TEXT)]
    seals = Sealer(ORGANIZATION_ID, lambda: SealKeys(tuple(keys)), events_clock, lambda _bits: 0)
    record = SyncRecord(EventRef(MAILBOX, "E"), 3, "f00d")
    state = format_state(ID, record, seals)
    keys.insert(0, make_key(OTHER_KEY_TEXT))
    assert _read(record, ID, state, seals) == ReadRecord(replace(record, fingerprint=""), Seal.VALID)
    del keys[1]
    assert _read(record, ID, state, seals).seal is Seal.UNKNOWN_KEY


@pytest.mark.parametrize("generation", [-1, MAX_GENERATION + 1, 999_999_999])
def test_no_generation_is_written_that_would_not_be_read(generation: int) -> None:
    """An absurd number can't be sealed by the app itself."""
    with pytest.raises(ValueError, match="generation"):
        format_state(ID, SyncRecord(generation=generation), SEALS)


@pytest.mark.parametrize(
    "state", ["x:y:z", "-1:a:b", "²:a:b", "99999999999:a:b", "999999999:", ":::", "1:a:wrong", "9" * 10_000]
)
def test_a_state_that_was_tampered_with_is_no_record(state: str) -> None:
    """Nonsense in the state column never raises, never points at an event, and holds no large number."""
    read = read_record(ID, SEALS, event_id="E", mailbox=MAILBOX, state=state)
    assert read.record == SyncRecord()


@given(st.text(max_size=60))
def test_no_text_in_the_state_column_raises(state: str) -> None:
    """People can edit the column; the sync goes on."""
    read_record(ID, SEALS, event_id="E", mailbox=MAILBOX, state=state)


@pytest.mark.parametrize(
    ("event_id", "mailbox"),
    [
        ("..", MAILBOX),
        ("A/../B", MAILBOX),
        ("A%2FB", MAILBOX),
        ("A?x=1", MAILBOX),
        ("A#x", MAILBOX),
        ("A B", MAILBOX),
        ("A\r\nB", MAILBOX),
        ("A\n", MAILBOX),
        ("A" * 1001, MAILBOX),
        ("\ud800", MAILBOX),
        ("E", "someone@contoso.com"),
        ("E", f"{MAILBOX}/messages"),
        ("E", f"{MAILBOX}\n"),
        ("E", ".."),
    ],
)
@pytest.mark.parametrize("state", [None, "1:abc:def", "\ud800:\ud800:\ud800"])
def test_what_can_be_no_event_is_none(event_id: str, mailbox: str, state: str | None) -> None:
    """Columns that somebody edited into something else lead nowhere, with a seal or without."""
    assert read_record(ID, SEALS, event_id=event_id, mailbox=mailbox, state=state).claim is None


def test_half_a_reference_is_none() -> None:
    """An event id without its mailbox can't be acted on."""
    assert read_record(ID, SEALS, event_id="E", mailbox=None, state=None).claim is None


def test_a_rows_calendars_are_the_recorded_one_and_the_resources() -> None:
    """Both count while a booking moves; one that is named twice, in whatever case, counts once."""
    moved = BookingRow(booking(mailbox=ANNA), SyncRecord(EventRef(BERT.upper(), "AAMk=")), "1")
    assert moved.mailboxes == {ANNA, BERT}
    assert replace(moved, record=SyncRecord()).mailboxes == {ANNA}
    assert replace(moved, booking=replace(moved.booking, resource=None)).mailboxes == {BERT}
    van = replace(moved.booking, resource=BookableResource(ResourceType.EQUIPMENT, mailbox=VAN))
    assert replace(moved, booking=van).mailboxes == {BERT, VAN}


@pytest.mark.parametrize("column", ["event_id", "mailbox", "state"])
def test_one_column_that_holds_something_is_no_untouched_row(column: str) -> None:
    """Only a row of which all three are empty was never written to."""
    columns: dict[str, str | None] = {"event_id": None, "mailbox": None, "state": None}
    assert read_record(ID, SEALS, **columns).intact
    assert not read_record(ID, SEALS, **{**columns, column: "something"}).intact


def test_a_states_fingerprint_is_its_second_part() -> None:
    """Whoever wrote the state; one that is none holds no fingerprint."""
    assert read_fingerprint("3:abc:seal") == "abc"
    assert read_fingerprint("three:abc:seal") == ""


def test_a_state_that_is_too_long_tells_nothing() -> None:
    """No state of ours fills the column; what does is somebody's text, and is not taken apart."""
    full = "1:abc:" + "s" * (SYNC_STATE_LENGTH - len("1:abc:"))
    assert (read_fingerprint(full), read_fingerprint(full + "s")) == ("abc", "")
    assert (seal_of(full + "s"), seal_of("1:abc:" + "s" * 2 * SYNC_STATE_LENGTH)) == ("", "")


@pytest.mark.parametrize("reason", [ATTENDED_REASON, MAILED_REASON])
def test_a_row_that_tells_of_people_tells_where(reason: str) -> None:
    """Either reason by itself; another error that names a mailbox tells of none."""
    record = SyncRecord(error=left_behind([ANNA, BERT.upper()], reason))
    assert record.tells_of_people
    assert record.left_in == {ANNA.lower(), BERT.lower()}
    other = SyncRecord(error=left_behind([ANNA], "The mailbox is gone."))
    assert (other.tells_of_people, other.left_in) == (False, frozenset())


def test_a_mailbox_that_is_named_twice_is_one() -> None:
    """The event's own, where another one of the booking's was left."""
    record = SyncRecord(EventRef(ANNA, "E1"), error=left_behind([ANNA, BERT], ATTENDED_REASON))
    row = BookingRow(replace(booking(), resource=None), record, "1")
    assert row.mailboxes == {ANNA.lower(), BERT.lower()}


def test_a_sealed_record_is_intact_and_a_claim_is_not() -> None:
    """Whoever reads it knows whether somebody else wrote into the columns."""
    record = SyncRecord(EventRef(ANNA, "E1"), 2, "f")
    assert _read(record, ID, format_state(ID, record, SEALS)).intact
    assert not _read(record, ID, "2:f:nothing").intact
