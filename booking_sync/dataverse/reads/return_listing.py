"""The port `ReturnListing` on Dataverse: what of the way back waits for somebody, or was overruled.

A bounded list, the latest first, as of failing bookings. It goes by the words on the rows, which begin with
day and kind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from booking_sync.dataverse.queries import BOOKINGS, whole_seconds
from booking_sync.dataverse.rows.booking_rows import ID_COLUMN
from booking_sync.dataverse.rows.row_reader import FORMATTED
from booking_sync.dataverse.web_api.errors import incomplete
from booking_sync.domain.ids import read_guid, read_moment
from booking_sync.domain.return_path.side import ProposalKind
from booking_sync.domain.return_path.times import Times
from booking_sync.domain.return_path.words import Told
from booking_sync.ports.dataverse.return_path import ReturnedChange, ReturnedChanges

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Any

    from booking_sync.dataverse.web_api.client import DataverseClient
    from booking_sync.domain.environment.columns import ReturnColumns, SupportColumns

RESOURCE: Final = "_resource_value"
_KINDS: Final = {each.value: each for each in ProposalKind}


class DataverseReturnListing:
    """Fulfils `ReturnListing`.

    Args:
        client: the environment's Web API; stays the caller's to close.
        columns: where our record is kept.
        of_return: columns of the way back.
    """

    def __init__(self, client: DataverseClient, columns: SupportColumns, of_return: ReturnColumns) -> None:
        self._client = client
        self._columns = columns
        self._back = of_return

    async def changes(self, limit: int, since: datetime) -> ReturnedChanges:
        """At most `limit` of them, those first that changed last.

        Raises:
            TransientError: no complete answer now.
            PermanentError: refused.
        """
        columns, back = self._columns, self._back
        select = (
            *(ID_COLUMN, "name", "starttime", "modifiedon", RESOURCE, columns.original_resource),
            *(back.told, back.proposal, back.proposed_start, back.proposed_end, back.answer),
        )
        conditions = (
            f"{back.proposal} ne null"
            f" or ({columns.event_id} ne null and contains({back.told},' {Told.WITHHELD}:'))"
            f" or (modifiedon ge {whole_seconds(since)} and contains({back.told},' {Told.OVERRULED}:'))"
        )
        filter_ = quote(conditions, safe="")
        path = f"{BOOKINGS}?$select={','.join(select)}&$filter={filter_}&$orderby=modifiedon%20desc"
        # One more than wanted tells whether there are others.
        headers = {"Prefer": f'odata.maxpagesize={limit + 1},odata.include-annotations="{FORMATTED}"'}
        found: list[ReturnedChange] = []
        async for page in self._client.pages(path, headers=headers):
            found += [self._read(row) for row in page]
            if len(found) > limit:
                break
        return ReturnedChanges(tuple(found[:limit]), more=len(found) > limit)

    def _read(self, row: Mapping[str, Any]) -> ReturnedChange:
        booking_id = read_guid(row.get(ID_COLUMN))
        if booking_id is None:
            raise incomplete()
        back = self._back
        start, end = (read_moment(row.get(name)) for name in (back.proposed_start, back.proposed_end))
        return ReturnedChange(
            booking_id=booking_id,
            name=_text(row.get("name")),
            resource_id=read_guid(row.get(RESOURCE)) or "",
            resource_name=_text(row.get(f"{RESOURCE}@{FORMATTED}")),
            mailbox=read_guid(row.get(self._columns.original_resource)) or "",
            starts=read_moment(row.get("starttime")),
            modified=read_moment(row.get("modifiedon")),
            told=_text(row.get(back.told)),
            proposal=_KINDS.get(row.get(back.proposal)),  # type: ignore[arg-type]  # whatever the row holds
            proposed=Times(start, end) if start and end else None,
            answered=row.get(back.answer) is not None,
        )


def _text(value: object) -> str:
    """For a person to read, so that an odd value is better left out than refused."""
    return value if isinstance(value, str) else ""
