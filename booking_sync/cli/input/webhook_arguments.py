"""The webhook's address and key, as people give them: by options, files or the environment; read strictly."""

from __future__ import annotations

import re
import sys
from getpass import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import urlsplit

import typer

from booking_sync.cli.runner import UsageError
from booking_sync.domain.text import trim

if TYPE_CHECKING:
    from collections.abc import Mapping

URL_VARIABLE: Final = "WEBHOOK_URL"
KEY_VARIABLE: Final = "WEBHOOK_KEY"
ROUTE: Final = "/api/dataverse/bookings"
_HTTPS_PORT = 443
_NO_KEYS = ("none", "null", "nil", "undefined")
"""What tools print for a value that is not there."""
_LOCAL = ("localhost", "127.0.0.1")

UrlOption = Annotated[
    str,
    typer.Option(
        "--url",
        metavar="URL",
        help=f"The function app, https://<app>.azurewebsites.net, or the whole address of its webhook; "
        f"{URL_VARIABLE} by default. Once registered, it may be left out.",
        show_default=False,
    ),
]
KeyFileOption = Annotated[
    Path | None,
    typer.Option(
        "--key-file",
        metavar="FILE",
        help="Holds the function's key; - reads it from standard input, hidden in a terminal. "
        f"{KEY_VARIABLE} by default. Once registered, it may be left out.",
        show_default=False,
    ),
]


def read_url(text: str) -> str:
    """The webhook's address; empty when none was given.

    Args:
        text: the whole address, or the function app's.

    Raises:
        UsageError: Dataverse could not call it.
    """
    text = trim(text)
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        port = parts.port or _HTTPS_PORT
    except ValueError:
        raise UsageError("The webhook's address is no URL.") from None
    if parts.scheme != "https" or not parts.hostname:
        raise UsageError("The webhook's address must begin with https://.")
    if parts.query or parts.fragment or parts.username is not None:
        raise UsageError("The webhook's address must not carry a key: give that with --key-file.")
    if port != _HTTPS_PORT and parts.hostname not in _LOCAL:
        raise UsageError("Dataverse calls webhooks on port 443 only.")
    return text if parts.path.strip("/") else f"{text.rstrip('/')}{ROUTE}"


def read_key(path: Path | None, environ: Mapping[str, str]) -> str:
    """The function's key; empty when none was given.

    Raises:
        UsageError: it can't be read, or can be no key.
    """
    if path is None:
        return _checked_key(environ.get(KEY_VARIABLE, ""))
    if str(path) == "-":
        key = getpass("The function's key: ") if sys.stdin.isatty() else sys.stdin.read()
    else:
        try:
            key = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeError):
            raise UsageError(f"The key file {path} can't be read.") from None
    if not trim(key):
        raise UsageError("The function's key is empty.")
    return _checked_key(key)


def _checked_key(text: str) -> str:
    """The key without what surrounds it.

    Raises:
        UsageError: it is what a tool prints that found no key, or can't be one.
    """
    key = trim(text)
    if key.lower() in _NO_KEYS:
        raise UsageError(
            f"The function's key is {key!r}: whatever should have read it found none. Read it once more "
            "(docs/deployment.md, step 6)."
        )
    if re.search(r"[\s\x00-\x1f\"{}]", key):
        raise UsageError(
            "The function's key holds white space, quotation marks or braces: give the bare key, not JSON."
        )
    return key
