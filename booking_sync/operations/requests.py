"""What an operator's HTTP request asks for. Pure; the rules for every order are in `plumbing.http.orders`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from booking_sync.domain.ids import typed_guid
from booking_sync.operations.journal.order_tally import is_order
from booking_sync.plumbing.http.orders import BadRequestError, read_order

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BODY_BYTES = 64 * 1024
MAX_BOOKINGS = 100
"""Bookings per request; the backfill command is for more."""
MAX_DEAD_LETTERS = 32
_MAX_MESSAGE_ID = 100


def read_replay(headers: Mapping[str, str], body: bytes) -> frozenset[str] | None:
    """Which dead letters to replay: `{"messages": ["<id>", …]}`, or `{"all": true}` for all (None).

    `letters` is what the field was called before.

    Raises:
        BadRequestError: it asks for something else, or comes from another page.
    """
    asked = _read(headers, body, {"messages", "letters", "all"})
    if asked.get("all") is True and len(asked) == 1:
        return None
    message_ids = asked.get("messages", asked.get("letters"))
    if len(asked) != 1 or not isinstance(message_ids, list) or not 0 < len(message_ids) <= MAX_DEAD_LETTERS:
        raise BadRequestError(
            f'Say either "all": true, or which "messages": a list of 1 to {MAX_DEAD_LETTERS} message ids.'
        )
    if not all(isinstance(each, str) and 0 < len(each) <= _MAX_MESSAGE_ID for each in message_ids):
        raise BadRequestError('Each of "messages" must be a message id.')
    return frozenset(message_ids)


@dataclass(frozen=True, slots=True)
class ResyncOrder:
    """Bookings that are to be written again."""

    bookings: tuple[str, ...]
    """Each once, in lower case."""
    order: str = ""
    """The order that they are a further part of; empty for a new one."""
    deletions: bool = False
    """Not to be written again: their events were deleted in Outlook, and that is to be taken for a wish."""


def read_resync(headers: Mapping[str, str], body: bytes) -> ResyncOrder:
    """Which bookings to resync: `{"bookings": ["<GUID>", …]}`, and of which `order` they are a further part.

    With `"deletions": true` the deletions of their events are taken, which a sweep of the mailbox withheld.

    Raises:
        BadRequestError: it asks for something else, or comes from another page.
    """
    asked = _read(headers, body, {"bookings", "order", "deletions"})
    bookings, order, deletions = asked.get("bookings"), asked.get("order", ""), asked.get("deletions", False)
    if not isinstance(bookings, list) or not 0 < len(bookings) <= MAX_BOOKINGS:
        raise BadRequestError(f'"bookings" must be a list of 1 to {MAX_BOOKINGS} booking ids.')
    ids = dict.fromkeys(typed_guid(each) if isinstance(each, str) else None for each in bookings)
    if None in ids:
        raise BadRequestError('Each of "bookings" must be a booking\'s id (a GUID).')
    if not isinstance(order, str) or (order and not is_order_id(order)):
        raise BadRequestError('"order" must be the "order" of an earlier answer.')
    if not isinstance(deletions, bool):
        raise BadRequestError('"deletions" must be true or false.')
    return ResyncOrder(tuple(each for each in ids if each), order, deletions)


def is_order_id(text: str) -> bool:
    """Whether an order of ours may be called so."""
    return is_order(text) and typed_guid(text.partition("-")[2]) is not None


def _read(headers: Mapping[str, str], body: bytes, names: set[str]) -> dict[str, Any]:
    return read_order(headers, body, names, max_bytes=MAX_BODY_BYTES)
