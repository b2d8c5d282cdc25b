"""The body of an answer, bounded while it comes in and while it is unpacked.

A body is held in memory as a whole. Without a bound, a megabyte of compressed zeros becomes a gigabyte, and a
server that never stops sending fills the process; either ends every other booking's work with it.
"""

from __future__ import annotations

import zlib
from typing import Final

MAX_BYTES: Final = 32 * 1024 * 1024
"""Ten times the largest answers that are asked for: 500 bookings with long work orders, or 20 pages of 250
events, are some megabytes each."""

ACCEPT_ENCODING: Final = "gzip"
"""What to ask for: the encoding that is unpacked here."""

_OVERHEAD: Final = 1024
"""Bytes by which a packed body may be larger than the body, besides an eighth of it."""
_GZIP_WINDOW = 16 + zlib.MAX_WBITS


class BodyTooLargeError(Exception):
    """More than the bound; what came so far is forgotten."""


class UnreadableBodyError(Exception):
    """Packed in another way than was asked for, damaged, or cut short."""


class BoundedBody:
    """Takes a body as it comes in from the wire.

    Args:
        encoding: the answer's `Content-Encoding`; empty for none.
        limit: bytes after unpacking.

    Raises:
        UnreadableBodyError: the encoding is not gzip.
    """

    def __init__(self, encoding: str = "", limit: int = MAX_BYTES) -> None:
        name = encoding.strip().lower()
        if name not in ("", "identity", "gzip", "x-gzip"):
            raise UnreadableBodyError("an encoding that was not asked for")
        self._limit = limit
        self._pieces: list[bytes] = []
        self._size = 0
        self._unpacker = zlib.decompressobj(_GZIP_WINDOW) if "gzip" in name else None
        self._received = 0

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes.

        Raises:
            BodyTooLargeError: that is too much.
            UnreadableBodyError: they are damaged.
        """
        self._received += len(chunk)
        if self._received > self._limit + _OVERHEAD + self._limit // 8:
            raise BodyTooLargeError  # packed nothings, one after the other
        if self._unpacker is None:
            self._keep(chunk)
            return
        while chunk:
            if self._unpacker.eof:  # RFC 1952: members may follow each other
                self._unpacker = zlib.decompressobj(_GZIP_WINDOW)
            try:
                self._keep(self._unpacker.decompress(chunk, self._limit - self._size + 1))
            except zlib.error:
                raise UnreadableBodyError("damaged gzip") from None
            chunk = self._unpacker.unused_data or self._unpacker.unconsumed_tail

    def whole(self) -> bytes:
        """The body, once all of it has come in.

        Raises:
            UnreadableBodyError: it ends too early.
        """
        if self._unpacker is not None and self._received and not self._unpacker.eof:
            raise UnreadableBodyError("gzip that ends too early")
        return b"".join(self._pieces)

    def _keep(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > self._limit:
            self._pieces.clear()
            raise BodyTooLargeError
        if piece:
            self._pieces.append(piece)
