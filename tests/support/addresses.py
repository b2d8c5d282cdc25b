"""An address that Graph notifies, in the process of the tests."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Address:
    """An address that Graph notifies."""

    def __init__(self) -> None:
        self.url = ""
        self.items: list[dict[str, Any]] = []
        self.bodies = 0
        self.questions: list[str] = []
        self.answers: list[int] = []
        """Statuses of the next answers to notifications; 202 when there are none."""
        self.token_status = 200
        self.token_kind = "text/plain"
        self.escapes = False

    async def answer(self, request: web.Request) -> web.Response:
        """Answer Graph."""
        if "validationToken" in request.query:
            self.questions.append(request.path_qs)
            token = request.query["validationToken"]
            text = token.replace(":", "%3A") if self.escapes else token
            return web.Response(status=self.token_status, text=text, content_type=self.token_kind)
        self.bodies += 1
        status = self.answers.pop(0) if self.answers else 202
        if status == 202:
            self.items += (await request.json())["value"]
        return web.Response(status=status)

    @property
    def told(self) -> list[tuple[str, str]]:
        """Changes and ids of events."""
        return [(each["changeType"], each["resourceData"]["id"]) for each in self.items]


@asynccontextmanager
async def listening() -> AsyncIterator[Address]:
    """An address on this machine while the context lasts."""
    address = Address()
    app = web.Application()
    app.router.add_post("/api/outlook/notifications", address.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr] # noqa: SLF001 - where it listens
    address.url = f"http://localhost:{port}/api/outlook/notifications?k=0123abcd"
    try:
        yield address
    finally:
        await runner.cleanup()
