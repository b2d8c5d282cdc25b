"""What a person may give for a booking."""

from __future__ import annotations

import pytest

from booking_sync.domain.events.event_text.links import booking_url
from booking_sync.status.reading import read_booking_id

ID = "0d7c1f57-3b1e-4c8e-9a55-2f6f0d6b1a01"
FORM = "https://contoso.crm4.dynamics.com/main.aspx"


@pytest.mark.parametrize(
    "given",
    [
        ID,
        f" {ID.upper()}\n",
        f"{{{ID}}}",
        booking_url("https://contoso.crm4.dynamics.com", ID),
        f"{FORM}?appid=99999999-9999-4999-8999-999999999999&etn=bookableresourcebooking&id=%7B{ID}%7D",
        f"{FORM}?id={ID}",
    ],
)
def test_an_id_or_a_form_s_address_names_a_booking(given: str) -> None:
    """However it was copied; the app's id in the same address is not taken for it."""
    assert read_booking_id(given) == ID


@pytest.mark.parametrize(
    "given",
    [
        "",
        "boiler",
        ID[:-1],
        f"{FORM}?etn=account&id={ID}",
        f"{FORM}?etn=bookableresourcebooking",
        "http://[x",
    ],
)
def test_anything_else_names_none(given: str) -> None:
    """Another table's form, half an id, no id at all."""
    assert read_booking_id(given) is None
