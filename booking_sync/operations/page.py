"""The operator's page: one HTML document without data. Its script fetches the data with the function key.

The document is open to everybody, because a browser that navigates sends no key in a header, and a key must
never be in an address. Scripts and styles lie in small files, one thing each, and are put into the document.
The policy allows them by their hashes, and allows nothing else to run or to be loaded.
"""

from __future__ import annotations

import base64
import functools
import hashlib
from dataclasses import dataclass
from importlib.resources import files

_FOLDER = "static"
_STYLE, _SCRIPT, _SIGN_IN = "/*STYLE*/", "/*SCRIPT*/", 'data-sign-in=""'

STYLES = ("colours", "base", "tables", "charts", "lookup")
_TOOLS = ("dom", "times", "messages", "requests", "views", "names", "refreshing", "orders")
_OVERVIEW = ("overview", "health", "charts", "given_up", "failing", "way_back", "people", "runs")
"""The overview and its sections."""
_LOOKUP = ("lookup", "search", "technician", "booking")
"""One technician, one booking, and the search that leads to them."""
SCRIPTS = (
    *(f"tools/{name}" for name in _TOOLS),
    *(f"overview/{name}" for name in _OVERVIEW),
    *(f"lookup/{name}" for name in _LOOKUP),
    "start",
)
"""In the order in which they run: tools, then views, each of which announces itself, then what begins."""


@dataclass(frozen=True, slots=True)
class Page:
    """The answer to an HTTP request for the page."""

    html: str
    headers: dict[str, str]


@functools.cache
def operators_page(*, by_entra: bool = False) -> Page:
    """The page; it is put together once per process.

    Args:
        by_entra: whoever sees it is signed in already, and is asked for no key.
    """
    style = "".join(_text(f"styles/{name}.css") for name in STYLES)
    script = "".join(_text(f"scripts/{name}.js") for name in SCRIPTS)
    html = _text("operations.html").replace(_STYLE, style).replace(_SCRIPT, script)
    html = html.replace(_SIGN_IN, 'data-sign-in="entra"' if by_entra else 'data-sign-in="key"')
    policy = (
        "default-src 'none'",
        f"style-src '{_hash(style)}'",
        f"script-src '{_hash(script)}'",
        "connect-src 'self'",
        "img-src data:",  # the empty icon, without which browsers ask for /favicon.ico
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",  # texts can't become markup, not even by a mistake of ours
    )
    return Page(
        html,
        {
            "Cache-Control": "no-store",
            "Content-Security-Policy": "; ".join(policy),
            "Cross-Origin-Opener-Policy": "same-origin",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
        },
    )


def _text(name: str) -> str:
    return (files(__package__) / _FOLDER / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return "sha256-" + base64.b64encode(digest).decode()
