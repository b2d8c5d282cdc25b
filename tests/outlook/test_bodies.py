"""The JSON that is composed for speed is the JSON that the Graph SDK makes of its models."""

from __future__ import annotations

from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from booking_sync.domain.bookings.booking import Address
from booking_sync.domain.events.event import (
    NO_REMINDER,
    ContentPart,
    EventContent,
    EventOptions,
    EventTime,
    ShowAs,
)
from booking_sync.outlook import bodies
from tests.outlook import sdk_events

TEXTS = st.text(max_size=20)
TIMES = st.builds(EventTime, st.just("2026-03-02T09:00:00"), st.sampled_from(["UTC", "GTB Standard Time"]))
DEGREES = st.none() | st.floats(-180, 180)
ADDRESSES = st.builds(
    Address, st.tuples(TEXTS, TEXTS) | st.just(()), TEXTS, TEXTS, TEXTS, TEXTS, DEGREES, DEGREES
)
OPTIONS = st.builds(
    EventOptions,
    sensitivity=st.sampled_from([None, "normal", "private"]),
    reminder=st.sampled_from([None, NO_REMINDER, 0, 15]),
    importance=st.sampled_from([None, "low", "normal", "high"]),
)
CONTENTS = st.builds(
    EventContent,
    subject=TEXTS,
    body_html=TEXTS,
    start=TIMES,
    end=TIMES,
    show_as=st.sampled_from(get_args(ShowAs)),
    categories=st.lists(TEXTS, max_size=3).map(tuple),
    location_name=TEXTS,
    location_address=st.none() | ADDRESSES,
    options=OPTIONS,
)
KEPT: st.SearchStrategy[frozenset[ContentPart]] = st.frozensets(st.sampled_from(["body", "categories"]))


@given(content=CONTENTS, marker=TEXTS, transaction_id=TEXTS, birth=TEXTS)
def test_a_new_event_is_the_sdks(content: EventContent, marker: str, transaction_id: str, birth: str) -> None:
    """Whatever a booking shows, the creation's body is what the models would write."""
    marks = {"marker": marker, "transaction_id": transaction_id, "birth": birth}
    assert bodies.new_event(content, **marks) == sdk_events.new_event(content, **marks)


@given(content=CONTENTS, kept=KEPT)
def test_a_changed_event_is_the_sdks(content: EventContent, kept: frozenset[ContentPart]) -> None:
    """So is an update's, whatever is kept."""
    assert bodies.changed_event(content, kept) == sdk_events.changed_event(content, kept)


@given(name=TEXTS, booking_id=TEXTS, seal=TEXTS)
def test_an_extension_is_the_sdks(name: str, booking_id: str, seal: str) -> None:
    """So is a tag's."""
    assert bodies.extension(name, booking_id, seal) == sdk_events.extension(name, booking_id, seal)
