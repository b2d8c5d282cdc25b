"""What becomes of the app's telemetry on its way to the workspace."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from local.standin.assumptions import Plays

Arrival = Literal["arrive", "late", "lines_only", "missing"]


@dataclass(frozen=True)
class LogsConfig:
    """What can be set while it runs (`PUT /_control/config`)."""

    arrival: Arrival = "arrive"
    """All of it is there; what is younger than `late_seconds` is not yet; no requests, as without the host's
    traces; nothing at all."""
    late_seconds: float = 3600.0

    def changed(self, **settings: Any) -> LogsConfig:
        """With other settings.

        Raises:
            ValueError: there is no such setting, or no such arrival.
        """
        try:
            made = replace(self, **settings)
        except TypeError as error:
            raise ValueError(str(error)) from None
        if made.arrival not in get_args(Arrival):
            raise ValueError(f"no arrival: {made.arrival}")
        return made


ASSUMED = {"arrival": Plays("telemetry_arrives")}
"""Settings that play an assumption of the product's register."""

NOT_ASSUMED = {"late_seconds": "how much is late where it is"}
"""Why the others play none."""
