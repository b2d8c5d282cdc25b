"""The connections that requests to Graph travel on, spread over several small pools.

httpcore looks at every connection of a pool, and asks each idle one's socket, whenever a request begins and
whenever one ends. With as many connections as we keep that was an eighth of a booking's processor time
(docs/benchmarks.md); in small pools each request looks at a few.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import httpx

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

MAX_CONNECTIONS: Final = 64
"""Kept open; as many as the scheduler sends batches at a time."""
POOLS: Final = 16
KEEP_ALIVE_SECONDS: Final = 60.0
"""Below the minutes after which load balancers drop a silent connection."""


class SpreadTransport(httpx.AsyncBaseTransport):
    """Hands each request to the pool with the fewest in work, and among equals to the first.

    So requests that follow each other share one connection, as in one large pool.

    Args:
        make_pool: makes one; it has to read each answer to its end, which is when its connection is free.
    """

    def __init__(self, make_pool: Callable[[], httpx.AsyncBaseTransport]) -> None:
        self._pools = [make_pool() for _ in range(POOLS)]
        self._in_work = [0] * POOLS

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer.

        Raises:
            Exception: whatever the pool raises.
        """
        least = self._in_work.index(min(self._in_work))
        self._in_work[least] += 1
        try:
            return await self._pools[least].handle_async_request(request)
        finally:
            self._in_work[least] -= 1

    async def aclose(self) -> None:
        """Close all connections."""
        await asyncio.gather(*(pool.aclose() for pool in self._pools))


def new_pool(trust: ssl.SSLContext) -> httpx.AsyncBaseTransport:
    """One pool with its share of the connections, none of them open yet.

    HTTP/1.1 on purpose: one connection per batch in flight, so a broken one costs one batch. All stay open
    between two bursts of batches: a new one costs a handshake.

    Args:
        trust: which certificates are believed; the same for all pools, since it takes milliseconds to load.
    """
    limits = httpx.Limits(
        max_connections=None,
        max_keepalive_connections=MAX_CONNECTIONS // POOLS,
        keepalive_expiry=KEEP_ALIVE_SECONDS,
    )
    return httpx.AsyncHTTPTransport(verify=trust, http2=False, limits=limits)
