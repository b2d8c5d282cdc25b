"""Spares the worker's process most of the garbage collector's work, a sixth of its processor time.

Python looks for objects that only refer to each other whenever some hundreds more exist than were freed, and
at growing intervals among all there are. Hundreds of bookings in work at once reach that all the time, and
nearly all that it finds then is what was imported and opened at the start, which stays anyway. Objects that
nothing refers to are freed at once, as ever; this is about circles alone (docs/benchmarks.md, `growth`).
"""

from __future__ import annotations

import gc
from typing import Final

YOUNG_OBJECTS: Final = 10_000
"""More than were freed, until the collector looks for circles among the youngest; Python's own: 700 to 2,000.

Measured with 1,500 new bookings: 3,000 left a part of the gain, 50,000 gained nothing more than this.
"""


def look_less_often() -> None:
    """Leave out what exists now from all later searches, and search less often; for the whole process."""
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, *gc.get_threshold()[1:])
