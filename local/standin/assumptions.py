"""Which setting of a stand-in plays which assumption of the product's register.

The register is `booking_sync/certify/assumptions/`. Product and stand-ins don't import each other, so they
meet by names: a test holds these to the register, and the register to these.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Plays:
    """One setting, and what the tenant check should see with each of its values."""

    assumption: str
    """Its name in the register."""
    seen: tuple[tuple[Any, str], ...] = ()
    """Values of the setting with what is seen then, the default first; empty where the two are the same
    text."""
    beside: Mapping[str, Any] = field(default_factory=dict)
    """Other settings of the same stand-in without which this one has no effect."""
