"""The parts that the Azure adapters are tried on: Azurite, and Entra and Key Vault stand-ins over TLS."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import aiohttp.connector
import pytest
import pytest_asyncio

from booking_sync.azure.entra.credential import AppRegistrationCredential
from booking_sync.azure.entra.proofs import Registration
from booking_sync.azure.key_vault.secrets import KeyVaultSecret
from local.entra.managed_identity import PATH, Identity, ManagedIdentityStandIn
from local.entra.registration import Registration as EntraRegistration
from local.entra.standin import EntraStandIn, always_accepted
from local.keyvault.standin import KeyVaultStandIn
from local.stack.azurite import azurite, random_account
from local.stack.certificates import Certificates, make_certificates
from local.standin import server_tls, serving

TENANT = "0d1e2f30-1111-4222-8333-444455556666"
CLIENT = "9a8b7c6d-1111-4222-8333-444455556666"
PRINCIPAL = "5e6f7a8b-1111-4222-8333-444455556666"
SECRET_NAME = "booking-sync-client-secret"
FIRST_SECRET = "the-first-client-secret-value"
SECOND_SECRET = "the-second-client-secret-value"
GRAPH_SCOPE = "https://graph.microsoft.com/.default"
DATAVERSE_SCOPE = "https://contoso.crm4.dynamics.com/.default"


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """A throwaway authority that this process trusts, and a certificate of its for localhost."""
    made = make_certificates(tmp_path_factory.mktemp("tls"))
    # aiohttp makes its TLS context once, at its import, so SSL_CERT_FILE would come too late in this process.
    trusted = aiohttp.connector._SSL_CONTEXT_VERIFIED  # noqa: SLF001 - see above; there is no public way
    trusted.load_verify_locations(cafile=made.authority)
    return made


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def storage(certificates: Certificates) -> AsyncIterator[str]:
    """The connection string of an Azurite."""
    async with azurite(certificates, random_account()) as process:
        yield process.url


@dataclass
class Cloud:
    """Entra, the managed identity's endpoint and the vault of one test."""

    entra: EntraStandIn
    identity: ManagedIdentityStandIn
    keyvault: KeyVaultStandIn
    entra_url: str
    vault_url: str

    def rotate(self, value: str) -> None:
        """Put a new secret into the vault and let Entra accept nothing else."""
        self.keyvault.vault.put(SECRET_NAME, value)
        self.expect(value)

    def expect(self, value: str) -> None:
        """Let Entra accept this secret only."""
        self.entra.registration = replace(self.entra.registration, secrets=(always_accepted(value),))

    def secret(self, name: str = SECRET_NAME, *, verify_challenge: bool = False) -> KeyVaultSecret:
        """The product's reader of the vault."""
        return KeyVaultSecret(self.vault_url, name, verify_challenge=verify_challenge)

    def credential(self, hold_seconds: float = 30.0) -> AppRegistrationCredential:
        """The product's credential on top of it."""
        return AppRegistrationCredential(
            Registration(TENANT, CLIENT, self.entra_url), self.secret(), hold_seconds=hold_seconds
        )

    def token_requests(self) -> list[int]:
        """Statuses of Entra's answers so far."""
        return [request.status for request in self.entra.requests]

    def secret_reads(self) -> int:
        """How often the vault was asked with a token; its challenges don't count."""
        return sum(1 for request in self.keyvault.requests if "authorization" in request.headers)


@pytest.fixture
def identity_header(monkeypatch: pytest.MonkeyPatch) -> str:
    """What the managed-identity endpoint wants to see; no other identity is configured."""
    header = secrets.token_hex(8)
    for name in ("AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_SECRET", "AZURE_TOKEN_CREDENTIALS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("IDENTITY_HEADER", header)
    return header


@pytest_asyncio.fixture
async def cloud(
    certificates: Certificates, identity_header: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Cloud]:
    """The chain that a secret and a token come along."""
    key = secrets.token_bytes(32)
    tls = server_tls(str(certificates.certificate), str(certificates.key))
    registration = EntraRegistration(TENANT, CLIENT, PRINCIPAL, (always_accepted(FIRST_SECRET),))
    entra = EntraStandIn(registration, key)
    identity = ManagedIdentityStandIn(Identity(TENANT, PRINCIPAL, CLIENT), identity_header, key)
    async with contextlib.AsyncExitStack() as stack:
        entra_url = await stack.enter_async_context(serving(entra, tls))
        identity_url = await stack.enter_async_context(serving(identity, None))
        keyvault = KeyVaultStandIn(f"{entra_url}/{TENANT}", key, [PRINCIPAL])
        keyvault.vault.put(SECRET_NAME, FIRST_SECRET)
        vault_url = await stack.enter_async_context(serving(keyvault, tls))
        monkeypatch.setenv("IDENTITY_ENDPOINT", identity_url + PATH)
        yield Cloud(entra, identity, keyvault, entra_url, vault_url)
