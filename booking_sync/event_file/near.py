"""What was most likely meant by a name that nobody knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str:
    """What was most likely meant, as the end of a sentence; empty when nothing is like it."""
    from difflib import get_close_matches  # noqa: PLC0415 - for mistakes only

    by_small = {each.lower(): each for each in known}
    near = get_close_matches(name.lower(), list(by_small), n=3, cutoff=0.6)
    return f": is {' or '.join(by_small[each] for each in near)} meant?" if near else ""
