"""Event ids as long and as awkward as real ones: case-sensitive, with `-`, `_` and `=`."""

from __future__ import annotations

import secrets

IMMUTABLE_PREFIX = "AAkALgAAAAAAHYQDEapmEc2byACqAC-EWg0A"
MUTABLE_PREFIX = "AAMkAGUzY2M5Ojk1LWZiMmUtNGVkNS04-TI1"
SUFFIX = "_AA="


def new_immutable_id() -> str:
    """An id that stays when the event is moved."""
    return _new_id(IMMUTABLE_PREFIX)


def new_mutable_id() -> str:
    """An id that a move replaces."""
    return _new_id(MUTABLE_PREFIX)


def new_change_key() -> str:
    """The version tag of an event."""
    return secrets.token_urlsafe(18)


def _new_id(prefix: str) -> str:
    return prefix + secrets.token_urlsafe(84) + SUFFIX
