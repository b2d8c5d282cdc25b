"""Who may ask and order, and under which name that is logged. Pure.

By default the Functions host asks for a function key before any of this runs. With OPERATIONS_SIGN_IN=entra
it asks for none: the platform's authentication ("EasyAuth") signs people in, and tells the app who they are
in the header `X-MS-CLIENT-PRINCIPAL`. It sets that header itself and lets nobody else set it (Microsoft:
"Work with user identities in Azure App Service authentication"). That holds only where it is on, which it
says in the variable `WEBSITE_AUTH_ENABLED`; where it is not, nobody is let in.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from booking_sync.domain.ids import read_guid
from booking_sync.plumbing.http.answer import NOT_STORED, HttpAnswer

if TYPE_CHECKING:
    from collections.abc import Mapping

PRINCIPAL: Final = "x-ms-client-principal"
ROLE: Final = "BookingSync.Operate"
"""The app role of the operators' app registration (docs/deployment.md)."""
BY_KEY: Final = "function key"
"""Who ordered, where all that is known is that the host took the key."""
MAX_HEADER: Final = 64 * 1024

_OBJECT_ID: Final = ("http://schemas.microsoft.com/identity/claims/objectidentifier", "oid")
_ROLES: Final = ("roles", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role")


@dataclass(frozen=True, slots=True)
class Admission:
    """How operators sign in.

    Args:
        by_entra: people sign in to Entra; else the host has asked for a function key.
        platform_signs_in: the platform's authentication is on.
    """

    by_entra: bool
    platform_signs_in: bool

    def refusal(self, headers: Mapping[str, str]) -> HttpAnswer | None:
        """Why whoever sends this is not let in; None when they are."""
        if not self.by_entra:
            return None
        if not self.platform_signs_in:
            return _refused(
                HTTPStatus.FORBIDDEN,
                "OPERATIONS_SIGN_IN is entra, but the platform's authentication is off, so nobody can be "
                "known: deploy with operatorsClientId (docs/deployment.md), or set it to key.",
            )
        claims = _claims(headers)
        if claims is None:
            return _refused(HTTPStatus.UNAUTHORIZED, "You are not signed in: load the page again.")
        if ROLE not in claims.roles:
            words = f"Your account lacks the role {ROLE}: an administrator assigns it (docs/deployment.md)."
            return _refused(HTTPStatus.FORBIDDEN, words)
        return None

    def who(self, headers: Mapping[str, str]) -> str:
        """Who sends this, for the log: an Entra object id, which is no name, or that it was the key."""
        claims = _claims(headers) if self.by_entra and self.platform_signs_in else None
        return claims.object_id if claims else BY_KEY


@dataclass(frozen=True, slots=True)
class _Claims:
    """What the platform says of whoever is signed in."""

    object_id: str
    roles: frozenset[str]


def _claims(headers: Mapping[str, str]) -> _Claims | None:
    """None for whoever is not signed in, or a header that the platform does not write so."""
    text = next((value for name, value in headers.items() if name.lower() == PRINCIPAL), "")
    if not text or len(text) > MAX_HEADER:
        return None
    try:
        found: Any = json.loads(base64.b64decode(text, validate=True))
        claims = [(str(each["typ"]), str(each["val"])) for each in found["claims"]]
        kinds = {*_ROLES, str(found.get("role_typ") or _ROLES[0])}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    object_id = next((read_guid(value) for kind, value in claims if kind in _OBJECT_ID), None)
    if object_id is None:
        return None
    return _Claims(object_id, frozenset(value for kind, value in claims if kind in kinds))


def _refused(status: HTTPStatus, words: str) -> HttpAnswer:
    return HttpAnswer(status, {"problem": words}, dict(NOT_STORED))
