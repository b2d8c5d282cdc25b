"""The tables, columns and lookups of Dataverse and Field Service that booking_sync touches.

Names and case are those of the Web API.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from local.dataverse.errors import bad_request, no_resource, row_missing
from local.dataverse.tables.columns import (
    Column,
    Kind,
    Table,
    choice,
    day,
    lookup,
    make_table,
    memo,
    text,
    when,
)
from local.dataverse.tables.platform_tables import platform_tables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.dataverse.web_api.odata import Query

BOOKING = "bookableresourcebooking"

SUPPORT_COLUMNS: Mapping[str, int] = {
    "bsync_outlookeventid": 400,
    "bsync_originalresource": 100,
    "bsync_outlooksyncstate": 200,
    "bsync_outlooksyncerror": 1000,
}
"""The booking's custom columns and their greatest lengths, as the provisioning command makes them."""

TAKES_PART, TAKES_NO_PART = 725_900_000, 725_900_001
RESOURCE_COLUMNS = (choice("bsync_takespart", TAKES_PART, TAKES_NO_PART), text("bsync_mailbox"))
"""The bookable resource's, as the provisioning command makes them."""

RETURN_COLUMNS = (
    text("bsync_outlookbase", 4000),
    text("bsync_outlookreturn", 1000),
    choice("bsync_outlookproposal", 1, 2),
    when("bsync_proposedstart"),
    when("bsync_proposedend"),
    choice("bsync_proposalanswer", 1, 2),
    text("bsync_answerfor", 100),
)
"""The booking's, for the way back from Outlook, as the provisioning command makes them."""

ENGLISH, GERMAN, FINNISH = 1033, 1031, 1035
"""Languages that the environment has labels in."""


class Schema:
    """The tables in force; columns can be added while it runs, as the provisioning command does.

    Args:
        support_columns: names and lengths of the booking's custom columns; none: nothing was provisioned, so
            that the bookable resource has none either.
    """

    def __init__(self, support_columns: Mapping[str, int] = SUPPORT_COLUMNS) -> None:
        self._tables = {table.logical_name: table for table in (*_tables(), *platform_tables())}
        self._custom: set[tuple[str, str]] = set()
        self.queries: dict[tuple[str, str], Query] = {}
        """Those read since a column last changed, by table and text."""
        for name, length in support_columns.items():
            self.add_column(BOOKING, text(name, length))
        for column in RESOURCE_COLUMNS if support_columns else ():
            self.add_column("bookableresource", column)
        for column in RETURN_COLUMNS if support_columns else ():
            if column.name not in support_columns:
                self.add_column(BOOKING, column)

    @property
    def tables(self) -> tuple[Table, ...]:
        """Every table."""
        return tuple(self._tables.values())

    def table(self, logical_name: str) -> Table:
        """The table of that logical name.

        Raises:
            DataverseError: there is none.
        """
        if logical_name not in self._tables:
            raise bad_request(
                f"The entity with a name = '{logical_name}' was not found in the MetadataCache."
            )
        return self._tables[logical_name]

    def entity_set(self, name: str) -> Table:
        """The table of that entity set, in this very case.

        Raises:
            DataverseError: there is none.
        """
        for table in self._tables.values():
            if table.entity_set == name:
                return table
        raise no_resource(name)

    def add_column(self, logical_name: str, column: Column) -> None:
        """Give a table one more column.

        Raises:
            DataverseError: it has one of that name.
        """
        table = self.table(logical_name)
        if column.name in table.by_name:
            raise bad_request(
                f"An attribute with the specified name {column.name} already exists", "0x80047013"
            )
        self._custom.add((logical_name, column.name))
        self._put(replace(table, columns=(*table.columns, column)))

    def change_column(self, logical_name: str, column: Column) -> None:
        """Put a column in the place of the one of the same name.

        Raises:
            DataverseError: there is none, or it is not a custom one.
        """
        self._require_custom(logical_name, column.name)
        table = self._tables[logical_name]
        columns = tuple(column if each.name == column.name else each for each in table.columns)
        self._put(replace(table, columns=columns))

    def remove_column(self, logical_name: str, name: str) -> None:
        """Take a custom column away.

        Raises:
            DataverseError: there is none, or it is not a custom one.
        """
        self._require_custom(logical_name, name)
        table = self._tables[logical_name]
        columns = tuple(each for each in table.columns if each.name != name)
        self._put(replace(table, columns=columns))
        self._custom.discard((logical_name, name))

    def _put(self, table: Table) -> None:
        self._tables[table.logical_name] = table
        self.queries.clear()

    def is_custom(self, logical_name: str, name: str) -> bool:
        """Whether somebody added this column."""
        return (logical_name, name) in self._custom

    def _require_custom(self, logical_name: str, name: str) -> None:
        if name not in self.table(logical_name).by_name:
            raise row_missing("Attribute", name)
        if not self.is_custom(logical_name, name):
            raise bad_request(
                f"The attribute {name} of {logical_name} is not custom; it can't be changed or deleted."
            )


def _state() -> tuple[Column, ...]:
    return (
        Column("statecode", Kind.STATE, choices=frozenset((0, 1))),
        Column("statuscode", Kind.STATUS, choices=frozenset((1, 2))),
        lookup("ownerid", "ownerid", "systemuser"),
    )


def _tables() -> tuple[Table, ...]:
    return (
        _booking(),
        make_table(
            "bookableresource",
            "bookableresources",
            "name",
            (
                text("name"),
                choice("resourcetype", 1, 2, 3, 4, 5, 6, 7, 8),
                Column("timezone", Kind.INTEGER),
                lookup("userid", "UserId", "systemuser"),
                lookup("accountid", "AccountId", "account"),
                *_state(),
            ),
        ),
        make_table(
            "bookableresourcebookingheader",
            "bookableresourcebookingheaders",
            "name",
            (
                text("name"),
                when("starttime"),
                when("endtime"),
                Column("duration", Kind.INTEGER),
                *_state(),
            ),
        ),
        make_table(
            "systemuser",
            "systemusers",
            "fullname",
            (
                text("fullname", 200),
                text("domainname", 1024),
                text("internalemailaddress"),
                Column("azureactivedirectoryobjectid", Kind.ID),
                Column("applicationid", Kind.ID),
                Column("isdisabled", Kind.FLAG),
                text("firstname", 64),
                text("lastname", 64),
                lookup("businessunitid", "businessunitid", "businessunit"),
            ),
        ),
        make_table(
            "bookingstatus",
            "bookingstatuses",
            "name",
            (
                text("name"),
                choice("status", 1, 2, 3),
                choice("msdyn_fieldservicestatus", *range(690970000, 690970006)),
                *_state(),
            ),
        ),
        _work_order(),
        *_around_work_orders(),
        make_table(
            "account",
            "accounts",
            "name",
            (text("name", 160), text("accountnumber", 20), text("telephone1", 50), *_state()),
        ),
        make_table(
            "organization",
            "organizations",
            "name",
            (text("name", 160), Column("languagecode", Kind.INTEGER)),
        ),
    )


def _booking() -> Table:
    return make_table(
        BOOKING,
        "bookableresourcebookings",
        "name",
        (
            text("name"),
            when("starttime"),
            when("endtime"),
            Column("duration", Kind.INTEGER),
            choice("bookingtype", 1, 2),
            lookup("resource", "Resource", "bookableresource"),
            lookup("bookingstatus", "BookingStatus", "bookingstatus"),
            lookup("header", "Header", "bookableresourcebookingheader"),
            lookup("msdyn_workorder", "msdyn_workorder", "msdyn_workorder"),
            lookup("msdyn_resourcerequirement", "msdyn_ResourceRequirement", "msdyn_resourcerequirement"),
            when("msdyn_estimatedarrivaltime"),
            Column("msdyn_estimatedtravelduration", Kind.INTEGER),
            choice("msdyn_schedulinglockoptions", *range(192350000, 192350004)),
            choice("msdyn_crewmembertype", 192350000, 192350001, 192350002),
            lookup("msdyn_crew", "msdyn_Crew", "bookableresource"),
            text("msdyn_globalobjectid", 500),
            text("msdyn_appointmentbookingid", 500),
            *_state(),
        ),
    )


def _work_order() -> Table:
    return make_table(
        "msdyn_workorder",
        "msdyn_workorders",
        "msdyn_name",
        (
            text("msdyn_name"),
            lookup("msdyn_serviceaccount", "msdyn_serviceaccount", "account"),
            memo("msdyn_workordersummary"),
            memo("msdyn_instructions"),
            text("msdyn_address1", 250),
            text("msdyn_address2", 250),
            text("msdyn_address3", 250),
            text("msdyn_city", 80),
            text("msdyn_stateorprovince", 50),
            text("msdyn_postalcode", 20),
            text("msdyn_country", 80),
            Column("msdyn_latitude", Kind.NUMBER),
            Column("msdyn_longitude", Kind.NUMBER),
            choice("msdyn_systemstatus", *range(690970000, 690970006)),
            when("msdyn_timefrompromised"),
            when("msdyn_timetopromised"),
            lookup("msdyn_priority", "msdyn_priority", "msdyn_priority"),
            lookup("msdyn_workordertype", "msdyn_workordertype", "msdyn_workordertype"),
            lookup("msdyn_primaryincidenttype", "msdyn_primaryincidenttype", "msdyn_incidenttype"),
            lookup("msdyn_reportedbycontact", "msdyn_reportedbycontact", "contact"),
            Column("msdyn_totalamount", Kind.MONEY),
            Column("msdyn_taxable", Kind.FLAG, labels={1: {ENGLISH: "Yes", GERMAN: "Ja", FINNISH: "Kyllä"}}),
            lookup("transactioncurrencyid", "transactioncurrencyid", "transactioncurrency"),
            *_custom(),
            *_state(),
        ),
    )


def _custom() -> tuple[Column, ...]:
    """Columns that a company has added: one of each kind that Field Service itself has none of here."""
    levels = {
        1: {GERMAN: "Keine", ENGLISH: "None", FINNISH: "Ei mitään"},
        2: {GERMAN: "Leiter", ENGLISH: "Ladder"},
        3: {GERMAN: "Schlüssel", ENGLISH: "Key", FINNISH: "Avain"},
    }
    return (
        Column(
            "contoso_access",
            Kind.CHOICE,
            choices=frozenset(levels),
            labels=levels,
            schema_name="contoso_Access",
        ),
        Column("contoso_needs", Kind.CHOICES, choices=frozenset(levels), labels=levels),
        day("contoso_warrantyuntil"),
        Column("contoso_promisedon", Kind.WHEN, shows="DateOnly"),
        Column("contoso_opensat", Kind.WHEN, behavior="TimeZoneIndependent"),
        when("contoso_callbefore"),
        Column("contoso_weight", Kind.DECIMAL),
        Column("contoso_floors", Kind.INTEGER),
        lookup("contoso_site", "contoso_Site", "account"),
    )


def _around_work_orders() -> tuple[Table, ...]:
    """What a work order points to, and what bookings without one are of."""
    return (
        make_table(
            "contact",
            "contacts",
            "fullname",
            (
                text("fullname", 160),
                text("telephone1", 50),
                text("mobilephone", 50),
                text("emailaddress1", 100),
                *_state(),
            ),
        ),
        make_table(
            "msdyn_priority",
            "msdyn_priorities",
            "msdyn_name",
            (text("msdyn_name"), text("msdyn_prioritycolor"), *_state()),
        ),
        make_table(
            "msdyn_workordertype", "msdyn_workordertypes", "msdyn_name", (text("msdyn_name"), *_state())
        ),
        make_table(
            "msdyn_incidenttype",
            "msdyn_incidenttypes",
            "msdyn_name",
            (text("msdyn_name"), memo("msdyn_description"), *_state()),
        ),
        make_table(
            "msdyn_resourcerequirement",
            "msdyn_resourcerequirements",
            "msdyn_name",
            (
                text("msdyn_name"),
                when("msdyn_timewindowstart"),
                lookup("msdyn_projectid", "msdyn_projectid", "msdyn_project"),
                lookup("msdyn_roleid", "msdyn_roleid", "bookableresourcecategory"),
                *_state(),
            ),
        ),
        make_table(
            "bookableresourcecategory", "bookableresourcecategories", "name", (text("name"), *_state())
        ),
        make_table(
            "msdyn_project", "msdyn_projects", "msdyn_subject", (text("msdyn_subject", 200), *_state())
        ),
        make_table(
            "transactioncurrency",
            "transactioncurrencies",
            "currencyname",
            (text("currencyname"), text("isocurrencycode", 5), text("currencysymbol", 13), *_state()),
        ),
    )
