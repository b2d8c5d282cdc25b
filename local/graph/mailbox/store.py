"""Every mailbox of the tenant and the rules about its events; nothing of HTTP.

What no source tells about the real service (see `GraphConfig`) can be set either way, so that clients can be
proven safe under each reading.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from local.graph.config import GraphConfig
from local.graph.mailbox.events import Mailbox, StoredEvent, Transaction
from local.graph.mailbox.ids import (
    WELL_FORMED,
    LookalikeMaker,
    new_calendar_id,
    new_change_key,
    new_immutable_id,
    new_mutable_id,
    occurrence_id,
    split_occurrence_id,
)
from local.graph.mailbox.mails import Mail, addresses, mails_of_change
from local.graph.mailbox.recurrence import occurrence_dates
from local.graph.mailbox.schema import DEFAULTS, EventDraft, Extension, check_times
from local.graph.mailbox.zones import EventTime, ZoneRules, rules_of
from local.graph.messages import GraphError, bad_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local.graph.config import CopiesCarry
    from local.graph.mailbox.events import MailboxKind, SharedCalendar


def time_of_day() -> datetime:
    """Now, UTC."""
    return datetime.now(UTC)


MAIN_NAME = "Calendar"
"""How a mailbox's main calendar is called."""
LONGEST_CALENDAR_NAME = 256
LONGEST_EVENT = timedelta(days=5 * 366)
ACCESS_DENIED = "Access is denied. Check credentials and try again."
NOT_FOUND = "The specified object was not found in the store."


class GraphState:
    """Every mailbox of the tenant, the mails sent, and the rules."""

    def __init__(self, config: GraphConfig | None = None, now: Callable[[], datetime] = time_of_day) -> None:
        self.config = config or GraphConfig()
        self._now = now
        self.mailboxes: dict[str, Mailbox] = {}
        """By id in lower case."""
        self._ids_by_name: dict[str, str] = {}
        self.mails: list[dict[str, Any]] = []
        """Invitations, updates and cancellations that went out to attendees, and whose doing it was."""
        self.observers: list[Callable[[Mailbox, StoredEvent, str], None]] = []
        """Told of each event that is created, updated or deleted, by whomever."""
        self._inline_extensions = 0
        self._lookalikes = LookalikeMaker()

    @property
    def rules(self) -> ZoneRules:
        """The zone rules in force."""
        return rules_of(self.config.zone_shifts)

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
        mail: str = "",
    ) -> Mailbox:
        """Add a user, or change the kind, and the names if given, of one that is there already."""
        key = identifier.lower()
        mailbox = self.mailboxes.setdefault(key, Mailbox(identifier, "", f"{key}@example.com"))
        self._ids_by_name.pop(mailbox.user_principal_name.lower(), None)
        mailbox.kind = kind
        mailbox.display_name = display_name or mailbox.display_name
        mailbox.user_principal_name = user_principal_name or mailbox.user_principal_name
        mailbox.mail = mail or mailbox.mail
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
            raise GraphError(403, "ErrorAccessDenied", ACCESS_DENIED)
        return found

    def calendar(self, mailbox: Mailbox, identifier: str) -> str:
        """The calendar of this id, empty for the main one, if anything may be made or listed there.

        Raises:
            GraphError: 404, there is none; 403, it is a colleague's and the app may not see to it.
        """
        shared = mailbox.shared_calendars.get(identifier)
        if shared:
            if not shared.readable:
                raise GraphError(403, "ErrorAccessDenied", ACCESS_DENIED)
            return identifier
        if identifier == main_calendar(mailbox):
            return ""
        kept = mailbox.deleted_calendars if self.config.deleted_calendars == "kept" else {}
        if identifier in mailbox.calendars or identifier in kept:
            return identifier
        raise GraphError(404, "ErrorItemNotFound", NOT_FOUND)

    def make_calendar(self, mailbox: Mailbox, name: str) -> str:
        """Make a calendar; gives its id.

        Raises:
            GraphError: 409 for a name that is taken, 400 for none; 404, 403 or 507 when the mailbox is not
                ready or full.
        """
        if mailbox.kind == "new":
            raise GraphError(404, self.config.new_mailbox_code, NOT_FOUND)
        self._require_space(mailbox)
        if not name.strip() or len(name) > LONGEST_CALENDAR_NAME:
            raise bad_request("The calendar's name can't be used.", "ErrorInvalidArgument")
        beside = [each.name for each in mailbox.shared_calendars.values() if each.takes_name]
        taken = {each.casefold() for each in (MAIN_NAME, *mailbox.calendars.values(), *beside)}
        if name.casefold() in taken and self.config.calendar_names == "unique":
            raise GraphError(409, "ErrorFolderExists", "A folder with the specified name already exists.")
        identifier = self._new_calendar_id()
        mailbox.calendars[identifier] = name
        return identifier

    def share(self, mailbox: Mailbox, shared: SharedCalendar) -> str:
        """A colleague shares a calendar with this person; gives its id in this mailbox."""
        identifier = self._new_calendar_id()
        mailbox.shared_calendars[identifier] = shared
        return identifier

    def delete_calendar(self, mailbox: Mailbox, identifier: str) -> None:
        """Delete a calendar, and with it the events that it shows.

        Raises:
            GraphError: 404, there is none; 403 for the main one.
        """
        if identifier == main_calendar(mailbox):
            raise GraphError(403, "ErrorCannotDeleteObject", "The main calendar can't be deleted.")
        if identifier not in mailbox.calendars:
            raise GraphError(404, "ErrorItemNotFound", NOT_FOUND)
        for event in mailbox.shown_in(frozenset({identifier})):
            self.delete(mailbox, event, by_app=False)
        mailbox.deleted_calendars[identifier] = mailbox.calendars.pop(identifier)

    def drag(self, mailbox: Mailbox, event: StoredEvent, calendar: str) -> None:
        """A person drags an event to another calendar; the immutable id stays, the other is replaced."""
        event.calendar = self.calendar(mailbox, calendar) if calendar else ""
        self._tell(mailbox, event, "deleted")  # as public threads saw it
        self.move(mailbox, event)
        self._tell(mailbox, event, "created")

    def recall(self, mailbox: Mailbox, draft: EventDraft, calendar: str = "") -> Transaction | None:
        """What the mailbox remembers of the draft's transactionId, or None when it may create."""
        if draft.transaction_id is None:
            return None
        known = mailbox.transactions.get(self.transaction_key(draft.transaction_id, calendar))
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

    def transaction_key(self, transaction_id: str, calendar: str) -> str:
        """By what a creation is remembered."""
        if self.config.transactions_span == "mailbox" or not calendar:
            return transaction_id
        return f"{transaction_id} in {calendar}"

    def create(
        self, mailbox: Mailbox, draft: EventDraft, *, by_app: bool = True, calendar: str = ""
    ) -> StoredEvent:
        """Make an event; the caller has asked `recall` first.

        Raises:
            GraphError: 400 for times that don't fit; 404, 403 or 507 when the mailbox is not ready or full;
                503 when an extension inside the creation fails, though the event is there.
        """
        if mailbox.kind == "new" and by_app:
            raise GraphError(404, self.config.new_mailbox_code, NOT_FOUND)
        self._require_space(mailbox)
        content = merge_content(copy.deepcopy(DEFAULTS), draft.content)
        start, end = _both_times(draft)
        self._check_times(start, end, content)
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
                immutable_id=self._new_id(),
                created=self._now(),
                calendar=calendar,
            )
        )
        mailbox.created_count += by_app
        if draft.transaction_id is not None:
            key = self.transaction_key(draft.transaction_id, calendar)
            mailbox.transactions[key] = Transaction(event, draft.fingerprint)
        self._send(mailbox, event, [Mail("invitation", addresses(content["attendees"]))], by_app=by_app)
        self._tell(mailbox, event, "created")
        if spoiled:
            raise GraphError(503, "ServiceUnavailable", "The service is temporarily unavailable.")
        return event

    def change(self, mailbox: Mailbox, event: StoredEvent, draft: EventDraft, *, by_app: bool = True) -> None:
        """Write what a PATCH says over an event.

        Raises:
            GraphError: 400 for times that don't fit, for one occurrence of a series, and for an event in
                Deleted Items whose attendees would be told; 403 or 507 for a full mailbox. Then nothing has
                changed.
        """
        self._require_space(mailbox)
        _refuse_occurrence(event)
        if by_app:
            draft = self._keeping_its_shape(event, draft)
        content = merge_content(event.content, draft.content)
        start, end = draft.start or event.start, draft.end or event.end
        self._check_times(start, end, content)
        moved = draft.start is not None or draft.end is not None
        if moved and content["recurrence"] and self.config.series_times == "refused":
            raise bad_request("The times of a series can't be changed.", "ErrorPropertyValidationFailure")
        mails = mails_of_change(
            event.content["attendees"], content["attendees"], _named(draft), self.config.update_mails
        )
        if mails and mailbox.is_deleted(event):
            message = "Cannot update calendar item that has already been deleted."
            raise bad_request(message, "ErrorCalendarCannotUpdateDeletedItem")
        if draft.start is not None and content["recurrence"] and "recurrence" not in draft.content:
            content["recurrence"] = _starting_on(content["recurrence"], start)
        event.content, event.start, event.end = content, start, end
        event.properties.update(draft.properties)
        mailbox.named_properties.update(draft.properties)
        event.touch()
        mailbox.modified_count += by_app
        self._send(mailbox, event, mails, by_app=by_app)
        self._tell(mailbox, event, "updated")

    def delete(self, mailbox: Mailbox, event: StoredEvent, *, by_app: bool = True) -> None:
        """Delete an event or an occurrence; its attendees, if any, are told.

        Raises:
            GraphError: 403 `ErrorCannotDeleteObject`: it was deleted before.
        """
        if mailbox.is_deleted(event):
            self._delete_once_more(mailbox, event)
            return
        if event.master is not None:
            event.master.missing_dates.add(event.start.wall.date().isoformat())
        elif self.config.deleted_items == "kept":
            mailbox.discard(event)
        else:
            mailbox.drop(event)
        mailbox.deleted_count += by_app
        self._send(
            mailbox, event, [Mail("cancellation", addresses(event.content["attendees"]))], by_app=by_app
        )
        self._tell(mailbox, event, "deleted")

    def delete_for_good(self, mailbox: Mailbox, event: StoredEvent, *, by_app: bool = True) -> None:
        """`permanentDelete`, or a person's deletion with the shift key: no id leads there any more."""
        _refuse_occurrence(event)
        if mailbox.is_deleted(event):
            del mailbox.deleted_items[event.immutable_id]
            return
        mailbox.drop(event)
        mailbox.deleted_count += by_app
        self._send(
            mailbox, event, [Mail("cancellation", addresses(event.content["attendees"]))], by_app=by_app
        )
        self._tell(mailbox, event, "deleted")

    def restore(self, mailbox: Mailbox, event: StoredEvent, *, new_id: bool = False) -> None:
        """A user takes an event out of Deleted Items back to the calendar.

        Args:
            mailbox: whose it is.
            event: which.
            new_id: as from an archive mailbox or a file, which is said to make another immutable id of it.

        Raises:
            GraphError: 400, it is not there.
        """
        if not mailbox.is_deleted(event):
            raise bad_request("The event is not in Deleted Items.")
        del mailbox.deleted_items[event.immutable_id]
        mailbox.deleted_once_more.discard(event.immutable_id)
        if new_id:
            event.immutable_id = self._new_id()
        if event.calendar not in mailbox.calendars:
            event.calendar = ""
        mailbox.add(event)
        self._tell(mailbox, event, "created")

    def empty_deleted_items(self, mailbox: Mailbox) -> None:
        """A user, or a retention policy, empties Deleted Items."""
        mailbox.deleted_items.clear()
        mailbox.deleted_once_more.clear()

    def age(self, mailbox: Mailbox, by: timedelta) -> None:
        """Have every event made so much earlier, as if time had passed."""
        for event in (*mailbox.events.values(), *mailbox.deleted_items.values()):
            event.created -= by

    def migrate(self, mailbox: Mailbox) -> None:
        """An administrator moves the mailbox to another tenant or server: every id changes."""
        events, deleted = list(mailbox.events.values()), list(mailbox.deleted_items.values())
        mailbox.former_ids.update(mailbox.events, mailbox.by_mutable_id, mailbox.deleted_items)
        for each in (mailbox.events, mailbox.by_mutable_id, mailbox.deleted_items, mailbox.transactions):
            each.clear()
        for event in [*events, *deleted]:
            event.immutable_id, event.mutable_id = self._new_id(), new_mutable_id()
        for event in events:
            mailbox.add(event)
        mailbox.deleted_items.update({event.immutable_id: event for event in deleted})

    def find(self, mailbox: Mailbox, identifier: str, *, immutable: bool) -> StoredEvent:
        """The event of that id and that kind of id; an immutable one leads into Deleted Items as well.

        Raises:
            GraphError: 404 or 400, by the configuration.
        """
        known = mailbox.events if immutable else mailbox.by_mutable_id
        event = known.get(identifier)
        if event is None and immutable:
            event = mailbox.deleted_items.get(identifier)
        if event is None:
            event = self._find_occurrence(known, identifier)
        if event is None:
            raise self._no_such_event(mailbox, identifier)
        return event

    def shown_between(
        self, mailbox: Mailbox, first: datetime, last: datetime, calendar: str = ""
    ) -> list[StoredEvent]:
        """What the view of a calendar shows: single events and occurrences of series, oldest event first."""
        return [
            each
            for event in mailbox.shown_in(frozenset({calendar}))
            for each in (self._occurrences(event, last) if event.content["recurrence"] else (event,))
            if each.start.utc < last and (each.end.utc > first or each.start.utc == each.end.utc == first)
        ]

    def extend(self, mailbox: Mailbox, event: StoredEvent, extension: Extension) -> None:
        """Add an open extension.

        Raises:
            GraphError: 409 when the event has one of that name; 403 or 507 for a full mailbox.
        """
        self._require_space(mailbox)
        _refuse_occurrence(event)
        if extension.name in event.extensions:
            message = f"An extension with name '{extension.name}' already exists."
            raise GraphError(409, "ErrorItemAlreadyExists", message)
        event.extensions[extension.name] = extension
        mailbox.named_properties.add(extension.name)
        event.touch()
        self._tell(mailbox, event, "updated")

    def change_extension(self, event: StoredEvent, changes: Extension) -> Extension:
        """Write values over those of an open extension that is there; the others stay, as documented."""
        known = event.extensions[changes.name]
        changed = Extension(known.name, {**known.values, **changes.values})
        event.extensions[known.name] = changed
        event.touch()
        return changed

    def move(self, mailbox: Mailbox, event: StoredEvent) -> None:
        """A user moves the event away and back: the immutable id stays, the other is replaced."""
        del mailbox.by_mutable_id[event.mutable_id]
        event.mutable_id = new_mutable_id()
        mailbox.by_mutable_id[event.mutable_id] = event
        event.touch()

    def copy(self, mailbox: Mailbox, event: StoredEvent) -> StoredEvent:
        """A user copies the event; the configuration says what the copy carries along."""
        return self.copy_with(mailbox, event, self.config.copies_carry)

    def copy_with(self, mailbox: Mailbox, event: StoredEvent, carries: CopiesCarry) -> StoredEvent:
        """A user copies the event: all ids are new, no creation is remembered."""
        marks = carries != "nothing"
        copied = mailbox.add(
            replace(
                event,
                content=copy.deepcopy(event.content),
                properties=dict(event.properties) if marks else {},
                extensions=dict(event.extensions) if marks else {},
                owner_app=False,
                transaction_id=event.transaction_id if carries == "everything" else None,
                immutable_id=self._new_id(),
                mutable_id=new_mutable_id(),
                ical_uid=f"{{{uuid.uuid4()}}}".upper(),  # as Outlook itself was seen to write it
                change_key=new_change_key(),
                created=max(self._now(), event.created + timedelta(milliseconds=1)),
                modified=datetime.now(UTC),
                modified_count=0,
                missing_dates=set(event.missing_dates),
            )
        )
        self._tell(mailbox, copied, "created")
        return copied

    def _new_calendar_id(self) -> str:
        return new_calendar_id()

    def _inline_extension_fails(self) -> bool:
        self._inline_extensions += 1
        every = self.config.inline_extension_failure_every
        return every > 0 and self._inline_extensions % every == 0

    def _new_id(self) -> str:
        how = self.config.lookalike_ids
        return new_immutable_id() if how == "no" else self._lookalikes.next(how)

    def _require_space(self, mailbox: Mailbox) -> None:
        if mailbox.kind != "full":
            return
        if self.config.full_mailbox_status == 507:
            raise GraphError(507, "QuotaExceededException", "Target mailbox quota exceeded.")
        raise GraphError(403, "ErrorQuotaExceeded", "Mailbox has exceeded maximum mailbox size.")

    def _keeping_its_shape(self, event: StoredEvent, draft: EventDraft) -> EventDraft:
        """What of a change takes effect on a series or an all-day event, as the configuration says."""
        content = dict(draft.content)
        if event.content["recurrence"] and "recurrence" in content and content["recurrence"] is None:
            if self.config.series_end == "refused":
                raise bad_request("The recurrence can't be removed.", "ErrorPropertyValidationFailure")
            if self.config.series_end == "ignored":
                del content["recurrence"]
        if event.content["isAllDay"] and content.get("isAllDay") is False:
            if self.config.all_day_end == "refused":
                raise bad_request("An all-day event stays one.", "ErrorPropertyValidationFailure")
            if self.config.all_day_end == "ignored":
                del content["isAllDay"]
                draft = replace(draft, start=None, end=None)
        return replace(draft, content=content)

    def _check_times(self, start: EventTime, end: EventTime, content: dict[str, Any]) -> None:
        check_times(start, end, all_day=content["isAllDay"])
        if self.config.refuses_over_five_years and end.utc - start.utc > LONGEST_EVENT:
            raise bad_request("The calendar item's duration is too long.", "ErrorCalendarDurationIsTooLong")

    def _delete_once_more(self, mailbox: Mailbox, event: StoredEvent) -> None:
        before = event.immutable_id in mailbox.deleted_once_more
        if before or self.config.deleted_items_delete == "refused":
            raise GraphError(403, "ErrorCannotDeleteObject", "Object cannot be deleted.")
        mailbox.deleted_once_more.add(event.immutable_id)

    def _no_such_event(self, mailbox: Mailbox, identifier: str) -> GraphError:
        foreign = self.config.foreign_ids != "not_found" and self._is_foreign(mailbox, identifier)
        if foreign and self.config.foreign_ids == "other_mailbox":
            message = f"Item '{identifier}' doesn't belong to the targeted mailbox '{mailbox.id}'."
            return GraphError(404, "ErrorInvalidMailboxItemId", message)
        malformed = not WELL_FORMED.fullmatch(identifier) and self.config.malformed_ids == "malformed"
        if malformed or (foreign and self.config.foreign_ids == "malformed"):
            return bad_request("Id is malformed.", "ErrorInvalidIdMalformed")
        return GraphError(404, "ErrorItemNotFound", NOT_FOUND)

    def _is_foreign(self, mailbox: Mailbox, identifier: str) -> bool:
        others = (each for each in self.mailboxes.values() if each is not mailbox)
        return identifier in mailbox.former_ids or any(each.has(identifier) for each in others)

    def _find_occurrence(self, known: dict[str, StoredEvent], identifier: str) -> StoredEvent | None:
        parts = split_occurrence_id(identifier)
        master = known.get(parts[0]) if parts else None
        if parts is None or master is None or not master.content["recurrence"]:
            return None
        until = datetime.fromisoformat(parts[1]).replace(tzinfo=UTC) + timedelta(days=1)
        return next(
            (
                each
                for each in self._occurrences(master, until)
                if each.start.wall.date().isoformat() == parts[1]
            ),
            None,
        )

    def _occurrences(self, master: StoredEvent, last: datetime) -> Iterator[StoredEvent]:
        """The occurrences of a series that begin before `last` or on its day."""
        length = master.end.utc - master.start.utc
        content = {**master.content, "recurrence": None}
        for day in occurrence_dates(master.content["recurrence"], (last + timedelta(days=1)).date()):
            if day.isoformat() in master.missing_dates:
                continue
            wall = datetime.combine(day, master.start.wall.time())
            start = self.rules.at(wall, master.start.zone)
            yield replace(
                master,
                content=content,
                start=start,
                end=EventTime(start.utc + length, master.end.zone, wall + length),
                immutable_id=occurrence_id(master.immutable_id, day),
                mutable_id=occurrence_id(master.mutable_id, day),
                master=master,
            )

    def _tell(self, mailbox: Mailbox, event: StoredEvent, change: str) -> None:
        for observer in self.observers:
            observer(mailbox, event, change)

    def _send(self, mailbox: Mailbox, event: StoredEvent, mails: list[Mail], *, by_app: bool) -> None:
        self.mails.extend(
            {
                "mailbox": mailbox.id,
                "kind": mail.kind,
                "event": event.immutable_id,
                "to": list(mail.to),
                "by": "app" if by_app else "person",
            }
            for mail in mails
            if mail.to
        )


def main_calendar(mailbox: Mailbox) -> str:
    """The id of a mailbox's main calendar; always the same."""
    return folder_id(mailbox, "calendar")


def folder_id(mailbox: Mailbox, name: str) -> str:
    """The id of a mailbox's folder; always the same."""
    digest = hashlib.sha256(f"{mailbox.id.lower()}/{name}".encode()).digest()
    return f"AAMk{base64.urlsafe_b64encode(digest).decode().rstrip('=')}AAAAAAENAAA="


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


def _named(draft: EventDraft) -> frozenset[str]:
    """The properties that a PATCH names."""
    times = [name for name, value in (("start", draft.start), ("end", draft.end)) if value is not None]
    marks = ["singleValueExtendedProperties"] if draft.properties else []
    return frozenset([*draft.content, *times, *marks])


def _starting_on(recurrence: dict[str, Any], start: EventTime) -> dict[str, Any]:
    """A series that moves begins on its new day; the days of a weekly one stay as they were."""
    return {**recurrence, "range": {**recurrence["range"], "startDate": start.wall.date().isoformat()}}


def _refuse_occurrence(event: StoredEvent) -> None:
    if event.master is not None:
        raise bad_request("The stand-in does not model changes of single occurrences.", "NotModelled")
