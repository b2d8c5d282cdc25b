"""`python -m tests.hostile notifications 100000`: hostile bodies, more than any run of the tests tries."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections import Counter

from hypothesis import HealthCheck, Phase, given, settings

from tests.hostile.fuzz.notifications import NotificationWorld, notification_bodies


def notifications(count: int) -> None:
    """Post so many bodies to the address that Graph notifies; the first that breaks it is raised."""
    logging.disable()
    tally: Counter[str] = Counter()
    world = NotificationWorld()
    loop = asyncio.new_event_loop()

    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(notification_bodies())
    def post(body: bytes) -> None:
        queued = loop.run_until_complete(world.judge(body))
        tally["bodies"] += 1
        tally["with hints"] += queued > 0
        tally["hints"] += queued

    started = time.monotonic()
    post()
    loop.close()
    print(f"{dict(tally)} in {time.monotonic() - started:.0f} s, no violation")  # noqa: T201 - a command


if __name__ == "__main__":
    kind, number = sys.argv[1:]
    {"notifications": notifications}[kind](int(number))
