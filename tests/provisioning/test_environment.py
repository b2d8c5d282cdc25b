"""Provisioning against the strict stand-in: made, read back, rotated, mended, removed; refusals in words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from booking_sync.dataverse.customizations.webhook_key import WebhookKey
from booking_sync.domain.bookings.participation import TakesPart
from booking_sync.errors import PermanentError, TransientError
from booking_sync.ports.dataverse.customizations import SOLUTION_NAME, DesiredCustomizations
from booking_sync.provisioning.converge import ProvisioningReport
from booking_sync.provisioning.desired import desired_customizations
from local.dataverse.errors import DataverseError
from local.dataverse.tables.columns import choice, text
from local.standin.faults import Fault
from tests.provisioning.kit import NAMES, RESOURCE_NAMES, URL
from tests.provisioning.site import FUNCTION_KEY, Site

if TYPE_CHECKING:
    pass

STEPS, IMAGES, HOOKS = "sdkmessageprocessingsteps", "sdkmessageprocessingstepimages", "serviceendpoints"


def results(report: ProvisioningReport) -> set[str]:
    """What became of the parts, in short."""
    return {outcome.result for outcome in report.outcomes}


async def test_an_empty_environment_is_provisioned_and_read_back(site: Site) -> None:
    """Columns, webhook, steps and image are as the service has them, and in the solution."""
    report = await site.provision()
    assert (report.complete, report.changed) == (True, True)
    (hook,) = site.rows(HOOKS)
    assert (hook["url"], hook["contract"], hook["authtype"]) == (URL, 8, 5)
    steps = site.rows(STEPS)
    assert {(row["stage"], row["mode"], row["asyncautodelete"], row["statecode"]) for row in steps} == {
        (40, 1, True, 0)
    }
    (image,) = site.rows(IMAGES)
    assert (image["entityalias"], image["imagetype"], image["messagepropertyname"]) == (
        "PreImage",
        0,
        "Target",
    )
    members = {row["objectid"] for row in site.rows("solutioncomponents")}
    assert {hook["serviceendpointid"], *(row["sdkmessageprocessingstepid"] for row in steps)} <= members
    assert site.standin.state.api.platform.customization.published == [
        "bookableresourcebooking",
        "bookableresource",
    ]
    (webhook,) = site.standin.state.notifier.webhooks
    assert dict(webhook.auth) == {"x-functions-key": FUNCTION_KEY}


async def test_a_second_run_writes_nothing(site: Site) -> None:
    """Idempotent on the wire, with the key and without."""
    await site.provision()
    site.standin.requests.clear()
    assert results(await site.provision()) == {"exists"}
    assert results(
        await site.provision(desired_customizations(NAMES, of_resource=RESOURCE_NAMES), key="")
    ) == {"exists"}
    assert site.writes() == []


@pytest.mark.parametrize(
    ("request_number", "applied"),
    [*((number, "after") for number in range(15)), (0, "before"), (5, "before"), (9, "before")],
)
async def test_a_run_that_broke_off_is_completed_by_the_next(
    site: Site, request_number: int, applied: Any
) -> None:
    """Whichever change fails, applied or not, the next run brings it to the same end with nothing twice."""
    body = {"error": {"code": "0x80040203", "message": "no"}}
    fault = Fault(method="POST", status=400, body=body, after_skipping=request_number, when=applied)
    site.standin.faults.add(fault)
    with pytest.raises(PermanentError):
        await site.provision()
    site.standin.faults.clear()
    assert (await site.provision()).complete
    assert [len(site.rows(each)) for each in (HOOKS, STEPS, IMAGES, "solutions", "publishers")] == [
        1,
        6,
        1,
        2,
        2,
    ]
    assert site.standin.state.api.platform.customization.published


async def test_a_throttled_run_goes_on_after_the_pause(site: Site) -> None:
    """A 429 in the middle is waited out."""
    site.standin.faults.add(Fault(method="POST", status=429, headers={"Retry-After": "20"}, after_skipping=4))
    assert (await site.provision()).complete


async def test_the_key_is_rotated_by_running_it_again(site: Site) -> None:
    """Another key is written, and only that; the same one never twice unless asked for."""
    await site.provision()
    site.standin.requests.clear()
    report = await site.provision(key="the-next")
    assert [each.detail for each in report.outcomes if each.result == "changed"] == ["another key"]
    assert dict(site.standin.state.notifier.webhooks[0].auth) == {"x-functions-key": "the-next"}
    assert len(site.writes()) == 1
    site.standin.state.update(HOOKS, site.rows(HOOKS)[0]["serviceendpointid"], {"authvalue": "spoiled"})
    assert results(await site.provision(key="the-next")) == {"exists"}
    assert (await site.provision(key="the-next", trust_fingerprint=False)).complete
    assert dict(site.standin.state.notifier.webhooks[0].auth) == {"x-functions-key": "the-next"}


async def test_a_moved_function_app_gets_a_new_address(site: Site) -> None:
    """The address follows what was given; the key stays."""
    await site.provision()
    moved = "https://moved.azurewebsites.net/api/dataverse/bookings"
    assert (await site.provision(desired_customizations(NAMES, moved), key="")).complete
    (webhook,) = site.standin.state.notifier.webhooks
    assert webhook.url == moved
    assert dict(webhook.auth) == {"x-functions-key": FUNCTION_KEY}


async def test_what_somebody_changed_is_set_right(site: Site) -> None:
    """A disabled step, a lost filter, a missing image, a narrow column: mended in place."""
    await site.provision()
    steps = {row["name"]: row["sdkmessageprocessingstepid"] for row in site.rows(STEPS)}
    site.standin.state.update(
        STEPS, steps["booking_sync: Create of bookableresourcebooking"], {"statecode": 1}
    )
    site.standin.state.update(
        STEPS, steps["booking_sync: Update of msdyn_workorder"], {"filteringattributes": None}
    )
    site.standin.state.delete(IMAGES, site.rows(IMAGES)[0]["sdkmessageprocessingstepimageid"])
    place = "EntityDefinitions(LogicalName='bookableresourcebooking')/Attributes(LogicalName='{}')"
    await site.client.send("DELETE", place.format(NAMES.original_resource))
    narrow = f"{place.format(NAMES.sync_state)}/Microsoft.Dynamics.CRM.StringAttributeMetadata"
    definition = await site.client.get(narrow)
    body = {"@odata.type": "Microsoft.Dynamics.CRM.StringAttributeMetadata", **definition, "MaxLength": 20}
    await site.client.send(
        "PUT",
        place.format(NAMES.sync_state),
        headers={"Content-Type": "application/json"},
        body=json.dumps(body).encode(),
    )
    report = await site.provision()
    assert report.complete
    mended = sorted((each.kind, each.result) for each in report.outcomes if each.result != "exists")
    assert mended == [
        ("column", "changed"),
        ("column", "made"),
        ("customizations", "changed"),
        ("customizations", "changed"),
        ("image", "made"),
        ("step", "changed"),
        ("step", "changed"),
    ]
    assert {row["sdkmessageprocessingstepid"] for row in site.rows(STEPS)} == set(steps.values())


async def test_a_webhook_registered_by_hand_is_told(site: Site) -> None:
    """Another endpoint to the same address would report everything twice."""
    auth = {"header": "x-functions-key", "value": "k"}
    steps = [{"message": "Create", "table": "bookableresourcebooking"}]
    control = {"url": URL, "auth": auth, "steps": steps}
    from local.dataverse.webhooks.steps import read_webhooks  # noqa: PLC0415 - only here

    site.standin.state.registration.replace(read_webhooks(site.standin.state.schema, control))
    report = await site.provision()
    assert report.complete
    assert [(each.kind, each.name) for each in report.outcomes if each.result == "kept"] == [
        ("webhook", "Webhook 1")
    ]


async def test_removal_keeps_columns_and_their_data_unless_told(site: Site) -> None:
    """First the webhook goes; columns and what is in them only when asked for, and then everything."""
    await site.provision()
    booking = site.standin.state.create("bookableresourcebookings", {NAMES.event_id: "AAMk"}, webhooks=False)
    report = await site.remove(columns=False)
    assert report.complete
    assert (site.rows(HOOKS), site.rows(STEPS), site.rows(IMAGES)) == ([], [], [])
    assert site.standin.state.rows("bookableresourcebookings")[booking][NAMES.event_id] == "AAMk"
    assert (await site.remove(columns=True)).complete
    assert NAMES.event_id not in site.standin.state.rows("bookableresourcebookings")[booking]
    assert [row["uniquename"] for row in site.rows("solutions")] == ["Default"]
    assert len(site.rows("publishers")) == 1
    assert results(await site.remove(columns=True)) == set()
    assert (await site.provision()).complete


async def test_the_choice_on_the_resource_holds_nothing_but_its_two_values(site: Site) -> None:
    """It is made with numbers of its own, and stays empty where nobody chooses."""
    await site.provision()
    state = site.standin.state
    chosen = {"name": "Anna", "resourcetype": 3, "bsync_takespart": TakesPart.YES.value}
    anna = state.create("bookableresources", chosen)
    assert state.rows("bookableresources")[anna]["bsync_takespart"] == TakesPart.YES
    bert = state.create("bookableresources", {"name": "Bert", "resourcetype": 3})
    assert state.rows("bookableresources")[bert].get("bsync_takespart") is None
    with pytest.raises(DataverseError):
        state.create("bookableresources", chosen | {"bsync_takespart": 1})


@pytest.mark.parametrize("instead", ["a choice of other values", "a text"])
async def test_a_choice_with_other_values_is_in_the_way(site: Site, instead: str) -> None:
    """Somebody's own column of that name is left to a person."""
    made = choice("bsync_takespart", 1, 2) if instead.startswith("a choice") else text("bsync_takespart")
    site.standin.state.schema.add_column("bookableresource", made)
    report = await site.provision()
    assert not report.complete
    assert site.writes() == []


async def test_a_column_of_another_type_is_in_the_way(site: Site) -> None:
    """A name that is taken by something else is left to a person; nothing is begun."""
    taken = desired_customizations(NAMES, URL, has_key=True)
    columns = (taken.columns[0].__class__("starttime", 400, "a", "b"), *taken.columns[1:])
    spoiled = DesiredCustomizations(taken.prefix, columns, taken.webhook, taken.steps)
    report = await site.provision(spoiled)
    assert not report.complete
    assert site.writes() == []


@pytest.mark.parametrize(
    "privilege",
    [
        "prvCreatePublisher",
        "prvCreateSolution",
        "prvCreateAttribute",
        "prvPublishCustomization",
        "prvCreateServiceEndpoint",
        "prvCreateSdkMessageProcessingStep",
        "prvReadSdkMessageProcessingStepImage",
    ],
)
async def test_a_missing_privilege_is_named(site: Site, privilege: str) -> None:
    """What the person may not do is told by the name that an administrator can look for."""
    site.standin.state.configure(missing_privileges=[privilege])
    with pytest.raises(PermanentError, match=privilege):
        await site.provision()
    site.standin.state.configure(missing_privileges=[])
    assert (await site.provision()).complete


async def test_an_answer_that_is_cut_short_is_no_empty_environment(site: Site) -> None:
    """Rows without the columns that were asked for must not lead to anything being written."""
    await site.provision()
    cut = {"serviceendpointid": site.rows(HOOKS)[0]["serviceendpointid"], "name": "booking_sync"}
    site.standin.faults.add(Fault(path="/serviceendpoints", status=200, body={"value": [cut]}))
    site.standin.requests.clear()
    with pytest.raises(TransientError):
        await site.provision()
    assert site.writes() == []


def test_the_key_does_not_show() -> None:
    """Neither printed nor in an action."""
    assert FUNCTION_KEY not in repr(WebhookKey(FUNCTION_KEY))
    wanted = desired_customizations(NAMES, URL, has_key=True)
    assert FUNCTION_KEY not in repr(wanted)
    assert wanted.solution == SOLUTION_NAME
