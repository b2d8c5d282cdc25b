"""Certificates and federated credentials, checked as Entra checks them, met by the real azure-identity."""

from __future__ import annotations

import asyncio
import base64
import ssl
import uuid
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import jwt
import pytest
from azure.core.exceptions import ClientAuthenticationError, ResourceNotFoundError
from azure.identity import CertificateCredential as SyncCertificateCredential
from azure.identity.aio import (
    CertificateCredential,
    ClientAssertionCredential,
    DefaultAzureCredential,
    ManagedIdentityCredential,
)
from azure.keyvault.secrets.aio import SecretClient
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from local.entra.assertions import ASSERTION_TYPE
from local.entra.certificates import RegisteredCertificate
from local.entra.managed_identity import Identity, ManagedIdentityStandIn
from local.entra.registration import EXCHANGE_AUDIENCE, FederatedCredential, Registration, issuer_of
from local.entra.standin import EntraStandIn
from local.processes import ManagedProcess, StartError, python_module
from local.stack import CERTIFICATE_NAME, SECRET_NAME, LocalStack, StackOptions
from local.stack.certificates import Certificates, make_certificates
from local.stack.client_certificate import ClientCertificate, make_client_certificate
from local.standin import server_tls, serving, tokens

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from local.stack.options import CertificateForm

KEY = b"k" * 32
TENANT = "11111111-1111-1111-1111-111111111111"
CLIENT = "22222222-2222-2222-2222-222222222222"
PRINCIPAL = "33333333-3333-3333-3333-33333333333a"
IDENTITY_CLIENT = "44444444-4444-4444-4444-444444444444"
GRAPH = "https://graph.microsoft.com"
EXCHANGE = f"{EXCHANGE_AUDIENCE}/.default"
TRUSTED = FederatedCredential(issuer_of(TENANT), PRINCIPAL)


@dataclass(frozen=True)
class Site:
    """An Entra that is served."""

    standin: EntraStandIn
    url: str
    trust: str

    @property
    def token_url(self) -> str:
        """The token endpoint."""
        return f"{self.url}/{TENANT}/oauth2/v2.0/token"

    async def ask(self, assertion: str, **form: str) -> tuple[int, dict[str, Any]]:
        """The answer to a request with this assertion: status and JSON."""
        tls = ssl.create_default_context(cafile=self.trust)
        sent = {
            "grant_type": "client_credentials",
            "client_id": CLIENT,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
            "scope": f"{GRAPH}/.default",
            **form,
        }
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.token_url, data=sent, ssl=tls) as response,
        ):
            return response.status, await response.json()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """The authority that clients here trust."""
    return make_certificates(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def own() -> ClientCertificate:
    """The application's certificate."""
    return make_client_certificate()


@asynccontextmanager
async def entra(certificates: Certificates, registration: Registration) -> AsyncIterator[Site]:
    """An Entra that knows this registration."""
    standin = EntraStandIn(registration, KEY)
    tls = server_tls(str(certificates.certificate), str(certificates.key))
    async with serving(standin, tls) as url:
        yield Site(standin, url, str(certificates.authority))


def registered(*known: ClientCertificate) -> Registration:
    """A registration with certificates and without a secret."""
    return Registration(
        TENANT,
        CLIENT,
        "object",
        certificates=tuple(RegisteredCertificate.from_pem(each.public_pem) for each in known),
    )


def trusting(*federated: FederatedCredential) -> Registration:
    """A registration with federated credentials and without a secret."""
    return Registration(TENANT, CLIENT, "object", federated=federated)


@pytest.mark.parametrize("form", ["pem", "pkcs12"])
async def test_the_real_credential_signs_in_with_a_certificate(
    certificates: Certificates, own: ClientCertificate, form: str
) -> None:
    """azure-identity takes what Key Vault keeps, in either form, and gets a token for the resource."""
    data = own.pem.encode() if form == "pem" else base64.b64decode(own.pkcs12)
    async with entra(certificates, registered(own)) as site:
        credential = CertificateCredential(
            TENANT, CLIENT, certificate_data=data, authority=site.url, connection_verify=site.trust
        )
        async with credential:
            token = (await credential.get_token(f"{GRAPH}/.default")).token
    assert tokens.check(KEY, token, GRAPH) is None
    assert tokens.read_claims(token)["appid"] == CLIENT


async def test_the_blocking_credential_signs_in_too(
    certificates: Certificates, own: ClientCertificate
) -> None:
    """MSAL builds its assertion in its own way."""

    def get_token(site: Site) -> str:
        with SyncCertificateCredential(
            TENANT,
            CLIENT,
            certificate_data=own.pem.encode(),
            authority=site.url,
            connection_verify=site.trust,
            disable_instance_discovery=True,
        ) as credential:
            return credential.get_token(f"{GRAPH}/.default").token

    async with entra(certificates, registered(own)) as site:
        token = await asyncio.to_thread(get_token, site)
    assert tokens.check(KEY, token, GRAPH) is None


async def test_a_certificate_that_is_not_registered_is_refused(
    certificates: Certificates, own: ClientCertificate
) -> None:
    """The application reads Entra's own code; a secret beside it would not be accepted either."""
    async with entra(certificates, registered(make_client_certificate())) as site:
        credential = CertificateCredential(
            TENANT,
            CLIENT,
            certificate_data=own.pem.encode(),
            authority=site.url,
            connection_verify=site.trust,
        )
        async with credential:
            with pytest.raises(ClientAuthenticationError, match="AADSTS700027"):
                await credential.get_token(f"{GRAPH}/.default")
        status, answer = await site.ask("", client_assertion_type="", client_secret="some")
    assert (status, answer["error_codes"]) == (400, [900144])


def signed(
    own: ClientCertificate, token_url: str, *, x5t: str = "x5t", algorithm: str = "RS256", **changes: Any
) -> str:
    """An assertion as a client makes it, with other claims where they are given; None leaves one out."""
    now = int(datetime.now(UTC).timestamp())
    claims = {
        "aud": token_url,
        "iss": CLIENT,
        "sub": CLIENT,
        "jti": str(uuid.uuid4()),
        "nbf": now,
        "exp": now + 600,
        **changes,
    }
    certificate = x509.load_pem_x509_certificate(own.public_pem.encode())
    kind = hashes.SHA1() if x5t == "x5t" else hashes.SHA256()  # noqa: S303 - RFC 7515 wants SHA-1 for x5t
    thumbprint = base64.urlsafe_b64encode(certificate.fingerprint(kind)).decode().rstrip("=")
    return jwt.encode(
        {name: value for name, value in claims.items() if value is not None},
        load_pem_private_key(own.pem.encode(), None),  # type: ignore[arg-type]  # it is an RSA key
        algorithm=algorithm,
        headers={x5t: thumbprint},
    )


@pytest.mark.parametrize("x5t", ["x5t", "x5t#S256"])
@pytest.mark.parametrize("algorithm", ["RS256", "PS256"])
async def test_both_thumbprints_and_both_signatures_are_known(
    certificates: Certificates, own: ClientCertificate, algorithm: str, x5t: str
) -> None:
    """Older clients name the certificate by SHA-1 and sign with RS256, newer by SHA-256 and with PS256."""
    async with entra(certificates, registered(make_client_certificate(), own)) as site:
        status, answer = await site.ask(signed(own, site.token_url, x5t=x5t, algorithm=algorithm))
    assert status == 200, answer


LATE, EARLY = (int((datetime.now(UTC) + timedelta(days=days)).timestamp()) for days in (1, -1))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"aud": "https://elsewhere.example/token"}, 700023),
        ({"exp": EARLY}, 700024),
        ({"nbf": LATE, "exp": LATE + 600}, 700024),
        ({"iss": "someone"}, 700021),
        ({"sub": "someone"}, 700021),
        ({"jti": None}, 50027),
        ({"algorithm": "RS512"}, 700027),
    ],
)
async def test_a_wrong_claim_is_refused_with_its_code(
    certificates: Certificates, own: ClientCertificate, changes: dict[str, Any], code: int
) -> None:
    """Each mistake in an assertion has a code of its own; none gets a token."""
    async with entra(certificates, registered(own)) as site:
        status, answer = await site.ask(signed(own, site.token_url, **changes))
    assert (status, answer["error"], answer["error_codes"]) == (401, "invalid_client", [code])
    assert answer["error_description"].startswith(f"AADSTS{code}: ")


async def test_a_forged_signature_is_refused(certificates: Certificates, own: ClientCertificate) -> None:
    """To name the right certificate is not enough: its key has to sign."""
    other = make_client_certificate()
    forged = ClientCertificate(own.public_pem, other.pem, other.pkcs12)
    async with entra(certificates, registered(own)) as site:
        status, answer = await site.ask(signed(forged, site.token_url))
        broken = await site.ask("no.token.atall")
    assert (status, answer["error_codes"]) == (401, [700027])
    assert (broken[0], broken[1]["error_codes"]) == (401, [50027])


@pytest.mark.parametrize(
    ("start", "words"),
    [(timedelta(days=-2), "The key used is expired"), (timedelta(days=2), "The key used is expired")],
)
async def test_a_certificate_has_its_time(certificates: Certificates, start: timedelta, words: str) -> None:
    """A certificate that has run out, or is not valid yet, signs nobody in."""
    outdated = make_client_certificate(datetime.now(UTC) + start, timedelta(days=1))
    async with entra(certificates, registered(outdated)) as site:
        status, answer = await site.ask(signed(outdated, site.token_url))
    assert (status, answer["error_codes"]) == (401, [700027])
    assert words in answer["error_description"]


@asynccontextmanager
async def identity_token(monkeypatch: pytest.MonkeyPatch, principal: str = PRINCIPAL) -> AsyncIterator[str]:
    """The assertion that the real credential of a user-assigned identity fetches."""
    identity = Identity(TENANT, principal, IDENTITY_CLIENT, user_assigned=True)
    async with serving(ManagedIdentityStandIn(identity, "header", KEY), None) as url:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{url}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", "header")
        async with ManagedIdentityCredential(client_id=IDENTITY_CLIENT) as credential:
            yield (await credential.get_token(EXCHANGE)).token


def assertion_credential(site: Site, assertion: Callable[[], str]) -> ClientAssertionCredential:
    """azure-identity's credential with an assertion of somebody else's."""
    return ClientAssertionCredential(
        TENANT, CLIENT, assertion, authority=site.url, connection_verify=site.trust
    )


async def test_the_managed_identity_signs_the_application_in(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The identity's token for the exchange is all the proof: no secret anywhere."""
    async with (
        entra(certificates, trusting(TRUSTED)) as site,
        identity_token(monkeypatch) as assertion,
        assertion_credential(site, lambda: assertion) as credential,
    ):
        token = (await credential.get_token(f"{GRAPH}/.default")).token
    assert tokens.check(KEY, token, GRAPH) is None
    claims = tokens.read_claims(assertion)
    assert (claims["iss"], claims["sub"]) == (issuer_of(TENANT), PRINCIPAL)


@pytest.mark.parametrize(
    ("federated", "code"),
    [
        ((), 70025),
        ((FederatedCredential("https://sts.example/", PRINCIPAL),), 700211),
        ((FederatedCredential(issuer_of(TENANT) + "/", PRINCIPAL),), 700211),
        ((FederatedCredential(issuer_of(TENANT), IDENTITY_CLIENT),), 700213),
        ((FederatedCredential(issuer_of(TENANT), PRINCIPAL.upper()),), 700213),
        ((FederatedCredential(issuer_of(TENANT), PRINCIPAL, "api://Other"),), 7002121),
    ],
)
async def test_a_wrong_federated_credential_is_seen_at_the_exchange_only(
    certificates: Certificates,
    monkeypatch: pytest.MonkeyPatch,
    federated: tuple[FederatedCredential, ...],
    code: int,
) -> None:
    """Entra took it when it was made; issuer, subject (with its case) and audience are compared here."""
    async with entra(certificates, trusting(*federated)) as site, identity_token(monkeypatch) as assertion:
        async with assertion_credential(site, lambda: assertion) as credential:
            with pytest.raises(ClientAuthenticationError, match=f"AADSTS{code}:"):
                await credential.get_token(f"{GRAPH}/.default")
        status, answer = await site.ask(assertion)
    assert (status, answer["error"]) == (401, "invalid_client")


async def test_only_a_good_token_for_the_exchange_is_taken(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One for the vault, an expired one, and one that the tenant did not sign are refused."""
    claims = {"iss": issuer_of(TENANT), "sub": PRINCIPAL}
    async with entra(certificates, trusting(TRUSTED)) as site, identity_token(monkeypatch) as good:
        wrong = {
            tokens.issue(KEY, "https://vault.azure.net", 600, claims): 7002121,
            tokens.issue(KEY, EXCHANGE_AUDIENCE, -10, claims): 700024,
            tokens.issue(b"o" * 32, EXCHANGE_AUDIENCE, 600, claims): 50013,
        }
        for assertion, code in wrong.items():
            status, answer = await site.ask(assertion)
            assert (status, answer["error_codes"]) == (401, [code])
        assert (await site.ask(good))[0] == 200
        assert (await site.ask(good, client_assertion_type="other"))[1]["error_codes"] == [900144]
        assert (await site.ask(good, client_id=PRINCIPAL))[1]["error_codes"] == [700016]


async def test_proofs_are_changed_while_it_runs(
    certificates: Certificates, own: ClientCertificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control plane takes any text for a federated credential, as Entra does, and real certificates."""
    tls = ssl.create_default_context(cafile=str(certificates.authority))

    async def configure(**config: Any) -> int:
        async with (
            aiohttp.ClientSession() as session,
            session.put(f"{site.url}/_control/config", json=config, ssl=tls) as response,
        ):
            return response.status

    async with entra(certificates, trusting(TRUSTED)) as site, identity_token(monkeypatch) as assertion:
        assert await configure(federated=[{"subject": "nobody"}]) == 200
        assert (await site.ask(assertion))[1]["error_codes"] == [700213]
        assert await configure(federated=[{"subject": PRINCIPAL}], certificates=[own.public_pem]) == 200
        assert (await site.ask(assertion))[0] == 200
        assert (await site.ask(signed(own, site.token_url)))[0] == 200
        assert await configure(certificates=["no certificate"]) == 400
        assert await configure(federated=[{"issuer": "x"}]) == 400


async def test_the_program_wants_some_proof(certificates: Certificates, tmp_path: Path) -> None:
    """Without a secret it takes a certificate or a federated subject, and says so when there is nothing."""
    options = ["--tenant-id", TENANT, "--client-id", CLIENT, "--object-id", "object"]
    options += ["--cert", str(certificates.certificate), "--key", str(certificates.key)]
    environment = {tokens.KEY_VARIABLE: KEY.hex()}
    own, file = make_client_certificate(), tmp_path / "client.pem"
    file.write_text(own.public_pem)

    def program(*more: str) -> ManagedProcess:
        return ManagedProcess("entra", python_module("local.entra", *options, *more), environment=environment)

    with pytest.raises(StartError, match="nothing else signs the application in"):
        await program().start()
    async with program("--certificate", str(file), "--federated-subject", PRINCIPAL) as process:
        site = Site(EntraStandIn(trusting(), KEY), process.url, str(certificates.authority))
        assertion = tokens.issue(KEY, EXCHANGE_AUDIENCE, 600, {"iss": issuer_of(TENANT), "sub": PRINCIPAL})
        assert (await site.ask(signed(own, site.token_url)))[0] == 200
        assert (await site.ask(assertion))[0] == 200


def _environment(monkeypatch: pytest.MonkeyPatch, stack: LocalStack) -> None:
    for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER", "AZURE_CLIENT_ID"):
        monkeypatch.setenv(name, stack.settings[name])


async def test_the_stack_runs_without_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the mode `federated` the app's identity is all: Entra takes no secret, and the vault has none."""
    async with LocalStack(StackOptions(tmp_path, hosts=0, credential="federated")) as stack:
        _environment(monkeypatch, stack)
        assert stack.settings["CREDENTIAL"] == "federated"
        trust, who = str(stack.certificates.authority), stack.identities
        named = {"managed_identity_client_id": who.managed_identity_client_id}
        async with DefaultAzureCredential(**named) as identity:
            assertion = (await identity.get_token(EXCHANGE)).token
            vault = SecretClient(
                stack.vault.url, identity, verify_challenge_resource=False, connection_verify=trust
            )
            async with vault:
                with pytest.raises(ResourceNotFoundError):
                    await vault.get_secret(SECRET_NAME)
        credential = ClientAssertionCredential(
            who.tenant_id,
            who.client_id,
            lambda: assertion,
            authority=stack.entra.url,
            connection_verify=trust,
        )
        async with credential:
            await credential.get_token(f"{stack.settings['GRAPH_URL']}/.default")
            await stack.entra.configure(federated=[{"subject": who.managed_identity_client_id}])
            with pytest.raises(ClientAuthenticationError, match="AADSTS700213"):
                await credential.get_token(f"{stack.settings['DATAVERSE_URL']}/.default")


@pytest.mark.parametrize("form", ["pem", "pkcs12"])
async def test_the_stack_runs_with_a_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: CertificateForm
) -> None:
    """The vault hands it out as a secret with its content type; a rotation ends the old one at once."""
    options = StackOptions(tmp_path, hosts=0, credential="certificate", certificate_form=form)
    async with LocalStack(options) as stack:
        _environment(monkeypatch, stack)
        trust, who = str(stack.certificates.authority), stack.identities

        async def certificate() -> bytes:
            named = {"managed_identity_client_id": who.managed_identity_client_id}
            async with (
                DefaultAzureCredential(**named) as identity,
                SecretClient(
                    stack.vault.url, identity, verify_challenge_resource=False, connection_verify=trust
                ) as client,
            ):
                secret = await client.get_secret(CERTIFICATE_NAME)
            kind = "application/x-pem-file" if form == "pem" else "application/x-pkcs12"
            assert secret.properties.content_type == kind
            assert secret.properties.managed
            value = secret.value or ""
            return value.encode() if form == "pem" else base64.b64decode(value)

        async def sign_in(data: bytes) -> str:
            credential = CertificateCredential(
                who.tenant_id,
                who.client_id,
                certificate_data=data,
                authority=stack.entra.url,
                connection_verify=trust,
            )
            async with credential:
                return (await credential.get_token(f"{stack.settings['GRAPH_URL']}/.default")).token

        old = await certificate()
        assert tokens.read_claims(await sign_in(old))["appid"] == who.client_id
        await stack.rotate_certificate()
        with pytest.raises(ClientAuthenticationError, match="AADSTS700027"):
            await sign_in(old)
        await sign_in(await certificate())
