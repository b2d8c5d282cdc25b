"""The support columns' names: the only part of the schema that a deployment may choose."""

from __future__ import annotations

import re
from dataclasses import astuple, dataclass

BOOKINGS = "bookableresourcebookings"
"""The booking table's entity set."""

ERROR_LENGTH = 1000
"""Greatest length of the error column, in UTF-16 units, as SQL Server counts and provisioning makes it."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")


def is_logical_name(text: str) -> bool:
    """Whether this can be a column's logical name."""
    return _NAME.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class SupportColumns:
    """Logical names of the columns that hold our record on the booking row.

    Raises:
        ValueError: a name is no logical name, or two are the same.
    """

    event_id: str = "bsync_outlookeventid"
    original_resource: str = "bsync_originalresource"
    sync_state: str = "bsync_outlooksyncstate"
    sync_error: str = "bsync_outlooksyncerror"

    def __post_init__(self) -> None:
        for name in astuple(self):
            if not _NAME.fullmatch(name):
                raise ValueError(f"{name!r} is no column name (small letters, digits and _)")
        if len(set(astuple(self))) < len(astuple(self)):
            raise ValueError("the four support columns must be four different columns")
