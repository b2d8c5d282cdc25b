"""An operator's HTTP request: where it may come from, and what it asks for. Pure.

No cookie opens anything: every request carries the function key in a header, which no foreign page can make a
browser send. Besides, a request must be JSON, and come from our own page or from no browser.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from booking_sync.domain.ids import typed_guid

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BODY_BYTES = 64 * 1024
MAX_BOOKINGS = 100
"""Bookings per request; the backfill command is for more."""
MAX_DEAD_LETTERS = 32
_MAX_MESSAGE_ID = 100


class BadRequestError(ValueError):
    """A request that is not carried out; the text says why."""

    def __init__(self, words: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(words)
        self.status = status


def check_origin(headers: Mapping[str, str]) -> None:
    """Refuse what another page makes a browser send.

    As Go's `http.CrossOriginProtection` does: browsers say in Sec-Fetch-Site where a request comes from. Old
    ones name the page's origin, which must be the host that was asked. A request with neither header comes
    from no browser.

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
    """Which dead letters to replay: `{"letters": ["<id>", …]}`, or `{"all": true}` for all (None).

    Raises:
        BadRequestError: it asks for something else, or comes from another page.
    """
    asked = _read(headers, body, {"letters", "all"})
    if asked.get("all") is True and len(asked) == 1:
        return None
    message_ids = asked.get("letters")
    if "all" in asked or not isinstance(message_ids, list) or not 0 < len(message_ids) <= MAX_DEAD_LETTERS:
        raise BadRequestError(
            f'Say either "all": true, or which "letters": a list of 1 to {MAX_DEAD_LETTERS} message ids.'
        )
    if not all(isinstance(each, str) and 0 < len(each) <= _MAX_MESSAGE_ID for each in message_ids):
        raise BadRequestError('Each of "letters" must be a message id.')
    return frozenset(message_ids)


def read_resync(headers: Mapping[str, str], body: bytes) -> tuple[str, ...]:
    """Which bookings to resync: `{"bookings": ["<GUID>", …]}`; each once, in lower case.

    Raises:
        BadRequestError: it asks for something else, or comes from another page.
    """
    bookings = _read(headers, body, {"bookings"}).get("bookings")
    if not isinstance(bookings, list) or not 0 < len(bookings) <= MAX_BOOKINGS:
        raise BadRequestError(f'"bookings" must be a list of 1 to {MAX_BOOKINGS} booking ids.')
    ids = dict.fromkeys(typed_guid(each) if isinstance(each, str) else None for each in bookings)
    if None in ids:
        raise BadRequestError('Each of "bookings" must be a booking\'s id (a GUID).')
    return tuple(each for each in ids if each)


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
        asked = json.loads(body)
    except (ValueError, RecursionError):
        raise BadRequestError("The body is not JSON.") from None
    if not isinstance(asked, dict) or asked.keys() - names:
        wanted = " or ".join(f'"{name}"' for name in sorted(names))
        raise BadRequestError(f"The body must be a JSON object with {wanted}, and nothing else.")
    return asked


def _host(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""
