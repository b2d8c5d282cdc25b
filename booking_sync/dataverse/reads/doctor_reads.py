"""The ports `AppAccessReads` and `RegistrationReads` of the doctor on Dataverse: read only.

`booking_sync.doctor` judges the answers. Both take a client, which may be the same one: the first asks as the
app, the second as whoever set the app up.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from booking_sync.dataverse.customizations.environment import DataverseCustomizations
from booking_sync.dataverse.queries import BOOKINGS, booking_shape, some_booking, whole_seconds
from booking_sync.dataverse.reads.failures import DataverseFailures
from booking_sync.dataverse.rows.row_columns import RowColumns, objects
from booking_sync.dataverse.web_api.errors import incomplete
from booking_sync.domain.environment.columns import NO_RESOURCE_COLUMNS
from booking_sync.domain.environment.watched import BOOKING_TABLE, WORK_ORDER_COLUMNS, WORK_ORDER_NAMES
from booking_sync.domain.events.event_text.columns import lookup_property
from booking_sync.domain.ids import read_guid, read_moment
from booking_sync.domain.text import clean_line
from booking_sync.errors import PermanentError
from booking_sync.ports.diagnosis import FailedJobs, ForeignMarks, Identity, Person, TableFacts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from booking_sync.dataverse.customizations.webhook_key import WebhookKey
    from booking_sync.dataverse.web_api.client import DataverseClient
    from booking_sync.domain.environment.columns import ResourceColumns, ReturnColumns, SupportColumns
    from booking_sync.domain.events.event_text.columns import EventColumn
    from booking_sync.ports.dataverse.bookings import FailingBookings
    from booking_sync.ports.dataverse.customizations import DesiredCustomizations, FoundCustomizations

MOST_FAILING = 100
MOST_JOBS = 100
MOST_MARKED = 1000
"""How many are counted before it is said that there are more."""

_WORK_ORDER = ",".join((*WORK_ORDER_COLUMNS, *map(lookup_property, WORK_ORDER_NAMES)))
_READS: Final[Mapping[str, str]] = {
    "bookableresource": "bookableresources?$select=resourcetype,_userid_value",
    "bookingstatus": "bookingstatuses?$select=name,status,msdyn_fieldservicestatus",
    "msdyn_workorder": f"msdyn_workorders?$select={_WORK_ORDER}",
    "account": "accounts?$select=name",
    "systemuser": "systemusers?$select=azureactivedirectoryobjectid,isdisabled",
}
_DEPTHS = ("Basic", "Local", "Deep", "Global")
_FAILED = 31
_MARKS = "msdyn_globalobjectid ne null or msdyn_appointmentbookingid ne null"
_NO_MARKS = re.compile(r"column 'msdyn_\w+' does not exist")
_REASON_LENGTH = 200
_USER_NAMES = ("domainname", "internalemailaddress")
MOST_ALIKE = 50
"""Users whose names are the same to Dataverse."""


@dataclass(frozen=True, slots=True)
class ExpectedIdentity:
    """Who the settings say that we are; GUIDs in lower case, empty when unset."""

    user_id: str
    organization_id: str


class DataverseAppAccessReads:
    """Dataverse as the app sees it; fulfils `AppAccessReads`.

    Args:
        client: the environment's Web API; stays the caller's to close.
        columns: where our record is kept.
        expected: what the settings say.
        of_resource: columns on the bookable resource that people fill in.
        of_return: those of the way back from Outlook; None where it is off.
    """

    def __init__(
        self,
        client: DataverseClient,
        columns: SupportColumns,
        expected: ExpectedIdentity,
        of_resource: ResourceColumns = NO_RESOURCE_COLUMNS,
        of_return: ReturnColumns | None = None,
    ) -> None:
        self._client = client
        self._columns = columns
        self._of_resource = of_resource
        self._of_return = of_return
        self._expected = expected

    async def identity(self) -> Identity:
        """Who we are; raises as every method here: TransientError, or PermanentError for a refusal."""
        who = await self._client.who_am_i()
        return Identity(
            who.user_id, who.organization_id, self._expected.user_id, self._expected.organization_id
        )

    async def privileges(self, user_id: str) -> Mapping[str, str]:
        """By the privilege's name how far it reaches; of several roles the one that reaches furthest."""
        path = f"systemusers({user_id})/Microsoft.Dynamics.CRM.RetrieveUserPrivileges"
        answer = await self._client.get(path)
        held: dict[str, str] = {}
        for row in objects(answer.get("RolePrivileges")):
            name, depth = row.text("PrivilegeName"), row.text("Depth")
            if not name:
                raise incomplete()  # a privilege without its name must not count as one that is lacking
            held[name] = max(depth, held.get(name, ""), key=_reach)
        return held

    async def read_one(self, table: str) -> None:
        """Read at most one row of a table with all columns that the sync uses."""
        path = _READS.get(table)
        if path is None:
            shape = booking_shape(self._columns, self._of_resource, of_return=self._of_return)
            path = some_booking(shape)
            await self._client.rows(path)
            return
        await self._client.rows(f"{path}&$top=1")

    async def read_columns(self, columns: Sequence[EventColumn]) -> None:
        """Read at most one booking with these columns as well."""
        await self._client.rows(some_booking(booking_shape(self._columns, self._of_resource, columns)))

    async def failing(self) -> FailingBookings:
        """Bookings with a text in the error column, the latest first."""
        return await DataverseFailures(self._client, self._columns.sync_error).failing(MOST_FAILING)

    async def foreign_marks(self, since: datetime) -> ForeignMarks:
        """Bookings made since then that Microsoft's own sync has marked."""
        condition = quote(f"createdon ge {whole_seconds(since)} and ({_MARKS})", safe="")
        try:
            rows = await self._client.rows(
                f"{BOOKINGS}?$select=_resource_value&$expand=Resource($select=name)"
                f"&$filter={condition}&$orderby=createdon%20desc&$top={MOST_MARKED + 1}"
            )
        except PermanentError as error:
            if _NO_MARKS.search(error.reason):
                return ForeignMarks(0, more=False, people=())  # a Field Service of before that sync
            raise
        people = {person for row in rows if (person := _person(row))}
        in_order = sorted(people, key=lambda each: (each.name, each.resource_id))
        return ForeignMarks(min(len(rows), MOST_MARKED), len(rows) > MOST_MARKED, tuple(in_order))

    async def mailbox_of(self, name: str) -> str:
        """The Entra object id of the user with this sign-in name or address; empty for nobody.

        Compared once more here, in whatever case: to Dataverse an accent makes no difference, and somebody
        else's mailbox would be found.
        """
        literal = "'" + name.replace("'", "''") + "'"
        condition = quote(f"domainname eq {literal} or internalemailaddress eq {literal}", safe="")
        rows = await self._client.rows(
            f"systemusers?$select=azureactivedirectoryobjectid,{','.join(_USER_NAMES)}"
            f"&$filter={condition}&$top={MOST_ALIKE}"
        )
        found = {
            read_guid(row.get("azureactivedirectoryobjectid"))
            for row in rows
            if name.casefold() in {str(row.get(column)).casefold() for column in _USER_NAMES}
        } - {None}
        return str(found.pop()) if len(found) == 1 else ""


class DataverseRegistrationReads:
    """Dataverse's own tables; fulfils `RegistrationReads`.

    Args:
        client: the environment's Web API; stays the caller's to close.
        columns: ours on the booking table.
        key: the webhook's key, to be compared with the one that is there; empty: not compared.
        random_bytes: so many, unguessable.
    """

    def __init__(
        self,
        client: DataverseClient,
        columns: Sequence[str],
        key: WebhookKey,
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self._client = client
        self._columns = columns
        self._environment = DataverseCustomizations(client, key, random_bytes)

    async def table(self) -> TableFacts:
        """The booking table's definition; raises as every method here, as `DataverseAppAccessReads`."""
        place = f"EntityDefinitions(LogicalName='{BOOKING_TABLE}')"
        definition = await self._client.get(f"{place}?$select=IsOptimisticConcurrencyEnabled")
        select = "LogicalName,IsSecured,IsValidForRead,IsValidForUpdate"
        rows = await self._client.rows(f"{place}/Attributes?$select={select}")
        ours = [row for row in objects(rows) if row.text("LogicalName") in self._columns]
        return TableFacts(
            optimistic_concurrency=RowColumns(definition).flag("IsOptimisticConcurrencyEnabled"),
            secured=_named(row for row in ours if row.flag("IsSecured")),
            unusable=_named(
                row
                for row in ours
                if False in (row.flag_or_none("IsValidForRead"), row.flag_or_none("IsValidForUpdate"))
            ),
        )

    async def registration(self, desired: DesiredCustomizations) -> FoundCustomizations:
        """What there is of what `provision` makes."""
        return await self._environment.read(desired)

    async def failed_jobs(self, step_ids: Sequence[str], since: datetime) -> FailedJobs:
        """System jobs of these steps that ended in failure since then."""
        steps = " or ".join(f"_owningextensionid_value eq {step_id}" for step_id in step_ids)
        condition = f"statuscode eq {_FAILED} and completedon ge {whole_seconds(since)} and ({steps})"
        rows = await self._client.rows(
            f"asyncoperations?$select=completedon,friendlymessage,message&$filter={quote(condition, safe='')}"
            f"&$orderby=completedon%20desc&$top={MOST_JOBS + 1}"
        )
        if not rows:
            return FailedJobs(0, more=False)
        newest = RowColumns(rows[0])
        reason = newest.text("friendlymessage") or newest.text("message")
        return FailedJobs(
            min(len(rows), MOST_JOBS),
            more=len(rows) > MOST_JOBS,
            newest=read_moment(rows[0].get("completedon")),
            reason=clean_line(reason, _REASON_LENGTH),
        )


def _reach(depth: str) -> int:
    return _DEPTHS.index(depth) if depth in _DEPTHS else -1


def _named(rows: Iterable[RowColumns]) -> frozenset[str]:
    return frozenset(row.text("LogicalName") for row in rows)


def _person(row: Mapping[str, Any]) -> Person | None:
    resource_id, resource = read_guid(row.get("_resource_value")), RowColumns(row).row("Resource")
    if resource_id is None:
        return None
    return Person(resource_id, (resource.text("name") if resource else "") or "without a name")
