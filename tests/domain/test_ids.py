"""GUIDs and moments as texts: what services write, and what people may write besides."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_sync.domain.ids import (
    NO_GUID,
    read_guid,
    read_moment,
    read_utc_time,
    typed_guid,
    typed_moment,
)
from tests.support.guids import CANONICAL, GUID, NOT_AT_ALL, TYPED

MOMENT = datetime(2026, 3, 2, 8, 30, 15, tzinfo=UTC)


@pytest.mark.parametrize("text", CANONICAL)
def test_a_guid_as_services_write_it(text: str) -> None:
    """Five groups with hyphens, in whatever case; lower case from then on."""
    assert read_guid(text) == typed_guid(text) == GUID


@pytest.mark.parametrize("text", TYPED)
def test_a_guid_as_only_people_write_it(text: str) -> None:
    """Forms that registry editors, log viewers and e-mails show; in a message they would be a mistake."""
    assert typed_guid(text) == GUID
    assert read_guid(text) is None


@pytest.mark.parametrize("text", NOT_AT_ALL)
def test_what_is_no_guid(text: str) -> None:
    """Nor what Python's own parser lets pass: stray hyphens, half a pair of braces, other digits."""
    assert typed_guid(text) is None
    assert read_guid(text) is None


@pytest.mark.parametrize("value", [None, 7, b"0d1e2f30-1111-4222-8333-44445555abcd", ["x"], {}])
def test_a_value_of_another_type_is_no_id(value: object) -> None:
    """JSON may hold anything."""
    assert (read_guid(value), read_moment(value), read_utc_time(value)) == (None, None, None)


@given(st.uuids().map(str))
def test_every_guid_is_read_as_it_is(text: str) -> None:
    """Written canonically it stays what it is."""
    assert read_guid(text) == typed_guid(text) == typed_guid("{" + text.upper() + "}") == text


def test_no_guid_is_a_guid_for_those_who_care() -> None:
    """The empty one has the form; whether it may stand is the reader's matter."""
    assert read_guid(NO_GUID) == NO_GUID


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-02T08:30:15Z",
        "2026-03-02T08:30:15+00:00",
        "2026-03-02T09:30:15+01:00",
        "2026-03-02T08:30:15.0Z",
        "2026-03-02T08:30:15.0000000Z",
        "2026-03-02T08:30:15.000000900Z",
    ],
)
def test_a_moment_as_services_write_it(text: str) -> None:
    """With seconds and an offset; of a fraction six digits are read."""
    assert read_moment(text) == typed_moment(text) == MOMENT


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-02T08:30:15",
        "2026-03-02 08:30:15Z",
        "2026-03-02T08:30Z",
        "20260302T083015Z",
        "2026-W10-1T08:30:15Z",
        "2026-03-02T08:30:15,0Z",
        "2026-03-02T08:30:15z",
        " 2026-03-02T08:30:15Z",
        "2026-03-02T08:30:15Z\n",
        "2026-03-02T08:30:15+00:00:00",
        "\u0662\u0660\u0662\u0666-03-02T08:30:15Z",
        "2026-02-30T08:30:15Z",
        "2026-03-02T24:00:00Z",
        "2026-03-02T08:30:60Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-01:00",
        "/Date(1772440215000)/",
        "yesterday",
        "",
    ],
)
def test_what_is_no_moment_in_a_message(text: str) -> None:
    """Another form, an impossible day, or a moment that UTC has no year for."""
    assert read_moment(text) is None


@pytest.mark.parametrize("text", ["2026-03-02T08:30:15", "2026-03-02T08:30:15.0000000"])
def test_a_time_of_graph_s_is_in_utc_where_that_is_known(text: str) -> None:
    """Graph names the zone beside the time, with seven fractional digits."""
    assert read_utc_time(text) == MOMENT
    assert read_utc_time(text + "Z") is None


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-02", datetime(2026, 3, 2, tzinfo=UTC)),
        ("2026-03-02T06:00", datetime(2026, 3, 2, 6, tzinfo=UTC)),
        ("2026-03-02 06:00+02:00", datetime(2026, 3, 2, 4, tzinfo=UTC)),
        ("\u200b2026-03-02T08:30:15Z\ufeff ", MOMENT),
        ("20260302", datetime(2026, 3, 2, tzinfo=UTC)),
    ],
)
def test_a_moment_as_people_write_it(text: str, moment: datetime) -> None:
    """A date is its midnight, and a time without an offset is in UTC."""
    assert typed_moment(text) == moment


@pytest.mark.parametrize(
    "text",
    ["", "tomorrow", "2026-02-30", "02.03.2026", "\u0662\u0660\u0662\u0666-03-02", "9999-12-31T23:59-01:00"],
)
def test_what_people_write_may_be_no_moment(text: str) -> None:
    """Nothing is guessed."""
    assert typed_moment(text) is None
