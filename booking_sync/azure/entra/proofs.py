"""How the app registration proves to Entra who it is: by secret, certificate, or its managed identity's word.

For each there is a text, and one of azure-identity's credentials that is made of it. Secret and certificate
come from Key Vault. The word is a token of the managed identity, which Entra takes where the registration has
a federated credential for that identity (Microsoft: "Configure an application to trust a managed identity").
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from azure.core.exceptions import AzureError
from azure.identity.aio import CertificateCredential, ClientAssertionCredential, ClientSecretCredential

from booking_sync.azure.connections import (
    TOTAL_SECONDS,
    client_options,
    platform_credential,
    require_token,
    unreadable,
)
from booking_sync.azure.entra.claims import read_identity
from booking_sync.errors import TransientError
from booking_sync.ports.platform.credentials import SecretText

if TYPE_CHECKING:
    from collections.abc import Callable

    from azure.core.credentials import AccessToken

    from booking_sync.azure.entra.identity import RenewableIdentity

_PEM = "-----BEGIN"
_AUDIENCES = {
    "login.microsoftonline.us": "api://AzureADTokenExchangeUSGov",
    "login.partner.microsoftonline.cn": "api://AzureADTokenExchangeChina",
    "login.chinacloudapi.cn": "api://AzureADTokenExchangeChina",
}
_AUDIENCE = "api://AzureADTokenExchange"
NO_IDENTITY = (
    "no managed identity here speaks for the app registration (CREDENTIAL is federated): check that the "
    "function app has one, and that AZURE_CLIENT_ID names it; a command outside of Azure needs "
    "ENTRA_CLIENT_SECRET, or CREDENTIAL=certificate and a certificate in the vault"
)


@dataclass(frozen=True, slots=True)
class Registration:
    """The app registration."""

    tenant_id: str
    client_id: str
    authority: str = ""
    """Entra's URL; empty takes azure-identity's own default (`AZURE_AUTHORITY_HOST`, or the public cloud)."""

    def options(self) -> dict[str, Any]:
        """Keyword arguments of azure-identity's credentials, for one of them."""
        return {**({"authority": self.authority} if self.authority else {}), **client_options()}


class TokenClient(Protocol):
    """One of azure-identity's credentials, which keeps tokens until shortly before they expire."""

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """A token; raises `AzureError`."""

    async def close(self) -> None:
        """Close the connections."""


class Proof(Protocol):
    """A kind of proof."""

    @property
    def name(self) -> str:
        """For people."""

    def open(self, registration: Registration, text: SecretText) -> TokenClient:
        """A client that proves itself with this text, and has no token yet.

        Raises:
            TransientError: nothing can be made of the text.
        """

    def remedy(self, code: str, text: SecretText) -> str:
        """What to do when Entra refuses the text with this AADSTS code."""


@dataclass(frozen=True, slots=True)
class SecretProof:
    """A client secret."""

    where: str = "put a new secret of the app registration into Key Vault, then the app picks it up by itself"
    """What to do when it is refused, by where it comes from."""
    name: str = "client secret"

    def open(self, registration: Registration, text: SecretText) -> TokenClient:
        """See `Proof`."""
        return ClientSecretCredential(
            registration.tenant_id, registration.client_id, text.value, **registration.options()
        )

    def remedy(self, code: str, text: SecretText) -> str:
        """See `Proof`."""
        del code, text
        return self.where


@dataclass(frozen=True, slots=True)
class CertificateProof:
    """A certificate with its key, as Key Vault gives it to readers of secrets: PEM, or PKCS #12 in Base64."""

    name: str = "client certificate"

    def open(self, registration: Registration, text: SecretText) -> TokenClient:
        """See `Proof`."""
        try:
            return CertificateCredential(
                registration.tenant_id,
                registration.client_id,
                certificate_data=_certificate_bytes(text.value),
                **registration.options(),
            )
        except (ValueError, TypeError, AttributeError):
            raise TransientError(
                "the certificate in Key Vault can't be used: it must hold an RSA key that may be exported, "
                "as PEM or PKCS #12 without a password (docs/deployment.md, step 5)"
            ) from None

    def remedy(self, code: str, text: SecretText) -> str:
        """See `Proof`."""
        del code, text
        return (
            "the app registration must know this certificate, and it must not have expired; make a new one "
            "with `az ad app credential reset --keyvault` (docs/deployment.md, step 5), then the app picks "
            "it up by itself"
        )


@dataclass(frozen=True, slots=True)
class IdentityProof:
    """A token of the managed identity."""

    name: str = "managed identity's token"

    def open(self, registration: Registration, text: SecretText) -> TokenClient:
        """See `Proof`."""
        return ClientAssertionCredential(
            registration.tenant_id, registration.client_id, lambda: text.value, **registration.options()
        )

    def remedy(self, code: str, text: SecretText) -> str:
        """See `Proof`."""
        issuer, subject, audience = read_identity(text.value)
        wanted = next(
            (
                words
                for beginning, words in (
                    ("AADSTS700213", f"with the subject {subject!r}, the identity's principal id"),
                    ("AADSTS700211", f"with the issuer {issuer!r}"),
                    ("AADSTS700212", f"with the audience {audience!r}"),
                )
                if code.startswith(beginning)
            ),
            f"with issuer {issuer!r}, subject {subject!r} and audience {audience!r}",
        )
        return (
            f"the app registration needs a federated credential {wanted}, letter by letter; compare `az ad "
            "app federated-credential list --id <ENTRA_CLIENT_ID>` (docs/deployment.md, step 5). A new one "
            "may take minutes to count"
        )


class AssertionSource:
    """The managed identity's token for Entra; fulfils `SecretSource`.

    Args:
        authority: Entra's URL, by which the audience goes.
        identity_factory: makes the identity.
    """

    def __init__(
        self,
        authority: str = "",
        identity_factory: Callable[[], RenewableIdentity] = lambda: platform_credential(managed_only=True),
    ) -> None:
        self._identity = identity_factory()
        self._scope = f"{exchange_audience(authority)}/.default"
        self._given = ""

    async def fetch(self) -> SecretText:
        """Another token than the last one, where the identity has another.

        Raises:
            TransientError: there is no identity here, or it gives no token now.
        """
        self._identity.refused(self._given)
        try:
            async with asyncio.timeout(TOTAL_SECONDS):
                token = await self._identity.get_token(self._scope)
        except TimeoutError:
            raise TransientError("the managed identity did not answer in time") from None
        except AzureError:  # its text may name what was tried
            raise TransientError(NO_IDENTITY) from None
        except Exception as error:  # noqa: BLE001 - see `unreadable`
            raise unreadable("the managed identity", error) from None
        self._given = require_token(token, "the managed identity").token
        return SecretText(token.token, token.expires_on)

    async def close(self) -> None:
        """Close the connections."""
        await self._identity.close()


def exchange_audience(authority: str) -> str:
    """The audience of an assertion, by the cloud.

    Args:
        authority: Entra's URL; empty for the public cloud.
    """
    return _AUDIENCES.get(urlsplit(authority).hostname or "", _AUDIENCE)


def _certificate_bytes(text: str) -> bytes:
    if _PEM in text:
        return text.encode()
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("neither PEM nor Base64") from None
