"""The port `ClockReads` over HTTP: the `Date` header of answers, for which no token is needed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from azure.core import AsyncPipelineClient
from azure.core.exceptions import AzureError
from azure.core.rest import AsyncHttpResponse, HttpRequest

from booking_sync.azure.connections import TOTAL_SECONDS, client_options
from booking_sync.plumbing.http.retry_after import read_http_date
from booking_sync.ports.diagnosis import ClockReading

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from booking_sync.ports.platform.clock import Clock


class HttpClockReads:
    """Fulfils `ClockReads`.

    Args:
        addresses: by the service's name, an address that answers everybody, if only with a refusal.
        now: our clock.
    """

    def __init__(self, addresses: Mapping[str, str], now: Clock) -> None:
        self._addresses = addresses
        self._now = now

    async def read(self) -> Sequence[ClockReading]:
        """One reading per service; one that does not answer has no number."""
        options = client_options()
        client: AsyncPipelineClient[HttpRequest, AsyncHttpResponse] = AsyncPipelineClient(
            base_url="", policies=[], **options
        )
        async with client:
            return await asyncio.gather(
                *(self._read(client, name, url) for name, url in self._addresses.items())
            )

    async def _read(
        self, client: AsyncPipelineClient[HttpRequest, AsyncHttpResponse], name: str, url: str
    ) -> ClockReading:
        before = self._now()
        try:
            async with asyncio.timeout(TOTAL_SECONDS):
                response = await client.send_request(HttpRequest("GET", url))
                told = response.headers.get("Date", "")
                await response.close()
        except (AzureError, TimeoutError):
            return ClockReading(name, None)
        middle = before + (self._now() - before) / 2
        return ClockReading(name, _ahead(told, middle))


def _ahead(told: str, ours: datetime) -> float | None:
    moment = read_http_date(told)
    return None if moment is None else (moment - ours).total_seconds()
