"""Which option of the command line names a column that Dataverse does not know.

The adapter knows of missing columns as something that provisioning mends. Where the name came from the
command line, it was mistyped, and the advice is another.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

from booking_sync.cli.runner import UsageError
from booking_sync.domain.environment.watched import BOOKING_ATTRIBUTES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from booking_sync.errors import PermanentError

_MISSING = re.compile(r"the column '(\w+)' does not exist")
FILTER = "--filter"
_REFUSED = "the request was refused"
_KNOWN = (*BOOKING_ATTRIBUTES, "createdon", "modifiedon", "statuscode", "bookingtype", "ownerid")
_LOOKUPS = ("resource", "bookingstatus", "msdyn_workorder", "ownerid")


def blamed(error: PermanentError, given: Mapping[str, str]) -> Exception:
    """The error to raise instead: one about the option where an option is to blame, else the same.

    Args:
        error: of Dataverse.
        given: what columns were named in, by option; empty texts count as not given.
    """
    missing = _MISSING.search(error.reason)
    for option, text in given.items():
        if missing and re.search(rf"\b{missing[1]}\b", text):
            words = f"{option} names the column {missing[1]!r}, which bookings don't have."
            return UsageError(f"{words} {_near(missing[1])}")
        if option == FILTER and text and not missing and _REFUSED in error.reason:
            return UsageError(
                f"Dynamics 365 does not understand {option} {text!r}. It takes the words of the Web API's "
                '$filter, such as "duration gt 60" or "createdon gt 2027-03-01T00:00:00Z".'
            )
    return error


def _near(name: str) -> str:
    known = [f"_{each}_value" if each in _LOOKUPS else each for each in _KNOWN]
    near = get_close_matches(name.lower(), known, 1, 0.6)
    meant = f"Is {near[0]} meant? " if near else ""
    return f"{meant}Columns go by their logical names, lookups as _resource_value."
