"""What everything that is made here has in common: times, ids, and being closed together."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

SETTINGS_RETRY_SECONDS = 60.0
"""How long messages wait for an administrator to mend the settings; saving them restarts the app anyway."""


def now() -> datetime:
    """The time of day, UTC."""
    return datetime.now(UTC)


def new_id() -> str:
    """A fresh GUID's text."""
    return str(uuid.uuid4())


def loop_time() -> float:
    """Seconds on the running event loop's clock."""
    return asyncio.get_running_loop().time()


class ClosedTogether:
    """What closes all that it has made, the last one first."""

    def __init__(self) -> None:
        self._closing = AsyncExitStack()

    async def aclose(self) -> None:
        """Close what was made; nothing of it may be used afterwards."""
        await self._closing.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()
