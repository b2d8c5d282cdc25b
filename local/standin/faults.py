"""Scripted trouble: which request meets which fault, shared by every stand-in.

A rule matches on method and path and strikes a given number of times. `when="before"` answers instead of
the service, so nothing happened; `when="after"` lets the service commit and spoils only the answer, which is
how real outages double events.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from typing import Any, Literal


@dataclass
class Fault:
    """One rule of the script; `times` counts down to zero, negative means for ever."""

    path: str = ""
    """Regular expression searched in the path with its query (of a batch item: the item's URL)."""
    method: str = ""
    """HTTP method; empty matches any."""
    times: int = 1
    after_skipping: int = 0
    """How many matching requests pass unharmed first."""
    when: Literal["before", "after"] = "before"
    status: int = 503
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    """JSON body of the faulty answer; None for an empty one."""
    drop: bool = False
    """Close the connection without an answer instead of answering `status`."""
    delay_seconds: float = 0.0
    """Wait this long before answering."""

    def matches(self, method: str, path: str) -> bool:
        """Whether this rule speaks of such a request."""
        return self.times != 0 and self.method in ("", method) and re.search(self.path, path) is not None


class FaultScript:
    """The rules in force, first match first."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Append a rule.

        Raises:
            re.error: the rule's path is not a regular expression.
        """
        re.compile(fault.path)
        self._faults.append(fault)

    def clear(self) -> None:
        """Forget every rule."""
        self._faults.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """Use up one strike of the first rule that matches, or None."""
        for fault in self._faults:
            if not fault.matches(method, path):
                continue
            if fault.after_skipping > 0:
                fault.after_skipping -= 1
                continue
            fault.times -= 1
            return fault
        return None

    def describe(self) -> list[dict[str, Any]]:
        """The rules as JSON-ready values."""
        return [asdict(fault) for fault in self._faults]
