"""The deployed app as `certify` tries it: its webhook over HTTP.

What is posted is of a table that nobody has, so that the app answers and does nothing.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from typing import TYPE_CHECKING, Final

from azure.core import AsyncPipelineClient
from azure.core.exceptions import AzureError
from azure.core.rest import AsyncHttpResponse, HttpRequest

from booking_sync.azure.connections import client_options
from booking_sync.ports.certification import Posted

if TYPE_CHECKING:
    from collections.abc import Mapping

NO_TABLE: Final = "bookingsync_certify"
"""`PrimaryEntityName` of what is posted."""
KEY_HEADER: Final = "x-functions-key"
DATAVERSE_SECONDS: Final = 60.0
"""How long Dataverse waits for a webhook's answer."""


class WebhookTrials:
    """Posts webhooks as Dataverse does, all of which the app ignores.

    Args:
        url: the webhook's address.
        key: the function's key, which travels in a header.
    """

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._key = key

    async def post_one(self) -> int:
        """The status that one webhook is answered with; 0 for no answer."""
        async with _client() as client:
            status, _seconds = await self._post(client)
        return status

    async def post(self, count: int) -> Posted:
        """Post one webhook, then so many at once; never raises for an answer that does not come."""
        async with _client() as client:
            _, first = await self._post(client)
            answers = await asyncio.gather(*(self._post(client) for _ in range(count)))
        statuses: Mapping[int, int] = Counter(status for status, _ in answers)
        return Posted(statuses, max(seconds for _, seconds in answers), first)

    async def _post(self, client: AsyncPipelineClient[HttpRequest, AsyncHttpResponse]) -> tuple[int, float]:
        body = json.dumps({"PrimaryEntityName": NO_TABLE, "MessageName": "Update"})
        headers = {KEY_HEADER: self._key, "Content-Type": "application/json"}
        started = time.monotonic()
        try:
            async with asyncio.timeout(DATAVERSE_SECONDS):
                response = await client.send_request(
                    HttpRequest("POST", self._url, headers=headers, content=body)
                )
                await response.close()
        except (AzureError, TimeoutError):
            return 0, time.monotonic() - started
        return response.status_code, time.monotonic() - started


def _client() -> AsyncPipelineClient[HttpRequest, AsyncHttpResponse]:
    options = {**client_options(), "read_timeout": DATAVERSE_SECONDS, "retry_total": 0}
    return AsyncPipelineClient(base_url="", policies=[], **options)
