"""Signing in for the command line, and Dataverse as those see it who customize it."""

from __future__ import annotations

import secrets
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from booking_sync.errors import SettingsError
from booking_sync.settings.loading import load_part
from booking_sync.settings.table import (
    AuthoritySettings,
    EnvironmentSettings,
    RegistrationSettings,
    SealKeySettings,
    VaultSettings,
)
from booking_sync.wiring.ambient import now
from booking_sync.wiring.machinery import checked_organization, open_keyring

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from booking_sync.azure.sign_in import SignIn
    from booking_sync.dataverse.customizations import DataverseCustomizations
    from booking_sync.dataverse.web_api.client import DataverseClient
    from booking_sync.dataverse.web_api.transport import Timeouts
    from booking_sync.ports.credentials import AppCredential, SecretSource
    from booking_sync.ports.keys import OpenKeyring


CLIENT_SECRET_VARIABLE = "ENTRA_CLIENT_SECRET"  # noqa: S105 - the variable's name, no secret
"""Holds the app registration's secret for the command line, where there is no vault to read it from."""

SEAL_KEY_VARIABLE = "BOOKING_SYNC_SEAL_KEY"
"""Holds the key that seals records for the command line, where there is no vault to read it from."""

CUSTOMIZING_SECONDS = 300.0
"""How long Dataverse may take over one change of a table's definition; columns take minutes at times."""


def open_sign_in(environ: Mapping[str, str], sign_in: SignIn) -> AppCredential:
    """The credential of a command of the command line; connects at the first token.

    Raises:
        SettingsError: what this way to sign in needs is missing or malformed.
    """
    from booking_sync.azure.credential import VAULT_REMEDY, ClientSecretAppCredential
    from booking_sync.azure.secrets import KeyVaultSecret
    from booking_sync.azure.sign_in import GivenSecret, SignIn, open_person
    from booking_sync.ports.credentials import SecretText

    if sign_in is not SignIn.APP:
        authority = load_part(environ, AuthoritySettings).authority_host
        return open_person(sign_in, environ.get("ENTRA_TENANT_ID", "").strip(), authority)
    app = load_part(environ, RegistrationSettings)
    secret = environ.get(CLIENT_SECRET_VARIABLE, "").strip()
    if secret:
        source: SecretSource = GivenSecret(SecretText(secret))
        remedy = f"correct {CLIENT_SECRET_VARIABLE}"
    else:
        vault = load_part(environ, VaultSettings)
        source = KeyVaultSecret(
            vault.key_vault_url,
            vault.client_secret_name,
            verify_challenge=vault.key_vault_verify_challenge,
        )
        remedy = VAULT_REMEDY
    return ClientSecretAppCredential(
        app.tenant_id, app.client_id, source, authority=app.authority_host, remedy=remedy
    )


def open_command_keyring(environ: Mapping[str, str]) -> OpenKeyring:
    """The keys that seal records and events, for a command of the command line; reads nothing yet.

    Raises:
        SettingsError: there is neither a usable key in the environment nor a vault.
    """
    from booking_sync.azure.seal_keys import GivenSealKeys
    from booking_sync.domain.ownership import make_key

    given = environ.get(SEAL_KEY_VARIABLE, "").strip()
    if not given:
        return open_keyring(load_part(environ, SealKeySettings))
    try:
        return GivenSealKeys(make_key(given))
    except ValueError as error:
        raise SettingsError(f"{SEAL_KEY_VARIABLE} {error}.") from None


@asynccontextmanager
async def open_dataverse(
    environ: Mapping[str, str], sign_in: SignIn, timeouts: Timeouts | None = None
) -> AsyncIterator[DataverseClient]:
    """The environment's Web API for a command of the command line.

    Raises:
        SettingsError: a setting is missing or malformed, or the environment is not the one that they name.
        TransientError: Dataverse, Entra or Key Vault can't be reached.
        PermanentError: Dataverse refuses us, or nobody is signed in.
    """
    from booking_sync.dataverse.web_api.client import DataverseClient
    from booking_sync.dataverse.web_api.transport import Timeouts

    settings = load_part(environ, EnvironmentSettings)
    async with open_sign_in(environ, sign_in) as credential:
        client = DataverseClient(
            settings.dataverse_url, credential, now, workers=4, timeouts=timeouts or Timeouts()
        )
        try:
            await checked_organization(settings.organization_id, client)
            yield client
        finally:
            await client.aclose()


@asynccontextmanager
async def open_provisioning(
    environ: Mapping[str, str], sign_in: SignIn, webhook_key: str, *, trust_fingerprint: bool = True
) -> AsyncIterator[DataverseCustomizations]:
    """What `provision` works on; raises as `open_dataverse`.

    Args:
        environ: the settings.
        sign_in: who signs in.
        webhook_key: the function's key; empty: leave the one that is there.
        trust_fingerprint: False writes the key once, whatever the webhook's description says of it.
    """
    from booking_sync.dataverse.customizations import DataverseCustomizations
    from booking_sync.dataverse.web_api.transport import Timeouts
    from booking_sync.dataverse.webhook_key import WebhookKey

    patient = Timeouts(read=CUSTOMIZING_SECONDS)
    async with open_dataverse(environ, sign_in, patient) as client:
        yield DataverseCustomizations(
            client, WebhookKey(webhook_key), secrets.token_bytes, trust_fingerprint=trust_fingerprint
        )
