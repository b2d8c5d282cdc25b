"""Columns that an administrator chose: found by their paths, read with the booking, shown as people read.

The environment is the strict stand-in: it refuses names that do not exist, and formats values for its own
user, in German.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from booking_sync.dataverse.bookings import DataverseBookings
from booking_sync.dataverse.event_columns.definitions import DataverseTableDefinitions
from booking_sync.dataverse.event_columns.reading import read_values
from booking_sync.dataverse.queries import MAX_EXPANDS, booking_rows, booking_shape, check_expands
from booking_sync.dataverse.rows.row_reader import RowReader
from booking_sync.domain.environment.columns import SupportColumns
from booking_sync.domain.events.event_text.columns import ColumnKind, EventColumn
from booking_sync.domain.events.event_text.values import Wording, value_text
from booking_sync.domain.events.zones import event_zone
from booking_sync.errors import PermanentError, TransientError
from booking_sync.event_file.checking import Overrides, make_renderer
from booking_sync.event_file.content import EventFile, EventFileError
from booking_sync.event_file.parsing import parse
from booking_sync.event_file.resolving import resolve
from booking_sync.ports.dataverse.definitions import LookupDefinition
from local.dataverse.environment import DEFAULT_IDENTITY
from local.processes import REPOSITORY
from tests.support.bookings import BOOKING_ID, booking
from tests.support.seals import KEYRING, sealer

if TYPE_CHECKING:
    from booking_sync.ports.dataverse.definitions import TableDefinition
    from tests.dataverse.world import DataverseWorld

WORK_ORDERS = "msdyn_workorders"
HELSINKI = Wording(event_zone("Europe/Helsinki"))


def a_file(**paths: str) -> EventFile:
    """A file that names these columns."""
    lines = "".join(f'{name} = "{path}"\n' for name, path in paths.items())
    return parse(f"[columns]\n{lines}", "event.toml", str)


async def found(dataverse: DataverseWorld, **paths: str) -> tuple[EventColumn, ...]:
    """The columns, as the environment knows them."""
    return await resolve(a_file(**paths), DataverseTableDefinitions(dataverse.client))


async def wrong(dataverse: DataverseWorld, path: str) -> str:
    """What is told of a path that leads nowhere."""
    with pytest.raises(EventFileError) as caught:
        await found(dataverse, a=path)
    (problem,) = caught.value.problems
    assert problem.position
    assert problem.position.line == 2
    return problem.words


def rows(dataverse: DataverseWorld, columns: tuple[EventColumn, ...]) -> DataverseBookings:
    """The adapter that reads them."""
    seals = sealer(DEFAULT_IDENTITY.organization_id, keys=KEYRING.keys)
    return DataverseBookings(dataverse.client, SupportColumns(), seals, KEYRING, event_columns=columns)


async def shown(dataverse: DataverseWorld, wording: Wording = HELSINKI, **paths: str) -> dict[str, str]:
    """The columns' texts, of the booking that is there."""
    row = await rows(dataverse, await found(dataverse, **paths)).read(BOOKING_ID)
    assert row is not None
    return {name: value_text(value, wording) for name, value in row.booking.values.items()}


def put(dataverse: DataverseWorld, **columns: Any) -> str:
    """A booking whose work order has these columns; returns the work order's id."""
    dataverse.put(booking())
    (order_id,) = dataverse.standin.state.rows(WORK_ORDERS)
    dataverse.standin.state.update(WORK_ORDERS, order_id, columns)
    return order_id


def create(dataverse: DataverseWorld, entity_set: str, **columns: Any) -> str:
    """A row; returns what refers to it."""
    return f"/{entity_set}({dataverse.standin.state.create(entity_set, columns)})"


# --- every type -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [
        ("msdyn_name", "WO-7", "WO-7"),
        ("msdyn_instructions", "Ring twice.\r\nMind the dog.", "Ring twice.\nMind the dog."),
        ("contoso_floors", 1200, "1.200"),
        ("contoso_weight", 12.5, "12,50"),
        ("msdyn_latitude", 60.17, "60,17"),
        ("msdyn_totalamount", 1234.5, "1.234,50 €"),
        ("msdyn_taxable", True, "Ja"),
        ("msdyn_taxable", False, "msdyn_taxable 0"),
        ("contoso_access", 3, "Schlüssel"),
        ("contoso_needs", "3,1", "Keine; Schlüssel"),
        ("statecode", 0, "statecode 0"),
        ("contoso_warrantyuntil", "2026-03-29", "2026-03-29"),
        # Somebody in Helsinki chose the 29th: midnight there is the 28th in UTC.
        ("contoso_promisedon", "2026-03-28T22:00:00Z", "2026-03-29"),
        ("contoso_callbefore", "2026-03-29T09:30:00Z", "2026-03-29 12:30"),
        ("contoso_opensat", "2026-03-29T07:00:00Z", "2026-03-29 07:00"),
    ],
)
async def test_each_type_is_shown_as_people_read_it(
    dataverse: DataverseWorld, column: str, value: object, text: str
) -> None:
    """Texts keep their lines, amounts have their currency, choices their labels, times the event's zone.

    A date never shifts, and a time that is in no zone stays as it stands.
    """
    euro = create(dataverse, "transactioncurrencies", currencyname="Euro", currencysymbol="€")
    put(dataverse, **{column: value}, **{"transactioncurrencyid@odata.bind": euro})
    assert await shown(dataverse, it=f"msdyn_workorder.{column}") == {"it": text}


@pytest.mark.parametrize(
    "column",
    [
        "msdyn_summary_that_is_none",
        *("msdyn_workordersummary", "contoso_floors", "msdyn_totalamount", "msdyn_taxable", "contoso_access"),
        *(
            "contoso_needs",
            "contoso_warrantyuntil",
            "contoso_promisedon",
            "contoso_callbefore",
            "contoso_site",
        ),
    ],
)
async def test_an_empty_column_shows_nothing(dataverse: DataverseWorld, column: str) -> None:
    """Null is ordinary, of whatever type the column is."""
    dataverse.put(replace(booking(), work_order=replace(booking().work_order, summary="")))  # type: ignore[type-var]
    name = "msdyn_city" if "none" in column else column
    texts = await shown(dataverse, it=f"msdyn_workorder.{name}")
    assert texts == ({"it": "Helsinki"} if name == "msdyn_city" else {})


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("fi", "Avain"),
        ("fi-FI", "Avain"),
        ("en", "Key"),
        ("en-GB", "Key"),
        ("sv", "Schlüssel"),
        ("", "Schlüssel"),
    ],
)
async def test_a_choice_is_called_by_the_event_s_language(
    dataverse: DataverseWorld, language: str, text: str
) -> None:
    """The label in that language; where there is none, as Dataverse itself shows it."""
    put(dataverse, contoso_access=3)
    wording = replace(HELSINKI, language=language)
    assert await shown(dataverse, wording, it="msdyn_workorder.contoso_access") == {"it": text}


async def test_choices_have_one_language_together(dataverse: DataverseWorld) -> None:
    """A list in which one label lacks the language is shown as Dataverse shows it, not half and half."""
    put(dataverse, contoso_needs="2,3")
    english, finnish = replace(HELSINKI, language="en"), replace(HELSINKI, language="fi")
    assert await shown(dataverse, english, it="msdyn_workorder.contoso_needs") == {"it": "Ladder, Key"}
    assert await shown(dataverse, finnish, it="msdyn_workorder.contoso_needs") == {"it": "Leiter; Schlüssel"}


async def test_dates_and_times_are_written_as_the_file_says(dataverse: DataverseWorld) -> None:
    """In the form that people there are used to."""
    put(dataverse, contoso_callbefore="2026-03-29T09:30:00Z", contoso_warrantyuntil="2026-12-01")
    wording = replace(HELSINKI, date_format="%d.%m.%Y", time_format="%H.%M")
    assert await shown(
        dataverse,
        wording,
        call="msdyn_workorder.contoso_callbefore",
        warranty="msdyn_workorder.contoso_warrantyuntil",
    ) == {"call": "29.03.2026 12.30", "warranty": "01.12.2026"}


# --- paths ------------------------------------------------------------------------------------------------


async def test_paths_lead_over_lookups_to_any_table(dataverse: DataverseWorld) -> None:
    """Work order, account, contact, priority, resource, requirement, project: whatever a lookup points to."""
    put(dataverse)
    state = dataverse.standin.state
    anna = create(dataverse, "contacts", fullname="Anna Virtanen", telephone1="+358 40 1234567")
    urgent = create(dataverse, "msdyn_priorities", msdyn_name="Urgent")
    site = create(dataverse, "accounts", name="North yard", telephone1="12 34")
    (order_id,) = state.rows(WORK_ORDERS)
    links = {"msdyn_reportedbycontact": anna, "msdyn_priority": urgent, "contoso_Site": site}
    state.update(WORK_ORDERS, order_id, {f"{name}@odata.bind": value for name, value in links.items()})
    project = create(dataverse, "msdyn_projects", msdyn_subject="New factory")
    need = create(dataverse, "msdyn_resourcerequirements", **{"msdyn_projectid@odata.bind": project})
    state.update(
        "bookableresourcebookings",
        BOOKING_ID,
        {"msdyn_ResourceRequirement@odata.bind": need, "duration": 150},
    )
    assert await shown(
        dataverse,
        phone="msdyn_workorder.msdyn_reportedbycontact.telephone1",
        contact="msdyn_workorder.msdyn_reportedbycontact",
        bare="msdyn_workorder._msdyn_reportedbycontact_value",
        priority="msdyn_workorder.msdyn_priority.msdyn_name",
        site_phone="msdyn_workorder.contoso_site.telephone1",
        site="msdyn_workorder.contoso_Site",
        project="msdyn_resourcerequirement.msdyn_projectid.msdyn_subject",
        minutes="duration",
        person="resource.resourcetype",
    ) == {
        "phone": "+358 40 1234567",
        "contact": "Anna Virtanen",
        "bare": "Anna Virtanen",
        "priority": "Urgent",
        "site_phone": "12 34",
        "site": "North yard",
        "project": "New factory",
        "minutes": "150",
        "person": "resourcetype 3",
    }


async def test_a_project_s_booking_tells_project_role_and_what_is_required(dataverse: DataverseWorld) -> None:
    """As docs/participation.md has the columns: by way of the requirement, without any work order."""
    dataverse.put(replace(booking(BOOKING_ID), work_order=None))
    need = create(
        dataverse,
        "msdyn_resourcerequirements",
        msdyn_name="Commission line 2",
        **{
            "msdyn_projectid@odata.bind": create(dataverse, "msdyn_projects", msdyn_subject="New factory"),
            "msdyn_roleid@odata.bind": create(dataverse, "bookableresourcecategories", name="Electrician"),
        },
    )
    dataverse.standin.state.update(
        "bookableresourcebookings", BOOKING_ID, {"msdyn_ResourceRequirement@odata.bind": need}
    )
    assert await shown(
        dataverse,
        project="msdyn_resourcerequirement.msdyn_projectid.msdyn_subject",
        role="msdyn_resourcerequirement.msdyn_roleid.name",
        task="msdyn_resourcerequirement.msdyn_name",
    ) == {"project": "New factory", "role": "Electrician", "task": "Commission line 2"}


async def test_columns_cost_no_request(dataverse: DataverseWorld) -> None:
    """They are joined to the one question that is asked for the booking anyhow."""
    put(dataverse)
    columns = await found(
        dataverse, a="msdyn_workorder.msdyn_priority.msdyn_name", b="msdyn_workorder.contoso_access"
    )
    before = len(dataverse.requests)
    assert await rows(dataverse, columns).read(BOOKING_ID)
    assert len(dataverse.requests) == before + 1


async def test_what_is_read_anyhow_is_asked_for_once(dataverse: DataverseWorld) -> None:
    """A column that every event needs, named again, changes nothing about the question."""
    columns = await found(
        dataverse, a="name", b="msdyn_workorder.msdyn_serviceaccount.name", c="bookingstatus.name"
    )
    plain, with_these = (
        booking_shape(SupportColumns()),
        booking_shape(SupportColumns(), event_columns=columns),
    )
    options = dict(parse_qsl(urlsplit(booking_rows([BOOKING_ID], with_these)).query))
    assert options["$expand"].count("msdyn_serviceaccount(") == 1
    assert with_these.expands == plain.expands
    assert with_these.columns == plain.columns


async def test_a_file_without_columns_asks_nothing(dataverse: DataverseWorld) -> None:
    """Definitions of tables are read only where a file needs them."""
    assert await resolve(EventFile(), DataverseTableDefinitions(dataverse.client)) == ()
    assert dataverse.requests == []


async def test_each_table_is_read_once(dataverse: DataverseWorld) -> None:
    """However many paths lead through it; labels and times of a table's columns come in one answer each."""
    await found(
        dataverse,
        a="msdyn_workorder.contoso_access",
        b="msdyn_workorder.msdyn_name",
        c="msdyn_workorder.msdyn_systemstatus",
        d="msdyn_workorder.contoso_callbefore",
        e="msdyn_workorder.contoso_warrantyuntil",
        f="msdyn_workorder.msdyn_taxable",
    )
    paths = [urlsplit(each.path).path.rpartition("EntityDefinitions")[2] for each in dataverse.requests]
    order = "(LogicalName='msdyn_workorder')"
    casts = ("PicklistAttributeMetadata", "DateTimeAttributeMetadata", "BooleanAttributeMetadata")
    assert sorted(paths) == sorted(
        [
            "(LogicalName='bookableresourcebooking')",
            order,
            *(f"{order}/Attributes/Microsoft.Dynamics.CRM.{cast}" for cast in casts),
        ]
    )


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (
            "msdyn_workorder.msdyn_priorty.msdyn_name",
            "a follows msdyn_priorty, and msdyn_workorder has no such lookup: is msdyn_priority",
        ),
        (
            "msdyn_workorder.msdyn_workordersumary",
            "a ends in msdyn_workordersumary, and msdyn_workorder has no such column: is msdyn_workorders",
        ),
        (
            "workorder.msdyn_name",
            "a follows workorder, and bookableresourcebooking has no such lookup: is msdyn_work",
        ),
        (
            "starttime.name",
            "a follows starttime of bookableresourcebooking, which is no lookup: nothing can come",
        ),
        ("zzzzzz", "a ends in zzzzzz, and bookableresourcebooking has no such column"),
    ],
)
async def test_a_path_that_leads_nowhere_is_told_with_the_nearest_names(
    dataverse: DataverseWorld, path: str, words: str
) -> None:
    """Before any booking is asked for, with the line of the file."""
    assert (await wrong(dataverse, path)).startswith(words)


async def test_all_wrong_paths_are_told_at_once(dataverse: DataverseWorld) -> None:
    """Whoever mends one learns of the others as well."""
    with pytest.raises(EventFileError) as caught:
        await found(dataverse, a="nothing", b="name", c="msdyn_workorder.nothing")
    assert [str(each).partition(":")[0] for each in caught.value.problems] == [
        "line 2, column 1",
        "line 4, column 1",
    ]


async def test_more_lookups_than_one_question_takes_are_told() -> None:
    """Dataverse follows fifteen, and would refuse every read of every booking."""
    from booking_sync.domain.events.event_text.columns import Hop  # noqa: PLC0415 - used here only

    def leading(count: int) -> list[EventColumn]:
        hops = [Hop(f"cr_to{number}", f"cr_to{number}") for number in range(count)]
        return [EventColumn(hop.attribute, (hop,), "name", ColumnKind.TEXT) for hop in hops]

    own = booking_shape(SupportColumns()).expands
    assert check_expands(leading(MAX_EXPANDS - own)) == ""
    assert check_expands(leading(MAX_EXPANDS - own + 1)).startswith(
        f"follow {MAX_EXPANDS - own + 1} lookups besides those that every event needs, and Dynamics 365 takes"
    )


async def test_the_documentation_s_example_is_right(dataverse: DataverseWorld) -> None:
    """docs/event.md: every path leads somewhere in an environment with these custom columns."""
    page = (REPOSITORY / "docs" / "event.md").read_text(encoding="utf-8")
    example = re.search(r"```toml\n(.*?)```", page, re.DOTALL)
    assert example
    file = parse(example[1], "event.toml", lambda _name: "<p>{{ access }} {{ phone }} {{ project }}</p>")
    make_renderer(file, Overrides(), "https://contoso.crm4.dynamics.com", fully=True)
    columns = await resolve(file, DataverseTableDefinitions(dataverse.client))
    assert [each.name for each in columns] == ["phone", "access", "priority", "project"]
    assert check_expands(columns) == ""


# --- what may not be seen, and what is not there any more ------------------------------------------------


async def test_a_row_on_the_path_that_we_may_not_see_is_told(dataverse: DataverseWorld) -> None:
    """A lookup that is set and leads to nothing is no empty text: the role does not reach so far."""
    anna = dataverse.standin.state.create("contacts", {"fullname": "Anna", "telephone1": "1234"})
    put(dataverse, **{"msdyn_reportedbycontact@odata.bind": f"/contacts({anna})"})
    columns = await found(dataverse, phone="msdyn_workorder.msdyn_reportedbycontact.telephone1")
    dataverse.standin.state.config.change({"hidden_rows": [anna]})
    with pytest.raises(PermanentError, match="msdyn_workorder/msdyn_reportedbycontact is set, but"):
        await rows(dataverse, columns).read(BOOKING_ID)


class WithCustomer:
    """An environment's definitions, where `cr_customerid` points to an account or a contact."""

    def __init__(self, dataverse: DataverseWorld) -> None:
        self._own = DataverseTableDefinitions(dataverse.client)
        self.labels, self.times = self._own.labels, self._own.times

    async def table(self, name: str) -> TableDefinition:
        """The table; the work order's has the column as well."""
        table = await self._own.table(name)
        if name != "msdyn_workorder":
            return table
        ways = (LookupDefinition(f"cr_customerid_{to}", "cr_customerid", to) for to in ("account", "contact"))
        return replace(table, lookups=(*table.lookups, *ways))


@pytest.mark.parametrize("of", ["account", "contact"])
async def test_a_lookup_to_one_of_several_tables_shows_what_it_points_to(
    dataverse: DataverseWorld, of: str
) -> None:
    """A customer is an account or a contact; what is behind the other way is empty, and no error."""
    paths = {to: f"msdyn_workorder.cr_customerid_{to}.telephone1" for to in ("account", "contact")}
    columns = await resolve(a_file(**paths), WithCustomer(dataverse))
    order: dict[str, Any] = {
        "_cr_customerid_value": BOOKING_ID,
        **{f"cr_customerid_{to}": None for to in paths},
    }
    order[f"cr_customerid_{of}"] = {"telephone1": "12 34"}
    row = RowReader({"_msdyn_workorder_value": BOOKING_ID, "msdyn_workorder": order})
    assert {name: value_text(value, HELSINKI) for name, value in read_values(row, columns).items()} == {
        of: "12 34"
    }


async def test_a_table_that_the_role_has_not_fails_no_booking(dataverse: DataverseWorld) -> None:
    """The whole read is refused: that is the app's trouble, and each change waits until it is mended."""
    put(dataverse)
    columns = await found(dataverse, phone="msdyn_workorder.msdyn_reportedbycontact.telephone1")
    dataverse.standin.state.config.change({"missing_privileges": ["prvReadContact"]})
    with pytest.raises(TransientError, match="lacks the privilege prvReadContact") as caught:
        await rows(dataverse, columns).read(BOOKING_ID)
    assert caught.value.until_mended


async def test_a_column_that_was_removed_meanwhile_fails_no_booking(dataverse: DataverseWorld) -> None:
    """The same of a column that somebody takes away while the app runs."""
    put(dataverse)
    (column,) = await found(dataverse, it="msdyn_workorder.contoso_floors")
    gone = replace(column, attribute="contoso_gone")
    with pytest.raises(TransientError, match="the column 'contoso_gone' does not exist") as caught:
        await rows(dataverse, (gone,)).read(BOOKING_ID)
    assert caught.value.until_mended


@pytest.mark.parametrize("privilege", ["prvReadEntity", "prvReadAttribute", "prvReadRelationship"])
async def test_definitions_that_the_role_may_not_read_are_told(
    dataverse: DataverseWorld, privilege: str
) -> None:
    """A role of one's own has no right to read them, unless somebody gives it."""
    dataverse.standin.state.config.change({"missing_privileges": [privilege]})
    with pytest.raises(PermanentError, match=f"lacks the privilege {privilege}"):
        await found(dataverse, a="name")


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (ColumnKind.TEXT, 1),
        (ColumnKind.NUMBER, "1"),
        (ColumnKind.MONEY, True),
        (ColumnKind.CHOICE, 1.5),
        (ColumnKind.CHOICES, "1;2"),
        (ColumnKind.YES_NO, 1),
        (ColumnKind.LOOKUP, "nobody"),
        (ColumnKind.MOMENT, "2026-03-29"),
        (ColumnKind.DAY, "2026-03-29T00:00:00Z"),
        (ColumnKind.DAY, "2026-02-30"),
        (ColumnKind.CLOCK, "noon"),
        (ColumnKind.DAY_OF_MOMENT, 20260329),
    ],
)
def test_a_value_of_another_type_is_refused(kind: ColumnKind, value: object) -> None:
    """Taken for what it is not, it would show something wrong: the column is named instead."""
    column = EventColumn("it", (), "cr_it", kind)
    with pytest.raises(PermanentError, match=r"the column '_?cr_it(_value)?' does not hold"):
        read_values(RowReader({column.selected: value}), [column])
