"""Reads the fields of a queue message of any kind: one that is not as it should be is no message of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from booking_sync.domain.ids import read_guid, read_moment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

MAX_ATTEMPT = 1_000_000
MAX_WAITED = 1e9
"""Seconds; no patience is as long."""
MAX_CORRELATION_ID = 200


class MalformedChangeError(ValueError):
    """A queue message that no version of ours wrote; the text says what is wrong with it."""


def take(message: Mapping[str, Any], key: str, kind: type, *, default: Any = None) -> Any:
    """The field, which must be of this very type."""
    value = message.get(key, default)
    if type(value) is not kind:
        raise MalformedChangeError(f"the queue message's {key!r} is not of type {kind.__name__}")
    return value


def guid(message: Mapping[str, Any], key: str) -> str:
    """A GUID, in lower case."""
    found = read_guid(take(message, key, str))
    if found is None:
        raise MalformedChangeError(f"the queue message's {key!r} is not a GUID")
    return found


def moment(message: Mapping[str, Any], key: str) -> datetime:
    """A time with its UTC offset; aware, UTC."""
    found = read_moment(take(message, key, str))
    if found is None:
        raise MalformedChangeError(
            f"the queue message's {key!r} is not an ISO 8601 time with its UTC offset, from year 1 to 9999"
        )
    return found


def whole_number(
    message: Mapping[str, Any], key: str, most: int, *, least: int = 0, default: int | None = None
) -> int:
    """A whole number within bounds."""
    found: int = take(message, key, int, default=default)
    if not least <= found <= most:
        raise MalformedChangeError(f"the queue message's {key!r} is not from {least} to {most}")
    return found


def attempt(message: Mapping[str, Any]) -> int:
    """How often the message was put back; 0 where it does not say."""
    return whole_number(message, "attempt", MAX_ATTEMPT, default=0)


def waited(message: Mapping[str, Any]) -> float:
    """How many seconds of waiting its own failed tries brought it; 0 where it does not say."""
    found = message.get("waitedSeconds", 0.0)
    if type(found) not in (int, float) or not 0 <= found <= MAX_WAITED:  # false for nan too
        raise MalformedChangeError(f"the queue message's 'waitedSeconds' is not from 0 to {MAX_WAITED:g}")
    return float(found)


def correlation_id(message: Mapping[str, Any]) -> str:
    """What ties log lines together."""
    found: str = take(message, "correlationId", str)
    if len(found) > MAX_CORRELATION_ID:
        raise MalformedChangeError("the queue message's 'correlationId' is too long")
    return found
