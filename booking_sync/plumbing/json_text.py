"""JSON as services send it, read so that nothing but one kind of error can come out.

One answer often speaks of many bookings. So what is odd about a single value (`NaN`, a number of thousands of
digits) stays a matter of that value, which its reader refuses, and makes the others no less readable.
"""

from __future__ import annotations

import json
import math
from typing import Any

_MOST_DIGITS = 400
"""More than any number of a service's has, and less than Python refuses to read."""


def read_json(text: bytes | str) -> Any:
    """The value; a whole number that is absurdly long is infinite.

    Raises:
        ValueError: it is no JSON, no UTF, or nested so deeply that nobody could have meant it.
    """
    try:
        return json.loads(text, parse_int=_whole)
    except RecursionError:
        raise ValueError("JSON that is nested too deeply") from None


def _whole(digits: str) -> int | float:
    if len(digits) > _MOST_DIGITS:
        return -math.inf if digits.startswith("-") else math.inf
    return int(digits)
