"""An event as lines of text, and as JSON. Pure."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from booking_sync.domain.events.event import NO_REMINDER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from booking_sync.domain.bookings.reader import Reader
    from booking_sync.domain.events.event import EventContent, EventOptions
    from booking_sync.preview.look import Preview

NOTHING = "none"
"""Stands where an event has no place or no category."""

_BREAK = re.compile(r"<br\s*/?>|</(?:p|div|li|tr|h[1-6])>", re.IGNORECASE)
_TAG = re.compile(r"<[^>]*>")


def plain_text(body: str) -> str:
    """What is left of a body for whoever sees no HTML, line by line."""
    text = html.unescape(_TAG.sub("", _BREAK.sub("\n", body)))
    return "\n".join(line for each in text.split("\n") if (line := each.strip()))


def ruled(options: EventOptions) -> Sequence[tuple[str, str]]:
    """What rules say of things that are the technician's own otherwise, one line for each."""
    told: list[tuple[str, str]] = []
    if options.sensitivity:
        told.append(("private", "yes" if options.sensitivity == "private" else "no"))
    if options.reminder is not None:
        minutes = f"{options.reminder} minutes before"
        told.append(("reminder", NOTHING if options.reminder == NO_REMINDER else minutes))
    if options.importance:
        told.append(("importance", options.importance))
    return told


def lines(content: EventContent, rules: Sequence[int] = ()) -> Sequence[tuple[str, str]]:
    """The event, one line for each thing that it shows.

    Args:
        content: the event's.
        rules: the numbers of those that decided something about it.
    """
    start, end = content.start.date_time.replace("T", " "), content.end.date_time.replace("T", " ")
    return [
        ("subject", content.subject),
        ("when", f"{start} to {end} ({content.start.time_zone})"),
        ("place", content.location_name or NOTHING),
        ("shown as", content.show_as),
        ("categories", ", ".join(content.categories) or NOTHING),
        *ruled(content.options),
        *([("by rules", ", ".join(map(str, rules)))] if rules else ()),
        ("body", plain_text(content.body_html)),
    ]


def as_json(preview: Preview) -> dict[str, object]:
    """For `--json`."""
    content = preview.content
    if content is None:
        return {"booking": preview.booking_id, "event": None, "reason": preview.reason}
    event: dict[str, object] = {
        "subject": content.subject,
        "start": content.start.date_time,
        "end": content.end.date_time,
        "timeZone": content.start.time_zone,
        "location": content.location_name,
        "showAs": content.show_as,
        "categories": list(content.categories),
        **content.options.said,
        "rules": list(preview.rules),
        "body": content.body_html,
    }
    told: dict[str, object] = {"booking": preview.booking_id, "event": event, "reason": ""}
    if preview.reader is None:
        return told
    return {**told, "reader": {"language": preview.reader.language, "zone": preview.reader.zone}}


def reader_text(reader: Reader) -> str:
    """Whom an event is shown to."""
    return ", ".join(filter(None, (reader.language, reader.zone))) or "tells no language and no zone"
