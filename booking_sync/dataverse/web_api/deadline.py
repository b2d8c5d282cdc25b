"""Connections whose every wait ends at a deadline, so that no answer holds a thread for longer than that.

`requests` and urllib3 bound each wait for the next bytes and nothing else: a server that sends a byte a
minute is waited for without end, in the head of an answer as in its body. All bytes pass the socket, and
Python's TLS contexts take a socket class of ours: it looks at the deadline before it waits.
"""

from __future__ import annotations

import ssl
import threading
import time
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from urllib3.util.ssl_ import create_urllib3_context

if TYPE_CHECKING:
    from collections.abc import Buffer  # type: ignore[attr-defined]  # of Python 3.12 on; names a type only


class _Deadline(threading.local):
    """Of the request that this thread is waiting for; connections and sessions are their thread's own."""

    until: float = 0.0
    """On `time.monotonic`."""


_deadline = _Deadline()


class DeadlineSocket(ssl.SSLSocket):
    """Waits until the deadline at most, or for its own timeout if that ends earlier."""

    def recv_into(self, buffer: Buffer, nbytes: int | None = None, flags: int = 0) -> int:
        """Receive; raises TimeoutError at the deadline."""
        self._shorten()
        return super().recv_into(buffer, nbytes, flags)

    def send(self, data: Buffer, flags: int = 0) -> int:
        """Send; raises TimeoutError at the deadline."""
        self._shorten()
        return super().send(data, flags)

    def _shorten(self) -> None:
        left = _deadline.until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the whole answer took too long")
        own = self.gettimeout()
        if own is None or own > left:
            self.settimeout(left)


class DeadlineAdapter(HTTPAdapter):
    """The HTTP adapter of one thread's session."""

    def until_in(self, seconds: float) -> None:
        """Set the deadline of this thread's next request."""
        _deadline.until = time.monotonic() + seconds

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Make the pool, with a TLS context that is urllib3's default in all but its sockets."""
        context = create_urllib3_context()
        context.sslsocket_class = DeadlineSocket
        super().init_poolmanager(*args, **options, ssl_context=context)
