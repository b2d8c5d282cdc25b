"""From a setting's text to its value, one function per kind of value.

Each raises ValueError with what is wanted instead, and does not quote the whole text: somebody may have
pasted a secret into the wrong setting. What checks zones and templates is imported when those are checked: a
webhook must not wait for it at a cold start.
"""

from __future__ import annotations

import math
import re
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from booking_sync.domain.events.event_calendars import MAX_NAME
from booking_sync.domain.ids import NO_GUID, typed_guid
from booking_sync.domain.return_path.policy import Mode
from booking_sync.domain.text import shows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

POISON_SUFFIX = "-poison"
_MIN_QUEUE_NAME = 3
_MAX_QUEUE_NAME = 63
LONGEST_QUEUE_NAME = _MAX_QUEUE_NAME - len(POISON_SUFFIX)
"""So that its poison queue can have a name too."""
_MAX_HOST = 253
_HOST = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9_-]{1,63}(?<!-))*|[0-9a-f:]+(?:%[a-z0-9]+)?")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_MAX_EXTENSION_NAME = 80
"""No limit is documented. Outlook keeps an open extension in a named property, whose name has 126 characters
at most ([MS-OXCDATA] 2.6.1 counts its bytes in one byte), and puts 44 of its own before ours."""
_MAX_FILE_NAME = 200
_MAX_CALENDAR_NAMES = 10
_QUOTES = frozenset(('""', "''", "``", "“”", "„“", "„”", "«»", "\u2018\u2019"))
_LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
_MAX_NOTIFICATION_URL = 250
_NOTIFICATION_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]+)+")
_TRUE = ("true", "1", "yes", "on")
_FALSE = ("false", "0", "no", "off")


class CredentialKind(StrEnum):
    """How the app registration proves who it is."""

    SECRET = "secret"  # noqa: S105 - the setting's text, no secret
    """A client secret in Key Vault."""
    FEDERATED = "federated"
    """A token of the function app's managed identity, which the registration trusts."""
    CERTIFICATE = "certificate"
    """A certificate in Key Vault."""


def shared(values: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[list[str]]:
    """The settings that have the same value, each group once.

    Args:
        values: typed values by field; an empty one is none.
        names: which fields to compare, and their settings' names.
    """
    of_one_value: dict[Any, list[str]] = {}
    for each, name in names.items():
        if values.get(each):
            of_one_value.setdefault(values[each], []).append(name)
    yield from (group for group in of_one_value.values() if len(group) > 1)


def plain(text: str) -> str:
    """The text of one line, when it holds nothing but what somebody will have meant."""
    for place, character in enumerate(text):
        if not character.isprintable() or not (shows(character) or character == " "):
            raise ValueError(
                f"holds a character that can't be seen (U+{ord(character):04X}, after {place} others)"
            )
    if len(text) > 1 and f"{text[0]}{text[-1]}" in _QUOTES:
        raise ValueError("stands in quotation marks: take them away")
    return text


def queue_name(text: str) -> str:
    """A storage queue's name; that it leaves room for its poison queue's is checked with the whole."""
    if (
        not re.fullmatch(r"[a-z0-9](-?[a-z0-9])+", text)
        or not _MIN_QUEUE_NAME <= len(text) <= _MAX_QUEUE_NAME
    ):
        raise ValueError(
            f"must be {_MIN_QUEUE_NAME} to {LONGEST_QUEUE_NAME} lower-case letters, digits and single "
            f"hyphens, as Azure wants it of a queue whose poison queue is <name>{POISON_SUFFIX}"
        )
    return text


def https_url(text: str) -> str:
    """`https://<host>[:port]` without trailing slash."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError("is not a URL; give https://<host>") from None
    if parts.scheme.lower() != "https":
        raise ValueError("must begin with https://")
    if not parts.hostname or parts.username is not None or parts.query or parts.fragment:
        raise ValueError("must be https://<host> and nothing else")
    if parts.path.strip("/"):
        raise ValueError("must be https://<host> without a path")
    if not _HOST.fullmatch(parts.hostname) or len(parts.hostname) > _MAX_HOST or port == 0:
        raise ValueError("must be https://<host>, and no host or port is called so")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"https://{host}" + (f":{port}" if port is not None else "")


def authority(text: str) -> str:
    """As `https_url`, with or without the scheme; empty stays empty."""
    if not text:
        return ""
    return https_url(text if "://" in text else f"https://{text}")


def calendar_name(text: str) -> str:
    """A calendar's name, as its list in Outlook shows it; empty stays empty."""
    if len(text) > MAX_NAME:
        raise ValueError(f"must be a calendar's name of at most {MAX_NAME} characters")
    return plain(text)


def calendar_names(text: str) -> tuple[str, ...]:
    """Calendars' names, separated by semicolons; empty ones are passed over."""
    names = tuple(calendar_name(name) for each in text.split(";") if (name := each.strip()))
    if len(names) > _MAX_CALENDAR_NAMES:
        raise ValueError(
            f"must be at most {_MAX_CALENDAR_NAMES} names, since each is looked at in each audit"
        )
    return names


def flag(text: str) -> bool:
    """True or false, as people write it."""
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise ValueError("must be true or false")


def guid(text: str) -> str:
    """A GUID in lower case."""
    found = typed_guid(text)
    if found is None:
        raise ValueError("must be a GUID")
    if found == NO_GUID:
        raise ValueError("must be a GUID other than the empty one")
    return found


def guid_or_nothing(text: str) -> str:
    """A GUID in lower case; empty stays empty."""
    return guid(text) if text else ""


def guids(text: str) -> frozenset[str]:
    """Any number of GUIDs, separated by commas, semicolons or white space; lower case."""
    found = [typed_guid(each) for each in re.split(r"[\s,;]+", text) if each]
    if None in found:
        raise ValueError(f"must be GUIDs separated by commas, and number {found.index(None) + 1} is none")
    return frozenset(each for each in found if each)


def everybody(text: str) -> bool:
    """Whether all take part that nobody named."""
    if text.lower() not in ("all", "none"):
        raise ValueError("must be all or none")
    return text.lower() == "all"


def secret_name(text: str) -> str:
    """A name in Key Vault."""
    if not re.fullmatch(r"[0-9A-Za-z-]{1,127}", text):
        raise ValueError("must be 1 to 127 letters, digits and hyphens, as Key Vault wants it")
    return text


def credential_kind(text: str) -> CredentialKind:
    """How the app registration signs in."""
    try:
        return CredentialKind(text.lower())
    except ValueError:
        raise ValueError(f"must be one of {', '.join(CredentialKind)}") from None


def operators_sign_in(text: str) -> str:
    """How operators sign in: in lower case."""
    if text.lower() not in ("key", "entra"):
        raise ValueError("must be one of key, entra")
    return text.lower()


def return_mode(text: str) -> Mode:
    """What becomes of what people change in Outlook."""
    modes = {mode.name.lower(): mode for mode in Mode}
    if text.lower() not in modes:
        raise ValueError(f"must be one of {', '.join(modes)}")
    return modes[text.lower()]


def deletion_mode(text: str) -> Mode:
    """The same of events that people delete: what is only reported is made anew."""
    modes = {"recreate": Mode.REPORT, "propose": Mode.PROPOSE, "apply": Mode.APPLY}
    if text.lower() not in modes:
        raise ValueError(f"must be one of {', '.join(modes)}")
    return modes[text.lower()]


def repairs(text: str) -> bool:
    """Whether edited texts are put right."""
    if text.lower() not in ("repair", "leave"):
        raise ValueError("must be repair or leave")
    return text.lower() == "repair"


def minutes(lowest: float, highest: float) -> Callable[[str], timedelta]:
    """A parser of spans between two bounds in minutes, both allowed."""
    parse = number(lowest, highest)
    return lambda text: timedelta(minutes=parse(text))


def notification_url(text: str) -> str:
    """`https://<host>[:port]/<path>`, or empty; plain HTTP on this machine only."""
    if not text:
        return ""
    try:
        parts = urlsplit(text if "://" in text else f"//{text}")
        local = parts.scheme.lower() == "http" and parts.hostname in _LOCAL_HOSTS
        host = https_url(f"https://{parts.netloc}")
    except ValueError:
        raise ValueError("is not a URL; give https://<host>/api/outlook/notifications") from None
    if not local and parts.scheme.lower() != "https":
        raise ValueError("must begin with https://: Graph notifies nobody else")
    if parts.query or parts.fragment or not _NOTIFICATION_PATH.fullmatch(parts.path):
        raise ValueError("must be https://<host>/api/outlook/notifications, without anything behind it")
    if len(text) > _MAX_NOTIFICATION_URL:
        raise ValueError(f"must have at most {_MAX_NOTIFICATION_URL} characters, and has {len(text)}")
    return f"{'http' if local else 'https'}{host.removeprefix('https')}{parts.path}"


def number(lowest: float, highest: float) -> Callable[[str], float]:
    """A parser of numbers between two bounds, both allowed."""

    def parse(text: str) -> float:
        # Python would read 1_000 and the digits of other scripts as well.
        number = float(text) if _NUMBER.fullmatch(text) else math.nan
        if not lowest <= number <= highest:  # false for nan too
            raise ValueError(f"must be a number from {lowest:g} to {highest:g}")
        return number

    return parse


def whole_number(lowest: int, highest: int) -> Callable[[str], int]:
    """A parser of whole numbers between two bounds, both allowed."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not lowest <= int(text) <= highest:
            raise ValueError(f"must be a whole number from {lowest} to {highest}")
        return int(text)

    return parse


def schedule(text: str) -> str:
    """An NCRONTAB expression that the Functions host takes, and that comes."""
    from booking_sync.plumbing import ncrontab  # noqa: PLC0415 - keeps the webhook light

    try:
        read = ncrontab.parse(text)
    except ncrontab.NcrontabError as error:
        raise ValueError(
            f"is refused by the Functions host, which then leaves the timer out: {error}"
        ) from None
    if not read.comes:
        raise ValueError("never comes: none of its months has such a day")
    return text


def time_zone_or_nothing(text: str) -> str:
    """A zone's IANA or Windows name; empty stays empty."""
    if not text:
        return ""
    from booking_sync.domain.events.zones import UnknownZoneError, event_zone  # noqa: PLC0415 - keeps the webhook light

    try:
        event_zone(text)
    except UnknownZoneError:
        raise ValueError(
            "must be a time zone's IANA name (Europe/Berlin) or Windows name (W. Europe Standard Time)"
        ) from None
    return text


def file_name(text: str) -> str:
    """A file's name or path."""
    if len(text) > _MAX_FILE_NAME or text.endswith(("/", "\\")):
        raise ValueError(
            f"must be a file's name, such as event.toml, with at most {_MAX_FILE_NAME} characters"
        )
    return text


def subject_template(text: str) -> str:
    """A Jinja template of one line; whether its names are known is checked with the event file."""
    return _template(text, escape=False)


def body_template(text: str) -> str:
    """A Jinja template of HTML; as `subject_template`."""
    return _template(text, escape=True)


def _template(text: str, *, escape: bool) -> str:
    if not text:
        return ""
    from booking_sync.domain.events.event_text.templates import (  # noqa: PLC0415 - keeps the webhook light
        BadTemplateError,
        compile_template,
    )

    try:
        compile_template(text, escape=escape)
    except BadTemplateError as error:
        raise ValueError(f"can't be used: {error}") from None
    return text


def extension_name(text: str) -> str:
    """An open extension's name; empty stays empty."""
    if text and not re.fullmatch(r"[A-Za-z][A-Za-z0-9]*(\.[A-Za-z][A-Za-z0-9]*)+", text):
        raise ValueError("must look like com.example.booking, or be empty to write no open extension")
    if len(text) > _MAX_EXTENSION_NAME:
        raise ValueError(f"must have at most {_MAX_EXTENSION_NAME} characters, and has {len(text)}")
    if re.match(r"com\.(?:microsoft|onmicrosoft)\.", text, re.IGNORECASE):
        raise ValueError("must not begin with a domain of Microsoft's, which Graph keeps for itself")
    return text
