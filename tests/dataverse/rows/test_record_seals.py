"""Records and the keys they are sealed with, against the strict stand-in: what one row can do to others."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from booking_sync.dataverse.web_api.client import DataverseClient
from booking_sync.domain.environment.columns import SupportColumns
from booking_sync.domain.events.event_ref import EventRef
from booking_sync.domain.events.ownership import SealKey, SealKeys, make_key
from booking_sync.domain.record import BookingRow, SyncRecord
from booking_sync.errors import TransientError
from booking_sync.ports.dataverse.bookings import BookingQuery, Recorded
from tests.dataverse.world import BOOKINGS, make_rows
from tests.support.bookings import ANNA, BERT
from tests.support.seals import KEY_TEXT, OTHER_KEY_TEXT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from booking_sync.dataverse.bookings import DataverseBookings
    from tests.dataverse.world import DataverseWorld

OLD, NEW = make_key(KEY_TEXT), make_key(OTHER_KEY_TEXT)
RECORD = SyncRecord(EventRef(ANNA, "AAMkAG="), 3, "f00d", "")
COLUMNS = SupportColumns()
FORGED_SEAL = f"3:f00d:2.00000000.{'0' * 32}"


@dataclass
class Vault:
    """A keyring: what is accepted now, and what a look would bring."""

    accepted: tuple[SealKey, ...] = (OLD,)
    newer: tuple[SealKey, ...] = ()
    down: bool = False
    looks: list[frozenset[str]] = field(default_factory=list)

    def keys(self) -> SealKeys:
        """See the port."""
        return SealKeys(self.accepted)

    async def learn(self, key_ids: Iterable[str]) -> None:
        """See the port."""
        missing = frozenset(key_ids)
        if missing:
            self.looks.append(missing)
            if self.down:
                raise TransientError("Key Vault can't be reached")
            self.accepted = self.newer or self.accepted


@pytest.fixture
def vault() -> Vault:
    """The keys of this test."""
    return Vault()


@pytest.fixture
async def rows(dataverse: DataverseWorld, vault: Vault) -> AsyncIterator[DataverseBookings]:
    """The adapter with these keys."""
    client = DataverseClient(dataverse.url, dataverse.credential, dataverse.clock)
    yield make_rows(client, vault)
    await client.aclose()


async def must_read(rows: DataverseBookings, booking_id: str) -> BookingRow:
    """The row, which must be there."""
    row = await rows.read(booking_id)
    assert row is not None
    return row


async def recorded(dataverse: DataverseWorld, rows: DataverseBookings) -> str:
    """A new booking with a sealed record; its id."""
    booking_id: str = dataverse.standin.state.create(BOOKINGS, {"name": "Boiler"})
    row = await must_read(rows, booking_id)
    assert await rows.record(booking_id, row.etag, RECORD) is Recorded.DONE
    return booking_id


def edit(dataverse: DataverseWorld, booking_id: str, **columns: str | None) -> None:
    """A person with write access edits our columns."""
    dataverse.standin.state.update(
        BOOKINGS, booking_id, {getattr(COLUMNS, name): value for name, value in columns.items()}
    )


async def test_a_dispatchers_change_leaves_the_record_sealed(
    dataverse: DataverseWorld, rows: DataverseBookings
) -> None:
    """What others change of a booking does not touch the seal."""
    booking_id = await recorded(dataverse, rows)
    dataverse.standin.state.update(BOOKINGS, booking_id, {"name": "Other"})
    row = await must_read(rows, booking_id)
    assert (row.record, row.claim, row.intact) == (RECORD, None, True)


@pytest.mark.parametrize(
    ("edits", "claim"),
    [
        ({"event_id": "AAMkPrivate="}, EventRef(ANNA, "AAMkPrivate=")),
        ({"original_resource": BERT}, EventRef(BERT, "AAMkAG=")),
        ({"sync_state": None}, RECORD.event),
        (
            {"event_id": "AAMkPrivate=", "original_resource": BERT, "sync_state": None},
            EventRef(BERT, "AAMkPrivate="),
        ),
        ({"event_id": "AAMkPrivate=", "sync_state": "3:f00d:" + "0" * 16}, EventRef(ANNA, "AAMkPrivate=")),
        ({"sync_state": FORGED_SEAL}, RECORD.event),
        ({"event_id": None, "original_resource": None}, None),
    ],
)
async def test_edited_columns_are_claims(
    dataverse: DataverseWorld,
    rows: DataverseBookings,
    edits: dict[str, str | None],
    claim: EventRef | None,
) -> None:
    """Whatever a person puts into our columns is no record, and the row says that somebody wrote there."""
    booking_id = await recorded(dataverse, rows)
    edit(dataverse, booking_id, **edits)
    row = await must_read(rows, booking_id)
    assert (row.record, row.claim, row.intact) == (SyncRecord(), claim, False)


async def test_another_rows_columns_are_a_claim(dataverse: DataverseWorld, rows: DataverseBookings) -> None:
    """A booking that is copied with its columns names the original's event, and has no record."""
    original = dataverse.standin.state.rows(BOOKINGS)[await recorded(dataverse, rows)]
    names = (COLUMNS.event_id, COLUMNS.original_resource, COLUMNS.sync_state)
    copy = dataverse.standin.state.create(BOOKINGS, {name: original[name] for name in names})
    row = await must_read(rows, copy)
    assert (row.record, row.claim, row.intact) == (SyncRecord(), RECORD.event, False)


async def test_a_record_over_edited_columns_is_sealed_again(
    dataverse: DataverseWorld, rows: DataverseBookings
) -> None:
    """Once our record is written the row is intact."""
    booking_id = await recorded(dataverse, rows)
    edit(dataverse, booking_id, event_id="AAMkPrivate=")
    row = await must_read(rows, booking_id)
    assert await rows.record(booking_id, row.etag, RECORD) is Recorded.DONE
    again = await must_read(rows, booking_id)
    assert (again.record, again.intact) == (RECORD, True)


async def test_a_record_of_the_older_key_is_sealed_with_the_newer(
    dataverse: DataverseWorld, rows: DataverseBookings, vault: Vault
) -> None:
    """With a new key the record is believed, its content is unknown, and writing it renews the seal."""
    booking_id = await recorded(dataverse, rows)
    vault.accepted = (NEW, OLD)
    row = await must_read(rows, booking_id)
    assert (row.record, row.intact) == (replace(RECORD, fingerprint=""), True)
    await rows.record(booking_id, row.etag, RECORD)
    vault.accepted = (NEW,)
    assert (await must_read(rows, booking_id)).record == RECORD


async def test_a_key_that_another_instance_found_first_is_learned(
    dataverse: DataverseWorld, rows: DataverseBookings, vault: Vault
) -> None:
    """A record that is sealed with a key newer than ours is understood after one look."""
    vault.accepted = (NEW,)
    booking_id = await recorded(dataverse, rows)
    vault.accepted, vault.newer = (OLD,), (NEW, OLD)
    assert (await must_read(rows, booking_id)).record == RECORD
    assert vault.looks == [frozenset({NEW.key_id})]


async def test_reads_that_share_a_request_share_a_look(
    dataverse: DataverseWorld, rows: DataverseBookings, vault: Vault
) -> None:
    """Twenty rows with twenty forged keys cost one look; rows with known keys none."""
    ids = [await recorded(dataverse, rows) for _ in range(20)]
    await asyncio.gather(*(rows.read(each) for each in ids))
    assert vault.looks == []
    for number, booking_id in enumerate(ids):
        edit(dataverse, booking_id, sync_state=f"3:f00d:2.{number:08x}.{'0' * 32}")
    await asyncio.gather(*(rows.read(each) for each in ids))
    assert [len(each) for each in vault.looks] == [20]


async def test_a_forged_key_id_is_nobody_elses_trouble(
    dataverse: DataverseWorld, rows: DataverseBookings, vault: Vault
) -> None:
    """While the vault is down one row's unknown key fails that row alone, and only for now."""
    good, forged = await recorded(dataverse, rows), await recorded(dataverse, rows)
    edit(dataverse, forged, sync_state=FORGED_SEAL)
    vault.down = True
    fine, failed = await asyncio.gather(rows.read(good), rows.read(forged), return_exceptions=True)
    assert isinstance(fine, BookingRow)
    assert fine.record == RECORD
    assert isinstance(failed, TransientError)
    vault.down = False
    assert (await must_read(rows, forged)).claim == RECORD.event


async def test_a_list_goes_on_past_a_forged_key_id(
    dataverse: DataverseWorld, rows: DataverseBookings, vault: Vault
) -> None:
    """In a list the row counts as unreadable, so as one that exists, and its neighbours are read."""
    good, forged = await recorded(dataverse, rows), await recorded(dataverse, rows)
    edit(dataverse, forged, sync_state=FORGED_SEAL)
    vault.down = True
    pages = [page async for page in rows.list_bookings(BookingQuery())]
    assert [row.booking.id for row in itertools.chain(*(page.rows for page in pages))] == [good]
    (unreadable,) = itertools.chain(*(page.unreadable for page in pages))
    assert (unreadable.booking_id, "Key Vault" in unreadable.reason) == (forged, True)


async def test_what_is_no_seal_is_looked_for_nowhere(
    dataverse: DataverseWorld, rows: DataverseBookings, vault: Vault
) -> None:
    """Rubbish in the state column causes no look in the vault."""
    booking_id = await recorded(dataverse, rows)
    for rubbish in (
        "x",
        "3:f00d:2.0000000g." + "0" * 32,
        "3:f00d:1.00000000." + "0" * 32,
        ":" * 60,
        "🚲:🚲:🚲",
    ):
        edit(dataverse, booking_id, sync_state=rubbish)
        assert (await must_read(rows, booking_id)).claim == RECORD.event
    assert vault.looks == []
