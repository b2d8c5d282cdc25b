"""The client secret in Key Vault, against a stand-in over TLS with a managed identity."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from booking_sync.azure.key_vault.secrets import KeyVaultSecret
from booking_sync.errors import TransientError
from booking_sync.plumbing.http.retry_after import LONGEST_SECONDS
from booking_sync.ports.platform.credentials import SecretText
from local.standin.faults import Fault
from tests.azure.conftest import FIRST_SECRET, SECOND_SECRET, SECRET_NAME

if TYPE_CHECKING:
    from tests.azure.conftest import Cloud


async def _failure(secret: KeyVaultSecret) -> TransientError:
    try:
        with pytest.raises(TransientError) as caught:
            await secret.fetch()
        return caught.value
    finally:
        await secret.close()


async def test_secret_is_the_current_version(cloud: Cloud) -> None:
    """Each fetch reads the version that is current by then."""
    secret = cloud.secret()
    first = await secret.fetch()
    cloud.keyvault.vault.put(SECRET_NAME, SECOND_SECRET)
    second = await secret.fetch()
    await secret.close()
    assert (first.value, second.value) == (FIRST_SECRET, SECOND_SECRET)


def test_secret_does_not_show() -> None:
    """Printing or formatting a secret shows nothing of it."""
    secret = SecretText("swordfish")
    assert "swordfish" not in f"{secret} {secret!r} {[secret]}"


async def test_missing_secret_names_the_setting(cloud: Cloud) -> None:
    """A secret that does not exist may come: transient, with the name to look for."""
    assert "CLIENT_SECRET_NAME" in (await _failure(cloud.secret("another-name"))).reason


async def test_refused_identity_names_the_role(cloud: Cloud) -> None:
    """An identity without the role is transient (assignments take minutes) and says which role is missing."""
    cloud.keyvault.permitted = frozenset()
    error = await _failure(cloud.secret())
    assert "ForbiddenByRbac" in error.reason
    assert "Key Vault Secrets User" in error.reason


async def test_disabled_secret_is_named(cloud: Cloud) -> None:
    """A disabled secret is told apart from a missing role by the vault's own code."""
    cloud.keyvault.vault.enable(SECRET_NAME, "", enabled=False)
    assert "SecretDisabled" in (await _failure(cloud.secret())).reason


async def test_empty_secret_is_transient(cloud: Cloud) -> None:
    """An empty secret is as good as none."""
    cloud.keyvault.vault.put(SECRET_NAME, "")
    assert "is empty" in (await _failure(cloud.secret())).reason


@pytest.mark.parametrize("around", ["\n", "\r\n", " ", "\t", "\ufeff", "\u00a0", "\u200b"])
async def test_what_can_t_be_seen_around_a_secret_does_not_matter(cloud: Cloud, around: str) -> None:
    """A line break comes along when a file is piped into the vault, and Entra takes it for a wrong secret."""
    cloud.keyvault.vault.put(SECRET_NAME, f"{around}{SECOND_SECRET}{around}")
    secret = cloud.secret()
    found = await secret.fetch()
    await secret.close()
    assert found.value == SECOND_SECRET


async def test_a_secret_of_nothing_but_a_line_break_is_empty(cloud: Cloud) -> None:
    """It is told here, and not by Entra."""
    cloud.keyvault.vault.put(SECRET_NAME, "\n")
    assert "is empty" in (await _failure(cloud.secret())).reason


async def test_missing_identity_is_named(cloud: Cloud) -> None:
    """An identity endpoint that gives no token is the function app's identity's fault, not the vault's."""
    cloud.identity.faults.add(Fault(times=-1, status=400, body={"message": "no identity"}))
    assert "managed identity" in (await _failure(cloud.secret())).reason


async def test_challenge_for_another_domain_is_refused(cloud: Cloud) -> None:
    """With the verification on, a vault on localhost can't ask for tokens of the real Key Vault."""
    assert "KEY_VAULT_URL" in (await _failure(cloud.secret(verify_challenge=True))).reason
    assert cloud.secret_reads() == 0


@pytest.mark.parametrize(
    ("fault", "text", "retry_after"),
    [
        (Fault(status=429, headers={"Retry-After": "9"}), "HTTP 429", 9.0),
        (Fault(status=429, headers={"Retry-After": "99999999"}), "HTTP 429", LONGEST_SECONDS),
        (Fault(status=429, headers={"Retry-After": "9" * 400}), "HTTP 429", LONGEST_SECONDS),
        (Fault(status=429, headers={"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}), "429", LONGEST_SECONDS),
        (Fault(status=503, headers={"Retry-After": "soon"}), "HTTP 503", None),
        (Fault(status=500), "HTTP 500", None),
        (Fault(drop=True), "can't be reached", None),
    ],
    ids=["throttled", "for years", "400 digits", "a date far away", "no time", "broken", "connection lost"],
)
async def test_trouble_at_the_vault_is_transient(
    cloud: Cloud, fault: Fault, text: str, retry_after: float | None
) -> None:
    """The wait that the vault asks for is handed on, not slept here."""
    fault.times = -1
    cloud.keyvault.faults.add(fault)
    error = await _failure(cloud.secret())
    assert text in error.reason
    assert error.retry_after == retry_after


async def test_unreachable_vault_is_transient(cloud: Cloud) -> None:
    """A vault that can't be connected to is a TransientError."""
    assert cloud.vault_url
    secret = KeyVaultSecret("https://127.0.0.1:9", SECRET_NAME)
    assert "can't be reached" in (await _failure(secret)).reason
