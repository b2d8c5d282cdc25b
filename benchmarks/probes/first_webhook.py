"""One process that takes its first webhook, and some more: `python -m benchmarks.probes.first_webhook`.

The environment holds the app settings. What the first webhook would import is imported before it, step by
step, so that each part is seen; the parts add up to what it would have taken.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import statistics
import time

IMPORTS = (
    ("import azure.functions", ("azure.functions",)),
    ("import function_app", ("function_app",)),
    (
        "import the receiver and the storage SDK",
        ("booking_sync.sync.webhook.receiver", "booking_sync.azure.storage.queue"),
    ),
)
LATER = 20


async def main() -> dict[str, float]:
    """Milliseconds by step."""
    found: dict[str, float] = {}
    for label, modules in IMPORTS:
        started = time.perf_counter()
        for module in modules:
            importlib.import_module(module)
        found[label] = (time.perf_counter() - started) * 1000
    from benchmarks.probes import webhook
    from booking_sync.wiring.app import application

    calls = []
    for _ in range(1 + LATER):
        request = webhook.webhook()
        started = time.perf_counter()
        webhook.check(await webhook.call_function(request))
        calls.append((time.perf_counter() - started) * 1000)
    found["the first webhook itself (clients made, connection opened, queue made)"] = calls[0]
    found["a later webhook"] = statistics.median(calls[1:])
    await application().aclose()
    return found


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main())))
