"""The customizations that the sync needs, by the settings. No other module knows them."""

from __future__ import annotations

from dataclasses import astuple
from typing import TYPE_CHECKING, Final

from booking_sync.domain.columns import (
    EVENT_ID_LENGTH,
    NO_RESOURCE_COLUMNS,
    ORIGINAL_RESOURCE_LENGTH,
    RESOURCE_MAILBOX_LENGTH,
    SYNC_ERROR_LENGTH,
    SYNC_STATE_LENGTH,
    ResourceColumns,
    SupportColumns,
    publisher_prefix,
)
from booking_sync.domain.participation import TakesPart
from booking_sync.domain.watched import BOOKING_TABLE, RelatedTable, watched_attributes
from booking_sync.ports.customizations import (
    Column,
    DesiredCustomizations,
    Image,
    Message,
    Step,
    Webhook,
    row_id,
)
from booking_sync.ports.dispatcher import FormSection, View
from booking_sync.sync.dynamics_webhook import PRE_IMAGE_ALIAS, WORK_ORDER_COLUMN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from booking_sync.domain.event_text.columns import EventColumn

WEBHOOK_NAME: Final = "booking_sync"
VIEW_NAME: Final = "Bookings that can't sync"
_ERROR_LABEL: Final = "Outlook sync error"


class NoCommonPrefixError(ValueError):
    """The support columns' names have several prefixes, so no publisher fits; the text says what to do."""


def desired_customizations(
    names: SupportColumns,
    webhook_url: str = "",
    *,
    of_resource: ResourceColumns = NO_RESOURCE_COLUMNS,
    has_key: bool = False,
    with_forms: bool = True,
    event_columns: Sequence[EventColumn] = (),
) -> DesiredCustomizations:
    """What should be in the environment.

    Args:
        names: of the support columns.
        of_resource: of those on the bookable resource that people fill in.
        webhook_url: where the function app takes webhooks; empty: leave it as it is.
        has_key: whether the function's key was given; otherwise it is left as it is.
        with_forms: whether the booking's forms are to show why a booking can't sync.
        event_columns: those that an administrator wants in events.

    Raises:
        NoCommonPrefixError: the columns' names don't share their publisher's prefix.
    """
    image = frozenset({names.event_id, names.original_resource, names.sync_state, WORK_ORDER_COLUMN})
    watched = watched_attributes(of_resource, event_columns)
    related = (Step(Message.UPDATE, str(table), watched[table]) for table in RelatedTable)
    prefix = _prefix(names, of_resource)
    return DesiredCustomizations(
        prefix=prefix,
        columns=(*_columns(names), *_resource_columns(of_resource)),
        webhook=Webhook(WEBHOOK_NAME, webhook_url, has_key),
        steps=(
            Step(Message.CREATE, BOOKING_TABLE),
            Step(Message.UPDATE, BOOKING_TABLE, watched[BOOKING_TABLE]),
            Step(Message.DELETE, BOOKING_TABLE, image=Image(PRE_IMAGE_ALIAS, image)),
            Step(Message.RESTORE, BOOKING_TABLE, optional=True),
            *related,
        ),
        view=_view(names),
        form=_form(names, prefix) if with_forms else None,
    )


def _view(names: SupportColumns) -> View:
    return View(
        id=row_id("view", names.sync_error),
        name=VIEW_NAME,
        description="Bookings that booking_sync can't show in Outlook, and why.",
        table=BOOKING_TABLE,
        error_column=names.sync_error,
        columns=(
            ("starttime", 130),
            ("resource", 150),
            ("name", 180),
            (WORK_ORDER_COLUMN, 120),
            ("bookingstatus", 120),
            (names.sync_error, 600),
        ),
    )


def _form(names: SupportColumns, prefix: str) -> FormSection:
    return FormSection(
        name=f"{prefix}_outlooksync",
        label="Outlook",
        table=BOOKING_TABLE,
        column=names.sync_error,
        column_label=_ERROR_LABEL,
    )


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
            _ERROR_LABEL,
            "Why this booking can't be shown in Outlook; empty when it can.",
            lines=True,
        ),
    )


def _resource_columns(names: ResourceColumns) -> Iterator[Column]:
    table = RelatedTable.RESOURCE.value
    if names.takes_part:
        yield Column(
            names.takes_part,
            0,
            "Outlook sync",
            "Whether this resource's bookings are shown in Outlook; empty: as the app's settings say.",
            table,
            ((TakesPart.YES.value, "Takes part"), (TakesPart.NO.value, "Takes no part")),
        )
    if names.mailbox:
        yield Column(
            names.mailbox,
            RESOURCE_MAILBOX_LENGTH,
            "Outlook sync mailbox",
            "Object id or address of the mailbox that shows this resource's bookings; empty: its user's.",
            table,
        )


def _prefix(names: SupportColumns, of_resource: ResourceColumns) -> str:
    columns = (*astuple(names), *of_resource.names)
    prefixes = {publisher_prefix(name) for name in columns}
    if len(prefixes) != 1:
        raise NoCommonPrefixError(
            "The columns that provisioning makes must share one customization prefix, such as bsync_; they "
            f"are {', '.join(columns)}. Correct EVENT_ID_COLUMN, ORIGINAL_RESOURCE_COLUMN, "
            "SYNC_STATE_COLUMN, SYNC_ERROR_COLUMN, TAKES_PART_COLUMN and RESOURCE_MAILBOX_COLUMN, or make "
            "the columns by hand."
        )
    return prefixes.pop()
