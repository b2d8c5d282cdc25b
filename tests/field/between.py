"""Stands between the app and Graph, and has it answer as public reports tell."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

Item = dict[str, Any]
"""A request of a batch, or an answer."""


class Between(httpx.AsyncBaseTransport):
    """Passes batches on.

    Args:
        tls: trusts the stand-in.
    """

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._wire = httpx.AsyncHTTPTransport(verify=tls)
        self.to_graph: Callable[[Item], None] = lambda _request: None
        """Changes each request."""
        self.to_app: Callable[[list[tuple[Item, Item]]], None] = lambda _exchanges: None
        """Changes the answers of a batch, given beside their requests."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One batch."""
        requests: list[Item] = json.loads(await request.aread())["requests"]
        for each in requests:
            self.to_graph(each)
        headers = {name: value for name, value in request.headers.items() if name != "content-length"}
        sent = httpx.Request(request.method, request.url, headers=headers, json={"requests": requests})
        response = await self._wire.handle_async_request(sent)
        answers = {each["id"]: each for each in json.loads(await response.aread())["responses"]}
        self.to_app([(each, answers[each["id"]]) for each in requests])
        return httpx.Response(
            response.status_code, json={"responses": list(answers.values())}, request=request
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._wire.aclose()
