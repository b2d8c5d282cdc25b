"""The mailboxes, their events and the rules about them; nothing of HTTP.

What no source tells about the real service (see `GraphConfig`) can be set either way, so that clients can be
proven safe under each reading.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from local.graph.config import GraphConfig
from local.graph.mailbox.ids import new_change_key, new_immutable_id, new_mutable_id
from local.graph.mailbox.schema import DEFAULTS, EventDraft, Extension, check_times
from local.graph.messages import GraphError

if TYPE_CHECKING:
    from local.graph.mailbox.zones import EventTime

MailboxKind = Literal["normal", "no_mailbox", "denied"]


@dataclass
class StoredEvent:
    """One event as the service holds it."""

    content: dict[str, Any]
    """Writable properties by their Graph names, without start and end."""
    start: EventTime
    end: EventTime
    owner_app: bool
    """Created through the API; False for what a user made."""
    transaction_id: str | None = None
    properties: dict[str, str] = field(default_factory=dict)
    extensions: dict[str, Extension] = field(default_factory=dict)
    immutable_id: str = field(default_factory=new_immutable_id)
    mutable_id: str = field(default_factory=new_mutable_id)
    change_key: str = field(default_factory=new_change_key)
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    modified: datetime = field(default_factory=lambda: datetime.now(UTC))
    modified_count: int = 0

    def public_id(self, *, immutable: bool) -> str:
        """The id a client sees, by the kind it prefers."""
        return self.immutable_id if immutable else self.mutable_id

    def touch(self) -> None:
        """Note a change."""
        self.modified = datetime.now(UTC)
        self.change_key = new_change_key()
        self.modified_count += 1


@dataclass(frozen=True)
class Transaction:
    """What the mailbox remembers of a creation."""

    event: StoredEvent
    fingerprint: str


@dataclass
class Mailbox:
    """A user and, if of the normal kind, the calendar."""

    id: str
    display_name: str
    user_principal_name: str
    kind: MailboxKind = "normal"
    events: dict[str, StoredEvent] = field(default_factory=dict)
    """By immutable id, oldest first."""
    by_mutable_id: dict[str, StoredEvent] = field(default_factory=dict)
    transactions: dict[str, Transaction] = field(default_factory=dict)
    named_properties: set[str] = field(default_factory=set)
    """Names that extensions and extended properties have used up for good."""
    created_count: int = 0
    modified_count: int = 0
    deleted_count: int = 0

    def add(self, event: StoredEvent) -> StoredEvent:
        """Keep a new event."""
        self.events[event.immutable_id] = event
        self.by_mutable_id[event.mutable_id] = event
        self.named_properties.update(event.properties, event.extensions)
        return event

    def drop(self, event: StoredEvent) -> None:
        """Delete an event."""
        del self.events[event.immutable_id]
        del self.by_mutable_id[event.mutable_id]

    def find(self, identifier: str, *, immutable: bool) -> StoredEvent:
        """The event of that id and that kind of id.

        Raises:
            GraphError: 404 `ErrorItemNotFound`.
        """
        event = (self.events if immutable else self.by_mutable_id).get(identifier)
        if event is None:
            message = "The specified object was not found in the store."
            raise GraphError(404, "ErrorItemNotFound", message)
        return event


class GraphState:
    """Every mailbox of the tenant, the mails sent, and the rules."""

    def __init__(self, config: GraphConfig | None = None) -> None:
        self.config = config or GraphConfig()
        self.mailboxes: dict[str, Mailbox] = {}
        """By id in lower case."""
        self._ids_by_name: dict[str, str] = {}
        self.mails: list[dict[str, Any]] = []
        """Invitations, updates and cancellations that went out to attendees."""
        self._inline_extensions = 0

    def reset(self) -> None:
        """Forget mailboxes, events and mails; the configuration stays."""
        self.mailboxes.clear()
        self._ids_by_name.clear()
        self.mails.clear()
        self._inline_extensions = 0

    def add_mailbox(
        self,
        identifier: str,
        display_name: str = "",
        user_principal_name: str = "",
        kind: MailboxKind = "normal",
    ) -> Mailbox:
        """Add a user, or change the kind, and the names if given, of one that is there already."""
        key = identifier.lower()
        mailbox = self.mailboxes.setdefault(key, Mailbox(identifier, "", f"{key}@example.com"))
        self._ids_by_name.pop(mailbox.user_principal_name.lower(), None)
        mailbox.kind = kind
        mailbox.display_name = display_name or mailbox.display_name
        mailbox.user_principal_name = user_principal_name or mailbox.user_principal_name
        self._ids_by_name[mailbox.user_principal_name.lower()] = key
        return mailbox

    def user(self, name: str) -> Mailbox:
        """A user by id or user principal name, whatever the state of the mailbox.

        Raises:
            GraphError: 404 for an unknown one.
        """
        key = self._ids_by_name.get(name.lower(), name.lower())
        if key not in self.mailboxes:
            raise GraphError(404, self.config.unknown_user_code, f"The requested user '{name}' is invalid.")
        return self.mailboxes[key]

    def mailbox(self, name: str) -> Mailbox:
        """The mailbox of a user that the app may use.

        Raises:
            GraphError: 404 or 403 otherwise.
        """
        found = self.user(name)
        if found.kind == "no_mailbox":
            message = "REST API is not yet supported for this mailbox."
            raise GraphError(404, "MailboxNotEnabledForRESTAPI", message)
        if found.kind == "denied":
            raise GraphError(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
        return found

    def recall(self, mailbox: Mailbox, draft: EventDraft) -> Transaction | None:
        """What the mailbox remembers of the draft's transactionId, or None when it may create."""
        if draft.transaction_id is None:
            return None
        known = mailbox.transactions.get(draft.transaction_id)
        if known is None or known.event.immutable_id in mailbox.events:
            return known
        return None if self.config.deleted_transactions == "forgotten" else known

    def replay(
        self, mailbox: Mailbox, draft: EventDraft, known: Transaction, *, immutable: bool
    ) -> StoredEvent:
        """Answer a creation that was made before: with its event when the content is identical.

        Raises:
            GraphError: `ErrorDuplicateTransactionId` otherwise.
        """
        deleted = known.event.immutable_id not in mailbox.events
        ghost = deleted and self.config.deleted_transactions == "ghost"
        if known.fingerprint == draft.fingerprint and (ghost or not deleted):
            return known.event
        extra = {"@event.existingEventId": known.event.public_id(immutable=immutable)}
        raise GraphError(
            self.config.duplicate_status,
            "ErrorDuplicateTransactionId",
            "Your request can't be completed. The TransactionId has been used by another event.",
            extra=extra if self.config.duplicate_names_existing else None,
        )

    def create(self, mailbox: Mailbox, draft: EventDraft, *, by_app: bool = True) -> StoredEvent:
        """Make an event; the caller has asked `recall` first.

        Raises:
            GraphError: 400 for times that don't fit; 503 when an extension inside the creation fails, though
                the event is there.
        """
        content = merge_content(copy.deepcopy(DEFAULTS), draft.content)
        start, end = _both_times(draft)
        check_times(start, end, all_day=content["isAllDay"])
        extensions = {each.name: each for each in draft.extensions}
        spoiled = bool(extensions) and self._inline_extension_fails()
        event = mailbox.add(
            StoredEvent(
                content,
                start,
                end,
                owner_app=by_app,
                transaction_id=draft.transaction_id,
                properties=dict(draft.properties),
                extensions={} if spoiled else extensions,
            )
        )
        mailbox.created_count += by_app
        if draft.transaction_id is not None:
            mailbox.transactions[draft.transaction_id] = Transaction(event, draft.fingerprint)
        self._mail(mailbox, event, "invitation")
        if spoiled:
            raise GraphError(503, "ServiceUnavailable", "The service is temporarily unavailable.")
        return event

    def change(self, mailbox: Mailbox, event: StoredEvent, draft: EventDraft, *, by_app: bool = True) -> None:
        """Write what a PATCH says over an event.

        Raises:
            GraphError: 400 for times that don't fit; then nothing has changed.
        """
        content = merge_content(event.content, draft.content)
        start, end = draft.start or event.start, draft.end or event.end
        check_times(start, end, all_day=content["isAllDay"])
        event.content, event.start, event.end = content, start, end
        event.properties.update(draft.properties)
        mailbox.named_properties.update(draft.properties)
        event.touch()
        mailbox.modified_count += by_app
        self._mail(mailbox, event, "update")

    def delete(self, mailbox: Mailbox, event: StoredEvent, *, by_app: bool = True) -> None:
        """Remove an event; its attendees, if any, are told."""
        mailbox.drop(event)
        mailbox.deleted_count += by_app
        self._mail(mailbox, event, "cancellation")

    def extend(self, mailbox: Mailbox, event: StoredEvent, extension: Extension) -> None:
        """Add an open extension.

        Raises:
            GraphError: 409 when the event has one of that name.
        """
        if extension.name in event.extensions:
            message = f"An extension with name '{extension.name}' already exists."
            raise GraphError(409, "ErrorItemAlreadyExists", message)
        event.extensions[extension.name] = extension
        mailbox.named_properties.add(extension.name)
        event.touch()

    def move(self, mailbox: Mailbox, event: StoredEvent) -> None:
        """A user moves the event away and back: the immutable id stays, the other is replaced."""
        del mailbox.by_mutable_id[event.mutable_id]
        event.mutable_id = new_mutable_id()
        mailbox.by_mutable_id[event.mutable_id] = event
        event.touch()

    def copy(self, mailbox: Mailbox, event: StoredEvent) -> StoredEvent:
        """A user copies the event: all marks come along, the ids are new, no transaction is remembered."""
        return mailbox.add(
            replace(
                event,
                content=copy.deepcopy(event.content),
                properties=dict(event.properties),
                extensions=dict(event.extensions),
                owner_app=False,
                transaction_id=None,
                immutable_id=new_immutable_id(),
                mutable_id=new_mutable_id(),
                change_key=new_change_key(),
                created=datetime.now(UTC),
                modified=datetime.now(UTC),
                modified_count=0,
            )
        )

    def _inline_extension_fails(self) -> bool:
        self._inline_extensions += 1
        every = self.config.inline_extension_failure_every
        return every > 0 and self._inline_extensions % every == 0

    def _mail(self, mailbox: Mailbox, event: StoredEvent, kind: str) -> None:
        if not event.content["attendees"]:
            return
        self.mails.append(
            {
                "mailbox": mailbox.id,
                "kind": kind,
                "event": event.immutable_id,
                "to": [each["emailAddress"]["address"] for each in event.content["attendees"]],
            }
        )


def merge_content(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Old properties overwritten by new ones; `location` and `locations` always correspond."""
    merged = {**old, **new}
    if "locations" in new:
        merged["location"] = new["locations"][0] if new["locations"] else DEFAULTS["location"]
    else:
        named = merged["location"] != DEFAULTS["location"]
        locations = [merged["location"]] if named else []
        merged["locations"] = old.get("locations", locations) if "location" not in new else locations
    return merged


def _both_times(draft: EventDraft) -> tuple[EventTime, EventTime]:
    if draft.start is None or draft.end is None:
        raise GraphError(400, "ErrorPropertyValidationFailure", "Start and end are required.")
    return draft.start, draft.end
