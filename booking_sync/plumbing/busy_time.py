"""Tells a burst from a flood, for whoever joins requests into batches.

In a burst people wait for each change, and requests are few whatever their size: small batches, which are
done sooner. Who is busy for longer has more to do than the services take at once; then the queue before them
is what people wait for, and full batches get through it with the fewest requests (docs/benchmarks.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

BURST_SECONDS: Final = 2.0
"""How long a burst lasts at most: what the host fetches in that time is a thousand changes."""
CALM_SECONDS: Final = 1.0
"""So long nothing is under way before what comes next counts as another burst."""


@dataclass(frozen=True, slots=True)
class BurstSizes:
    """With how many items a batch leaves in a burst while there are places for more."""

    events: int = 8
    """To Graph, which works on four items of a batch at a time: two waves."""
    records: int = 8
    """To Dataverse, which writes the records of a batch one after the other, and advises small batches side
    by side. With these a hundred changes are recorded within twice the least time possible."""


BURST_SIZES: Final = BurstSizes()
"""What is used; benchmarks try others."""


class BusyTime:
    """For how long requests have been under way, short breaks included; times are the event loop's."""

    def __init__(self) -> None:
        self._under_way = 0
        self._since = self._until = float("-inf")

    def begin(self, now: float) -> None:
        """A request sets out."""
        if self._is_calm(now):
            self._since = now
        self._under_way += 1

    def end(self, now: float) -> None:
        """A request has come to its end."""
        self._under_way -= 1
        self._until = now

    def is_burst(self, now: float) -> bool:
        """Whether little time has passed since there was nothing to do."""
        return self._is_calm(now) or now - self._since < BURST_SECONDS

    def _is_calm(self, now: float) -> bool:
        return not self._under_way and now - self._until >= CALM_SECONDS
