"""What was found in Dataverse; ids are GUIDs in lower case."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

Occasion = tuple[str, str]
"""A message and a table, by name."""


class KeyState(StrEnum):
    """How the webhook's key, which can't be read back, stands to the one we were given."""

    SAME = "same"
    OTHER = "other"
    NOT_GIVEN = "not given"


@dataclass(frozen=True, slots=True)
class FoundColumn:
    """A column with a name that we want."""

    name: str
    metadata_id: str
    is_text: bool
    length: int
    """Characters; 0 when it is no text."""
    in_solution: bool


@dataclass(frozen=True, slots=True)
class FoundPublisher:
    """A publisher with our prefix."""

    id: str
    unique_name: str
    other_solutions: int
    """How many solutions besides ours it has."""


@dataclass(frozen=True, slots=True)
class FoundSolution:
    """The solution of our name."""

    id: str
    managed: bool
    publisher_id: str


@dataclass(frozen=True, slots=True)
class FoundImage:
    """An image of a step."""

    id: str
    alias: str
    before: bool
    """A pre-image, of the request's target."""
    columns: frozenset[str]


@dataclass(frozen=True, slots=True)
class FoundStep:
    """A step of our webhook."""

    id: str
    name: str
    occasion: Occasion
    proper: bool
    """Asynchronous, after the operation, on the server, its jobs deleted when they succeed."""
    enabled: bool
    filtering: frozenset[str]
    images: tuple[FoundImage, ...]
    in_solution: bool


@dataclass(frozen=True, slots=True)
class FoundWebhook:
    """The endpoint of our name."""

    id: str
    url: str
    uses_header: bool
    """Its key travels in a header."""
    key: KeyState
    in_solution: bool


@dataclass(frozen=True, slots=True)
class Actual:
    """All of it."""

    publisher: FoundPublisher | None = None
    solution: FoundSolution | None = None
    columns: Mapping[str, FoundColumn] = field(default_factory=dict)
    webhook: FoundWebhook | None = None
    steps: tuple[FoundStep, ...] = ()
    possible: frozenset[Occasion] = frozenset()
    """What steps can be registered for."""
    twins: tuple[str, ...] = ()
    """Names of other webhooks to the same address."""
