"""What a Dataverse webhook says: a change of a booking or of a row that bookings show, or why it is none.

Pure. The body is a `RemoteExecutionContext` as Dataverse posts it (Microsoft: "Use webhooks to create
external handlers for server events"): collections are lists of `{"key", "value"}`, values are typed by
`__type`, and a body over 256 KB comes without its parameters and images. A change is only a hint to look at
the booking again, so little is read, and what is missing never loses a change.
"""

from __future__ import annotations

import functools
import json
from dataclasses import astuple, dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from booking_sync.domain.environment.columns import NO_RESOURCE_COLUMNS, OUTLOOK_BASE_LENGTH
from booking_sync.domain.environment.watched import (
    BOOKING_ATTRIBUTES,
    BOOKING_TABLE,
    RelatedTable,
    related_attributes,
)
from booking_sync.domain.events.event_ref import EventClaim, EventRef, is_event_id, is_mailbox
from booking_sync.domain.ids import NO_GUID, read_guid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from booking_sync.domain.environment.columns import ResourceColumns, ReturnColumns, SupportColumns

WORK_ORDER_COLUMN = "msdyn_workorder"
PRE_IMAGE_ALIAS = "PreImage"
"""Alias under which provisioning registers the pre-image. Dataverse adds images of its own to asynchronous
steps, so "the first image" may be any."""
MAX_BODY_BYTES = 1024 * 1024
"""Dataverse strips bodies at 256 KB; four times that is nobody's webhook."""

_CORRELATION_HEADER = "x-ms-correlation-request-id"
_STRIPPED_HEADER = "x-ms-dynamics-msg-size-exceeded"
_PLATFORM_COLUMNS = (
    "bookableresourcebookingid",
    "modifiedon",
    "modifiedby",
    "modifiedonbehalfby",
    "versionnumber",
)
"""What Dataverse adds to every write."""
_MAX_COLUMN_CHARACTERS = 1000
"""No support column is longer that gets into the queue message. A longer value can't be ours."""


class ChangeKind(StrEnum):
    """The Dataverse message."""

    CREATE = "Create"
    UPDATE = "Update"
    DELETE = "Delete"
    RESTORE = "Restore"
    """From the recycle bin; whether Dataverse raises Create with it, or instead of it, no source says."""


class IgnoreReason(StrEnum):
    """Why a webhook needs no work."""

    OTHER_TABLE = "neither a booking nor a row that bookings show"
    OTHER_MESSAGE = "not a create, update, delete or restore"
    NOT_AN_UPDATE = "not an update of a row that bookings show"
    OTHER_ORGANIZATION = "another organization"
    OWN_CHANGE = "made by our own application user"
    NO_WORK_ORDER = "created without a work order"
    NOTHING_SHOWN = "no column changed that an event shows"
    NOTHING_TO_REMOVE = "deleted without an event or a work order"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverPolicy:
    """What the decisions depend on; GUIDs are lower-case, empty ones are not checked.

    The fields are named as in `Settings`, which fills them; but for the last two, of which `Settings` holds
    what turns the first one on, and which the event file fills.
    """

    organization_id: str
    app_user_id: str
    """systemuserid of our own application user."""
    require_work_order: bool
    columns: SupportColumns | None
    """None when nobody can tell them just now: then a deletion names no event, and the audit removes it."""
    resource_columns: ResourceColumns | None = NO_RESOURCE_COLUMNS
    """None when nobody can tell them just now: then each change of a bookable resource counts."""
    return_columns: ReturnColumns | None = None
    """Those of the way back from Outlook; None where it is off."""
    shows_more: frozenset[RelatedTable] = frozenset()
    """Tables of which an administrator wants further columns in events: their steps say which."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A booking to look at again."""

    kind: ChangeKind
    booking_id: str
    """Lower-case GUID."""
    correlation_id: str | None
    """Dataverse's, to follow a change across systems; None when it named none."""
    event: EventClaim | None = None
    """Delete only: the event that the deleted row named; the worker has the key that may prove it."""
    rewritten: bool = False
    """Somebody else wrote our record together with the row: a restored or an imported row. It is no news."""
    suspects: frozenset[str] = frozenset()
    """Delete only: mailboxes with events that were taken off the row and may not be removed yet."""


@dataclass(frozen=True, slots=True)
class RelatedAccepted:
    """A row whose bookings are to be looked at again."""

    table: RelatedTable
    row_id: str
    """Lower-case GUID."""
    correlation_id: str | None
    """As of `Accepted`."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """Nothing to do."""

    reason: IgnoreReason


@dataclass(frozen=True, slots=True)
class Refused:
    """Not a webhook that we understand."""

    status: int
    """HTTP status to answer."""
    sentence: str
    """What is wrong, without quoting the input."""


class _UnreadableError(Exception):
    """The body is not what Dataverse posts; the text is the sentence to answer."""


def read_change(
    body: bytes, headers: Mapping[str, str], policy: ReceiverPolicy
) -> Accepted | RelatedAccepted | Ignored | Refused:
    """Decide what a webhook asks for. Never raises, whatever the body holds."""
    if len(body) > MAX_BODY_BYTES:
        return Refused(413, f"The body is larger than {MAX_BODY_BYTES} bytes.")
    try:
        return _decide(_parse(body), {key.lower(): value for key, value in headers.items()}, policy)
    except _UnreadableError as error:
        return Refused(400, str(error))


def _parse(body: bytes) -> dict[str, Any]:
    try:
        context = json.loads(body.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise _UnreadableError("The body is not UTF-8.") from None
    except RecursionError:
        raise _UnreadableError("The body is nested too deeply.") from None
    except ValueError:  # also numbers too long to convert
        raise _UnreadableError("The body is not JSON.") from None
    if not isinstance(context, dict):
        raise _UnreadableError("The body is not a JSON object.")
    return context


def _decide(
    context: dict[str, Any], headers: dict[str, str], policy: ReceiverPolicy
) -> Accepted | RelatedAccepted | Ignored:
    name = _text(context, "PrimaryEntityName").lower()
    table = next((each for each in RelatedTable if each.value == name), None)
    if table is None and name != BOOKING_TABLE:
        return Ignored(IgnoreReason.OTHER_TABLE)
    kind = _kind(context)
    if kind is None:
        return Ignored(IgnoreReason.OTHER_MESSAGE)
    row_id = _guid(context, "PrimaryEntityId")
    if policy.organization_id and _guid(context, "OrganizationId") != policy.organization_id:
        return Ignored(IgnoreReason.OTHER_ORGANIZATION)
    shown = {} if _STRIPPED_HEADER in headers else context
    correlation_id = _correlation_id(context, headers)
    if table is not None:
        return _related(kind, RelatedAccepted(table, row_id, correlation_id), shown, policy)
    if kind is ChangeKind.DELETE:
        # Also a deletion by our own user: we never delete bookings, and its data can't be read again.
        change = Accepted(kind, row_id, correlation_id)
        return _deleted(change, _pre_image(shown), policy)
    by_us = policy.app_user_id and _guid_or_none(context, "InitiatingUserId") == policy.app_user_id
    change = Accepted(kind, row_id, correlation_id)
    return _written_by_us(change, shown, policy) if by_us else _written(change, shown, policy)


def _related(
    kind: ChangeKind, change: RelatedAccepted, shown: dict[str, Any], policy: ReceiverPolicy
) -> RelatedAccepted | Ignored:
    # A new row has no bookings yet, and what a deleted one takes with it raises webhooks of its own. Our own
    # user is not asked for: the app writes none of these rows, so this is somebody else's work in its name.
    if kind is not ChangeKind.UPDATE:
        return Ignored(IgnoreReason.NOT_AN_UPDATE)
    changed, of_resource = _target_row(shown), policy.resource_columns
    unknown = of_resource is None and change.table is RelatedTable.RESOURCE
    if changed is None or unknown or change.table in policy.shows_more:
        return change
    watched = related_attributes(of_resource or NO_RESOURCE_COLUMNS)[change.table]
    if not set(changed).intersection(watched):
        return Ignored(IgnoreReason.NOTHING_SHOWN)
    return change


def _written(change: Accepted, shown: dict[str, Any], policy: ReceiverPolicy) -> Accepted | Ignored:
    # An update without work order is worked on: its event may have to go.
    if change.kind is ChangeKind.RESTORE:
        # It has all its columns back, our record of an event among them that its deletion removed.
        return replace(change, rewritten=True)
    created = change.kind is ChangeKind.CREATE
    target = _target_row(shown)
    written = target or {}
    if created and policy.require_work_order and _lacks_work_order(target):
        return Ignored(IgnoreReason.NO_WORK_ORDER)
    columns = policy.columns
    ours = (columns.event_id, columns.original_resource, columns.sync_state) if columns else ()
    # A new row without a record hides nothing; one whose record was emptied may have an event.
    with_record = any(
        written.get(column) is not None or (column in written and not created) for column in ours
    )
    # Our own writes hold nothing else; were they taken for somebody else's, each would bring the next.
    return replace(change, rewritten=with_record and not set(BOOKING_ATTRIBUTES).isdisjoint(written))


def _written_by_us(change: Accepted, shown: dict[str, Any], policy: ReceiverPolicy) -> Accepted | Ignored:
    """What we return from Outlook has plug-ins write in our name: they round times, and move crews along."""
    return Ignored(IgnoreReason.OWN_CHANGE) if _is_all_ours(shown, policy) else change


def _is_all_ours(shown: dict[str, Any], policy: ReceiverPolicy) -> bool:
    """Whether our own user wrote nothing but our record; it never did else while nothing comes back."""
    if policy.return_columns is None:
        return True
    target = _target_row(shown)
    if target is None or policy.columns is None:
        return False
    return _own_columns(policy.columns, policy.return_columns).issuperset(target)


@functools.lru_cache(maxsize=1)
def _own_columns(columns: SupportColumns, of_return: ReturnColumns) -> frozenset[str]:
    """What a write of nothing but our record names; a deployment has one set of names."""
    return frozenset((*astuple(columns), *of_return.names, *_PLATFORM_COLUMNS))


def _deleted(change: Accepted, image: dict[str, Any] | None, policy: ReceiverPolicy) -> Accepted | Ignored:
    if image is None or policy.columns is None:
        return change
    suspects = _leaving_in(image, policy.return_columns)
    named = image.get(policy.columns.event_id) or suspects
    if not named and policy.require_work_order and _lacks_work_order(image):
        return Ignored(IgnoreReason.NOTHING_TO_REMOVE)
    return replace(change, event=_event(image, policy.columns), suspects=suspects)


def _leaving_in(image: dict[str, Any], columns: ReturnColumns | None) -> frozenset[str]:
    """Where events are that the row had given up; each is proven by itself before it is removed."""
    if columns is None:
        return frozenset()
    from booking_sync.domain.return_path.base import leaving_in  # noqa: PLC0415 - for deletions alone

    text = _column_text(image, columns.base, OUTLOOK_BASE_LENGTH) or ""
    return frozenset(event.mailbox for event in leaving_in(text))


def _kind(context: dict[str, Any]) -> ChangeKind | None:
    message = _text(context, "MessageName").lower()
    return next((kind for kind in ChangeKind if kind.value.lower() == message), None)


def _correlation_id(context: dict[str, Any], headers: dict[str, str]) -> str | None:
    return read_guid(context.get("CorrelationId")) or read_guid(headers.get(_CORRELATION_HEADER))


def _target_row(context: dict[str, Any]) -> dict[str, Any] | None:
    """The columns that were written; None when the body does not show them (stripped)."""
    target = _entry(_list(context, "InputParameters"), "Target")
    kind = target.get("__type") if isinstance(target, dict) else None
    return _columns(target) if isinstance(kind, str) and kind.startswith("Entity:") else None


def _pre_image(context: dict[str, Any]) -> dict[str, Any] | None:
    """The row's columns before its deletion (empty ones are absent); None when there is no image."""
    image = _entry(_list(context, "PreEntityImages"), PRE_IMAGE_ALIAS)
    if image is None:
        return None
    if not isinstance(image, dict):
        raise _UnreadableError("The pre-image is not an object.")
    return _columns(image)


def _lacks_work_order(row: dict[str, Any] | None) -> bool:
    return row is not None and row.get(WORK_ORDER_COLUMN) is None


def _event(image: dict[str, Any], columns: SupportColumns) -> EventClaim | None:
    """The event that the row named, with the state that was sealed for it."""
    event = EventRef(
        (_column_text(image, columns.original_resource) or "").lower(),
        _column_text(image, columns.event_id) or "",
    )
    if not is_mailbox(event.mailbox) or not is_event_id(event.event_id):
        return None
    return EventClaim(event, _column_text(image, columns.sync_state) or "")


def _column_text(image: dict[str, Any], column: str, longest: int = _MAX_COLUMN_CHARACTERS) -> str | None:
    value = image.get(column)
    if value is None:
        return None
    if not isinstance(value, str):
        raise _UnreadableError(f"The pre-image's {column} is not text.")
    return value if len(value) <= longest else None


def _columns(entity: dict[str, Any]) -> dict[str, Any]:
    return dict(_pairs(_list(entity, "Attributes")))


def _entry(collection: list[Any], key: str) -> Any:
    return next((value for name, value in _pairs(collection) if name == key), None)


def _pairs(collection: list[Any]) -> list[tuple[str, Any]]:
    if not all(isinstance(entry, dict) and isinstance(entry.get("key"), str) for entry in collection):
        raise _UnreadableError("A collection is not a list of keys and values.")
    return [(entry["key"], entry.get("value")) for entry in collection]


def _list(holder: dict[str, Any], key: str) -> list[Any]:
    value = holder.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise _UnreadableError(f"{key} is not a list.")
    return value


def _text(context: dict[str, Any], key: str) -> str:
    value = context.get(key)
    if not isinstance(value, str):
        raise _UnreadableError(f"{key} is missing or not text.")
    return value


def _guid(context: dict[str, Any], key: str) -> str:
    value = read_guid(_text(context, key))
    if value is None or value == NO_GUID:
        raise _UnreadableError(f"{key} is not a GUID.")
    return value


def _guid_or_none(context: dict[str, Any], key: str) -> str | None:
    """A GUID that a change is not lost for: None when it is missing or malformed."""
    return None if context.get(key) is None else read_guid(_text(context, key))
