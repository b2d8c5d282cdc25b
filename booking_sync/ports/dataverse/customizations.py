"""Columns, webhook, steps and their solution in Dataverse: what is desired, what is found, and their port.

What dispatchers see of it (a view, the booking's forms) is in `ports/dataverse/dispatcher.py`.

"Customizations" is Dataverse's word for all of it. Ids are GUIDs in lower case.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from booking_sync.domain.environment.watched import BOOKING_TABLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from booking_sync.ports.dataverse.customization_actions import Action
    from booking_sync.ports.dataverse.dispatcher import FormSection, FoundForm, FoundView, View

SOLUTION_NAME = "BookingSync"

_NAMESPACE = uuid.UUID("c7a4a1c0-6a1f-4a57-9d0a-2f0d3b5f7e61")


def row_id(kind: str, name: str) -> str:
    """The id that a row of ours is created with: the same each time, so that no replay makes a second one."""
    return str(uuid.uuid5(_NAMESPACE, f"{kind}/{name}"))


class Message(StrEnum):
    """What happens to a row, as Dataverse names it."""

    CREATE = "Create"
    UPDATE = "Update"
    DELETE = "Delete"
    RESTORE = "Restore"
    """From the recycle bin, which an environment may not have."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column that the sync needs: a text, a choice, or a moment."""

    name: str
    """Logical name, which is the schema name too; no other of ours has it, on whatever table."""
    length: int
    """Characters of a text; 0 for a choice and a moment."""
    label: str
    description: str
    table: str = BOOKING_TABLE
    choices: tuple[tuple[int, str], ...] = ()
    """Values and labels of a choice; empty for all others."""
    lines: bool = False
    """A text that is shown in several lines."""
    moment: bool = False
    """Date and time, kept in UTC and shown in each user's own zone."""


@dataclass(frozen=True, slots=True)
class Image:
    """The row as it was before the change, for a step's webhook."""

    alias: str
    columns: frozenset[str]
    spares: frozenset[str] = frozenset()
    """Columns that other settings need: they stay where they are until somebody asks to take them away."""


@dataclass(frozen=True, slots=True)
class Step:
    """When the webhook is called; always asynchronously, after the operation."""

    message: Message
    table: str
    filtering: frozenset[str] = frozenset()
    """Of an update: the columns of which the request must name one."""
    image: Image | None = None
    optional: bool = False
    """Left out where the environment has no such message for the table."""
    spares: frozenset[str] = frozenset()
    """As an image's."""

    @property
    def name(self) -> str:
        """As lists show it."""
        return f"booking_sync: {self.message} of {self.table}"


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where the steps post to."""

    name: str
    url: str
    """Empty when nobody gave it; then an existing webhook keeps its own."""
    has_key: bool
    """Whether somebody gave the key; only the adapter knows it."""


@dataclass(frozen=True, slots=True)
class DesiredCustomizations:
    """Everything that should be there."""

    prefix: str
    """The publisher's customization prefix, which the columns carry."""
    columns: tuple[Column, ...]
    webhook: Webhook
    steps: tuple[Step, ...]
    views: tuple[View, ...] = ()
    sections: tuple[FormSection, ...] = ()
    """None: forms are nobody's business here."""
    solution: str = SOLUTION_NAME

    @property
    def publisher(self) -> str:
        """Unique name of the publisher that is made when no other has the prefix."""
        return f"{self.prefix}publisher"


Occasion = tuple[str, str]
"""A message and a table, by name."""


class KeyState(StrEnum):
    """Whether the webhook has the key that we were given; Dataverse never shows a key."""

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
    table: str = BOOKING_TABLE
    choices: frozenset[int] = frozenset()
    """What a choice may hold."""
    is_moment: bool = False
    """Date and time, kept in UTC."""

    def fits(self, column: Column) -> bool:
        """Whether it can hold what the column is for; a text may still be too short."""
        if column.choices:
            return self.choices.issuperset(value for value, _label in column.choices)
        return self.is_moment if column.moment else self.is_text


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
class FoundCustomizations:
    """Everything that was found."""

    publisher: FoundPublisher | None = None
    solution: FoundSolution | None = None
    columns: Mapping[str, FoundColumn] = field(default_factory=dict)
    webhook: FoundWebhook | None = None
    steps: tuple[FoundStep, ...] = ()
    possible: frozenset[Occasion] = frozenset()
    """What steps can be registered for."""
    twins: tuple[str, ...] = ()
    """Names of other webhooks to the same address."""
    views: Mapping[str, FoundView] = field(default_factory=dict)
    """By their ids."""
    forms: tuple[FoundForm, ...] = ()
    """Each once for every section."""


class Customizations(Protocol):
    """The customizations of one Dataverse environment."""

    async def read(self, desired: DesiredCustomizations) -> FoundCustomizations:
        """What there is of the desired customizations.

        Raises:
            TransientError: Dataverse can't answer now.
            PermanentError: Dataverse refuses.
        """

    async def carry_out(self, action: Action) -> None:
        """Do it; raises as `read`. The adapter sees to it that doing it twice is harmless or refused."""
