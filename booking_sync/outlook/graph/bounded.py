"""What requests to Graph travel on, with a bound on each answer.

httpx reads and unpacks an answer as a whole, however much it becomes. Here it is read and unpacked piece by
piece. Time is bounded around the whole call (`batch.TOTAL_SECONDS`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import httpx

from booking_sync.plumbing.http.bounded_body import ACCEPT_ENCODING, BoundedBody

if TYPE_CHECKING:
    from collections.abc import AsyncIterable

_ABOUT_THE_WIRE: Final = frozenset({"content-encoding", "content-length", "transfer-encoding"})


class BoundedTransport(httpx.AsyncBaseTransport):
    """Reads answers to their end.

    Args:
        inner: what it travels on; closed with this.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, read and unpacked.

        Raises:
            BodyTooLargeError: it is larger than anybody meant it to be.
            UnreadableBodyError: it is damaged.
            httpx.TransportError: there is none.
        """
        request.headers["Accept-Encoding"] = ACCEPT_ENCODING
        response = await self._inner.handle_async_request(request)
        try:
            body = BoundedBody(response.headers.get("content-encoding", ""))
            async for chunk in cast("AsyncIterable[bytes]", response.stream):
                body.feed(chunk)
            content = body.whole()
        finally:
            await response.aclose()
        kept = [
            (name, value)
            for name, value in response.headers.raw
            if name.decode("latin-1").lower() not in _ABOUT_THE_WIRE
        ]
        return httpx.Response(response.status_code, headers=kept, content=content)

    async def aclose(self) -> None:
        """Close what is inside."""
        await self._inner.aclose()
