"""Structured log lines: one JSON object per booking outcome and per webhook, to be queried later.

Ids only; nothing that a person wrote, and no secret, belongs into a field.
"""

from __future__ import annotations

import json
import logging
import traceback
from pathlib import PurePath
from typing import Any

from booking_sync.domain.text import without_quotes

_CHATTY = (
    "azure.core",
    "azure.functions",
    "azure.identity",
    "azure.keyvault",
    "azure.monitor",
    "azure.storage",
    "msal",
    "opentelemetry",
    "httpx",
    "httpcore",
    "urllib3",
)
"""Below WARNING these write one line per request or token (azure.core: URL and headers; httpx: URL, which
names a mailbox; urllib3 and msal at DEBUG: URLs and token events) or per invocation (azure.functions: the
worker's, with nothing in it but the function's name; each line that is exported is paid for)."""
_MAX_PLACES = 12


def log_event(logger: logging.Logger, name: str, /, *, level: int = logging.INFO, **fields: Any) -> None:
    """Write one line of JSON with `event` set to the name, keys sorted.

    What JSON has no form for (times, GUIDs) is written as its text. The line is plain ASCII, so nothing in a
    field can break it in two. What a reason quotes is left out (see `domain.text`).
    """
    if logger.isEnabledFor(level):
        told = _unquoted({**fields, "event": name})
        line = json.dumps(told, sort_keys=True, separators=(",", ":"), default=str)
        logger.log(level, "%s", line)


def _unquoted(value: Any) -> Any:
    if isinstance(value, str):
        return without_quotes(value)
    if isinstance(value, dict):
        return {key: _unquoted(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_unquoted(each) for each in value]
    return value


def places(error: BaseException) -> list[str]:
    """Where an error came from, innermost last: files and lines, without the texts that a traceback quotes.

    An error's own text may hold what a person wrote, or a token; its type and its place never do.
    """
    frames = traceback.StackSummary.extract(
        traceback.walk_tb(error.__traceback__), limit=-_MAX_PLACES, lookup_lines=False
    )
    return [f"{'/'.join(PurePath(each.filename).parts[-2:])}:{each.lineno} {each.name}" for each in frames]


def quiet_libraries() -> None:
    """Let the libraries below us speak from WARNING on; call once per process, before the first request.

    The host sets the root logger's level to Information, at which their lines would drown ours and carry URLs
    with mailbox ids.
    """
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    # Its warnings quote an answer of Entra's that it can't read, be there a token in it.
    logging.getLogger("azure.identity").setLevel(logging.ERROR)
