"""The port `TextStore` on blob storage: small texts that all instances of the app share, in one container.

The operator's page and the health check read them. Nothing else depends on them, so writes carry no condition
and are not tried again: the last write of a name wins. Only a claim must not be won twice.
"""

from __future__ import annotations

import asyncio
from datetime import UTC
from typing import TYPE_CHECKING

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.storage.blob.aio import BlobServiceClient

from booking_sync.azure.connections import bounded_list, platform_credential
from booking_sync.azure.storage.common import BLOBS, asking, storage_options
from booking_sync.domain.ids import read_moment

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from azure.storage.blob.aio import ContainerClient

    from booking_sync.azure.entra.identity import RenewableIdentity
    from booking_sync.settings.storage import StorageSettings

CONTAINER = "booking-sync-operations"
MAX_BYTES = 256 * 1024
"""A longer text is not ours."""


class BlobTextStore:
    """Fulfils `TextStore`; the container is made when it is missing.

    Args:
        service: the storage account's blobs; closed by `aclose`.
        credential: closed by `aclose` too; None with a connection string.
        container: its name.
    """

    def __init__(
        self,
        service: BlobServiceClient,
        credential: RenewableIdentity | None = None,
        container: str = CONTAINER,
    ) -> None:
        self._service = service
        self._credential = credential
        self._container: ContainerClient = service.get_container_client(container)

    async def put(self, name: str, text: str) -> None:
        """Write a text, in place of any that is there; raises a `SyncError`, as every method here."""
        async with asking(BLOBS):
            await self._upload(name, text.encode(), overwrite=True)

    async def get(self, name: str) -> str | None:
        """The text of that name; None when there is none."""
        async with asking(BLOBS):
            try:
                blob = await self._container.download_blob(name, offset=0, length=MAX_BYTES)
                return (await blob.readall()).decode("utf-8", errors="replace")
            except ResourceNotFoundError:
                return None

    async def claim(self, name: str, until: datetime, now: datetime) -> bool:
        """Take this name until then; False when somebody has it, and not yet too long."""
        text = until.isoformat().encode()
        async with asking(BLOBS):
            try:
                await self._upload(name, text, overwrite=False)
            except ResourceExistsError:
                return await self._taken_over(name, text, now)
            return True

    async def release(self, name: str) -> None:
        """Give a name back that was claimed."""
        async with asking(BLOBS):
            try:
                await self._container.delete_blob(name)
            except ResourceNotFoundError:
                return

    async def _taken_over(self, name: str, text: bytes, now: datetime) -> bool:
        """Claim what a killed instance left, by the version that was read."""
        try:
            blob = await self._container.download_blob(name, offset=0, length=MAX_BYTES)
            claimed_until = read_moment((await blob.readall()).decode("utf-8", errors="replace"))
            if claimed_until is not None and claimed_until > now:
                return False
            await self._container.upload_blob(
                name,
                text,
                overwrite=True,
                etag=blob.properties.etag,
                match_condition=MatchConditions.IfNotModified,
            )
        except (ResourceModifiedError, ResourceNotFoundError):
            return False  # another instance was faster
        return True

    async def newest(self, prefix: str, since: datetime, limit: int) -> Sequence[str]:
        """The texts written since then whose names begin so, at most `limit`, newest first."""
        found = sorted(((at, name) for at, name in await self._list(prefix) if at >= since), reverse=True)
        texts = await asyncio.gather(*(self.get(name) for _, name in found[:limit]))
        return [text for text in texts if text is not None]

    async def drop(self, prefix: str, before: datetime) -> int:
        """Remove the texts written before that whose names begin so; returns how many."""
        old = [name for at, name in await self._list(prefix) if at < before]
        for name in old:
            async with asking(BLOBS):
                try:
                    await self._container.delete_blob(name)
                except ResourceNotFoundError:
                    continue  # another instance was faster
        return len(old)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._service.close()
        if self._credential is not None:
            await self._credential.close()

    async def _list(self, prefix: str) -> list[tuple[datetime, str]]:
        """When each text was written last, and its name."""
        async with asking(BLOBS):
            try:
                found = await bounded_list(self._container.list_blobs(name_starts_with=prefix))
            except ResourceNotFoundError:
                return []
            # In here, so that a list without dates or with strange ones is an answer that can't be read.
            return [(blob.last_modified.astimezone(UTC), str(blob.name)) for blob in found]

    async def _upload(self, name: str, text: bytes, *, overwrite: bool) -> None:
        """Store a text, and make the container first where it is missing."""
        try:
            await self._container.upload_blob(name, text, overwrite=overwrite)
        except ResourceNotFoundError:
            await self._create()
            await self._container.upload_blob(name, text, overwrite=overwrite)

    async def _create(self) -> None:
        try:
            await self._container.create_container()
        except ResourceExistsError:
            return  # another instance was faster


def open_text_store(
    storage: StorageSettings,
    credential_factory: Callable[[str], RenewableIdentity] = platform_credential,
    *,
    container: str = CONTAINER,
) -> BlobTextStore | None:
    """The text store in the queues' storage account, or None when the settings name no blob service.

    Args:
        storage: a connection string, or an account that is reached with the app's identity.
        credential_factory: called with a user-assigned identity's client id (or an empty text), and only for
            the identity-based form.
        container: its name.

    """
    if not storage.has_blobs:
        return None
    options = storage_options()
    if storage.connection_string:
        try:
            service = BlobServiceClient.from_connection_string(storage.connection_string, **options)
        except ValueError:  # good for queues only, as far as the SDK can tell
            return None
        return BlobTextStore(service, container=container)
    credential = credential_factory(storage.client_id)
    service = BlobServiceClient(storage.blob_url, credential=credential, **storage_options(credential))
    return BlobTextStore(service, credential, container)
