"""What the adapters of the storage account have in common: client options, time limits, refusals in words."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError

from booking_sync.azure.connections import (
    NO_CODE,
    TOTAL_SECONDS,
    client_options,
    header,
    identity_options,
    readable_code,
    retry_after,
    unreadable,
)
from booking_sync.errors import PermanentError, SyncError, TransientError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from booking_sync.azure.entra.identity import RenewableIdentity

_SHORT_PAUSE = {"initial_backoff": 0, "increment_base": 1, "random_jitter_range": 1}
"""Up to two seconds before the one retry; the SDK's own pause is 15 s and more."""
_BAD_REQUEST, _TOO_LARGE, _SERVER_ERROR = 400, 413, 500
_UNAUTHORIZED, _FORBIDDEN = 401, 403


@dataclass(frozen=True, slots=True)
class StorageService:
    """One of the account's services, in the words that people read."""

    name: str
    takes: str
    """What the app sends to it."""
    role: str
    """The role that the app's identity needs."""


QUEUES = StorageService("the storage queue", "the message", "Storage Queue Data Contributor")
BLOBS = StorageService("blob storage", "the text", "Storage Blob Data Owner")


def storage_options(identity: RenewableIdentity | None = None) -> dict[str, Any]:
    """Keyword arguments that all clients of the storage account get; `identity` is what they sign in as."""
    options = client_options() if identity is None else identity_options(identity)
    return {**options, **_SHORT_PAUSE}


@contextlib.asynccontextmanager
async def asking(service: StorageService) -> AsyncIterator[None]:
    """Around one call to the account: limits its time, and translates its refusals.

    Raises:
        TransientError: the service can't answer now, or refuses the app.
        PermanentError: the service will never take this.
    """
    try:
        async with asyncio.timeout(TOTAL_SECONDS):
            yield
    except TimeoutError:
        raise TransientError(
            f"{service.name} did not answer in time", maybe_applied=True, unreached=True
        ) from None
    except AzureError as error:
        # The SDK's error quotes headers and what was signed, and the host logs the whole chain.
        raise _translate(error, service) from None
    except SyncError:
        raise
    except Exception as error:  # noqa: BLE001 - see `unreadable`
        raise unreadable(service.name, error, maybe_applied=True) from None


def error_code(error: HttpResponseError) -> str:
    """The service's error code; its text may hold details of the signature and stays out."""
    return readable_code(header(error, "x-ms-error-code"))


def _translate(error: AzureError, service: StorageService) -> SyncError:
    status = error.status_code if isinstance(error, HttpResponseError) else None
    if isinstance(error, ClientAuthenticationError) and status is None:
        return TransientError(
            f"no access to {service.name} ({type(error).__name__}): check the key in AzureWebJobsStorage, or "
            "that the app has its identity"
        )
    if not isinstance(error, HttpResponseError) or status is None:
        # azure-core calls a connection that broke after the request a ServiceRequestError too.
        reason = f"{service.name} can't be reached, or its answer was lost ({type(error).__name__})"
        return TransientError(reason, maybe_applied=True, unreached=True)
    code = error_code(error)
    said = f"HTTP {status}, {code}"
    if status in (_UNAUTHORIZED, _FORBIDDEN):
        return TransientError(
            f"the storage account refuses the app ({said}): check AzureWebJobsStorage, or that the app's "
            f"identity has the role {service.role}"
        )
    if status in (_BAD_REQUEST, _TOO_LARGE) and code != NO_CODE:  # else it is not Storage that speaks
        return PermanentError(f"{service.name} refuses {service.takes} ({said})")
    return TransientError(
        f"{service.name} can't answer now ({said})",
        retry_after=retry_after(error),
        maybe_applied=status >= _SERVER_ERROR or code == NO_CODE,
    )
