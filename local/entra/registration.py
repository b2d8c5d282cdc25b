"""An app registration, and what Entra decides about a client-credentials request: pure.

Status, error and AADSTS code are those that Microsoft's "Microsoft Entra authentication and authorization
error codes" documents for the mistake.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from local.entra.certificates import RegisteredCertificate

SCOPE_SUFFIX = "/.default"
EXCHANGE_AUDIENCE = "api://AzureADTokenExchange"
"""Audience of an assertion in the public cloud."""


def issuer_of(tenant_id: str) -> str:
    """The issuer of a tenant's managed identities, as a federated credential has to name it."""
    return f"https://login.microsoftonline.com/{tenant_id}/v2.0"


@dataclass(frozen=True)
class ClientSecret:
    """A secret of the app registration; accepted from `start` until just before `end` (aware times)."""

    value: str
    start: datetime
    end: datetime


@dataclass(frozen=True)
class FederatedCredential:
    """Whose tokens the app registration trusts as its own proof; texts are compared with their case."""

    issuer: str
    subject: str
    """Of a managed identity: its principal id."""
    audience: str = EXCHANGE_AUDIENCE


@dataclass(frozen=True)
class Registration:
    """The one app registration that the stand-in knows."""

    tenant_id: str
    client_id: str
    object_id: str
    """Object id of the application's service principal; the `oid` of its tokens."""
    secrets: tuple[ClientSecret, ...] = ()
    resources: tuple[str, ...] = ()
    """Resources that exist in the tenant, without a slash at the end; empty: any https resource does."""
    certificates: tuple[RegisteredCertificate, ...] = ()
    federated: tuple[FederatedCredential, ...] = ()


@dataclass(frozen=True)
class Grant:
    """The request is fine: a token for `audience` may be issued."""

    audience: str


@dataclass(frozen=True)
class Refusal:
    """Why there is no token, as Entra says it."""

    status: int
    error: str
    code: int
    text: str


def refuse_request(registration: Registration, tenant: str, form: Mapping[str, str]) -> Refusal | None:
    """Why a token request is refused whatever proves it, or None; `tenant` is from the path."""
    return (
        _refuse_tenant(registration, tenant)
        or _refuse_missing_fields(form)
        or _refuse_unknown_client(registration, form["client_id"])
    )


def _refuse_tenant(registration: Registration, tenant: str) -> Refusal | None:
    if tenant.lower() == registration.tenant_id.lower():
        return None
    return Refusal(400, "invalid_request", 90002, f"Tenant '{tenant}' not found. Check the tenant ID.")


def _refuse_missing_fields(form: Mapping[str, str]) -> Refusal | None:
    grant = form.get("grant_type")
    if not grant:
        text = "The request body must contain the following parameter: 'grant_type'."
        return Refusal(400, "invalid_request", 900144, text)
    if grant != "client_credentials":
        text = f"The app requested an unsupported grant type '{grant}'."
        return Refusal(400, "unsupported_grant_type", 70003, text)
    for field in ("client_id", "scope"):
        if not form.get(field):
            text = f"The request body must contain the following parameter: '{field}'."
            return Refusal(400, "invalid_request", 900144, text)
    return None


def _refuse_unknown_client(registration: Registration, client: str) -> Refusal | None:
    if client.lower() == registration.client_id.lower():
        return None
    text = f"Application with identifier '{client}' was not found in the directory."
    return Refusal(400, "unauthorized_client", 700016, text)


def refuse_secret(registration: Registration, form: Mapping[str, str], now: datetime) -> Refusal | None:
    """Why a request with a secret, or with no proof at all, is refused, or None; `now` is aware."""
    client, secret = form["client_id"], form.get("client_secret")
    if not secret:
        text = "'client_assertion', 'client_secret' or 'request' is required for 'client_credentials'."
        return Refusal(401, "invalid_client", 7000216, text)
    known = [each for each in registration.secrets if _same(each.value, secret)]
    if any(each.start <= now < each.end for each in known):
        return None
    if any(each.end <= now for each in known):
        text = f"The provided client secret keys for app '{client}' are expired."
        return Refusal(401, "invalid_client", 7000222, text)
    text = f"Invalid client secret provided for app '{client}'."
    return Refusal(401, "invalid_client", 7000215, text)


def _same(one: str, other: str) -> bool:
    return secrets.compare_digest(one.encode(), other.encode())


def decide_scope(registration: Registration, scope: str) -> Grant | Refusal:
    """The answer to a request that has proved whose it is."""
    if len(scope.split()) != 1:
        text = f"The provided request must include exactly one 'scope'; '{scope}' is not valid."
        return Refusal(400, "invalid_scope", 70011, text)
    if not scope.endswith(SCOPE_SUFFIX) or not scope.startswith("https://"):
        text = (
            f"The provided value for scope {scope} is not valid. Client credential flows must have a scope "
            "value with /.default suffixed to the resource identifier (application ID URI)."
        )
        return Refusal(400, "invalid_scope", 1002012, text)
    audience = scope.removesuffix(SCOPE_SUFFIX)
    if registration.resources and audience.rstrip("/") not in registration.resources:
        text = f"The resource principal named {audience} was not found in the tenant."
        return Refusal(400, "invalid_resource", 500011, text)
    return Grant(audience)
