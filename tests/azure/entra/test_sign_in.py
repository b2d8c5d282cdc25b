"""Signing in for a command: a person's credential in words, the app's secret from the environment."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError
from azure.identity import CredentialUnavailableError

from booking_sync.azure.entra.credential import AppRegistrationCredential
from booking_sync.azure.entra.sign_in import PersonCredential, SignIn, open_person
from booking_sync.errors import PermanentError, SettingsError, TransientError
from booking_sync.wiring.services import Services
from tests.azure.conftest import CLIENT, DATAVERSE_SCOPE, FIRST_SECRET, SECRET_NAME, TENANT

if TYPE_CHECKING:
    from tests.azure.conftest import Cloud


class Keyboard:
    """A person who signs in, or does not."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure
        self.asked: list[tuple[str, ...]] = []
        self.at_once = 0
        self.closed = False

    def get_token(self, *scopes: str, **_options: Any) -> AccessToken:
        """A token, or the failure."""
        self.at_once += 1
        assert self.at_once == 1, "one window at a time"
        self.asked.append(scopes)
        self.at_once -= 1
        if self.failure:
            raise self.failure
        return AccessToken("token", round(datetime(2026, 1, 5, tzinfo=UTC).timestamp()))

    def close(self) -> None:
        """Note it."""
        self.closed = True


async def test_a_person_s_token_is_handed_on() -> None:
    """Callers of the same moment don't open two windows, and closing reaches the credential."""
    keyboard = Keyboard()
    async with PersonCredential(keyboard, "Try again.") as credential:
        got = await asyncio.gather(*(credential.get_token(DATAVERSE_SCOPE) for _ in range(3)))
        credential.renew()
    assert [each.token for each in got] == ["token"] * 3
    assert keyboard.asked == [(DATAVERSE_SCOPE,)] * 3
    assert keyboard.closed


@pytest.mark.parametrize(
    ("failure", "expected", "says"),
    [
        (CredentialUnavailableError("no az: secret-trace"), PermanentError, "Run `az login`"),
        (ClientAuthenticationError("AADSTS50076 secret-trace"), PermanentError, "Run `az login`"),
        (ServiceRequestError("secret-trace"), TransientError, "Entra can't be reached"),
    ],
)
async def test_a_failed_sign_in_says_what_to_do(
    failure: Exception, expected: type[Exception], says: str
) -> None:
    """The remedy is told; the library's own words are not."""
    async with PersonCredential(Keyboard(failure), "Run `az login` first.") as credential:
        with pytest.raises(expected, match=says) as raised:
            await credential.get_token(DATAVERSE_SCOPE)
    assert "secret-trace" not in str(raised.value)


@pytest.mark.parametrize("way", [SignIn.CLI, SignIn.BROWSER, SignIn.DEVICE])
async def test_each_way_of_a_person_can_be_opened(way: SignIn) -> None:
    """Nothing is asked of anybody before the first token."""
    async with open_person(way, TENANT, "https://login.microsoftonline.com") as credential:
        assert isinstance(credential, PersonCredential)


async def test_the_app_signs_in_with_a_secret_from_the_environment(cloud: Cloud) -> None:
    """Where a secret is given, the vault is not asked."""
    environ = {
        "ENTRA_TENANT_ID": TENANT,
        "ENTRA_CLIENT_ID": CLIENT,
        "AZURE_AUTHORITY_HOST": cloud.entra_url,
        "ENTRA_CLIENT_SECRET": FIRST_SECRET,
    }
    async with Services(environ, sign_in=SignIn.APP) as services:
        assert (await services.credential.get_token(DATAVERSE_SCOPE)).token
    assert (cloud.token_requests(), cloud.secret_reads()) == ([200], 0)


async def test_a_secret_of_the_environment_that_is_refused_is_named(cloud: Cloud) -> None:
    """Nobody is sent to a vault that was not asked."""
    environ = {
        "ENTRA_TENANT_ID": TENANT,
        "ENTRA_CLIENT_ID": CLIENT,
        "AZURE_AUTHORITY_HOST": cloud.entra_url,
        "ENTRA_CLIENT_SECRET": "mistyped",
    }
    async with Services(environ, sign_in=SignIn.APP) as services:
        with pytest.raises(TransientError, match="correct ENTRA_CLIENT_SECRET") as raised:
            await services.credential.get_token(DATAVERSE_SCOPE)
    assert "ault" not in raised.value.reason
    assert "mistyped" not in raised.value.reason


async def test_the_app_signs_in_with_the_vault_s_secret(cloud: Cloud) -> None:
    """Without one, it takes the function app's own way."""
    environ = {
        "ENTRA_TENANT_ID": TENANT,
        "ENTRA_CLIENT_ID": CLIENT,
        "AZURE_AUTHORITY_HOST": cloud.entra_url,
        "KEY_VAULT_URL": cloud.vault_url,
        "KEY_VAULT_VERIFY_CHALLENGE": "false",
        "CLIENT_SECRET_NAME": SECRET_NAME,
    }
    async with Services(environ, sign_in=SignIn.APP) as services:
        assert isinstance(services.credential, AppRegistrationCredential)
        assert (await services.credential.get_token(DATAVERSE_SCOPE)).token
    assert cloud.secret_reads() == 1


@pytest.mark.parametrize("way", [each for each in SignIn if each is not SignIn.APP])
async def test_a_person_s_tenant_may_be_left_out_and_not_malformed(way: SignIn) -> None:
    """The SDK would raise an error of its own over it, which nobody expects of a setting."""
    for tenant in ("", " ", "{" + TENANT.upper() + "}"):
        async with Services({"ENTRA_TENANT_ID": tenant}, sign_in=way) as services:
            assert isinstance(services.credential, PersonCredential)
    with pytest.raises(SettingsError, match=r"1 app setting.*ENTRA_TENANT_ID must be a GUID"):
        _ = Services({"ENTRA_TENANT_ID": "contoso/nl"}, sign_in=way).credential


def test_the_app_needs_its_registration() -> None:
    """What is missing for this way to sign in is named; what another way needs is not."""
    with pytest.raises(SettingsError, match=r"2 app settings.*ENTRA_TENANT_ID.*ENTRA_CLIENT_ID"):
        _ = Services({"ENTRA_CLIENT_SECRET": "s"}, sign_in=SignIn.APP).credential
    with pytest.raises(SettingsError, match="KEY_VAULT_URL"):
        _ = Services({"ENTRA_TENANT_ID": TENANT, "ENTRA_CLIENT_ID": CLIENT}, sign_in=SignIn.APP).credential
    with pytest.raises(SettingsError, match="KEY_VAULT_VERIFY_CHALLENGE"):
        _ = Services(
            {
                "ENTRA_TENANT_ID": TENANT,
                "ENTRA_CLIENT_ID": CLIENT,
                "KEY_VAULT_URL": "https://a.vault.azure.net",
                "KEY_VAULT_VERIFY_CHALLENGE": "false",
            },
            sign_in=SignIn.APP,
        ).credential
