"""A TLS server that answers with bytes as a test gives them, at the pace that it asks for.

The stand-ins speak HTTP through a library, which refuses to write what no HTTP answer is.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

from local.stack.certificates import Certificates
from local.standin import server_tls


@dataclass
class RawServer:
    """Answers each request alike."""

    chunks: Sequence[bytes] = ()
    """Written one after the other."""
    pause: float = 0.0
    """Seconds before each but the first."""
    repeats: int = 1
    """How often the last chunk is written."""
    respond: Callable[[str], bytes] | None = None
    """Makes the whole answer from a request's first line, instead of the chunks."""
    requests: list[bytes] = field(default_factory=list)
    """First lines."""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until either side closes it."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            try:
                while head := await reader.readuntil(b"\r\n\r\n"):
                    self.requests.append(head.partition(b"\r\n")[0])
                    await reader.readexactly(_length(head))
                    await self._answer(writer)
            finally:
                writer.transport.abort()

    async def _answer(self, writer: asyncio.StreamWriter) -> None:
        chunks = [self.respond(self.requests[-1].decode())] if self.respond else list(self.chunks)
        for place, chunk in enumerate(chunks + chunks[-1:] * (self.repeats - 1)):
            if place and self.pause:
                await asyncio.sleep(self.pause)
            writer.write(chunk)
            await writer.drain()


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def http(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    """A whole answer with its length."""
    head = [b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join([*head, b"", body])


@contextlib.asynccontextmanager
async def raw_server(certificates: Certificates) -> AsyncIterator[tuple[RawServer, str]]:
    """The server and its URL, as long as the context lasts."""
    script = RawServer()
    tls = server_tls(str(certificates.certificate), str(certificates.key))
    tasks: set[asyncio.Task[None]] = set()

    def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(script.handle(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield script, f"https://localhost:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
