"""Reads an access token's claims: which application it is for, and what Entra grants it.

Microsoft promises no format to anybody but the service that a token is for. So a claim that can't be read is
left out. Claims are shown to people who look for a mistake, and decide nothing.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from booking_sync.domain.text import clean_line
from booking_sync.ports.diagnosis import TokenFacts


def read_claims(token: str, client_id: str) -> TokenFacts:
    """The token's application and its roles.

    Args:
        token: a JWT, or not.
        client_id: the application when the token does not name it.
    """
    claims = _claims(token)
    application, roles = claims.get("appid"), claims.get("roles")
    return TokenFacts(
        application if isinstance(application, str) else client_id,
        frozenset(str(role) for role in roles) if isinstance(roles, list) else frozenset(),
    )


def read_identity(token: str) -> tuple[str, str, str]:
    """A managed identity's issuer, subject and audience, by which Entra looks for a federated credential."""
    claims = _claims(token)
    issuer, subject, audience = (clean_line(str(claims.get(name, "")), 200) for name in ("iss", "sub", "aud"))
    return issuer, subject, audience


def _claims(token: str) -> dict[str, Any]:
    parts = token.split(".")
    try:
        body = parts[1] + "=" * (-len(parts[1]) % 4)
        found = json.loads(base64.urlsafe_b64decode(body))
    except (IndexError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
