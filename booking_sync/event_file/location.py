"""Where the event file is. Relative names begin beside function_app.py, wherever the app runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from booking_sync.domain.text import trim

if TYPE_CHECKING:
    from collections.abc import Mapping

EVENT_FILE: Final = "EVENT_FILE"
"""The setting that names the file."""
FILE_NAME: Final = "event.toml"
"""Where the file is looked for unless a setting says otherwise: beside function_app.py."""
APP_FOLDER: Final = Path(__file__).parents[2]
"""Where relative names begin."""


def event_file_name(environ: Mapping[str, str]) -> str:
    """As the setting names the file."""
    return trim(environ.get(EVENT_FILE, "")) or FILE_NAME


def event_file_path(environ: Mapping[str, str], folder: Path = APP_FOLDER) -> Path:
    """Where the file is looked for, in full.

    Args:
        environ: the app settings.
        folder: where relative names begin.
    """
    return (folder / event_file_name(environ)).absolute()


def is_expected(environ: Mapping[str, str], folder: Path = APP_FOLDER) -> bool:
    """Whether there is such a file, or a setting says so; arguments as for `event_file_path`."""
    return event_file_name(environ) != FILE_NAME or event_file_path(environ, folder).exists()
