"""The time of day, passed in, so that tests and simulations decide what time it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime


class Clock(Protocol):
    """The time of day."""

    def __call__(self) -> datetime:
        """Now, aware, UTC."""
