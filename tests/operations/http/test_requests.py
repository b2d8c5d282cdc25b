"""Which of the operator's HTTP requests are carried out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from booking_sync.operations.requests import (
    MAX_BODY_BYTES,
    MAX_BOOKINGS,
    ResyncOrder,
    read_replay,
    read_resync,
)
from booking_sync.plumbing.http.orders import BadRequestError, check_origin
from tests.support.bookings import ANNA, BOOKING_ID

JSON = {"Content-Type": "application/json", "Host": "app.example"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://proxy.example"},
        {"sec-fetch-site": "none"},
        {"Origin": "https://app.example", "Host": "app.example"},
        {"ORIGIN": "https://APP.example:8443", "host": "app.example:8443"},
    ],
    ids=["no browser", "our page", "typed", "our page, old browser", "with a port"],
)
def test_our_own_page_and_tools_may_act(headers: dict[str, str]) -> None:
    """Browsers say that a request is our page's, and tools say nothing."""
    check_origin(headers)


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "https://app.example", "Host": "app.example"},
        {"Origin": "https://evil.example", "Host": "app.example"},
        {"Origin": "null", "Host": "app.example"},
        {"Origin": "https://[", "Host": "app.example"},
        {"Origin": "https://app.example"},
    ],
    ids=["elsewhere", "neighbour", "elsewhere, old browser", "sandboxed", "no URL", "no host"],
)
def test_another_page_may_not_order(headers: dict[str, str]) -> None:
    """A request that another page makes the browser send is refused, key or no key."""
    with pytest.raises(BadRequestError, match="another page") as caught:
        check_origin(headers)
    assert caught.value.status == 403
    with pytest.raises(BadRequestError):
        read_replay({**JSON, **headers} if "Host" in headers else headers, b'{"all": true}')


def test_which_dead_letters_to_replay() -> None:
    """All, or those that are named."""
    assert read_replay(JSON, b'{"all": true}') is None
    utf8 = {"content-type": "application/json; charset=utf-8"}
    assert read_replay(utf8, b'{"messages": ["a", "b"]}') == frozenset("ab")


def test_scripts_may_go_on_calling_messages_letters() -> None:
    """As the field was called before; both at once is doubtful."""
    assert read_replay(JSON, b'{"letters": ["a"]}') == frozenset("a")
    with pytest.raises(BadRequestError, match="messages"):
        read_replay(JSON, b'{"letters": ["a"], "messages": ["b"]}')


def test_which_bookings_to_sync_again() -> None:
    """Each once, in the form in which ids are compared."""
    body = json.dumps({"bookings": [BOOKING_ID.upper(), f"{{{BOOKING_ID}}}", ANNA]}).encode()
    assert read_resync(JSON, body) == ResyncOrder((BOOKING_ID, ANNA))
    order = f"resync-{BOOKING_ID}"
    again = json.dumps({"bookings": [ANNA], "order": order}).encode()
    assert read_resync(JSON, again) == ResyncOrder((ANNA,), order)


@pytest.mark.parametrize(
    "order", [7, "resync-", f"webhook-{BOOKING_ID}", f"resync-{BOOKING_ID}x", BOOKING_ID]
)
def test_a_further_part_names_an_order_of_ours(order: object) -> None:
    """Nobody gives messages a correlation id of his own."""
    body = json.dumps({"bookings": [ANNA], "order": order}).encode()
    with pytest.raises(BadRequestError, match="order"):
        read_resync(JSON, body)


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"all": False},
        {"all": 1},
        {"all": True, "messages": ["a"]},
        {"all": True, "letters": ["a"]},
        {"messages": []},
        {"messages": "a"},
        {"messages": [1]},
        {"messages": [""]},
        {"messages": ["a"] * 33},
        {"message": ["a"]},
        ["a"],
        None,
    ],
)
def test_a_request_that_could_be_misread_replays_nothing(asked: Any) -> None:
    """A misspelt or doubtful request must not become a replay of everything."""
    with pytest.raises(BadRequestError) as caught:
        read_replay(JSON, json.dumps(asked).encode())
    assert caught.value.status == 400


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"bookings": []},
        {"bookings": "x"},
        {"bookings": ["x"]},
        {"bookings": [5]},
        {"bookings": [BOOKING_ID, None]},
        {"bookings": [BOOKING_ID] * (MAX_BOOKINGS + 1)},
        {"bookings": [BOOKING_ID], "force": True},
    ],
)
def test_only_booking_ids_are_synced_again(asked: Any) -> None:
    """What is no list of booking ids is refused as a whole."""
    with pytest.raises(BadRequestError) as caught:
        read_resync(JSON, json.dumps(asked).encode())
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("text/plain", b'{"all": true}', 415),
        ("application/x-www-form-urlencoded", b"all=true", 415),
        ("", b'{"all": true}', 415),
        ("application/json", b"{", 400),
        ("application/json", b"[" * 50_000, 400),
        ("application/json", b"\xff", 400),
        ("application/json", b" " * (MAX_BODY_BYTES + 1), 413),
    ],
    ids=["text", "a form", "no type", "broken", "deep", "no UTF-8", "long"],
)
def test_only_json_is_an_order(kind: str, body: bytes, status: int) -> None:
    """What a plain form could send, and what is no JSON, is refused."""
    with pytest.raises(BadRequestError) as caught:
        read_replay({"Content-Type": kind}, body)
    assert caught.value.status == status
