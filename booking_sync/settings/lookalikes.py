"""Names in the environment that look like a setting of ours and are none: most likely a slip of the keyboard.

The environment belongs to others too: the host, the SDKs, the shell. Only a name that is nearly one of ours
is told, and never as a mistake.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from booking_sync.settings.storage import STORAGE_NAMES
from booking_sync.settings.table import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Mapping

_CUTOFF = 0.84
"""How like two names have to be: one slip in a short name, three in a long one."""
COMMAND_LINE_NAMES = (
    "WEBHOOK_URL",
    "WEBHOOK_KEY",
    "LOG_ANALYTICS_URL",
    "ENTRA_CLIENT_SECRET",
    "BOOKING_SYNC_SEAL_KEY",
    "BOOKING_SYNC_TRACEBACK",
)
"""What the command line reads besides the app's settings."""
_OURS = (*(each.name for each in SETTINGS), *STORAGE_NAMES, *COMMAND_LINE_NAMES)
_OF_OTHERS = ("AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_SECRET")
"""The SDKs', some of them like ours by intention."""
_FAMILIES_OF_OTHERS = ("APPSETTING_", "CUSTOMCONNSTR_", "WEBSITE_", "FUNCTIONS_", "APPLICATIONINSIGHTS_")
"""What begins like this is the platform's, APPSETTING_ a copy of every app setting."""


def lookalikes(environ: Mapping[str, str]) -> dict[str, str]:
    """The names that nothing reads, each with the setting that it looks like."""
    by_capitals = {name.upper(): name for name in _OURS}
    found: dict[str, str] = {}
    for name in sorted(environ):
        if name in _OURS or name in _OF_OTHERS or name.startswith(_FAMILIES_OF_OTHERS):
            continue
        for near in get_close_matches(name.upper(), by_capitals, 1, _CUTOFF):
            found[name] = by_capitals[near]
    return found
