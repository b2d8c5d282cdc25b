"""Dataverse's UTC in, the chosen zone out, at every time of the year."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_sync.domain.event import EventTime
from booking_sync.domain.zones import UnknownZoneError, event_zone

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


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../etc/passwd", "FLE", "Europe"])
def test_an_unknown_zone_is_refused_by_name(name: str) -> None:
    """A wrong zone name is an error that names it."""
    with pytest.raises(UnknownZoneError, match="time zone"):
        event_zone(name)
