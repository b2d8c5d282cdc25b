"""The Dataverse stand-in's own rows, strict as for real: solutions, custom columns, webhooks, jobs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
import pytest_asyncio
from aiohttp import web

from local.dataverse import DataverseStandIn
from local.dataverse.customization.metadata import BASE_LANGUAGE
from local.dataverse.environment import DEFAULT_IDENTITY
from local.stack.certificates import Certificates, make_certificates
from local.standin import StandIn, server_tls, serving
from tests.local.dataverse.kit import KEY, NOWHERE, Client, client_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PUBLISH = "<importexportxml><entities><entity>{}</entity></entities></importexportxml>"
BOOKINGS = "bookableresourcebookings"
BOOKING = "bookableresourcebooking"
ATTRIBUTES = f"EntityDefinitions(LogicalName='{BOOKING}')/Attributes"
STRING = "Microsoft.Dynamics.CRM.StringAttributeMetadata"
SECRET_XML = '<settings><setting name="x-functions-key" value="made-up" /></settings>'
STEPS = "sdkmessageprocessingsteps"
IMAGES = "sdkmessageprocessingstepimages"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """One throwaway authority for all tests here."""
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest_asyncio.fixture
async def client(certificates: Certificates) -> AsyncIterator[Client]:
    """A client of an empty environment."""
    standin = DataverseStandIn(KEY, authority=str(certificates.authority), support_columns={})
    async with client_of(standin, certificates) as client:
        yield client


@dataclass
class Endpoint:
    """Where webhooks arrive."""

    url: str
    bodies: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    status: int = 202


@pytest_asyncio.fixture
async def endpoint(certificates: Certificates) -> AsyncIterator[Endpoint]:
    """An endpoint over TLS that answers what the test says."""
    standin, heard = StandIn("receiver"), Endpoint("")

    async def receive(request: web.Request) -> web.Response:
        heard.bodies.append(await request.json())
        heard.keys.append(request.headers.get("x-functions-key", ""))
        return web.Response(status=heard.status)

    standin.app.router.add_post("/hook", receive)
    tls = server_tls(str(certificates.certificate), str(certificates.key))
    async with serving(standin, tls) as base:
        heard.url = f"{base}/hook"
        yield heard


def label(text: str) -> dict[str, Any]:
    """A label in the environment's language."""
    return {
        "@odata.type": "Microsoft.Dynamics.CRM.Label",
        "LocalizedLabels": [
            {
                "@odata.type": "Microsoft.Dynamics.CRM.LocalizedLabel",
                "Label": text,
                "LanguageCode": BASE_LANGUAGE,
            }
        ],
    }


def column(name: str = "bsync_OutlookEventId", length: int = 10) -> dict[str, Any]:
    """The definition of a text column."""
    return {"@odata.type": STRING, "SchemaName": name, "MaxLength": length, "DisplayName": label("Event")}


async def create(client: Client, entity_set: str, body: dict[str, Any], solution: str = "") -> str:
    """Create a row, which must succeed; returns its id."""
    headers = {"MSCRM.SolutionUniqueName": solution} if solution else {}
    reply = await client.call("POST", entity_set, body, headers)
    assert reply.status == 204, reply.body
    return reply.headers["OData-EntityId"].split("(")[-1].rstrip(")")


async def make_solution(client: Client) -> str:
    """A publisher with the prefix bsync and a solution of its own; the solution's id."""
    publisher = await create(
        client,
        "publishers",
        {
            "uniquename": "bsync",
            "friendlyname": "B",
            "customizationprefix": "bsync",
            "customizationoptionvalueprefix": 72590,
        },
    )
    body = {
        "uniquename": "Sync",
        "friendlyname": "Sync",
        "version": "1.0.0.0",
        "publisherid@odata.bind": f"/publishers({publisher})",
    }
    return await create(client, "solutions", body)


async def find(client: Client, entity_set: str, select: str, condition: str) -> list[dict[str, Any]]:
    """The rows that a condition is true of."""
    reply = await client.call("GET", f"{entity_set}?$select={select}&$filter={quote(condition)}")
    assert reply.status == 200, reply.body
    rows: list[dict[str, Any]] = reply.body["value"]
    return rows


async def message_ids(client: Client, message: str, table: str = BOOKING) -> dict[str, str]:
    """The bindings of a step to a message of a table."""
    rows = await find(client, "sdkmessages", "name", f"name eq '{message}'")
    message_id = rows[0]["sdkmessageid"]
    condition = f"_sdkmessageid_value eq {message_id} and primaryobjecttypecode eq '{table}'"
    filters = await find(client, "sdkmessagefilters", "sdkmessagefilterid", condition)
    return {
        "sdkmessageid@odata.bind": f"/sdkmessages({message_id})",
        "sdkmessagefilterid@odata.bind": f"/sdkmessagefilters({filters[0]['sdkmessagefilterid']})",
    }


def hook(url: str, **changes: Any) -> dict[str, Any]:
    """The body of an endpoint."""
    return {
        "name": "hook",
        "url": url,
        "contract": 8,
        "connectionmode": 1,
        "messageformat": 2,
        "authtype": 5,
        "authvalue": SECRET_XML,
        **changes,
    }


async def step(
    client: Client, hook_id: str, message: str, table: str = BOOKING, **more: Any
) -> dict[str, Any]:
    """The body of an asynchronous step."""
    return {
        "name": f"{message} of {table}",
        "stage": 40,
        "mode": 1,
        "rank": 1,
        "supporteddeployment": 0,
        "asyncautodelete": True,
        "eventhandler_serviceendpoint@odata.bind": f"/serviceendpoints({hook_id})",
        **await message_ids(client, message, table),
        **more,
    }


async def test_a_column_is_created_read_widened_and_removed(client: Client) -> None:
    """A text column needs a known prefix, a label and a length, and goes with all its values."""
    solution_id = await make_solution(client)
    in_solution = {"MSCRM.SolutionUniqueName": "Sync"}
    assert (await client.call("GET", f"{BOOKINGS}?$select=bsync_outlookeventid")).status == 400
    made = await client.call("POST", ATTRIBUTES, column(), in_solution)
    assert made.status == 204
    assert (await client.call("POST", ATTRIBUTES, column())).status == 400
    row = await create(client, BOOKINGS, {"bsync_outlookeventid": "x" * 10})
    assert (await client.call("POST", BOOKINGS, {"bsync_outlookeventid": "x" * 11})).status == 400

    place = f"{ATTRIBUTES}(LogicalName='bsync_outlookeventid')"
    definition = (await client.call("GET", f"{place}/{STRING}")).body
    assert (definition["MaxLength"], definition["SchemaName"]) == (10, "bsync_OutlookEventId")
    listed = (
        await client.call("GET", "solutioncomponents?$select=componenttype,objectid,_solutionid_value")
    ).body
    mine = [each for each in listed["value"] if each["_solutionid_value"] == solution_id]
    assert (2, definition["MetadataId"]) in [(each["componenttype"], each["objectid"]) for each in mine]

    wider = {"@odata.type": STRING, **definition, "MaxLength": 20}
    assert (await client.call("PUT", place, {"@odata.type": STRING, "MaxLength": 20})).status == 400
    assert (await client.call("PUT", place, wider)).status == 204
    assert (await client.call("POST", BOOKINGS, {"bsync_outlookeventid": "x" * 20})).status == 204

    assert (await client.call("DELETE", place)).status == 204
    assert "bsync_outlookeventid" not in (await client.call("GET", f"{BOOKINGS}({row})")).body
    assert (await client.call("GET", place)).status == 404
    assert (await client.call("DELETE", f"{ATTRIBUTES}(LogicalName='name')")).status == 400


@pytest.mark.parametrize(
    "change",
    [
        {"SchemaName": "plain"},
        {"SchemaName": "other_EventId"},
        {"MaxLength": 0},
        {"MaxLength": 4001},
        {"MaxLength": "10"},
        {"DisplayName": "Event"},
        {"DisplayName": None},
        {"MaximumLength": 10},
    ],
)
async def test_a_column_must_be_defined_properly(client: Client, change: dict[str, Any]) -> None:
    """A foreign prefix, a bad length or a label that is none is refused."""
    await make_solution(client)
    reply = await client.call("POST", ATTRIBUTES, {**column(), **change})
    assert reply.status == 400


async def test_a_request_names_a_solution_that_exists(client: Client) -> None:
    """An unknown solution in the header is refused; without one, the default solution takes it."""
    unknown = {"MSCRM.SolutionUniqueName": "Nope"}
    assert (await client.call("POST", ATTRIBUTES, column("new_a"), unknown)).status == 404
    assert (await client.call("POST", "serviceendpoints", hook("https://a.example/"), unknown)).status == 404
    assert (await client.call("POST", ATTRIBUTES, column("new_a"))).status == 204


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (
            {"ParameterXml": PUBLISH.format(BOOKING)},
            204,
        ),
        (
            {"ParameterXml": PUBLISH.format("nope")},
            400,
        ),
        ({"ParameterXml": "<importexportxml />"}, 400),
        ({"ParameterXml": "not XML"}, 400),
        ({}, 400),
        (None, 400),
    ],
)
async def test_publishing_names_tables(client: Client, body: Any, status: int) -> None:
    """PublishXml takes one parameter: XML that names tables which exist."""
    assert (await client.call("POST", "PublishXml", body)).status == status
    assert client.standin.state.api.platform.customization.published == ([BOOKING] if status == 204 else [])


@pytest.mark.parametrize(
    "change",
    [
        {"customizationprefix": "1ab"},
        {"customizationprefix": "mscrmx"},
        {"customizationprefix": "a"},
        {"customizationoptionvalueprefix": 9999},
        {"uniquename": "has space"},
        {"friendlyname": None},
        {"isreadonly": True},
    ],
)
async def test_a_publisher_must_make_sense(client: Client, change: dict[str, Any]) -> None:
    """Prefix, number, names: what the platform demands of a publisher."""
    good = {
        "uniquename": "b",
        "friendlyname": "B",
        "customizationprefix": "bsync",
        "customizationoptionvalueprefix": 72590,
    }
    assert (await client.call("POST", "publishers", {**good, **change})).status == 400


async def test_what_is_still_needed_can_not_be_deleted(client: Client) -> None:
    """A publisher with solutions, an endpoint with steps, a column in an image: each says so and stays."""
    solution_id = await make_solution(client)
    await client.call("POST", ATTRIBUTES, column())
    publishers = await find(client, "publishers", "uniquename", "uniquename eq 'bsync'")
    publisher = f"publishers({publishers[0]['publisherid']})"
    hook_id = await create(client, "serviceendpoints", hook("https://a.example/"), "Sync")
    step_id = await create(client, STEPS, await step(client, hook_id, "Delete"), "Sync")
    image = {
        "entityalias": "PreImage",
        "imagetype": 0,
        "messagepropertyname": "Target",
        "attributes": "bsync_outlookeventid",
        "sdkmessageprocessingstepid@odata.bind": f"/{STEPS}({step_id})",
    }
    await create(client, IMAGES, image)
    place = f"{ATTRIBUTES}(LogicalName='bsync_outlookeventid')"

    assert (await client.call("DELETE", publisher)).status == 400
    assert (await client.call("DELETE", f"serviceendpoints({hook_id})")).code == "0x8004f01f"
    assert (await client.call("DELETE", place)).code == "0x8004f01f"
    assert (await client.call("DELETE", f"{STEPS}({step_id})")).status == 204
    assert (await client.call("GET", IMAGES)).body["value"] == []
    assert (await client.call("DELETE", f"serviceendpoints({hook_id})")).status == 204
    assert (await client.call("DELETE", place)).status == 204
    assert (await client.call("DELETE", f"solutions({solution_id})")).status == 204
    assert (await client.call("GET", "solutioncomponents")).body["value"] == []
    assert (await client.call("DELETE", publisher)).status == 204


async def test_components_are_added_to_a_solution(client: Client) -> None:
    """AddSolutionComponent puts what exists into a solution, once, and refuses what does not."""
    await make_solution(client)
    hook_id = await create(client, "serviceendpoints", hook("https://a.example/"))
    wanted = {
        "ComponentId": hook_id,
        "ComponentType": 95,
        "SolutionUniqueName": "Sync",
        "AddRequiredComponents": False,
    }
    first = await client.call("POST", "AddSolutionComponent", wanted)
    again = await client.call("POST", "AddSolutionComponent", wanted)
    assert first.status == again.status == 200
    assert first.body["id"] == again.body["id"]
    for wrong in (
        {"ComponentId": NOWHERE},
        {"SolutionUniqueName": "Nope"},
        {"ComponentType": 1},
        {"Nonsense": 1},
    ):
        assert (await client.call("POST", "AddSolutionComponent", {**wanted, **wrong})).status >= 400
    short = {key: value for key, value in wanted.items() if key != "AddRequiredComponents"}
    assert (await client.call("POST", "AddSolutionComponent", short)).status == 400


async def test_a_key_is_written_and_never_read(client: Client) -> None:
    """The key of an endpoint is in no answer, and can neither be selected nor filtered by."""
    hook_id = await create(client, "serviceendpoints", hook("https://a.example/"))
    row = (await client.call("GET", f"serviceendpoints({hook_id})")).body
    assert row["url"] == "https://a.example/"
    assert "authvalue" not in row
    assert (await client.call("GET", "serviceendpoints?$select=authvalue")).status == 400
    assert (await client.call("GET", "serviceendpoints?$filter=authvalue%20eq%20'x'")).status == 400


@pytest.mark.parametrize(
    "change",
    [
        {"name": None},
        {"contract": None},
        {"authtype": 2},
        {"authtype": None},
        {"authvalue": None},
        {"authvalue": "x" * 2049},
        {"url": "not a url"},
    ],
)
async def test_an_endpoint_must_make_sense(client: Client, change: dict[str, Any]) -> None:
    """A webhook has a name, an address, a way to authenticate and a key."""
    reply = await client.call("POST", "serviceendpoints", {**hook("https://a.example/"), **change})
    assert reply.status == 400


@pytest.mark.parametrize(
    ("message", "change", "status"),
    [
        ("Update", {"stage": 20}, 400),
        ("Update", {"stage": 30}, 400),
        ("Update", {"mode": 0}, 501),
        ("Update", {"mode": None}, 400),
        ("Update", {"filteringattributes": "starttime,Resource"}, 400),
        ("Create", {"filteringattributes": "starttime"}, 400),
        ("Update", {"eventhandler_serviceendpoint@odata.bind": f"/serviceendpoints({NOWHERE})"}, 404),
        ("Update", {"EventHandler@odata.bind": "x"}, 400),
        ("Update", {"statecode": 1, "statuscode": 1}, 400),
        ("Update", {"filteringattributes": "starttime,resource"}, 204),
    ],
)
async def test_a_step_must_make_sense(
    client: Client, message: str, change: dict[str, Any], status: int
) -> None:
    """Asynchronous steps run after the operation, name columns that exist, and filter updates only."""
    hook_id = await create(client, "serviceendpoints", hook("https://a.example/"))
    body = {**await step(client, hook_id, message), **change}
    assert (await client.call("POST", STEPS, body)).status == status


async def test_a_step_is_for_a_table_of_its_own_message(client: Client) -> None:
    """The filter must be one of the message's."""
    hook_id = await create(client, "serviceendpoints", hook("https://a.example/"))
    other = await message_ids(client, "Create")
    body = await step(
        client, hook_id, "Update", **{key: other[key] for key in ["sdkmessagefilterid@odata.bind"]}
    )
    assert (await client.call("POST", STEPS, body)).status == 400


@pytest.mark.parametrize(
    ("message", "change", "status"),
    [
        ("Create", {"imagetype": 0, "messagepropertyname": "Id"}, 400),
        ("Create", {"imagetype": 1, "messagepropertyname": "Id"}, 204),
        ("Create", {"imagetype": 1}, 400),
        ("Delete", {"imagetype": 1}, 400),
        ("Delete", {"imagetype": 2}, 400),
        ("Delete", {"attributes": "nope"}, 400),
        ("Delete", {"entityalias": None}, 400),
        ("Delete", {"messagepropertyname": "Entity"}, 400),
        ("Delete", {}, 204),
    ],
)
async def test_an_image_must_make_sense(
    client: Client, message: str, change: dict[str, Any], status: int
) -> None:
    """No image of what was not there yet or is gone, taken of the message's own property."""
    hook_id = await create(client, "serviceendpoints", hook("https://a.example/"))
    step_id = await create(client, STEPS, await step(client, hook_id, message))
    body = {
        "entityalias": "PreImage",
        "imagetype": 0,
        "messagepropertyname": "Target",
        "attributes": "name,msdyn_workorder",
        "sdkmessageprocessingstepid@odata.bind": f"/{STEPS}({step_id})",
        **change,
    }
    assert (await client.call("POST", IMAGES, body)).status == status


async def test_webhooks_go_by_the_rows(client: Client, endpoint: Endpoint) -> None:
    """Steps registered over the Web API fire with the endpoint's key; a disabled or deleted one is silent."""
    hook_id = await create(client, "serviceendpoints", hook(endpoint.url))
    body = await step(client, hook_id, "Update", filteringattributes="starttime,resource")
    step_id = await create(client, STEPS, body)
    booking = client.standin.state.create(BOOKINGS, {"name": "a"})
    courier = client.standin.state.sender

    client.standin.state.update(BOOKINGS, booking, {"name": "b"})
    client.standin.state.update(BOOKINGS, booking, {"starttime": "2026-01-05T08:00:00Z"})
    await courier.idle()
    assert [body["MessageName"] for body in endpoint.bodies] == ["Update"]
    assert endpoint.bodies[0]["OwningExtension"]["Id"] == step_id
    assert endpoint.keys == ["made-up"]

    rotated = SECRET_XML.replace("made-up", "new")
    assert (await client.call("PATCH", f"serviceendpoints({hook_id})", {"authvalue": rotated})).status == 204
    client.standin.state.update(BOOKINGS, booking, {"starttime": None})
    await courier.idle()
    assert endpoint.keys == ["made-up", "new"]

    off = {"statecode": 1, "statuscode": 2}
    assert (await client.call("PATCH", f"{STEPS}({step_id})", off)).status == 204
    client.standin.state.update(BOOKINGS, booking, {"starttime": None})
    await courier.idle()
    assert (
        await client.call("PATCH", f"{STEPS}({step_id})", {"statecode": 0, "statuscode": 1})
    ).status == 204
    assert (await client.call("DELETE", f"{STEPS}({step_id})")).status == 204
    client.standin.state.update(BOOKINGS, booking, {"starttime": None})
    await courier.idle()
    assert len(endpoint.bodies) == 2


@pytest.mark.parametrize("table", ["msdyn_workorder", "bookableresource"])
async def test_related_tables_raise_steps_too(client: Client, endpoint: Endpoint, table: str) -> None:
    """A work order and a resource tell of their updates as a booking does."""
    column = {"msdyn_workorder": "msdyn_city", "bookableresource": "name"}[table]
    hook_id = await create(client, "serviceendpoints", hook(endpoint.url))
    await create(client, STEPS, await step(client, hook_id, "Update", table, filteringattributes=column))
    row = client.standin.state.create(f"{table}s", {})
    client.standin.state.update(f"{table}s", row, {column: "Aachen"})
    await client.standin.state.sender.idle()
    assert [body["PrimaryEntityName"] for body in endpoint.bodies] == [table]


async def jobs_of(client: Client, step_id: str) -> list[dict[str, Any]]:
    """The failed system jobs of a step, asked for as Microsoft documents it."""
    condition = f"statuscode eq 31 and _owningextensionid_value eq {step_id}"
    return await find(client, "asyncoperations", "name,message,completedon", condition)


async def test_a_failed_delivery_leaves_a_system_job(client: Client, endpoint: Endpoint) -> None:
    """What was lost is a job with status 31; what arrived goes by itself where the step says so."""
    hook_id = await create(client, "serviceendpoints", hook(endpoint.url))
    step_id = await create(client, STEPS, await step(client, hook_id, "Create"))
    client.standin.state.create(BOOKINGS, {})
    await client.standin.state.sender.idle()
    assert (await client.call("GET", "asyncoperations")).body["value"] == []

    endpoint.status = 401
    booking = client.standin.state.create(BOOKINGS, {})
    await client.standin.state.sender.idle()
    (job,) = await jobs_of(client, step_id)
    assert "401" in job["message"]
    assert job["completedon"]
    (row,) = client.standin.state.rows("asyncoperations").values()
    assert (row["regardingobjectid"], row["messagename"], row["statecode"]) == (booking, "Create", 3)

    endpoint.status = 202
    await client.call("PATCH", f"{STEPS}({step_id})", {"asyncautodelete": False})
    client.standin.state.create(BOOKINGS, {})
    await client.standin.state.sender.idle()
    kept = [row["statuscode"] for row in client.standin.state.rows("asyncoperations").values()]
    assert kept == [31, 30]
    assert (await client.call("DELETE", f"{STEPS}({step_id})")).status == 204


async def test_a_key_that_is_no_xml_fails_at_delivery(client: Client, endpoint: Endpoint) -> None:
    """Dataverse takes any text as a key and stumbles over it when it sends."""
    bare = hook(endpoint.url, authvalue="made-up")
    hook_id = await create(client, "serviceendpoints", bare)
    step_id = await create(client, STEPS, await step(client, hook_id, "Create"))
    client.standin.state.create(BOOKINGS, {})
    await client.standin.state.sender.idle()
    (job,) = await jobs_of(client, step_id)
    assert "authValue" in job["message"]
    assert endpoint.bodies == []


async def test_the_control_planes_shortcut_writes_the_same_rows(client: Client, endpoint: Endpoint) -> None:
    """Registering by the control plane leaves endpoint, steps and images as the Web API shows them."""
    steps = [
        {"message": "Create", "table": BOOKING},
        {
            "message": "Delete",
            "table": BOOKING,
            "images": [{"alias": "PreImage", "type": 0, "attributes": "name"}],
        },
    ]
    auth = {"header": "x-functions-key", "value": "k<&"}
    for _twice in range(2):
        await client.control("PUT", "webhooks", {"url": endpoint.url, "auth": auth, "steps": steps})
    (row,) = (await client.call("GET", "serviceendpoints?$select=url,authtype,contract")).body["value"]
    assert (row["url"], row["authtype"], row["contract"]) == (endpoint.url, 5, 8)
    assert len((await client.call("GET", STEPS)).body["value"]) == 2
    (image,) = (await client.call("GET", IMAGES)).body["value"]
    assert (image["entityalias"], image["messagepropertyname"]) == ("PreImage", "Target")
    client.standin.state.create(BOOKINGS, {})
    await client.standin.state.sender.idle()
    assert endpoint.keys == ["k<&"]


async def test_privileges_are_told_and_enforced(client: Client) -> None:
    """What the application user lacks is missing from its privileges, and refused by name."""
    place = f"systemusers({DEFAULT_IDENTITY.app_user_id})/Microsoft.Dynamics.CRM.RetrieveUserPrivileges"
    held = {each["PrivilegeName"] for each in (await client.call("GET", place)).body["RolePrivileges"]}
    assert {"prvReadBookableResourceBooking", "prvCreateServiceEndpoint", "prvCreateAttribute"} <= held
    lacking = ["prvReadUser", "prvCreateServiceEndpoint", "prvCreateAttribute", "prvPublishCustomization"]
    client.standin.state.configure(missing_privileges=lacking)
    body = (await client.call("GET", f"{place}()")).body
    assert not set(lacking) & {each["PrivilegeName"] for each in body["RolePrivileges"]}
    refusals = [
        await client.call("GET", "systemusers?$select=fullname"),
        await client.call("POST", "serviceendpoints", hook("https://a.example/")),
        await client.call("POST", ATTRIBUTES, column("new_a")),
        await client.call("POST", "PublishAllXml"),
    ]
    assert [(reply.status, reply.code) for reply in refusals] == [(403, "0x80040220")] * 4
    assert "prvReadUser" in refusals[0].body["error"]["message"]
    unknown = place.replace(DEFAULT_IDENTITY.app_user_id, NOWHERE)
    assert (await client.call("GET", unknown)).status == 404


@pytest.mark.parametrize("lacking", ["prvAppendBookableResourceBooking", "prvAppendToBookingStatus"])
async def test_a_lookup_is_set_by_whoever_may_append(client: Client, lacking: str) -> None:
    """Both to the one row and the other; columns that are no lookups, and emptied ones, need neither."""
    state = client.standin.state
    status = state.create("bookingstatuses", {"name": "Canceled", "status": 3})
    booking = state.create("bookableresourcebookings", {"name": "b"})
    path, anything = f"bookableresourcebookings({booking})", {"If-Match": "*"}
    body = {"BookingStatus@odata.bind": f"/bookingstatuses({status})"}
    assert (await client.call("PATCH", path, body, anything)).status == 204
    state.configure(missing_privileges=[lacking])
    refused = await client.call("PATCH", path, body, anything)
    assert (refused.status, lacking in refused.body["error"]["message"]) == (403, True)
    emptied = {"name": "c", "BookingStatus@odata.bind": None}
    assert (await client.call("PATCH", path, emptied, anything)).status == 204


async def test_nobody_writes_the_platforms_own_rows(client: Client) -> None:
    """Messages, filters and solution components are the platform's."""
    rows = (await client.call("GET", "sdkmessages?$select=name")).body["value"]
    message = f"sdkmessages({rows[0]['sdkmessageid']})"
    assert (await client.call("POST", "sdkmessages", {"name": "Mine"})).status == 400
    assert (await client.call("DELETE", message)).status == 400
    assert (await client.call("PATCH", message, {"name": "Mine"})).status == 400
    assert (await client.call("POST", "solutioncomponents", {"componenttype": 1})).status == 400
