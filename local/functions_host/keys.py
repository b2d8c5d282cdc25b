"""Function and master keys: who may call what."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import web

HEADER = "x-functions-key"
PARAMETER = "code"


@dataclass(frozen=True)
class Keys:
    """The app's keys; an empty one lets nobody in."""

    function: str
    master: str

    def allow(self, level: str, request: web.Request) -> bool:
        """Whether the request may call something of that level (`anonymous`, `function` or `admin`).

        The key is in the header or in the query, as the real host takes it; the master key opens everything.
        """
        if level == "anonymous":
            return True
        given = request.headers.get(HEADER) or request.query.get(PARAMETER, "")
        is_master = _same(given, self.master)
        return is_master if level == "admin" else is_master or _same(given, self.function)


def _same(given: str, key: str) -> bool:
    # A header may hold bytes that are no UTF-8; aiohttp hands them on as surrogates.
    return bool(key) and secrets.compare_digest(given.encode(errors="surrogateescape"), key.encode())
