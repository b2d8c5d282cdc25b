"""A managed identity's token that the storage account refuses: renewed at its link, without a restart."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from booking_sync.azure.storage.blob_texts import open_text_store
from booking_sync.azure.storage.queue import open_queue
from booking_sync.domain.messages.change import BookingChange
from booking_sync.errors import TransientError
from booking_sync.settings.storage import StorageSettings
from local.standin import StandIn, server_tls, serving

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from local.stack.certificates import Certificates
    from tests.azure.conftest import Cloud

    Call = Callable[[], Awaitable[None]]
    Use = Callable[[Call], Awaitable[None]]

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
CHANGE = BookingChange("0d7c1f57-3b1e-4c8e-9a55-2f6f0d6b1a01", "c", NOW)
_QUEUED = (
    b"<?xml version='1.0'?><QueueMessagesList><QueueMessage><MessageId>1</MessageId>"
    b"<PopReceipt>p</PopReceipt></QueueMessage></QueueMessagesList>"
)


@dataclass
class Account:
    """A storage account that takes everything, but for tokens that it was told to refuse."""

    refused: set[str] = field(default_factory=set)
    seen: list[str] = field(default_factory=list)

    async def respond(self, request: web.Request) -> web.Response:
        """The account's answer."""
        token = request.headers.get("Authorization", "")
        self.seen.append(token)
        if token in self.refused:
            return web.Response(status=401, headers={"x-ms-error-code": "InvalidAuthenticationInfo"})
        etag = {"ETag": '"1"', "Last-Modified": "Mon, 02 Mar 2026 08:00:00 GMT"}
        return web.Response(status=201, body=_QUEUED, content_type="application/xml", headers=etag)

    def refuse_until_now(self) -> None:
        """Whatever came so far is refused from here on."""
        self.refused.update(self.seen)


async def _use_queue(url: str, use: Use) -> None:
    queue = open_queue(StorageSettings(queue_url=url, client_id="x"), "changes", lambda: NOW)
    try:
        await use(lambda: queue.send(CHANGE))
    finally:
        await queue.aclose()


async def _use_blobs(url: str, use: Use) -> None:
    texts = open_text_store(StorageSettings(queue_url=url, blob_url=url, client_id="x"))
    assert texts is not None
    try:
        await use(lambda: texts.put("runs/audit", "x"))
    finally:
        await texts.aclose()


@pytest.mark.parametrize("use_service", [_use_queue, _use_blobs], ids=["queue", "blobs"])
async def test_a_token_that_storage_refuses_is_renewed(
    certificates: Certificates,
    cloud: Cloud,
    use_service: Callable[[str, Use], Awaitable[None]],
) -> None:
    """The call that meets the refusal is to be repeated; the next one has another token, once for all."""
    cloud.identity.identity = replace(
        cloud.identity.identity, client_id="x", user_assigned=True, resources=("https://storage.azure.com",)
    )
    account = Account()
    service = StandIn("storage")
    service.app.router.add_route("*", "/{path:.*}", account.respond)

    async def use(call: Call) -> None:
        await call()
        account.refuse_until_now()
        cloud.identity.lifetime_seconds = 7200  # within a second its next token would be the same
        with pytest.raises(TransientError, match="the storage account refuses the app") as caught:
            await call()
        assert not caught.value.maybe_applied
        await call()
        await call()

    tls = server_tls(str(certificates.certificate), str(certificates.key))
    async with serving(service, tls) as url:
        await use_service(url, use)
    assert len(set(account.seen)) == 2
    assert len(cloud.identity.requests) == 2
