"""Stand-in for App Service's managed-identity endpoint, which the function app finds in `IDENTITY_ENDPOINT`.

It is plain HTTP, as on App Service ("REST endpoint reference" of Microsoft's page on managed identities
there), and answers only what azure-identity really sends: `GET ?resource=…&api-version=2019-08-01` with the
header `X-IDENTITY-HEADER`, and `client_id` too when the identity is user-assigned.
"""

from __future__ import annotations

import os
import secrets
import time
from dataclasses import dataclass

from aiohttp import web

from local.entra.registration import EXCHANGE_AUDIENCE, issuer_of
from local.standin import StandIn, run_standin, standin_arguments, tokens

PATH = "/msi/token"
API_VERSION = "2019-08-01"
HEADER = "X-IDENTITY-HEADER"
HEADER_VARIABLE = "LOCAL_IDENTITY_HEADER"
VAULT_RESOURCE = "https://vault.azure.net"
DEFAULT_LIFETIME_SECONDS = 24 * 3600
"""Managed-identity tokens live for a day."""
KNOWN_PARAMETERS = frozenset({"resource", "api-version", "client_id"})


@dataclass(frozen=True)
class Identity:
    """The identity assigned to the app, and what it may get tokens for."""

    tenant_id: str
    principal_id: str
    """Object id; the `oid` of its tokens."""
    client_id: str
    user_assigned: bool = False
    """A user-assigned identity has to be named by `client_id`."""
    resources: tuple[str, ...] = (VAULT_RESOURCE, EXCHANGE_AUDIENCE)


class ManagedIdentityStandIn(StandIn):
    """Issues tokens of one identity to who knows the header's value."""

    def __init__(
        self, identity: Identity, header: str, key: bytes, lifetime_seconds: int = DEFAULT_LIFETIME_SECONDS
    ) -> None:
        super().__init__("managed identity")
        self.identity = identity
        self.lifetime_seconds = lifetime_seconds
        self._header = header
        self._key = key
        self.app.router.add_get(PATH, self._token, allow_head=False)

    async def _token(self, request: web.Request) -> web.Response:
        refusal = self._refuse_header(request) or self._refuse_query(request)
        if refusal is not None:
            return refusal
        resource = request.query["resource"]
        claims = {
            "iss": issuer_of(self.identity.tenant_id),
            "tid": self.identity.tenant_id,
            "appid": self.identity.client_id,
            "oid": self.identity.principal_id,
            "sub": self.identity.principal_id,
            "idtyp": "app",
        }
        return web.json_response(
            {
                "access_token": tokens.issue(self._key, resource, self.lifetime_seconds, claims),
                "client_id": self.identity.client_id,
                "expires_on": str(int(time.time()) + self.lifetime_seconds),
                "resource": resource,
                "token_type": "Bearer",
            }
        )

    def _refuse_header(self, request: web.Request) -> web.Response | None:
        given = request.headers.get(HEADER)
        if given is None:
            return _refuse(400, f"The header {HEADER} is missing.")
        if not secrets.compare_digest(given.encode(errors="surrogateescape"), self._header.encode()):
            return _refuse(401, f"The header {HEADER} is wrong.")
        return None

    def _refuse_query(self, request: web.Request) -> web.Response | None:
        query = request.query
        if unknown := query.keys() - KNOWN_PARAMETERS:
            return _refuse(400, f"Unknown parameters: {', '.join(sorted(unknown))}.")
        if query.get("api-version") != API_VERSION:
            return _refuse(400, f"The api-version must be {API_VERSION}.")
        if query.get("resource", "").rstrip("/") not in self.identity.resources:
            return _refuse(400, "The resource is missing or unknown in the tenant.")
        client = query.get("client_id")
        if client not in ((self.identity.client_id,) if self.identity.user_assigned else (None,)):
            text = "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId."
            return _refuse(400, text)
        return None


def _refuse(status: int, message: str) -> web.Response:
    return web.json_response({"statusCode": status, "message": message}, status=status)


def main() -> None:
    """Read the command line and serve until told to stop."""
    parser = standin_arguments("Stand-in for the managed-identity endpoint of App Service")
    parser.add_argument("--tenant-id", required=True)
    parser.add_argument("--principal-id", required=True, help="object id of the identity")
    parser.add_argument("--client-id", required=True, help="client id of the identity")
    parser.add_argument("--user-assigned", action="store_true", help="requests must name the client id")
    arguments = parser.parse_args()
    header = os.environ.get(HEADER_VARIABLE)
    if not header:
        parser.error(f"{HEADER_VARIABLE} is not set")
    identity = Identity(
        tenant_id=arguments.tenant_id,
        principal_id=arguments.principal_id,
        client_id=arguments.client_id,
        user_assigned=arguments.user_assigned,
    )
    key = tokens.key_from_environment(os.environ)
    run_standin(ManagedIdentityStandIn(identity, header, key), arguments)


if __name__ == "__main__":
    main()
