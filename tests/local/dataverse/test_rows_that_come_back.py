"""Rows restored, rolled back and imported with all their columns, and an app that is refused as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from local.dataverse.environment import DEFAULT_IDENTITY
from tests.local.dataverse.kit import NOWHERE

if TYPE_CHECKING:
    from tests.local.dataverse.kit import Client, Receiver

BOOKING = "bookableresourcebooking"
BOOKINGS = "bookableresourcebookings"
RECORD = {"bsync_outlookeventid": "AAk-1", "bsync_outlooksyncstate": "sealed"}
RESTORE_STEP = {
    "message": "Restore",
    "table": BOOKING,
    "images": [{"alias": "PostImage", "type": 1, "attributes": "bsync_outlookeventid"}],
}


def booked(client: Client, **more: Any) -> str:
    """A booking of a work order that carries a record of ours; nobody is told."""
    state = client.standin.state
    order = state.create("msdyn_workorders", {"msdyn_name": "WO-1"})
    body = {
        "name": "Boiler",
        "starttime": "2026-03-02T08:00:00Z",
        "msdyn_workorder@odata.bind": f"/msdyn_workorders({order})",
        **RECORD,
        **more,
    }
    return state.create(BOOKINGS, body, webhooks=False)


def row(client: Client, row_id: str) -> dict[str, Any]:
    """A booking's columns."""
    return dict(client.standin.state.rows(BOOKINGS)[row_id])


def target(**columns: Any) -> dict[str, Any]:
    """The body of a Restore with columns of its own."""
    return {"Target": {"@odata.type": f"Microsoft.Dynamics.CRM.{BOOKING}", **columns}}


@pytest.mark.parametrize("how", ["control plane", "by address", "by key"])
async def test_a_restored_row_has_all_its_columns(client: Client, how: str) -> None:
    """It comes back under its id with our record in it, a new version, and its old times of change."""
    row_id = booked(client)
    before = row(client, row_id)
    client.standin.state.delete(BOOKINGS, row_id, webhooks=False)
    if how == "control plane":
        done = await client.control("POST", f"rows/{BOOKINGS}/{row_id}/restore", {})
        assert done == {"id": row_id}
    else:
        address = {"Target": {"@odata.id": f"{client.base}/api/data/v9.2/{BOOKINGS}({row_id})"}}
        body = address if how == "by address" else target(bookableresourcebookingid=row_id)
        reply = await client.call("POST", "Restore", body)
        assert (reply.status, reply.body) == (200, {"id": row_id})
    after = row(client, row_id)
    assert int(after["versionnumber"]) > int(before["versionnumber"])
    assert {**after, "versionnumber": 0} == {**before, "versionnumber": 0}


async def test_columns_can_be_overridden(client: Client) -> None:
    """The Target of Restore is a record: what it names is new, the rest is restored."""
    row_id = booked(client)
    client.standin.state.delete(BOOKINGS, row_id, webhooks=False)
    client.standin.state.configure(restored_modifiedon="now")
    body = target(bookableresourcebookingid=row_id, name="Restored")
    assert (await client.call("POST", "Restore", body)).status == 200
    restored = row(client, row_id)
    assert (restored["name"], restored["bsync_outlookeventid"]) == ("Restored", "AAk-1")
    assert restored["modifiedby"] == DEFAULT_IDENTITY.app_user_id


@pytest.mark.parametrize(
    ("mode", "messages"),
    [
        ("restore", ["Restore"]),
        ("restore_and_create", ["Create", "Restore"]),
        ("create", ["Create"]),
    ],
)
async def test_which_messages_a_restoration_raises(
    client: Client, receiver: Receiver, mode: str, messages: list[str]
) -> None:
    """The message Restore, Create, or both: no source says, so each can be set."""
    steps = [RESTORE_STEP, {"message": "Create", "table": BOOKING}]
    auth = {"header": "x-functions-key", "value": "made-up"}
    await client.control("PUT", "webhooks", {"url": receiver.url, "auth": auth, "steps": steps})
    client.standin.state.configure(restore_raises=mode)
    row_id = booked(client)
    client.standin.state.delete(BOOKINGS, row_id, webhooks=False)
    client.standin.state.restore(BOOKINGS, row_id)
    heard = {body["MessageName"]: body for body in await receiver.hear(client)}
    assert sorted(heard) == messages
    assert {body["PrimaryEntityId"] for body in heard.values()} == {row_id}
    if "Restore" in heard:
        body = heard["Restore"]
        names = {pair["key"] for pair in body["InputParameters"][0]["value"]["Attributes"]}
        assert names == {"bookableresourcebookingid", "modifiedonbehalfby"}
        assert body["OutputParameters"] == [{"key": "id", "value": row_id}]
        images = {pair["key"]: pair["value"]["Attributes"] for pair in body["PostEntityImages"]}
        assert {"key": "bsync_outlookeventid", "value": "AAk-1"} in images["PostImage"]
        assert body["PreEntityImages"] == []


async def test_what_can_not_be_restored(client: Client) -> None:
    """A row that is there, that was never deleted, whose reference is gone; and what is no record."""
    state = client.standin.state
    row_id = booked(client)
    order = str(row(client, row_id)["msdyn_workorder"])

    async def restored(body: dict[str, Any]) -> tuple[int, str]:
        reply = await client.call("POST", "Restore", body)
        return reply.status, reply.code

    one = target(bookableresourcebookingid=row_id)
    assert await restored(one) == (412, "0x80044a02")
    state.delete(BOOKINGS, row_id, webhooks=False)
    state.delete("msdyn_workorders", order, webhooks=False)
    assert await restored(one) == (400, "0x80049959")
    assert await restored(target(bookableresourcebookingid=NOWHERE)) == (404, "0x80040217")
    wrong: tuple[dict[str, Any], ...] = (
        {},
        {"Target": "x"},
        {"Target": {}},
        target(name="x"),
        {**one, "M": 1},
    )
    for body in wrong:
        assert (await restored(body))[0] == 400
    assert (await client.call("GET", "Restore")).status == 405
    unknown = {"Target": {"@odata.id": f"accounts({NOWHERE})"}}
    assert await restored(unknown) == (404, "0x80040217")


async def test_a_row_is_in_the_bin_once(client: Client) -> None:
    """Documented: a row of an id that was deleted before is not kept a second time."""
    state = client.standin.state
    row_id = booked(client)
    state.delete(BOOKINGS, row_id, webhooks=False)
    state.create(BOOKINGS, {"bookableresourcebookingid": row_id, "name": "Second"}, webhooks=False)
    state.delete(BOOKINGS, row_id, webhooks=False)
    state.restore(BOOKINGS, row_id, webhooks=False)
    assert row(client, row_id)["name"] == "Boiler"
    state.delete(BOOKINGS, row_id, webhooks=False)
    state.restore(BOOKINGS, row_id, webhooks=False)
    assert row(client, row_id)["name"] == "Boiler"


async def test_restore_is_a_message_of_bookings_alone(client: Client, receiver: Receiver) -> None:
    """Steps and images for it are registered as for other messages; a pre-image there is not."""
    named = quote("name eq 'Restore'")
    rows = (await client.call("GET", f"sdkmessages?$filter={named}")).body["value"]
    condition = quote(f"_sdkmessageid_value eq {rows[0]['sdkmessageid']}")
    found = (await client.call("GET", f"sdkmessagefilters?$filter={condition}")).body["value"]
    assert [each["primaryobjecttypecode"] for each in found] == [BOOKING]
    auth = {"header": "x-functions-key", "value": "made-up"}
    for step in (
        {"message": "Restore", "table": "account"},
        {**RESTORE_STEP, "images": [{"alias": "x", "type": 0}]},
        {**RESTORE_STEP, "filteringattributes": "name"},
    ):
        hook = {"url": receiver.url, "auth": auth, "steps": [step]}
        refused = await client.control("PUT", "webhooks", hook)
        assert "error" in refused


async def test_an_environment_is_rolled_back(client: Client, receiver: Receiver) -> None:
    """All rows are as at the backup, versions count on from there, and nobody is told."""
    state = client.standin.state
    row_id = booked(client)
    before = row(client, row_id)
    await client.control("PUT", "backup")
    state.update(BOOKINGS, row_id, {"name": "Later", "bsync_outlookeventid": "AAk-2"}, webhooks=False)
    later, other = row(client, row_id), booked(client)
    await client.control("POST", "backup/restore")
    assert row(client, row_id) == before
    assert other not in state.rows(BOOKINGS)
    state.update(BOOKINGS, row_id, {"name": "Another"}, webhooks=False)
    assert row(client, row_id)["versionnumber"] == later["versionnumber"]
    assert await receiver.hear(client) == []
    state.update(BOOKINGS, row_id, {"starttime": "2026-03-02T09:00:00Z"})
    assert [body["MessageName"] for body in await receiver.hear(client)] == ["Update"]


async def test_without_a_backup_nothing_is_rolled_back(client: Client) -> None:
    """The control plane says so."""
    row_id = booked(client)
    assert "There is no backup" in (await client.control("POST", "backup/restore"))["error"]["message"]
    assert row_id in client.standin.state.rows(BOOKINGS)


async def test_an_import_writes_all_columns(client: Client, receiver: Receiver) -> None:
    """An exported row that is imported again brings our columns of then, as an update or as a new row."""
    row_id = booked(client)
    exported = await client.control("GET", f"rows/{BOOKINGS}/{row_id}/export")
    state = client.standin.state
    state.update(BOOKINGS, row_id, {"bsync_outlookeventid": "AAk-2"}, webhooks=False)
    await client.control("POST", f"rows/{BOOKINGS}/import", [exported])
    assert row(client, row_id)["bsync_outlookeventid"] == "AAk-1"
    state.delete(BOOKINGS, row_id, webhooks=False)
    await client.control("POST", f"rows/{BOOKINGS}/import", [exported])
    imported = row(client, row_id)
    assert (imported["bsync_outlookeventid"], imported["name"]) == ("AAk-1", "Boiler")
    assert imported["modifiedby"] == DEFAULT_IDENTITY.dispatcher_id
    assert sorted(body["MessageName"] for body in await receiver.hear(client)) == ["Create", "Update"]


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ("administration_mode", None),
        ("disabled", "0x80040225"),
        ("not_a_member", "0x80072560"),
        ("restricted", "0x80095ffc"),
    ],
)
async def test_the_app_is_refused_as_a_whole(client: Client, how: str, code: str | None) -> None:
    """Whatever it asks is 403, a batch as such; people go on working, and it is mended by the switch."""
    row_id = booked(client)
    client.standin.state.configure(app_refused=how)
    for method, path, body in (
        ("GET", "WhoAmI", None),
        ("GET", BOOKINGS, None),
        ("PATCH", f"{BOOKINGS}({row_id})", {"name": "x"}),
    ):
        reply = await client.call(method, path, body, {"If-Match": "*"} if body else None)
        assert reply.status == 403
        assert (reply.body == "") if code is None else (reply.code == code)
    batch = await client.batch(f"GET {BOOKINGS} HTTP/1.1\r\n\r\n")
    assert batch.status == 403
    client.standin.state.update(BOOKINGS, row_id, {"name": "By hand"}, webhooks=False)
    client.standin.state.configure(app_refused="no")
    assert (await client.call("GET", f"{BOOKINGS}({row_id})")).body["name"] == "By hand"


async def test_choices_are_checked(client: Client) -> None:
    """A misspelt possibility is refused with those that there are."""
    for wrong in ({"app_refused": "yes"}, {"restore_raises": 1}, {"restored_modifiedon": ""}):
        reply = await client.control("PUT", "config", wrong)
        assert "is one of" in reply["error"]["message"]


@pytest.mark.parametrize("written", ["aak-1", "AAK-1", "AAk-1"])
async def test_texts_are_compared_without_case(client: Client, written: str) -> None:
    """Two event ids that differ only in case are one to a filter and to `In`: the reader must look again."""
    one, other = booked(client), booked(client, bsync_outlookeventid="aAK-1")
    equal = quote(f"bsync_outlookeventid eq '{written}'")
    among = quote("Microsoft.Dynamics.CRM.In(PropertyName=@p1,PropertyValues=@p2)")
    values = quote(f'["{written}"]')
    for query in (
        f"$filter={equal}",
        f"$filter={among}&@p1='bsync_outlookeventid'&@p2={values}",
    ):
        found = (await client.call("GET", f"{BOOKINGS}?$select=name&{query}")).body["value"]
        assert {each["bookableresourcebookingid"] for each in found} == {one, other}
