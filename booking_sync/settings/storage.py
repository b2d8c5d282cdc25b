"""The storage account's settings, the only ones that are spread over several names.

The Functions host reads them as well, by its own rules, and delivers messages by them. What these rules
settle is followed here; whether somebody will have meant it so is checked with the whole of the settings.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from booking_sync.domain.text import trim
from booking_sync.settings.values import guid_or_nothing, https_url, plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

STORAGE_SETTING = "AzureWebJobsStorage"
_ACCOUNT = f"{STORAGE_SETTING}__accountName"
_QUEUES = f"{STORAGE_SETTING}__queueServiceUri"
_BLOBS = f"{STORAGE_SETTING}__blobServiceUri"
_CREDENTIAL = f"{STORAGE_SETTING}__credential"
_CLIENT = f"{STORAGE_SETTING}__clientId"
STORAGE_NAMES = (
    *(_ACCOUNT, _QUEUES, _BLOBS, _CREDENTIAL, _CLIENT),
    *(f"{STORAGE_SETTING}__{name}" for name in ("tableServiceUri", "tenantId", "clientSecret")),
)
"""What the host or this app reads beside `AzureWebJobsStorage` itself."""

_NO_CONNECTION_STRING = (
    "is not a connection string: copy it from the storage account's access keys "
    "(DefaultEndpointsProtocol=https;AccountName=…;AccountKey=…;EndpointSuffix=…)"
)


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
    """The connection string when there is one, else the identity-based form, as the host decides.

    Raises:
        ValueError: no queue could be opened with them; the text never quotes the connection string, which
            holds the account's key.
    """
    connection_string = _text(environ, STORAGE_SETTING)
    if connection_string:
        return StorageSettings(connection_string=_connection_string(connection_string))
    account, url = _text(environ, _ACCOUNT), _text(environ, _QUEUES)
    if not account and not url:
        raise ValueError(
            f"is missing: give a connection string, or the identity-based form ({_ACCOUNT} or {_QUEUES})"
        )
    queue_url = _account_url(account) if account else _service_url("queue", url)  # the host's order
    return StorageSettings(
        queue_url=queue_url,
        client_id=_client_id(_text(environ, _CLIENT)),
        blob_url=_blob_url(_text(environ, _BLOBS), queue_url),
    )


def storage_contradictions(environ: Mapping[str, str]) -> Iterator[str]:
    """What the host settles by its own rules, and nobody will have meant."""
    if _text(environ, STORAGE_SETTING):
        return
    if _text(environ, _ACCOUNT) and _text(environ, _QUEUES):
        yield f"{STORAGE_SETTING} has both __accountName and __queueServiceUri: keep one of them"
    if _text(environ, _CREDENTIAL).lower() not in ("", "managedidentity"):
        yield f"{STORAGE_SETTING}__credential can only be managedidentity (or absent)"


def storage_cautions(environ: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """What works and may surprise: the setting's name, what is to be known of it, what to do."""
    if _text(environ, STORAGE_SETTING):
        for name in (_ACCOUNT, _QUEUES):
            if _text(environ, name):
                yield (
                    name,
                    f"nobody reads it beside the connection string in {STORAGE_SETTING}, whose key is used",
                    f"Remove {STORAGE_SETTING} to use the identity, or {name} to use the key.",
                )
    elif _text(environ, _CLIENT) and not _text(environ, _CREDENTIAL):
        yield (
            _CLIENT,
            "the host reads it only beside __credential, and takes the system-assigned identity without",
            f"Set {_CREDENTIAL} to managedidentity.",
        )


def _text(environ: Mapping[str, str], name: str) -> str:
    return trim(environ.get(name, ""))


def _client_id(text: str) -> str:
    try:
        return guid_or_nothing(text)
    except ValueError as error:
        raise ValueError(f"__clientId {error}") from None


def _account_url(account: str) -> str:
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
        return https_url(plain(url))
    except ValueError as error:
        raise ValueError(f"__{service}ServiceUri {error}") from None


def _connection_string(text: str) -> str:
    """Check all that the SDK takes apart."""
    pairs = [pair.partition("=") for pair in plain(text).rstrip(";").split(";")]
    parts = {key.lower(): value for key, _, value in pairs}
    if len(parts) < len(pairs):
        raise ValueError("is not a connection string: it says something twice, or is two of them")
    development = parts.get("usedevelopmentstorage") == "true"
    account = parts.get("accountname") and (parts.get("accountkey") or parts.get("sharedaccesssignature"))
    endpoint = parts.get("queueendpoint") and parts.get("sharedaccesssignature")
    if (
        " " in text
        or not all(separator for _, separator, _ in pairs)
        or not (development or account or endpoint)
    ):
        raise ValueError(_NO_CONNECTION_STRING)
    if not _is_base64(parts.get("accountkey", "")):
        raise ValueError("has an AccountKey that is none: copy the whole connection string anew")
    if not re.fullmatch(r"[a-z0-9-]{0,63}", parts.get("accountname", "")):
        raise ValueError("has an AccountName that is none: copy the whole connection string anew")
    for name in ("queueendpoint", "blobendpoint"):
        if not _is_endpoint(parts.get(name, "https://localhost")):
            raise ValueError("has an endpoint that is no URL: copy the whole connection string anew")
    return text


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except binascii.Error:
        return False
    return True


def _is_endpoint(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
