"""The Graph stand-in refuses what Graph refuses, and keeps its limits."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import pytest

from local.standin.faults import Fault
from local.standin.tokens import issue
from tests.local.graph.kit import (
    AUDIENCE,
    EVENTS,
    EXTENSION,
    IMMUTABLE,
    KEY,
    MARKER,
    STORED_MARKER,
    USER,
    Rig,
    code,
    event_body,
    item,
    marked,
)

if TYPE_CHECKING:
    import ssl

    from local.stack.certificates import Certificates


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic abc",
        "Bearer nonsense",
        f"Bearer {issue(KEY, AUDIENCE, -10)}",
        f"Bearer {issue(KEY, 'https://other', 60)}",
        f"Bearer {issue(b'x' * 32, AUDIENCE, 60)}",
    ],
)
async def test_bad_token_is_refused(rig: Rig, header: str) -> None:
    """A missing, foreign, expired or misdirected token is answered 401 with Graph's error."""
    answer = await rig.call("GET", EVENTS, Authorization=header)
    assert (answer.status_code, code(answer)) == (401, "InvalidAuthenticationToken")


async def test_bodies_are_measured_both_ways(rig: Rig) -> None:
    """The request log knows how many bytes each body had, so that benchmarks can count them."""
    answer = await rig.http.post("/v1.0/$batch", content=b'{"requests": []}')
    logged = rig.graph.requests[-1]
    assert (logged.body_bytes, logged.answer_bytes) == (16, len(answer.content))


async def test_request_ids_are_answered(rig: Rig) -> None:
    """The client's request id is echoed beside the service's own."""
    answer = await rig.call("GET", EVENTS, **{"client-request-id": "abc"})
    assert answer.headers["client-request-id"] == "abc"
    assert answer.headers["request-id"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/users", 403),
        ("POST", "/users", 405),
        ("GET", f"/users/{USER}/calendar", 400),
        ("POST", f"/users/{USER}/calendar/events", 405),
        ("GET", f"/users/{USER}/calendars?$filter=name eq 'x'", 400),
        ("GET", f"/users/{USER}/calendars?$top=0", 400),
        ("GET", f"/users/{USER}/calendars?$select=id,ownerAddress", 400),
        ("GET", f"/users/{USER}/calendars/AAMkno-such_=/events", 404),
        ("GET", f"/Users/{USER}/events", 400),
        ("GET", "/me/events", 400),
        ("DELETE", EVENTS, 405),
        ("PUT", f"{EVENTS}/1", 405),
        ("GET", "/$batch", 405),
        ("GET", f"{EVENTS}?$search=x", 400),
        ("GET", f"{EVENTS}?top=3", 400),
        ("GET", f"{EVENTS}?$top=1001", 400),
        ("GET", f"{EVENTS}?$top=0", 400),
        ("GET", f"{EVENTS}?$top=1&$top=2", 400),
        ("GET", f"{EVENTS}?$select=subject,Start", 400),
        ("GET", f"{EVENTS}?$expand=singleValueExtendedProperties", 400),
        ("GET", f"{EVENTS}?$expand=instances", 400),
        ("GET", f"{EVENTS}?$filter=transactionId eq '1'", 400),
        ("GET", f"{EVENTS}?$orderby=subject", 400),
        ("GET", f"{EVENTS}/1?$filter=x", 400),
        ("GET", f"/users/{USER}/calendarView", 400),
        ("GET", f"/users/{USER}/calendarView?startDateTime=2026-01-01T00:00:00Z&endDateTime=soon", 400),
        ("DELETE", f"{EVENTS}/1?$select=id", 400),
    ],
)
async def test_what_is_not_understood_is_refused(rig: Rig, method: str, path: str, status: int) -> None:
    """No unknown route, method or query option is passed over in silence."""
    answer = await rig.call(method, path)
    assert answer.status_code == status
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "prefer", ['IdType="Immutable"', 'idtype="ImmutableId"', "respond-async", 'outlook.timezone="Mars"']
)
async def test_unknown_preference_is_refused(rig: Rig, prefer: str) -> None:
    """A misspelt preference does not quietly hand out changing ids."""
    assert (await rig.call("GET", EVENTS, prefer=prefer)).status_code == 400


@pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
@pytest.mark.assumes("if_match_on_events")
async def test_conditional_headers_are_refused(rig: Rig, header: str) -> None:
    """What Graph doesn't document for events can't be relied on here either."""
    assert (await rig.call("GET", EVENTS, **{header: "*"})).status_code == 400


async def test_creating_fills_in_the_real_defaults(rig: Rig) -> None:
    """An event that says little reminds, shows as busy and comes back with a rewritten body."""
    created = await rig.post(event_body())
    expected = {
        "isReminderOn": True,
        "reminderMinutesBeforeStart": 15,
        "showAs": "busy",
        "sensitivity": "normal",
        "importance": "normal",
        "isAllDay": False,
        "start": {"dateTime": "2026-03-02T09:00:00.0000000", "timeZone": "UTC"},
        "bodyPreview": "Bring tools",
        "attendees": [],
    }
    assert {name: created[name] for name in expected} == expected
    assert created["body"]["content"].startswith("<html>")
    assert "<p>Bring <b>tools</b></p>" in created["body"]["content"]
    assert "singleValueExtendedProperties" not in created


@pytest.mark.parametrize(
    "changes",
    [
        {"Subject": "x"},
        {"subject": 3},
        {"subject": None},
        {"subject": "x" * 256},
        {"nonsense": True},
        {"id": "mine"},
        {"changeKey": "x"},
        {"recurrence": {}},
        {"@odata.type": "#microsoft.graph.message"},
        {"showAs": "Busy"},
        {"sensitivity": "secret"},
        {"importance": "urgent"},
        {"isReminderOn": "false"},
        {"reminderMinutesBeforeStart": "15"},
        {"reminderMinutesBeforeStart": True},
        {"categories": "Red"},
        {"categories": [1]},
        {"body": "text"},
        {"body": {"contentType": "markdown", "content": "x"}},
        {"body": {"content_type": "html", "content": "x"}},
        {"location": "Hamburg"},
        {"location": {"displayname": "x"}},
        {"location": {"address": {"zip": "1"}}},
        {"location": {"coordinates": {"latitude": "1"}}},
        {"location": {"coordinates": {"latitude": 91}}},
        {"location": {"displayName": "a"}, "locations": []},
        {"attendees": [{"type": "required"}]},
        {"start": {"dateTime": "2026-03-02T09:00:00"}},
        {"start": {"dateTime": "2026-03-02T09:00:00Z", "timeZone": "UTC"}},
        {"start": {"dateTime": "2026-03-02T09:00:00+01:00", "timeZone": "UTC"}},
        {"start": {"dateTime": "2026-02-30T09:00:00", "timeZone": "UTC"}},
        {"start": {"dateTime": "2026-03-02", "timeZone": "UTC"}},
        {"start": "2026-03-02T09:00:00"},
        {"end": {"dateTime": "2026-03-02T08:59:59", "timeZone": "UTC"}},
        {"isAllDay": True},
        {"transactionId": 7},
        {"singleValueExtendedProperties": [{"id": "String {66F5A359} Name X", "value": "v"}]},
        {"singleValueExtendedProperties": [{"id": MARKER.replace("Name", "name"), "value": "v"}]},
        {"singleValueExtendedProperties": [{"id": MARKER, "value": 1}]},
        {"singleValueExtendedProperties": [{"id": MARKER}]},
        {"extensions": [{"extensionName": "com.x"}]},
        {"extensions": [{"@odata.type": "microsoft.graph.openTypeExtension"}]},
        {"extensions": [{**EXTENSION, "nested": {"a": 1}}]},
    ],
    ids=json.dumps,
)
async def test_malformed_event_is_refused(rig: Rig, changes: dict[str, Any]) -> None:
    """An unknown name, a wrong case, type or value makes a 400 and no event."""
    answer = await rig.call("POST", EVENTS, event_body(**changes))
    assert answer.status_code == 400
    assert not rig.graph.state.mailbox(USER).events


@pytest.mark.parametrize("missing", ["start", "end"])
async def test_times_are_required(rig: Rig, missing: str) -> None:
    """An event without start or end is refused."""
    body = event_body()
    del body[missing]
    answer = await rig.call("POST", EVENTS, body)
    assert (answer.status_code, code(answer)) == (400, "ErrorPropertyValidationFailure")


@pytest.mark.parametrize(
    ("content", "kind"), [(b"{", "application/json"), (b"", "application/json"), (b"{}", "text/plain")]
)
async def test_body_must_be_json(rig: Rig, content: bytes, kind: str) -> None:
    """Broken, missing or undeclared JSON is refused."""
    answer = await rig.http.post(f"/v1.0{EVENTS}", content=content, headers={"Content-Type": kind})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("zone", "local", "utc"),
    [
        ("W. Europe Standard Time", "2026-07-01T09:00:00", "2026-07-01T07:00:00.0000000"),
        ("Europe/Berlin", "2026-01-01T09:00:00.5", "2026-01-01T08:00:00.5000000"),
        ("Europe/Berlin", "2026-10-25T02:30:00", "2026-10-25T00:30:00.0000000"),
        ("Pacific Standard Time", "2026-03-02T09:00", "2026-03-02T17:00:00.0000000"),
    ],
)
@pytest.mark.assumes("times_in_answers")
async def test_times_come_back_in_utc(rig: Rig, zone: str, local: str, utc: str) -> None:
    """Local times count with the zone's daylight saving, the first occurrence of an ambiguous one."""
    moment = {"dateTime": local, "timeZone": zone}
    created = await rig.post(event_body(start=moment, end=moment))
    assert created["start"] == {"dateTime": utc, "timeZone": "UTC"}
    assert created["originalStartTimeZone"] == zone


async def test_times_come_back_in_the_preferred_zone(rig: Rig) -> None:
    """`Prefer: outlook.timezone` decides the zone of the answer, and says so."""
    created = await rig.post(event_body())
    prefer = 'IdType="ImmutableId", outlook.timezone="Tokyo Standard Time"'
    answer = await rig.call("GET", f"{EVENTS}/{created['id']}", prefer=prefer)
    expected = {"dateTime": "2026-03-02T18:00:00.0000000", "timeZone": "Tokyo Standard Time"}
    assert answer.json()["start"] == expected
    assert answer.headers["Preference-Applied"] == prefer


@pytest.mark.parametrize("zone", ["", "Europe/Vienna", "w. europe standard time", "CET", "+01:00"])
async def test_unknown_zone_is_refused(rig: Rig, zone: str) -> None:
    """Only Windows names and the documented IANA names are zones."""
    moment = {"dateTime": "2026-03-02T09:00:00", "timeZone": zone}
    answer = await rig.call("POST", EVENTS, event_body(start=moment, end=moment))
    assert (answer.status_code, code(answer)) == (400, "TimeZoneNotSupportedException")


async def test_all_day_event_spans_midnights(rig: Rig) -> None:
    """An all-day event from midnight to midnight in its zone is taken."""
    start = {"dateTime": "2026-03-28T00:00:00", "timeZone": "Europe/Berlin"}
    end = {"dateTime": "2026-03-30T00:00:00", "timeZone": "Europe/Berlin"}
    created = await rig.post(event_body(start=start, end=end, isAllDay=True))
    assert created["end"]["dateTime"] == "2026-03-29T22:00:00.0000000"


@pytest.mark.assumes("own_event")
@pytest.mark.assumes("categories")
async def test_full_event_is_kept(rig: Rig) -> None:
    """Location, coordinates, categories and annotations as the SDK writes them come back."""
    location = {
        "displayName": "Site",
        "address": {"street": "A 1", "city": "B", "countryOrRegion": "DE", "postalCode": "1"},
        "coordinates": {"latitude": 53.5, "longitude": 10},
    }
    created = await rig.post(
        event_body(
            **{"@odata.type": "#microsoft.graph.event"},
            location={"@odata.type": "#microsoft.graph.location", **location},
            categories=["Red"],
            showAs="oof",
            isReminderOn=False,
        )
    )
    assert created["location"] == location
    assert created["locations"] == [location]
    assert (created["categories"], created["showAs"], created["isReminderOn"]) == (["Red"], "oof", False)


async def test_patch_changes_only_what_it_says(rig: Rig) -> None:
    """A PATCH leaves the rest alone and changes the version."""
    created = await rig.post(event_body(categories=["Red"]))
    answer = await rig.call("PATCH", f"{EVENTS}/{created['id']}", {"subject": "Later", **marked("v")})
    changed = answer.json()
    assert answer.status_code == 200
    assert (changed["subject"], changed["categories"]) == ("Later", ["Red"])
    assert changed["changeKey"] != created["changeKey"]
    assert rig.graph.state.mailbox(USER).events[created["id"]].properties == {STORED_MARKER: "v"}


@pytest.mark.parametrize(
    "changes",
    [
        {"transactionId": "t"},
        {"extensions": [EXTENSION]},
        {"id": "x"},
        {"end": {"dateTime": "2026-03-02T08:00:00", "timeZone": "UTC"}},
        {"nonsense": 1},
    ],
    ids=json.dumps,
)
async def test_bad_patch_is_refused(rig: Rig, changes: dict[str, Any]) -> None:
    """A PATCH of what can't change, or that makes no sense, leaves the event as it was."""
    created = await rig.post(event_body())
    answer = await rig.call("PATCH", f"{EVENTS}/{created['id']}", {"subject": "x", **changes})
    assert answer.status_code == 400
    assert rig.graph.state.mailbox(USER).events[created["id"]].content["subject"] == "Repair"


async def test_deleting_twice(rig: Rig) -> None:
    """The first DELETE answers 204 without a body; the second finds what lies in Deleted Items."""
    rig.configure(deleted_items="kept")
    path = f"{EVENTS}/{(await rig.post(event_body()))['id']}"
    first, second = await rig.call("DELETE", path), await rig.call("DELETE", path)
    assert (first.status_code, first.content) == (204, b"")
    assert (second.status_code, code(second)) == (403, "ErrorCannotDeleteObject")


async def test_ids_look_like_real_ones(rig: Rig) -> None:
    """Ids are long, hold awkward characters and are case-sensitive."""
    identifier = (await rig.post(event_body()))["id"]
    assert len(identifier) > 140
    assert set("-_=") <= set(identifier)
    assert (await rig.call("GET", f"{EVENTS}/{quote(identifier, safe='')}")).status_code == 200
    assert (await rig.call("GET", f"{EVENTS}/{identifier.swapcase()}")).status_code == 404


@pytest.mark.assumes("item_headers")
async def test_kinds_of_ids_do_not_mix(rig: Rig) -> None:
    """An id is found only under the preference it was given for; a move replaces the default one."""
    immutable = (await rig.post(event_body()))["id"]
    mutable = (await rig.call("GET", EVENTS, prefer="")).json()["value"][0]["id"]
    assert mutable != immutable
    assert (await rig.call("GET", f"{EVENTS}/{mutable}", prefer="")).status_code == 200
    assert (await rig.call("PATCH", f"{EVENTS}/{immutable}", {}, prefer="")).status_code == 404
    assert (await rig.call("DELETE", f"{EVENTS}/{mutable}")).status_code == 404
    await rig.control("POST", "user/move", {"mailbox": USER, "id": immutable})
    assert (await rig.call("GET", f"{EVENTS}/{mutable}", prefer="")).status_code == 404
    assert (await rig.call("GET", f"{EVENTS}/{immutable}")).status_code == 200


@pytest.mark.assumes("same_creation_again")
async def test_same_transaction_and_content_is_one_event(rig: Rig) -> None:
    """An identical replay answers 201 with the event there is, even after a change to it."""
    body = event_body(transactionId="t1", **marked("v"))
    first = await rig.post(body)
    await rig.call("PATCH", f"{EVENTS}/{first['id']}", {"subject": "changed"})
    second = await rig.post(body)
    assert (second["id"], second["subject"]) == (first["id"], "changed")
    assert len(rig.graph.state.mailbox(USER).events) == 1


@pytest.mark.parametrize("status", [400, 409])
@pytest.mark.parametrize("named", [True, False])
@pytest.mark.assumes("duplicate_status")
@pytest.mark.assumes("duplicate_names_event")
async def test_same_transaction_other_content_is_duplicate(rig: Rig, status: int, *, named: bool) -> None:
    """Other content under a used transactionId is refused, naming the event or not."""
    rig.configure(duplicate_status=status, duplicate_names_existing=named)
    first = await rig.post(event_body(transactionId="t1"))
    answer = await rig.call("POST", EVENTS, event_body(transactionId="t1", subject="other"))
    assert (answer.status_code, code(answer)) == (status, "ErrorDuplicateTransactionId")
    assert answer.json()["error"].get("@event.existingEventId") == (first["id"] if named else None)


async def test_transactions_belong_to_a_mailbox(rig: Rig) -> None:
    """The same transactionId in another mailbox makes another event."""
    rig.graph.state.add_mailbox("other")
    first = await rig.post(event_body(transactionId="t1"))
    second = await rig.post(event_body(transactionId="t1"), "/users/other/events")
    assert first["id"] != second["id"]


@pytest.mark.parametrize(
    ("mode", "status", "events"), [("forgotten", 201, 1), ("remembered", 400, 0), ("ghost", 201, 0)]
)
@pytest.mark.assumes("deleted_transaction")
async def test_transaction_of_a_deleted_event(rig: Rig, mode: str, status: int, events: int) -> None:
    """A replay after deletion creates anew, is refused naming the dead event, or answers the dead event."""
    rig.configure(deleted_transactions=mode)
    first = await rig.post(event_body(transactionId="t1"))
    await rig.call("DELETE", f"{EVENTS}/{first['id']}")
    answer = await rig.call("POST", EVENTS, event_body(transactionId="t1"))
    assert answer.status_code == status
    assert len(rig.graph.state.mailbox(USER).events) == events
    named = {
        "forgotten": None,
        "remembered": answer.json().get("error", {}).get("@event.existingEventId"),
        "ghost": answer.json().get("id"),
    }[mode]
    assert named == (None if mode == "forgotten" else first["id"])


@pytest.mark.parametrize(("no_lock", "events"), [(False, 1), (True, 2)])
@pytest.mark.assumes("transaction_race")
async def test_overlapping_creations(rig: Rig, *, no_lock: bool, events: int) -> None:
    """Two overlapping POSTs with one transactionId make two events only where the lock is taken away."""
    rig.configure(no_lock=no_lock, item_seconds=0.05)
    body = event_body(transactionId="t1")
    answers = await rig.batch(item("1", body=body), item("2", body=body))
    assert [each["status"] for each in answers.values()] == [201, 201]
    assert len(rig.graph.state.mailbox(USER).events) == events


@pytest.mark.parametrize("operator", ["any", "Any"])
@pytest.mark.parametrize(
    ("identifier", "value", "found"),
    [
        (MARKER, "Org/Booking", True),
        (STORED_MARKER, "ORG/booking", True),
        (MARKER, "Org/Book", False),
        (MARKER.replace("Marker", "marker"), "Org/Booking", False),
    ],
)
@pytest.mark.assumes("property_filter")
async def test_marker_is_found_by_filter(
    rig: Rig, identifier: str, value: str, operator: str, *, found: bool
) -> None:
    """The filter minds the case of the property's name, not of its value, its GUID or its operator."""
    await rig.post(event_body())
    created = await rig.post(event_body(**marked("Org/Booking")))
    condition = (
        f"singleValueExtendedProperties/{operator}(ep: ep/id eq '{identifier}' and ep/value eq '{value}')"
    )
    answer = await rig.call("GET", f"{EVENTS}?$filter={quote(condition)}&$select=subject")
    assert [each["id"] for each in answer.json()["value"]] == ([created["id"]] if found else [])


@pytest.mark.assumes("property_in_post")
async def test_marker_and_extensions_are_read_by_expanding(rig: Rig) -> None:
    """Extended properties and extensions show only when asked for, beside what was selected."""
    created = await rig.post(event_body(**marked("v")))
    path = f"{EVENTS}/{created['id']}"
    await rig.call("POST", f"{path}/extensions", EXTENSION)
    expand = quote(f"singleValueExtendedProperties($filter=id eq '{MARKER}'),extensions")
    read = (await rig.call("GET", f"{path}?$select=subject&$expand={expand}")).json()
    assert read.keys() == {
        "@odata.etag",
        "id",
        "subject",
        "singleValueExtendedProperties",
        "extensions",
    }
    assert read["singleValueExtendedProperties"] == [{"id": STORED_MARKER, "value": "v"}]
    assert [each["guid"] for each in read["extensions"]] == ["1"]


@pytest.mark.parametrize("annotation", ["", "#"])
@pytest.mark.assumes("extension_twice")
async def test_open_extension(rig: Rig, annotation: str) -> None:
    """An extension is added once, and read by its name."""
    path = f"{EVENTS}/{(await rig.post(event_body()))['id']}/extensions"
    body = {**EXTENSION, "@odata.type": annotation + str(EXTENSION["@odata.type"])}
    first, second = await rig.call("POST", path, body), await rig.call("POST", path, body)
    assert (first.status_code, second.status_code) == (201, 409)
    assert (await rig.call("GET", f"{path}/com.x.y")).json()["guid"] == "1"
    assert (await rig.call("GET", f"{path}/Com.X.Y")).status_code == 404


@pytest.mark.assumes("missing_extension")
async def test_open_extension_is_changed(rig: Rig) -> None:
    """A PATCH writes over the values that it names and keeps the others; one that is missing is a 404."""
    path = f"{EVENTS}/{(await rig.post(event_body()))['id']}/extensions"
    missing = await rig.call("PATCH", f"{path}/com.x.y", EXTENSION)
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "ErrorItemNotFound")
    await rig.call("POST", path, {**EXTENSION, "kept": "k"})
    changed = await rig.call("PATCH", f"{path}/com.x.y", {**EXTENSION, "guid": "2", "more": True})
    assert (changed.status_code, changed.json()["guid"]) == (200, "2")
    read = (await rig.call("GET", f"{path}/Microsoft.OutlookServices.OpenTypeExtension.com.x.y")).json()
    assert (read["guid"], read["kept"], read["more"]) == ("2", "k", True)
    other = await rig.call("PATCH", f"{path}/com.x.y", {**EXTENSION, "extensionName": "com.x.z"})
    assert other.status_code == 400


async def test_two_properties_are_expanded_at_once(rig: Rig) -> None:
    """A filter with `or` brings both extended properties, beside the fields that tell events apart."""
    other = MARKER.replace("Name ", "Name Other")
    values = [{"id": MARKER, "value": "v"}, {"id": other, "value": "w"}]
    created = await rig.post(event_body(singleValueExtendedProperties=values))
    expand = quote(f"singleValueExtendedProperties($filter=id eq '{MARKER}' or id eq '{other}')")
    fields = "id,iCalUId,transactionId,createdDateTime"
    read = (await rig.call("GET", f"{EVENTS}/{created['id']}?$select={fields}&$expand={expand}")).json()
    assert [each["value"] for each in read["singleValueExtendedProperties"]] == ["v", "w"]
    assert (read["iCalUId"], read["createdDateTime"]) == (created["iCalUId"], created["createdDateTime"])


async def test_extension_inside_the_creation_fails_half_way(rig: Rig) -> None:
    """Now and then a creation with an extension answers 503 though the event exists without it."""
    rig.configure(inline_extension_failure_every=2)
    answers = [await rig.call("POST", EVENTS, event_body(extensions=[EXTENSION])) for _ in range(2)]
    assert [each.status_code for each in answers] == [201, 503]
    kept = [list(each.extensions) for each in rig.graph.state.mailbox(USER).events.values()]
    assert kept == [["com.x.y"], []]


async def test_lists_are_paged(rig: Rig) -> None:
    """Lists come ten at a time or as asked, with an absolute link to the next page."""
    ids = [(await rig.post(event_body()))["id"] for _ in range(12)]
    first = (await rig.call("GET", f"{EVENTS}?$select=id")).json()
    rest = await rig.http.get(first["@odata.nextLink"], headers=IMMUTABLE)
    assert [each["id"] for each in [*first["value"], *rest.json()["value"]]] == ids
    assert len(first["value"]) == 10
    assert "@odata.nextLink" not in rest.json()
    assert len((await rig.call("GET", f"{EVENTS}?$top=1000")).json()["value"]) == 12


async def test_calendar_view_shows_what_overlaps(rig: Rig) -> None:
    """A view holds what overlaps its range, in order if asked, page by page."""
    for hour in (12, 8, 10):
        await rig.post(
            event_body(
                subject=str(hour),
                start={"dateTime": f"2026-03-02T{hour:02}:00:00", "timeZone": "UTC"},
                end={"dateTime": f"2026-03-02T{hour + 1:02}:00:00", "timeZone": "UTC"},
            )
        )
    bounds = "startDateTime=2026-03-02T10:30:00%2B02:00&endDateTime=2026-03-02T12:00:00"
    view = f"/users/{USER}/calendarView?{bounds}&$orderby=start/dateTime"
    assert [each["subject"] for each in (await rig.call("GET", view)).json()["value"]] == ["8", "10"]
    page = (await rig.call("GET", f"{view}&$top=1")).json()
    rest = (await rig.http.get(page["@odata.nextLink"])).json()
    assert [page["value"][0]["subject"], rest["value"][0]["subject"]] == ["8", "10"]


@pytest.mark.parametrize(
    ("user", "status", "expected"),
    [
        ("nobody", 404, "ErrorInvalidUser"),
        ("shelf", 404, "MailboxNotEnabledForRESTAPI"),
        ("boss", 403, "ErrorAccessDenied"),
    ],
)
async def test_unusable_mailboxes(rig: Rig, user: str, status: int, expected: str) -> None:
    """An unknown user, one without a mailbox and one out of scope have their own codes."""
    kinds = [{"id": "shelf", "kind": "no_mailbox"}, {"id": "boss", "kind": "denied"}]
    await rig.control("POST", "mailboxes", kinds)
    direct = await rig.call("POST", f"/users/{user}/events", event_body())
    in_batch = (await rig.batch(item("1", url=f"/users/{user}/events")))["1"]
    assert (direct.status_code, code(direct)) == (status, expected)
    assert (in_batch["status"], code(in_batch)) == (status, expected)


async def test_user_principal_name_names_the_same_mailbox(rig: Rig) -> None:
    """A mailbox is reached by id or by name, whatever their case."""
    created = await rig.post(event_body(), "/users/Tara@Example.com/events")
    assert (await rig.call("GET", f"/users/{USER.upper()}/events/{created['id']}")).status_code == 200


async def test_attendees_are_mailed(rig: Rig) -> None:
    """An invitation, an update and a cancellation go out; without attendees nothing does."""
    attendees = [{"emailAddress": {"address": "a@example.com"}, "type": "required"}]
    for people in ([], attendees):
        path = f"{EVENTS}/{(await rig.post(event_body(attendees=people)))['id']}"
        await rig.call("PATCH", path, {"subject": "x"})
        await rig.call("DELETE", path)
    mails = (await rig.control("GET", "stats"))["mails"]
    assert [(each["kind"], each["to"]) for each in mails] == [
        (kind, ["a@example.com"]) for kind in ("invitation", "update", "cancellation")
    ]


@pytest.mark.parametrize(
    "requests",
    [
        [],
        [item(str(number)) for number in range(21)],
        [item("1"), item("1")],
        [{**item("1"), "id": 1}],
        [item("1", depends_on=["2"])],
        [item("1", atomicityGroup="g")],
        [item("1", dependsOn=["2"])],
        [item("1", dependsOn=["2"]), item("2", dependsOn=["1"])],
        [item("1", url=f"https://graph.microsoft.com/v1.0{EVENTS}")],
        [item("1", url=EVENTS.removeprefix("/"))],
        [item("1", url=f"/v1.0{EVENTS}")],
        [item("1", method="post")],
        [item("1", headers={"Content-Type": 1})],
        "nothing",
    ],
)
@pytest.mark.assumes("batch_limit")
async def test_malformed_batch_is_refused(rig: Rig, requests: Any) -> None:
    """A batch that breaks a rule is refused as a whole, before anything is done."""
    answer = await rig.call("POST", "/$batch", {"requests": requests})
    assert (answer.status_code, code(answer)) == (400, "BadRequest")
    assert not rig.graph.state.mailbox(USER).events


async def test_batch_items_answer_for_themselves(rig: Rig) -> None:
    """Each item has its own status; 204 has no body; the outer answer is 200; the log has each item."""
    path = f"{EVENTS}/{(await rig.post(event_body()))['id']}"
    answers = await rig.batch(
        item("create"),
        item("delete", "DELETE", path),
        item("gone", "DELETE", f"{EVENTS}/none"),
        item("untyped", headers={}),
        item("space", "GET", f"{EVENTS}?$filter=a b"),
    )
    statuses = {name: each["status"] for name, each in answers.items()}
    assert statuses == {"create": 201, "delete": 204, "gone": 404, "untyped": 400, "space": 400}
    assert "body" not in answers["delete"]
    assert answers["create"]["body"]["id"] in rig.graph.state.mailbox(USER).events
    logged = rig.graph.requests[-1].items
    assert [(each["method"], each["path"], each["status"]) for each in logged][:2] == [
        ("POST", EVENTS, 201),
        ("DELETE", path, 204),
    ]


@pytest.mark.assumes("batch_at_once")
async def test_batch_of_twenty_is_shuffled_in_waves_of_four(rig: Rig) -> None:
    """Twenty items are taken, run four at a time even over many mailboxes, and answered in any order."""
    rig.configure(item_seconds=0.01)
    answers = await rig.batch(*(item(str(number)) for number in range(20)))
    assert {each["status"] for each in answers.values()} == {201}
    assert sorted(answers, key=int) != list(answers)
    stats = await rig.control("GET", "stats")
    assert stats["mailboxes"][USER]["maxConcurrency"] == 4
    assert stats["concurrencyRejections"] == 0


async def test_fifth_request_in_flight_is_refused(rig: Rig) -> None:
    """With four requests in flight to a mailbox, each further one is throttled, direct or in a batch."""
    config = rig.graph.state.config
    with contextlib.ExitStack() as places:
        for _ in range(4):
            places.enter_context(rig.graph.limits.admit(USER, config))
        refused = (await rig.batch(item("1")))["1"]
        direct = await rig.call("GET", EVENTS)
    assert (refused["status"], code(refused)) == (429, "ApplicationThrottled")
    assert refused["headers"]["Retry-After"] == direct.headers["Retry-After"] == "1"
    assert "MailboxConcurrency" in refused["body"]["error"]["message"]
    assert direct.status_code == 429
    assert rig.graph.limits.concurrency_rejections == 2
    assert (await rig.call("GET", EVENTS)).status_code == 200


async def test_disjoint_batches_do_not_collide(rig: Rig) -> None:
    """Batches over other mailboxes run side by side."""
    rig.configure(item_seconds=0.05)
    rig.graph.state.add_mailbox("other")
    batches = [[item(str(n), url=f"/users/{user}/events") for n in range(4)] for user in (USER, "other")]
    answers = await asyncio.gather(*(rig.batch(*each) for each in batches))
    assert {each["status"] for batch in answers for each in batch.values()} == {201}


async def test_dependents_wait_and_fail_with_their_parent(rig: Rig) -> None:
    """With `dependsOn` items run one at a time, and what depends on a failure is not run."""
    rig.configure(item_seconds=0.01)
    answers = await rig.batch(
        item("3", dependsOn=["2"]),
        item("2", "DELETE", f"{EVENTS}/none", dependsOn=["1"]),
        item("1"),
        item("4"),
    )
    statuses = {name: each["status"] for name, each in answers.items()}
    assert statuses == {"1": 201, "2": 404, "3": 424, "4": 201}
    assert rig.graph.limits.meter(USER).most_in_flight == 1


@pytest.mark.parametrize(
    ("fault", "status", "events"),
    [
        (Fault(path=r"^/users/", status=503, headers={"Retry-After": "2.128"}), 503, 0),
        (Fault(path=EVENTS, method="POST", when="after", status=409, body={"error": {"code": ""}}), 409, 1),
        (Fault(path=r"^/users/", when="after", drop=True), 504, 1),
    ],
    ids=["before", "after", "drop"],
)
async def test_scripted_faults_strike_items(rig: Rig, fault: Fault, status: int, events: int) -> None:
    """A fault before an item prevents it, one after spoils only its answer; the next item is unharmed."""
    rig.graph.faults.add(fault)
    struck = (await rig.batch(item("1")))["1"]
    assert struck["status"] == status
    assert struck.get("headers", {}).get("Retry-After") == fault.headers.get("Retry-After")
    assert len(rig.graph.state.mailbox(USER).events) == events
    assert (await rig.batch(item("1")))["1"]["status"] == 201


async def test_request_budget(rig: Rig) -> None:
    """A mailbox that used up its budget is throttled with the time until it may go on; others aren't."""
    rig.configure(budget_requests=2, budget_seconds=100)
    rig.graph.state.add_mailbox("other")
    answers = [await rig.call("GET", EVENTS) for _ in range(3)]
    assert [each.status_code for each in answers] == [200, 200, 429]
    assert 0 < float(answers[2].headers["Retry-After"]) <= 100
    assert "MailboxConcurrency" not in answers[2].text
    assert (await rig.call("GET", "/users/other/events")).status_code == 200


async def test_scripted_throttling(rig: Rig) -> None:
    """One mailbox can be throttled for some seconds; when they are over it works again."""
    await rig.control("POST", "throttle", {"mailbox": USER, "seconds": 30})
    refused = await rig.call("GET", EVENTS)
    assert (refused.status_code, code(refused)) == (429, "ApplicationThrottled")
    assert 0 < float(refused.headers["Retry-After"]) <= 30
    await rig.control("POST", "throttle", {"mailbox": USER, "seconds": 0})
    assert (await rig.call("GET", EVENTS)).status_code == 200


async def test_users_act_in_outlook(rig: Rig) -> None:
    """A user's own, copied, edited and deleted events show in the control plane for what they are."""
    ours = await rig.post(event_body(transactionId="t1", **marked("v")))
    act = {"mailbox": USER, "id": ours["id"]}
    copied = await rig.control("POST", "user/copy", act)
    own = await rig.control("POST", "user/create", {"mailbox": USER, "event": event_body(subject="Own")})
    await rig.control("POST", "user/edit", {**act, "event": {"subject": "Edited"}})
    events = {each["immutableId"]: each for each in await rig.control("GET", f"events?mailbox={USER}")}
    assert events[ours["id"]]["subject"] == "Edited"
    assert (events[ours["id"]]["ownerApp"], events[ours["id"]]["transactionId"]) == (True, "t1")
    assert (copied["ownerApp"], copied["transactionId"]) == (False, None)
    assert copied["extendedProperties"] == {STORED_MARKER: "v"}
    assert (own["ownerApp"], own["extendedProperties"]) == (False, {})
    await rig.control("POST", "user/delete", act)
    assert len(await rig.control("GET", "events")) == 2
    stats = (await rig.control("GET", "stats"))["mailboxes"][USER]
    assert (stats["created"], stats["modified"], stats["deleted"]) == (1, 0, 0)


async def test_configuration_is_checked(rig: Rig) -> None:
    """Settings change one by one; misspelt ones and wrong values are refused."""
    changed = await rig.control("PUT", "config", {"item_seconds": 1, "deleted_transactions": "ghost"})
    assert (changed["item_seconds"], changed["deleted_transactions"]) == (1, "ghost")
    for wrong in (
        {"itemSeconds": 1},
        {"no_lock": 1},
        {"deleted_transactions": "x"},
        {"duplicate_status": 500},
    ):
        answer = await rig.http.put("/_control/config", json=wrong)
        assert answer.status_code == 400
    assert rig.graph.state.config.deleted_transactions == "ghost"


async def test_reset_forgets_everything(rig: Rig) -> None:
    """After a reset there are no mailboxes, events or counts."""
    await rig.post(event_body())
    await rig.control("DELETE", "state")
    assert await rig.control("GET", "mailboxes") == []
    assert (await rig.control("GET", "stats"))["mailboxes"] == {}
    assert (await rig.call("GET", EVENTS)).status_code == 404


async def test_it_runs_as_a_program(certificates: Certificates, trust: ssl.SSLContext) -> None:
    """`python -m local.graph` says when it is ready, serves over TLS and ends when told to."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "local.graph", "--token-key", KEY.hex(), "--audience", "https://here"),
        *("--cert", str(certificates.certificate), "--key", str(certificates.key)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        url = json.loads(await process.stdout.readline())["ready"]
        async with httpx.AsyncClient(base_url=url, verify=trust) as http:
            headers = {"Authorization": f"Bearer {issue(KEY, 'https://here', 60)}"}
            answer = await http.get("/v1.0/users/x/events", headers=headers)
        assert answer.status_code == 404
    finally:
        process.terminate()
        assert await process.wait() == 0
