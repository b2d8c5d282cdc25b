"""From JSON rows to domain values, and from records to column values."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_sync.dataverse.rows.booking_rows import to_booking_row, to_columns
from booking_sync.domain.bookings.booking import (
    Address,
    BookableResource,
    Booking,
    BookingStatus,
    SystemUser,
    WorkOrder,
)
from booking_sync.domain.environment.columns import SYNC_ERROR_LENGTH, SupportColumns
from booking_sync.domain.events.event_ref import EventRef
from booking_sync.domain.events.ownership import SealKeys, make_key
from booking_sync.domain.record import SyncRecord
from booking_sync.domain.text import shorten
from booking_sync.errors import PermanentError
from tests.support.seals import KEY_TEXT, OTHER_KEY_TEXT, sealer

COLUMNS = SupportColumns()
ORGANIZATION = "0e60ffff-0000-4000-8000-000000000001"
SEALS = sealer(ORGANIZATION)
ID = "0c6a7a3e-21ae-4a5d-9d4e-0d7e55a2b001"
MAILBOX = "7b1c7d0e-3a68-4e9a-8f5c-6f1f6a1c2d03"
OTHER = "11111111-2222-4333-8444-555555555555"
RECORD = SyncRecord(EventRef(MAILBOX, "AAMkAG="), 2, "abc", "Something.")


def full_row() -> dict[str, Any]:
    """A row with every column filled, as Dataverse prints it."""
    return {
        "@odata.etag": 'W/"4711"',
        "bookableresourcebookingid": ID,
        "name": "Boiler check",
        "starttime": "2026-03-29T07:00:00Z",
        "endtime": "2026-03-29T09:30:00Z",
        "statecode": 0,
        "_resource_value": OTHER,
        "_bookingstatus_value": OTHER,
        "_msdyn_workorder_value": OTHER,
        **to_columns(ID, RECORD, COLUMNS, SEALS),
        "Resource": {
            "resourcetype": 3,
            "_userid_value": OTHER,
            "UserId": {"azureactivedirectoryobjectid": MAILBOX.upper(), "isdisabled": False},
        },
        "BookingStatus": {"name": "Scheduled", "status": 2, "msdyn_fieldservicestatus": 690970000},
        "msdyn_workorder": {
            "msdyn_name": "WO-1",
            "msdyn_workordersummary": "Leaks",
            "msdyn_instructions": "Ring twice",
            "msdyn_address1": "Main Street 1",
            "msdyn_address2": None,
            "msdyn_address3": "Back yard",
            "msdyn_city": "Bern",
            "msdyn_stateorprovince": "BE",
            "msdyn_postalcode": "3000",
            "msdyn_country": "Switzerland",
            "msdyn_latitude": 46.9,
            "msdyn_longitude": 7,
            "msdyn_serviceaccount": {"name": "Fabrikam"},
        },
    }


def bare_row() -> dict[str, Any]:
    """A row with nothing in it but what Dynamics 365 always fills."""
    return {
        **dict.fromkeys(full_row()),
        "@odata.etag": 'W/"1"',
        "bookableresourcebookingid": ID,
        "statecode": 1,
    }


def place(row: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """The row with one column, named by its path, changed."""
    *parents, column = path.split("/")
    target = row
    for parent in parents:
        target = target[parent]
    target[column] = value
    return row


def test_reads_every_column() -> None:
    """A full row arrives in the domain whole: GUIDs in lower case, times aware and in UTC."""
    assert to_booking_row(full_row(), COLUMNS, SEALS).booking == Booking(
        id=ID,
        name="Boiler check",
        start=datetime(2026, 3, 29, 7, tzinfo=UTC),
        end=datetime(2026, 3, 29, 9, 30, tzinfo=UTC),
        active=True,
        status=BookingStatus("Scheduled", 2, 690970000),
        resource=BookableResource(3, SystemUser(MAILBOX)),
        work_order=WorkOrder(
            number="WO-1",
            account_name="Fabrikam",
            summary="Leaks",
            instructions="Ring twice",
            address=Address(("Main Street 1", "Back yard"), "Bern", "BE", "3000", "Switzerland", 46.9, 7.0),
        ),
    )


def test_reads_version_and_record() -> None:
    """The etag and our sealed record belong to the very row that was read."""
    row = to_booking_row(full_row(), COLUMNS, SEALS)
    assert row.etag == 'W/"4711"'
    assert (row.record, row.claim, row.intact) == (RECORD, None, True)


def test_columns_without_a_seal_are_a_claim() -> None:
    """What somebody, or a version before the seals, wrote is no record: the event has to be proven first."""
    row = to_booking_row(place(full_row(), COLUMNS.sync_state, "2:abc"), COLUMNS, SEALS)
    assert row.record == SyncRecord(error="Something.")
    assert (row.claim, row.intact) == (RECORD.event, False)


@pytest.mark.parametrize(
    ("column", "value", "claim"),
    [
        (COLUMNS.event_id, "AAMkForeign=", EventRef(MAILBOX, "AAMkForeign=")),
        (COLUMNS.event_id, "aamkag=", EventRef(MAILBOX, "aamkag=")),
        (COLUMNS.event_id, None, None),
        (COLUMNS.event_id, "../x", None),
        (COLUMNS.original_resource, OTHER, EventRef(OTHER, "AAMkAG=")),
        (COLUMNS.original_resource, "somebody@contoso.com", None),
        (COLUMNS.original_resource, None, None),
        (COLUMNS.sync_state, None, EventRef(MAILBOX, "AAMkAG=")),
        (COLUMNS.sync_state, "", EventRef(MAILBOX, "AAMkAG=")),
        (COLUMNS.sync_state, "999999999:", EventRef(MAILBOX, "AAMkAG=")),
        (COLUMNS.sync_state, "2" * 100_000, EventRef(MAILBOX, "AAMkAG=")),
    ],
)
def test_an_edited_column_breaks_the_seal(column: str, value: str | None, claim: EventRef | None) -> None:
    """Whichever of our columns a person changes, nothing of them is believed."""
    row = to_booking_row(place(full_row(), column, value), COLUMNS, SEALS)
    assert row.record == SyncRecord(error="Something.")
    assert (row.claim, row.intact) == (claim, False)


def test_the_error_is_free_to_edit() -> None:
    """The error is for people to read and remove; it is not sealed."""
    row = to_booking_row(place(full_row(), COLUMNS.sync_error, None), COLUMNS, SEALS)
    assert (row.record, row.intact) == (replace(RECORD, error=""), True)


def test_columns_copied_from_another_row_are_a_claim() -> None:
    """Dynamics 365 copies a booking with its support columns; the seal says of which row they are."""
    copied = place(full_row(), "bookableresourcebookingid", OTHER)
    row = to_booking_row(copied, COLUMNS, SEALS)
    assert (row.record, row.claim, row.intact) == (SyncRecord(error="Something."), RECORD.event, False)


def test_columns_of_a_copied_environment_are_a_claim() -> None:
    """A sandbox made of production has its rows, seals and all, and another organisation."""
    row = to_booking_row(full_row(), COLUMNS, sealer(OTHER))
    assert (row.record, row.claim, row.intact) == (SyncRecord(error="Something."), RECORD.event, False)


def test_a_record_of_the_older_key_is_believed_and_renewed() -> None:
    """The event stays known, but its content counts as unknown, so that the next change seals it anew."""
    old, new = make_key(KEY_TEXT), make_key(OTHER_KEY_TEXT)
    row = to_booking_row(full_row(), COLUMNS, sealer(ORGANIZATION, keys=lambda: SealKeys((new, old))))
    assert (row.record, row.claim, row.intact) == (replace(RECORD, fingerprint=""), None, True)


def test_a_record_of_an_unknown_key_is_a_claim() -> None:
    """A key that is accepted no more proves nothing."""
    new = make_key(OTHER_KEY_TEXT)
    row = to_booking_row(full_row(), COLUMNS, sealer(ORGANIZATION, keys=lambda: SealKeys((new,))))
    assert (row.record, row.claim, row.intact) == (SyncRecord(error="Something."), RECORD.event, False)


def test_tolerates_nulls() -> None:
    """Columns that may be empty are, without an error."""
    row = to_booking_row(bare_row(), COLUMNS, SEALS)
    assert row.booking == Booking(id=ID, name="", start=None, end=None, active=False)
    assert (row.record, row.claim, row.intact) == (SyncRecord(), None, True)


def test_times_with_an_offset_become_utc() -> None:
    """The same moment is the same value, however it is printed."""
    row = to_booking_row(place(full_row(), "starttime", "2026-03-29T09:00:00+02:00"), COLUMNS, SEALS)
    assert row.booking.start == datetime(2026, 3, 29, 7, tzinfo=UTC)
    assert row.booking.start is not None
    assert row.booking.start.tzinfo is UTC


@pytest.mark.parametrize("value", [None, "00000000-0000-0000-0000-000000000000"])
def test_user_without_entra_account_has_no_mailbox(value: str | None) -> None:
    """Neither null nor the empty GUID names a mailbox."""
    row = to_booking_row(
        place(full_row(), "Resource/UserId/azureactivedirectoryobjectid", value), COLUMNS, SEALS
    )
    assert row.booking.resource == BookableResource(3, SystemUser(None))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("bookableresourcebookingid", "not a guid"),
        ("name", 7),
        ("starttime", "yesterday"),
        ("starttime", "2026-03-29T07:00:00"),
        ("endtime", 1774767600),
        ("statecode", "0"),
        ("statecode", None),
        ("statecode", True),
        ("bsync_outlookeventid", 1),
        ("@odata.etag", None),
        ("@odata.etag", "*"),
        ("@odata.etag", 'W/"1"\r\nX: y'),
        ("Resource", "x"),
        ("Resource/resourcetype", None),
        ("Resource/UserId/isdisabled", "no"),
        ("Resource/UserId/azureactivedirectoryobjectid", "me"),
        ("BookingStatus/status", 2.5),
        ("msdyn_workorder/msdyn_latitude", "46.9"),
        ("msdyn_workorder/msdyn_serviceaccount", []),
        ("msdyn_workorder/msdyn_serviceaccount/name", 1),
    ],
)
def test_refuses_wrong_types_by_name(path: str, value: object) -> None:
    """What a column can't hold is a permanent error that names the column, and does not quote the value."""
    with pytest.raises(PermanentError, match="does not hold") as caught:
        to_booking_row(place(full_row(), path, value), COLUMNS, SEALS)
    assert f"'{path}'" in caught.value.reason
    assert "46.9" not in caught.value.reason


@pytest.mark.parametrize("path", ["Resource", "Resource/UserId", "BookingStatus", "msdyn_workorder"])
def test_refuses_relations_that_were_withheld(path: str) -> None:
    """A lookup that is set without its row is a missing privilege, never "there is none"."""
    with pytest.raises(PermanentError, match=f"{path} is set.*security role"):
        to_booking_row(place(full_row(), path, None), COLUMNS, SEALS)


def test_columns_of_a_record_read_back_as_the_record() -> None:
    """What is written on the row is what the next reader finds there."""
    record = SyncRecord(EventRef(MAILBOX, "AAMk-case_SENSITIVE="), 3, "f00d", "Something.")
    row = to_booking_row({**bare_row(), **to_columns(ID, record, COLUMNS, SEALS)}, COLUMNS, SEALS)
    assert (row.record, row.claim, row.intact) == (record, None, True)


def test_a_generation_that_would_not_be_read_is_not_written() -> None:
    """The writer refuses what the reader would."""
    with pytest.raises(ValueError, match="generation"):
        to_columns(ID, SyncRecord(generation=10_000), COLUMNS, SEALS)


def test_empty_columns_are_written_as_null() -> None:
    """A record without event or error clears what was there."""
    written = to_columns(ID, SyncRecord(generation=4, fingerprint="f"), COLUMNS, SEALS)
    assert written[COLUMNS.event_id] is None
    assert written[COLUMNS.original_resource] is None
    assert written[COLUMNS.sync_error] is None
    assert str(written[COLUMNS.sync_state]).startswith("4:f:")


def test_long_errors_are_cut_visibly() -> None:
    """An error beyond the column's length ends in an ellipsis, and what is to be done stands below it."""
    text = to_columns(ID, SyncRecord(error="x" * 1001), COLUMNS, SEALS)[COLUMNS.sync_error] or ""
    assert len(text) == SYNC_ERROR_LENGTH
    assert text.partition("\n")[0].endswith("x…")
    assert "Tried again:" in text


@given(st.text(max_size=30), st.integers(min_value=1, max_value=20))
def test_shortened_text_fits_the_column(text: str, length: int) -> None:
    """Whatever the text, at most `length` UTF-16 units remain, all of it when it fits."""
    short = shorten(text, length)
    assert len(short.encode("utf-16-le")) <= 2 * length
    fits = len(text.encode("utf-16-le", "replace")) <= 2 * length
    assert short == text if fits else (short.endswith("…") and text.startswith(short[:-1]))
