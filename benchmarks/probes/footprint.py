"""What a process holds before it has done any work, step by step: `python -m benchmarks.probes.footprint`."""

from __future__ import annotations

import importlib
import json

import psutil

STEPS = (
    ("Python and psutil", ()),
    ("the local Functions host", ("local.functions_host.__main__",)),
    ("function_app", ("function_app",)),
    (
        "the webhook's: storage SDK",
        ("booking_sync.sync.webhook.receiver", "booking_sync.azure.storage.queue"),
    ),
    ("the worker's: Entra and Key Vault SDKs", ("booking_sync.azure.entra.credential",)),
    ("the worker's: requests", ("booking_sync.dataverse.bookings",)),
    ("the worker's: Graph SDK", ("booking_sync.outlook.calendar", "msgraph.generated.models.event")),
    (
        "the worker's: templates, zones, the rest",
        ("booking_sync.domain.events.event_text.renderer", "booking_sync.sync.worker"),
    ),
)


def main() -> list[tuple[str, float]]:
    """Resident megabytes after each step."""
    process = psutil.Process()
    found = []
    for label, modules in STEPS:
        for module in modules:
            importlib.import_module(module)
        found.append((label, process.memory_info().rss / 1e6))
    return found


if __name__ == "__main__":
    print(json.dumps(main()))
