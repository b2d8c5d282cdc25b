"""The port `NameSearch` on Dataverse.

A search is some small questions one after the other: whose rows have such a name, and which rows name those.
That takes one request more than a filter through lookups, and nothing of the service but comparisons of a
table's own columns.

Long tables are searched by the beginning of a text, since a pattern that begins with a wildcard makes
Dataverse read the whole table ("Query anti-patterns"). Bookable resources are few, so theirs may stand
anywhere in the name.
"""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from booking_sync.dataverse.queries import BOOKINGS, MAX_IDS, among, whole_seconds
from booking_sync.dataverse.rows.booking_rows import ID_COLUMN
from booking_sync.dataverse.web_api.errors import incomplete
from booking_sync.domain.ids import read_guid, read_moment
from booking_sync.errors import PermanentError
from booking_sync.ports.dataverse.lookup import MAX_WORDS, BookingHit, Found

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from booking_sync.dataverse.resources import DataverseResources
    from booking_sync.dataverse.web_api.client import DataverseClient
    from booking_sync.ports.dataverse.lookup import Technician
    from booking_sync.ports.platform.clock import Clock

MOST_NAMED: Final = 50
"""Accounts, work orders and users that a search goes on from, the newest of each."""
UNDER_WAY: Final = timedelta(days=1)
"""A booking that began within this time counts as one of today's."""

_WILDCARD = re.compile(r"[%_\[]")
_HIT = (
    f"{BOOKINGS}?$select={ID_COLUMN},name,starttime,endtime,statecode,_resource_value"
    "&$expand=Resource($select=name),BookingStatus($select=name),"
    "msdyn_workorder($select=msdyn_name;$expand=msdyn_serviceaccount($select=name))"
)


class DataverseNameSearch:
    """Fulfils `NameSearch`.

    Args:
        client: the environment's Web API; stays the caller's to close.
        resources: the bookable resources.
        now: the time of day.
    """

    def __init__(self, client: DataverseClient, resources: DataverseResources, now: Clock) -> None:
        self._client = client
        self._resources = resources
        self._now = now

    async def bookings(self, words: str, limit: int) -> Found[BookingHit]:
        """Bookings whose name, work order's number or customer's name begins so.

        Raises:
            TransientError: no complete answer now.
            PermanentError: refused.
        """
        begins = _literal(words)
        accounts, more_accounts = await self._named(
            "accounts", "accountid", f"startswith(name,{begins})", order="modifiedon desc"
        )
        orders, more_orders = await self._named(
            "msdyn_workorders",
            "msdyn_workorderid",
            _any(f"startswith(msdyn_name,{begins})", *_each("_msdyn_serviceaccount_value", accounts)),
            order="createdon desc",
        )
        condition = _any(f"startswith(name,{begins})", *_each("_msdyn_workorder_value", orders))
        since = whole_seconds(self._now() - UNDER_WAY)
        ahead, past = await asyncio.gather(
            self._hits(f"({condition}) and starttime ge {since}", "starttime", limit + 1),
            self._hits(f"({condition}) and starttime lt {since}", "starttime desc", limit + 1),
        )
        found = [*ahead, *past]
        return Found(tuple(found[:limit]), more_accounts or more_orders or len(found) > limit)

    async def booking(self, booking_id: str) -> BookingHit | None:
        """The booking with this id; None when there is none to be seen.

        Raises:
            TransientError: no complete answer now.
            PermanentError: refused, or what names it is no GUID.
        """
        found = await self._hits(f"{ID_COLUMN} eq {_named_id(booking_id)}", ID_COLUMN, 1)
        return found[0] if found else None

    async def named(self, booking_ids: Sequence[str]) -> Mapping[str, BookingHit]:
        """By id those of these bookings that are there to be seen; only the first `MAX_IDS` are asked for.

        Raises:
            TransientError: no complete answer now.
            PermanentError: refused, or what names one is no GUID.
        """
        ids = [_named_id(each) for each in booking_ids[:MAX_IDS]]
        if not ids:
            return {}
        path = f"{_HIT}&{among(ids)}&$top={MAX_IDS}"
        return {hit.booking_id: hit for hit in map(_hit, await self._client.rows(path))}

    async def technicians(self, words: str, limit: int) -> Found[Technician]:
        """Bookable resources whose name holds the words, or whose user's address begins so; by name.

        Raises:
            TransientError: no complete answer now.
            PermanentError: refused.
        """
        literal = _literal(words)
        users, more_users = await self._named(
            "systemusers",
            "systemuserid",
            _any(*(f"startswith({name},{literal})" for name in ("internalemailaddress", "domainname"))),
        )
        condition = _any(f"contains(name,{literal})", *_each("_userid_value", users))
        found = await self._resources.find(condition, limit + 1)
        return Found(tuple(found[:limit]), more_users or len(found) > limit)

    async def technician(self, resource_id: str) -> Technician | None:
        """The bookable resource with this id; None when there is none to be seen.

        Raises:
            TransientError: no complete answer now.
            PermanentError: refused, or what names it is no GUID.
        """
        found = await self._resources.find(f"bookableresourceid eq {_named_id(resource_id)}", 1)
        return found[0] if found else None

    async def _named(
        self, table: str, key: str, condition: str, order: str = ""
    ) -> tuple[Sequence[str], bool]:
        """Ids of the rows that meet a condition, and whether there are others."""
        rows = await self._client.rows(
            f"{table}?$select={key}&$filter={quote(condition, safe='')}"
            f"{f'&$orderby={quote(order)}' if order else ''}&$top={MOST_NAMED + 1}"
        )
        ids = [_id(row, key) for row in rows]
        return ids[:MOST_NAMED], len(ids) > MOST_NAMED

    async def _hits(self, condition: str, order: str, most: int) -> Sequence[BookingHit]:
        path = f"{_HIT}&$filter={quote(condition, safe='')}&$orderby={quote(order)}&$top={most}"
        return [_hit(row) for row in await self._client.rows(path)]


def _hit(row: Mapping[str, Any]) -> BookingHit:
    """For a person to read, so that an odd value is better left out than refused."""
    order = _row(row, "msdyn_workorder")
    return BookingHit(
        _id(row, ID_COLUMN),
        name=_text(row, "name"),
        work_order=_text(order, "msdyn_name"),
        customer=_text(_row(order, "msdyn_serviceaccount"), "name"),
        technician_id=read_guid(row.get("_resource_value")) or "",
        technician=_text(_row(row, "Resource"), "name"),
        status=_text(_row(row, "BookingStatus"), "name"),
        starts=read_moment(row.get("starttime")),
        ends=read_moment(row.get("endtime")),
        active=row.get("statecode") == 0,
    )


def _literal(words: str) -> str:
    """The words as a literal of the Web API in which nothing is a wildcard.

    Brackets make a wildcard an ordinary character (Dataverse: "Use wildcard characters in conditions for
    string values").
    """
    plain = _WILDCARD.sub(lambda found: f"[{found[0]}]", words[:MAX_WORDS])
    return "'" + plain.replace("'", "''") + "'"


def _named_id(text: str) -> str:
    identity = read_guid(text)
    if identity is None:
        raise PermanentError("Dynamics 365: what names a row is no GUID.")
    return identity


def _each(column: str, ids: Iterable[str]) -> Iterable[str]:
    return (f"{column} eq {each}" for each in ids)


def _any(*conditions: str) -> str:
    return " or ".join(conditions)


def _id(row: Mapping[str, Any], key: str) -> str:
    identity = read_guid(row.get(key))
    if identity is None:
        raise incomplete()
    return identity


def _row(row: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = row.get(name)
    return value if isinstance(value, dict) else {}


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return value if isinstance(value, str) else ""
