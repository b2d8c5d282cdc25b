"""List prices, each with where it was seen and when."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

FILE = Path(__file__).with_name("prices.toml")


@dataclass(frozen=True, slots=True)
class Price:
    """What a meter costs."""

    meter: str
    usd: float
    """For `per` of its units."""
    per: float
    free: float
    """Units a month that cost nothing."""
    page: str
    """Where to check it."""
    seen: str
    """Where it was found."""
    dated: date

    def of(self, units: float) -> float:
        """Dollars a month."""
        return max(units - self.free, 0) / self.per * self.usd


@dataclass(frozen=True, slots=True)
class Prices:
    """All of them, by what they are of."""

    as_of: date
    by_name: Mapping[str, Price]


def load_prices(file: Path = FILE) -> Prices:
    """Those of the file.

    Raises:
        TypeError: a price lacks something, or says more than is asked.
    """
    data = tomllib.loads(file.read_text(encoding="utf-8"))
    as_of = data.pop("as_of")
    return Prices(as_of, {name: Price(**each) for name, each in data.items()})
