"""What is done about a person's move: the lower of what is allowed and what is safe."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from booking_sync.domain.return_path.policy import (
    MAX_MOVED_PER_RESOURCE,
    MAX_MOVES_PER_DAY,
    NEAR,
    Circumstances,
    Mode,
    MoveKind,
    MoveRuling,
    ReturnPolicy,
    kind_of,
    rule,
)
from booking_sync.domain.return_path.times import Times

NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
PLANNED = Times(NOW + 3 * HOUR, NOW + 4 * HOUR)
NEARBY = Times(NOW + 4 * HOUR, NOW + 5 * HOUR)
FAR_AWAY = Times(NOW + 30 * HOUR, NOW + 31 * HOUR)
PLAIN = Circumstances(NOW)
AGAINST_ANY = [replace(PLAIN, scheduled=False), replace(PLAIN, ordinary=False)]
AGAINST_APPLYING = [
    replace(PLAIN, overlaps=True),
    replace(PLAIN, outside_window=True),
    replace(PLAIN, time_locked=True),
    replace(PLAIN, crew=True),
    replace(PLAIN, moved_of_resource=MAX_MOVED_PER_RESOURCE),
]


def _rule(path: Mode, wished: Times = NEARBY, known: Circumstances = PLAIN) -> MoveRuling:
    return rule(ReturnPolicy(path), PLANNED, wished, known, UTC)


@pytest.mark.parametrize(("path", "near", "far"), list(itertools.product(Mode, repeat=3)))
def test_the_lower_of_the_path_and_the_kind_is_allowed(path: Mode, near: Mode, far: Mode) -> None:
    """Neither setting can raise the other."""
    policy = ReturnPolicy(path, near, far)
    for wished, mode in ((NEARBY, near), (FAR_AWAY, far)):
        assert rule(policy, PLANNED, wished, PLAIN, UTC) == MoveRuling(min(path, mode))


@pytest.mark.parametrize(
    ("wished", "kind"),
    [
        (Times(PLANNED.start + NEAR, PLANNED.end + NEAR), MoveKind.NEAR_MOVE),
        (Times(PLANNED.start - HOUR, PLANNED.end - HOUR), MoveKind.NEAR_MOVE),
        (Times(PLANNED.start + NEAR + HOUR, PLANNED.end + NEAR + HOUR), MoveKind.FAR_MOVE),
        (Times(PLANNED.start, PLANNED.end + timedelta(minutes=1)), MoveKind.FAR_MOVE),
        (Times(PLANNED.start + timedelta(minutes=1), PLANNED.end), MoveKind.FAR_MOVE),
        (FAR_AWAY, MoveKind.FAR_MOVE),
    ],
)
def test_a_near_move_keeps_its_length_and_goes_a_few_hours_at_most(wished: Times, kind: MoveKind) -> None:
    """Stretching is another kind of change, however small."""
    assert kind_of(PLANNED, wished, UTC) is kind


def test_a_day_is_the_technicians_own() -> None:
    """An hour later may be tomorrow there, and today in Greenwich."""
    late = Times(NOW + 3 * HOUR, NOW + 4 * HOUR)
    later = Times(late.start + HOUR, late.end + HOUR)
    assert kind_of(late, later, UTC) is MoveKind.NEAR_MOVE
    assert kind_of(late, later, ZoneInfo("Asia/Vladivostok")) is MoveKind.NEAR_MOVE
    assert kind_of(late, later, ZoneInfo("Pacific/Kiritimati")) is MoveKind.FAR_MOVE


@pytest.mark.parametrize("known", AGAINST_ANY)
@pytest.mark.parametrize("path", [Mode.REPORT, Mode.PROPOSE, Mode.APPLY])
def test_what_can_be_no_wish_is_put_right_and_told(path: Mode, known: Circumstances) -> None:
    """Whatever is allowed."""
    ruling = _rule(path, known=known)
    assert ruling.mode is Mode.REPORT
    assert ruling.reason


@pytest.mark.parametrize("known", AGAINST_APPLYING)
def test_what_needs_a_look_is_proposed_at_most(known: Circumstances) -> None:
    """Where it could only be proposed anyway there is no need to say why."""
    assert _rule(Mode.APPLY, known=known).mode is Mode.PROPOSE
    assert _rule(Mode.APPLY, known=known).reason
    for path in (Mode.PROPOSE, Mode.REPORT, Mode.OFF):
        assert _rule(path, known=known) == MoveRuling(path)


def test_one_booking_fewer_than_the_bound_is_nothing_special() -> None:
    """The bound itself is too many."""
    known = replace(PLAIN, moved_of_resource=MAX_MOVED_PER_RESOURCE - 1, moves_today=MAX_MOVES_PER_DAY - 1)
    assert _rule(Mode.APPLY, known=known) == MoveRuling(Mode.APPLY)


@pytest.mark.parametrize("wished", [Times(NEARBY.start, NEARBY.start), Times(NEARBY.end, NEARBY.start)])
def test_an_event_without_length_is_no_wish(wished: Times) -> None:
    """Nor one that ends before it starts."""
    assert "no length" in _rule(Mode.APPLY, wished).reason


@pytest.mark.parametrize(("minutes", "mode"), [(31, Mode.APPLY), (30, Mode.REPORT), (-600, Mode.REPORT)])
def test_what_begins_soon_is_the_dispatchers(minutes: int, mode: Mode) -> None:
    """Whether the plan begins soon or the wish would."""
    begins = Times(NOW + timedelta(minutes=minutes), NOW + timedelta(minutes=minutes) + HOUR)
    for planned, wished in ((PLANNED, begins), (begins, PLANNED)):
        policy = ReturnPolicy(Mode.APPLY, far=Mode.APPLY)
        assert rule(policy, planned, wished, PLAIN, UTC).mode is mode


def test_what_moves_all_the_time_is_left_alone() -> None:
    """A rival program would move it back each time: the times are told and no more fought about."""
    known = replace(PLAIN, moves_today=MAX_MOVES_PER_DAY)
    for path in (Mode.REPORT, Mode.PROPOSE, Mode.APPLY):
        ruling = _rule(path, known=known)
        assert (ruling.mode, ruling.leaves_times) == (Mode.REPORT, True)
    assert _rule(Mode.OFF, known=known) == MoveRuling(Mode.OFF)
