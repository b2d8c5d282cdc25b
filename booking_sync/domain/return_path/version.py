"""Which version of an event a notification tells of, so that our own write's echo need not be looked at.

Graph names the version in a notification as in the answer to a write, the etag [Microsoft Graph: "Set up
notifications for changes in resource data"], and gives every change a new one. Whoever hears of the very
version that this booking's last write left, or that was seen last, hears no news. Nothing else follows from
it: a version that is not known is looked at; where the etags of notifications are others, each of them is.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

MOST_VERSIONS: Final = 4
"""Of one event in one hint. One that tells of more is a hint to look."""
_LENGTH: Final = 16
_VERSION: Final = re.compile(rf"[0-9a-f]{{{_LENGTH}}}")


def version_of(etag: str) -> str:
    """What rows and messages hold of an etag, which has no length that anybody promises; empty for none."""
    return hashlib.sha256(etag.encode()).hexdigest()[:_LENGTH] if etag else ""


def is_version(text: str) -> bool:
    """Whether it can be one."""
    return _VERSION.fullmatch(text) is not None
