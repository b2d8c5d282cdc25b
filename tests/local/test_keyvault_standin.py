"""The stand-in for Key Vault, met by the real secrets client and the real managed-identity credential."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.identity import DefaultAzureCredential as SyncDefaultAzureCredential
from azure.identity.aio import DefaultAzureCredential
from azure.keyvault.secrets import SecretClient as SyncSecretClient
from azure.keyvault.secrets.aio import SecretClient

from local.entra.managed_identity import Identity, ManagedIdentityStandIn
from local.keyvault.standin import KeyVaultStandIn
from local.processes import ManagedProcess, python_module
from local.stack.certificates import Certificates, make_certificates
from local.standin import server_tls, serving, tokens

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

KEY = b"k" * 32
TENANT = "11111111-1111-1111-1111-111111111111"
PRINCIPAL = "33333333-3333-3333-3333-333333333333"
VAULT = "https://vault.azure.net"
API = {"api-version": "7.6"}


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """The authority that clients here trust."""
    return make_certificates(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def vault() -> KeyVaultStandIn:
    """A vault with one secret, which the app's identity may read."""
    standin = KeyVaultStandIn(f"https://login.example/{TENANT}", KEY, [PRINCIPAL])
    standin.vault.put("the-secret", "first")
    return standin


@asynccontextmanager
async def served(
    vault: KeyVaultStandIn, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[str]:
    """Serve the vault, and beside it the managed identity whose variables azure-identity reads."""
    identity = ManagedIdentityStandIn(Identity(TENANT, PRINCIPAL, "client"), "header", KEY)
    tls = server_tls(str(certificates.certificate), str(certificates.key))
    async with serving(identity, None) as identity_url, serving(vault, tls) as url:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{identity_url}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", "header")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificates.authority))
        yield url


@asynccontextmanager
async def async_client(url: str, certificates: Certificates) -> AsyncIterator[SecretClient]:
    """The real async client with the real default credential."""
    # aiohttp has read SSL_CERT_FILE when it was imported, too early for a test; hence connection_verify.
    trust = str(certificates.authority)
    async with (
        DefaultAzureCredential() as credential,
        SecretClient(url, credential, verify_challenge_resource=False, connection_verify=trust) as client,
    ):
        yield client


async def get(
    url: str, certificates: Certificates, path: str, query: dict[str, str], token: str | None
) -> tuple[int, dict[str, Any], str]:
    """Status, JSON and challenge of a request by hand."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    tls = ssl.create_default_context(cafile=str(certificates.authority))
    async with (
        aiohttp.ClientSession() as session,
        session.get(url + path, params=query, headers=headers, ssl=tls) as response,
    ):
        return response.status, await response.json(), response.headers.get("WWW-Authenticate", "")


async def change(url: str, certificates: Certificates, method: str, path: str, body: dict[str, Any]) -> Any:
    """Use the control plane."""
    tls = ssl.create_default_context(cafile=str(certificates.authority))
    address = f"{url}/_control/{path}"
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, address, json=body, ssl=tls) as response,
    ):
        assert response.status == 200
        return await response.json()


async def test_the_async_client_reads_the_current_and_an_older_version(
    vault: KeyVaultStandIn, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a rotation the name gives the new value and the old version still gives the old one."""
    async with served(vault, certificates, monkeypatch) as url, async_client(url, certificates) as client:
        before = await client.get_secret("the-secret")
        await change(url, certificates, "POST", "secrets/the-secret", {"value": "second"})
        after = await client.get_secret("THE-secret")
        older = await client.get_secret("the-secret", before.properties.version)
    assert (before.value, after.value, older.value) == ("first", "second", "first")
    assert before.properties.version != after.properties.version
    assert [entry.status for entry in vault.requests[:2]] == [401, 200]


async def test_the_sync_client_reads_a_secret(
    vault: KeyVaultStandIn, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sync client, trusting our authority by the environment, follows the challenge too."""

    def read(url: str) -> str | None:
        with (
            SyncDefaultAzureCredential() as credential,
            SyncSecretClient(url, credential, verify_challenge_resource=False) as client,
        ):
            return client.get_secret("the-secret").value

    async with served(vault, certificates, monkeypatch) as url:
        assert await asyncio.to_thread(read, url) == "first"


async def test_the_client_refuses_our_challenge_unless_told_otherwise(
    vault: KeyVaultStandIn, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A vault on localhost fails the client's check of the challenge's resource, like any foreign host."""
    trust = str(certificates.authority)
    async with (
        served(vault, certificates, monkeypatch) as url,
        DefaultAzureCredential() as credential,
        SecretClient(url, credential, connection_verify=trust) as client,
    ):
        with pytest.raises(ValueError, match="does not match the requested domain"):
            await client.get_secret("the-secret")


async def test_versions_are_listed_page_by_page_without_values(
    vault: KeyVaultStandIn, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real client reads all versions over several pages: their times, and which are disabled."""
    made = [vault.vault.put("the-secret", f"value {number}") for number in range(30)]
    vault.vault.enable("the-secret", made[7].version, enabled=False)
    async with served(vault, certificates, monkeypatch) as url, async_client(url, certificates) as client:
        listed = [each async for each in client.list_properties_of_secret_versions("the-secret")]
        few = client.list_properties_of_secret_versions("the-secret", max_page_size=20)
        pages = [[each async for each in page] async for page in few.by_page()]
    oldest_first = sorted(listed, key=lambda each: (each.created_on is None, each.created_on))
    assert [each.version for each in oldest_first[1:]] == [each.version for each in made]
    assert [each.version for each in listed if not each.enabled] == [made[7].version]
    assert len({each.created_on for each in listed}) == 31
    assert [len(page) for page in pages] == [20, 11]
    assert [entry.status for entry in vault.requests] == [401, *([200] * 4)]


async def test_a_list_of_versions_holds_no_value(
    vault: KeyVaultStandIn, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the list says of a version is its id and attributes; a size out of bounds is refused."""
    token = tokens.issue(KEY, VAULT, 60, {"oid": PRINCIPAL})
    path = "/secrets/the-secret/versions"
    async with served(vault, certificates, monkeypatch) as url:
        status, body, _ = await get(url, certificates, path, API, token)
        refused, _, _ = await get(url, certificates, path, {**API, "maxresults": "26"}, token)
    assert (status, body["nextLink"], refused) == (200, None, 400)
    assert [set(each) for each in body["value"]] == [{"id", "attributes", "tags"}]


@pytest.mark.parametrize(("lists_unknown", "status"), [(True, 200), (False, 404)])
async def test_versions_of_an_unknown_secret(
    vault: KeyVaultStandIn,
    certificates: Certificates,
    monkeypatch: pytest.MonkeyPatch,
    *,
    lists_unknown: bool,
    status: int,
) -> None:
    """What Key Vault says of a secret that was never there is not documented: both are played."""
    vault.lists_unknown = lists_unknown
    token = tokens.issue(KEY, VAULT, 60, {"oid": PRINCIPAL})
    async with served(vault, certificates, monkeypatch) as url:
        answered, body, _ = await get(url, certificates, "/secrets/none/versions", API, token)
    assert (answered, body.get("value", [])) == (status, [])


async def test_an_unknown_secret_is_not_found(
    vault: KeyVaultStandIn, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing secret is Key Vault's SecretNotFound."""
    async with served(vault, certificates, monkeypatch) as url, async_client(url, certificates) as client:
        with pytest.raises(ResourceNotFoundError, match="SecretNotFound"):
            await client.get_secret("no-such-secret")
        with pytest.raises(ResourceNotFoundError, match="SecretNotFound"):
            await client.get_secret("the-secret", "0" * 32)


async def test_a_disabled_secret_is_forbidden(
    vault: KeyVaultStandIn, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disabled secret answers 403 with the inner code SecretDisabled, until it is enabled again."""
    async with served(vault, certificates, monkeypatch) as url, async_client(url, certificates) as client:
        await change(url, certificates, "PATCH", "secrets/the-secret", {"enabled": False})
        with pytest.raises(HttpResponseError) as caught:
            await client.get_secret("the-secret")
        await change(url, certificates, "PATCH", "secrets/the-secret", {"enabled": True})
        assert (await client.get_secret("the-secret")).value == "first"
    assert caught.value.status_code == 403
    assert caught.value.response is not None
    assert "SecretDisabled" in caught.value.response.text()


async def test_an_identity_without_permission_is_forbidden(
    vault: KeyVaultStandIn, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A good token of somebody else is 403 Forbidden."""
    async with served(vault, certificates, monkeypatch) as url, async_client(url, certificates) as client:
        await change(url, certificates, "PUT", "permitted", {"principals": ["somebody-else"]})
        with pytest.raises(HttpResponseError, match="Forbidden") as caught:
            await client.get_secret("the-secret")
    assert caught.value.status_code == 403


@pytest.mark.parametrize(
    ("token", "words"),
    [
        (None, "AKV10000"),
        ("not a token", "malformed"),
        (tokens.issue(b"o" * 32, VAULT, 60), "bad signature"),
        (tokens.issue(KEY, "https://graph.microsoft.com", 3600), "AKV10022"),
        (tokens.issue(KEY, VAULT, -1), "expired"),
    ],
)
async def test_without_a_good_token_there_is_a_challenge(
    vault: KeyVaultStandIn,
    certificates: Certificates,
    monkeypatch: pytest.MonkeyPatch,
    token: str | None,
    words: str,
) -> None:
    """No token, or a bad one, is 401 with a challenge that names authority and resource."""
    async with served(vault, certificates, monkeypatch) as url:
        status, body, challenge = await get(url, certificates, "/secrets/the-secret", API, token)
    assert status == 401
    assert words in body["error"]["message"]
    assert challenge.startswith(f'Bearer authorization="https://login.example/{TENANT}", resource="{VAULT}"')


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/secrets/the-secret", {}),
        ("/secrets/the-secret", {"api-version": "1999-01-01"}),
        ("/secrets/the_secret", API),
    ],
)
async def test_bad_requests_are_refused(
    vault: KeyVaultStandIn,
    certificates: Certificates,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    query: dict[str, str],
) -> None:
    """A missing or unknown api-version, or an impossible name, is BadParameter."""
    token = tokens.issue(KEY, VAULT, 60, {"oid": PRINCIPAL})
    async with served(vault, certificates, monkeypatch) as url:
        status, body, _ = await get(url, certificates, path, query, token)
    assert (status, body["error"]["code"]) == (400, "BadParameter")


async def test_a_wrong_header_at_the_identity_endpoint_means_no_secret(
    vault: KeyVaultStandIn, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The chain from identity to secret breaks where it should."""
    async with served(vault, certificates, monkeypatch) as url:
        monkeypatch.setenv("IDENTITY_HEADER", "wrong")
        async with async_client(url, certificates) as client:
            with pytest.raises(ClientAuthenticationError):
                await client.get_secret("the-secret")


async def test_the_program_starts_with_a_secret(certificates: Certificates) -> None:
    """`python -m local.keyvault` serves the secret that its environment holds."""
    options = ["--authority", f"https://login.example/{TENANT}", "--permit", PRINCIPAL]
    options += ["--secret-name", "the-secret"]
    options += ["--cert", str(certificates.certificate), "--key", str(certificates.key)]
    environment = {tokens.KEY_VARIABLE: KEY.hex(), "LOCAL_CLIENT_SECRET": "value"}
    program = ManagedProcess("keyvault", python_module("local.keyvault", *options), environment=environment)
    async with program:
        token = tokens.issue(KEY, VAULT, 60, {"oid": PRINCIPAL})
        status, body, _ = await get(program.url, certificates, "/secrets/the-secret", API, token)
    assert (status, body["value"]) == (200, "value")
