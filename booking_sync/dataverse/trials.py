"""The port `DynamicsTrials`: the app's own query and conditional writes, and answers untranslated."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from booking_sync.dataverse import queries
from booking_sync.dataverse.rows.booking_rows import ID_COLUMN
from booking_sync.dataverse.web_api.batch import Part
from booking_sync.dataverse.web_api.client import API_PATH
from booking_sync.dataverse.web_api.errors import error_code, incomplete
from booking_sync.domain.environment.columns import NO_RESOURCE_COLUMNS
from booking_sync.domain.ids import read_guid
from booking_sync.errors import PermanentError
from booking_sync.ports.certification import ServiceAnswer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from booking_sync.dataverse.web_api.client import DataverseClient
    from booking_sync.dataverse.web_api.reply import Reply
    from booking_sync.domain.environment.columns import ResourceColumns, SupportColumns

_OK, _REFUSED = 200, 400


class DataverseTrials:
    """Fulfils `DynamicsTrials`.

    Args:
        client: the environment's Web API; stays the caller's to close.
        columns: where the app's record is kept.
        of_resource: columns on the bookable resource that people fill in.
    """

    def __init__(
        self,
        client: DataverseClient,
        columns: SupportColumns,
        of_resource: ResourceColumns = NO_RESOURCE_COLUMNS,
    ) -> None:
        self._client = client
        self._columns = columns
        self._of_resource = of_resource
        self._texts: dict[str, str | None] = {}
        """The error texts that were read, by booking."""

    async def read_many(self, booking_ids: Sequence[str]) -> ServiceAnswer:
        """One query for all of these bookings; the body is the list of rows.

        Raises:
            TransientError: no answer now.
        """
        started = time.monotonic()
        try:
            shape = queries.booking_shape(self._columns, self._of_resource)
            path = queries.booking_rows(booking_ids, shape)
            rows = await self._client.rows(path)
        except PermanentError:
            return ServiceAnswer(_REFUSED, seconds=time.monotonic() - started)
        for row in rows:
            identity, text = read_guid(row.get(ID_COLUMN)), row.get(self._columns.sync_error)
            if identity is not None:
                self._texts[identity] = text if isinstance(text, str) else None
        return ServiceAnswer(_OK, body=rows, seconds=time.monotonic() - started)

    async def read_columns(self, names: Sequence[str]) -> ServiceAnswer:
        """At most one booking with these columns.

        Raises:
            TransientError: no answer now.
        """
        started = time.monotonic()
        try:
            rows = await self._client.rows(f"{queries.BOOKINGS}?$select={','.join(names)}&$top=1")
        except PermanentError as error:
            return ServiceAnswer(_REFUSED, error.reason, seconds=time.monotonic() - started)
        return ServiceAnswer(_OK, body=rows, seconds=time.monotonic() - started)

    async def rewrite(self, *writes: tuple[str, str]) -> Sequence[ServiceAnswer]:
        """Conditional writes that change nothing, all in one batch: the error text as it was read.

        Always conditional: without a version Dataverse would make a booking that does not exist.

        Raises:
            TransientError: no answer now.
            PermanentError: the batch as a whole is refused.
            ValueError: a write without a version.
        """
        if not all(version for _, version in writes):
            raise ValueError("a write needs a version")
        started = time.monotonic()
        replies = await self._client.batch([self._part(*each) for each in writes])
        seconds = time.monotonic() - started
        return [_read(each, seconds) for each in replies]

    def _part(self, booking_id: str, version: str) -> Part:
        body: dict[str, Any] = {self._columns.sync_error: self._texts.get(booking_id)}
        return Part(
            "PATCH",
            API_PATH + queries.booking_row(booking_id),
            {"Content-Type": "application/json", "Accept": "application/json", "If-Match": version},
            json.dumps(body).encode(),
        )


def _read(reply: Reply | None, seconds: float) -> ServiceAnswer:
    if reply is None:
        raise incomplete(maybe_applied=True)
    return ServiceAnswer(reply.status, "" if reply.ok else error_code(reply), seconds=seconds)
