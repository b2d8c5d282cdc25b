"""A person turns an event into a series: what the app meets then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from tests.local.graph.kit import EVENTS, IMMUTABLE, MARKER, STORED_MARKER, code, event_body, marked

if TYPE_CHECKING:
    from tests.local.graph.kit import Rig

RANGE = {"type": "numbered", "startDate": "2026-03-02", "numberOfOccurrences": 3}
DAILY = {"pattern": {"type": "daily", "interval": 1}, "range": RANGE}


def weekly(*days: str, **span: Any) -> dict[str, Any]:
    """A weekly recurrence from Monday, 2 March 2026."""
    pattern = {"type": "weekly", "interval": 1, "daysOfWeek": list(days)}
    return {"pattern": pattern, "range": {**RANGE, **span}}


async def series(rig: Rig, recurrence: dict[str, Any] | None = None) -> tuple[dict[str, Any], str]:
    """An event of the app's that a person made a series of, and its address."""
    event = await rig.post(event_body(**marked("v")))
    await rig.act("edit", event, event={"recurrence": recurrence or DAILY})
    return event, f"{EVENTS}/{quote(event['id'], safe='')}"


def starts(events: list[dict[str, Any]]) -> list[str]:
    """Their beginnings, in short."""
    return [each["start"]["dateTime"][5:16] for each in events]


async def test_the_event_becomes_a_series_master(rig: Rig) -> None:
    """Its id, marker and list entry stay; type and recurrence tell, and the view shows occurrences."""
    event, path = await series(rig)
    read = (await rig.call("GET", path)).json()
    assert (read["type"], read["recurrence"], read["seriesMasterId"]) == ("seriesMaster", DAILY, None)
    listed = (await rig.call("GET", EVENTS)).json()["value"]
    assert [(each["id"], each["type"]) for each in listed] == [(event["id"], "seriesMaster")]
    expand = f"singleValueExtendedProperties($filter=id eq '{MARKER}')"
    shown = await rig.view(**{"$expand": expand})
    assert starts(shown) == ["03-02T09:00", "03-03T09:00", "03-04T09:00"]
    assert {(each["type"], each["seriesMasterId"]) for each in shown} == {("occurrence", event["id"])}
    assert len({each["id"] for each in shown}) == 3
    assert {each["recurrence"] for each in shown} == {None}
    marks = [each["singleValueExtendedProperties"] for each in shown]
    assert marks == [[{"id": STORED_MARKER, "value": "v"}]] * 3


@pytest.mark.parametrize(
    ("recurrence", "days"),
    [
        (weekly("monday", "wednesday"), ["02", "04", "09"]),
        (weekly("monday", type="endDate", endDate="2026-03-16"), ["02", "09", "16"]),
        (weekly("friday", type="noEnd"), ["06", "13", "20", "27"]),
        ({**DAILY, "pattern": {"type": "daily", "interval": 10}}, ["02", "12", "22"]),
        ({**weekly("monday"), "pattern": {"type": "weekly", "interval": 2}}, ["02", "16", "30"]),
    ],
)
async def test_patterns(rig: Rig, recurrence: dict[str, Any], days: list[str]) -> None:
    """Days and weeks, ended by number, by date or not at all."""
    await series(rig, recurrence)
    assert [each["start"]["dateTime"][8:10] for each in await rig.view()] == days


async def test_null_turns_it_back_into_one_event(rig: Rig) -> None:
    """Public threads: an explicit null is the only way, and the first occurrence's time survives."""
    event, path = await series(rig)
    written = (await rig.call("PATCH", path, {"recurrence": None})).json()
    assert (written["type"], written["recurrence"]) == ("singleInstance", None)
    shown = await rig.view()
    assert [(each["id"], each["type"]) for each in shown] == [(event["id"], "singleInstance")]
    assert starts(shown) == ["03-02T09:00"]


@pytest.mark.parametrize(("mode", "status"), [("taken", 200), ("refused", 400)])
async def test_other_times(rig: Rig, mode: str, status: int) -> None:
    """A PATCH of the times moves the whole series, or is refused; with null beside them it is taken."""
    rig.configure(series_times=mode)
    event, path = await series(rig)
    times = {
        name: {"dateTime": f"2026-03-05T{hour}:00:00", "timeZone": "UTC"}
        for name, hour in (("start", 11), ("end", 12))
    }
    answer = await rig.call("PATCH", path, times)
    assert answer.status_code == status
    expected = ["03-05T11:00", "03-06T11:00", "03-07T11:00"] if status == 200 else []
    assert starts(await rig.view()) == (expected or ["03-02T09:00", "03-03T09:00", "03-04T09:00"])
    assert (await rig.call("PATCH", path, {"subject": "Renamed"})).status_code == 200
    single = await rig.call("PATCH", path, {**times, "recurrence": None})
    assert (single.status_code, single.json()["id"]) == (200, event["id"])
    assert starts(await rig.view()) == ["03-05T11:00"]


ENDING = {
    "recurrence": None,
    "isAllDay": False,
    "start": {"dateTime": "2026-03-05T11:00:00", "timeZone": "UTC"},
    "end": {"dateTime": "2026-03-05T12:00:00", "timeZone": "UTC"},
}
"""What the app's changes hold."""


@pytest.mark.assumes("series_end")
@pytest.mark.parametrize(
    ("mode", "status", "shown"),
    [
        ("ended", 200, ["03-05T11:00"]),
        ("ignored", 200, ["03-05T11:00", "03-06T11:00", "03-07T11:00"]),
        ("refused", 400, ["03-02T09:00", "03-03T09:00", "03-04T09:00"]),
    ],
)
async def test_whether_a_change_of_the_app_s_ends_a_series(
    rig: Rig, mode: str, status: int, shown: list[str]
) -> None:
    """One event, the same series at other times, or nothing at all; a person always can."""
    rig.configure(series_end=mode)
    event, path = await series(rig)
    answer = await rig.call("PATCH", path, ENDING)
    assert answer.status_code == status
    assert starts(await rig.view()) == shown
    if status == 200:
        assert answer.json()["type"] == ("singleInstance" if mode == "ended" else "seriesMaster")
    await rig.act("edit", event, event={"recurrence": None})
    assert len(await rig.view()) == 1


@pytest.mark.assumes("all_day_end")
@pytest.mark.parametrize(
    ("mode", "status", "shown"),
    [("ended", 200, "03-05T11:00"), ("ignored", 200, "03-02T00:00"), ("refused", 400, "03-02T00:00")],
)
async def test_whether_a_change_of_the_app_s_ends_an_all_day_event(
    rig: Rig, mode: str, status: int, shown: str
) -> None:
    """It has its hours again, or stays on its day, with the rest of the change or without."""
    rig.configure(all_day_end=mode)
    event = await rig.post(event_body(**marked("v")))
    days = {
        name: {"dateTime": f"2026-03-{day}T00:00:00", "timeZone": "UTC"}
        for name, day in (("start", "02"), ("end", "03"))
    }
    await rig.act("edit", event, event={"isAllDay": True, **days})
    answer = await rig.call("PATCH", f"{EVENTS}/{quote(event['id'], safe='')}", {**ENDING, "subject": "Ours"})
    assert answer.status_code == status
    (seen,) = await rig.view()
    assert (starts([seen]), seen["isAllDay"]) == ([shown], mode != "ended")
    assert (seen["subject"] == "Ours") is (status == 200)


async def test_one_occurrence(rig: Rig) -> None:
    """It is read and deleted by its own id; the others stay."""
    _, path = await series(rig)
    _, second, _ = await rig.view()
    own = f"{EVENTS}/{quote(second['id'], safe='')}"
    read = (await rig.call("GET", own)).json()
    assert (read["id"], read["start"], read["type"]) == (second["id"], second["start"], "occurrence")
    changed = await rig.call("PATCH", own, {"subject": "x"})
    assert (changed.status_code, code(changed)) == (400, "NotModelled")
    assert (await rig.call("DELETE", own)).status_code == 204
    assert (await rig.call("GET", own)).status_code == 404
    assert starts(await rig.view()) == ["03-02T09:00", "03-04T09:00"]
    assert (await rig.call("DELETE", path)).status_code == 204
    assert await rig.view() == []


async def test_the_wall_clock_rules_over_a_change_of_offset(rig: Rig) -> None:
    """Occurrences keep their local time when summer time begins."""
    zone = "W. Europe Standard Time"
    times = {
        name: {"dateTime": f"2026-03-28T{hour}:00:00", "timeZone": zone}
        for name, hour in (("start", "09"), ("end", "10"))
    }
    event = await rig.post(event_body(**times))
    recurrence = {**DAILY, "range": {**RANGE, "startDate": "2026-03-28"}}
    await rig.act("edit", event, event={"recurrence": recurrence})
    assert starts(await rig.view()) == ["03-28T08:00", "03-29T07:00", "03-30T07:00"]


@pytest.mark.parametrize(
    "recurrence",
    [
        "daily",
        {"pattern": DAILY["pattern"]},
        {**DAILY, "pattern": {"type": "absoluteMonthly", "interval": 1}},
        {**DAILY, "range": {"type": "noEnd"}},
        {**DAILY, "range": {**RANGE, "startDate": "tomorrow"}},
    ],
)
async def test_a_malformed_recurrence_is_refused(rig: Rig, recurrence: Any) -> None:
    """Bad types and what the stand-in does not model answer 400."""
    answer = await rig.call("POST", EVENTS, event_body(recurrence=recurrence))
    assert answer.status_code == 400


async def test_an_old_kind_of_id_leads_to_an_occurrence_too(rig: Rig) -> None:
    """Both kinds of ids name occurrences."""
    await series(rig)
    query = {"startDateTime": "2026-03-03T00:00:00Z", "endDateTime": "2026-03-04T00:00:00Z"}
    view = f"/v1.0{EVENTS.removesuffix('/events')}/calendarView"
    (shown,) = (await rig.http.get(view, params=query)).json()["value"]
    (immutable,) = (await rig.http.get(view, params=query, headers=dict(IMMUTABLE))).json()["value"]
    assert shown["id"] != immutable["id"]
    own = f"{EVENTS}/{quote(shown['id'], safe='')}"
    assert (await rig.call("GET", own, prefer="")).status_code == 200
    assert (await rig.call("GET", own)).status_code == 404
