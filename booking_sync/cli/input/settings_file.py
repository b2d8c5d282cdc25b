"""Settings for a command: the process's environment, or a `local.settings.json` on top of it.

The file is named by hand, so what it says wins. Its values become environment variables of the process as
well: the Azure SDKs and the TLS libraries read some of them there.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from booking_sync.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def read_settings_file(path: Path) -> dict[str, str]:
    """The `Values` of a `local.settings.json`.

    Raises:
        SettingsError: it can't be read, or is not of that form.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SettingsError(f"The settings file {path} can't be read: {error.strerror}.") from None
    except ValueError:
        raise SettingsError(f"The settings file {path} is not JSON.") from None
    values = content.get("Values") if isinstance(content, dict) else None
    if not isinstance(values, dict):
        raise SettingsError(f'The settings file {path} has no object "Values", as local.settings.json has.')
    if content.get("IsEncrypted"):
        raise SettingsError(f"The settings file {path} is encrypted: run `func settings decrypt` first.")
    wrong = sorted(name for name, value in values.items() if not isinstance(value, str))
    if wrong:
        raise SettingsError(f"In the settings file {path} these are no texts: {', '.join(wrong)}.")
    odd = sorted(repr(name) for name, value in values.items() if not _can_be_set(name, value))
    if odd:
        raise SettingsError(
            f"In the settings file {path} the names or values of these hold what no environment can (such as "
            f"NUL, or = in a name): {', '.join(odd)}."
        )
    return values


def _can_be_set(name: str, value: str) -> bool:
    """Whether the operating system takes it as an environment variable."""
    try:
        os.fsencode(name + value)
    except UnicodeEncodeError:
        return False
    return bool(name) and "=" not in name and "\x00" not in name + value


def merged(environ: Mapping[str, str], path: Path | None) -> dict[str, str]:
    """The environment with the file's values on top; raises as `read_settings_file`."""
    return dict(environ) if path is None else {**environ, **read_settings_file(path)}
