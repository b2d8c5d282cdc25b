"""An operator's HTTP request: where it may come from, and what it orders. Pure.

Nothing here is opened by a cookie: every request carries the function key in a header, which no foreign page
can make a browser send. That the order is JSON and comes from our own page is checked besides.
"""

from __future__ import annotations

import json
import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BODY_BYTES = 64 * 1024
MAX_BOOKINGS = 100
"""Bookings per order; the backfill command is for more."""
MAX_LETTERS = 32
_MAX_LETTER_ID = 100


class BadRequestError(ValueError):
    """A request that is not carried out; the text says why."""

    def __init__(self, words: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(words)
        self.status = status


def check_origin(headers: Mapping[str, str]) -> None:
    """Let pass what our own page or no browser sent.

    As Go's `http.CrossOriginProtection`: browsers say in Sec-Fetch-Site where a request comes from; old ones
    name the page's origin, which must be the host that was asked; what says neither is no browser.

    Raises:
        BadRequestError: it comes from another page.
    """
    named = {name.lower(): value for name, value in headers.items()}
    site = named.get("sec-fetch-site", "")
    if site in ("same-origin", "none"):
        return
    origin = named.get("origin", "")
    if not site and (not origin or _host(origin) == named.get("host", "").lower()):
        return
    raise BadRequestError("The request comes from another page than ours.", HTTPStatus.FORBIDDEN)


def read_replay(headers: Mapping[str, str], body: bytes) -> frozenset[str] | None:
    """Which dead letters to try again: `{"letters": ["<id>", …]}`, or `{"all": true}` for all (None).

    Raises:
        BadRequestError: not an order, or not from our page.
    """
    order = _read(headers, body, {"letters", "all"})
    if order.get("all") is True and len(order) == 1:
        return None
    letters = order.get("letters")
    if "all" in order or not isinstance(letters, list) or not 0 < len(letters) <= MAX_LETTERS:
        raise BadRequestError(
            f'Say either "all": true, or which "letters": a list of 1 to {MAX_LETTERS} message ids.'
        )
    if not all(isinstance(each, str) and 0 < len(each) <= _MAX_LETTER_ID for each in letters):
        raise BadRequestError('Each of "letters" must be a message id.')
    return frozenset(letters)


def read_resync(headers: Mapping[str, str], body: bytes) -> tuple[str, ...]:
    """Which bookings to bring in step again: `{"bookings": ["<GUID>", …]}`; each once, in lower case.

    Raises:
        BadRequestError: not an order, or not from our page.
    """
    bookings = _read(headers, body, {"bookings"}).get("bookings")
    if not isinstance(bookings, list) or not 0 < len(bookings) <= MAX_BOOKINGS:
        raise BadRequestError(f'"bookings" must be a list of 1 to {MAX_BOOKINGS} booking ids.')
    try:
        return tuple(dict.fromkeys(str(uuid.UUID(each)) for each in bookings))
    except (ValueError, AttributeError, TypeError):
        raise BadRequestError('Each of "bookings" must be a booking\'s id (a GUID).') from None


def _read(headers: Mapping[str, str], body: bytes, names: set[str]) -> dict[str, Any]:
    check_origin(headers)
    kind = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
    if kind.partition(";")[0].strip().lower() != "application/json":
        raise BadRequestError(
            "The request must be JSON (Content-Type: application/json).", HTTPStatus.UNSUPPORTED_MEDIA_TYPE
        )
    if len(body) > MAX_BODY_BYTES:
        raise BadRequestError("The body is too long.", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    try:
        order = json.loads(body)
    except (ValueError, RecursionError):
        raise BadRequestError("The body is not JSON.") from None
    if not isinstance(order, dict) or order.keys() - names:
        wanted = " or ".join(f'"{name}"' for name in sorted(names))
        raise BadRequestError(f"The body must be a JSON object with {wanted}, and nothing else.")
    return order


def _host(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""
