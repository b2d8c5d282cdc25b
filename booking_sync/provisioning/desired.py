"""The customizations that the sync needs, by the settings. No other module knows them."""

from __future__ import annotations

import uuid
from dataclasses import astuple
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
from booking_sync.ports.customizations import Column, DesiredCustomizations, Image, Message, Step, Webhook
from booking_sync.sync.dynamics_webhook import PRE_IMAGE_ALIAS, WORK_ORDER_COLUMN

WEBHOOK_NAME: Final = "booking_sync"

_NAMESPACE = uuid.UUID("c7a4a1c0-6a1f-4a57-9d0a-2f0d3b5f7e61")


class NoCommonPrefixError(ValueError):
    """The support columns' names have several prefixes, so no publisher fits; the text says what to do."""


def desired_customizations(
    names: SupportColumns, webhook_url: str = "", *, has_key: bool = False
) -> DesiredCustomizations:
    """What should be in the environment.

    Args:
        names: of the support columns.
        webhook_url: where the function app takes webhooks; empty: leave it as it is.
        has_key: whether the function's key was given; otherwise it is left as it is.

    Raises:
        NoCommonPrefixError: the columns' names don't share their publisher's prefix.
    """
    image = frozenset({names.event_id, names.original_resource, names.sync_state, WORK_ORDER_COLUMN})
    related = (
        Step(Message.UPDATE, str(table), frozenset(columns)) for table, columns in RELATED_ATTRIBUTES.items()
    )
    return DesiredCustomizations(
        prefix=_prefix(names),
        columns=_columns(names),
        webhook=Webhook(WEBHOOK_NAME, webhook_url, has_key),
        steps=(
            Step(Message.CREATE, BOOKING_TABLE),
            Step(Message.UPDATE, BOOKING_TABLE, frozenset(BOOKING_ATTRIBUTES)),
            Step(Message.DELETE, BOOKING_TABLE, image=Image(PRE_IMAGE_ALIAS, image)),
            Step(Message.RESTORE, BOOKING_TABLE, optional=True),
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
        raise NoCommonPrefixError(
            "The four support columns must share one customization prefix, such as bsync_; they are "
            f"{', '.join(astuple(names))}. Correct EVENT_ID_COLUMN, ORIGINAL_RESOURCE_COLUMN, "
            "SYNC_STATE_COLUMN and SYNC_ERROR_COLUMN, or make the columns by hand."
        )
    return prefixes.pop()
