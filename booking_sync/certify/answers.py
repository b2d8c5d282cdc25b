"""Single things that answers of Graph tell. Whatever has another type than the documented one is not told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from booking_sync.domain.events.event_ref import is_event_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from booking_sync.ports.certification import ServiceAnswer


def field_of(answer: ServiceAnswer, name: str) -> Any:
    """A field of an answer's JSON object, or None."""
    return answer.body.get(name) if isinstance(answer.body, dict) else None


def event_id(answer: ServiceAnswer) -> str:
    """The id of the event that an answer is about; empty when it names none."""
    value = field_of(answer, "id")
    return value if isinstance(value, str) and is_event_id(value) else ""


def entries(answer: ServiceAnswer) -> Sequence[dict[str, Any]]:
    """The events of a list."""
    value = field_of(answer, "value")
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def property_values(event: object) -> frozenset[str]:
    """The values of an event's expanded extended properties."""
    found = event.get("singleValueExtendedProperties") if isinstance(event, dict) else None
    values = (
        [each.get("value") for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    )
    return frozenset(each for each in values if isinstance(each, str))
