"""The application user and its role against the strict stand-in: made, mended, left, taken away."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from booking_sync.dataverse.customizations.app_users import DataverseAppUsers
from booking_sync.dataverse.event_columns.definitions import DataverseTableDefinitions
from booking_sync.domain.environment.rights import DEFINITIONS, NEEDED
from booking_sync.domain.events.event_text.columns import ColumnKind, EventColumn, Hop
from booking_sync.errors import PermanentError
from booking_sync.event_file.tables import tables_on
from booking_sync.ports.dataverse.app_user import DesiredAppUser
from booking_sync.provisioning.converge import ProvisioningReport, converge
from booking_sync.provisioning.user_plan import plan_app_user, plan_app_user_removal

if TYPE_CHECKING:
    from tests.provisioning.site import Site

APPLICATION = "1b671a64-40d5-491e-99b0-da01ff1f3341"
NAMES = frozenset(name for names in NEEDED.values() for name in names)
DESIRED = DesiredAppUser(APPLICATION, NAMES)


async def provision(
    site: Site, desired: DesiredAppUser = DESIRED, *, remove: bool = False, dry_run: bool = False
) -> ProvisioningReport:
    """Run it."""

    async def no_sleep(_seconds: float) -> None:
        return

    origin = site.client._origin  # noqa: SLF001 - where the stand-in of this test is
    return await converge(
        DataverseAppUsers(site.client, origin),
        desired,
        partial(plan_app_user_removal if remove else plan_app_user, desired=desired),
        dry_run=dry_run,
        sleep=no_sleep,
        tell=lambda _text: None,
    )


def results(report: ProvisioningReport) -> dict[str, str]:
    """What became of each kind of part."""
    return {outcome.kind: outcome.result for outcome in report.outcomes}


def user(site: Site) -> dict[str, Any]:
    """The application user's row."""
    (row,) = (each for each in site.rows("systemusers") if each["applicationid"] == APPLICATION)
    return row


def rights(site: Site) -> dict[str, str]:
    """What our role gives, and how far."""
    (role,) = (each for each in site.rows("roles") if each["name"] == "booking_sync")
    names = {each["privilegeid"]: each["name"] for each in site.rows("privileges")}
    given = site.standin.state.api.platform.roles.given[role["roleid"]]
    return {names[privilege_id]: depth for privilege_id, depth in given.items()}


async def test_user_and_role_are_made_with_no_more_than_is_needed(site: Site) -> None:
    """The very privileges of the deployment page, for the organisation; a second run writes nothing."""
    looked = await provision(site, dry_run=True)
    assert set(results(looked).values()) == {"missing"}
    report = await provision(site)
    assert report.complete
    assert set(results(report).values()) == {"made"}
    assert rights(site) == dict.fromkeys(NAMES, "Global")
    members = site.standin.state.api.platform.roles.members
    assert len(members[user(site)["systemuserid"]]) == 1
    site.standin.requests.clear()
    assert set(results(await provision(site)).values()) == {"exists"}
    assert site.writes() == []


async def test_a_user_that_somebody_made_gets_the_role(site: Site) -> None:
    """Its own row stays; one that is disabled is enabled."""
    state = site.standin.state
    theirs = state.create(
        "systemusers",
        {
            "applicationid": APPLICATION,
            "businessunitid@odata.bind": f"/businessunits({state.identity.business_unit_id})",
            "isdisabled": True,
        },
    )
    report = await provision(site)
    assert report.complete
    assert results(report)["application user"] == "changed"
    assert (user(site)["systemuserid"], user(site)["isdisabled"]) == (theirs, False)
    assert len(state.api.platform.roles.members[theirs]) == 1


async def test_a_role_that_gives_too_little_is_completed(site: Site) -> None:
    """A privilege for a part of the organisation is not enough."""
    await provision(site)
    given = next(iter(site.standin.state.api.platform.roles.given.values()))
    narrowed, lost, *_others = list(given)
    given[narrowed] = "Local"
    del given[lost]
    report = await provision(site)
    assert results(report) == {"security role": "exists", "rights": "made", "application user": "exists"}
    assert set(rights(site).values()) == {"Global"}


async def test_columns_of_events_bring_their_tables(site: Site) -> None:
    """The role reads each table on the paths, and the definitions that the columns are looked up by."""
    hops = (
        Hop("msdyn_workorder", "msdyn_workorder"),
        Hop("msdyn_reportedbycontact", "msdyn_reportedbycontact"),
    )
    column = EventColumn("phone", hops, "telephone1", ColumnKind.TEXT)
    tables = await tables_on([column], DataverseTableDefinitions(site.client))
    assert tables == {"msdyn_workorder", "contact"}
    wanted = DesiredAppUser(APPLICATION, NAMES | DEFINITIONS, tables - NEEDED.keys())
    await provision(site, wanted)
    assert rights(site).keys() == {*NAMES, *DEFINITIONS, "prvReadContact"}


async def test_a_user_of_another_business_unit_is_left_to_a_person(site: Site) -> None:
    """A role works in its own unit only, so nothing is begun."""
    state = site.standin.state
    unit = state.create(
        "businessunits",
        {
            "name": "North",
            "parentbusinessunitid@odata.bind": f"/businessunits({state.identity.business_unit_id})",
        },
    )
    bound = {"businessunitid@odata.bind": f"/businessunits({unit})"}
    state.create("systemusers", {"applicationid": APPLICATION, **bound})
    site.standin.requests.clear()
    report = await provision(site)
    assert (results(report)["application user"], site.writes()) == ("in the way", [])


async def test_removal_disables_the_user_and_deletes_the_role(site: Site) -> None:
    """The row stays, since others name it; a second removal finds nothing to do."""
    await provision(site)
    assert (await provision(site, remove=True)).complete
    assert user(site)["isdisabled"] is True
    assert not [each for each in site.rows("roles") if each["name"] == "booking_sync"]
    assert (await provision(site, remove=True)).outcomes == ()
    assert (await provision(site)).complete


async def test_nobody_removes_the_user_that_they_are_signed_in_as(site: Site) -> None:
    """Whoever is signed in as the app could not read back what became of it."""
    state = site.standin.state
    state.update("systemusers", state.identity.app_user_id, {"applicationid": APPLICATION})
    site.standin.requests.clear()
    report = await provision(site, remove=True)
    assert (results(report), site.writes()) == ({"application user": "kept"}, [])


@pytest.mark.parametrize(
    "privilege", ["prvReadRole", "prvCreateRole", "prvWriteRole", "prvCreateUser", "prvAssignRole"]
)
async def test_a_missing_privilege_is_named(site: Site, privilege: str) -> None:
    """What the person may not do is told, and the next run completes it."""
    site.standin.state.configure(missing_privileges=[privilege])
    with pytest.raises(PermanentError, match=privilege):
        await provision(site)
    site.standin.state.configure(missing_privileges=[])
    assert (await provision(site)).complete


async def test_without_field_service_nothing_is_begun(site: Site) -> None:
    """A privilege that this environment does not have tells of the wrong environment."""
    wanted = DesiredAppUser(APPLICATION, NAMES | {"prvReadNothing"})
    report = await provision(site, wanted)
    assert (results(report)["rights"], site.writes()) == ("in the way", [])
