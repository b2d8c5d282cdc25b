"""Colours of categories: the names that people know them by, and Outlook's.

Outlook has 25 and calls them presets (Microsoft Graph: "outlookCategory resource type"); a category has its
colour in the mailbox's own list of categories, and every event shows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMES = (
    "red",
    "orange",
    "brown",
    "yellow",
    "green",
    "teal",
    "olive",
    "blue",
    "purple",
    "cranberry",
    "steel",
    "dark steel",
    "gray",
    "dark gray",
    "black",
    "dark red",
    "dark orange",
    "dark brown",
    "dark yellow",
    "dark green",
    "dark teal",
    "dark olive",
    "dark blue",
    "dark purple",
    "dark cranberry",
)
NO_COLOUR: Final = "none"
COLOURS: Final[Mapping[str, str]] = {
    NO_COLOUR: NO_COLOUR,
    **{name: f"preset{number}" for number, name in enumerate(_NAMES)},
}
"""By name the constant that Graph knows."""
PRESETS: Final[Mapping[str, str]] = {preset: name for name, preset in COLOURS.items()}
"""The other way round."""


@dataclass(frozen=True, slots=True)
class CategoryColour:
    """Which colour a category is to have."""

    name: str
    """The whole of it, with our prefix."""
    preset: str
    """As Graph names it."""


def read_colour(text: str) -> str:
    """The constant for a colour as somebody wrote it; empty when there is none of that name.

    `dark red`, `DarkRed` and `preset15` are one; so are gray and grey.
    """
    wanted = _squeezed(text)
    by_name = {_squeezed(name): preset for name, preset in COLOURS.items()}
    return by_name.get(wanted, wanted if wanted in PRESETS else "")


def _squeezed(text: str) -> str:
    return "".join(each for each in text.lower() if each.isalnum()).replace("grey", "gray")
