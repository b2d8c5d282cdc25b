"""NCRONTAB as the Functions host reads it, held to its own answers (ncrontab.tsv, beside this file)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise, product
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from booking_sync.plumbing.ncrontab import NcrontabError, Schedule, parse
from booking_sync.settings import values
from local.functions_host.configuration import ConfigurationError
from local.functions_host.timer_trigger import next_run

LINES = Path(__file__).with_name("ncrontab.tsv").read_text(encoding="utf-8").splitlines()
ROWS = [line.replace(r"\t", "\t", 9).rpartition("\t") for line in LINES if not line.startswith("#")]
ANSWERS = {expression: answer for expression, _, answer in ROWS}
FIELDS = (
    "(second, minute, hour, day of month, month, day of week), such as 0 */5 * * * *, "
    "or five without the second"
)
START = datetime(2026, 2, 27, 23, 59, 30, tzinfo=UTC)


def _times(schedule: Schedule, count: int = 3, start: datetime = START) -> list[datetime]:
    found: list[datetime] = []
    while len(found) < count and (moment := schedule.next_after(found[-1] if found else start)):
        found.append(moment)
    return found


def _answer(expression: str) -> str:
    try:
        times = _times(parse(expression))
    except NcrontabError:
        return "refused"
    return " ".join(f"{each:%Y-%m-%dT%H:%M:%S}" for each in times) or "never"


def test_the_table_is_whole() -> None:
    """All rows are read, each once, and every kind of answer is among them."""
    assert len(ANSWERS) == len(ROWS) == 400
    kinds = [answer if answer in ("refused", "never") else "times" for answer in ANSWERS.values()]
    assert {kind: kinds.count(kind) for kind in kinds} == {"refused": 49, "never": 3, "times": 348}


@pytest.mark.parametrize(("expression", "answer"), ANSWERS.items())
def test_an_expression_means_what_it_means_to_the_host(expression: str, answer: str) -> None:
    """Refused, never, or the same next three times."""
    assert _answer(expression) == answer


@pytest.mark.parametrize(("expression", "answer"), ANSWERS.items())
def test_the_settings_take_what_the_host_runs(expression: str, answer: str) -> None:
    """A schedule that the host refuses, or never runs, is refused by the settings' check."""
    try:
        taken = values.schedule(expression) == expression
    except ValueError:
        taken = False
    assert taken is (answer not in ("refused", "never"))


@pytest.mark.parametrize(("expression", "answer"), ANSWERS.items())
def test_the_local_host_s_timer_runs_when_the_host_s_does(expression: str, answer: str) -> None:
    """The stand-in refuses what the host refuses, and its next run is the host's."""
    try:
        following = next_run(expression, START)
    except ConfigurationError:
        told = "refused"
    else:
        told = f"{following:%Y-%m-%dT%H:%M:%S}" if following else "never"
    assert told == answer.partition(" ")[0]


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("0 0 2 * * 7", "day of week is 7; it goes from 0 (Sunday) to 6"),
        ("0 0 2 * * 0-7", "day of week is 7; it goes from 0 (Sunday) to 6"),
        (
            "0 0 2 * * foo",
            "day of week is foo; it goes from 0 (Sunday) to 6, or is a name such as Monday or mon",
        ),
        ("0 0 2 * 13 *", "month is 13; it goes from 1 (January) to 12"),
        ("0 0 2 0 * *", "day of month is 0; it goes from 1 to 31"),
        ("0 0 24 * * *", "hour is 24; it goes from 0 to 23"),
        ("0 99 2 * * *", "minute is 99; it goes from 0 to 59"),
        ("60 * * * * *", "second is 60; it goes from 0 to 59"),
        ("0 5- * * * *", "minute is 5-; it goes from 0 to 59"),
        (f"0 {'x' * 40} * * * *", f"minute is {'x' * 30}…; it goes from 0 to 59"),
        (
            "0 5,,10 * * * *",
            "minute is a list with an empty place; one comma stands between two values",
        ),
        ("0 */ * * * *", "minute has nothing after its /; a step is a whole number"),
        ("0 */-5 * * * *", "minute has -5 after its /; a step is a whole number"),
        (
            "00:05:00",
            f"it has 1 field; there are six {FIELDS}",
        ),
        (
            "0\t*/5\t*\t*\t* *",
            f"it has 2 fields; there are six separated by spaces, not tabs {FIELDS}",
        ),
    ],
)
def test_a_refusal_names_the_field_what_stands_there_and_what_may(expression: str, words: str) -> None:
    """Whoever typed it sees what to change."""
    with pytest.raises(NcrontabError) as caught:
        parse(expression)
    assert str(caught.value) == words


def test_the_next_time_is_later_than_the_moment_and_in_utc() -> None:
    """A moment on the schedule is not its own next one, parts of a second count, and zones are converted."""
    schedule = parse("30 * * * * *")
    assert schedule.next_after(START) == START + timedelta(minutes=1)
    assert schedule.next_after(START - timedelta(microseconds=1)) == START
    berlin = START.astimezone(ZoneInfo("Europe/Berlin"))
    assert (schedule.next_after(berlin) or START).isoformat() == "2026-02-28T00:00:30+00:00"


def test_there_is_an_end_of_time() -> None:
    """Where the calendar ends, so do schedules."""
    assert parse("0 0 0 1 1 *").next_after(datetime(9999, 6, 1, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    ("expression", "pause"),
    [
        ("* * * * * *", timedelta(seconds=1)),
        ("0 */5 * * * *", timedelta(minutes=5)),
        ("0 */25 * * * *", timedelta(minutes=25)),
        ("0 0 22-2 * * *", timedelta(hours=4)),
        ("0 30 2 * * *", timedelta(days=1)),
        ("0 0/2 6-20 * * MON-FRI", timedelta(days=2, hours=9, minutes=2)),
        ("0 0 0 31 * *", timedelta(days=61)),
        ("0 0 0 29 2 *", timedelta(days=8 * 365 + 1)),
        ("0 0 0 1 1 0", timedelta(days=11 * 365 + 3)),
        ("0 0 2 31 2 *", None),
    ],
    ids=str,
)
def test_the_longest_pause(expression: str, pause: timedelta | None) -> None:
    """Nights, weekends, short months and years that are no leap years count."""
    assert parse(expression).longest_pause() == pause


def _some(values: range) -> st.SearchStrategy[str]:
    chosen = st.lists(st.sampled_from(values), min_size=1, max_size=4)
    return chosen.map(lambda found: ",".join(map(str, found)))


@settings(max_examples=60, deadline=None)
@given(_some(range(60)), _some(range(24)), _some(range(7)))
def test_the_longest_pause_of_a_week_is_the_longest_one_seen(minute: str, hour: str, weekday: str) -> None:
    """Walked through from run to run, a week's schedule has no longer pause, and has that one."""
    schedule = parse(f"0 {minute} {hour} * * {weekday}")
    a_week = len(list(product(schedule.minutes, schedule.hours, schedule.weekdays)))
    times = _times(schedule, a_week + 1)
    assert schedule.longest_pause() == max(later - earlier for earlier, later in pairwise(times))
