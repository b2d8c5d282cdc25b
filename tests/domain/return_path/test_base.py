"""What a row remembers of the last agreement, and what is believed of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_sync.domain.environment.columns import OUTLOOK_BASE_LENGTH
from booking_sync.domain.events.event_ref import EventRef
from booking_sync.domain.return_path.base import (
    MOST_LEAVING,
    Base,
    DayMoves,
    format_base,
    read_base,
)
from booking_sync.domain.return_path.comparison import Agreement
from booking_sync.domain.return_path.times import Times
from booking_sync.domain.return_path.version import version_of
from tests.support.bookings import ANNA, BERT, BOOKING_ID, ORGANIZATION_ID
from tests.support.seals import sealer

SEALS = sealer(ORGANIZATION_ID)
OTHER_BOOKING = "0d7c1f57-3b1e-4c8e-9a55-2f6f0d6b1a09"
EVENT = EventRef(ANNA, "AAMk=")
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
AGREED = Agreement(Times(START, START + timedelta(hours=1)), "ab12")
hashes = st.text(alphabet="0123456789abcdef", max_size=32)
events = st.builds(EventRef, st.uuids().map(str), st.from_regex(r"[0-9A-Za-z_=+-]{1,160}", fullmatch=True))
bases = st.builds(
    Base,
    st.sampled_from([None, AGREED, replace(AGREED, nonce="0f0f-1")]),
    hashes,
    hashes,
    st.frozensets(events, max_size=MOST_LEAVING),
    st.none() | st.builds(DayMoves, st.dates(date(2000, 1, 1), date(2999, 1, 1)), st.integers(1, 999)),
    st.none() | st.integers(1, 10**9).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    st.text().map(version_of),
)


@given(bases, st.none() | events, st.integers(0, 9_999))
def test_a_base_reads_back_as_it_was_written(base: Base, event: EventRef | None, generation: int) -> None:
    """For the booking, the event and the generation that it belongs to; and it fits into its column."""
    text = format_base(BOOKING_ID, event, generation, base, SEALS)
    assert len(text) <= OUTLOOK_BASE_LENGTH
    read = read_base(BOOKING_ID, event, generation, text, SEALS)
    assert read == base
    assert read is not None
    assert read.version == base.version


@pytest.mark.parametrize(
    ("booking_id", "event", "generation"),
    [
        (OTHER_BOOKING, EVENT, 2),
        (BOOKING_ID, EventRef(BERT, EVENT.event_id), 2),
        (BOOKING_ID, EventRef(ANNA, "AAMk"), 2),
        (BOOKING_ID, None, 2),
        (BOOKING_ID, EVENT, 3),
    ],
)
def test_a_base_of_another_record_counts_as_none(
    booking_id: str, event: EventRef | None, generation: int
) -> None:
    """An instance that does not know the column writes the record alone, and leaves an old base beside it."""
    text = format_base(BOOKING_ID, EVENT, 2, Base(AGREED), SEALS)
    assert read_base(booking_id, event, generation, text, SEALS) is None


def test_a_base_of_a_copied_environment_counts_as_none() -> None:
    """Its events are the original's."""
    text = format_base(BOOKING_ID, EVENT, 2, Base(AGREED), SEALS)
    assert read_base(BOOKING_ID, EVENT, 2, text, sealer("another")) is None


@given(bases, st.data())
def test_whatever_is_edited_the_base_counts_as_none(base: Base, data: st.DataObject) -> None:
    """A person's edit must not make a booking look moved."""
    text = format_base(BOOKING_ID, EVENT, 2, base, SEALS)
    place = data.draw(st.integers(0, len(text) - 1))
    edited = text[:place] + data.draw(st.characters().filter(lambda c: c != text[place])) + text[place + 1 :]
    assert read_base(BOOKING_ID, EVENT, 2, edited, SEALS) is None


@given(st.text(max_size=200))
def test_no_text_in_the_column_raises(text: str) -> None:
    """Anybody who may write bookings can write there."""
    assert read_base(BOOKING_ID, EVENT, 2, text, SEALS) is None


@given(st.text(alphabet="0123456789abcdefTZx:/,-", max_size=60))
def test_no_sealed_text_raises(content: str) -> None:
    """One that a later version sealed may hold what this one does not know."""
    text = f"{content}:{SEALS.base(BOOKING_ID, EVENT, 2, content)}"
    read_base(BOOKING_ID, EVENT, 2, text, SEALS)
    parts = ["1", "", "", "", "", "", ""]
    for place in range(1, len(parts)):
        odd = ":".join([*parts[:place], content.replace(":", ""), *parts[place + 1 :]])
        read_base(BOOKING_ID, EVENT, 2, f"{odd}:{SEALS.base(BOOKING_ID, EVENT, 2, odd)}", SEALS)


def test_more_events_than_there_is_room_for_are_refused() -> None:
    """A row that forgot one would name it never again."""
    many = frozenset(EventRef(ANNA, f"E{n}") for n in range(MOST_LEAVING + 1))
    with pytest.raises(ValueError, match="at most"):
        format_base(BOOKING_ID, EVENT, 2, Base(leaving=many), SEALS)


def test_moves_count_for_their_day() -> None:
    """Those of yesterday count for nothing today."""
    moves = DayMoves(date(2026, 3, 2), 5)
    assert (moves.on(date(2026, 3, 2)), moves.on(date(2026, 3, 3))) == (5, 0)


def test_a_version_makes_no_base_another_one() -> None:
    """No row is written because its event has another version by now."""
    assert Base(AGREED, version=version_of("1")) == Base(AGREED, version=version_of("2"))
