"""Who gets mail for what is done to an event with attendees, and whose doing it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from tests.local.graph.kit import EVENTS, EXTENSION, event_body, marked

if TYPE_CHECKING:
    from tests.local.graph.kit import Rig

START = {"dateTime": "2026-03-02T09:30:00", "timeZone": "UTC"}


def guests(*names: str) -> list[dict[str, Any]]:
    """Attendees by name."""
    return [{"emailAddress": {"address": f"{name}@example.com"}} for name in names]


async def invited(rig: Rig) -> tuple[dict[str, Any], str]:
    """An event of the app's that its technician invited Anna to, and its address; no mail is on record."""
    event = await rig.post(event_body(**marked("v")))
    await rig.act("edit", event, event={"attendees": guests("anna")})
    assert await rig.mails() == [("invitation", ["anna@example.com"], "person")]
    rig.graph.state.mails.clear()
    return event, f"{EVENTS}/{quote(event['id'], safe='')}"


LOUD: list[dict[str, Any]] = [
    {"subject": "x"},
    {"start": START},
    {"end": START},
    {"body": {"contentType": "html", "content": "x"}},
    {"location": {"displayName": "x"}},
    {"isAllDay": False},
    {"importance": "high"},
    {"sensitivity": "private"},
    {"recurrence": None},
    {"subject": "x", "categories": ["x"]},
]
QUIET: list[dict[str, Any]] = [
    {"categories": ["x"]},
    {"isReminderOn": False},
    {"reminderMinutesBeforeStart": 5},
    {"showAs": "tentative"},
    marked("w"),
]


@pytest.mark.parametrize("rule", ["every_change", "what_attendees_see"])
@pytest.mark.parametrize("changes", LOUD, ids="-".join)
async def test_what_attendees_see_is_mailed(rig: Rig, changes: dict[str, Any], rule: str) -> None:
    """A PATCH by the app of what an invitation carries sends an update, under either rule."""
    rig.configure(update_mails=rule)
    _, path = await invited(rig)
    assert (await rig.call("PATCH", path, changes)).status_code == 200
    assert await rig.mails() == [("update", ["anna@example.com"], "app")]


@pytest.mark.parametrize("changes", QUIET, ids="-".join)
async def test_what_is_the_organizers_own_may_be_quiet(rig: Rig, changes: dict[str, Any]) -> None:
    """Reminder, categories, `showAs` and extended properties: no source says, so it is a setting."""
    _, path = await invited(rig)
    await rig.call("PATCH", path, changes)
    assert len(await rig.mails()) == 1
    rig.configure(update_mails="what_attendees_see")
    await rig.call("PATCH", path, changes)
    assert len(await rig.mails()) == 1


async def test_an_open_extension_is_quiet(rig: Rig) -> None:
    """It is a resource of its own, and no change of the event."""
    _, path = await invited(rig)
    assert (await rig.call("POST", f"{path}/extensions", EXTENSION)).status_code == 201
    assert await rig.mails() == []


async def test_only_the_attendees_who_changed_are_told_of_attendees(rig: Rig) -> None:
    """Documented: a PATCH with nothing but `attendees` reaches those who came or left."""
    _, path = await invited(rig)
    await rig.call("PATCH", path, {"attendees": guests("anna", "bert")})
    await rig.call("PATCH", path, {"attendees": guests("bert")})
    await rig.call("PATCH", path, {"attendees": guests("bert", "carl"), "subject": "x"})
    assert await rig.mails() == [
        ("invitation", ["bert@example.com"], "app"),
        ("cancellation", ["anna@example.com"], "app"),
        ("invitation", ["carl@example.com"], "app"),
        ("update", ["bert@example.com"], "app"),
    ]


@pytest.mark.parametrize("mode", ["gone", "kept"])
@pytest.mark.parametrize("by", ["app", "person", "permanently"])
async def test_a_deletion_is_mailed(rig: Rig, by: str, mode: str) -> None:
    """Attendees are told that a meeting is off, whoever calls it off and wherever the event goes."""
    rig.configure(deleted_items=mode)
    event, path = await invited(rig)
    if by == "person":
        await rig.act("delete", event)
    elif by == "app":
        await rig.call("DELETE", path)
    else:
        await rig.call("POST", f"{path}/permanentDelete")
    assert await rig.mails() == [
        ("cancellation", ["anna@example.com"], "person" if by == "person" else "app")
    ]


async def test_without_attendees_nothing_is_mailed(rig: Rig) -> None:
    """All that the app does to an event of its own is silent."""
    event = await rig.post(event_body())
    path = f"{EVENTS}/{quote(event['id'], safe='')}"
    for changes in [*LOUD, *QUIET]:
        assert (await rig.call("PATCH", path, {**changes, "attendees": []})).status_code == 200
    await rig.call("DELETE", path)
    assert await rig.mails() == []
