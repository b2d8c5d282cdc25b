"""Whether memory is flat: two figures from samples over work done."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

QUARTERS = 4


def growth(samples: Sequence[tuple[int, float]], since: int = 0) -> float:
    """The last quarter's median minus that of the quarter at `since` (0 the first, 1 the second).

    Medians, so that one sample taken at a moment of much work in flight does not decide.

    Args:
        samples: work done and size, in order; at least four.
        since: where to begin: with 1, what the first quarter fills for good does not count as growth.

    Raises:
        ValueError: fewer than four samples.
    """
    size = len(samples) // QUARTERS
    if not size:
        raise ValueError("growth needs at least four samples")
    early = samples[since * size : (since + 1) * size]
    return _median(samples[-size:]) - _median(early)


def _median(samples: Sequence[tuple[int, float]]) -> float:
    return statistics.median(value for _, value in samples)
