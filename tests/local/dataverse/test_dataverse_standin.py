"""The Dataverse stand-in refuses what Dataverse refuses; its webhooks promise no more than the real ones."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import aiohttp
import pytest
from yarl import URL

from local.dataverse.config import Config
from local.dataverse.environment import DEFAULT_IDENTITY
from local.dataverse.errors import DataverseError
from local.dataverse.web_api.limits import Throttle
from local.standin import tokens
from local.standin.faults import Fault
from tests.local.dataverse.kit import ENVELOPE, KEY, NOWHERE, STEPS, Client, Receiver, Reply

if TYPE_CHECKING:
    pass

APP_USER = DEFAULT_IDENTITY.app_user_id
DISPATCHER = DEFAULT_IDENTITY.dispatcher_id
BOOKINGS = "bookableresourcebookings"


def patch_part(row_id: str, body: dict[str, Any], if_match: str = "*") -> str:
    """A part of a batch that patches a booking."""
    return (
        f"PATCH {BOOKINGS}({row_id}) HTTP/1.1\r\nContent-Type: application/json\r\n"
        f"If-Match: {if_match}\r\n\r\n{json.dumps(body)}"
    )


def statuses(reply: Reply) -> list[int]:
    """The status of each part of a batch's answer, in order."""
    lines = str(reply.body).split("\r\n")
    return [int(line.split()[1]) for line in lines if line.startswith("HTTP/1.1 ")]


@dataclass(frozen=True)
class World:
    """Ids of a small seeded organisation."""

    user: str
    resource: str
    account: str
    work_order: str
    header: str
    booking: str


@pytest.fixture
def world(client: Client) -> World:
    """One booking with all it hangs on, seeded without webhooks."""

    def create(entity_set: str, **body: Any) -> str:
        row = {name.replace("__", "@odata."): value for name, value in body.items()}
        return client.standin.state.create(entity_set, row, webhooks=False)

    user = create("systemusers", fullname="Ada Fitter", azureactivedirectoryobjectid=NOWHERE)
    resource = create("bookableresources", name="Ada", resourcetype=3, UserId__bind=f"/systemusers({user})")
    account = create("accounts", name="Contoso")
    work_order = create(
        "msdyn_workorders", msdyn_name="WO-1", msdyn_serviceaccount__bind=f"/accounts({account})"
    )
    header = create("bookableresourcebookingheaders", name="H")
    booking = create(
        BOOKINGS,
        name="Boiler",
        starttime="2026-01-05T09:00:00+01:00",
        endtime="2026-01-05T10:00:00Z",
        duration=120,
        Resource__bind=f"/bookableresources({resource})",
        msdyn_workorder__bind=f"/msdyn_workorders({work_order})",
        Header__bind=f"/bookableresourcebookingheaders({header})",
        bsync_outlookeventid="event-1",
    )
    return World(user, resource, account, work_order, header, booking)


@pytest.mark.parametrize("token", ["", "nonsense", "expired", "elsewhere"])
async def test_only_a_valid_token_gets_in(client: Client, token: str) -> None:
    """Without a token, with a broken, an expired or a foreign one the answer is 401 with Dataverse's code."""
    made = {
        "expired": tokens.issue(KEY, client.base, -60),
        "elsewhere": tokens.issue(KEY, "https://graph.microsoft.com", 60),
    }
    reply = await client.call("GET", "WhoAmI", headers={"Authorization": f"Bearer {made.get(token, token)}"})
    assert (reply.status, reply.code) == (401, "0x80048306")


async def test_who_am_i_names_the_application_user(client: Client) -> None:
    """WhoAmI gives the ids that webhooks are compared with."""
    body = (await client.call("GET", "WhoAmI")).body
    assert (body["UserId"], body["OrganizationId"]) == (APP_USER, DEFAULT_IDENTITY.organization_id)


UNKNOWN = (400, "Could not find a property named")


@pytest.mark.parametrize(
    ("query", "status", "message"),
    [
        ("$select=Name", *UNKNOWN),
        ("$select=resource", *UNKNOWN),
        ("$select=Resource", *UNKNOWN),
        ("$expand=resource", *UNKNOWN),
        ("$expand=Resource($select=fullname)", *UNKNOWN),
        ("$expand=Resource($filter=name eq 'a')", 400, "can't be used"),
        ("$expand=Resource($select=name,$expand=UserId)", *UNKNOWN),
        ("$expand=Resource(", 400, "Unbalanced"),
        ("$filter=Starttime eq null", *UNKNOWN),
        ("$filter=resource eq null", *UNKNOWN),
        ("$filter=name eq 5", 400, "incompatible types"),
        ("$filter=starttime gt '2026-01-05T08:00:00Z'", 400, "incompatible types"),
        ("$filter=starttime gt 2026-01-05T08:00:00", 400, "incompatible types"),
        ("$filter=duration eq '5'", 400, "incompatible types"),
        ("$filter=name eq 'a", 400, "Syntax error"),
        ("$filter=(name eq 'a'", 400, "Expression expected"),
        ("$filter=name eq 'a' name", 400, "Syntax error"),
        ("$filter=name eq @p1", 400, "alias"),
        ("$filter=contains(name)", 400, "Syntax error"),
        ("$filter=contains(starttime,'a')", 400, "No function signature"),
        ("$filter=contains(name,5)", 400, "incompatible types"),
        ("$filter=startswith(Name,'a')", *UNKNOWN),
        ("$filter=not contains(name,'a')", 501, "not"),
        ("$filter=Microsoft.Dynamics.CRM.LastXHours(PropertyName=@p1,PropertyValue=1)", 501, "LastXHours"),
        ("$filter=Microsoft.Dynamics.CRM.In(PropertyName=@p1,PropertyValues=@p2)", 400, "alias"),
        (
            "$filter=Microsoft.Dynamics.CRM.In(PropertyName=@p1,PropertyValues=@p2)&@p1='nope'&@p2=[\"a\"]",
            *UNKNOWN,
        ),
        (
            "$filter=Microsoft.Dynamics.CRM.In(PropertyName=@p1,PropertyValues=@p2)&@p1='name'&@p2=[5]",
            400,
            "array of strings",
        ),
        ("$orderby=Name", *UNKNOWN),
        ("$orderby=name sideways", 400, "$orderby"),
        ("$top=ten", 400, "$top"),
        ("$count=maybe", 400, "$count"),
        ("$skip=5", 400, "Skip Clause"),
        ("$apply=aggregate(name)", 501, "$apply"),
        ("$nonsense=1", 400, "$nonsense"),
        ("fetchXml=a", 400, "fetchXml"),
        ("$top=1&$top=2", 400, "twice"),
    ],
)
async def test_a_query_is_understood_wholly_or_refused(
    client: Client, query: str, status: int, message: str
) -> None:
    """Unknown names, wrong case, wrong types and unsupported options are errors, never ignored."""
    reply = await client.call("GET", f"{BOOKINGS}?{quote(query, safe='=&$')}")
    assert (reply.status, message in reply.body["error"]["message"]) == (status, True), reply.body


async def test_at_most_fifteen_lookups_are_expanded(client: Client) -> None:
    """Fifteen expands over all depths pass, the sixteenth is refused."""
    users = "createdby,modifiedby,ownerid"
    three = f"Resource($expand={users}),BookingStatus($expand={users}),Header($expand={users})"
    fifteen = f"$expand={three},createdby,modifiedby,ownerid"
    assert (await client.call("GET", f"{BOOKINGS}?{fifteen}")).status == 200
    assert (await client.call("GET", f"{BOOKINGS}?{fifteen},msdyn_workorder")).status == 400


async def test_an_answer_holds_what_was_asked_for(client: Client, world: World) -> None:
    """A row shows its etag, key and selected columns; lookups come nested; moments are UTC."""
    expand = "Resource($select=name;$expand=UserId($select=azureactivedirectoryobjectid)),BookingStatus"
    path = f"{BOOKINGS}({world.booking.upper()})?$select=starttime,_msdyn_workorder_value&$expand={expand}"
    reply = await client.call("GET", path)
    row = {key: value for key, value in reply.body.items() if not key.startswith("@")}
    assert row == {
        "bookableresourcebookingid": world.booking,
        "starttime": "2026-01-05T08:00:00Z",
        "_msdyn_workorder_value": world.work_order,
        "Resource": {
            "bookableresourceid": world.resource,
            "name": "Ada",
            "UserId": {"systemuserid": world.user, "azureactivedirectoryobjectid": NOWHERE},
        },
        "BookingStatus": None,
    }
    version = client.standin.state.rows(BOOKINGS)[world.booking]["versionnumber"]
    assert reply.body["@odata.etag"] == f'W/"{version}"'
    assert reply.headers["OData-Version"] == "4.0"


@pytest.mark.assumes("missing_row")
async def test_what_is_not_there_is_404(client: Client) -> None:
    """A missing row and an unknown entity set are 404, a key that is no guid is 400."""
    missing = await client.call("GET", f"{BOOKINGS}({NOWHERE})")
    assert (missing.status, missing.code) == (404, "0x80040217")
    assert "Does Not Exist" in missing.body["error"]["message"]
    assert (await client.call("GET", "BookableResourceBookings")).status == 404
    assert (await client.call("GET", f"{BOOKINGS}('{NOWHERE}')")).status == 400


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("name eq 'BETA'", "b"),
        ("name ne 'beta'", "acd"),
        ("duration gt 10 and duration le 30", "bc"),
        ("duration eq 10 or name eq 'Gamma' and duration eq 0", "a"),
        ("(duration eq 10 or name eq 'gamma') and statecode eq 0", "ac"),
        ("name eq null", "d"),
        ("starttime ge 2026-01-02T00:00:00Z and starttime lt 2026-01-03T00:00:00Z", "b"),
        ("starttime ge @from&@from=2026-01-03T01:00:00%2B01:00", "cd"),
        ("_resource_value ne null", ""),
        (
            'Microsoft.Dynamics.CRM.In(PropertyName=\'name\',PropertyValues=@p2)&@p2=["alpha","gamma","x"]',
            "ac",
        ),
    ],
)
async def test_filters_choose_rows(client: Client, condition: str, expected: str) -> None:
    """Comparisons, null, and/or with precedence and parentheses, aliases and In find the right rows."""
    names = {"a": "Alpha", "b": "Beta", "c": "Gamma", "d": ""}
    ids = {}
    for number, (letter, name) in enumerate(names.items(), start=1):
        start = f"2026-01-0{number}T00:00:00Z"
        row = {"name": name, "duration": number * 10, "starttime": start}
        ids[client.standin.state.create(BOOKINGS, row)] = letter
    reply = await client.call("GET", f"{BOOKINGS}?$filter={quote(condition, safe='=&$%')}&$orderby=starttime")
    assert "".join(ids[row["bookableresourcebookingid"]] for row in reply.body["value"]) == expected


@pytest.mark.assumes("many_by_id")
async def test_rows_are_found_by_their_ids(client: Client, world: World) -> None:
    """In on the key gives those rows that exist."""
    wanted = quote(json.dumps([NOWHERE, world.booking.upper()]))
    query = "$select=name&$filter=Microsoft.Dynamics.CRM.In(PropertyName=@p1,PropertyValues=@p2)"
    reply = await client.call("GET", f"{BOOKINGS}?{query}&@p1='bookableresourcebookingid'&@p2={wanted}")
    assert [row["name"] for row in reply.body["value"]] == ["Boiler"]


async def test_pages_follow_their_opaque_link(client: Client) -> None:
    """Pages show each row once even when rows go meanwhile; an edited link is refused."""
    ids = [client.standin.state.create(BOOKINGS, {"name": f"n{number % 3}"}) for number in range(10)]
    prefer = {"Prefer": "odata.maxpagesize=4"}
    reply = await client.call(
        "GET", f"{BOOKINGS}?$select=name&$orderby=name desc&$count=true".replace(" ", "%20"), headers=prefer
    )
    seen, link = [], reply.body["@odata.nextLink"]
    assert reply.body["@odata.count"] == 10
    seen += reply.body["value"]
    client.standin.state.delete(BOOKINGS, seen[-1]["bookableresourcebookingid"])
    while "@odata.nextLink" in reply.body:
        reply = await client.call("GET", reply.body["@odata.nextLink"], headers=prefer)
        assert len(reply.body["value"]) <= 4
        seen += reply.body["value"]
    assert sorted(row["bookableresourcebookingid"] for row in seen) == sorted(ids)
    assert [row["name"] for row in seen] == sorted((row["name"] for row in seen), reverse=True)
    for edited in (
        link.replace("$select=name", "$select=duration"),
        link.replace("last%3D%22", "last%3D%22A"),
    ):
        assert edited != link
        assert (await client.call("GET", edited, headers=prefer)).status == 400


async def test_top_limits_the_rows(client: Client) -> None:
    """$top gives that many rows and no continuation."""
    for _number in range(3):
        client.standin.state.create(BOOKINGS, {})
    body = (await client.call("GET", f"{BOOKINGS}?$top=2")).body
    assert (len(body["value"]), "@odata.nextLink" in body) == (2, False)


async def test_an_address_may_be_32_kilobytes_long(client: Client) -> None:
    """Addresses up to 32 KB are read, longer ones are 414."""
    path = f"{BOOKINGS}?$filter=name%20eq%20'"
    room = 32_768 - len(f"/api/data/v9.2/{path}'")
    assert (await client.call("GET", f"{path}{'x' * room}'")).status == 200
    assert (await client.call("GET", f"{path}{'x' * (room + 1)}'")).status == 414


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"Name": "a"}, "Could not find a property named 'Name'"),
        ({"resource@odata.bind": "/bookableresources(1)"}, "Could not find a property named 'resource'"),
        ({"_resource_value": NOWHERE}, "Use Navigation properties"),
        ({"Resource@odata.bind": f"/accounts({NOWHERE})"}, "must refer to bookableresources"),
        ({"Resource@odata.bind": NOWHERE}, "must refer to bookableresources"),
        ({"modifiedon": "2026-01-01T00:00:00Z"}, "read-only"),
        ({"starttime": "2026-01-01"}, "DateTimeOffset"),
        ({"starttime": "2026-13-01T00:00:00Z"}, "DateTimeOffset"),
        ({"duration": "5"}, "Int32"),
        ({"duration": True}, "Int32"),
        ({"duration": 2**31}, "Int32"),
        ({"name": 5}, "String"),
        ({"statecode": 7}, "outside the valid range"),
        ({"bsync_outlookeventid": "x" * 401}, "maximum allowed length of '400'"),
        ({"bsync_originalresource": "\U0001f600" * 51}, "maximum allowed length of '100'"),
        ({"bsync_outlooksyncstate": "x" * 201}, "maximum allowed length of '200'"),
        ({"bsync_outlooksyncerror": "x" * 1001}, "maximum allowed length of '1000'"),
        ([], "JSON object"),
        (b"{", "no JSON"),
    ],
)
async def test_a_body_is_taken_wholly_or_refused(
    client: Client, world: World, body: Any, message: str
) -> None:
    """Unknown names, read-only columns, wrong types and texts too long are 400 and change nothing."""
    before = dict(client.standin.state.rows(BOOKINGS)[world.booking])
    reply = await client.call("PATCH", f"{BOOKINGS}({world.booking})", body, {"If-Match": "*"})
    assert (reply.status, message in reply.body["error"]["message"]) == (400, True), reply.body
    assert client.standin.state.rows(BOOKINGS)[world.booking] == before


async def test_a_lookup_must_point_at_a_row(client: Client) -> None:
    """Binding to a row that does not exist is 404 and creates nothing."""
    reply = await client.call("POST", BOOKINGS, {"Resource@odata.bind": f"/bookableresources({NOWHERE})"})
    assert (reply.status, reply.code, client.standin.state.rows(BOOKINGS)) == (404, "0x80040217", {})


async def test_metadata_tells_about_optimistic_concurrency(client: Client, world: World) -> None:
    """The table says whether etags work; where they do not, sending one is 400."""
    select = "$select=IsOptimisticConcurrencyEnabled,ChangeTrackingEnabled"
    path = f"EntityDefinitions(LogicalName='bookableresourcebooking')?{select}"
    body = (await client.call("GET", path)).body
    assert (body["IsOptimisticConcurrencyEnabled"], body["ChangeTrackingEnabled"]) == (True, True)
    client.standin.state.configure(without_optimistic_concurrency=["bookableresourcebooking"])
    assert (await client.call("GET", path)).body["IsOptimisticConcurrencyEnabled"] is False
    row = f"{BOOKINGS}({world.booking})"
    refused = await client.call("PATCH", row, {"name": "x"}, {"If-Match": 'W/"1"'})
    assert (refused.status, refused.code) == (400, "0x80060883")
    assert (await client.call("PATCH", row, {"name": "x"}, {"If-Match": "*"})).status == 204


async def test_creating_a_row(client: Client) -> None:
    """A creation answers 204 with the row's address, or 201 with the row; a taken id is 412."""
    plain = await client.call("POST", BOOKINGS, {"name": "a"})
    assert plain.status == 204
    assert plain.headers["OData-EntityId"].startswith(f"{client.base}/api/data/v9.2/{BOOKINGS}(")
    body = {"bookableresourcebookingid": NOWHERE, "name": ""}
    shown = await client.call("POST", f"{BOOKINGS}?$select=name", body, {"Prefer": "return=representation"})
    assert (shown.status, shown.body["name"]) == (201, None)
    assert client.standin.state.rows(BOOKINGS)[NOWHERE]["createdby"] == APP_USER
    again = await client.call("POST", BOOKINGS, body)
    assert (again.status, again.code) == (412, "0x80040237")
    assert (await client.call("POST", BOOKINGS, body, {"Content-Type": "text/plain"})).status == 415


async def test_a_patch_without_if_match_recreates_a_deleted_row(client: Client, world: World) -> None:
    """The upsert trap: only If-Match keeps a PATCH from bringing a deleted booking back."""
    row = f"{BOOKINGS}({world.booking})"
    assert (await client.call("DELETE", row)).status == 204
    for condition in ("*", 'W/"5"'):
        reply = await client.call("PATCH", row, {"name": "x"}, {"If-Match": condition})
        assert (reply.status, reply.code) == (404, "0x80040217")
    assert (await client.call("PATCH", row, {"name": "x"})).status == 204
    assert client.standin.state.rows(BOOKINGS)[world.booking]["name"] == "x"


@pytest.mark.assumes("current_version")
@pytest.mark.assumes("stale_version")
async def test_an_etag_guards_against_lost_updates(client: Client, world: World) -> None:
    """A write with the current etag moves version and modifier on; the old etag is 412, for DELETE too."""
    row = f"{BOOKINGS}({world.booking})"
    read = (await client.call("GET", row)).body["@odata.etag"]
    prefer = {"If-Match": read, "Prefer": "return=representation"}
    written = await client.call("PATCH", f"{row}?tag=ours", {"name": "x"}, prefer)
    assert (written.status, written.body["_modifiedby_value"]) == (200, APP_USER)
    assert written.body["@odata.etag"] != read
    for method, body in (("PATCH", {"name": "y"}), ("DELETE", None)):
        stale = await client.call(method, row, body, {"If-Match": read})
        assert (stale.status, stale.code) == (412, "0x80060882")
    assert (await client.call("PATCH", row, {"name": "y"}, {"If-Match": "5"})).status == 400
    assert client.standin.state.rows(BOOKINGS)[world.booking]["name"] == "x"


@pytest.mark.assumes("batch_goes_on")
async def test_a_batch_answers_each_part(client: Client, world: World) -> None:
    """With continue-on-error a 200 holds the parts' statuses in order; addresses may be of three kinds."""
    reply = await client.batch(
        patch_part(world.booking, {"name": "x"}),
        patch_part(NOWHERE, {"name": "x"}),
        patch_part(world.booking, {"name": "y"}, 'W/"1"'),
        f"GET /api/data/v9.2/{BOOKINGS}({world.booking})?$select=name HTTP/1.1\r\n\r\n",
        f"GET {client.base}/api/data/v9.2/WhoAmI HTTP/1.1\r\nAccept: application/json\r\n\r\n",
    )
    assert (reply.status, statuses(reply)) == (200, [204, 404, 412, 200, 200])
    assert '"name": "x"' in reply.body
    items = client.standin.requests[-1].items
    assert [item["status"] for item in items] == [204, 404, 412, 200, 200]
    assert items[0]["path"] == f"/api/data/v9.2/{BOOKINGS}({world.booking})"


async def test_a_batch_stops_at_the_first_error_unless_told(client: Client, world: World) -> None:
    """Without continue-on-error what follows a failed part is not carried out."""
    parts = (patch_part(NOWHERE, {}), patch_part(world.booking, {"name": "late"}))
    reply = await client.batch(*parts, go_on=False)
    assert (reply.status, statuses(reply)) == (404, [404])
    assert client.standin.state.rows(BOOKINGS)[world.booking]["name"] == "Boiler"


GOOD = f"--b\r\n{ENVELOPE}GET WhoAmI HTTP/1.1\r\n\r\n\r\n--b--\r\n"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (GOOD, 200),
        (GOOD.replace("\r\n", "\n"), 400),
        (GOOD.replace("HTTP/1.1\r\n\r\n\r\n", "HTTP/1.1\r\n\r\n"), 400),
        (GOOD.replace("binary\r\n\r\n", "binary\r\n"), 400),
        (GOOD.replace("HTTP/1.1\r\n", "HTTP/1.1\nAccept: a\r\n"), 400),
        (GOOD.replace("HTTP/1.1\r\n", "HTTP/1.1\r\nPrefer: a\nAccept: a\r\n"), 400),
        (GOOD.replace("--b\r\n", "--b", 1), 400),
        (GOOD.replace("--b", "--c"), 400),
        (GOOD.replace("--b--\r\n", ""), 400),
        (GOOD.replace("--b--", "--b"), 400),
        (GOOD.replace("application/http", "text/plain"), 400),
        (GOOD.replace("Content-Transfer-Encoding: binary\r\n", ""), 400),
        (GOOD.replace("GET WhoAmI", "GET https://elsewhere.example/api/data/v9.2/WhoAmI"), 400),
        (GOOD.replace("GET WhoAmI", "GET /api/data/v9.1/WhoAmI"), 400),
        (GOOD.replace(" HTTP/1.1", ""), 400),
        (GOOD.replace("application/http", "multipart/mixed; boundary=c"), 501),
        (GOOD.removesuffix("--b--\r\n") * 1001 + "--b--\r\n", 400),
        ("--b--\r\n", 400),
    ],
)
async def test_the_format_of_a_batch_is_checked(client: Client, body: str, status: int) -> None:
    """CRLF, boundaries, empty lines, part headers, hosts, change sets and 1,000 parts at most."""
    headers = {"Content-Type": 'multipart/mixed; boundary="b"', "Prefer": "odata.continue-on-error"}
    assert (await client.call("POST", "$batch", body.encode(), headers)).status == status


async def test_a_batch_needs_its_boundary(client: Client) -> None:
    """The content type must be multipart/mixed with a boundary."""
    for kind in ("multipart/mixed", "application/json"):
        assert (await client.call("POST", "$batch", GOOD.encode(), {"Content-Type": kind})).status == 400


@pytest.mark.parametrize(("when", "name"), [("before", "Boiler"), ("after", "x")])
async def test_faults_strike_single_parts(client: Client, world: World, when: Any, name: str) -> None:
    """A scripted fault hits a part of a batch before or after it took effect, and no other part."""
    client.standin.faults.add(Fault(path=rf"/{BOOKINGS}\(", method="PATCH", when=when, status=503))
    reply = await client.batch(patch_part(world.booking, {"name": "x"}), "GET WhoAmI HTTP/1.1\r\n\r\n")
    assert (reply.status, statuses(reply)) == (200, [503, 200])
    assert client.standin.state.rows(BOOKINGS)[world.booking]["name"] == name


async def test_a_part_can_lose_the_connection(client: Client, world: World) -> None:
    """A part's fault that hangs up after the commit leaves the write done and the caller in the dark."""
    client.standin.faults.add(Fault(path=BOOKINGS, method="PATCH", when="after", drop=True))
    with pytest.raises(aiohttp.ClientError):
        await client.batch(patch_part(world.booking, {"name": "x"}))
    assert client.standin.state.rows(BOOKINGS)[world.booking]["name"] == "x"


def test_a_throttle_grows_while_requests_keep_coming() -> None:
    """Going on during a 429 lengthens Retry-After; waiting it out lets requests in again."""
    now = 0.0
    throttle = Throttle(Config(max_requests=2, window_seconds=10, retry_after_seconds=12), lambda: now)

    def refused() -> tuple[str, int]:
        with pytest.raises(DataverseError) as caught:
            throttle.enter()
        assert caught.value.status == 429
        return caught.value.code, int(caught.value.headers["Retry-After"])

    for _request in range(2):
        throttle.leave(throttle.enter())
    assert [refused(), refused(), refused()] == [("0x80072322", 12), ("0x80072322", 13), ("0x80072322", 14)]
    now = 13.9
    assert refused() == ("0x80072322", 2)
    now = 15.1
    throttle.leave(throttle.enter())


def test_execution_time_is_limited() -> None:
    """Much execution time within the window is 429 as well."""
    now = 0.0
    throttle = Throttle(Config(max_execution_seconds=5), lambda: now)
    started = throttle.enter()
    now = 6.0
    throttle.leave(started)
    with pytest.raises(DataverseError) as caught:
        throttle.enter()
    assert caught.value.code == "0x80072321"


def test_concurrent_requests_are_limited() -> None:
    """The 53rd request at once is refused; when others have ended and the wait is over, it gets in."""
    now = 0.0
    throttle = Throttle(Config(), lambda: now)
    running = [throttle.enter() for _request in range(52)]
    with pytest.raises(DataverseError) as caught:
        throttle.enter()
    assert caught.value.code == "0x80072326"
    throttle.leave(running.pop())
    now = 6.0
    throttle.enter()


async def test_a_throttled_request_is_told_when_to_come_back(client: Client, world: World) -> None:
    """A 429 carries Retry-After and Dataverse's error, and nothing is carried out."""
    client.standin.state.configure(max_requests=0, retry_after_seconds=7)
    reply = await client.call("DELETE", f"{BOOKINGS}({world.booking})")
    assert (reply.status, reply.code, reply.headers["Retry-After"]) == (429, "0x80072322", "7")
    assert world.booking in client.standin.state.rows(BOOKINGS)


async def test_a_returned_affinity_cookie_is_counted(client: Client) -> None:
    """The cookie is offered, and requests that send it back are counted."""
    cookie = (await client.call("GET", "WhoAmI")).headers["Set-Cookie"].partition(";")[0]
    assert (cookie.startswith("ARRAffinity="), client.standin.state.cookies_returned) == (True, 0)
    await client.call("GET", "WhoAmI", headers={"Cookie": cookie})
    assert (await client.control("GET", "state"))["cookiesReturned"] == 1


async def test_deleting_a_work_order_keeps_its_bookings(
    client: Client, world: World, receiver: Receiver
) -> None:
    """The bookings stay with an empty work order, and each raises an Update saying so."""
    assert (await client.call("DELETE", f"msdyn_workorders({world.work_order})")).status == 204
    assert client.standin.state.rows(BOOKINGS)[world.booking]["msdyn_workorder"] is None
    (body,) = await receiver.hear(client)
    attributes = pairs(target(body)["Attributes"])
    assert (body["MessageName"], body["Depth"], attributes["msdyn_workorder"]) == ("Update", 2, None)


async def test_deleting_a_header_deletes_its_bookings(
    client: Client, world: World, receiver: Receiver
) -> None:
    """Each booking of a deleted header goes and raises a Delete; a needed row can't be deleted."""
    client.standin.state.create(
        BOOKINGS, {"Header@odata.bind": f"bookableresourcebookingheaders({world.header})"}, webhooks=False
    )
    assert (await client.call("DELETE", f"bookableresources({world.resource})")).code == "0x80040227"
    assert (await client.call("DELETE", f"bookableresourcebookingheaders({world.header})")).status == 204
    assert client.standin.state.rows(BOOKINGS) == {}
    assert [body["MessageName"] for body in await receiver.hear(client)] == ["Delete", "Delete"]
    assert world.resource in client.standin.state.rows("bookableresources")


def pairs(entries: list[dict[str, Any]]) -> dict[str, Any]:
    """A list of key and value as a dictionary."""
    return {entry["key"]: entry["value"] for entry in entries}


def target(body: dict[str, Any]) -> dict[str, Any]:
    """The Target of a webhook body."""
    found: dict[str, Any] = pairs(body["InputParameters"])["Target"]
    return found


async def test_an_update_webhook(client: Client, world: World, receiver: Receiver) -> None:
    """An Update tells the columns written, typed, with null for a cleared one, and the image before."""
    changes = {
        "starttime": "2026-01-06T08:00:00Z",
        "Resource@odata.bind": None,
        "statecode": 1,
        "duration": None,
    }
    await client.control("PATCH", f"rows/{BOOKINGS}/{world.booking}", changes)
    (body,) = await receiver.hear(client)
    assert {
        key: body[key] for key in ("MessageName", "PrimaryEntityName", "PrimaryEntityId", "Mode", "Stage")
    } == {
        "MessageName": "Update",
        "PrimaryEntityName": "bookableresourcebooking",
        "PrimaryEntityId": world.booking,
        "Mode": 1,
        "Stage": 40,
    }
    assert (body["InitiatingUserId"], body["Depth"]) == (DISPATCHER, 1)
    assert body["OrganizationId"] == DEFAULT_IDENTITY.organization_id
    attributes = pairs(target(body)["Attributes"])
    assert target(body)["__type"].startswith("Entity:")
    assert attributes["starttime"] == "/Date(1767686400000)/"
    assert attributes["statecode"]["Value"] == 1
    assert {attributes["resource"], attributes["duration"]} == {None}
    assert {"modifiedon", "modifiedby", "bookableresourcebookingid"} <= set(attributes)
    assert not {"endtime", "name", "msdyn_workorder"} & set(attributes)
    assert [image["key"] for image in body["PreEntityImages"]] == ["AsynchronousStepPrimaryName", "PreImage"]
    image = pairs(body["PreEntityImages"])["PreImage"]
    before = pairs(image["Attributes"])
    assert "__type" not in image
    assert (before["starttime"], before["duration"]) == ("/Date(1767600000000)/", 120)
    assert set(before) == {"bookableresourcebookingid", "name", "starttime", "resource", "duration"}
    assert before["resource"]["Id"] == world.resource
    assert before["resource"]["LogicalName"] == "bookableresource"
    assert body["ParentContext"]["Stage"] == 30
    sent = receiver.standin.requests[0]
    assert sent.headers["x-functions-key"] == "made-up"
    assert sent.headers["x-ms-dynamics-entity-name"] == "bookableresourcebooking"
    assert sent.headers["x-ms-dynamics-request-name"] == "Update"
    assert sent.headers["x-ms-correlation-request-id"] == body["CorrelationId"]


async def test_slashes_are_escaped_and_an_odd_moment_has_an_offset(
    client: Client, world: World, receiver: Receiver
) -> None:
    """Each slash is escaped in the raw body; OperationCreatedOn plus its offset is the moment in UTC."""
    client.standin.state.update(BOOKINGS, world.booking, {"starttime": "2026-01-06T08:00:00Z"})
    (body,) = await receiver.hear(client)
    text = body["OperationCreatedOn"].removeprefix("/Date(").removesuffix("+0200)/")
    modified = pairs(target(body)["Attributes"])["modifiedon"].removeprefix("/Date(").removesuffix(")/")
    assert abs(int(text) + 2 * 3_600_000 - int(modified)) < 5_000
    unescaped = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
    assert receiver.standin.requests[0].body_bytes == len(unescaped) + unescaped.count(b"/")


async def test_an_update_fires_only_for_filtering_attributes(
    client: Client, world: World, receiver: Receiver
) -> None:
    """A request without a filtering attribute is silent; one that names it fires even with the same value."""
    row = f"{BOOKINGS}({world.booking})"
    await client.call("PATCH", row, {"bsync_outlookeventid": "e", "name": "x"}, {"If-Match": "*"})
    assert await receiver.hear(client) == []
    same = {"starttime": "2026-01-05T08:00:00Z"}
    await client.call("PATCH", f"{row}?tag=ours", same, {"If-Match": "*"})
    (body,) = await receiver.hear(client)
    assert body["InitiatingUserId"] == APP_USER
    assert pairs(body["SharedVariables"])["tag"] == "ours"


async def test_create_and_delete_webhooks(client: Client, receiver: Receiver) -> None:
    """A Create has no image before; a Delete's Target has no columns, which only its image tells."""
    booking = client.standin.state.create(BOOKINGS, {"name": "n", "bsync_outlookeventid": "event-9"})
    await receiver.hear(client)
    client.standin.state.delete(BOOKINGS, booking)
    created, deleted = await receiver.hear(client)
    assert (created["MessageName"], created["PreEntityImages"]) == ("Create", [])
    assert pairs(target(created)["Attributes"])["name"] == "n"
    assert target(deleted)["__type"].startswith("EntityReference:")
    assert (target(deleted)["Id"], "Attributes" in target(deleted)) == (booking, False)
    assert [image["key"] for image in deleted["PreEntityImages"]] == [
        "AsynchronousStepPrimaryName",
        "PreImage",
    ]
    image = pairs(pairs(deleted["PreEntityImages"])["PreImage"]["Attributes"])
    assert image == {"bookableresourcebookingid": booking, "bsync_outlookeventid": "event-9"}


@pytest.mark.assumes("webhook_sizes")
async def test_a_large_body_is_stripped(client: Client, world: World, receiver: Receiver) -> None:
    """Above the limit parameters, images and parent are dropped and a header says so."""
    client.standin.state.configure(webhooks_max_bytes=1000)
    client.standin.state.update(BOOKINGS, world.booking, {"starttime": None})
    (body,) = await receiver.hear(client)
    assert not {"InputParameters", "PreEntityImages", "PostEntityImages", "ParentContext"} & set(body)
    assert body["PrimaryEntityId"] == world.booking
    assert "x-ms-dynamics-msg-size-exceeded" in receiver.standin.requests[0].headers


async def test_the_key_may_travel_in_the_query(client: Client, receiver: Receiver) -> None:
    """A webhook with query authentication sends its key as a parameter, which no account repeats."""
    auth = {"query": "code", "value": "a/b="}
    await client.control("PUT", "webhooks", [{"url": receiver.url, "auth": auth, "steps": STEPS}])
    receiver.standin.faults.add(Fault(status=500, after_skipping=1))
    client.standin.state.create(BOOKINGS, {})
    client.standin.state.create(BOOKINGS, {})
    await receiver.hear(client)
    assert URL(receiver.standin.requests[0].path).query["code"] == "a/b="
    assert "a/b" not in json.dumps(await client.control("GET", "deliveries"))


@pytest.mark.parametrize(
    ("answers", "retried", "lost"),
    [
        ([503], 1, []),
        ([502, 504], 1, [[502, 504]]),
        ([503, 500], 1, [[503, 500]]),
        ([500], 0, [[500]]),
        ([429], 0, [[429]]),
        ([401], 0, [[401]]),
        ([302], 0, [[302]]),
    ],
)
@pytest.mark.assumes("webhook_repeats")
async def test_a_delivery_gets_one_more_attempt_at_most(
    client: Client,
    receiver: Receiver,
    answers: list[int],
    retried: int,
    lost: list[list[int]],
) -> None:
    """502, 503 and 504 are tried once more; everything else is lost for good and accounted for."""
    for status in answers:
        receiver.standin.faults.add(Fault(status=status, headers={"Location": "/hook"}))
    client.standin.state.create(BOOKINGS, {})
    await receiver.hear(client)
    account = await client.control("GET", "deliveries")
    assert (account["delivered"], account["lost"]) == (1 - len(lost), len(lost))
    assert account["retried"] == retried
    assert [failure["statuses"] for failure in account["failures"]] == lost
    assert await client.control("GET", "deliveries/idle") == {"idle": True, "pending": 0}


async def test_a_timeout_or_a_dead_endpoint_is_a_loss(client: Client, receiver: Receiver) -> None:
    """No answer in time, or no connection, is not tried again."""
    client.standin.state.configure(webhooks_timeout_seconds=0.05)
    receiver.standin.latency_seconds = 0.2
    client.standin.state.create(BOOKINGS, {})
    await receiver.hear(client)
    auth = {"header": "x-functions-key", "value": "k"}
    nobody = {"url": "https://localhost:1/hook", "auth": auth, "steps": STEPS}
    await client.control("PUT", "webhooks", nobody)
    client.standin.state.create(BOOKINGS, {})
    await receiver.hear(client)
    account = client.standin.state.sender.describe()
    assert [failure["statuses"] for failure in account["failures"]] == [[], []]
    assert (account["lost"], account["retried"]) == (2, 0)


async def test_deliveries_can_be_made_worse(client: Client, receiver: Receiver) -> None:
    """Deliveries can wait while paused, come in any order, come twice, late, or every n-th not at all."""
    client.standin.state.configure(webhooks_paused=True, webhooks_shuffled=True, webhooks_parallel=1)
    ids = [client.standin.state.create(BOOKINGS, {}) for _number in range(30)]
    assert client.standin.state.sender.pending == 30
    assert receiver.bodies == []
    await client.control("PUT", "config", {"webhooks_paused": False})
    heard = [body["PrimaryEntityId"] for body in await receiver.hear(client)]
    assert heard != ids
    assert sorted(heard) == sorted(ids)
    receiver.bodies.clear()
    client.standin.state.configure(webhooks_twice=True, webhooks_delay_seconds=0.05, webhooks_lose_every=4)
    for _number in range(4):
        client.standin.state.create(BOOKINGS, {})
    assert len(await receiver.hear(client)) == 6
    assert len(client.standin.state.sender.failures) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"message": "Upsert"},
        {"table": "Bookableresourcebooking"},
        {"filteringattributes": "starttime,Resource"},
        {"message": "Create", "images": STEPS[1]["images"], "filteringattributes": ""},
        {"message": "Delete"},
    ],
)
async def test_a_step_must_make_sense(client: Client, change: dict[str, Any]) -> None:
    """Unknown messages, tables and attributes, images before a Create and misplaced filters are refused."""
    auth = {"header": "x-functions-key", "value": "k"}
    registration = {"url": "https://localhost:1", "auth": auth, "steps": [{**STEPS[1], **change}]}
    assert "error" in await client.control("PUT", "webhooks", registration)


async def test_the_control_plane_seeds_and_empties(client: Client, receiver: Receiver) -> None:
    """Bulk seeding can be silent, obeys the same rules, and everything can be forgotten at once."""
    ids = await client.control("POST", f"rows/{BOOKINGS}/bulk?webhooks=false", [{"name": "a"}, {"name": "b"}])
    one = (await client.control("POST", f"rows/{BOOKINGS}?webhooks=false", {"name": "c"}))["id"]
    await client.control("DELETE", f"rows/{BOOKINGS}/{one}?webhooks=false")
    rows = await client.control("GET", f"rows/{BOOKINGS}")
    assert [(row["bookableresourcebookingid"], row["createdby"]) for row in rows] == [
        (row_id, DISPATCHER) for row_id in ids
    ]
    assert await receiver.hear(client) == []
    assert "error" in await client.control("POST", f"rows/{BOOKINGS}", {"Name": "a"})
    assert "error" in await client.control("PATCH", f"rows/{BOOKINGS}/{NOWHERE}", {"name": "a"})
    assert "error" in await client.control("PUT", "config", {"nonsense": 1})
    assert "error" in await client.control("PUT", "config", {"webhooks_twice": 1})
    await client.control("DELETE", "everything")
    assert await client.control("GET", f"rows/{BOOKINGS}") == []
    assert client.standin.state.notifier.webhooks == []


async def test_a_hidden_booking_is_missing_from_lists_and_refused_by_id(client: Client) -> None:
    """Row security: lists leave the row out in silence, its id answers 403, and only a missing one 404."""
    hidden, seen = [
        client.standin.state.create(BOOKINGS, {"name": name}, webhooks=False) for name in ("a", "b")
    ]
    client.standin.state.configure(hidden_bookings=[hidden])

    listed = (await client.call("GET", f"{BOOKINGS}?$select=name")).body["value"]
    refused = await client.call("GET", f"{BOOKINGS}({hidden})?$select=name")
    missing = await client.call("GET", f"{BOOKINGS}({NOWHERE})?$select=name")

    assert [row["bookableresourcebookingid"] for row in listed] == [seen]
    assert (refused.status, refused.body["error"]["code"]) == (403, "0x80048306")
    assert (missing.status, missing.body["error"]["code"]) == (404, "0x80040217")


def test_it_runs_as_a_program() -> None:
    """The command line serves and says where; SIGTERM ends it."""
    command = [sys.executable, "-m", "local.dataverse", "--token-key", KEY.hex()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own module
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        process.terminate()
    assert ready["ready"].startswith("http://localhost:")
    assert process.returncode == 0
