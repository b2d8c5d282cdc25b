"""Ids, mailboxes, copies, zones and batches as the field reports them; each can be switched on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from local.graph.mailbox.events import SharedCalendar
from tests.local.graph.kit import (
    EVENTS,
    EXTENSION,
    STORED_MARKER,
    USER,
    code,
    event_body,
    item,
    marked,
)

if TYPE_CHECKING:
    from tests.local.graph.kit import Rig

OTHER = "22222222-aaaa-4bbb-8ccc-000000000002"
CALLS = (("GET", None), ("PATCH", {"subject": "x"}), ("DELETE", None))


def path(identifier: str, user: str = USER) -> str:
    """The address of an event."""
    return f"/users/{user}/events/{quote(identifier, safe='')}"


@pytest.mark.parametrize("identifier", ["285", "x y", "AAMk", "id-with-ümlaut"])
@pytest.mark.parametrize(
    ("mode", "expected"),
    [("not_found", (404, "ErrorItemNotFound")), ("malformed", (400, "ErrorInvalidIdMalformed"))],
)
async def test_an_id_that_is_none(rig: Rig, identifier: str, mode: str, expected: tuple[int, str]) -> None:
    """404, or 400 as threads saw it; a well-formed id of nothing is always 404."""
    rig.configure(malformed_ids=mode)
    event = await rig.post(event_body())
    for method, body in CALLS:
        answer = await rig.call(method, path(identifier), body)
        assert (answer.status_code, code(answer)) == expected
        unknown = await rig.call(method, path(event["id"][:-7] + "xxxAAA="), body)
        assert (unknown.status_code, code(unknown)) == (404, "ErrorItemNotFound")


@pytest.mark.parametrize("origin", ["elsewhere", "migrated"])
@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("not_found", (404, "ErrorItemNotFound")),
        ("malformed", (400, "ErrorInvalidIdMalformed")),
        ("other_mailbox", (404, "ErrorInvalidMailboxItemId")),
    ],
)
async def test_an_id_of_another_mailbox(rig: Rig, origin: str, mode: str, expected: tuple[int, str]) -> None:
    """Ids of another mailbox, and from before a migration, are refused in one of three ways."""
    rig.configure(foreign_ids=mode)
    rig.graph.state.add_mailbox(OTHER)
    event = await rig.post(event_body())
    if origin == "migrated":
        await rig.control("POST", "mailboxes/migrate", {"mailbox": USER})
    for method, body in CALLS:
        answer = await rig.call(method, path(event["id"], USER if origin == "migrated" else OTHER), body)
        assert (answer.status_code, code(answer)) == expected


async def test_a_migration_changes_ids_and_nothing_else(rig: Rig) -> None:
    """The events are all there, with their marks, under ids that lead to them."""
    event = await rig.post(event_body(transactionId="t1", **marked("v")))
    await rig.control("POST", "mailboxes/migrate", {"mailbox": USER})
    (moved,) = await rig.control("GET", f"events?mailbox={USER}")
    assert moved["immutableId"] != event["id"]
    assert (moved["extendedProperties"], moved["iCalUId"]) == ({STORED_MARKER: "v"}, event["iCalUId"])
    assert (await rig.call("GET", path(moved["immutableId"]))).status_code == 200


@pytest.mark.parametrize("mode", ["case", "dashes"])
async def test_lookalike_ids(rig: Rig, mode: str) -> None:
    """They differ in the case of letters or in `-` and `_` alone, and still name different events."""
    rig.configure(lookalike_ids=mode)
    made = [(await rig.post(event_body(subject=str(number))))["id"] for number in range(5)]
    assert len(set(made)) == 5
    folded = {each.lower() if mode == "case" else each.replace("-", "_") for each in made}
    assert len(folded) == 1
    for number, identifier in enumerate(made):
        assert (await rig.call("GET", path(identifier))).json()["subject"] == str(number)


@pytest.mark.parametrize(
    ("status", "expected"), [(507, "QuotaExceededException"), (403, "ErrorQuotaExceeded")]
)
async def test_a_full_mailbox(rig: Rig, status: int, expected: str) -> None:
    """Whatever takes space is refused; reading and deleting work."""
    rig.configure(full_mailbox_status=status)
    event = await rig.post(event_body())
    await rig.control("POST", "mailboxes", {"id": USER, "kind": "full"})
    for method, where, body in (
        ("POST", EVENTS, event_body()),
        ("PATCH", path(event["id"]), {"subject": "x"}),
        ("POST", f"{path(event['id'])}/extensions", EXTENSION),
    ):
        answer = await rig.call(method, where, body)
        assert (answer.status_code, code(answer)) == (status, expected)
    assert (await rig.call("GET", path(event["id"]))).status_code == 200
    assert (await rig.call("DELETE", path(event["id"]))).status_code == 204
    await rig.control("POST", "mailboxes", {"id": USER, "kind": "normal"})
    await rig.post(event_body())


@pytest.mark.parametrize("expected", ["ErrorItemNotFound", "ErrorFolderNotFound"])
async def test_a_new_mailbox_is_not_ready_at_once(rig: Rig, expected: str) -> None:
    """Creations answer 404 until it is; listing shows nothing."""
    rig.configure(new_mailbox_code=expected)
    await rig.control("POST", "mailboxes", {"id": OTHER, "kind": "new"})
    answer = await rig.call("POST", f"/users/{OTHER}/events", event_body())
    assert (answer.status_code, code(answer)) == (404, expected)
    assert (await rig.call("GET", f"/users/{OTHER}/events")).json()["value"] == []
    await rig.control("POST", "mailboxes", {"id": OTHER, "kind": "normal"})
    await rig.post(event_body(), f"/users/{OTHER}/events")


@pytest.mark.parametrize(("refuses", "status"), [(False, 201), (True, 400)])
async def test_an_event_of_more_than_five_years(rig: Rig, *, refuses: bool, status: int) -> None:
    """EWS documents the bound; five years are taken in any case."""
    rig.configure(refuses_over_five_years=refuses)
    for year, expected in ((2031, 201), (2032, status)):
        end = {"dateTime": f"{year}-03-02T09:00:00", "timeZone": "UTC"}
        answer = await rig.call("POST", EVENTS, event_body(end=end))
        assert answer.status_code == expected
    if refuses:
        assert code(answer) == "ErrorCalendarDurationIsTooLong"


@pytest.mark.parametrize(
    ("carries", "marks", "transaction"),
    [("nothing", False, None), ("marks", True, None), ("everything", True, "t1")],
)
@pytest.mark.parametrize("how", ["setting", "order"])
@pytest.mark.assumes("copy_carries")
@pytest.mark.assumes("copy_is_another")
async def test_what_a_copy_carries(
    rig: Rig, how: str, carries: str, transaction: str | None, *, marks: bool
) -> None:
    """Other ids and another iCalUId in any case; marks and transactionId as it is set."""
    event = await rig.post(event_body(transactionId="t1", **marked("v")))
    await rig.call("POST", f"{path(event['id'])}/extensions", EXTENSION)
    if how == "setting":
        rig.configure(copies_carry=carries)
        copied = await rig.act("copy", event)
    else:
        copied = await rig.act("copy", event, carries=carries)
    assert copied["transactionId"] == transaction
    assert (copied["extendedProperties"], sorted(copied["extensions"])) == (
        ({STORED_MARKER: "v"}, [EXTENSION["extensionName"]]) if marks else ({}, [])
    )
    assert copied["immutableId"] != event["id"]
    assert copied["iCalUId"] != event["iCalUId"]
    # The copy's transaction was never a creation: the original still answers to it.
    again = await rig.call("POST", EVENTS, event_body(transactionId="t1", **marked("v")))
    assert again.json()["id"] == event["id"]


async def test_every_answer_tells_the_icaluid(rig: Rig) -> None:
    """POST, PATCH, GET, lists and `$select` name the same one, and nobody can write it."""
    event = await rig.post(event_body())
    uid = event["iCalUId"]
    assert uid.startswith("040000008200E00074C5B7101A82E008")
    patched = (await rig.call("PATCH", path(event["id"]), {"subject": "x"})).json()
    selected = (await rig.call("GET", f"{path(event['id'])}?$select=iCalUId")).json()
    (listed,) = (await rig.call("GET", f"{EVENTS}?$select=iCalUId")).json()["value"]
    assert {patched["iCalUId"], selected["iCalUId"], listed["iCalUId"]} == {uid}
    assert selected.keys() == {"@odata.etag", "id", "iCalUId"}
    assert (await rig.call("PATCH", path(event["id"]), {"iCalUId": "x"})).status_code == 400


@pytest.mark.parametrize(("side_by_side", "taken"), [(4, 20), (15, 4), (20, 4)])
async def test_items_of_a_batch_side_by_side(rig: Rig, side_by_side: int, taken: int) -> None:
    """At 15 or 20 at once, the items of one mailbox refuse each other; at 4 they never do."""
    rig.configure(batch_concurrency=side_by_side, item_seconds=0.02)
    answers = await rig.batch(*(item(str(number)) for number in range(20)))
    statuses = [each["status"] for each in answers.values()]
    refused = [code(each) for each in answers.values() if each["status"] != 201]
    assert statuses.count(201) >= taken
    assert (len(refused) > 0) is (side_by_side > 4)
    assert set(refused) <= {"ApplicationThrottled"}
    assert (await rig.control("GET", "stats"))["mailboxes"][USER]["maxConcurrency"] == 4


SHIFT = {"zone": "Europe/Berlin", "since": "2027-03-28T01:00:00+00:00", "minutes": 60}


@pytest.mark.parametrize("zone", ["W. Europe Standard Time", "Europe/Berlin"])
async def test_a_zones_rules_can_be_shifted(rig: Rig, zone: str) -> None:
    """From a date on Exchange reads the wall clock an hour differently, and says so in UTC."""
    await rig.control("PUT", "config", {"zone_shifts": [SHIFT]})

    def times(date: str) -> dict[str, Any]:
        return {
            name: {"dateTime": f"{date}T{hour}:00:00", "timeZone": zone}
            for name, hour in (("start", "09"), ("end", "10"))
        }

    before, after = await rig.post(event_body(**times("2027-03-27"))), await rig.post(event_body())
    patched = await rig.call("PATCH", path(after["id"]), times("2027-03-29"))
    assert before["start"]["dateTime"][:16] == "2027-03-27T08:00"
    assert patched.json()["start"] == {"dateTime": "2027-03-29T08:00:00.0000000", "timeZone": "UTC"}
    assert patched.json()["end"]["dateTime"][:16] == "2027-03-29T09:00"
    shown = await rig.call("GET", path(after["id"]), prefer=f'outlook.timezone="{zone}",IdType="ImmutableId"')
    assert shown.json()["start"]["dateTime"][:16] == "2027-03-29T09:00"
    in_utc = {"dateTime": "2027-03-29T07:00:00", "timeZone": "UTC"}
    mended = await rig.call("PATCH", path(after["id"]), {"start": in_utc})
    assert mended.json()["start"]["dateTime"][:16] == "2027-03-29T07:00"


async def test_a_shift_is_of_one_zone_only(rig: Rig) -> None:
    """Other zones, and an all-day event in the shifted one, are taken as ever."""
    await rig.control("PUT", "config", {"zone_shifts": [SHIFT]})
    paris = [
        {"dateTime": f"2027-06-01T{hour}:00:00", "timeZone": "Romance Standard Time"} for hour in ("09", "10")
    ]
    event = await rig.post(event_body(start=paris[0], end=paris[1]))
    assert event["start"]["dateTime"][:16] == "2027-06-01T07:00"
    midnights = [{"dateTime": f"2027-06-0{day}T00:00:00", "timeZone": "Europe/Berlin"} for day in (1, 2)]
    await rig.post(event_body(isAllDay=True, start=midnights[0], end=midnights[1]))


@pytest.mark.parametrize(
    "shifts",
    [
        "Europe/Berlin",
        [{"zone": "Europe/Berlin"}],
        [{**SHIFT, "since": "2027-03-28T01:00:00"}],
        [{**SHIFT, "minutes": "x"}],
    ],
)
async def test_a_shift_must_be_whole(rig: Rig, shifts: Any) -> None:
    """A zone, a moment with its offset and minutes."""
    answer = await rig.http.put("/_control/config", json={"zone_shifts": shifts})
    assert answer.status_code == 400
    assert rig.graph.state.config.zone_shifts == ()


@pytest.mark.parametrize("readable", [True, False], ids=["readable", "denied"])
@pytest.mark.parametrize("takes_name", [True, False], ids=["taken", "free"])
async def test_a_shared_calendar_is_in_the_list(rig: Rig, *, readable: bool, takes_name: bool) -> None:
    """With its owner; it may be out of the app's reach, and stand in the way of an own one of its name."""
    state = rig.graph.state
    box, colleague = state.user(USER), state.add_mailbox(OTHER)
    shared = state.share(box, SharedCalendar("Jobs", colleague, readable=readable, takes_name=takes_name))
    calendars = f"/users/{USER}/calendars"
    answer = await rig.call("GET", f"{calendars}?$select=id,isDefaultCalendar,owner")
    told = {
        each["id"]: (each["isDefaultCalendar"], each["owner"]["address"]) for each in answer.json()["value"]
    }
    assert told.pop(shared) == (False, colleague.address)
    assert set(told.values()) == {(True, box.address)}
    events = await rig.call("GET", f"{calendars}/{quote(shared, safe='')}/events")
    if readable:
        assert events.json()["value"] == []
    else:
        assert (events.status_code, code(events)) == (403, "ErrorAccessDenied")
    made = await rig.call("POST", calendars, {"name": "jobs"})
    assert made.status_code == (409 if takes_name else 201)
