"""Dataverse's own tables that provisioning writes to and the doctor reads: solutions, endpoints, steps, jobs.

Their navigation properties are all lower case. What only the platform writes has columns that are not
writable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.dataverse.tables.columns import Column, Kind, choice, lookup, make_table, memo, text, when

if TYPE_CHECKING:
    from local.dataverse.tables.columns import Table

PUBLISHER = "publisher"
SOLUTION = "solution"
SOLUTION_COMPONENT = "solutioncomponent"
ENDPOINT = "serviceendpoint"
MESSAGE = "sdkmessage"
MESSAGE_FILTER = "sdkmessagefilter"
STEP = "sdkmessageprocessingstep"
IMAGE = "sdkmessageprocessingstepimage"
JOB = "asyncoperation"
VIEW = "savedquery"
FORM = "systemform"
ROLE = "role"
PRIVILEGE = "privilege"
UNIT = "businessunit"

PLATFORM_ONLY = frozenset({SOLUTION_COMPONENT, MESSAGE, MESSAGE_FILTER, PRIVILEGE, "organization"})
"""Tables whose rows nobody writes directly."""
COMPONENT_TYPES = {VIEW: 26, FORM: 60, STEP: 92, ENDPOINT: 95}
"""What may be in a solution, besides tables and their columns, by table."""
TABLE_COMPONENT, COLUMN_COMPONENT = 1, 2

WEBHOOK_CONTRACT = 8
WEBHOOK_KEY, HTTP_HEADER, HTTP_QUERY = 4, 5, 6
"""Values of an endpoint's `authtype`."""
JOB_SUCCEEDED, JOB_FAILED = 30, 31
"""Values of a job's `statuscode`."""


def platform_tables() -> tuple[Table, ...]:
    """The tables, named as the Web API names them."""
    return (*_solution_tables(), *_step_tables(), _job(), *_form_tables(), *_security_tables())


def _solution_tables() -> tuple[Table, ...]:
    return (
        make_table(
            PUBLISHER,
            "publishers",
            "friendlyname",
            (
                text("uniquename", 256, required=True),
                text("friendlyname", 256, required=True),
                text("customizationprefix", 8, required=True),
                Column("customizationoptionvalueprefix", Kind.INTEGER, required=True),
                text("description", 2000),
                Column("isreadonly", Kind.FLAG, writable=False),
            ),
        ),
        make_table(
            SOLUTION,
            "solutions",
            "friendlyname",
            (
                text("uniquename", 65, required=True),
                text("friendlyname", 256, required=True),
                text("version", 256, required=True),
                text("description", 2000),
                lookup("publisherid", "publisherid", PUBLISHER, required=True),
                Column("ismanaged", Kind.FLAG, writable=False),
                Column("isvisible", Kind.FLAG, writable=False),
            ),
        ),
        make_table(
            SOLUTION_COMPONENT,
            "solutioncomponents",
            "solutioncomponentid",
            (
                choice("componenttype", TABLE_COMPONENT, COLUMN_COMPONENT, *COMPONENT_TYPES.values()),
                Column("objectid", Kind.ID),
                choice("rootcomponentbehavior", 0, 1, 2),
                lookup("solutionid", "solutionid", SOLUTION),
            ),
        ),
    )


def _step_tables() -> tuple[Table, ...]:
    return (
        make_table(
            ENDPOINT,
            "serviceendpoints",
            "name",
            (
                text("name", 160, required=True),
                text("description", 2000),
                text("url", 450),
                choice("contract", *range(1, 10), required=True),
                choice("connectionmode", 1, 2),
                choice("messageformat", 1, 2, 3),
                choice("authtype", *range(1, 9)),
                Column("authvalue", Kind.TEXT, max_length=2048, readable=False),
            ),
        ),
        make_table(MESSAGE, "sdkmessages", "name", (text("name", 256),)),
        make_table(
            MESSAGE_FILTER,
            "sdkmessagefilters",
            "name",
            (
                text("name", 100),
                text("primaryobjecttypecode", 64),
                Column("iscustomprocessingstepallowed", Kind.FLAG),
                lookup("sdkmessageid", "sdkmessageid", MESSAGE),
            ),
        ),
        _step(),
        make_table(
            IMAGE,
            "sdkmessageprocessingstepimages",
            "name",
            (
                text("name", 256),
                text("description", 256),
                text("entityalias", 256, required=True),
                text("messagepropertyname", 256, required=True),
                text("attributes", 100_000),
                choice("imagetype", 0, 1, 2, required=True),
                lookup("sdkmessageprocessingstepid", "sdkmessageprocessingstepid", STEP, required=True),
            ),
        ),
    )


def _form_tables() -> tuple[Table, ...]:
    """Views and forms; whether a view is active is left out here."""
    return (
        make_table(
            VIEW,
            "savedqueries",
            "name",
            (
                text("name", 200, required=True),
                text("description", 2000),
                text("returnedtypecode", 64, required=True),
                choice("querytype", 0, 1, 2, 4, 64, required=True),
                memo("fetchxml"),
                memo("layoutxml"),
            ),
        ),
        make_table(
            FORM,
            "systemforms",
            "name",
            (
                text("name", 100, required=True),
                text("description", 2000),
                text("objecttypecode", 64, required=True),
                choice("type", 2, 5, 6, 7, 8, 11, required=True),
                choice("formactivationstate", 0, 1),
                memo("formxml"),
                Column("iscustomizable", Kind.MANAGED),
            ),
            key="formid",
        ),
    )


def _security_tables() -> tuple[Table, ...]:
    return (
        make_table(
            UNIT,
            "businessunits",
            "name",
            (text("name", 160, required=True), lookup("parentbusinessunitid", "parentbusinessunitid", UNIT)),
        ),
        make_table(
            ROLE,
            "roles",
            "name",
            (text("name", 100, required=True), lookup("businessunitid", "businessunitid", UNIT)),
        ),
        make_table(PRIVILEGE, "privileges", "name", (text("name", 100),)),
    )


def _step() -> Table:
    return make_table(
        STEP,
        "sdkmessageprocessingsteps",
        "name",
        (
            text("name", 256),
            text("description", 256),
            choice("stage", 10, 20, 40, required=True),
            choice("mode", 0, 1, required=True),
            Column("rank", Kind.INTEGER),
            choice("supporteddeployment", 0, 1, 2),
            Column("asyncautodelete", Kind.FLAG),
            text("filteringattributes", 100_000),
            text("configuration", 1_073_741_823),
            lookup("sdkmessageid", "sdkmessageid", MESSAGE, required=True),
            lookup("sdkmessagefilterid", "sdkmessagefilterid", MESSAGE_FILTER),
            # For real this lookup has a navigation property for each kind of handler; here is the one kind.
            lookup("eventhandler", "eventhandler_serviceendpoint", ENDPOINT, required=True),
            choice("statecode", 0, 1),
            choice("statuscode", 1, 2),
        ),
    )


def _job() -> Table:
    return make_table(
        JOB,
        "asyncoperations",
        "name",
        (
            text("name", 256),
            choice("operationtype", 1),
            choice("statecode", 0, 1, 2, 3),
            choice("statuscode", 0, 10, 20, 21, 22, JOB_SUCCEEDED, JOB_FAILED, 32),
            text("messagename", 160),
            text("primaryentitytype", 64),
            text("friendlymessage", 2000),
            text("message", 100_000),
            Column("errorcode", Kind.INTEGER),
            Column("retrycount", Kind.INTEGER),
            Column("depth", Kind.INTEGER),
            Column("correlationid", Kind.ID),
            Column("requestid", Kind.ID),
            when("startedon"),
            when("completedon"),
            lookup("owningextensionid", "owningextensionid", STEP),
            # For real it may point at any table; what hangs on it here are bookings, mostly.
            Column("regardingobjectid", Kind.ID),
        ),
    )
