"""The app registration's tokens, against stand-ins for the managed identity, Key Vault and Entra over TLS."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any

import pytest

from booking_sync.azure.entra.credential import AppRegistrationCredential
from booking_sync.azure.entra.proofs import Registration
from booking_sync.errors import TransientError
from booking_sync.plumbing.http.retry_after import LONGEST_SECONDS
from local.standin import tokens
from local.standin.faults import Fault
from tests.azure.conftest import (
    CLIENT,
    DATAVERSE_SCOPE,
    FIRST_SECRET,
    GRAPH_SCOPE,
    SECOND_SECRET,
    SECRET_NAME,
    TENANT,
)

if TYPE_CHECKING:
    from tests.azure.conftest import Cloud


async def test_token_comes_through_the_whole_chain(cloud: Cloud) -> None:
    """A token for Graph is made with the vault's secret, which the managed identity may read."""
    async with cloud.credential() as credential:
        token = await credential.get_token(GRAPH_SCOPE)
    claims = tokens.read_claims(token.token)
    assert (claims["aud"], claims["appid"]) == ("https://graph.microsoft.com", CLIENT)
    assert len(cloud.identity.requests) == 1


async def test_token_is_cached(cloud: Cloud) -> None:
    """The second call asks nobody."""
    async with cloud.credential() as credential:
        first = await credential.get_token(GRAPH_SCOPE)
        second = await credential.get_token(GRAPH_SCOPE)
    assert first.token == second.token
    assert cloud.token_requests() == [200]


async def test_concurrent_callers_share_one_request(cloud: Cloud) -> None:
    """A hundred callers at once cost one read of the secret and one token request."""
    async with cloud.credential() as credential:
        got = await asyncio.gather(*(credential.get_token(GRAPH_SCOPE) for _ in range(100)))
    assert len({token.token for token in got}) == 1
    assert (cloud.token_requests(), cloud.secret_reads()) == ([200], 1)


async def test_concurrent_callers_share_one_failure(cloud: Cloud) -> None:
    """When Entra fails, callers that waited get the same failure instead of asking one after the other."""
    cloud.entra.faults.add(Fault(path="/token", times=-1, status=503, body={"error": "temporarily"}))
    async with cloud.credential() as credential:
        calls = (credential.get_token(GRAPH_SCOPE) for _ in range(20))
        got = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(each, TransientError) for each in got)
    assert cloud.token_requests() == [503]


async def test_each_service_has_its_own_token(cloud: Cloud) -> None:
    """Graph and Dataverse get tokens of their own, made with one secret."""
    async with cloud.credential() as credential:
        graph = await credential.get_token(GRAPH_SCOPE)
        dataverse = await credential.get_token(DATAVERSE_SCOPE)
    assert tokens.read_claims(graph.token)["aud"] != tokens.read_claims(dataverse.token)["aud"]
    assert cloud.secret_reads() == 1


async def test_token_is_renewed_before_it_expires(cloud: Cloud) -> None:
    """A token with less than five minutes to live is replaced although it would still be taken."""
    cloud.entra.lifetime_seconds = 200
    async with cloud.credential() as credential:
        short = await credential.get_token(GRAPH_SCOPE)
        cloud.entra.lifetime_seconds = 3599
        # azure-identity leaves half a minute between two tries; another scope's request does not count for it
        # here, so the wait is taken out of its own book-keeping.
        opened: Any = credential._opened[(GRAPH_SCOPE,)]  # noqa: SLF001 - see above: else it would sleep for 30 s
        opened.client._last_request_time = 0  # noqa: SLF001 - as above
        renewed = await credential.get_token(GRAPH_SCOPE)
    assert short.expires_on > time.time()
    assert renewed.expires_on > short.expires_on


async def test_rotated_secret_needs_no_restart(cloud: Cloud) -> None:
    """When Entra refuses the secret that is known, the vault's new one is fetched once and works."""
    async with cloud.credential() as credential:
        await credential.get_token(GRAPH_SCOPE)
        cloud.rotate(SECOND_SECRET)
        token = await credential.get_token(DATAVERSE_SCOPE)
    assert token.token
    assert (cloud.token_requests(), cloud.secret_reads()) == ([200, 401, 200], 2)


async def test_wrong_secret_in_the_vault_is_fetched_again_only_once(cloud: Cloud) -> None:
    """The vault holding what Entra refuses is a reason for the administrator, and no reason to hammer."""
    cloud.expect(SECOND_SECRET)
    async with cloud.credential() as credential:
        for _ in range(5):
            with pytest.raises(TransientError, match=r"refuses the client secret.*AADSTS7000215"):
                await credential.get_token(GRAPH_SCOPE)
    assert (cloud.token_requests(), cloud.secret_reads()) == ([401], 2)


async def test_remembered_failure_says_how_long_it_lasts(cloud: Cloud) -> None:
    """A failure that is repeated without asking tells when asking makes sense again."""
    cloud.expect(SECOND_SECRET)
    async with cloud.credential() as credential:
        with pytest.raises(TransientError) as first:
            await credential.get_token(GRAPH_SCOPE)
        with pytest.raises(TransientError) as second:
            await credential.get_token(GRAPH_SCOPE)
    assert first.value.retry_after == 30
    assert second.value.retry_after is not None
    assert 0 < second.value.retry_after <= 30


async def test_failure_is_forgotten_after_the_hold(cloud: Cloud) -> None:
    """Once the hold is over, a secret that was mended in the vault is picked up."""
    cloud.expect(SECOND_SECRET)
    async with cloud.credential(hold_seconds=0) as credential:
        with pytest.raises(TransientError):
            await credential.get_token(GRAPH_SCOPE)
        cloud.rotate(SECOND_SECRET)
        assert (await credential.get_token(GRAPH_SCOPE)).token


async def test_failure_of_one_service_leaves_the_other_alone(cloud: Cloud) -> None:
    """A cached token goes on being handed out while another service's token can't be had."""
    async with cloud.credential() as credential:
        graph = await credential.get_token(GRAPH_SCOPE)
        cloud.expect(SECOND_SECRET)
        with pytest.raises(TransientError):
            await credential.get_token(DATAVERSE_SCOPE)
        assert (await credential.get_token(GRAPH_SCOPE)).token == graph.token


async def test_refused_token_is_renewed_with_the_secret_that_we_have(cloud: Cloud) -> None:
    """After `renew` the token is fetched anew, once however often it was called; the vault is not asked."""
    async with cloud.credential() as credential:
        first = await credential.get_token(GRAPH_SCOPE)
        cloud.entra.lifetime_seconds = 1800
        credential.renew()
        credential.renew()
        second = await credential.get_token(GRAPH_SCOPE)
        credential.renew()
        third = await credential.get_token(GRAPH_SCOPE)
    assert first.token != second.token == third.token
    assert (cloud.token_requests(), cloud.secret_reads()) == ([200, 200], 1)


async def test_every_service_s_token_is_renewed(cloud: Cloud) -> None:
    """A renewal counts for each service at its next request, whichever of them refused."""
    async with cloud.credential() as credential:
        before = [await credential.get_token(each) for each in (GRAPH_SCOPE, DATAVERSE_SCOPE)]
        cloud.entra.lifetime_seconds = 1800
        credential.renew()
        after = [await credential.get_token(each) for each in (GRAPH_SCOPE, DATAVERSE_SCOPE)]
    assert not {each.token for each in before} & {each.token for each in after}


async def test_refused_token_and_refused_secret_are_renewed_one_after_the_other(cloud: Cloud) -> None:
    """Graph refuses the token, Entra the secret: both are new afterwards."""
    async with cloud.credential() as credential:
        first = await credential.get_token(GRAPH_SCOPE)
        cloud.rotate(SECOND_SECRET)
        cloud.entra.lifetime_seconds = 1800
        credential.renew()
        assert (await credential.get_token(GRAPH_SCOPE)).token != first.token
    assert (cloud.token_requests(), cloud.secret_reads()) == ([200, 401, 200], 2)


@pytest.mark.parametrize("link", ["entra", "keyvault"])
async def test_renewal_that_fails_keeps_what_there_is(cloud: Cloud, link: str) -> None:
    """With Entra down, or the secret ended and the vault down, a token that one service refused serves on."""
    async with cloud.credential() as credential:
        first = await credential.get_token(GRAPH_SCOPE)
        if link == "keyvault":
            cloud.expect(SECOND_SECRET)
        getattr(cloud, link).faults.add(Fault(path="/", times=-1, status=503))
        credential.renew()
        assert (await credential.get_token(GRAPH_SCOPE)).token == first.token
        asked = len(getattr(cloud, link).requests)
        credential.renew()
        assert (await credential.get_token(GRAPH_SCOPE)).token == first.token
        assert len(getattr(cloud, link).requests) == asked, "not again within the pause"


@pytest.mark.parametrize(
    ("fault", "text", "retry_after"),
    [
        (Fault(status=429, headers={"Retry-After": "17"}, body={"error": "slow"}), "HTTP 429", 17.0),
        (Fault(status=429, headers={"Retry-After": "99999999"}), "HTTP 429", LONGEST_SECONDS),
        (Fault(status=503, headers={"Retry-After": "9" * 400}), "HTTP 503", LONGEST_SECONDS),
        (Fault(status=503, headers={"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}), "503", LONGEST_SECONDS),
        (Fault(status=503, headers={"Retry-After": "soon"}), "HTTP 503", None),
        (Fault(status=503, body={"error": "temporarily_unavailable"}), "HTTP 503", None),
        (Fault(status=502), "HTTP 502", None),
        (Fault(status=503, body="<html>Server error</html>"), "HTTP 503", None),
        (Fault(status=200, body=["what"]), "Entra", None),
        (Fault(drop=True), "can't be reached", None),
    ],
    ids=[
        "throttled",
        "for years",
        "400 digits",
        "a date far away",
        "no time",
        "unavailable",
        "empty answer",
        "a page of HTML",
        "nonsense",
        "connection lost",
    ],
)
async def test_trouble_at_entra_is_transient(
    cloud: Cloud, fault: Fault, text: str, retry_after: float | None
) -> None:
    """Whatever Entra does, callers see a TransientError with the wait that it asked for."""
    fault.times = -1
    cloud.entra.faults.add(fault)
    async with cloud.credential() as credential:
        with pytest.raises(TransientError, match=text) as caught:
            await credential.get_token(GRAPH_SCOPE)
    assert caught.value.retry_after == retry_after


async def test_unreachable_entra_is_transient(cloud: Cloud) -> None:
    """An Entra that can't be connected to is a TransientError."""
    async with AppRegistrationCredential(
        Registration(TENANT, CLIENT, "https://127.0.0.1:9"), cloud.secret()
    ) as credential:
        with pytest.raises(TransientError, match="can't be reached"):
            await credential.get_token(GRAPH_SCOPE)


async def test_unknown_application_names_the_settings(cloud: Cloud) -> None:
    """A wrong client id is no reason to read the secret again; the text names what to check."""
    async with AppRegistrationCredential(
        Registration(TENANT, "11111111-1111-4222-8333-444455556666", cloud.entra_url), cloud.secret()
    ) as credential:
        with pytest.raises(TransientError, match=r"AADSTS700016.*ENTRA_CLIENT_ID"):
            await credential.get_token(GRAPH_SCOPE)
    assert cloud.secret_reads() == 1


async def test_no_secret_and_no_token_is_logged_or_raised(
    cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    """Even at DEBUG, through a success, a refusal and a rotation, neither a secret nor a token shows."""
    caplog.set_level(logging.DEBUG)
    for library in ("azure.core", "azure.identity", "azure.keyvault", "msal", "urllib3"):
        caplog.set_level(logging.DEBUG, logger=library)  # an earlier test may have had the app quiet them
    texts: list[str] = []
    async with cloud.credential(hold_seconds=0) as credential:
        token = await credential.get_token(GRAPH_SCOPE)
        cloud.expect(SECOND_SECRET)
        with pytest.raises(TransientError) as caught:
            await credential.get_token(DATAVERSE_SCOPE)
        texts += [str(caught.value), repr(caught.value), repr(credential.__dict__)]
        cloud.rotate(SECOND_SECRET)
        await credential.get_token(DATAVERSE_SCOPE)
    seen = caplog.text + "".join(texts)
    assert SECRET_NAME in seen  # the log is not simply empty
    for hidden in (FIRST_SECRET, SECOND_SECRET, token.token):
        assert hidden not in seen
