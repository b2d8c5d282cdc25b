"""The rules for every order that comes over HTTP: where it may come from, and that it is JSON. Pure.

Mostly no cookie opens anything: every request carries the function key in a header, which no foreign page
can make a browser send. Where operators sign in to Entra a cookie of the platform's does. So in any case a
request must be JSON, which a foreign page can't send without being asked whether it may, and come from our
own page or from no browser.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from booking_sync.errors import PermanentError, SettingsError, SyncError
from booking_sync.plumbing.http.answer import NOT_STORED, HttpAnswer

if TYPE_CHECKING:
    from collections.abc import Mapping


class BadRequestError(ValueError):
    """A request that is not carried out; the text says why."""

    def __init__(self, words: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(words)
        self.status = status


def check_origin(headers: Mapping[str, str]) -> None:
    """Refuse what another page makes a browser send.

    As Go's `http.CrossOriginProtection` does: browsers say in Sec-Fetch-Site where a request comes from. Old
    ones name the page's origin, which must be the host that was asked. A request with neither header comes
    from no browser.

    Raises:
        BadRequestError: it comes from another page.
    """
    named = {name.lower(): value for name, value in headers.items()}
    site = named.get("sec-fetch-site", "")
    if site in ("same-origin", "none"):
        return
    origin = named.get("origin", "")
    if not site and (not origin or _host(origin) == named.get("host", "").lower()):
        return
    raise BadRequestError("The request comes from another page than ours.", HTTPStatus.FORBIDDEN)


def read_order(
    headers: Mapping[str, str], body: bytes, names: set[str], *, max_bytes: int, may_be_empty: bool = False
) -> dict[str, Any]:
    """The JSON object that an order's body holds.

    Args:
        headers: of the request.
        body: of the request.
        names: what the object may hold.
        max_bytes: how long the body may be.
        may_be_empty: an empty body stands for an empty object.

    Raises:
        BadRequestError: it comes from another page, is no JSON object, or holds something else: a misspelt
            name must not make it another order.
    """
    check_origin(headers)
    kind = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
    if kind.partition(";")[0].strip().lower() != "application/json":
        raise BadRequestError(
            "The request must be JSON (Content-Type: application/json).", HTTPStatus.UNSUPPORTED_MEDIA_TYPE
        )
    if len(body) > max_bytes:
        raise BadRequestError("The body is too long.", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    if may_be_empty and not body.strip():
        return {}
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        raise BadRequestError("The body is not JSON.") from None
    if not isinstance(asked, dict) or asked.keys() - names:
        wanted = " or ".join(f'"{name}"' for name in sorted(names))
        raise BadRequestError(f"The body must be a JSON object with {wanted}, and nothing else.")
    return asked


def refusal(error: BadRequestError | SettingsError | SyncError, name: str) -> HttpAnswer:
    """The answer to an order that is not carried out.

    Args:
        error: why; what may pass is 503, and 502 has somebody act.
        name: under which the reason stands.
    """
    if isinstance(error, BadRequestError):
        status = error.status
    elif isinstance(error, PermanentError):
        status = HTTPStatus.BAD_GATEWAY
    else:
        status = HTTPStatus.SERVICE_UNAVAILABLE
    words = error.reason if isinstance(error, SyncError) else str(error)
    return HttpAnswer(status, {name: words}, dict(NOT_STORED))


def _host(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""
