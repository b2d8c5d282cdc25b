"""Whatever is refused is renewed at its own link of the chain: alone and together, without a storm."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from booking_sync.azure.connections import platform_credential
from booking_sync.azure.entra.credential import AppRegistrationCredential
from booking_sync.azure.entra.proofs import (
    AssertionSource,
    CertificateProof,
    IdentityProof,
    Registration,
    SecretProof,
    exchange_audience,
)
from booking_sync.azure.key_vault.seal_keys import VaultSealKeys
from booking_sync.azure.key_vault.secrets import KeyVaultSecret
from booking_sync.errors import TransientError
from booking_sync.wiring.basics import now
from local.entra.certificates import RegisteredCertificate
from local.entra.registration import FederatedCredential, issuer_of
from local.stack.client_certificate import PEM_TYPE, PKCS12_TYPE, make_client_certificate
from local.standin import tokens
from local.standin.faults import Fault
from tests.azure.conftest import (
    CLIENT,
    DATAVERSE_SCOPE,
    GRAPH_SCOPE,
    PRINCIPAL,
    SECOND_SECRET,
    SECRET_NAME,
    TENANT,
)

if TYPE_CHECKING:
    from booking_sync.azure.entra.proofs import Proof
    from local.stack.client_certificate import ClientCertificate
    from tests.azure.conftest import Cloud

CERTIFICATE = "booking-sync-client-certificate"
KINDS = ("secret", "federated", "pem", "pkcs12")


class Chain:
    """The stand-ins of one kind of proof, and how each link of it is broken."""

    def __init__(self, cloud: Cloud, kind: str) -> None:
        self.cloud = cloud
        self.kind = kind
        self._lifetime = 24 * 3600
        if kind == "federated":
            trusted = FederatedCredential(issuer_of(TENANT), PRINCIPAL)
            self.trust(trusted)
        elif kind != "secret":
            self.keep(make_client_certificate())

    def trust(self, *trusted: FederatedCredential) -> None:
        """What Entra takes of managed identities; no secret."""
        registration = replace(self.cloud.entra.registration, secrets=(), federated=trusted)
        self.cloud.entra.registration = registration

    def keep(self, certificate: ClientCertificate) -> None:
        """Put it into the vault and let Entra take nothing else."""
        pkcs12 = self.kind == "pkcs12"
        value, form = (certificate.pkcs12, PKCS12_TYPE) if pkcs12 else (certificate.pem, PEM_TYPE)
        self.cloud.keyvault.vault.put(CERTIFICATE, value, None, form)
        known = (RegisteredCertificate.from_pem(certificate.public_pem),)
        registration = replace(self.cloud.entra.registration, secrets=(), certificates=known)
        self.cloud.entra.registration = registration

    def credential(self, hold_seconds: float = 0.0) -> AppRegistrationCredential:
        """The product's, of this kind."""
        registration = Registration(TENANT, CLIENT, self.cloud.entra_url)
        proof: Proof = SecretProof()
        if self.kind == "federated":
            source = AssertionSource(self.cloud.entra_url)
            return AppRegistrationCredential(registration, source, IdentityProof(), hold_seconds=hold_seconds)
        name = SECRET_NAME
        if self.kind != "secret":
            proof, name = CertificateProof(), CERTIFICATE
        vault = KeyVaultSecret(self.cloud.vault_url, name, verify_challenge=False)
        return AppRegistrationCredential(registration, vault, proof, hold_seconds=hold_seconds)

    def break_proof(self) -> None:
        """Entra refuses the proof in use, and would take a newer one."""
        if self.kind == "federated":
            self.cloud.entra.faults.add(Fault(path="/token", status=401, body=_refusal(700024)))
            self.tell_identities_apart()
        elif self.kind == "secret":
            self.cloud.rotate(SECOND_SECRET)
        else:
            self.keep(make_client_certificate())

    def break_identity_token(self) -> None:
        """The vault refuses the managed identity's tokens of until now."""
        self.cloud.keyvault.revoke()
        self.tell_identities_apart()

    def tell_identities_apart(self) -> None:
        """The identity's next token is another: within a second it would be the same."""
        self._lifetime -= 1
        self.cloud.identity.lifetime_seconds = self._lifetime


def _refusal(code: int) -> dict[str, object]:
    return {"error": "invalid_client", "error_description": f"AADSTS{code}: no.", "error_codes": [code]}


@pytest.mark.parametrize("kind", KINDS)
async def test_each_proof_gets_tokens_for_both_services(cloud: Cloud, kind: str) -> None:
    """For Graph and Dataverse alike; of the certificate's two forms either will do."""
    async with Chain(cloud, kind).credential() as credential:
        for scope in (GRAPH_SCOPE, DATAVERSE_SCOPE):
            claims = tokens.read_claims((await credential.get_token(scope)).token)
            assert (f"{claims['aud']}/.default", claims["appid"]) == (scope, CLIENT)
    assert len(cloud.identity.requests) == 1
    assert cloud.token_requests() == [200, 200]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("broken", ["token", "proof", "identity", "all"])
async def test_each_link_is_renewed_alone_and_together(cloud: Cloud, kind: str, broken: str) -> None:
    """A refused token by Entra, a refused proof by its source, a refused identity's token by the identity."""
    chain = Chain(cloud, kind)
    async with chain.credential() as credential:
        first = await credential.get_token(GRAPH_SCOPE)
        cloud.entra.lifetime_seconds = 1800
        if broken in ("proof", "all"):
            chain.break_proof()
        if broken in ("identity", "all"):
            chain.break_identity_token()
            cloud.entra.lifetime_seconds = 1700
        credential.renew()
        assert (await credential.get_token(GRAPH_SCOPE)).token != first.token
        assert (await credential.get_token(DATAVERSE_SCOPE)).token
    again = {"token": 0, "proof": kind == "federated", "identity": 0, "all": 1}
    assert len(cloud.identity.requests) == 1 + again[broken]


async def test_the_seal_s_keys_are_read_with_a_new_token_too(cloud: Cloud) -> None:
    """The vault's second reader has the same link."""
    cloud.keyvault.vault.put("seal", "a2V5" * 12)
    keys = VaultSealKeys(cloud.vault_url, "seal", now, verify_challenge=False)
    await keys.load()
    cloud.keyvault.revoke()
    cloud.identity.lifetime_seconds = 7200
    assert (await keys.load()).accepted
    await keys.close()
    assert len(cloud.identity.requests) == 2


async def test_a_vault_that_refuses_every_token_makes_no_storm(cloud: Cloud) -> None:
    """However often it is asked, the managed identity is asked again once in the pause."""
    refuse = Fault(
        path="/secrets",
        times=-1,
        status=401,
        headers={
            "WWW-Authenticate": f'Bearer authorization="{cloud.entra_url}/{TENANT}", resource="https://vault.azure.net"'
        },
    )
    secret = cloud.secret()
    await secret.fetch()
    cloud.keyvault.faults.add(refuse)
    for _ in range(5):
        with pytest.raises(TransientError, match="HTTP 401"):
            await secret.fetch()
    await secret.close()
    assert len(cloud.identity.requests) == 2


async def test_a_late_refusal_of_a_former_token_renews_nothing(cloud: Cloud) -> None:
    """Of many requests that are refused together, the last ones speak of a token that is replaced already."""
    identity = platform_credential()
    first = await identity.get_token("https://vault.azure.net/.default")
    cloud.identity.lifetime_seconds = 7200
    identity.refused(first.token)
    second = await identity.get_token("https://vault.azure.net/.default")
    identity.refused(first.token)
    third = await identity.get_token("https://vault.azure.net/.default")
    await identity.close()
    assert first.token != second.token == third.token
    assert len(cloud.identity.requests) == 2


async def test_an_assertion_is_renewed_before_it_ends(cloud: Cloud) -> None:
    """Entra never sees one that has expired; the vault is not asked for any of it."""
    chain = Chain(cloud, "federated")
    cloud.identity.lifetime_seconds = 200
    async with chain.credential() as credential:
        await credential.get_token(GRAPH_SCOPE)
        cloud.identity.lifetime_seconds = 7200
        cloud.entra.lifetime_seconds = 1800
        await credential.get_token(GRAPH_SCOPE)
        await credential.get_token(GRAPH_SCOPE)
    assert cloud.token_requests() == [200, 200]
    assert (len(cloud.identity.requests), cloud.secret_reads()) == (2, 0)


@pytest.mark.parametrize(
    ("trusted", "code", "says"),
    [
        (FederatedCredential(issuer_of(TENANT), PRINCIPAL.upper()), "AADSTS700213", f"subject '{PRINCIPAL}'"),
        (FederatedCredential("https://other/", PRINCIPAL), "AADSTS700211", f"issuer '{issuer_of(TENANT)}'"),
        (
            FederatedCredential(issuer_of(TENANT), PRINCIPAL, "api://Other"),
            "AADSTS7002121",
            "audience 'api://AzureADTokenExchange'",
        ),
        (None, "AADSTS70025", f"subject '{PRINCIPAL}'"),
    ],
    ids=["subject", "issuer", "audience", "none at all"],
)
async def test_what_the_federated_credential_lacks_is_told(
    cloud: Cloud, trusted: FederatedCredential | None, code: str, says: str
) -> None:
    """Entra takes any text when it is made; the exchange tells what it must be, with the command to look."""
    chain = Chain(cloud, "federated")
    chain.trust(*([trusted] if trusted else []))
    async with chain.credential(hold_seconds=30) as credential:
        for _ in range(3):
            with pytest.raises(TransientError, match="federated-credential list") as caught:
                await credential.get_token(GRAPH_SCOPE)
    assert f"({code})" in caught.value.reason
    assert says in caught.value.reason
    assert len(cloud.token_requests()) <= 2, "no storm"


async def test_a_federated_credential_that_is_mended_counts_without_a_restart(cloud: Cloud) -> None:
    """As it does when a new one takes minutes to arrive."""
    chain = Chain(cloud, "federated")
    chain.trust(FederatedCredential(issuer_of(TENANT), CLIENT))
    async with chain.credential() as credential:
        with pytest.raises(TransientError, match="AADSTS700213"):
            await credential.get_token(GRAPH_SCOPE)
        chain.trust(FederatedCredential(issuer_of(TENANT), PRINCIPAL))
        assert (await credential.get_token(GRAPH_SCOPE)).token


async def test_without_an_identity_a_command_is_told_what_to_do(cloud: Cloud) -> None:
    """A laptop has none; nobody's `az login` speaks for the app registration."""
    cloud.identity.faults.add(Fault(times=-1, status=400, body={"message": "no identity"}))
    async with Chain(cloud, "federated").credential() as credential:
        with pytest.raises(TransientError, match=r"AZURE_CLIENT_ID.*ENTRA_CLIENT_SECRET, or CREDENTIAL=cert"):
            await credential.get_token(GRAPH_SCOPE)


@pytest.mark.parametrize(
    "text", ["no certificate", "bm8gY2VydGlmaWNhdGU=", "-----BEGIN NOTHING-----", "\u00e4"]
)
async def test_a_certificate_that_is_none_is_named(cloud: Cloud, text: str) -> None:
    """Without its text, which may be a key; a good one is picked up by itself."""
    chain = Chain(cloud, "pem")
    cloud.keyvault.vault.put(CERTIFICATE, text)
    async with chain.credential() as credential:
        with pytest.raises(TransientError, match="certificate in Key Vault can't be used") as caught:
            await credential.get_token(GRAPH_SCOPE)
        assert text not in caught.value.reason
        chain.keep(make_client_certificate())
        assert (await credential.get_token(GRAPH_SCOPE)).token


async def test_a_certificate_that_entra_does_not_know_is_named(cloud: Cloud) -> None:
    """With the command that makes a new one."""
    chain = Chain(cloud, "pem")
    cloud.entra.registration = replace(cloud.entra.registration, certificates=())
    async with chain.credential() as credential:
        with pytest.raises(TransientError, match=r"client certificate \(AADSTS700027\).*credential reset"):
            await credential.get_token(GRAPH_SCOPE)


@pytest.mark.parametrize(
    ("authority", "audience"),
    [
        ("", "api://AzureADTokenExchange"),
        ("https://login.microsoftonline.com", "api://AzureADTokenExchange"),
        ("https://login.microsoftonline.us", "api://AzureADTokenExchangeUSGov"),
        ("https://login.partner.microsoftonline.cn", "api://AzureADTokenExchangeChina"),
    ],
)
def test_each_cloud_has_its_audience(authority: str, audience: str) -> None:
    """As Microsoft's page on federated credentials lists them."""
    assert exchange_audience(authority) == audience
