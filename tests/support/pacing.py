"""Queue depths and sleeps for what paces itself."""

from __future__ import annotations

from booking_sync.ports.platform.queues import QueueDepths


class Gauge:
    """Tells depths from a list; the last one stays."""

    def __init__(self, *depths: int) -> None:
        self.left = list(depths)

    async def depths(self) -> QueueDepths:
        """See the port."""
        return QueueDepths(self.left.pop(0) if len(self.left) > 1 else self.left[0], 0)


class Sleeper:
    """Notes how long it was asked to sleep, and does not."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    async def __call__(self, seconds: float) -> None:
        """Sleep."""
        self.slept.append(seconds)
