"""Time limits and identity of the Azure SDK's clients, in one place, so that no call takes minutes.

By default the SDK tries ten times with pauses up to two minutes, and sleeps as long as a Retry-After says.
Here a broken connection is tried once more, and an answer is taken as it is: waiting is left to the queue, on
which the message is put back with a delay.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.core.exceptions import HttpResponseError

CONNECT_SECONDS = 5
READ_SECONDS = 5
TOTAL_SECONDS = 10.0
"""Limit of one call, with its retry and with the token that it may need first."""


def client_options() -> dict[str, Any]:
    """Keyword arguments that the SDK's clients and credentials have in common."""
    return {
        "connection_timeout": CONNECT_SECONDS,
        "read_timeout": READ_SECONDS,
        "retry_total": 2,
        "retry_connect": 1,
        "retry_read": 1,
        "retry_status": 0,
    }


def platform_credential(client_id: str = "") -> AsyncTokenCredential:
    """The identity that the app runs as: its managed identity, or a developer's `az login` or `azd` session.

    A service principal in the environment is not used: `AZURE_CLIENT_ID` names the managed identity here, and
    a secret beside it would silently change the identity.

    Args:
        client_id: of a user-assigned identity; empty takes the one that `AZURE_CLIENT_ID` names, if any.
    """
    from azure.identity.aio import DefaultAzureCredential  # noqa: PLC0415 - the webhook path must stay light

    named = {"managed_identity_client_id": client_id} if client_id else {}
    return DefaultAzureCredential(
        exclude_environment_credential=True,
        exclude_workload_identity_credential=True,
        exclude_shared_token_cache_credential=True,
        exclude_visual_studio_code_credential=True,
        exclude_powershell_credential=True,
        **named,
        **client_options(),
    )


def retry_after(error: HttpResponseError) -> float | None:
    """The seconds that an answer asks us to wait; None when it does not say so."""
    from booking_sync.plumbing.retry_after import read_retry_after  # noqa: PLC0415 - no webhook waits for it

    return read_retry_after(header(error, "Retry-After"), datetime.now(UTC))


def header(error: HttpResponseError, name: str) -> str:
    """A header of the answer that the error speaks of; empty when there is none."""
    response: Any = error.response  # azure-core's type for it leaves out the headers
    return "" if response is None else str(response.headers.get(name, ""))
