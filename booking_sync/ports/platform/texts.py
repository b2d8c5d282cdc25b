"""Small texts that all instances of the app share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


class TextStore(Protocol):
    """Small texts by name, shared by all instances of the app. They may be lost."""

    async def put(self, name: str, text: str) -> None:
        """Write a text, in place of any that is there."""

    async def get(self, name: str) -> str | None:
        """The text of that name; None when there is none."""

    async def claim(self, name: str, until: datetime, now: datetime) -> bool:
        """Take this name until then; False when somebody has it, and not yet too long. Moments are aware."""

    async def release(self, name: str) -> None:
        """Give a name back that was claimed."""

    async def newest(self, prefix: str, since: datetime, limit: int) -> Sequence[str]:
        """The texts written since then whose names begin so, at most `limit`, newest first."""

    async def drop(self, prefix: str, before: datetime) -> int:
        """Remove the texts written before that whose names begin so; returns how many."""
