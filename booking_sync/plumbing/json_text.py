"""JSON as services send it, read so that nothing but one kind of error can come out."""

from __future__ import annotations

import json
from typing import Any


def read_json(text: bytes | str) -> Any:
    """The value.

    Raises:
        ValueError: it is no JSON (RFC 8259: `NaN` and `Infinity` are none), no UTF, or nested so deeply that
            nobody could have meant it.
    """
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("JSON that is nested too deeply") from None


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
