"""Entra's v2 token endpoint over HTTP, the document that leads to it, and the control of its secrets."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from local.entra.assertions import AssertionCheck, refuse_assertion
from local.entra.certificates import RegisteredCertificate
from local.entra.registration import (
    ClientSecret,
    FederatedCredential,
    Grant,
    Refusal,
    Registration,
    decide_scope,
    issuer_of,
    refuse_request,
    refuse_secret,
)
from local.standin import CONTROL_PREFIX, StandIn, tokens

DEFAULT_LIFETIME_SECONDS = 3599
"""What Entra usually says of a client-credentials token: an hour less one second."""
FORM = "application/x-www-form-urlencoded"


class EntraStandIn(StandIn):
    """Issues tokens, signed with the stack's shared key, to the one client it knows."""

    def __init__(
        self, registration: Registration, key: bytes, lifetime_seconds: int = DEFAULT_LIFETIME_SECONDS
    ) -> None:
        super().__init__("entra")
        self.registration = registration
        self.lifetime_seconds = lifetime_seconds
        self._key = key
        router = self.app.router
        router.add_post("/{tenant}/oauth2/v2.0/token", self._token)
        router.add_get("/{tenant}/v2.0/.well-known/openid-configuration", self._discovery)
        router.add_put(CONTROL_PREFIX + "config", self._configure)

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post() if request.content_type == FORM else {}
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
        decision = self._decide(request, fields)
        if isinstance(decision, Refusal):
            return _refuse(decision)
        token = tokens.issue(self._key, decision.audience, self.lifetime_seconds, self._claims(request))
        answer = {
            "token_type": "Bearer",
            "expires_in": self.lifetime_seconds,
            "ext_expires_in": self.lifetime_seconds,
            "access_token": token,
        }
        return web.json_response(answer, headers={"Cache-Control": "no-store, no-cache"})

    def _decide(self, request: web.Request, form: dict[str, str]) -> Grant | Refusal:
        now = datetime.now(UTC)
        refusal = refuse_request(self.registration, request.match_info["tenant"], form)
        if refusal is None and "client_assertion" in form:
            # The path as it was called: the tenant may be written in another case.
            url = f"{request.url.origin()}{request.path}"
            refusal = refuse_assertion(self.registration, form, AssertionCheck(self._key, url, now))
        elif refusal is None:
            refusal = refuse_secret(self.registration, form, now)
        return refusal or decide_scope(self.registration, form["scope"])

    def _claims(self, request: web.Request) -> dict[str, object]:
        return {
            "iss": f"{request.url.origin()}/{self.registration.tenant_id}/v2.0",
            "tid": self.registration.tenant_id,
            "appid": self.registration.client_id,
            "oid": self.registration.object_id,
            "sub": self.registration.object_id,
            "idtyp": "app",
        }

    async def _discovery(self, request: web.Request) -> web.Response:
        tenant = request.match_info["tenant"]
        if tenant.lower() != self.registration.tenant_id.lower():
            return _refuse(Refusal(400, "invalid_tenant", 90002, f"Tenant '{tenant}' not found."))
        base = f"{request.url.origin()}/{tenant}"
        return web.json_response(
            {
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "jwks_uri": f"{base}/discovery/v2.0/keys",
                "issuer": f"{base}/v2.0",
                "response_types_supported": ["token"],
                "subject_types_supported": ["pairwise"],
            }
        )

    async def _configure(self, request: web.Request) -> web.Response:
        """Change the token lifetime and what the application may sign in with; what is not named stays.

        `secrets` are objects (see `_read_secret`), `certificates` PEM texts, `federated` objects with
        `subject` and, unless they are the usual ones, `issuer` and `audience`. As for real, any text is
        taken.
        """
        config: dict[str, Any] = await request.json()
        if unknown := config.keys() - {"tokenLifetimeSeconds", "secrets", "certificates", "federated"}:
            raise web.HTTPBadRequest(text=f"unknown: {', '.join(sorted(unknown))}")
        if "secrets" in config:
            accepted = tuple(_read_secret(entry) for entry in config["secrets"])
            self.registration = replace(self.registration, secrets=accepted)
        if "certificates" in config:
            certificates = tuple(_read_certificate(text) for text in config["certificates"])
            self.registration = replace(self.registration, certificates=certificates)
        if "federated" in config:
            federated = tuple(self._read_federated(entry) for entry in config["federated"])
            self.registration = replace(self.registration, federated=federated)
        self.lifetime_seconds = int(config.get("tokenLifetimeSeconds", self.lifetime_seconds))
        return web.json_response({})

    def _read_federated(self, entry: dict[str, str]) -> FederatedCredential:
        usual = {"issuer": issuer_of(self.registration.tenant_id)}
        try:
            return FederatedCredential(**{**usual, **entry})
        except TypeError as error:
            raise web.HTTPBadRequest(text=f"no federated credential: {error}") from None


def always_accepted(value: str) -> ClientSecret:
    """A secret that neither waits nor expires."""
    return ClientSecret(value, datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))


def _read_certificate(text: str) -> RegisteredCertificate:
    try:
        return RegisteredCertificate.from_pem(text)
    except (ValueError, TypeError) as error:
        raise web.HTTPBadRequest(text=f"no certificate: {error}") from None


def _read_secret(entry: dict[str, str]) -> ClientSecret:
    """A secret as the control plane writes it: `value`, and `start` and `end` (ISO 8601, with offset)."""
    secret = always_accepted(entry["value"])
    if "start" in entry:
        secret = replace(secret, start=_read_time(entry["start"]))
    if "end" in entry:
        secret = replace(secret, end=_read_time(entry["end"]))
    return secret


def _read_time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise web.HTTPBadRequest(text=f"{text} has no UTC offset")
    return time


def _refuse(refusal: Refusal) -> web.Response:
    now = datetime.now(UTC)
    trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
    description = (
        f"AADSTS{refusal.code}: {refusal.text} Trace ID: {trace} Correlation ID: {correlation} "
        f"Timestamp: {now:%Y-%m-%d %H:%M:%SZ}"
    )
    answer = {
        "error": refusal.error,
        "error_description": description,
        "error_codes": [refusal.code],
        "timestamp": f"{now:%Y-%m-%d %H:%M:%SZ}",
        "trace_id": trace,
        "correlation_id": correlation,
    }
    return web.json_response(answer, status=refusal.status)
