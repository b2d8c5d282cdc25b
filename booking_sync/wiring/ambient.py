"""What the process brings into every wiring: the time of day, fresh names, the loop's time."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime


def now() -> datetime:
    """The time of day, UTC."""
    return datetime.now(UTC)


def new_id() -> str:
    """A fresh GUID's text."""
    return str(uuid.uuid4())


def loop_time() -> float:
    """Seconds on the running event loop's clock."""
    return asyncio.get_running_loop().time()
