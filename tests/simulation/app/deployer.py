"""Who changes the settings while the app runs: processes are replaced one by one, when they are idle.

Between the change and the last process's end, some write by the settings of before. What that leaves is found
by `event apply`, which the schedule plays in the end, or met by the next change.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from tests.simulation.chance.conductor import Choice

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.simulation.app.process import Process
    from tests.simulation.schedule import Schedule

CHANGE_WEIGHT = 0.3
REPLACE_WEIGHT = 1.0


class Deployer:
    """Goes through the profile's settings, each once.

    Args:
        schedule: whose settings and processes they are.
    """

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._left = list(schedule.profile.calendars[1:])

    def choices(self) -> Iterable[Choice]:
        """The next change of the settings, or a process that reads them anew."""
        if self._left:
            yield Choice(CHANGE_WEIGHT, self._change)
        if len(self._schedule.profile.calendars) < 2:
            return
        for process in self._schedule.outdated():
            yield Choice(REPLACE_WEIGHT, functools.partial(self._replace, process))

    def _change(self) -> None:
        self._schedule.calendars = self._left.pop(0)
        self._schedule.conductor.note(f"administrator sets {self._schedule.calendars}")

    def _replace(self, process: Process) -> None:
        self._schedule.replace(process)
