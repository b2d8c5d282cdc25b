"""One process's credential as production makes it, on the simulated links; and wires that refuse its tokens.

Real: `AppRegistrationCredential`, `RenewableIdentity`, `AssertionSource`. Simulated: what azure-identity and
the vault's client do with HTTP, including that each keeps its token until it is told otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from booking_sync.azure.entra.credential import AppRegistrationCredential
from booking_sync.azure.entra.identity import RenewableIdentity
from booking_sync.azure.entra.proofs import AssertionSource, Registration
from booking_sync.dataverse.web_api.reply import Reply
from booking_sync.errors import TransientError
from booking_sync.plumbing.closed_on_exit import ClosedOnExit
from booking_sync.ports.platform.credentials import SecretText
from tests.simulation.chance.trouble import graph_error

if TYPE_CHECKING:
    from booking_sync.azure.entra.proofs import Proof, TokenClient
    from booking_sync.dataverse.web_api.transport import Request, Wire
    from booking_sync.outlook.graph.batch import BatchTransport
    from booking_sync.ports.platform.credentials import AppCredential, SecretSource
    from tests.simulation.sign_in.links import Tenant

LONG = 2**40
"""When what is given expires: never within a schedule."""
_REFUSAL = b'{"error": {"code": "0x80040217", "message": "refused"}}'


@dataclass
class _Cached(ClosedOnExit):
    """Any of azure-identity's credentials: one token for each scope, for as long as it lasts."""

    tenant: Tenant
    whom: str
    proof: str = ""
    """The text that it was made of, if any."""

    def __post_init__(self) -> None:
        self._tokens: dict[tuple[str, ...], AccessToken] = {}

    async def get_token(self, *scopes: str, **_options: Any) -> AccessToken:
        """From the cache, or asked for."""
        if scopes not in self._tokens:
            await self.tenant.ask(self.whom)
            if self.proof and not self.tenant.takes(self.proof):
                error = ClientAuthenticationError("(invalid_client) AADSTS7000215: spoiled")
                error.status_code = 401
                raise error
            kind = {"https://vault.azure.net/.default": "vault token"}.get(scopes[0], scopes[0])
            kind = "assertion" if "AzureADTokenExchange" in kind else kind
            self._tokens[scopes] = AccessToken(self.tenant.new(kind), LONG)
        return self._tokens[scopes]

    async def close(self) -> None:
        """Nothing is open."""


@dataclass(frozen=True)
class _Proof:
    """A proof that names itself in what Entra gets to see."""

    tenant: Tenant
    name: str

    def open(self, registration: Registration, text: SecretText) -> TokenClient:
        """See `Proof`."""
        del registration
        return _Cached(self.tenant, "Entra", text.value)

    def remedy(self, code: str, text: SecretText) -> str:
        """See `Proof`."""
        del code, text
        return "look at it"


@dataclass
class _Vault:
    """`KeyVaultSecret` on the simulated vault: a refused token is renewed once, as the SDK does it."""

    tenant: Tenant
    identity: RenewableIdentity

    async def fetch(self) -> SecretText:
        """See `SecretSource`."""
        for _ in range(2):
            token = await self.identity.get_token("https://vault.azure.net/.default")
            await self.tenant.ask("Key Vault")
            if self.tenant.takes(token.token):
                return SecretText(self.tenant.new("vault text"))
            self.identity.refused(token.token)
        raise TransientError("Key Vault refuses the app's identity (HTTP 401)")

    async def close(self) -> None:
        """See `SecretSource`."""
        await self.identity.close()


def open_credential(
    tenant: Tenant, identity_class: type[RenewableIdentity] = RenewableIdentity
) -> AppRegistrationCredential:
    """A process's credential.

    Args:
        tenant: whose form says how the app proves itself.
        identity_class: anything but the real one is sabotage.
    """
    identity = identity_class(lambda: _Cached(tenant, "the managed identity"))
    federated = tenant.form == "federated"
    source: SecretSource = AssertionSource("", lambda: identity) if federated else _Vault(tenant, identity)
    proof: Proof = _Proof(tenant, tenant.form)
    return AppRegistrationCredential(Registration("tenant", "client"), source, proof)


@dataclass(frozen=True)
class SignedWire:
    """A way to Dataverse that refuses tokens which are valid no more."""

    wire: Wire
    tenant: Tenant

    async def exchange(self, request: Request, token: str) -> Reply:
        """See `Wire`."""
        if not self.tenant.takes(token):
            await self.tenant.conductor.turn("dataverse refuses a token")
            return Reply(401, {}, _REFUSAL)
        return await self.wire.exchange(request, token)

    async def aclose(self) -> None:
        """See `Wire`."""
        await self.wire.aclose()


@dataclass(frozen=True)
class SignedTransport:
    """A way to Graph that asks for a token first, as the SDK does, and refuses those of before."""

    transport: BatchTransport
    credential: AppCredential
    tenant: Tenant

    async def post_batch(self, content: bytes, request_id: str) -> httpx.Response:
        """See `BatchTransport`."""
        token = (await self.credential.get_token("https://graph.microsoft.com/.default")).token
        if not self.tenant.takes(token):
            await self.tenant.conductor.turn("graph refuses a token")
            return httpx.Response(401, json=graph_error(401, "InvalidAuthenticationToken"))
        return await self.transport.post_batch(content, request_id)
