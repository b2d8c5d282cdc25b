"""Posts over HTTP, as Graph does to the addresses of subscriptions."""

from __future__ import annotations

import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp

from local.graph.subscriptions.delivery import Heard

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from local.graph.subscriptions.delivery import Poster


@asynccontextmanager
async def open_poster(authority: str | None) -> AsyncIterator[Poster]:
    """What posts while the context lasts.

    Args:
        authority: PEM file of the authority that certificates must come from; None for the system's.
    """
    connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=authority), limit=0)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:

        async def post(url: str, body: bytes, seconds: float) -> Heard:
            kind = "application/json" if body else "text/plain"
            headers = {"Content-Type": f"{kind}; charset=utf-8"}
            timeout = aiohttp.ClientTimeout(total=seconds)
            try:
                async with session.post(
                    url, data=body, headers=headers, timeout=timeout, allow_redirects=False
                ) as response:
                    return Heard(
                        response.status, response.headers.get("Content-Type", ""), await response.text()
                    )
            except aiohttp.ClientError as error:
                raise OSError(str(error)) from error

        yield post
