"""What the way back from Outlook needs, against the strict stand-in: made, found again, and taken away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from booking_sync.domain.environment.columns import ReturnColumns
from booking_sync.provisioning.desired import CHANGES_VIEW_NAME, VIEW_NAME, desired_customizations
from booking_sync.provisioning.parts import PartState
from booking_sync.provisioning.plan import IN_IMAGE, WATCHED
from local.dataverse.errors import DataverseError
from local.dataverse.tables.columns import day, text
from tests.provisioning.kit import NAMES, RESOURCE_NAMES, URL
from tests.provisioning.site import Site

if TYPE_CHECKING:
    from booking_sync.ports.dataverse.customizations import DesiredCustomizations
    from booking_sync.provisioning.converge import ProvisioningReport

BACK = ReturnColumns()
BOOKING = "bookableresourcebooking"


def wanted(*, returns: bool = True) -> DesiredCustomizations:
    """With the way back or without it."""
    of_return = BACK if returns else None
    return desired_customizations(NAMES, URL, of_resource=RESOURCE_NAMES, of_return=of_return, has_key=True)


def form_of(site: Site) -> str:
    """The main form's definition as it was saved last."""
    (form,) = site.rows("systemforms")
    return str(form["formxml"])


def results(report: ProvisioningReport, kind: str) -> dict[str, str]:
    """By name what became of the parts of a kind."""
    return {each.name: each.result for each in report.outcomes if each.kind == kind}


def step_of(site: Site, message: str) -> dict[str, Any]:
    """The booking's step for a message."""
    name = f"{message} of {BOOKING}"
    (found,) = (row for row in site.rows("sdkmessageprocessingsteps") if row["name"].endswith(name))
    return found


async def test_it_is_made_beside_what_was_there_and_found_again(site: Site) -> None:
    """Columns, view, section, filter and image; a second run changes nothing."""
    await site.provision(wanted(returns=False))
    report = await site.provision(wanted())
    assert report.complete
    made = results(report, "column")
    assert {made[name] for name in BACK.names} == {"made"}
    assert results(report, "view") == {VIEW_NAME: "exists", CHANGES_VIEW_NAME: "made"}
    assert results(report, "form") == {"Information": "exists", f"Information: {CHANGES_VIEW_NAME}": "made"}
    assert BACK.answer in step_of(site, "Update")["filteringattributes"].split(",")
    (image,) = site.rows("sdkmessageprocessingstepimages")
    assert BACK.base in image["attributes"].split(",")
    again = await site.provision(wanted())
    assert (again.complete, again.changed) == (True, False)


async def test_the_view_asks_for_open_proposals_and_for_what_happened_lately(site: Site) -> None:
    """A proposal stays on it however old it is."""
    await site.provision(wanted())
    (view,) = (row for row in await site.client.rows("savedqueries") if row["name"] == CHANGES_VIEW_NAME)
    assert f'attribute="{BACK.proposal}" operator="not-null"' in view["fetchxml"]
    assert f'attribute="{BACK.told}" operator="not-null"' in view["fetchxml"]
    assert 'operator="last-x-days"' in view["fetchxml"]


async def test_a_dispatcher_can_answer_and_change_nothing_else_of_it(site: Site) -> None:
    """The answer is the only field of the section that takes something."""
    await site.provision(wanted())
    (form,) = await site.client.rows("systemforms")
    xml = form["formxml"]
    for name in (BACK.proposal, BACK.proposed_start, BACK.proposed_end, BACK.told):
        assert f'datafieldname="{name}" disabled="true"' in xml
    assert f'datafieldname="{BACK.answer}" />' in xml
    hidden = xml[: xml.index(f'datafieldname="{BACK.answer_for}" />')].rindex("<cell ")
    assert 'visible="false"' in xml[hidden:].partition(">")[0]
    assert BACK.base not in xml


async def test_without_its_settings_a_run_keeps_what_it_needs(site: Site) -> None:
    """The shell may only lack them: filter and image stay, each with a line that says so."""
    await site.provision(wanted())
    report = await site.provision(wanted(returns=False))
    assert (report.complete, report.changed) == (True, False)
    assert results(report, WATCHED) == {f"{BACK.answer} of booking_sync: Update of {BOOKING}": "kept"}
    assert results(report, IN_IMAGE) == {
        f"{BACK.base} of PreImage of booking_sync: Delete of {BOOKING}": "kept"
    }
    told = [each.detail for each in report.outcomes if each.kind in (WATCHED, IN_IMAGE)]
    assert all("RETURN_PATH and NOTIFICATION_URL" in each and "--narrow" in each for each in told)
    assert BACK.answer in step_of(site, "Update")["filteringattributes"].split(",")
    (image,) = site.rows("sdkmessageprocessingstepimages")
    assert BACK.base in image["attributes"].split(",")


async def test_switched_off_again_the_door_is_as_it_was_where_asked_and_the_columns_stay(site: Site) -> None:
    """They hold what was agreed, and what people were told."""
    await site.provision(wanted())
    report = await site.provision(wanted(returns=False), narrow=True)
    assert report.complete
    assert set(results(report, WATCHED).values()) | set(results(report, IN_IMAGE).values()) == {"removed"}
    assert BACK.answer not in step_of(site, "Update")["filteringattributes"]
    (image,) = site.rows("sdkmessageprocessingstepimages")
    assert BACK.base not in image["attributes"].split(",")
    assert not (await site.provision(wanted(returns=False))).changed
    assert set(BACK.names) <= set(site.standin.state.schema.table(BOOKING).by_name)


async def test_removal_leaves_nothing_of_it(site: Site) -> None:
    """The form is byte for byte what it was, and no column is left."""
    before = form_of(site)
    await site.provision(wanted())
    report = await site.remove(columns=True, of_return=BACK)
    assert report.complete
    assert form_of(site) == before
    assert site.rows("savedqueries") == []
    assert set(BACK.names).isdisjoint(site.standin.state.schema.table(BOOKING).by_name)


async def test_removal_leaves_columns_that_were_in_the_way_with_all_they_hold(site: Site) -> None:
    """The way back was never on: a column with such a name was not made by provisioning."""
    await site.provision(wanted(returns=False))
    site.standin.state.schema.add_column(BOOKING, text(BACK.proposal))
    site.standin.state.schema.add_column(BOOKING, text(BACK.told))
    theirs = {BACK.proposal: "a number of theirs", BACK.told: "a note of theirs"}
    booking = site.standin.state.create("bookableresourcebookings", theirs, webhooks=False)
    report = await site.remove(columns=True, of_return=BACK)
    assert report.complete
    kept = {name: result for name, result in results(report, "column").items() if result != "removed"}
    assert kept == dict.fromkeys(theirs, "kept")
    row = site.standin.state.rows("bookableresourcebookings")[booking]
    assert {name: row.get(name) for name in theirs} == theirs
    assert [row["uniquename"] for row in site.rows("solutions")] == ["Default"]
    again = await site.remove(columns=True, of_return=BACK)
    assert (again.complete, again.changed, set(results(again, "column").values())) == (True, False, {"kept"})


async def test_what_somebody_put_into_the_section_stays(site: Site) -> None:
    """Then only our columns go, each with its row."""
    await site.provision(wanted())
    xml = form_of(site)
    at = xml.index("<row>", xml.index(CHANGES_VIEW_NAME))
    theirs = (
        '<row><cell id="{0D8A1B2C-0000-4000-8000-000000000099}"><labels>'
        '<label description="x" languagecode="1031" /></labels><control id="duration" '
        'classid="{4273EDBD-AC1D-40D3-9FB2-095C621B552D}" datafieldname="duration" /></cell></row>'
    )
    (form,) = site.rows("systemforms")
    site.standin.state.update("systemforms", form["formid"], {"formxml": xml[:at] + theirs + xml[at:]})
    assert (await site.remove(columns=True, of_return=BACK)).complete
    assert 'datafieldname="duration"' in form_of(site)
    assert not any(name in form_of(site) for name in BACK.names)


async def test_a_column_of_another_kind_is_in_the_way(site: Site) -> None:
    """A day is no moment, and a text no choice: nothing is changed until somebody has seen to it."""
    schema = site.standin.state.schema
    await site.provision(wanted(returns=False))
    for column in (day(BACK.proposed_start), text(BACK.answer)):
        schema.add_column(BOOKING, column)
    report = await site.provision(wanted())
    states = results(report, "column")
    assert {states[BACK.proposed_start], states[BACK.answer]} == {PartState.CONFLICT}
    assert not report.changed


async def test_the_stand_in_makes_no_other_moments_than_the_platform(site: Site) -> None:
    """What it does not know is refused, so that a test can't pass by it."""
    body = {
        "@odata.type": "Microsoft.Dynamics.CRM.DateTimeAttributeMetadata",
        "SchemaName": "bsync_x",
        "Format": "DateOnly",
        "DateTimeBehavior": {"Value": "UserLocal"},
    }
    customization = site.standin.state.api.platform.customization
    with pytest.raises(DataverseError):
        customization.create(f"EntityDefinitions(LogicalName='{BOOKING}')/Attributes", body, "", "")
