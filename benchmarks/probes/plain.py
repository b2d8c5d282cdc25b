"""One process of the plain worker, from its first message on: `python -m benchmarks.probes.plain <id>...`.

The environment holds the app settings. What its function_app imports is imported before the first message, as
the host does; the first call opens what it needs, as its function does.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import sys
import time
from typing import Any

from benchmarks.common.field import messages


async def main(booking_ids: list[str]) -> dict[str, Any]:
    """Milliseconds of the import, and of each message, the first one's opening included."""
    started = time.perf_counter()
    app = importlib.import_module("benchmarks.contenders.plain_app.function_app")
    imported = (time.perf_counter() - started) * 1000
    from azure.functions.queue import QueueMessage

    calls = []
    for text in messages(booking_ids):
        message = QueueMessage(id="1", body=text.encode(), dequeue_count=1)  # type: ignore[no-untyped-call]
        started = time.perf_counter()
        await app.sync_booking(message)
        calls.append((time.perf_counter() - started) * 1000)
    return {"import": imported, "calls": calls}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(sys.argv[1:]))))
    sys.stdout.flush()
    os._exit(0)  # the plain worker has no way to close its connections
