"""What the stand-in tells of tables and of values, and what it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

if TYPE_CHECKING:
    from tests.local.dataverse.kit import Client

ORDER = "EntityDefinitions(LogicalName='msdyn_workorder')"
CRM = "Microsoft.Dynamics.CRM."
FORMATTED = "OData.Community.Display.V1.FormattedValue"


def of_type(kind: str, select: str = "LogicalName", rest: str = "") -> str:
    """The address of a work order's columns of one type."""
    return f"{ORDER}/Attributes/{CRM}{kind}AttributeMetadata?$select={select}{rest}"


def named(*names: str) -> str:
    """A filter for these columns."""
    return "&$filter=" + quote(" or ".join(f"LogicalName eq '{name}'" for name in names), safe="")


async def test_a_table_tells_its_columns_and_lookups(client: Client) -> None:
    """Types by name, and by which name a lookup is followed: the schema's, in its own case."""
    expand = (
        "Attributes($select=LogicalName,AttributeTypeName),"
        "ManyToOneRelationships($select=ReferencingAttribute,ReferencingEntityNavigationPropertyName)"
    )
    reply = await client.call("GET", f"{ORDER}?$select=LogicalName&$expand={expand}")
    types = {each["LogicalName"]: each["AttributeTypeName"]["Value"] for each in reply.body["Attributes"]}
    assert types["contoso_needs"] == "MultiSelectPicklistType"
    assert types["msdyn_instructions"] == "MemoType"
    assert types["statecode"] == "StateType"
    ways = {
        each["ReferencingAttribute"]: each["ReferencingEntityNavigationPropertyName"]
        for each in reply.body["ManyToOneRelationships"]
    }
    assert ways["contoso_site"] == "contoso_Site"
    assert ways["msdyn_priority"] == "msdyn_priority"


async def test_columns_of_one_type_tell_their_options_in_every_language(client: Client) -> None:
    """Only those that were asked for; yes and no are options as well."""
    path = of_type("Picklist", rest="&$expand=OptionSet,GlobalOptionSet" + named("contoso_access"))
    (access,) = (await client.call("GET", path)).body["value"]
    key = access["OptionSet"]["Options"][2]
    assert key["Value"] == 3
    assert {each["LanguageCode"]: each["Label"] for each in key["Label"]["LocalizedLabels"]} == {
        1031: "Schlüssel",
        1033: "Key",
        1035: "Avain",
    }
    (taxable,) = (
        await client.call("GET", of_type("Boolean", rest="&$expand=OptionSet,GlobalOptionSet"))
    ).body["value"]
    assert taxable["OptionSet"]["TrueOption"]["Value"] == 1


async def test_dates_tell_how_they_are_meant(client: Client) -> None:
    """In the event's zone, as a date, or as they stand."""
    reply = await client.call("GET", of_type("DateTime", "LogicalName,DateTimeBehavior,Format"))
    told = {
        each["LogicalName"]: (each["DateTimeBehavior"]["Value"], each["Format"])
        for each in reply.body["value"]
    }
    assert told["contoso_warrantyuntil"] == ("DateOnly", "DateOnly")
    assert told["contoso_promisedon"] == ("UserLocal", "DateOnly")
    assert told["contoso_opensat"] == ("TimeZoneIndependent", "DateAndTime")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (of_type("Picklist", "Options"), 400),
        (of_type("DateTime", rest="&$expand=OptionSet,GlobalOptionSet"), 400),
        (of_type("Picklist", rest="&$filter=Nonsense"), 501),
        (of_type("Picklist", rest="&$expand=OptionSet($select=Options)"), 501),
        (f"{ORDER}?$expand=Keys($select=LogicalName)", 501),
        (f"{ORDER}?$expand=Attributes($select=Nonsense)", 400),
        (of_type("Image"), 501),
        ("msdyn_workorders?$select=msdyn_priority", 400),
        ("msdyn_workorders?$expand=contoso_site($select=name)", 400),
        ("msdyn_workorders?$select=nonsense", 400),
    ],
)
async def test_what_the_service_does_not_know_is_refused(client: Client, path: str, status: int) -> None:
    """Lookups are selected by one name and followed by another, in its very case; nothing is ignored."""
    assert (await client.call("GET", path)).status == status


async def test_a_lookup_is_followed_only_where_the_role_reads_the_table(client: Client) -> None:
    """A question that leads to a table without the right is refused as a whole."""
    client.standin.state.config.change({"missing_privileges": ["prvReadContact"]})
    path = "msdyn_workorders?$expand=msdyn_reportedbycontact($select=fullname)"
    assert (await client.call("GET", path)).status == 403
    assert (await client.call("GET", "msdyn_workorders?$select=_msdyn_reportedbycontact_value")).status == 200


async def test_values_are_formatted_where_that_is_asked_for(client: Client) -> None:
    """Names behind lookups, labels, amounts and times, as the user has them; not texts, ids and nulls."""
    state = client.standin.state
    euro = state.create("transactioncurrencies", {"currencyname": "Euro", "currencysymbol": "€"})
    anna = state.create("contacts", {"fullname": "Anna"})
    state.create(
        "msdyn_workorders",
        {
            "msdyn_name": "WO-1",
            "msdyn_totalamount": 1234.5,
            "contoso_access": 2,
            "contoso_warrantyuntil": "2026-03-29",
            "transactioncurrencyid@odata.bind": f"/transactioncurrencies({euro})",
            "msdyn_reportedbycontact@odata.bind": f"/contacts({anna})",
        },
    )
    columns = (
        "msdyn_name,msdyn_totalamount,contoso_access,contoso_warrantyuntil,_msdyn_reportedbycontact_value"
    )
    path = f"msdyn_workorders?$select={columns},_msdyn_reportedbycontact_value,contoso_floors"
    headers = {"Prefer": f'odata.maxpagesize=10,odata.include-annotations="{FORMATTED}"'}
    reply = await client.call("GET", path, headers=headers)
    assert FORMATTED in reply.headers["Preference-Applied"]
    (row,) = reply.body["value"]
    told = {name.partition("@")[0]: text for name, text in row.items() if name.endswith(FORMATTED)}
    assert told == {
        "msdyn_totalamount": "1.234,50 €",
        "contoso_access": "Leiter",
        "contoso_warrantyuntil": "29.03.2026",
        "_msdyn_reportedbycontact_value": "Anna",
        "_transactioncurrencyid_value": "Euro",
    }
    assert row["_transactioncurrencyid_value"] == euro
    plain = await client.call("GET", path)
    assert not [name for name in plain.body["value"][0] if FORMATTED in name]


async def test_other_annotations_are_not_known(client: Client) -> None:
    """Whoever asks for them learns that, instead of getting nothing."""
    headers = {"Prefer": 'odata.include-annotations="Microsoft.Dynamics.CRM.lookuplogicalname"'}
    assert (await client.call("GET", "accounts?$select=name", headers=headers)).status == 501
