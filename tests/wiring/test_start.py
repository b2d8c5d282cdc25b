"""A process of the deployed app, once it has started."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING

from booking_sync.plumbing.garbage import YOUNG_OBJECTS
from tests.doctor.deployment import open_deployment

if TYPE_CHECKING:
    from pathlib import Path

STARTED = """
import asyncio, gc
from booking_sync.wiring.app import application

async def start():
    async with application() as app:
        before = gc.get_freeze_count()
        await app.timers.catch_up()
        print(before, gc.get_freeze_count() > 50_000, gc.get_threshold()[0])

asyncio.run(start())
"""


async def test_the_collector_leaves_out_what_the_start_has_loaded(tmp_path: Path) -> None:
    """SDKs, clients and templates are there by then, which are most of what the process ever holds."""
    async with open_deployment(tmp_path) as made:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", STARTED, env={**os.environ, **made.environ}, stdout=asyncio.subprocess.PIPE
        )
        output, _ = await process.communicate()
    assert output.decode().split() == ["0", "True", str(YOUNG_OBJECTS)]
