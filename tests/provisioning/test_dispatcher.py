"""What dispatchers see, against the strict stand-in: the view and the form, made, kept and taken away."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from booking_sync.errors import PermanentError
from booking_sync.provisioning.desired import VIEW_NAME, desired_customizations
from local.dataverse.customization.forms import booking_form
from local.dataverse.errors import DataverseError
from local.standin.faults import Fault
from tests.provisioning.kit import NAMES, RESOURCE_NAMES, URL
from tests.provisioning.site import Site

if TYPE_CHECKING:
    from booking_sync.provisioning.converge import ProvisioningReport

REFUSED = {"error": {"code": "0x80040203", "message": "no"}}
FORMS, VIEWS, BOOKING = "systemforms", "savedqueries", "bookableresourcebooking"
THEIR_ROW = (
    '<row><cell id="{{0D8A1B2C-0000-4000-8000-00000000{}}}"><labels>'
    '<label description="x" languagecode="1031" /></labels><control id="{}" '
    'classid="{{4273EDBD-AC1D-40D3-9FB2-095C621B552D}}" datafieldname="{}" /></cell></row>'
)


def form_of(site: Site) -> str:
    """The main form's definition as it was saved last."""
    (form,) = site.rows(FORMS)
    return str(form["formxml"])


async def published(site: Site, entity_set: str) -> list[dict[str, Any]]:
    """What people see."""
    return await site.client.rows(entity_set)


def save(site: Site, xml: str) -> None:
    """Somebody saves the form and does not publish it."""
    (form,) = site.rows(FORMS)
    site.standin.state.update(FORMS, form["formid"], {"formxml": xml})


def part(report: ProvisioningReport, kind: str) -> tuple[str, str]:
    """What became of the only part of a kind."""
    (found,) = (each for each in report.outcomes if each.kind == kind)
    return found.result, found.detail


async def test_dispatchers_get_a_view_and_words_on_the_form(site: Site) -> None:
    """Both are published, the view is in the solution, and a second run finds all of it."""
    before = form_of(site)
    assert (await site.provision()).complete
    (view,) = await published(site, VIEWS)
    assert (view["name"], view["returnedtypecode"]) == (VIEW_NAME, BOOKING)
    assert f'attribute="{NAMES.sync_error}" operator="not-null"' in view["fetchxml"]
    assert view["savedqueryid"] in {row["objectid"] for row in site.rows("solutioncomponents")}
    (form,) = await published(site, FORMS)
    assert f'datafieldname="{NAMES.sync_error}" disabled="true"' in form["formxml"]
    assert len(form["formxml"]) > len(before)
    report = await site.provision()
    assert (part(report, "view")[0], part(report, "form")[0], report.changed) == ("exists", "exists", False)


async def test_removal_leaves_the_form_as_it_was_byte_for_byte(site: Site) -> None:
    """The view is gone, the form is what it was, and both are published; a second removal finds nothing."""
    before = form_of(site)
    await site.provision()
    report = await site.remove(columns=False)
    assert report.complete
    assert (site.rows(VIEWS), form_of(site)) == ([], before)
    (form,) = await published(site, FORMS)
    assert form["formxml"] == before
    again = await site.remove(columns=False)
    assert {each.kind for each in again.outcomes} == {"column", "solution"}


async def test_unpublished_work_of_somebody_else_is_kept(site: Site) -> None:
    """Our section goes into the form as it was saved last, not into what is published."""
    theirs = booking_form(extra=THEIR_ROW.format("0077", "duration", "duration"))
    save(site, theirs)
    await site.provision()
    assert 'datafieldname="duration"' in form_of(site)
    await site.remove(columns=False)
    assert form_of(site) == theirs


async def test_what_somebody_put_into_our_section_stays(site: Site) -> None:
    """Then only our column goes."""
    await site.provision()
    xml = form_of(site)
    at = xml.index("<row />")
    save(site, xml[:at] + THEIR_ROW.format("0078", "duration", "duration") + xml[at:])
    assert (await site.remove(columns=False)).complete
    assert 'datafieldname="duration"' in form_of(site)
    assert NAMES.sync_error not in form_of(site)


async def test_a_column_that_somebody_placed_is_not_placed_twice(site: Site) -> None:
    """A form that shows it elsewhere is left alone; removing the column waits until it is taken off."""
    await site.provision(desired_customizations(NAMES, URL, has_key=True, with_forms=False))
    save(site, booking_form(extra=THEIR_ROW.format("0079", NAMES.sync_error, NAMES.sync_error)))
    before = form_of(site)
    report = await site.provision()
    assert part(report, "form")[0] == "exists"
    assert form_of(site) == before
    assert part(await site.remove(columns=False), "form")[0] == "kept"
    await site.provision()
    site.standin.requests.clear()
    report = await site.remove(columns=True)
    assert part(report, "form")[0] == "in the way"
    assert site.writes() == []


async def test_forms_are_left_alone_where_that_is_wanted(site: Site) -> None:
    """Without the section no form is read or written; the view comes all the same."""
    before = form_of(site)
    wanted = desired_customizations(NAMES, URL, of_resource=RESOURCE_NAMES, has_key=True, with_forms=False)
    assert (await site.provision(wanted)).complete
    assert form_of(site) == before
    assert not any(FORMS in each.path for each in site.standin.requests)


@pytest.mark.parametrize("lost", [VIEWS, FORMS])
async def test_what_was_saved_and_not_published_is_published_by_the_next_run(site: Site, lost: str) -> None:
    """A run that broke off in between, after everything else was there, is completed."""
    await site.provision()
    if lost == VIEWS:
        site.standin.state.delete(VIEWS, site.rows(VIEWS)[0]["savedqueryid"])
    else:
        save(site, booking_form())
        await site.client.send("POST", "PublishAllXml")
    site.standin.faults.add(Fault(path="/PublishXml", status=400, body=REFUSED))
    with pytest.raises(PermanentError):
        await site.provision()
    site.standin.faults.clear()
    assert NAMES.sync_error not in json.dumps([row.get("formxml") for row in await published(site, lost)])
    assert (await site.provision()).complete
    assert NAMES.sync_error in json.dumps(await published(site, lost))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"iscustomizable": False}, "lets nobody change it"),
        ({"formxml": "<form><tabs /></form>"}, "by hand"),
        ({"formxml": "<!DOCTYPE form><form />"}, "by hand"),
    ],
)
async def test_a_form_without_room_does_not_stand_in_the_way(
    site: Site, change: dict[str, Any], words: str
) -> None:
    """It is told, and everything else is made."""
    (form,) = site.rows(FORMS)
    site.standin.state.update(FORMS, form["formid"], change)
    report = await site.provision()
    assert report.complete
    assert part(report, "form")[0] == "kept"
    assert words in part(report, "form")[1]


async def test_two_forms_of_one_name_are_told_apart(site: Site) -> None:
    """Each gets the section, and each has a line of its own."""
    (form,) = site.rows(FORMS)
    twin = {
        name: form[name]
        for name in ("name", "objecttypecode", "type", "formactivationstate", "formxml", "iscustomizable")
    }
    site.standin.state.create(FORMS, twin)
    report = await site.provision()
    forms = [each for each in report.outcomes if each.kind == "form"]
    assert [each.result for each in forms] == ["made", "made"]
    assert all("Information (" in each.name for each in forms)


async def test_a_view_that_was_arranged_is_kept_and_one_that_lost_its_filter_is_set_right(site: Site) -> None:
    """Other columns and widths are the dispatchers' own; without the filter it is no view of errors."""
    await site.provision()
    (view,) = site.rows(VIEWS)
    arranged = str(view["layoutxml"]).replace('width="600"', 'width="300"')
    site.standin.state.update(VIEWS, view["savedqueryid"], {"layoutxml": arranged})
    await site.provision()
    assert site.rows(VIEWS)[0]["layoutxml"] == arranged
    lost = str(view["fetchxml"]).replace("not-null", "null")
    site.standin.state.update(VIEWS, view["savedqueryid"], {"fetchxml": lost})
    report = await site.provision()
    assert part(report, "view")[0] == "changed"
    assert (await published(site, VIEWS))[0]["fetchxml"] == view["fetchxml"]


@pytest.mark.parametrize(
    "xml",
    [
        "<form",
        booking_form(extra="<row><cell /></row>"),
        booking_form(extra=THEIR_ROW.format("0080", "nothing", "nothing")),
        booking_form(extra=THEIR_ROW.format("0080", "name", "name").replace("1031", "1033")),
        booking_form(extra=THEIR_ROW.format("0080", "name", "name").replace("<cell ", '<cell rowspan="2" ')),
    ],
)
async def test_the_stand_in_refuses_a_broken_form(site: Site, xml: str) -> None:
    """No XML, a cell without an id, an unknown column, a foreign language, a cell beyond its section."""
    form = site.rows(FORMS)[0]
    forms = site.standin.state.api.platform.forms
    with pytest.raises(DataverseError):
        forms.check(site.standin.state.schema.table("systemform"), {**form, "formxml": xml})
