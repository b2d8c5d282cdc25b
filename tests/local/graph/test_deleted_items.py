"""What is left of a deleted event, in each of the ways that nobody knows of the real service."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from local.graph.config import DELETED_ITEMS_VARIABLE, GraphConfig
from tests.local.graph.kit import EVENTS, EXTENSION, IMMUTABLE, MARKER, USER, code, event_body, marked

if TYPE_CHECKING:
    from tests.local.graph.kit import Rig

PARENT = "singleValueExtendedProperties($filter=id eq 'Binary 0x0E09')"


def path(event: dict[str, Any], more: str = "") -> str:
    """An event's own address."""
    return f"{EVENTS}/{quote(event['id'], safe='')}{more}"


async def deleted(rig: Rig, by: str, **body: Any) -> dict[str, Any]:
    """An event of ours that somebody deleted."""
    event = await rig.post(event_body(**body))
    if by == "app":
        assert (await rig.call("DELETE", path(event))).status_code == 204
    else:
        await rig.act("delete", event)
    return event


@pytest.mark.parametrize("by", ["app", "person"])
async def test_gone_means_not_found(rig: Rig, by: str) -> None:
    """In the mode `gone` every call on a deleted event answers 404, and Deleted Items stays empty."""
    rig.configure(deleted_items="gone")
    event = await deleted(rig, by)
    for method, body in (("GET", None), ("PATCH", {"subject": "x"}), ("DELETE", None)):
        answer = await rig.call(method, path(event), body)
        assert (answer.status_code, code(answer)) == (404, "ErrorItemNotFound")
    assert await rig.control("GET", "deleted") == []


@pytest.mark.parametrize("by", ["app", "person"])
async def test_kept_is_read_and_patched_but_not_shown(rig: Rig, by: str) -> None:
    """In the mode `kept` the immutable id leads to the event, and no listing does."""
    rig.configure(deleted_items="kept")
    event = await deleted(rig, by, **marked("v"))
    read = await rig.call("GET", path(event))
    written = await rig.call("PATCH", path(event), {"subject": "Written"})
    tagged = await rig.call("POST", path(event, "/extensions"), EXTENSION)
    assert (read.status_code, written.status_code, tagged.status_code) == (200, 200, 201)
    assert written.json()["subject"] == "Written"
    found = f"singleValueExtendedProperties/any(ep:ep/id eq '{MARKER}' and ep/value eq 'v')"
    listed = await rig.http.get(f"/v1.0{EVENTS}", params={"$filter": found}, headers=dict(IMMUTABLE))
    assert (listed.json()["value"], await rig.view()) == ([], [])
    assert (await rig.call("GET", EVENTS)).json()["value"] == []
    assert await rig.control("GET", "events") == []
    (kept,) = await rig.control("GET", "deleted")
    assert (kept["immutableId"], kept["subject"], kept["deleted"]) == (event["id"], "Written", True)


async def test_kept_ends_the_id_that_is_not_immutable(rig: Rig) -> None:
    """The default kind of id names the folder, too: it changes with it."""
    rig.configure(deleted_items="kept")
    created = await rig.call("POST", EVENTS, event_body(), prefer="")
    stored = next(iter(rig.graph.state.user(USER).events.values()))
    await rig.act("delete", {"id": stored.immutable_id})
    assert (await rig.call("GET", path(created.json()), prefer="")).status_code == 404


@pytest.mark.parametrize(("mode", "first"), [("refused", 403), ("once_more", 204)])
@pytest.mark.parametrize("by", ["app", "person"])
async def test_kept_can_not_be_deleted_again(rig: Rig, by: str, mode: str, first: int) -> None:
    """403 `ErrorCannotDeleteObject` instead of 404, at once or after one more deletion."""
    rig.configure(deleted_items="kept", deleted_items_delete=mode)
    event = await deleted(rig, by)
    assert (await rig.call("DELETE", path(event))).status_code == first
    again = await rig.call("DELETE", path(event))
    assert (again.status_code, code(again)) == (403, "ErrorCannotDeleteObject")


@pytest.mark.parametrize("by", ["app", "person", "nobody"])
async def test_permanent_deletion_leaves_nothing(rig: Rig, by: str) -> None:
    """`permanentDelete` takes an event from the calendar or from Deleted Items; then its id is unknown."""
    rig.configure(deleted_items="kept")
    event = await rig.post(event_body()) if by == "nobody" else await deleted(rig, by)
    assert (await rig.call("POST", path(event, "/permanentDelete"))).status_code == 204
    for method in ("GET", "DELETE"):
        assert (await rig.call(method, path(event))).status_code == 404
    assert (await rig.call("POST", path(event, "/permanentDelete"))).status_code == 404
    assert await rig.control("GET", "deleted") == []


async def test_what_comes_back_from_an_archive_has_another_id(rig: Rig) -> None:
    """The event is the same, marker included; its former id leads nowhere."""
    event = await deleted(rig, "person", **marked("v"))
    await rig.act("restore", event, newId=True)
    (shown,) = await rig.control("GET", "events")
    assert shown["immutableId"] != event["id"]
    assert list(shown["extendedProperties"].values()) == ["v"]
    assert (await rig.call("GET", path(event))).status_code == 404


async def test_people_drag_events_to_other_times_and_stretch_them(rig: Rig) -> None:
    """Both times are saved, as one change; a length below nothing is refused."""
    event = await rig.post(event_body())
    (before,) = await rig.control("GET", "events")
    await rig.act("shift", event, minutes=90, longer=-15)
    (after,) = await rig.control("GET", "events")
    moved = [
        datetime.fromisoformat(after[each]["dateTime"]) - datetime.fromisoformat(before[each]["dateTime"])
        for each in ("start", "end")
    ]
    assert moved == [timedelta(minutes=90), timedelta(minutes=75)]
    order = {"mailbox": USER, "id": event["id"], "longer": -600}
    assert (await rig.http.post("/_control/user/shift", json=order)).status_code == 400


async def test_people_empty_restore_and_delete_for_good(rig: Rig) -> None:
    """What a person restores shows again under its id; what is emptied or deleted for good is not found."""
    rig.configure(deleted_items="kept")
    restored, emptied = await deleted(rig, "person"), await deleted(rig, "person")
    await rig.act("restore", restored)
    assert [each["id"] for each in await rig.view()] == [restored["id"]]
    await rig.control("POST", "user/empty", {"mailbox": USER})
    assert (await rig.call("GET", path(emptied))).status_code == 404
    await rig.act("delete", restored, forGood=True)
    assert (await rig.call("GET", path(restored))).status_code == 404
    refused = await rig.http.post("/_control/user/restore", json={"mailbox": USER, "id": restored["id"]})
    assert refused.status_code == 404


@pytest.mark.parametrize(
    ("tells", "cancelled", "elsewhere"),
    [("nothing", False, False), ("cancelled", True, False), ("calendar", False, True)],
)
async def test_what_the_answer_tells(rig: Rig, tells: str, *, cancelled: bool, elsewhere: bool) -> None:
    """Nothing, `isCancelled`, or a link to another folder, in the answers to GET and PATCH alike."""
    rig.configure(deleted_items="kept", deleted_items_tell=tells)
    shown, event = await rig.post(event_body()), await deleted(rig, "person")
    calendar = shown["calendar@odata.navigationLink"]
    assert calendar + "/$ref" == shown["calendar@odata.associationLink"]
    for method, body in (("GET", None), ("PATCH", {"subject": "x"})):
        answer = (await rig.call(method, path(event), body)).json()
        assert answer["isCancelled"] is cancelled
        assert (answer["calendar@odata.navigationLink"] != calendar) is elsewhere
        alive = (await rig.call(method, path(shown), body)).json()
        assert (alive["isCancelled"], alive["calendar@odata.navigationLink"]) == (False, calendar)


async def test_the_parent_folder_tells_where_expanded(rig: Rig) -> None:
    """`Binary 0x0E09` names the folder that an item lies in, where it can be read."""
    rig.configure(deleted_items="kept")
    one, other, event = (
        await rig.post(event_body()),
        await rig.post(event_body()),
        await deleted(rig, "app"),
    )

    async def folder(each: dict[str, Any]) -> str:
        answer = await rig.http.get(f"/v1.0{path(each)}", params={"$expand": PARENT}, headers=dict(IMMUTABLE))
        properties = answer.json().get("singleValueExtendedProperties", [{"value": ""}])
        return str(properties[0]["value"])

    assert await folder(one) == await folder(other) != await folder(event) != ""
    rig.configure(parent_folder_readable=False)
    assert await folder(event) == ""


async def test_an_update_that_would_mail_is_refused_there(rig: Rig) -> None:
    """EWS documents it: only an update that sends no mail goes through in Deleted Items."""
    rig.configure(deleted_items="kept", update_mails="what_attendees_see")
    guests = [{"emailAddress": {"address": "a@example.com"}}]
    event = await deleted(rig, "person", attendees=guests)
    loud = await rig.call("PATCH", path(event), {"subject": "x"})
    quiet = await rig.call("PATCH", path(event), {"categories": ["x"]})
    assert (loud.status_code, code(loud)) == (400, "ErrorCalendarCannotUpdateDeletedItem")
    assert quiet.status_code == 200


@pytest.mark.parametrize(("mode", "status"), [("forgotten", 201), ("remembered", 400), ("ghost", 201)])
async def test_kept_counts_as_deleted_for_a_transaction(rig: Rig, mode: str, status: int) -> None:
    """A creation with its transactionId meets the same three possibilities as when it is gone."""
    rig.configure(deleted_items="kept", deleted_transactions=mode)
    event = await deleted(rig, "app", transactionId="t1")
    again = await rig.call("POST", EVENTS, event_body(transactionId="t1"))
    assert again.status_code == status
    assert len(await rig.view()) == (1 if mode == "forgotten" else 0)
    assert (again.status_code == 201 and again.json()["id"] == event["id"]) is (mode == "ghost")


@pytest.mark.parametrize(("told", "usual"), [(None, "kept"), ("gone", "gone"), ("kept", "kept")])
def test_the_environment_says_what_is_usual(
    monkeypatch: pytest.MonkeyPatch, told: str | None, usual: str
) -> None:
    """So that a whole run of tests can be made where deleted events are gone."""
    monkeypatch.delenv(DELETED_ITEMS_VARIABLE, raising=False)
    if told is not None:
        monkeypatch.setenv(DELETED_ITEMS_VARIABLE, told)
    assert GraphConfig().deleted_items == usual


def test_another_word_in_the_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistyped run must not pass for the other one."""
    monkeypatch.setenv(DELETED_ITEMS_VARIABLE, "Gone")
    with pytest.raises(ValueError, match="must be one of kept, gone"):
        GraphConfig()
