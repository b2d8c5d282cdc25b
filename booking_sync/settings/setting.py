"""One setting: what it is called, what it means, and how its value is read.

`table` has all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from booking_sync.domain.text import trim
from booking_sync.settings import values
from booking_sync.settings.storage import STORAGE_SETTING, storage_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, slots=True)
class Setting:
    """One line of the settings table."""

    name: str
    parse: Callable[[str], Any]
    """The typed value of the stripped text; raises ValueError with what is wanted instead."""
    meaning: str
    group: str
    default: str | None = None
    """As one would type it; None when the setting has to be given."""
    blank_is_value: bool = False
    """An empty text means empty, not the default."""
    many_lines: bool = False
    """A text of people's own making, where line breaks and quotation marks may be meant."""

    @property
    def required(self) -> bool:
        """Whether the app can't do without."""
        return self.default is None

    def read(self, environ: Mapping[str, str]) -> Any:
        """The typed value.

        Raises:
            ValueError: missing or malformed; the text says what is wanted.
        """
        if self.name == STORAGE_SETTING:  # the only one that may be spread over several names
            return storage_settings(environ)
        text = trim(environ.get(self.name, ""))
        if not text and not (self.blank_is_value and self.name in environ):
            if self.default is None:
                raise ValueError(f"is missing: {self.meaning}")
            text = self.default
        return self.parse(text if self.many_lines else values.plain(text))
