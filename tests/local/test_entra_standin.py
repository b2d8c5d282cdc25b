"""The stand-ins for Entra and for managed identity, met by the real azure-identity and by hand."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ClientSecretCredential as SyncClientSecretCredential
from azure.identity import CredentialUnavailableError
from azure.identity.aio import ClientSecretCredential, ManagedIdentityCredential

from local.entra.managed_identity import Identity, ManagedIdentityStandIn
from local.entra.registration import Registration
from local.entra.standin import EntraStandIn, always_accepted
from local.processes import ManagedProcess, python_module
from local.stack.certificates import Certificates, make_certificates
from local.standin import server_tls, serving, tokens

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

KEY = b"k" * 32
TENANT = "11111111-1111-1111-1111-111111111111"
CLIENT = "22222222-2222-2222-2222-222222222222"
PRINCIPAL = "33333333-3333-3333-3333-333333333333"
GRAPH = "https://graph.microsoft.com"
GOOD = {
    "grant_type": "client_credentials",
    "client_id": CLIENT,
    "client_secret": "right",
    "scope": f"{GRAPH}/.default",
}


@dataclass(frozen=True)
class Site:
    """A stand-in that is being served."""

    url: str
    tls: ssl.SSLContext
    certificates: Certificates

    @property
    def trust(self) -> str:
        """The authority's file, for the SDKs' `connection_verify`."""
        return str(self.certificates.authority)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """The authority that clients here trust."""
    return make_certificates(tmp_path_factory.mktemp("tls"))


@asynccontextmanager
async def entra(certificates: Certificates, lifetime_seconds: int = 3599) -> AsyncIterator[Site]:
    """An Entra that knows one client, with the secret "right"."""
    registration = Registration(TENANT, CLIENT, PRINCIPAL, (always_accepted("right"),))
    standin = EntraStandIn(registration, KEY, lifetime_seconds)
    tls = server_tls(str(certificates.certificate), str(certificates.key))
    async with serving(standin, tls) as url:
        trust = ssl.create_default_context(cafile=str(certificates.authority))
        yield Site(url, trust, certificates)


async def ask(site: Site, form: dict[str, str], tenant: str = TENANT) -> tuple[int, dict[str, Any]]:
    """The answer to a token request by hand: status and JSON."""
    url = f"{site.url}/{tenant}/oauth2/v2.0/token"
    async with aiohttp.ClientSession() as session, session.post(url, data=form, ssl=site.tls) as response:
        return response.status, await response.json()


async def control(site: Site, config: dict[str, object]) -> None:
    """Change the stand-in's configuration."""
    url = f"{site.url}/_control/config"
    async with aiohttp.ClientSession() as session, session.put(url, json=config, ssl=site.tls) as response:
        assert response.status == 200


async def test_the_async_credential_gets_a_token_for_the_resource(certificates: Certificates) -> None:
    """azure-identity's async client gets a good token for the right audience that names the app."""
    async with (
        entra(certificates) as site,
        ClientSecretCredential(
            TENANT, CLIENT, "right", authority=site.url, connection_verify=site.trust
        ) as credential,
    ):
        token = (await credential.get_token(f"{GRAPH}/.default")).token
    assert tokens.check(KEY, token, GRAPH) is None
    claims = tokens.read_claims(token)
    assert (claims["tid"], claims["appid"], claims["oid"]) == (TENANT, CLIENT, PRINCIPAL)


async def test_the_sync_credential_finds_the_token_endpoint_by_discovery(certificates: Certificates) -> None:
    """azure-identity's sync client reads the OpenID document first and gets its token too."""

    def get_token(site: Site) -> str:
        with SyncClientSecretCredential(
            TENANT,
            CLIENT,
            "right",
            authority=site.url,
            connection_verify=site.trust,
            disable_instance_discovery=True,
        ) as credential:
            return credential.get_token(f"{GRAPH}/.default").token

    async with entra(certificates) as site:
        token = await asyncio.to_thread(get_token, site)
    assert tokens.check(KEY, token, GRAPH) is None


async def test_a_wrong_secret_reaches_the_application_with_its_code(certificates: Certificates) -> None:
    """The credential raises with AADSTS7000215 when the secret is wrong."""
    async with (
        entra(certificates) as site,
        ClientSecretCredential(
            TENANT, CLIENT, "wrong", authority=site.url, connection_verify=site.trust
        ) as credential,
    ):
        with pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
            await credential.get_token(f"{GRAPH}/.default")


@pytest.mark.parametrize(
    ("change", "status", "error", "code"),
    [
        ({"client_id": "nobody"}, 400, "unauthorized_client", 700016),
        ({"client_secret": "wröng"}, 401, "invalid_client", 7000215),
        ({"client_secret": ""}, 401, "invalid_client", 7000216),
        ({"scope": GRAPH}, 400, "invalid_scope", 1002012),
        ({"scope": "api://x/.default"}, 400, "invalid_scope", 1002012),
        ({"scope": f"{GRAPH}/.default openid"}, 400, "invalid_scope", 70011),
        ({"scope": ""}, 400, "invalid_request", 900144),
        ({"grant_type": ""}, 400, "invalid_request", 900144),
        ({"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
    ],
)
async def test_mistakes_are_refused_as_entra_does(
    certificates: Certificates, change: dict[str, str], status: int, error: str, code: int
) -> None:
    """Each mistake in a request has its own status, error and AADSTS code."""
    async with entra(certificates) as site:
        answered, body = await ask(site, {**GOOD, **change})
    assert (answered, body["error"], body["error_codes"]) == (status, error, [code])
    assert body["error_description"].startswith(f"AADSTS{code}: ")
    assert "wröng" not in str(body)


async def test_another_tenant_is_not_found(certificates: Certificates) -> None:
    """A tenant that isn't ours is AADSTS90002."""
    async with entra(certificates) as site:
        status, body = await ask(site, GOOD, tenant="contoso.example")
    assert (status, body["error_codes"]) == (400, [90002])


async def test_only_forms_are_understood(certificates: Certificates) -> None:
    """A JSON body counts as an empty request."""
    async with entra(certificates) as site, aiohttp.ClientSession() as session:
        url = f"{site.url}/{TENANT}/oauth2/v2.0/token"
        async with session.post(url, json=GOOD, ssl=site.tls) as response:
            assert (response.status, (await response.json())["error_codes"]) == (400, [900144])


async def test_secrets_have_a_start_and_an_end(certificates: Certificates) -> None:
    """Of several secrets only those valid now are accepted; expired ones are told from wrong ones."""
    async with entra(certificates) as site:
        past, future = "2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z"
        secrets = [
            {"value": "old", "end": past},
            {"value": "current", "start": past, "end": future},
            {"value": "next", "start": future},
        ]
        await control(site, {"secrets": secrets})
        answers = {
            each: await ask(site, {**GOOD, "client_secret": each})
            for each in ("old", "current", "next", "right")
        }
    assert answers["current"][0] == 200
    assert answers["old"][1]["error_codes"] == [7000222]
    assert answers["next"][1]["error_codes"] == [7000215]
    assert answers["right"][1]["error_codes"] == [7000215]


async def test_the_token_lifetime_can_be_changed(certificates: Certificates) -> None:
    """A changed lifetime holds for what is issued from then on."""
    async with entra(certificates) as site:
        await control(site, {"tokenLifetimeSeconds": 0})
        _, body = await ask(site, GOOD)
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 0)
    assert tokens.check(KEY, body["access_token"], GRAPH) == "expired"


async def test_the_program_serves_over_tls(certificates: Certificates) -> None:
    """`python -m local.entra` says when it is ready and issues tokens with the key from its environment."""
    options = ["--tenant-id", TENANT, "--client-id", CLIENT, "--object-id", PRINCIPAL]
    options += ["--resource", GRAPH + "/", "--cert", str(certificates.certificate)]
    options += ["--key", str(certificates.key)]
    environment = {tokens.KEY_VARIABLE: KEY.hex(), "LOCAL_CLIENT_SECRET": "right"}
    program = ManagedProcess("entra", python_module("local.entra", *options), environment=environment)
    async with program:
        site = Site(program.url, ssl.create_default_context(cafile=str(certificates.authority)), certificates)
        _, known = await ask(site, GOOD)
        _, unknown = await ask(site, {**GOOD, "scope": "https://other.example/.default"})
    assert tokens.check(KEY, known["access_token"], GRAPH) is None
    assert unknown["error_codes"] == [500011]


IDENTITY = Identity(TENANT, PRINCIPAL, CLIENT)
USER_ASSIGNED = Identity(TENANT, PRINCIPAL, CLIENT, user_assigned=True)
VAULT = "https://vault.azure.net"
MSI = {"resource": VAULT, "api-version": "2019-08-01"}


async def ask_identity(
    query: dict[str, str], headers: dict[str, str], identity: Identity = IDENTITY
) -> tuple[int, dict[str, Any]]:
    """The managed-identity endpoint's answer to a request by hand."""
    standin = ManagedIdentityStandIn(identity, "header-value", KEY)
    async with (
        serving(standin, None) as url,
        aiohttp.ClientSession() as session,
        session.get(f"{url}/msi/token", params=query, headers=headers) as response,
    ):
        return response.status, await response.json()


@pytest.mark.parametrize("identity", [IDENTITY, USER_ASSIGNED])
async def test_the_real_credential_gets_a_token_of_the_identity(
    monkeypatch: pytest.MonkeyPatch, identity: Identity
) -> None:
    """azure-identity finds the endpoint by its variables, and names a user-assigned identity by client id."""
    async with serving(ManagedIdentityStandIn(identity, "header-value", KEY), None) as url:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{url}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", "header-value")
        client_id = CLIENT if identity.user_assigned else None
        async with ManagedIdentityCredential(client_id=client_id) as credential:
            token = (await credential.get_token(f"{VAULT}/.default")).token
    assert tokens.check(KEY, token, VAULT) is None
    assert tokens.read_claims(token)["oid"] == PRINCIPAL


async def test_the_real_credential_is_unavailable_with_a_wrong_header(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A wrong header value ends in azure-identity's error, not in a token."""
    async with serving(ManagedIdentityStandIn(IDENTITY, "header-value", KEY), None) as url:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{url}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", "other")
        async with ManagedIdentityCredential() as credential:
            with pytest.raises((ClientAuthenticationError, CredentialUnavailableError)):
                await credential.get_token(f"{VAULT}/.default")


@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [
        (MSI, {}, 400),
        (MSI, {"X-IDENTITY-HEADER": "wrong"}, 401),
        (MSI | {"api-version": "2017-09-01"}, {"X-IDENTITY-HEADER": "header-value"}, 400),
        ({"api-version": "2019-08-01"}, {"X-IDENTITY-HEADER": "header-value"}, 400),
        (MSI | {"resource": GRAPH}, {"X-IDENTITY-HEADER": "header-value"}, 400),
        (MSI | {"client_id": CLIENT}, {"X-IDENTITY-HEADER": "header-value"}, 400),
        (MSI | {"scope": "x"}, {"X-IDENTITY-HEADER": "header-value"}, 400),
    ],
)
async def test_the_identity_endpoint_answers_nothing_else(
    query: dict[str, str], headers: dict[str, str], status: int
) -> None:
    """Whatever azure-identity wouldn't send for this app is refused, without a token in the answer."""
    answered, body = await ask_identity(query, headers)
    assert answered == status
    assert "access_token" not in body


async def test_a_user_assigned_identity_has_to_be_named() -> None:
    """Without its client id a user-assigned identity gets no token."""
    status, _ = await ask_identity(MSI, {"X-IDENTITY-HEADER": "header-value"}, USER_ASSIGNED)
    assert status == 400


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        (tokens.issue(KEY, GRAPH, 3600), None),
        (tokens.issue(KEY, GRAPH + "/", 3600), None),
        (tokens.issue(b"o" * 32, GRAPH, 3600), "bad signature"),
        (tokens.issue(KEY, VAULT, 3600), "wrong audience"),
        (tokens.issue(KEY, GRAPH, -1), "expired"),
        ("no token", "malformed"),
        ("", "malformed"),
    ],
)
def test_tokens_are_checked_for_each_fault(token: str, reason: str | None) -> None:
    """A service learns why a token is no good."""
    assert tokens.check(KEY, token, GRAPH) == reason


@pytest.mark.parametrize("value", ["", "xyz", "00" * 31])
def test_a_bad_shared_key_is_refused(value: str) -> None:
    """A missing, unreadable or short key stops a stand-in with the variable's name."""
    with pytest.raises(ValueError, match="LOCAL_TOKEN_KEY"):
        tokens.key_from_environment({"LOCAL_TOKEN_KEY": value})
