"""Secrets: neither in what prints nor in what is raised."""

from __future__ import annotations

import logging
import traceback
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from booking_sync.azure.storage.queue import open_queue
from booking_sync.errors import SettingsError, TransientError
from booking_sync.ports.platform.credentials import SecretText
from booking_sync.settings.loading import load_queue_settings, load_settings
from booking_sync.settings.storage import StorageSettings
from tests.support.bookings import ANNA, BOOKING_ID

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "c2VjcmV0LWFjY291bnQta2V5LW9mLXRoZS1zdG9yYWdl"
CONNECTION = f"DefaultEndpointsProtocol=https;AccountName=contoso;AccountKey={KEY}"
SETTINGS = {
    "AzureWebJobsStorage": CONNECTION,
    "KEY_VAULT_URL": "https://vault.example",
    "ENTRA_TENANT_ID": BOOKING_ID,
    "ENTRA_CLIENT_ID": ANNA,
    "DATAVERSE_URL": "https://contoso.crm4.dynamics.com",
}


@pytest.mark.parametrize("show", [repr, str, "{}".format, "{!r}".format])
@pytest.mark.parametrize(
    "holder",
    [
        SecretText(KEY),
        StorageSettings(connection_string=CONNECTION),
        load_settings(SETTINGS),
        load_queue_settings(SETTINGS),
    ],
    ids=lambda holder: type(holder).__name__,
)
def test_nothing_that_holds_a_secret_shows_it(holder: object, show: Callable[[object], str]) -> None:
    """Printed, formatted or logged by accident, settings and secrets stay silent."""
    assert KEY not in show(holder)


@pytest.mark.parametrize(
    "connection",
    [
        f"AccountName=contoso;AccountKey={KEY};broken",
        f"AccountKey={KEY}",
        KEY,
        f"AccountKey={KEY};AccountName=",
    ],
)
def test_a_malformed_connection_string_is_not_quoted(connection: str) -> None:
    """What is wrong with the setting is told without the setting."""
    with pytest.raises(SettingsError) as error:
        load_settings({**SETTINGS, "AzureWebJobsStorage": connection})
    shown = "".join(traceback.format_exception(error.value))
    assert KEY not in shown.replace(repr(connection), "")
    assert "connection string" in str(error.value)


async def test_a_refused_signature_is_not_quoted(storage: str, caplog: pytest.LogCaptureFixture) -> None:
    """A wrong account key ends in words for an administrator, without the key or the signature."""
    caplog.set_level(logging.DEBUG, logger="booking_sync")
    before, _, rest = storage.partition("AccountKey=")
    right, _, after = rest.partition(";")
    wrong = f"{before}AccountKey={KEY};{after}"
    queue = open_queue(
        StorageSettings(connection_string=wrong), "changes", lambda: datetime(2026, 3, 2, tzinfo=UTC)
    )
    with pytest.raises(TransientError, match="refuses the app") as error:
        await queue.dead_letter("{}", "why")
    await queue.aclose()
    shown = "".join(traceback.format_exception(error.value)) + caplog.text
    assert not [each for each in (KEY, right, "SharedKey", "Authorization") if each in shown]
