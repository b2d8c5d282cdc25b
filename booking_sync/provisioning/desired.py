"""What the sync needs in Dataverse: the one place that knows it."""

from __future__ import annotations

import uuid
from dataclasses import astuple, dataclass
from enum import StrEnum
from typing import Final

from booking_sync.domain.columns import (
    EVENT_ID_LENGTH,
    ORIGINAL_RESOURCE_LENGTH,
    SYNC_ERROR_LENGTH,
    SYNC_STATE_LENGTH,
    SupportColumns,
    publisher_prefix,
)
from booking_sync.domain.watched import BOOKING_ATTRIBUTES, BOOKING_TABLE, RELATED_ATTRIBUTES
from booking_sync.sync.dynamics_webhook import PRE_IMAGE_ALIAS, WORK_ORDER_COLUMN

SOLUTION_NAME: Final = "BookingSync"
WEBHOOK_NAME: Final = "booking_sync"
OPTION_VALUE_PREFIX: Final = 72590
"""Dataverse wants one of every publisher; only choices would use it, and we make none."""

_NAMESPACE = uuid.UUID("c7a4a1c0-6a1f-4a57-9d0a-2f0d3b5f7e61")


class DesireError(ValueError):
    """What is wanted can't be provisioned; the text says why and what to do."""


class Message(StrEnum):
    """What happens to a row, as Dataverse names it."""

    CREATE = "Create"
    UPDATE = "Update"
    DELETE = "Delete"


@dataclass(frozen=True, slots=True)
class Column:
    """A text column of the booking table."""

    name: str
    """Logical name, which is the schema name too."""
    length: int
    label: str
    description: str


@dataclass(frozen=True, slots=True)
class Image:
    """The row as it was before the change, for a step's webhook."""

    alias: str
    columns: frozenset[str]


@dataclass(frozen=True, slots=True)
class Step:
    """When the webhook is called; always asynchronously, after the operation."""

    message: Message
    table: str
    filtering: frozenset[str] = frozenset()
    """Of an update: the columns of which the request must name one."""
    image: Image | None = None

    @property
    def name(self) -> str:
        """As lists show it."""
        return f"booking_sync: {self.message} of {self.table}"


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where the steps post to."""

    name: str
    url: str
    """Empty when nobody said; then an existing one keeps its own."""
    has_key: bool
    """Whether somebody gave the key; it is told to the port alone."""


@dataclass(frozen=True, slots=True)
class Desired:
    """All of it."""

    prefix: str
    """The publisher's customization prefix, which the columns carry."""
    columns: tuple[Column, ...]
    webhook: Webhook
    steps: tuple[Step, ...]
    table: str = BOOKING_TABLE
    """Where the columns are."""
    solution: str = SOLUTION_NAME

    @property
    def publisher(self) -> str:
        """Unique name of the publisher that is made when no other has the prefix."""
        return f"{self.prefix}publisher"


def desire(names: SupportColumns, webhook_url: str = "", *, has_key: bool = False) -> Desired:
    """What should be, by these settings.

    Args:
        names: of the support columns.
        webhook_url: where the function app takes webhooks; empty: leave it as it is.
        has_key: whether the function's key was given; otherwise it is left as it is.

    Raises:
        DesireError: the columns' names don't share their publisher's prefix.
    """
    image = frozenset({names.event_id, names.original_resource, names.sync_state, WORK_ORDER_COLUMN})
    related = (
        Step(Message.UPDATE, str(table), frozenset(columns)) for table, columns in RELATED_ATTRIBUTES.items()
    )
    return Desired(
        prefix=_prefix(names),
        columns=_columns(names),
        webhook=Webhook(WEBHOOK_NAME, webhook_url, has_key),
        steps=(
            Step(Message.CREATE, BOOKING_TABLE),
            Step(Message.UPDATE, BOOKING_TABLE, frozenset(BOOKING_ATTRIBUTES)),
            Step(Message.DELETE, BOOKING_TABLE, image=Image(PRE_IMAGE_ALIAS, image)),
            *related,
        ),
    )


def row_id(kind: str, name: str) -> str:
    """The id that a row of ours is created with: the same each time, so that no replay makes a second one."""
    return str(uuid.uuid5(_NAMESPACE, f"{kind}/{name}"))


def _columns(names: SupportColumns) -> tuple[Column, ...]:
    return (
        Column(
            names.event_id, EVENT_ID_LENGTH, "Outlook event id", "The Outlook event that shows this booking."
        ),
        Column(
            names.original_resource,
            ORIGINAL_RESOURCE_LENGTH,
            "Outlook mailbox",
            "Entra object id of the user whose calendar holds the event.",
        ),
        Column(
            names.sync_state,
            SYNC_STATE_LENGTH,
            "Outlook sync state",
            "What was last written to Outlook; booking_sync's own, not to be edited.",
        ),
        Column(
            names.sync_error,
            SYNC_ERROR_LENGTH,
            "Outlook sync error",
            "Why this booking can't be shown in Outlook; empty when it can.",
        ),
    )


def _prefix(names: SupportColumns) -> str:
    prefixes = {publisher_prefix(name) for name in astuple(names)}
    if len(prefixes) != 1:
        raise DesireError(
            "The four support columns must share one customization prefix, such as bsync_; they are "
            f"{', '.join(astuple(names))}. Correct EVENT_ID_COLUMN, ORIGINAL_RESOURCE_COLUMN, "
            "SYNC_STATE_COLUMN and SYNC_ERROR_COLUMN, or make the columns by hand."
        )
    return prefixes.pop()
