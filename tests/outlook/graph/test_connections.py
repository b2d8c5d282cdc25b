"""How requests to Graph spread over pools of connections."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import httpx
import pytest

from booking_sync.outlook.graph.client import GraphClient
from booking_sync.outlook.graph.connections import POOLS, SpreadTransport
from tests.outlook.kit import LocalCredential


class _Pool(httpx.AsyncBaseTransport):
    """Answers when it is told to, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.open = asyncio.Event()
        self.closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.path)
        await self.open.wait()
        if request.url.path == "/broken":
            raise httpx.ReadError("broken")
        return httpx.Response(200)

    async def aclose(self) -> None:
        self.closed = True


def _spread() -> tuple[SpreadTransport, list[_Pool]]:
    pools: list[_Pool] = []

    def make() -> _Pool:
        pools.append(_Pool())
        return pools[-1]

    return SpreadTransport(make), pools


def _request(path: str) -> httpx.Request:
    return httpx.Request("POST", f"https://graph{path}")


async def test_requests_at_the_same_moment_are_shared_out_equally() -> None:
    """No pool gets a second one before each has its first, so that none looks at many connections."""
    spread, pools = _spread()
    calls = [asyncio.create_task(spread.handle_async_request(_request(f"/{n}"))) for n in range(2 * POOLS)]
    await asyncio.sleep(0)
    assert [len(pool.asked) for pool in pools] == [2] * POOLS
    for pool in pools:
        pool.open.set()
    await asyncio.gather(*calls)


@pytest.mark.parametrize("path", ["/fine", "/broken"])
async def test_a_request_after_another_takes_the_same_connection(path: str) -> None:
    """A finished one leaves its place, also by an error: else a quiet app would open ever more."""
    spread, pools = _spread()
    pools[0].open.set()
    for _ in range(3):
        await asyncio.gather(spread.handle_async_request(_request(path)), return_exceptions=True)
    assert len(pools[0].asked) == 3
    assert not any(pool.asked for pool in pools[1:])


async def test_a_cancelled_request_leaves_its_place() -> None:
    """A time limit ends a call from outside."""
    spread, pools = _spread()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await spread.handle_async_request(_request("/late"))
    pools[0].open.set()
    await spread.handle_async_request(_request("/next"))
    assert pools[0].asked[-1] == "/next"


async def test_closing_closes_every_pool() -> None:
    """No connection is left open."""
    spread, pools = _spread()
    await spread.aclose()
    assert all(pool.closed for pool in pools)


async def test_the_trusted_certificates_are_loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """They take milliseconds, which each pool would add to a cold start."""
    loads: list[None] = []
    load = httpx.create_ssl_context

    def counted(*arguments: Any, **options: Any) -> ssl.SSLContext:
        if not isinstance(options.get("verify"), ssl.SSLContext):
            loads.append(None)
        return load(*arguments, **options)

    for place in ("httpx.create_ssl_context", "httpx._transports.default.create_ssl_context"):
        monkeypatch.setattr(place, counted)
    client = GraphClient("https://graph.example", LocalCredential(b""))
    assert client.service is not None
    assert len(loads) == 1
    await client.aclose()
