"""Which of those that were found is meant. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from booking_sync.ports.dataverse.lookup import BookingHit, Found, Technician

Hit = TypeVar("Hit")


@dataclass(frozen=True, slots=True)
class Choice(Generic[Hit]):
    """What words stand for."""

    meant: Hit | None
    """None when it is not plain which."""
    candidates: tuple[Hit, ...] = ()
    """Those that fit; empty when nothing does."""
    more: bool = False
    """Others fit as well."""


def choose_booking(found: Found[BookingHit], words: str) -> Choice[BookingHit]:
    """The only booking that is called so, or else the only one whose name begins so.

    A work order of several bookings stands for none of them.
    """
    return _choose(found, words, lambda hit: (hit.name, hit.work_order, hit.customer))


def choose_technician(found: Found[Technician], words: str) -> Choice[Technician]:
    """The only technician who is called so, or else the only one whose name holds the words."""
    return _choose(found, words, lambda hit: (hit.name, hit.address))


def _choose(found: Found[Hit], words: str, names: Callable[[Hit], Iterable[str]]) -> Choice[Hit]:
    """Names are compared here once more: to Dataverse an accent makes no difference."""
    called = words.casefold()
    exact = [hit for hit in found.hits if called in (name.strip().casefold() for name in names(hit))]
    fitting = exact or found.hits
    meant = fitting[0] if len(fitting) == 1 and not found.more else None
    return Choice(meant, tuple(exact or found.hits), found.more)
