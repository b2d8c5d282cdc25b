"""Single columns of rows that are not bookings."""

from __future__ import annotations

import pytest

from booking_sync.dataverse.rows.row_columns import RowColumns
from booking_sync.errors import TransientError


@pytest.mark.parametrize("value", ["5B3F8F0E-1111-4222-8333-444455556666", "msdyn_WorkOrder", "bsync.v1"])
def test_an_identity_is_an_id_or_a_name(value: str) -> None:
    """In lower case, as it is compared and asked for."""
    assert RowColumns({"id": value}).identity("id") == value.lower()


@pytest.mark.parametrize("value", [None, "", " ", "\udfff\ud800", "x or 1 eq 1", "x'", "a/b", "x\n", "ä", 7])
def test_what_is_no_identity_makes_the_answer_incomplete(value: object) -> None:
    """It would go into another query, where half a character is an exception and a word a condition."""
    with pytest.raises(TransientError):
        RowColumns({"id": value}).identity("id")
