"""The forms of the return path's queue messages."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_sync.azure.storage.queue import MAX_MESSAGE_CHARACTERS
from booking_sync.domain.messages.change import MalformedChangeError, decode_change, decode_message
from booking_sync.domain.messages.fields import MAX_WAITED
from booking_sync.domain.return_path.messages import (
    MAX_EVENTS,
    MAX_ID_CHARACTERS,
    MAX_MISSING,
    Lifecycle,
    MailboxSweep,
    OutlookChange,
    encode_outlook,
    in_messages,
    versions_by_event,
)
from booking_sync.domain.return_path.version import MOST_VERSIONS, version_of
from tests.support.bookings import ANNA, BOOKING_ID

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
CHANGE = OutlookChange(ANNA, ("AAMk-1", "AAMk_2"), "outlook-1", NOW, frozenset({"AAMk_2"}))
SWEEP = MailboxSweep(ANNA, "sweep-1", NOW, frozenset({BOOKING_ID}), Lifecycle.RENEW, BOOKING_ID)

event_ids = st.from_regex(r"[0-9A-Za-z_=+-]{1,300}", fullmatch=True)
common = {
    "mailbox": st.uuids().map(str),
    "correlation_id": st.text(max_size=40),
    "first_seen": st.datetimes(timezones=st.just(UTC)),
    "attempt": st.integers(0, 99),
    "waited": st.floats(0, MAX_WAITED),
}
VERSION = version_of("a")
changes = st.builds(
    OutlookChange,
    event_ids=st.lists(event_ids, min_size=1, max_size=9).map(tuple),
    versions=st.just(frozenset[tuple[str, str]]()),
    **common,
).flatmap(
    lambda change: st.builds(
        replace,
        st.just(change),
        versions=st.frozensets(
            st.tuples(st.sampled_from(change.event_ids), st.text().map(version_of).filter(bool)), max_size=4
        ),
    )
)
sweeps = st.builds(
    MailboxSweep, missing=st.frozensets(st.uuids().map(str), max_size=5), **common
) | st.builds(
    MailboxSweep,
    lifecycle=st.sampled_from((Lifecycle.RENEW, Lifecycle.REMOVED)),
    subscription_id=st.uuids().map(str),
    **common,
)


@given(changes | sweeps)
def test_what_came_from_outlook_reads_back_as_it_was_written(message: OutlookChange | MailboxSweep) -> None:
    """Encoding and decoding are inverse."""
    assert decode_message(encode_outlook(message)) == message


@given(st.lists(event_ids, max_size=400))
def test_events_are_parted_into_messages_that_can_be_written(ids: list[str]) -> None:
    """No event is lost, the order stays, and each part fits into a message."""
    parts = list(in_messages(ids))
    assert [each for part in parts for each in part] == ids
    for part in parts:
        assert len(part) <= MAX_EVENTS
        assert sum(map(len, part)) <= MAX_ID_CHARACTERS
        encode_outlook(replace(CHANGE, event_ids=part, deleted=frozenset()))


def test_the_largest_messages_fit_into_the_queue() -> None:
    """With the longest ids, correlation id and numbers of either kind."""
    (first, *_) = in_messages(["A" * 1000] * 200)
    change = OutlookChange(
        ANNA, first, "\N{PILE OF POO}" * 200, NOW, frozenset(first), attempt=10**6, waited=MAX_WAITED
    )
    many = tuple(f"{number:0150}" for number in range(MAX_EVENTS))
    versions = frozenset((each, version_of(str(number))) for each in many for number in range(MOST_VERSIONS))
    versioned = OutlookChange(ANNA, many, "c", NOW, versions=versions)
    bookings = frozenset(f"a0000000-0000-4000-8000-{number:012}" for number in range(MAX_MISSING))
    sweep = replace(SWEEP, correlation_id="\N{PILE OF POO}" * 200, missing=bookings)
    for each in (change, versioned, sweep):
        text = encode_outlook(each)
        assert len(text) < MAX_MESSAGE_CHARACTERS
        assert decode_message(text) == each


def test_an_event_of_very_many_versions_is_to_be_looked_at_whatever_it_is() -> None:
    """The others keep theirs."""
    (first, second, *_) = CHANGE.event_ids
    many = {(first, version_of(str(number))) for number in range(MOST_VERSIONS + 1)}
    change = replace(CHANGE, versions=frozenset({*many, (second, VERSION)}))
    read = decode_message(encode_outlook(change))
    assert isinstance(read, OutlookChange)
    assert versions_by_event(read) == {second: {VERSION}}


def test_what_fits_into_no_message_is_not_written() -> None:
    """Whoever has more events or bookings makes several messages."""
    for spoiled in (
        replace(CHANGE, event_ids=()),
        replace(CHANGE, event_ids=("A",) * (MAX_EVENTS + 1)),
        replace(SWEEP, missing=frozenset(map(str, range(MAX_MISSING + 1)))),
    ):
        with pytest.raises(ValueError, match=r"event|booking"):
            encode_outlook(spoiled)


def test_an_app_of_before_refuses_the_newer_kinds_by_their_version() -> None:
    """They go to its poison queue with a reason, from where they can be replayed."""
    for each in (CHANGE, SWEEP):
        with pytest.raises(MalformedChangeError, match="version"):
            decode_change(encode_outlook(each))


@pytest.mark.parametrize(
    ("message", "spoiled", "says"),
    [
        (CHANGE, {"mailbox": "anna"}, "'mailbox'"),
        (CHANGE, {"mailbox": None}, "'mailbox'"),
        (CHANGE, {"events": []}, "'events'"),
        (CHANGE, {"events": ["A"] * (MAX_EVENTS + 1)}, "'events'"),
        (CHANGE, {"events": ["A" * 999] * 21}, "'events'"),
        (CHANGE, {"events": ["../messages"]}, "'events'"),
        (CHANGE, {"events": [7]}, "'events'"),
        (CHANGE, {"events": "A"}, "'events'"),
        (CHANGE, {"attempt": -1}, "'attempt'"),
        (CHANGE, {"deleted": ["E9"]}, "'deleted'"),
        (CHANGE, {"deleted": [["AAMk-1"]]}, "'deleted'"),
        (CHANGE, {"deleted": "AAMk-1"}, "'deleted'"),
        (CHANGE, {"firstSeen": "now"}, "'firstSeen'"),
        (CHANGE, {"versions": [[VERSION]] * 9}, "'versions'"),
        (CHANGE, {"versions": [[VERSION] * (MOST_VERSIONS + 1)] * 2}, "'versions'"),
        (CHANGE, {"versions": [["W/1"]] * 2}, "'versions'"),
        (CHANGE, {"versions": [7, 7]}, "'versions'"),
        (CHANGE, {"versions": "x"}, "'versions'"),
        (SWEEP, {"missing": ["WO-17"]}, "'missing'"),
        (SWEEP, {"missing": [BOOKING_ID] * (MAX_MISSING + 1)}, "'missing'"),
        (SWEEP, {"lifecycle": "missed"}, "'lifecycle'"),
        (SWEEP, {"subscription": "S"}, "'subscription'"),
        (SWEEP, {"subscription": None}, "'subscription'"),
        (SWEEP, {"version": 6}, "version"),
    ],
)
def test_a_spoiled_message_is_refused_by_name(
    message: OutlookChange | MailboxSweep, spoiled: dict[str, object], says: str
) -> None:
    """Whatever a message can say is bounded, and what is wrong with it is named."""
    with pytest.raises(MalformedChangeError, match=says):
        decode_message(json.dumps(json.loads(encode_outlook(message)) | spoiled))
