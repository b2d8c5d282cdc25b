"""Dataverse's UTC in, the chosen zone out, at every time of the year."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tzlocal.windows_tz import win_tz

from booking_sync.domain.events.event import EventContent, EventTime
from booking_sync.domain.events.zones import (
    UnknownZoneError,
    ZoneDifference,
    describe_differences,
    event_zone,
)

ZONES = {
    "FLE Standard Time": "Europe/Helsinki",
    "W. Europe Standard Time": "Europe/Berlin",
    "GMT Standard Time": "Europe/London",
    "Eastern Standard Time": "America/New_York",
    "India Standard Time": "Asia/Kolkata",
    "AUS Eastern Standard Time": "Australia/Sydney",
    "Nepal Standard Time": "Asia/Kathmandu",
}


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "utc", "local"),
    [
        # The concept that this product grew from labelled UTC times with the zone: hours off.
        ("FLE Standard Time", "2026-01-15T08:00", "2026-01-15T10:00:00"),
        ("FLE Standard Time", "2026-07-15T08:00", "2026-07-15T11:00:00"),
        ("Europe/Helsinki", "2026-07-15T08:00", "2026-07-15T11:00:00"),
        # The last minute before and the first after the clocks go forward.
        ("Europe/Berlin", "2026-03-29T00:59", "2026-03-29T01:59:00"),
        ("Europe/Berlin", "2026-03-29T01:00", "2026-03-29T03:00:00"),
        ("America/New_York", "2026-03-08T07:00", "2026-03-08T03:00:00"),
        ("Asia/Kolkata", "2026-06-01T00:00", "2026-06-01T05:30:00"),
        ("Asia/Kathmandu", "2026-06-01T00:00", "2026-06-01T05:45:00"),
        ("Australia/Sydney", "2026-01-01T00:00", "2026-01-01T11:00:00"),
        ("Pacific/Honolulu", "2026-01-01T00:00", "2025-12-31T14:00:00"),
    ],
)
def test_each_zone_shows_its_own_wall_clock(zone: str, utc: str, local: str) -> None:
    """A UTC instant becomes the wall-clock time of the zone, summer time included."""
    start, _ = event_zone(zone).write(_at(utc), _at(utc))
    assert start.date_time == local


@pytest.mark.parametrize(("windows", "iana"), ZONES.items())
def test_graph_is_sent_the_windows_name(windows: str, iana: str) -> None:
    """Windows names are the ones that every mailbox knows."""
    assert event_zone(windows).graph_name == windows
    assert event_zone(iana).graph_name == windows


def test_utc_stays_utc() -> None:
    """UTC is written as such."""
    start, end = event_zone("UTC").write(_at("2026-07-15T08:00"), _at("2026-07-15T09:30"))
    assert (start, end) == (EventTime("2026-07-15T08:00:00", "UTC"), EventTime("2026-07-15T09:30:00", "UTC"))


@pytest.mark.parametrize("moment", ["2026-10-25T00:30", "2026-10-25T01:30"])
def test_an_hour_that_comes_twice_is_written_in_utc(moment: str) -> None:
    """When the clocks go back a wall-clock time names two instants, so UTC says which is meant."""
    start, end = event_zone("Europe/Berlin").write(_at(moment), _at(moment) + timedelta(hours=3))
    assert start == EventTime(_at(moment).strftime("%Y-%m-%dT%H:%M:%S"), "UTC")
    assert end.time_zone == "UTC"


@given(
    st.sampled_from(sorted(ZONES)),
    st.datetimes(datetime(2020, 1, 1), datetime(2037, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001 - Hypothesis wants naive bounds
)
def test_what_is_written_names_exactly_the_instant(zone: str, moment: datetime) -> None:
    """Whatever the zone and the season, reading the written time back gives the instant, without a doubt."""
    moment = moment.replace(microsecond=0)
    start, _ = event_zone(zone).write(moment, moment)
    rules = ZoneInfo("UTC" if start.time_zone == "UTC" else ZONES[zone])
    readings = {
        datetime.fromisoformat(start.date_time).replace(tzinfo=rules, fold=fold).astimezone(UTC)
        for fold in (0, 1)
    }
    assert readings == {moment}


@pytest.mark.parametrize(
    ("name", "graph_name"),
    [
        ("GMT", "UTC"),
        ("Etc/UTC", "UTC"),
        ("utc", "UTC"),
        ("EST5EDT", "Eastern Standard Time"),
        ("CST6CDT", "Central Standard Time"),
        ("MST7MDT", "Mountain Standard Time"),
        ("PST8PDT", "Pacific Standard Time"),
        ("US/East-Indiana", "US Eastern Standard Time"),
        ("Europe/Uzhgorod", "FLE Standard Time"),
        ("Europe/Zaporozhye", "FLE Standard Time"),
        ("Antarctica/Troll", "UTC"),
    ],
)
def test_a_name_that_graph_would_refuse_is_never_sent(name: str, graph_name: str) -> None:
    """Old links go by their zone, and what has no Windows name is written in UTC."""
    assert event_zone(name).graph_name == graph_name


@pytest.mark.parametrize("name", sorted(available_timezones() - {"Factory", "localtime"}))
def test_every_zone_says_the_same_instant_to_exchange(name: str) -> None:
    """At each turn of either rule book in the years in use, Graph knows the name and reads what is meant."""
    zone = event_zone(name)
    graph_rules = ZoneInfo(win_tz[zone.graph_name])
    for moment in _turns(ZoneInfo(name)) | _turns(graph_rules):
        for nearby in (moment - STEP, moment, moment + timedelta(minutes=30), moment + STEP):
            start, end = zone.write(nearby, nearby)
            assert (start.time_zone, end.time_zone) in {(zone.graph_name,) * 2, ("UTC", "UTC")}
            rules = graph_rules if start.time_zone == zone.graph_name else UTC
            wall = datetime.fromisoformat(start.date_time)
            assert {wall.replace(tzinfo=rules, fold=fold).astimezone(UTC) for fold in (0, 1)} == {nearby}


STEP = timedelta(hours=6)


@cache
def _turns(rules: ZoneInfo) -> frozenset[datetime]:
    """Instants within six hours after a change of offset, and the first of all."""
    moments = [datetime(2024, 1, 1, tzinfo=UTC) + number * STEP for number in range(4 * 366 * 8)]
    offsets = [moment.astimezone(rules).utcoffset() for moment in moments]
    return frozenset(
        moment
        for moment, before, now in zip(moments[1:], offsets, offsets[1:], strict=False)
        if before != now
    ) | {moments[0]}


@given(
    st.sampled_from(sorted([*ZONES, "America/Scoresbysund", "Antarctica/Casey"])),
    st.datetimes(datetime(2020, 1, 1), datetime(2037, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001 - Hypothesis wants naive bounds
    st.timedeltas(timedelta(0), timedelta(days=3)),
)
def test_a_written_time_is_read_back(zone: str, start: datetime, length: timedelta) -> None:
    """`instant` undoes `write` to the second, and the form in UTC is at the same instants."""
    rules, end = event_zone(zone), start + length
    content = EventContent("s", "b", *rules.write(start, end), show_as="busy")
    meant = (start.replace(microsecond=0), end.replace(microsecond=0))
    assert (rules.instant(content.start), rules.instant(content.end)) == meant
    in_utc = rules.in_utc(content)
    assert (in_utc.start.time_zone, in_utc.end.time_zone) == ("UTC", "UTC")
    assert (rules.instant(in_utc.start), rules.instant(in_utc.end)) == meant
    assert replace(in_utc, start=content.start, end=content.end) == content


def test_differences_are_told_in_words() -> None:
    """One sentence for each zone and size, with the days."""
    zone, seen = "W. Europe Standard Time", _at("2027-01-01T00:00")
    first = ZoneDifference(zone, _at("2027-03-28T09:00"), 60, seen)
    later = replace(first, meant=_at("2027-04-04T09:00"))
    (alone,) = describe_differences((first,))
    assert alone.startswith(f"Exchange reads {zone} an hour differently on 2027-03-28 than this app")
    (both,) = describe_differences((later, first))
    assert "on days from 2027-03-28 to 2027-04-04 than" in both
    assert "30 minutes" in describe_differences((replace(first, minutes=-30), first))[0]


@pytest.mark.parametrize(
    "name",
    ["", "Mars/Olympus", "../etc/passwd", "FLE", "Europe", "Factory", "localtime", "posix/Europe/Berlin"],
)
def test_an_unknown_zone_is_refused_by_name(name: str) -> None:
    """A wrong zone name is an error that names it."""
    with pytest.raises(UnknownZoneError, match="time zone"):
        event_zone(name)
