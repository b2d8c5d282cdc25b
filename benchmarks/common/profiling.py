"""Whose code a profiled function is: so that a profile says which part to look at."""

from __future__ import annotations

from pathlib import PurePath

WAITING = "waiting"
PACKAGES = {
    "JSON": ("json",),
    "Graph SDK": (
        *("msgraph", "msgraph_core", "kiota_abstractions", "kiota_http", "kiota_authentication_azure"),
        *("kiota_serialization_form", "kiota_serialization_json", "kiota_serialization_multipart"),
        *("kiota_serialization_text", "std_uritemplate", "stduritemplate", "opentelemetry", "microsoft"),
    ),
    "httpx": ("httpx", "httpcore", "h11", "h2", "anyio", "sniffio"),
    "requests": ("requests", "urllib3", "charset_normalizer", "idna", "http", "email"),
    "Azure SDKs": ("azure", "msal", "aiohttp", "yarl", "multidict", "isodate"),
    "templates": ("jinja2", "markupsafe"),
    "zones": ("zoneinfo", "tzlocal", "tzdata"),
    "asyncio": ("asyncio", "selectors.py", "concurrent"),
    "TLS and sockets": ("ssl.py", "socket.py"),
    "logging": ("logging",),
    "urllib": ("urllib",),
}
BUILT_IN = {
    "TLS and sockets": ("_ssl", "_socket", "socket"),
    WAITING: ("epoll", "select.", "acquire", "_queue.SimpleQueue"),
    "JSON": ("_json", "json"),
    "asyncio": ("_asyncio", "_contextvars.Context", "run_"),
}
OTHER = "Python's own, the rest"


def group_of(file: str, name: str) -> str:
    """The group of a function by its file (`~` for one written in C) and its name."""
    if file == "~":
        return next((group for group, marks in BUILT_IN.items() if any(m in name for m in marks)), OTHER)
    parts = PurePath(file).parts
    if "site-packages" not in parts and "booking_sync" in parts:
        room = parts[parts.index("booking_sync") + 1]
        return f"booking_sync {room.removesuffix('.py')}"
    # The outermost package decides: requests/packages and the like belong to who brings them.
    inside = parts[parts.index("site-packages") + 1 :] if "site-packages" in parts else parts[-2:]
    for group, packages in PACKAGES.items():
        if any(part in packages for part in inside[:1] + inside[-1:]):
            return group
    return next((g for g, names in PACKAGES.items() if any(part in names for part in inside)), OTHER)
