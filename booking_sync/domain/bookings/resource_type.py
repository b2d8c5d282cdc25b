"""Which kinds of bookable resources there are: settings name them, and a webhook loads no booking."""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class ResourceType(IntEnum):
    """`bookableresource.resourcetype` (Dataverse table reference)."""

    GENERIC = 1
    CONTACT = 2
    USER = 3
    EQUIPMENT = 4
    ACCOUNT = 5
    CREW = 6
    FACILITY = 7
    POOL = 8


UNKNOWN_TYPE: Final = 0
"""Of a row whose type is empty: no type that Dynamics 365 has, so it counts as no user."""
