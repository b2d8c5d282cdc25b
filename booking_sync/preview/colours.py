"""Outlook's colours as a browser knows them: near, since each Outlook draws them its own way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_IN_ORDER = (
    *("#e7a1a2", "#f9ba89", "#f7dd8f", "#fcfa90", "#78d168", "#9fdcc9", "#c6d2b0", "#9db7e8", "#b5a1e2"),
    *("#daaec2", "#dad9dc", "#6b7994", "#bfbfbf", "#6f6f6f", "#4f4f4f", "#c11a25", "#e2620d", "#c79930"),
    *("#b9b300", "#368f2b", "#329b7a", "#778b45", "#2858a5", "#5c3fa3", "#93446b"),
)
CSS_COLOURS: Final[Mapping[str, str]] = {f"preset{number}": colour for number, colour in enumerate(_IN_ORDER)}
"""By Graph's constant."""
