"""The low-code flow (Power Automate) that booking_sync replaces, as an executable rendering.

One run per change, started by the Dataverse trigger "When a row is added, modified or deleted", which hands
over the row as it was at that moment. A run is a sequence of actions, each of them one HTTP request:

- created: get the resource with its user; write the original resource; get the work order with its service
  account; get the booking status; get the user; POST the event; write the event id (7 requests).
- updated: resource, status, GET the event, PATCH if different (3 or 4).
- reassigned: resource, status, DELETE, work order, POST, write back (6).
- canceled or deactivated: resource, status, DELETE, write back (4): the update's beginning, and the shortest
  end that leaves the row right.
- brought back: resource, status, work order, POST, write back (5).
- deleted: DELETE of the event that the row named (1). The real trigger tells no columns of a deleted row;
  this flow is told them, in its favour.

The open extension is inside the creating POST, and there is no transactionId, as in the flow whose author
listed why it is not fit for production. It uses booking_sync's columns for what they have in common, so that
one verdict fits both.

**Concurrency.** Trigger concurrency is unlimited as long as its control is off; switched on, it is 25 unless
changed, and at most 100 (Microsoft, "Limits for automated, scheduled, and instant flows", concurrency).
`CONCURRENCY` is that 25; `UNLIMITED` leaves the control off. How actions fail and are retried: `retries`.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from benchmarks.contenders.retries import ActionFailedError, Retrier, RetryPolicy
from benchmarks.contenders.seams import API_PATH, BOOKINGS, Reply, json_bytes, reply_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

    import httpx

    from benchmarks.contenders.seams import Exchange

CONCURRENCY = 25
"""Runs side by side with the trigger's concurrency control on and left at its default."""
UNLIMITED = 1_000_000
"""The concurrency control is off, as it is in a new flow."""
EXTENSION_NAME = "com.bookingsync.booking"
EXTENSION_PROPERTY = "bookingSyncGuid"
SEPARATOR = " – "  # noqa: RUF001 - the dash that people read in the subject
CANCELED, PROPOSED = 3, 1
"""`bookingstatus.status`."""


class Message(StrEnum):
    """What the trigger says happened."""

    CREATED = "Create"
    UPDATED = "Update"
    DELETED = "Delete"


@dataclass(frozen=True, slots=True)
class Trigger:
    """One change, as the trigger hands it over."""

    message: Message
    row: Mapping[str, Any]
    """The booking's columns by logical name (lookups hold the id); for a deletion those it had."""


@dataclass(frozen=True, slots=True)
class Connections:
    """The flow's connectors, authenticated."""

    graph: httpx.AsyncClient
    graph_url: str
    dataverse: Exchange
    dataverse_url: str


@dataclass(frozen=True, slots=True)
class FlowTally:
    """How the runs ended."""

    runs: int
    lost: int
    """Failed runs: their changes are in no calendar, and nobody is told."""
    retries: int
    reasons: Mapping[str, int]
    """How many runs each failed action with its last status has cost."""


@dataclass(frozen=True, slots=True)
class _Person:
    """Whose calendar it is."""

    mailbox: str
    user_id: str


class Flow:
    """Runs the flow.

    Args:
        connections: where to.
        random: for the retries' waits.
        concurrency: how many runs go on side by side; the others wait, in order.
        policy: of every action; None for the documented one.
    """

    def __init__(
        self,
        connections: Connections,
        random: Random,
        concurrency: int = CONCURRENCY,
        policy: RetryPolicy | None = None,
    ) -> None:
        self._to = connections
        self._retrier = Retrier(policy or RetryPolicy(), random)
        self._places = asyncio.Semaphore(concurrency)
        self._lost: Counter[str] = Counter()
        self._runs = 0

    async def run(self, trigger: Trigger) -> bool:
        """One run, once there is a place for it; whether it succeeded."""
        async with self._places:
            self._runs += 1
            try:
                await self._branch(trigger)
            except ActionFailedError as failure:
                self._lost[str(failure)] += 1
                return False
        return True

    @property
    def tally(self) -> FlowTally:
        """How it went so far."""
        return FlowTally(self._runs, self._lost.total(), self._retrier.retries, dict(self._lost))

    async def _branch(self, trigger: Trigger) -> None:
        row = trigger.row
        if trigger.message is Message.DELETED:
            if row["bsync_outlookeventid"]:
                await self._delete_event(row)
        elif trigger.message is Message.CREATED:
            await self._created(row)
        else:
            await self._updated(row)

    async def _created(self, row: Mapping[str, Any]) -> None:
        person = await self._get_resource(row)
        await self._write(row, {"bsync_originalresource": person.mailbox})
        account = await self._get_account(row)
        status = await self._get_status(row)
        await self._get("get user", f"systemusers({person.user_id})?$select=internalemailaddress")
        if _is_wanted(row, status):
            event_id = await self._post_event(row, person, account, status)
            await self._write(row, {"bsync_outlookeventid": event_id})

    async def _updated(self, row: Mapping[str, Any]) -> None:
        person = await self._get_resource(row)
        status = await self._get_status(row)
        if not _is_wanted(row, status):
            if row["bsync_outlookeventid"]:
                await self._delete_event(row)
                await self._write(row, {"bsync_outlookeventid": None, "bsync_originalresource": None})
        elif row["bsync_outlookeventid"] and row["bsync_originalresource"] == person.mailbox:
            await self._patch_if_different(row, status)
        else:
            await self._move_event(row, person, status)

    async def _move_event(self, row: Mapping[str, Any], person: _Person, status: Mapping[str, Any]) -> None:
        if row["bsync_outlookeventid"]:
            await self._delete_event(row)
        account = await self._get_account(row)
        event_id = await self._post_event(row, person, account, status)
        await self._write(row, {"bsync_outlookeventid": event_id, "bsync_originalresource": person.mailbox})

    async def _patch_if_different(self, row: Mapping[str, Any], status: Mapping[str, Any]) -> None:
        """The account is not asked for again: it stands before the dash of the subject that is there."""
        url = self._event_url(row)
        event = (await self._graph("get event", "GET", url)).json()
        account, dash, _name = str(event["subject"]).partition(SEPARATOR)
        wanted = _content(row, account if dash else "", status)
        if any(not _same(wanted[name], event[name]) for name in ("subject", "start", "end", "showAs")):
            await self._graph("update event", "PATCH", url, wanted)

    # --- the actions --------------------------------------------------------------------------------------

    async def _get_resource(self, row: Mapping[str, Any]) -> _Person:
        path = f"bookableresources({row['resource']})?$expand=UserId"
        resource = await self._get("get resource", path)
        user = resource.get("UserId") or {}
        return _Person(user.get("azureactivedirectoryobjectid") or "", user.get("systemuserid") or "")

    async def _get_account(self, row: Mapping[str, Any]) -> str:
        path = f"msdyn_workorders({row['msdyn_workorder']})?$expand=msdyn_serviceaccount"
        work_order = await self._get("get work order", path)
        return str((work_order.get("msdyn_serviceaccount") or {}).get("name", ""))

    async def _get_status(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        return await self._get("get status", f"bookingstatuses({row['bookingstatus']})")

    async def _get(self, action: str, path: str) -> Mapping[str, Any]:
        return (await self._dataverse(action, "GET", path)).json()

    async def _write(self, row: Mapping[str, Any], columns: Mapping[str, Any]) -> None:
        path = f"{BOOKINGS}({row['bookableresourcebookingid']})"
        await self._dataverse("update row", "PATCH", path, columns)

    async def _post_event(
        self, row: Mapping[str, Any], person: _Person, account: str, status: Mapping[str, Any]
    ) -> str:
        extension = {
            "@odata.type": "microsoft.graph.openTypeExtension",
            "extensionName": EXTENSION_NAME,
            EXTENSION_PROPERTY: row["bookableresourcebookingid"],
        }
        body = {**_content(row, account, status), "isReminderOn": False, "extensions": [extension]}
        url = f"{self._to.graph_url}/v1.0/users/{person.mailbox}/events"
        return str((await self._graph("create event", "POST", url, body)).json()["id"])

    async def _delete_event(self, row: Mapping[str, Any]) -> None:
        await self._graph("delete event", "DELETE", self._event_url(row))

    def _event_url(self, row: Mapping[str, Any]) -> str:
        event_id = quote(row["bsync_outlookeventid"], safe="")
        return f"{self._to.graph_url}/v1.0/users/{row['bsync_originalresource']}/events/{event_id}"

    async def _dataverse(
        self, action: str, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> Reply:
        """The Dataverse connector; its "Update a row" does not re-create one that is gone."""
        headers = {"Accept": "application/json", "OData-Version": "4.0", "OData-MaxVersion": "4.0"}
        if body is not None:
            headers |= {"Content-Type": "application/json", "If-Match": "*"}
        url = f"{self._to.dataverse_url}{API_PATH}{path}"

        async def send() -> Reply:
            return reply_of(await self._to.dataverse(method, url, headers, json_bytes(body)))

        return await self._retrier.run(action, send)

    async def _graph(
        self, action: str, method: str, url: str, body: Mapping[str, Any] | None = None
    ) -> Reply:
        headers = {"Prefer": 'IdType="ImmutableId"'}

        async def send() -> Reply:
            answer = await self._to.graph.request(method, url, headers=headers, json=body)
            return Reply(answer.status_code, answer.headers, answer.content)

        return await self._retrier.run(action, send)


def _is_wanted(row: Mapping[str, Any], status: Mapping[str, Any]) -> bool:
    return row["statecode"] == 0 and status["status"] != CANCELED and bool(row["msdyn_workorder"])


def _content(row: Mapping[str, Any], account: str, status: Mapping[str, Any]) -> dict[str, Any]:
    name = row["name"] or ""
    return {
        "subject": f"{account}{SEPARATOR}{name}",
        "body": {"contentType": "html", "content": f"<p>{account}</p><p>{name}</p><p>{status['name']}</p>"},
        "start": _time(row["starttime"]),
        "end": _time(row["endtime"]),
        "showAs": "tentative" if status["status"] == PROPOSED else "busy",
    }


def _time(moment: str) -> dict[str, str]:
    return {"dateTime": moment.removesuffix("Z"), "timeZone": "UTC"}


def _same(wanted: Any, found: Any) -> bool:
    """Graph shows seconds with seven digits after the point."""
    if isinstance(wanted, dict):
        wanted, found = wanted["dateTime"], str(found["dateTime"]).partition(".")[0]
    return bool(wanted == found)
