"""What the tenant check tries on the real service, held to the stand-in where no other test does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from tests.local.graph.kit import EVENTS, MARKER, STORED_MARKER, USER, event_body, marked

if TYPE_CHECKING:
    from tests.local.graph.kit import Rig

EXPAND = quote(f"singleValueExtendedProperties($filter=id eq '{MARKER}')")


@pytest.mark.assumes("property_in_patch")
async def test_a_patch_adds_a_property(rig: Rig) -> None:
    """An event that was made without an extended property has it afterwards."""
    created = await rig.post(event_body())
    path = f"{EVENTS}/{created['id']}"
    assert (await rig.call("PATCH", path, marked("v"))).status_code == 200
    read = (await rig.call("GET", f"{path}?$expand={EXPAND}")).json()
    assert read["singleValueExtendedProperties"] == [{"id": STORED_MARKER, "value": "v"}]


@pytest.mark.assumes("view_expands")
async def test_a_view_shows_markers(rig: Rig) -> None:
    """A calendarView expands the marker of each event that has one."""
    await rig.post(event_body(**marked("v")))
    await rig.post(event_body())
    shown = await rig.view(**{"$expand": f"singleValueExtendedProperties($filter=id eq '{MARKER}')"})
    values = [[each["value"] for each in event.get("singleValueExtendedProperties", [])] for event in shown]
    assert values == [["v"], []]


@pytest.mark.assumes("created_time")
async def test_an_event_tells_when_it_was_made(rig: Rig) -> None:
    """Its `createdDateTime` lies between request and answer."""
    before = datetime.now(UTC)
    created = datetime.fromisoformat((await rig.post(event_body()))["createdDateTime"])
    assert before - timedelta(seconds=1) <= created <= datetime.now(UTC) + timedelta(seconds=1)


@pytest.mark.assumes("filter_speed")
async def test_a_search_is_one_request_however_many_events_there_are(rig: Rig) -> None:
    """Nothing but the events with the marker is listed, so that a search needs no paging."""
    for _ in range(30):
        await rig.post(event_body())
    condition = quote(f"singleValueExtendedProperties/any(ep: ep/id eq '{MARKER}' and ep/value eq 'nobody')")
    assert (await rig.call("GET", f"{EVENTS}?$filter={condition}")).json() == {"value": []}


@pytest.mark.assumes("category_colours")
@pytest.mark.parametrize(
    ("mode", "names"),
    [("denied", None), ("readable", False), ("without_ours", False), ("with_ours", True)],
)
async def test_a_mailbox_s_categories(rig: Rig, mode: str, names: bool | None) -> None:  # noqa: FBT001 - a parameter of the test
    """Refused without the right to read them; else listed, ours among them or not."""
    rig.configure(master_categories=mode)
    answer = await rig.call("GET", f"/users/{USER}/outlook/masterCategories")
    if names is None:
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "ErrorAccessDenied")
    else:
        listed = {each["displayName"] for each in answer.json()["value"]}
        assert ("Field Service: Scheduled" in listed) is names


@pytest.mark.assumes("category_twice")
@pytest.mark.parametrize(("mode", "status"), [("conflict", 409), ("invalid", 400)])
async def test_a_category_is_in_a_list_once(rig: Rig, mode: str, status: int) -> None:
    """A second one of the name is refused, whatever its capital letters; the first keeps its colour."""
    rig.configure(master_categories="without_ours", category_twice=mode)
    place = f"/users/{USER}/outlook/masterCategories"
    made = await rig.call("POST", place, {"displayName": "VIP", "color": "preset15"})
    assert (made.status_code, made.json()["displayName"], made.json()["color"]) == (201, "VIP", "preset15")
    assert (await rig.call("POST", place, {"displayName": "vip", "color": "preset1"})).status_code == status
    listed = (await rig.call("GET", place)).json()["value"]
    assert [each["color"] for each in listed if each["displayName"].lower() == "vip"] == ["preset15"]
