"""What an operator's HTTP request asks for. Pure; the rules for every order are in `plumbing.http_orders`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from booking_sync.domain.ids import typed_guid
from booking_sync.plumbing.http_orders import BadRequestError, read_order

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BODY_BYTES = 64 * 1024
MAX_BOOKINGS = 100
"""Bookings per request; the backfill command is for more."""
MAX_DEAD_LETTERS = 32
_MAX_MESSAGE_ID = 100


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
    return read_order(headers, body, names, max_bytes=MAX_BODY_BYTES)
