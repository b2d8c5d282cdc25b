"""Who changed the times, over every combination of row, event, base and stamp."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_sync.domain.return_path.comparison import Agreement, Change, compare, last_agreed
from booking_sync.domain.return_path.stamp import Stamp, format_stamp, read_stamp
from booking_sync.domain.return_path.times import Times, format_times, read_times

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
SLOTS = [Times(START + n * HOUR, START + (n + 1) * HOUR) for n in range(3)]
LONG = Times(START, START + 3 * HOUR)
ALL = [*SLOTS, LONG]
NONCES = ["aa", "bb"]
AGREEMENTS = [None, *(Agreement(times, nonce) for times in ALL for nonce in NONCES)]
STAMPS = [None, *(Stamp(times, nonce) for times in ALL for nonce in NONCES)]


def naively(row: Times, event: Times, agreement: Agreement | None, stamp: Stamp | None) -> Change:
    """The table of the design, line by line."""
    if stamp is None:  # it carries no wish, and is written over
        return Change.NEITHER if row == event else Change.ROW
    base = agreement.times if agreement and agreement.nonce == stamp.nonce else stamp.times
    return {
        (False, False): Change.NEITHER,
        (False, True): Change.ROW,
        (True, False): Change.EVENT,
        (True, True): Change.BOTH_ALIKE if row == event else Change.CONFLICT,
    }[event != base, row != base]


def test_who_changed_the_times_is_told_by_values_alone() -> None:
    """Over every combination, beside a naive statement of the table."""
    count = 0
    for row, event, agreement, stamp in itertools.product(ALL, ALL, AGREEMENTS, STAMPS):
        found = compare(row, event, last_agreed(agreement, stamp))
        assert found is naively(row, event, agreement, stamp), (row, event, agreement, stamp)
        count += 1
    assert count == 4 * 4 * 9 * 9


@pytest.mark.parametrize("row", ALL)
@pytest.mark.parametrize("agreement", AGREEMENTS)
def test_our_own_write_is_never_a_persons_move(row: Times, agreement: Agreement | None) -> None:
    """However late it is carried out: the times are those of its stamp, whose nonce nobody has seen."""
    written = Stamp(SLOTS[1], "cc")
    assert compare(row, written.times, last_agreed(agreement, written)) in {Change.NEITHER, Change.ROW}


def test_a_move_back_to_where_we_had_written_it_is_a_move() -> None:
    """After both had agreed on another time, which the row remembers and the stamp does not."""
    stamp = Stamp(SLOTS[0], "aa")
    agreed = last_agreed(Agreement(SLOTS[1], "aa"), stamp)
    assert compare(SLOTS[1], SLOTS[0], agreed) is Change.EVENT


@pytest.mark.parametrize("off", [timedelta(seconds=59), timedelta(seconds=-59), timedelta(0)])
def test_less_than_a_minute_is_no_move(off: timedelta) -> None:
    """What Exchange makes of our times."""
    event = Times(SLOTS[0].start + off, SLOTS[0].end - off)
    assert compare(SLOTS[0], event, SLOTS[0]) is Change.NEITHER
    for part in (
        Times(event.start + timedelta(minutes=2), event.end),
        Times(event.start, event.end + 2 * HOUR),
    ):
        assert compare(SLOTS[0], part, SLOTS[0]) is Change.EVENT


FIRST, LAST = datetime.fromisoformat("1900-01-01"), datetime.fromisoformat("2900-01-01")
MOMENTS = st.datetimes(FIRST, LAST, timezones=st.timezones())


@given(MOMENTS, MOMENTS, st.from_regex(r"[0-9a-f-]{1,36}", fullmatch=True))
def test_a_stamp_reads_back_as_the_same_instants(start: datetime, end: datetime, nonce: str) -> None:
    """Whatever zone its times had; below a second nothing is kept."""
    stamp = read_stamp(format_stamp(Stamp(Times(start, end), nonce)))
    assert stamp is not None
    assert stamp.nonce == nonce
    assert stamp.times.same_as(Times(start, end))
    assert read_times(format_times(stamp.times)) == stamp.times


@given(st.text(max_size=80))
@pytest.mark.parametrize("around", ["{}", "20260302T090000Z/20260302T100000Z/{}", "{}/20260302T100000Z/aa"])
def test_no_text_in_a_stamps_place_raises(around: str, text: str) -> None:
    """Anybody with access to the mailbox can write there."""
    read_stamp(around.format(text))


@pytest.mark.parametrize("text", ["20261302T090000Z/20260302T100000Z", "20260302T090000Z", "a/b", "/", ""])
def test_what_are_no_times_is_told(text: str) -> None:
    """A thirteenth month, a half, and nothing at all."""
    assert read_times(text) is None


def test_times_without_a_zone_are_refused() -> None:
    """Nobody would know which moment is meant."""
    with pytest.raises(ValueError, match="aware"):
        Times(START, START.replace(tzinfo=None))
