"""The customizations that the sync needs, by the settings. No other module knows them."""

from __future__ import annotations

from dataclasses import astuple
from typing import TYPE_CHECKING, Final

from booking_sync.domain.bookings.participation import TakesPart
from booking_sync.domain.environment.columns import (
    EVENT_ID_LENGTH,
    NO_RESOURCE_COLUMNS,
    ORIGINAL_RESOURCE_LENGTH,
    OUTLOOK_ANSWER_FOR_LENGTH,
    OUTLOOK_BASE_LENGTH,
    OUTLOOK_RETURN_LENGTH,
    RESOURCE_MAILBOX_LENGTH,
    SYNC_ERROR_LENGTH,
    SYNC_STATE_LENGTH,
    ResourceColumns,
    ReturnColumns,
    SupportColumns,
    publisher_prefix,
)
from booking_sync.domain.environment.watched import BOOKING_TABLE, RelatedTable, watched_attributes
from booking_sync.domain.return_path.side import ProposalAnswer, ProposalKind
from booking_sync.ports.dataverse.customizations import (
    Column,
    DesiredCustomizations,
    Image,
    Message,
    Step,
    Webhook,
    row_id,
)
from booking_sync.ports.dataverse.dispatcher import FieldKind, FormField, FormSection, View
from booking_sync.sync.webhook.dynamics_webhook import PRE_IMAGE_ALIAS, WORK_ORDER_COLUMN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from booking_sync.domain.events.event_text.columns import EventColumn

WEBHOOK_NAME: Final = "booking_sync"
VIEW_NAME: Final = "Bookings that can't sync"
CHANGES_VIEW_NAME: Final = "Changes from Outlook"
_ERROR_LABEL: Final = "Outlook sync error"
_ANSWER_LABEL: Final = "Answer to Outlook"
_ANSWER_FOR_LABEL: Final = "Answered Outlook proposal"
_PROPOSAL_LABEL: Final = "Outlook proposes"
_START_LABEL: Final = "Proposed start"
_END_LABEL: Final = "Proposed end"
_TOLD_LABEL: Final = "From Outlook"


class NoCommonPrefixError(ValueError):
    """The support columns' names have several prefixes, so no publisher fits; the text says what to do."""


def desired_customizations(
    names: SupportColumns,
    webhook_url: str = "",
    *,
    of_resource: ResourceColumns = NO_RESOURCE_COLUMNS,
    of_return: ReturnColumns | None = None,
    has_key: bool = False,
    with_forms: bool = True,
    event_columns: Sequence[EventColumn] = (),
) -> DesiredCustomizations:
    """What should be in the environment.

    Args:
        names: of the support columns.
        of_resource: of those on the bookable resource that people fill in.
        of_return: of those of the way back from Outlook; None where it is off.
        webhook_url: where the function app takes webhooks; empty: leave it as it is.
        has_key: whether the function's key was given; otherwise it is left as it is.
        with_forms: whether the booking's forms are to show what dispatchers should know.
        event_columns: those that an administrator wants in events.

    Raises:
        NoCommonPrefixError: the columns' names don't share their publisher's prefix.
    """
    image = {names.event_id, names.original_resource, names.sync_state, WORK_ORDER_COLUMN}
    watched = dict(watched_attributes(of_resource, event_columns))
    back_in_any_case = ReturnColumns.beside(names)
    if of_return:
        image.add(of_return.base)  # it names events that the row has given up
        watched[BOOKING_TABLE] |= {of_return.answer}
    related = (Step(Message.UPDATE, str(table), watched[table]) for table in RelatedTable)
    prefix = _prefix(names, of_resource, of_return)
    back = _return_columns(of_return) if of_return else ()
    sections = [_errors(names, prefix), *([_changes(of_return, prefix)] if of_return else [])]
    return DesiredCustomizations(
        prefix=prefix,
        columns=(*_columns(names), *_resource_columns(of_resource), *back),
        webhook=Webhook(WEBHOOK_NAME, webhook_url, has_key),
        steps=(
            Step(Message.CREATE, BOOKING_TABLE),
            Step(
                Message.UPDATE,
                BOOKING_TABLE,
                watched[BOOKING_TABLE],
                spares=frozenset({back_in_any_case.answer}),
            ),
            Step(
                Message.DELETE,
                BOOKING_TABLE,
                image=Image(PRE_IMAGE_ALIAS, frozenset(image), frozenset({back_in_any_case.base})),
            ),
            Step(Message.RESTORE, BOOKING_TABLE, optional=True),
            *related,
        ),
        views=(_view(names), *((_changes_view(of_return),) if of_return else ())),
        sections=tuple(sections) if with_forms else (),
    )


def _view(names: SupportColumns) -> View:
    return View(
        id=row_id("view", names.sync_error),
        name=VIEW_NAME,
        description="Bookings that booking_sync can't show in Outlook, and why.",
        table=BOOKING_TABLE,
        asks="with an error",
        column=names.sync_error,
        columns=(
            ("starttime", 130),
            ("resource", 150),
            ("name", 180),
            (WORK_ORDER_COLUMN, 120),
            ("bookingstatus", 120),
            (names.sync_error, 600),
        ),
    )


def _changes_view(names: ReturnColumns) -> View:
    return View(
        id=row_id("view", names.proposal),
        name=CHANGES_VIEW_NAME,
        description="Bookings that somebody wants to move or cancel by Outlook, and what became of others.",
        table=BOOKING_TABLE,
        asks="with a proposal",
        column=names.proposal,
        columns=(
            ("starttime", 130),
            ("resource", 150),
            ("name", 180),
            (names.proposal, 120),
            (names.proposed_start, 130),
            (names.proposed_end, 130),
            (names.answer, 120),
            (names.told, 600),
        ),
        recent=names.told,
    )


def _errors(names: SupportColumns, prefix: str) -> FormSection:
    return FormSection(
        name=f"{prefix}_outlooksync",
        label="Outlook",
        table=BOOKING_TABLE,
        fields=(FormField(names.sync_error, _ERROR_LABEL),),
        tells="why a booking can't sync",
    )


def _changes(names: ReturnColumns, prefix: str) -> FormSection:
    return FormSection(
        name=f"{prefix}_outlookchanges",
        label=CHANGES_VIEW_NAME,
        table=BOOKING_TABLE,
        fields=(
            FormField(names.answer, _ANSWER_LABEL, FieldKind.CHOICE, editable=True),
            FormField(names.proposal, _PROPOSAL_LABEL, FieldKind.CHOICE),
            FormField(names.proposed_start, _START_LABEL, FieldKind.MOMENT),
            FormField(names.proposed_end, _END_LABEL, FieldKind.MOMENT),
            FormField(names.told, _TOLD_LABEL),
            FormField(names.answer_for, _ANSWER_FOR_LABEL, FieldKind.TEXT, editable=True, hidden=True),
        ),
        tells="what Outlook wants, and takes the answer",
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


def _return_columns(names: ReturnColumns) -> tuple[Column, ...]:
    return (
        Column(
            names.base,
            OUTLOOK_BASE_LENGTH,
            "Outlook base",
            "What booking and event last agreed on; booking_sync's own, not to be edited.",
        ),
        Column(
            names.told,
            OUTLOOK_RETURN_LENGTH,
            _TOLD_LABEL,
            "What became of the last change in Outlook.",
            lines=True,
        ),
        Column(
            names.proposal,
            0,
            _PROPOSAL_LABEL,
            "What somebody wants of this booking by what they did in Outlook; empty: nothing.",
            choices=((ProposalKind.MOVE.value, "Move it"), (ProposalKind.CANCEL.value, "Cancel it")),
        ),
        Column(
            names.proposed_start, 0, _START_LABEL, "Where the event was put in Outlook: start.", moment=True
        ),
        Column(names.proposed_end, 0, _END_LABEL, "Where the event was put in Outlook: end.", moment=True),
        Column(
            names.answer,
            0,
            _ANSWER_LABEL,
            "The dispatcher's answer to the proposal; emptied once it was carried out.",
            choices=((ProposalAnswer.ACCEPT.value, "Accept"), (ProposalAnswer.REJECT.value, "Reject")),
        ),
        Column(
            names.answer_for,
            OUTLOOK_ANSWER_FOR_LENGTH,
            _ANSWER_FOR_LABEL,
            "Which proposal was answered, by a form's script; begins with ? until one has said so.",
        ),
    )


def _prefix(names: SupportColumns, of_resource: ResourceColumns, of_return: ReturnColumns | None) -> str:
    columns = (*astuple(names), *of_resource.names, *(of_return.names if of_return else ()))
    prefixes = {publisher_prefix(name) for name in columns}
    if len(prefixes) != 1:
        raise NoCommonPrefixError(
            "The columns that provisioning makes must share one customization prefix, such as bsync_; they "
            f"are {', '.join(columns)}. Correct EVENT_ID_COLUMN, ORIGINAL_RESOURCE_COLUMN, "
            "SYNC_STATE_COLUMN, SYNC_ERROR_COLUMN, TAKES_PART_COLUMN and RESOURCE_MAILBOX_COLUMN, or make "
            "the columns by hand."
        )
    return prefixes.pop()
