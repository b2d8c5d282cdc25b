"""The queue message's form."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_sync.domain.environment.watched import RelatedTable
from booking_sync.domain.events.event_ref import EventClaim, EventRef
from booking_sync.domain.messages.change import (
    MAX_ATTEMPT,
    MAX_SUSPECTS,
    MAX_WAITED,
    BookingChange,
    MalformedChangeError,
    RelatedChange,
    decode_change,
    decode_message,
    encode_change,
    encode_related,
)
from booking_sync.domain.return_path.missing import Missing
from booking_sync.domain.return_path.version import MOST_VERSIONS, version_of

PLAIN = BookingChange("0d7c1f57-3b1e-4c8e-9a55-2f6f0d6b1a01", "c-1", datetime(2026, 3, 2, tzinfo=UTC))
mailboxes = st.uuids().map(str)
event_ids = st.from_regex(r"[0-9A-Za-z_=+-]{1,40}", fullmatch=True)
changes = st.builds(
    BookingChange,
    booking_id=st.uuids().map(str),
    correlation_id=st.text(max_size=40),
    first_seen=st.datetimes(timezones=st.just(UTC)),
    deleted=st.booleans(),
    event=st.none() | st.builds(EventClaim, st.builds(EventRef, mailboxes, event_ids), st.text(max_size=200)),
    attempt=st.integers(0, 99),
    waited=st.floats(0, MAX_WAITED),
    uncertain=st.booleans(),
    suspects=st.frozensets(mailboxes, max_size=3),
) | st.builds(
    BookingChange,
    booking_id=st.uuids().map(str),
    correlation_id=st.text(max_size=40),
    first_seen=st.datetimes(timezones=st.just(UTC)),
    look=st.just(True),  # noqa: FBT003 - a strategy's value
    versions=st.frozensets(st.text(min_size=1).map(version_of), max_size=MOST_VERSIONS),
    missing=st.sampled_from(Missing),
)

related_changes = st.builds(
    RelatedChange,
    table=st.sampled_from(RelatedTable),
    row_id=st.uuids().map(str),
    correlation_id=st.text(max_size=40),
    first_seen=st.datetimes(timezones=st.just(UTC)),
    attempt=st.integers(0, 99),
    waited=st.floats(0, MAX_WAITED),
    starts_from=st.none() | st.datetimes(timezones=st.just(UTC)),
)
RELATED = RelatedChange(
    RelatedTable.WORK_ORDER,
    "0d7c1f57-3b1e-4c8e-9a55-2f6f0d6b1a02",
    "c-2",
    datetime(2026, 3, 2, tzinfo=UTC),
    starts_from=datetime(2026, 3, 1, tzinfo=UTC),
)


@given(changes)
def test_a_change_reads_back_as_it_was_written(change: BookingChange) -> None:
    """Encoding and decoding are inverse."""
    assert decode_change(encode_change(change)) == change
    assert decode_message(encode_change(change)) == change


@given(related_changes)
def test_a_change_of_a_related_row_reads_back_as_it_was_written(change: RelatedChange) -> None:
    """The same of messages about rows that bookings name."""
    assert decode_message(encode_related(change)) == change


@given(
    st.builds(
        BookingChange,
        booking_id=st.uuids().map(str),
        correlation_id=st.text(max_size=400),
        first_seen=st.datetimes(timezones=st.just(UTC)),
        attempt=st.integers(0, 10**9),
        waited=st.floats(0, 1e300),
        suspects=st.frozensets(mailboxes, max_size=40),
    )
)
def test_nothing_is_written_that_would_be_refused(change: BookingChange) -> None:
    """However often a change was put back, and however many hints were merged, its message is readable."""
    again = decode_change(encode_change(change))
    assert again.suspects <= change.suspects
    assert len(again.suspects) == min(len(change.suspects), MAX_SUSPECTS)
    assert again.attempt == min(change.attempt, MAX_ATTEMPT)
    assert again.waited == min(change.waited, MAX_WAITED)


def test_mailboxes_are_the_same_in_whatever_case() -> None:
    """GUIDs are compared without regard to case, event ids are not: they come out as they went in."""
    mailbox = "A0000000-0000-4000-8000-00000000000A"
    text = json.dumps(
        json.loads(encode_change(PLAIN))
        | {"event": {"mailbox": mailbox, "id": "AbC_-"}, "suspects": [mailbox, mailbox.lower()]}
    )
    change = decode_change(text)
    assert change.event == EventClaim(EventRef(mailbox.lower(), "AbC_-"))
    assert change.suspects == {mailbox.lower()}


def test_messages_of_before_are_still_read() -> None:
    """What lies on the queue while the app is updated was written without the newer kind."""
    old = (
        '{"version": 1, "bookingId": "0d7c1f57-3b1e-4c8e-9a55-2f6f0d6b1a01", "correlationId": "c-1", '
        '"firstSeen": "2026-03-02T00:00:00+00:00"}'
    )
    assert decode_message(old) == PLAIN
    assert encode_change(PLAIN) == old


def test_an_app_of_before_refuses_the_newer_kind_by_its_version() -> None:
    """It knows version 1 only: the message goes to its poison queue with a reason, not taken for done."""
    message = json.loads(encode_related(RELATED))
    assert message["version"] == 2
    assert "bookingId" not in message
    with pytest.raises(MalformedChangeError, match="version"):
        decode_change(encode_related(RELATED))


@pytest.mark.parametrize(
    ("spoiled", "says"),
    [
        ({"version": 6}, "version"),
        ({"version": 1}, "'bookingId'"),
        ({"table": "account"}, "'table'"),
        ({"table": None}, "'table'"),
        ({"rowId": "WO-17"}, "'rowId' is not a GUID"),
        ({"startsFrom": "2026-03-02T00:00:00"}, "'startsFrom' is not an ISO 8601 time with its UTC offset"),
        ({"startsFrom": None}, "'startsFrom'"),
        ({"attempt": -1}, "'attempt'"),
        ({"waitedSeconds": -1}, "'waitedSeconds'"),
        ({"waitedSeconds": float("nan")}, "'waitedSeconds'"),
        ({"waitedSeconds": True}, "'waitedSeconds'"),
        ({"waitedSeconds": 10**300}, "'waitedSeconds'"),
        ({"firstSeen": 7}, "'firstSeen'"),
    ],
)
def test_a_spoiled_message_about_a_related_row_is_refused_by_name(
    spoiled: dict[str, object], says: str
) -> None:
    """What is wrong with a message is named."""
    with pytest.raises(MalformedChangeError, match=says):
        decode_message(json.dumps(json.loads(encode_related(RELATED)) | spoiled))


@pytest.mark.parametrize(
    ("spoiled", "says"),
    [
        ({"version": 2}, "version"),
        ({"bookingId": "booking 7"}, "not a GUID"),
        ({"bookingId": None}, "'bookingId'"),
        ({"correlationId": 7}, "'correlationId'"),
        ({"firstSeen": "yesterday"}, "ISO 8601"),
        ({"firstSeen": "2026-03-02T00:00:00"}, "UTC offset"),
        ({"deleted": "yes"}, "'deleted'"),
        ({"attempt": True}, "'attempt'"),
        ({"event": []}, "'event'"),
        ({"event": {"id": "E"}}, "'mailbox'"),
        ({"suspects": [1]}, "'suspects'"),
        ({"suspects": ["../groups"]}, "'suspects'"),
        ({"suspects": [f"a0000000-0000-4000-8000-{n:012}" for n in range(17)]}, "more than 16"),
        ({"suspects": ["a0000000-0000-4000-8000-00000000000a"] * 1100}, "more than 16"),
        ({"event": {"mailbox": "someone@contoso.com", "id": "E"}}, "'event'"),
        ({"event": {"mailbox": "a0000000-0000-4000-8000-00000000000a", "id": ".."}}, "'event'"),
        ({"firstSeen": "0001-01-01T00:00:00+23:59"}, "year 1"),
        ({"firstSeen": "9999-12-31T23:59:59-01:00"}, "9999"),
        ({"attempt": -1}, "'attempt'"),
        ({"waitedSeconds": -1}, "'waitedSeconds'"),
        ({"waitedSeconds": float("nan")}, "'waitedSeconds'"),
        ({"waitedSeconds": True}, "'waitedSeconds'"),
        ({"waitedSeconds": 10**300}, "'waitedSeconds'"),
        ({"attempt": 10**300}, "'attempt'"),
        ({"correlationId": "x" * 201}, "'correlationId'"),
    ],
)
def test_a_spoiled_message_is_refused_by_name(spoiled: dict[str, object], says: str) -> None:
    """What is wrong with a message is named."""
    with pytest.raises(MalformedChangeError, match=says):
        decode_change(json.dumps(json.loads(encode_change(PLAIN)) | spoiled))


@pytest.mark.parametrize("text", ["", "{", "[]", "7", "null", "[" * 100_000, "hello", '{"version": NaN}'])
def test_what_is_no_message_at_all_is_refused(text: str) -> None:
    """Any text gives a clear refusal, never another error."""
    with pytest.raises(MalformedChangeError):
        decode_message(text)


@given(st.text(max_size=200))
def test_no_text_raises_anything_else(text: str) -> None:
    """Random text is refused in the same way."""
    with pytest.raises(MalformedChangeError):
        decode_change(text)
