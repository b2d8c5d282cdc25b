"""The `Prefer` header: kind of ids and time zone of answers."""

from __future__ import annotations

import re
from dataclasses import dataclass

from local.graph.mailbox.zones import resolve_zone
from local.graph.messages import bad_request

PREFERENCE = re.compile(r'\s*([\w.-]+)\s*=\s*"?([^",]*)"?\s*')


@dataclass(frozen=True)
class Preferences:
    """What a request preferred."""

    immutable_ids: bool = False
    zone: str = ""
    """Zone that times are answered in; empty for UTC because nothing was asked."""

    def applied(self) -> dict[str, str]:
        """The `Preference-Applied` header, if any."""
        parts = []
        if self.immutable_ids:
            parts.append('IdType="ImmutableId"')
        if self.zone:
            parts.append(f'outlook.timezone="{self.zone}"')
        return {"Preference-Applied": ", ".join(parts)} if parts else {}


def read_preferences(header: str) -> Preferences:
    """Read a `Prefer` header; empty means no preference.

    The real service passes over preferences that it doesn't know. Here they are refused: one that is
    misspelt would otherwise work in tests and hand out changing ids in production.

    Raises:
        GraphError: 400 for anything but `IdType="ImmutableId"` and `outlook.timezone="<zone>"`.
    """
    immutable, zone = False, ""
    for part in filter(str.strip, header.split(",")):
        found = PREFERENCE.fullmatch(part)
        name, value = (found[1], found[2]) if found else (part, "")
        if name == "IdType" and value == "ImmutableId":
            immutable = True
        elif name == "outlook.timezone":
            resolve_zone(value)
            zone = value
        else:
            raise bad_request(f"The stand-in does not know the preference {part.strip()!r}.")
    return Preferences(immutable, zone)
