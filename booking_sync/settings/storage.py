"""The storage account's settings, the only ones that are spread over several names."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from booking_sync.settings.values import guid_or_nothing, https_url

if TYPE_CHECKING:
    from collections.abc import Mapping

STORAGE_SETTING = "AzureWebJobsStorage"


@dataclass(frozen=True, slots=True)
class StorageSettings:
    """How to reach the storage account of queues and blobs: by connection string or by identity."""

    connection_string: str = field(default="", repr=False)
    """Holds the account's key; empty with the identity-based form."""
    queue_url: str = ""
    """The account's queue endpoint without trailing slash; empty with a connection string."""
    client_id: str = ""
    """Client id of a user-assigned managed identity; empty for the system-assigned one."""
    blob_url: str = ""
    """The account's blob endpoint without trailing slash; empty with a connection string, or when unknown."""

    @property
    def has_blobs(self) -> bool:
        """Whether the account's blobs can be reached: a connection string may name its queues only."""
        named = self.connection_string.lower()
        return bool(self.blob_url) or (
            bool(named) and ("blobendpoint=" in named or "queueendpoint=" not in named)
        )


def storage_settings(environ: Mapping[str, str]) -> StorageSettings:
    """The connection string when there is one, else the identity-based form, as the host decides."""
    connection_string = environ.get(STORAGE_SETTING, "").strip()
    if connection_string:
        return StorageSettings(connection_string=_connection_string(connection_string))
    account = environ.get(f"{STORAGE_SETTING}__accountName", "").strip()
    url = environ.get(f"{STORAGE_SETTING}__queueServiceUri", "").strip()
    if account and url:
        raise ValueError("has both __accountName and __queueServiceUri: keep one of them")
    if not account and not url:
        raise ValueError(
            "is missing: give a connection string, or the identity-based form "
            f"({STORAGE_SETTING}__accountName or {STORAGE_SETTING}__queueServiceUri)"
        )
    credential = environ.get(f"{STORAGE_SETTING}__credential", "").strip().lower()
    if credential not in ("", "managedidentity"):
        raise ValueError("__credential can only be managedidentity (or absent)")
    queue_url = _queue_url(account, url)
    return StorageSettings(
        queue_url=queue_url,
        client_id=guid_or_nothing(environ.get(f"{STORAGE_SETTING}__clientId", "").strip()),
        blob_url=_blob_url(environ.get(f"{STORAGE_SETTING}__blobServiceUri", "").strip(), queue_url),
    )


def _queue_url(account: str, url: str) -> str:
    if url:
        return _service_url("queue", url)
    if not re.fullmatch(r"[a-z0-9]{3,24}", account):
        raise ValueError("__accountName must be 3 to 24 lower-case letters and digits")
    return f"https://{account}.queue.core.windows.net"


def _blob_url(url: str, queue_url: str) -> str:
    """The endpoint that is named, or the one beside the queues': an account's services are named alike."""
    if url:
        return _service_url("blob", url)
    return queue_url.replace(".queue.", ".blob.", 1) if ".queue." in queue_url else ""


def _service_url(service: str, url: str) -> str:
    try:
        return https_url(url)
    except ValueError as error:
        raise ValueError(f"__{service}ServiceUri {error}") from None


def _connection_string(text: str) -> str:
    """Check the form only; the text is never quoted, since it holds the account's key."""
    pairs = [pair.partition("=") for pair in text.rstrip(";").split(";")]
    parts = {key.strip().lower(): value for key, _, value in pairs}
    development = parts.get("usedevelopmentstorage") == "true"
    account = parts.get("accountname") and (parts.get("accountkey") or parts.get("sharedaccesssignature"))
    endpoint = parts.get("queueendpoint") and parts.get("sharedaccesssignature")
    if not all(separator for _, separator, _ in pairs) or not (development or account or endpoint):
        raise ValueError(
            "is not a connection string: copy it from the storage account's access keys "
            "(DefaultEndpointsProtocol=https;AccountName=…;AccountKey=…;EndpointSuffix=…)"
        )
    return text
