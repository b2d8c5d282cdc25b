"""The addresses that the adapter asks for, and the names that a deployment may choose."""

from __future__ import annotations

import json
import uuid
from urllib.parse import parse_qsl, urlsplit

import pytest

from booking_sync.dataverse.queries import MAX_IDS, booking_row, booking_rows, booking_shape
from booking_sync.dataverse.web_api.client import API_PATH
from booking_sync.domain.environment.columns import SupportColumns

ID = "0c6a7a3e-21ae-4a5d-9d4e-0d7e55a2b001"


def test_asks_for_ids_by_parameter_aliases() -> None:
    """The batched read uses Dataverse's In function with the ids as a JSON list in an alias."""
    options = dict(parse_qsl(urlsplit(booking_rows([ID], booking_shape(SupportColumns()))).query))
    assert options["$filter"] == "Microsoft.Dynamics.CRM.In(PropertyName=@p1,PropertyValues=@p2)"
    assert options["@p1"] == "'bookableresourcebookingid'"
    assert json.loads(options["@p2"]) == [ID]


def test_selects_support_columns_by_their_configured_names() -> None:
    """The four support columns are asked for by the names in the settings."""
    columns = SupportColumns("cr_event", "cr_mailbox", "cr_state", "cr_error")
    options = dict(parse_qsl(urlsplit(booking_rows([ID], booking_shape(columns))).query))
    assert {"cr_event", "cr_mailbox", "cr_state", "cr_error"} <= set(options["$select"].split(","))


def test_full_batch_stays_below_the_longest_url() -> None:
    """A hundred ids with long column names make a URL below Dataverse's 32 KB."""
    columns = SupportColumns(*(f"cr_{letter}{'x' * 96}" for letter in "abcd"))
    path = booking_rows([str(uuid.uuid4()) for _ in range(MAX_IDS)], booking_shape(columns))
    assert len(f"https://{'h' * 253}{API_PATH}{path}") < 32_768


def test_url_holds_nothing_that_must_be_encoded() -> None:
    """The address is complete as it stands, so that no layer below rewrites it."""
    path = booking_rows([ID, str(uuid.uuid4())], booking_shape(SupportColumns()))
    assert path.isascii()
    assert not set(path) & set(' "<>[]\\^`{|}')


@pytest.mark.parametrize("count", [0, MAX_IDS + 1])
def test_refuses_a_number_of_ids_that_does_not_fit(count: int) -> None:
    """Neither an empty question nor one above the limit is ever composed."""
    with pytest.raises(ValueError, match="100 bookings"):
        booking_rows([ID] * count, booking_shape(SupportColumns()))


def test_addresses_one_row_by_its_key() -> None:
    """A row's address is its entity set with the bare GUID in brackets."""
    assert booking_row(ID) == f"bookableresourcebookings({ID})"
