"""How Graph treats an address by how fast it answers. Pure.

Documented: where more than 10 % of the answers within 10 minutes took over 10 seconds, notifications come
10 seconds late; where more than 15 % did, all are dropped for up to 10 minutes. An older page counts after
100 of them.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

WINDOW_SECONDS = 600.0
SLOW_SHARE = 0.10
DROP_SHARE = 0.15
COUNTED_AFTER = 100
SLOW_DELAY_SECONDS = 10.0

AddressState = Literal["well", "slow", "drop"]


class AddressHealth:
    """What is remembered of one address's answers.

    Args:
        clock: seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._answers: deque[tuple[float, bool]] = deque()
        self._dropped_until = 0.0

    def answered(self, *, late: bool) -> None:
        """Note an answer, or that none came in time."""
        self._answers.append((self._clock(), late))

    def state(self) -> AddressState:
        """How the address is treated now."""
        now = self._clock()
        if now < self._dropped_until:
            return "drop"
        while self._answers and self._answers[0][0] < now - WINDOW_SECONDS:
            self._answers.popleft()
        if len(self._answers) < COUNTED_AFTER:
            return "well"
        share = sum(late for _, late in self._answers) / len(self._answers)
        if share > DROP_SHARE:
            self._dropped_until = now + WINDOW_SECONDS
            self._answers.clear()
            return "drop"
        return "slow" if share > SLOW_SHARE else "well"
