"""The ports `BookingRows`, `BookingListing` and `BookingCounts` on Dataverse.

Callers read or record one booking, requests carry many.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from booking_sync.dataverse import queries
from booking_sync.dataverse.addresses import row_with_mailbox
from booking_sync.dataverse.reads.presence import BOOKINGS_PER_BATCH, presence_of, retrieval
from booking_sync.dataverse.rows.booking_rows import (
    ID_COLUMN,
    state_text,
    to_booking_row,
    to_columns,
    to_return_columns,
)
from booking_sync.dataverse.rows.row_reader import is_etag
from booking_sync.dataverse.web_api import batch
from booking_sync.dataverse.web_api.client import API_PATH
from booking_sync.dataverse.web_api.errors import (
    DUPLICATES,
    ROW_MISSING,
    OversizedAnswerError,
    error_code,
    incomplete,
    missing_privilege,
)
from booking_sync.domain.environment.columns import NO_RESOURCE_COLUMNS
from booking_sync.domain.environment.rights import is_of_the_role
from booking_sync.domain.ids import read_guid
from booking_sync.domain.record import seal_of
from booking_sync.errors import PermanentError, SyncError, TransientError
from booking_sync.plumbing import app_refusal, telemetry
from booking_sync.plumbing.busy_time import BURST_SIZES
from booking_sync.plumbing.microbatch import MicroBatcher
from booking_sync.plumbing.telemetry import DATAVERSE, Attribute, Metric
from booking_sync.ports.dataverse.bookings import (
    BookingPage,
    HiddenBookingError,
    Presence,
    Recorded,
    UnreadableRow,
    UntoldBookingError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
    from typing import Any

    from booking_sync.dataverse.addresses import LookedUp, MailboxAddresses
    from booking_sync.dataverse.web_api.client import DataverseClient
    from booking_sync.dataverse.web_api.reply import Reply
    from booking_sync.domain.environment.columns import ResourceColumns, ReturnColumns, SupportColumns
    from booking_sync.domain.events.event_text.columns import EventColumn
    from booking_sync.domain.events.ownership import Sealer
    from booking_sync.domain.record import BookingRow, SyncRecord
    from booking_sync.domain.return_path.side import Returned
    from booking_sync.ports.dataverse.bookings import BookingQuery
    from booking_sync.ports.platform.keys import SealKeyring

USUAL_RECORDS = 20
"""In a flood each request counts, and nobody waits for a record."""
MAX_RECORDS = 50
"""With every place taken batches grow up to this: some seconds of work, far from any time limit."""
PLACES_FOR_READS = 2
"""Kept free of records, which would otherwise keep new changes from being looked at."""

_ENTITY_ID = "odata-entityid"
_HIDDEN = (
    "Dynamics 365: the booking is there, but our application user may not read it; an administrator must "
    "check its security role."
)
_OTHER_MISSING = (
    "Dynamics 365: the booking is there, but a row that it names, or that a plug-in or workflow looks for, "
    "does not exist."
)

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Write:
    """One record on its way."""

    booking_id: str
    etag: str
    body: bytes


class DataverseBookings:
    """Bookings in one environment; fulfils `BookingRows`, `BookingListing` and `BookingCounts`.

    Args:
        client: the environment's Web API; closed with this.
        columns: where our record is kept.
        sealer: of the environment's organisation.
        keyring: may know a key that the sealer does not.
        of_resource: columns on the bookable resource that people fill in.
        event_columns: those that an administrator chose.
        of_return: columns of the return path; None where it is off.
        addresses: looks up the mailboxes that resources name by an address; None leaves them unknown.
        record_window: seconds that a record waits for company.
        in_burst: how many records a batch holds in a burst.
    """

    def __init__(
        self,
        client: DataverseClient,
        columns: SupportColumns,
        sealer: Sealer,
        keyring: SealKeyring,
        *,
        of_resource: ResourceColumns = NO_RESOURCE_COLUMNS,
        event_columns: Sequence[EventColumn] = (),
        of_return: ReturnColumns | None = None,
        addresses: MailboxAddresses | None = None,
        record_window: float = 0.02,
        in_burst: int = BURST_SIZES.records,
    ) -> None:
        self._client = client
        self._columns = columns
        self._of_resource = of_resource
        self._event_columns = event_columns
        self._of_return = of_return
        self._shape = queries.booking_shape(columns, of_resource, event_columns, of_return=of_return)
        self._sealer = sealer
        self._keyring = keyring
        self._addresses = addresses
        self._reads: MicroBatcher[str, BookingRow | None] = MicroBatcher(
            self._read_all, largest=queries.MAX_IDS, places=client.places
        )
        self._records: MicroBatcher[_Write, Recorded] = MicroBatcher(
            self._record_all,
            largest=MAX_RECORDS,
            places=max(1, client.places - PLACES_FOR_READS),
            usual=USUAL_RECORDS,
            in_burst=in_burst,
            window=record_window,
        )

    async def read(self, booking_id: str) -> BookingRow | None:
        """The row as it is now; None when Dataverse says that there is none.

        Raises:
            TransientError: no complete answer now.
            HiddenBookingError: there is one, but we may not read it.
            UntoldBookingError: whether there is one was not told.
            PermanentError: refused, or the row holds what it can't hold.
        """
        return await self._reads.submit(_guid(booking_id))

    async def record(
        self, booking_id: str, etag: str, record: SyncRecord, returned: Returned | None = None
    ) -> Recorded:
        """Write our record if the row still is this version.

        Always conditional: without If-Match, Dataverse would re-create a deleted booking.

        Raises:
            TransientError: not now; `maybe_applied` when it may have been written.
            PermanentError: refused, also by a plug-in that does not like the times.
        """
        identity = _guid(booking_id)
        if not is_etag(etag):
            raise PermanentError(
                "Dynamics 365: a record was to be written without the version it was made for."
            )
        written = to_columns(identity, record, self._columns, self._sealer)
        if returned:
            if self._of_return is None:
                raise ValueError("there are no columns of the return path")
            written |= to_return_columns(identity, record, returned, self._of_return, self._sealer)
        body = json.dumps(written).encode()
        return await self._records.submit(_Write(identity, etag, body))

    async def list_bookings(self, query: BookingQuery) -> AsyncIterator[BookingPage]:
        """The bookings that the query describes, page by page; complete when it ends without an error.

        Raises:
            TransientError: no complete answer now.
            PermanentError: refused.
            ValueError: the query holds a moment without a time zone.
        """
        path = queries.booking_list(query, self._columns, self._shape)
        async for page in self._client.pages(path, headers=queries.BOOKING_PAGE_HEADERS):
            yield await self._page(page)

    async def count_bookings(self, query: BookingQuery) -> int:
        """How many bookings the query describes; Dataverse itself counts no further than 5,000.

        Raises:
            TransientError: no complete answer now.
            PermanentError: refused.
        """
        path = queries.booking_ids(query, self._columns)
        return sum([len(page) async for page in self._client.pages(path, headers=queries.ID_PAGE_HEADERS)])

    async def _page(self, page: Sequence[Mapping[str, Any]]) -> BookingPage:
        identities = [read_guid(row.get(ID_COLUMN)) for row in page]
        unlearned = await self._learn_keys(page)
        read = await self._with_mailboxes([self._convert(row, unlearned) for row in page])
        rows: list[BookingRow] = []
        unreadable: list[UnreadableRow] = []
        for identity, row in zip(identities, read, strict=True):
            if identity is None:
                raise incomplete()
            if isinstance(row, SyncError):
                unreadable.append(UnreadableRow(identity, row.reason))
            elif row is not None:
                rows.append(row)
        return BookingPage(tuple(rows), tuple(unreadable))

    async def _read_all(self, ids: Sequence[str]) -> Sequence[BookingRow | Exception | None]:
        asked = list(dict.fromkeys(ids))
        _measure_batch("read", len(asked))
        spoiled: dict[str, SyncError] = {}
        found: dict[str, Mapping[str, Any]] = {}
        strange = False
        for row in await self._rows_of(asked, spoiled):
            identity = read_guid(row.get(ID_COLUMN))
            if identity not in asked:
                strange = True
                continue
            if identity in found:
                spoiled[identity] = incomplete()  # which of the two is it?
            found[identity] = row
        if strange:
            # This is no answer to our question, or spoiled: the rows that it lacks may well exist.
            spoiled |= {each: incomplete() for each in asked if each not in found}
        left_out = [each for each in asked if each not in found and each not in spoiled]
        spoiled |= await self._not_gone(left_out, _untold(incomplete()))
        unlearned = await self._learn_keys(found.values())
        read = [spoiled.get(each) or self._convert(found.get(each), unlearned) for each in asked]
        results = dict(zip(asked, await self._with_mailboxes(read), strict=True))
        return [results[identity] for identity in ids]

    async def _rows_of(self, asked: Sequence[str], spoiled: dict[str, SyncError]) -> list[dict[str, Any]]:
        """The rows of these bookings; what is too much for one answer is asked for in halves.

        Args:
            asked: their ids.
            spoiled: gets those whose single row is too much.
        """
        path = queries.booking_rows(asked, self._shape)
        rows = self._client.rows(path, headers=queries.BOOKING_HEADERS)
        try:
            return await app_refusal.of_all(rows, _logger, DATAVERSE)
        except OversizedAnswerError as error:
            if len(asked) == 1:
                spoiled[asked[0]] = error
                return []
        middle = len(asked) // 2
        halves = [await self._rows_of(half, spoiled) for half in (asked[:middle], asked[middle:])]
        return halves[0] + halves[1]

    async def _learn_keys(self, rows: Iterable[Mapping[str, Any]]) -> TransientError | None:
        """Look for keys that another instance found in the vault before us; why that can't be done now."""
        try:
            await self._keyring.learn(self._unknown_keys(rows))
        except TransientError as error:
            return error
        return None

    def _unknown_keys(self, rows: Iterable[Mapping[str, Any]]) -> frozenset[str]:
        return self._sealer.unknown_keys(seal_of(state_text(row, self._columns)) for row in rows)

    def _to_row(self, row: Mapping[str, Any], unlearned: TransientError | None) -> BookingRow:
        if unlearned and self._unknown_keys([row]):
            raise unlearned  # whether its record is ours can't be told: this row's trouble alone
        return to_booking_row(
            row,
            self._columns,
            self._sealer,
            self._of_resource,
            self._event_columns,
            of_return=self._of_return,
        )

    async def _with_mailboxes(
        self, read: Sequence[BookingRow | SyncError | None]
    ) -> Sequence[BookingRow | SyncError | None]:
        """The same with object ids where resources name their mailboxes by addresses."""
        if self._addresses is None:
            return read
        rows = (row for row in read if row is not None and not isinstance(row, SyncError))
        found = await self._addresses.look_up(row.booking.resource for row in rows)
        return [_with_mailbox(row, found) for row in read] if found else read

    def _convert(
        self, row: Mapping[str, Any] | None, unlearned: TransientError | None
    ) -> BookingRow | SyncError | None:
        if row is None:
            return None
        try:
            return self._to_row(row, unlearned)
        except SyncError as error:  # this row's trouble, not its neighbours'
            return error

    async def _record_all(self, writes: Sequence[_Write]) -> Sequence[Recorded | Exception]:
        _measure_batch("record", len(writes))
        replies = await app_refusal.of_all(
            self._client.batch([_part(write) for write in writes]), _logger, DATAVERSE
        )
        outcomes = [self._outcome(write, part) for write, part in zip(writes, replies, strict=True)]
        missing = [
            write.booking_id
            for write, outcome in zip(writes, outcomes, strict=True)
            if outcome is Recorded.MISSING
        ]
        # The code speaks of any row that a write touches: a status it names, or what a plug-in looks for.
        not_gone = await self._not_gone(missing, PermanentError(_OTHER_MISSING))
        outcomes = [
            not_gone.get(write.booking_id, outcome) if outcome is Recorded.MISSING else outcome
            for write, outcome in zip(writes, outcomes, strict=True)
        ]
        return _with_waiting(outcomes, replies)

    async def _not_gone(self, booking_ids: Sequence[str], there: SyncError) -> dict[str, SyncError]:
        """Of bookings that seem to be gone, those that are not, or perhaps not; with what to raise of each.

        Args:
            booking_ids: GUIDs in lower case.
            there: what to raise of those that are there.
        """
        wrong: dict[str, SyncError] = {}
        for start in range(0, len(booking_ids), BOOKINGS_PER_BATCH):
            asked = booking_ids[start : start + BOOKINGS_PER_BATCH]
            try:
                replies = await app_refusal.of_all(
                    self._client.batch([retrieval(each) for each in asked]), _logger, DATAVERSE
                )
            except SyncError as error:
                wrong |= dict.fromkeys(asked, error)
                continue
            told = (
                (each, self._why_not_gone(each, reply, there))
                for each, reply in zip(asked, replies, strict=True)
            )
            wrong |= {each: error for each, error in told if error}
        return wrong

    def _why_not_gone(self, booking_id: str, reply: Reply | None, there: SyncError) -> SyncError | None:
        presence = presence_of(booking_id, reply)
        if presence is Presence.GONE:
            return None
        if presence is Presence.HIDDEN:
            return HiddenBookingError(_HIDDEN)
        if presence is Presence.EXISTS:
            return there
        if reply is None or reply.ok:
            return _untold(incomplete())
        return _untold(self._client.refusal_error(reply, writes=False))

    def _outcome(self, write: _Write, reply: Reply | None) -> Recorded | Exception:
        if reply is None:
            return incomplete(maybe_applied=True)
        if reply.ok:
            named = reply.headers.get(_ENTITY_ID)
            if named is not None and write.booking_id not in named.lower():
                return incomplete(maybe_applied=True)  # another part's answer
            return Recorded.DONE
        code = error_code(reply)
        if reply.status == HTTPStatus.PRECONDITION_FAILED and code and code not in DUPLICATES:
            return Recorded.CONFLICT
        if reply.status == HTTPStatus.NOT_FOUND and code == ROW_MISSING:
            return Recorded.MISSING
        return self._client.refusal_error(reply, writes=True)


def _untold(error: SyncError) -> SyncError:
    """The same of a single row, so that whoever reads many can go on without it."""
    if isinstance(error, TransientError):
        return UntoldBookingError(error.reason, retry_after=error.retry_after)
    return error


def _with_waiting(
    outcomes: Sequence[Recorded | Exception], replies: Sequence[Reply | None]
) -> Sequence[Recorded | Exception]:
    """The same, where records that lack a right of the app's own role wait until somebody has given it."""
    reasons: dict[str, None] = {}
    found: list[Recorded | Exception] = []
    for outcome, reply in zip(outcomes, replies, strict=True):
        if reply and isinstance(outcome, PermanentError) and is_of_the_role(missing_privilege(reply)):
            reasons[outcome.reason] = None
            found.append(app_refusal.waiting(outcome.reason))
        else:
            found.append(outcome)
    for reason in reasons:
        app_refusal.tell(_logger, DATAVERSE, reason)
    return found


def _with_mailbox(read: BookingRow | SyncError | None, found: LookedUp) -> BookingRow | SyncError | None:
    if read is None or isinstance(read, SyncError):
        return read
    try:
        return row_with_mailbox(read, found)
    except SyncError as error:  # this row's trouble, not its neighbours'
        return error


def _guid(booking_id: str) -> str:
    """The id in lower case; one that is none would spoil the request of all the others.

    Raises:
        PermanentError: no GUID.
    """
    identity = read_guid(booking_id)
    if identity is None:
        raise PermanentError("Dynamics 365: what names a booking is no GUID.")
    return identity


def _measure_batch(operation: str, size: int) -> None:
    telemetry.measure(Metric.BATCH_SIZE, size, {Attribute.SERVICE: DATAVERSE, Attribute.OPERATION: operation})


def _part(write: _Write) -> batch.Part:
    return batch.Part(
        "PATCH",
        API_PATH + queries.booking_row(write.booking_id),
        {"Content-Type": "application/json", "Accept": "application/json", "If-Match": write.etag},
        write.body,
    )
