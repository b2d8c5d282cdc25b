"""The operator's view of an app whose settings or services are broken."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import AsyncIterator

import pytest

from booking_sync.errors import TransientError
from booking_sync.operations.page import operators_page
from booking_sync.wiring.app import Application

BOOKINGS = b'{"bookings": ["5b3f8f0e-1111-4222-8333-444455556666"]}'
JSON = {"Content-Type": "application/json"}
KEY = base64.b64encode(b"k" * 32).decode()
# Nothing listens on the discard port of this machine.
NOWHERE = "https://127.0.0.1:9"
GUID = "0d1e2f30-1111-4222-8333-444455556666"
SETTINGS = {
    "AzureWebJobsStorage": f"AccountName=a;AccountKey={KEY};QueueEndpoint={NOWHERE}/a",
    "KEY_VAULT_URL": NOWHERE,
    "ENTRA_TENANT_ID": GUID,
    "ENTRA_CLIENT_ID": GUID.replace("0d1e", "1a2b"),
    "DATAVERSE_URL": "https://contoso.crm4.dynamics.com",
    # Stands in for a managed identity, so that no other way to a token is tried.
    "IDENTITY_ENDPOINT": f"{NOWHERE}/msi",
}


@pytest.fixture
async def empty() -> AsyncIterator[Application]:
    """An app without a single setting."""
    app = Application({})
    yield app
    await app.aclose()


@pytest.fixture
async def cut_off(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Application]:
    """An app that reaches no service at all."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{NOWHERE}/msi")
    monkeypatch.setenv("IDENTITY_HEADER", "x")
    app = Application(SETTINGS)
    yield app
    await app.aclose()


async def test_missing_settings_are_named_to_operators_only(empty: Application) -> None:
    """Health names each setting; the open probe says no more than that it fails."""
    probe, health = await empty.operator_endpoints.probe(), await empty.operator_endpoints.health()
    assert (probe.status, probe.payload) == (503, {"status": "failing"})
    (finding,) = health.payload["findings"]
    for name in ("AzureWebJobsStorage", "KEY_VAULT_URL", "DATAVERSE_URL"):
        assert name in finding["words"]


async def test_the_page_has_an_answer_without_any_setting(empty: Application) -> None:
    """Whoever sets the app up finds out on the page what is missing, in place of an error."""
    status = await empty.operator_endpoints.status()
    assert status.status == 200
    assert "AzureWebJobsStorage" in status.payload["poison"]["problem"]
    assert "KEY_VAULT_URL" in status.payload["failing"]["problem"]
    replay = await empty.operator_endpoints.replay(JSON, b'{"all": true}')
    resync = await empty.operator_endpoints.resync(JSON, BOOKINGS)
    assert (replay.status, resync.status) == (503, 503)
    assert "AzureWebJobsStorage" in replay.payload["problem"]


async def test_services_that_can_t_be_reached_are_named(cut_off: Application) -> None:
    """The page tells what can't be reached; so does health, also of a start that failed, and no secret."""
    with pytest.raises(TransientError, match="Key Vault"):
        await cut_off.timers.catch_up()
    status = await cut_off.operator_endpoints.status()
    assert "can't be reached" in status.payload["poison"]["problem"]
    assert "Key Vault" in status.payload["failing"]["problem"]
    health = await cut_off.operator_endpoints.health()
    assert health.status == 503
    failing = [each["words"] for each in health.payload["findings"] if each["severity"] == "failing"]
    assert [words.partition(" can't be reached")[0] for words in failing] == ["Key Vault", "The queues"]
    assert "The last catch-up failed: Key Vault can't be reached" in str(health.payload["findings"])
    assert KEY not in str(status.payload) + str(health.payload)


def test_the_policy_allows_the_page_s_own_script_and_style_by_their_hashes() -> None:
    """What is inside the page is what the policy names, to the letter; inline handlers would not run."""
    page = operators_page()
    policy = page.headers["Content-Security-Policy"]
    for element in ("style", "script"):
        (text,) = re.findall(rf"<{element}>(.*?)</{element}>", page.html, re.DOTALL)
        assert f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}" in policy
    assert "unsafe" not in policy
    # A namespace is a name, and nothing is loaded from it.
    html = page.html.replace("https:\\/", "").replace('"http://www.w3.org/2000/svg"', "")
    assert not re.search(r"\son\w+=|style=|javascript:|https?://|innerHTML", html)
