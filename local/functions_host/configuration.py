"""What the host is told by `host.json` and by app settings, with the real host's defaults."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

INT32_MAX = 2**31 - 1
"""The host bounds `newBatchThreshold` by its type only (QueuesOptions in its source)."""
MOST_PER_FETCH = 32
"""Storage queues hand out at most this many messages at once, so `batchSize` can't be more."""
QUEUE_OPTIONS = frozenset(
    [
        "batchSize",
        "newBatchThreshold",
        "maxDequeueCount",
        "visibilityTimeout",
        "maxPollingInterval",
        "messageEncoding",
    ]
)
TIME_SPAN = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2}(?:\.\d+)?)")
SETTING_REFERENCE = re.compile(r"%([^%]+)%")


class ConfigurationError(Exception):
    """The app, `host.json` or the settings can't be used as they are."""


@dataclass(frozen=True)
class QueueOptions:
    """`extensions.queues` of `host.json`; times in seconds."""

    batch_size: int = 16
    new_batch_threshold: int = 8
    """Fetch again when no more than this many messages are in work."""
    max_dequeue_count: int = 5
    visibility_seconds: float = 0.0
    """How long a message stays hidden after its function failed."""
    max_polling_seconds: float = 60.0
    base64: bool = True


@dataclass(frozen=True)
class HostSettings:
    """`host.json`, as far as this host knows it."""

    route_prefix: str = "api"
    queues: QueueOptions = QueueOptions()


def read_host_settings(folder: Path) -> HostSettings:
    """Read `host.json` in the app's folder.

    Raises:
        ConfigurationError: it is missing, is no JSON or has a value that the real host refuses. An unknown
            queue option is an error too; the real host ignores it, which hides a typing mistake.
    """
    path = folder / "host.json"
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path}: {error}") from error
    if content.get("version") != "2.0":
        raise ConfigurationError(f'{path}: "version" must be "2.0"')
    extensions = content.get("extensions", {})
    return HostSettings(
        route_prefix=extensions.get("http", {}).get("routePrefix", "api").strip("/"),
        queues=_read_queue_options(extensions.get("queues", {})),
    )


def _read_queue_options(options: Mapping[str, Any]) -> QueueOptions:
    if unknown := options.keys() - QUEUE_OPTIONS:
        raise ConfigurationError(f"host.json: unknown in extensions.queues: {', '.join(sorted(unknown))}")
    batch_size = _whole_number(options, "batchSize", 16, 1, MOST_PER_FETCH)
    encoding = options.get("messageEncoding", "base64")
    if encoding not in ("base64", "none"):
        raise ConfigurationError('host.json: messageEncoding must be "base64" or "none"')
    return QueueOptions(
        batch_size=batch_size,
        new_batch_threshold=_whole_number(options, "newBatchThreshold", batch_size // 2, 0, INT32_MAX),
        max_dequeue_count=_whole_number(options, "maxDequeueCount", 5, 1, 1000),
        visibility_seconds=seconds_of(options.get("visibilityTimeout", "00:00:00")),
        max_polling_seconds=seconds_of(options.get("maxPollingInterval", "00:01:00")),
        base64=encoding == "base64",
    )


def _whole_number(options: Mapping[str, Any], name: str, default: int, least: int, most: int) -> int:
    value = options.get(name, default)
    if not isinstance(value, int) or not least <= value <= most:
        raise ConfigurationError(f"host.json: {name} must be a whole number from {least} to {most}")
    return value


def seconds_of(time_span: str) -> float:
    """Seconds of a .NET time span such as `00:00:30` or `1.00:00:00`.

    Raises:
        ConfigurationError: it isn't one.
    """
    found = TIME_SPAN.fullmatch(time_span)
    if found is None:
        raise ConfigurationError(f"host.json: {time_span!r} is no time span (hh:mm:ss)")
    days, hours, minutes, seconds = found.groups()
    return int(days or 0) * 86400 + int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def read_app_settings(path: Path) -> dict[str, str]:
    """App settings from a file like `local.settings.json` (`{"Values": {…}}`).

    Raises:
        ConfigurationError: it is missing, is no JSON or has values that are not text.
    """
    try:
        values: Any = json.loads(path.read_text(encoding="utf-8"))["Values"]
    except (OSError, ValueError, KeyError) as error:
        raise ConfigurationError(f"{path}: {error!r}") from error
    for name, value in values.items():
        if not isinstance(value, str):
            raise ConfigurationError(f"{path}: the value of {name} must be text")
    return dict(values)


def resolve(text: str, settings: Mapping[str, str]) -> str:
    """Replace each `%NAME%` by that app setting.

    Raises:
        ConfigurationError: there is no such setting.
    """

    def value(found: re.Match[str]) -> str:
        if found[1] not in settings:
            raise ConfigurationError(f"{text!r} refers to the app setting {found[1]}, which is missing")
        return settings[found[1]]

    return SETTING_REFERENCE.sub(value, text)


def find_connection(name: str, settings: Mapping[str, str]) -> str:
    """The connection string that a binding's `connection` names (or `AzureWebJobs<name>`, as the real host).

    Raises:
        ConfigurationError: there is none. The identity-based form is not supported here.
    """
    for candidate in (name, f"AzureWebJobs{name}"):
        if settings.get(candidate):
            return settings[candidate]
    raise ConfigurationError(f"the app setting {name} holds no connection string")
