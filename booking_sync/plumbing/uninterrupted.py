"""Work that a Ctrl-C must not cut short: the removal of what a command made in somebody's calendar."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

Result = TypeVar("Result")


async def to_its_end(work: Coroutine[Any, Any, Result]) -> Result:
    """Await the work whatever happens.

    A second Ctrl-C ends the process all the same: asyncio cancels a command once, and then raises
    `KeyboardInterrupt` (CPython's asyncio.Runner).

    Raises:
        CancelledError: the caller was cancelled meanwhile; the work has ended by now.
        Exception: whatever the work raises.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
    result = task.result()
    if cancelled:
        raise cancelled
    return result
