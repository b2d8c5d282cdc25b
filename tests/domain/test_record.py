"""What the support columns hold, and what is believed of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_sync.domain.event import EventRef
from booking_sync.domain.record import Seal, SyncRecord, format_state, judge_seal, parse_record

ID = "0d7c1f57-3b1e-4c8e-9a55-2f6f0d6b1a01"
MAILBOX = "a0000000-0000-4000-8000-00000000000a"
OTHER_ID = "0d7c1f57-3b1e-4c8e-9a55-2f6f0d6b1a02"
texts = st.text(alphabet=st.characters(codec="ascii", exclude_categories=["C"]), min_size=1, max_size=40)
event_ids = st.from_regex(r"[0-9A-Za-z_=+-]{1,40}", fullmatch=True)
refs = st.none() | st.builds(EventRef, st.uuids().map(str), event_ids)
records = st.builds(
    SyncRecord, refs, st.integers(0, 10**6), st.text(alphabet="0123456789abcdef", max_size=32), texts
)


def _read(record: SyncRecord, booking_id: str, state: str | None) -> SyncRecord:
    return parse_record(
        booking_id,
        event_id=record.event.event_id if record.event else None,
        mailbox=record.event.mailbox if record.event else None,
        state=state,
        error=record.error,
    )


@given(records)
def test_a_record_reads_back_as_it_was_written(record: SyncRecord) -> None:
    """Formatting and parsing are inverse for the booking that the record belongs to."""
    assert _read(record, ID, format_state(ID, record)) == record


@given(records)
def test_a_record_copied_to_another_booking_counts_as_none(record: SyncRecord) -> None:
    """A row copied in Dynamics 365 with our columns does not claim the original's event."""
    assert _read(record, OTHER_ID, format_state(ID, record)) == SyncRecord(error=record.error)


@given(records)
def test_a_record_in_a_copied_environment_counts_as_none(record: SyncRecord) -> None:
    """A sandbox made from production does not claim production's events."""
    production, sandbox = "11110000-0000-4000-8000-000000000001", "22220000-0000-4000-8000-000000000002"
    state = format_state(ID, record, production)
    event_id = record.event.event_id if record.event else None
    mailbox = record.event.mailbox if record.event else None

    def judge(organization_id: str) -> Seal:
        return judge_seal(
            ID, event_id=event_id, mailbox=mailbox, state=state, organization_id=organization_id
        )

    assert (judge(production), judge(sandbox)) == (Seal.VALID, Seal.WRONG)
    assert parse_record(
        ID,
        event_id=event_id,
        mailbox=mailbox,
        state=state,
        error=record.error,
        organization_id=sandbox,
    ) == SyncRecord(error=record.error)


@pytest.mark.parametrize("state", [None, "", "3", "3:abc"])
def test_a_record_without_seal_is_believed_without_knowing_the_content(state: str | None) -> None:
    """An event adopted by hand is ours to update, and its content unknown."""
    record = parse_record(ID, event_id="E", mailbox=MAILBOX, state=state, error=None)
    assert record == SyncRecord(EventRef(MAILBOX, "E"), 3 if state else 0, "")


@pytest.mark.parametrize("state", ["x:y:z", "-1:a:b", "²:a:b", "99999999999:a:b", ":::", "1:a:wrong"])
def test_a_state_that_was_tampered_with_is_no_record(state: str) -> None:
    """Nonsense in the state column never raises and never points at an event."""
    assert parse_record(ID, event_id="E", mailbox=MAILBOX, state=state, error=None).event is None


@given(st.text(max_size=60))
def test_no_text_in_the_state_column_raises(state: str) -> None:
    """People can edit the column; the sync goes on."""
    parse_record(ID, event_id="E", mailbox=MAILBOX, state=state, error=None)


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
    assert parse_record(ID, event_id=event_id, mailbox=mailbox, state=state, error=None).event is None


def test_half_a_reference_is_none() -> None:
    """An event id without its mailbox can't be acted on."""
    assert parse_record(ID, event_id="E", mailbox=None, state=None, error=None).event is None
