"""Who signs in, and what proves it: the app registration by its vault, or a person at the command line."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from booking_sync.domain.text import trim
from booking_sync.errors import SettingsError
from booking_sync.wiring.basics import ClosedTogether

if TYPE_CHECKING:
    from collections.abc import Mapping

    from _typeshed import DataclassInstance

    from booking_sync.azure.entra.proofs import Proof
    from booking_sync.azure.entra.sign_in import SignIn
    from booking_sync.azure.key_vault.notification_keys import VaultNotificationKeys
    from booking_sync.azure.key_vault.secrets import KeyVaultSecret
    from booking_sync.ports.platform.clock import Clock
    from booking_sync.ports.platform.credentials import AppCredential, SecretSource
    from booking_sync.ports.platform.keys import OpenKeyring
    from booking_sync.settings.values import CredentialKind

    Part = TypeVar("Part", bound=DataclassInstance)

CLIENT_SECRET_VARIABLE = "ENTRA_CLIENT_SECRET"  # noqa: S105 - the variable's name, no secret
"""Holds the app registration's secret for the command line, where there is no vault to read it from."""

SEAL_KEY_VARIABLE = "BOOKING_SYNC_SEAL_KEY"
"""Holds the key that seals records for the command line, where there is no vault to read it from."""


class SigningIn(ClosedTogether):
    """Secrets, keys and tokens.

    Args:
        environ: the settings.
        clock: the time of day.
        sign_in: how a command signs in; None for the function app, whose secret is in Key Vault and nowhere
            else.
        credential: used instead of one that is made here, by simulations and benchmarks; stays theirs.
        seal_keys: likewise.

    Raises:
        SettingsError: of each property, when a setting that it needs is missing or malformed.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        clock: Clock,
        sign_in: SignIn | None,
        credential: AppCredential | None,
        seal_keys: OpenKeyring | None,
    ) -> None:
        super().__init__()
        self.environ = environ
        self.clock = clock
        self._sign_in = sign_in
        self._given_credential = credential
        self._given_keys = seal_keys

    def part(self, part: type[Part]) -> Part:
        """Only the settings that the fields of a dataclass name; see `load_part`."""
        from booking_sync.settings.loading import load_part

        return load_part(self.environ, part)

    @cached_property
    def vault_secret(self) -> KeyVaultSecret:
        """The app registration's secret or certificate in Key Vault."""
        from booking_sync.azure.key_vault.secrets import KeyVaultSecret
        from booking_sync.settings.parts import VaultSettings
        from booking_sync.settings.values import CredentialKind

        vault = self.part(VaultSettings)
        name, setting = vault.client_secret_name, "CLIENT_SECRET_NAME"
        if self.credential_kind is CredentialKind.CERTIFICATE:
            name, setting = vault.client_certificate_name, "CLIENT_CERTIFICATE_NAME"
        secret = KeyVaultSecret(
            vault.key_vault_url,
            name,
            setting=setting,
            verify_challenge=vault.key_vault_verify_challenge,
        )
        self._closing.push_async_callback(secret.close)
        return secret

    def checked_secret(self) -> KeyVaultSecret | None:
        """What of the vault the app registration signs in with; None when it is nothing there."""
        from booking_sync.settings.values import CredentialKind

        if self.given_secret or self.credential_kind is CredentialKind.FEDERATED:
            return None
        return self.vault_secret

    @property
    def credential_kind(self) -> CredentialKind:
        """How the app registration signs in; a secret that a command was given wins."""
        from booking_sync.settings.parts import RegistrationSettings
        from booking_sync.settings.values import CredentialKind

        return CredentialKind.SECRET if self.given_secret else self.part(RegistrationSettings).credential

    @cached_property
    def seal_keys(self) -> OpenKeyring:
        """The keys that seal records and events: Key Vault's, or one that a command was given; not read yet.

        Raises:
            SettingsError: the key that was given can't be used, or the vault's settings can't.
        """
        if self._given_keys is not None:
            return self._given_keys
        from booking_sync.azure.key_vault.seal_keys import GivenSealKeys, VaultSealKeys
        from booking_sync.domain.events.ownership import make_key
        from booking_sync.settings.parts import SealKeySettings

        if self.given_seal_key:
            try:
                return GivenSealKeys(make_key(self.given_seal_key))
            except ValueError as error:
                raise SettingsError(f"{SEAL_KEY_VARIABLE} {error}.") from None
        vault = self.part(SealKeySettings)
        keys = VaultSealKeys(
            vault.key_vault_url,
            vault.seal_key_name,
            self.clock,
            verify_challenge=vault.key_vault_verify_challenge,
        )
        self._closing.push_async_callback(keys.close)
        return keys

    @cached_property
    def notification_keys(self) -> VaultNotificationKeys:
        """The keys that prove what Graph reports; not read yet."""
        from booking_sync.settings.parts import NotificationSettings
        from booking_sync.wiring.from_outlook import notification_keys

        keys = notification_keys(self.part(NotificationSettings), self.clock)
        self._closing.push_async_callback(keys.close)
        return keys

    @property
    def given_secret(self) -> str:
        """The app registration's secret when a command was given it in its environment; else empty."""
        return self._given(CLIENT_SECRET_VARIABLE)

    @property
    def given_seal_key(self) -> str:
        """The key that seals, when a command was given it in its environment; else empty."""
        return self._given(SEAL_KEY_VARIABLE)

    def _given(self, variable: str) -> str:
        """What a command's environment holds; the function app takes no secret from there."""
        return "" if self._sign_in is None else trim(self.environ.get(variable, ""))

    @cached_property
    def credential(self) -> AppCredential:
        """Tokens of whoever signs in; connects at the first one."""
        if self._given_credential is not None:
            return self._given_credential
        person = self._person
        credential = self._app_credential() if person is None else self._personal_credential(person)
        self._closing.push_async_callback(credential.close)
        return credential

    def _app_credential(self) -> AppCredential:
        """The app registration's credential. It is made here only, for the function app and for commands."""
        from booking_sync.azure.entra.credential import AppRegistrationCredential
        from booking_sync.azure.entra.proofs import Registration
        from booking_sync.settings.parts import RegistrationSettings

        app = self.part(RegistrationSettings)
        registration = Registration(app.tenant_id, app.client_id, app.authority_host)
        return AppRegistrationCredential(registration, self.proof_source(), self._proof())

    def _proof(self) -> Proof:
        from booking_sync.azure.entra.proofs import CertificateProof, IdentityProof, SecretProof
        from booking_sync.settings.values import CredentialKind

        if self.given_secret:
            return SecretProof(f"correct {CLIENT_SECRET_VARIABLE}")
        if self.credential_kind is CredentialKind.CERTIFICATE:
            return CertificateProof()
        return IdentityProof() if self.credential_kind is CredentialKind.FEDERATED else SecretProof()

    def proof_source(self) -> SecretSource:
        """Where the text comes from that the app registration proves itself with."""
        from booking_sync.azure.entra.proofs import AssertionSource
        from booking_sync.azure.entra.sign_in import GivenSecret
        from booking_sync.ports.platform.credentials import SecretText
        from booking_sync.settings.parts import AuthoritySettings
        from booking_sync.settings.values import CredentialKind

        if self.given_secret:
            return GivenSecret(SecretText(self.given_secret))
        if self.credential_kind is CredentialKind.FEDERATED:
            return AssertionSource(self.part(AuthoritySettings).authority_host)
        return self.vault_secret

    def _personal_credential(self, person: SignIn) -> AppCredential:
        from booking_sync.azure.entra.sign_in import open_person
        from booking_sync.settings.loading import load_persons_tenant
        from booking_sync.settings.parts import AuthoritySettings

        authority = self.part(AuthoritySettings).authority_host
        return open_person(person, load_persons_tenant(self.environ), authority)

    @property
    def _person(self) -> SignIn | None:
        """How a person signs in; None when the app registration does."""
        if self._sign_in is None:
            return None
        from booking_sync.azure.entra.sign_in import SignIn

        return None if self._sign_in is SignIn.APP else self._sign_in

    @property
    def _reads_vault(self) -> bool:
        return self._person is None and not self.given_secret
