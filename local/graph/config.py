"""How the stand-in behaves where the real service varies, is undocumented or has limits."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, cast, get_args, get_origin, get_type_hints

from local.standin.assumptions import Plays

DeletedTransactions = Literal["forgotten", "remembered", "ghost"]
DeletedItems = Literal["kept", "gone"]
DeletedItemsTell = Literal["nothing", "calendar", "cancelled"]
DeletedItemsDelete = Literal["refused", "once_more"]
UpdateMails = Literal["every_change", "what_attendees_see"]
SeriesTimes = Literal["taken", "refused"]
DirectoryRight = Literal["denied", "granted"]
EventsCover = Literal["main", "all"]
TransactionsSpan = Literal["mailbox", "calendar"]
CalendarNames = Literal["unique", "shared"]
DeletedCalendars = Literal["gone", "kept"]
ShapeEnds = Literal["ended", "ignored", "refused"]
MalformedIds = Literal["not_found", "malformed"]
ForeignIds = Literal["not_found", "malformed", "other_mailbox"]
LookalikeIds = Literal["no", "case", "dashes"]
CopiesCarry = Literal["nothing", "marks", "everything"]
MasterCategories = Literal["denied", "readable", "without_ours", "with_ours"]
CategoryTwice = Literal["conflict", "invalid"]
MailboxSettings = Literal["denied", "told", "bare"]
PatchSaves = Literal["together", "property_first", "times_first"]
NotifiedVersion = Literal["same", "other", "none"]
EventIfMatch = Literal["refused", "checked", "ignored"]
NewMailboxCode = Literal["ErrorItemNotFound", "ErrorFolderNotFound"]


DELETED_ITEMS_VARIABLE = "LOCAL_DELETED_ITEMS"
"""Environment variable with which the other fate of deleted events is the usual one (`make test-gone`): tests
that say nothing of it hold there as well."""


def usual_deleted_items() -> DeletedItems:
    """What becomes of deleted events unless a test says otherwise.

    Raises:
        ValueError: the variable holds something else.
    """
    told = os.environ.get(DELETED_ITEMS_VARIABLE, "kept")
    for each in get_args(DeletedItems):
        if told == each:
            return cast("DeletedItems", each)
    raise ValueError(f"{DELETED_ITEMS_VARIABLE} must be one of {', '.join(get_args(DeletedItems))}")


@dataclass(frozen=True)
class ZoneShift:
    """Exchange reads a zone's wall clock differently from the tz database, from some moment on."""

    zone: str
    """Windows or IANA name; its aliases are meant as well."""
    since: str
    """ISO 8601 with offset: the moment by the tz database."""
    minutes: int
    """By how much later Exchange takes a wall-clock time to be; negative for earlier."""


@dataclass(frozen=True)
class GraphConfig:
    """What can be set while it runs (`PUT /_control/config`)."""

    item_seconds: float = 0.0
    """How long the service works on one request or batch item, holding a place of its mailbox."""
    mailbox_concurrency: int = 4
    budget_requests: int = 10_000
    budget_seconds: float = 600.0
    batch_concurrency: int = 4
    """Items of one batch worked on at a time, whatever their mailboxes. Documented: 4. Public reports of 2018
    to 2020 saw 15 or 20 of one mailbox, which then refuse each other."""
    shuffle_seed: int = 0
    """Decides the order of the answers in a batch's response."""
    inline_extension_failure_every: int = 25
    """Each so-manieth creation with an extension inside answers 503 and makes the event without; 0: none."""
    duplicate_status: int = 400
    """Status of `ErrorDuplicateTransactionId`: 400 or 409."""
    duplicate_names_existing: bool = True
    """Whether that error carries `@event.existingEventId`."""
    deleted_transactions: DeletedTransactions = "forgotten"
    """A transactionId whose event was deleted: creates anew, is a duplicate, or answers the dead event."""
    no_lock: bool = False
    """Two creations with one transactionId that overlap in time both make an event."""
    unknown_user_code: str = "ErrorInvalidUser"
    """Error code for a user that doesn't exist; `Request_ResourceNotFound` is seen too."""
    deleted_items: DeletedItems = field(default_factory=usual_deleted_items)
    """An event that a person or the app deleted: `kept` lies in Deleted Items, where its immutable id, which
    survives, still reads and patches it, though no listing shows it; `gone` answers 404. Documented is only
    that the id survives, so that is what is taken for granted."""
    deleted_items_tell: DeletedItemsTell = "nothing"
    """What answers on an event in Deleted Items tell: nothing (as if it were in the calendar), that their
    `calendar@odata.navigationLink` names another folder, or `isCancelled`. No source says which."""
    deleted_items_delete: DeletedItemsDelete = "refused"
    """A DELETE of an event in Deleted Items: 403 `ErrorCannotDeleteObject` at once, or 204 the first time (it
    goes to the recoverable items) and 403 after that."""
    parent_folder_readable: bool = True
    """Whether the extended property `Binary 0x0E09` (PidTagParentEntryId) can be expanded: it names the
    folder that an item lies in. Seen on messages; that events do the same is inferred."""
    update_mails: UpdateMails = "every_change"
    """Which PATCHes of an event with attendees send them an update: all, or those that name what attendees
    see. Documented is only that one with nothing but `attendees` reaches just those that changed."""
    series_times: SeriesTimes = "taken"
    """A PATCH of start or end of a series: moves the whole series, or is refused with 400."""
    series_end: ShapeEnds = "ended"
    """A PATCH of the app's with `recurrence: null` for a series: ends it, as public threads saw it; leaves it
    a series and answers 200; or is refused with 400."""
    all_day_end: ShapeEnds = "ended"
    """A PATCH of the app's with `isAllDay: false` and both times for an all-day event: the same. Where it is
    ignored, so are the times. No source says which."""
    event_if_match: EventIfMatch = "refused"
    """`If-Match` at a PATCH of an event: refused with 400, checked (412 `ErrorIrresolvableConflict` for any
    other version), or ignored. It is documented for no event; public threads tell of the 412."""
    patch_saves: PatchSaves = "together"
    """A PATCH that writes times and extended properties: all at once; or one after the other, so that whoever
    reads meanwhile sees half of it. No source says that it is one save."""
    malformed_ids: MalformedIds = "not_found"
    """An id that can't be one: 404 `ErrorItemNotFound`, or 400 `ErrorInvalidIdMalformed`."""
    foreign_ids: ForeignIds = "not_found"
    """An id of another mailbox, or from before a migration: 404 `ErrorItemNotFound`, 400
    `ErrorInvalidIdMalformed`, or 404 `ErrorInvalidMailboxItemId`."""
    lookalike_ids: LookalikeIds = "no"
    """New events get ids that differ from each other only in the case of letters, or in `-` and `_`."""
    copies_carry: CopiesCarry = "marks"
    """What a user's copy carries along besides what people see: nothing, extended properties and extensions,
    or these and the transactionId, as public threads of 2026 saw it."""
    full_mailbox_status: int = 507
    """How a mailbox of kind `full` refuses writes: 507 `QuotaExceededException`, or 403 with
    `ErrorQuotaExceeded`."""
    new_mailbox_code: NewMailboxCode = "ErrorItemNotFound"
    """Code of the 404 with which a mailbox of kind `new` refuses creations until it is ready."""
    refuses_over_five_years: bool = False
    """Whether an event longer than five years is refused (400 `ErrorCalendarDurationIsTooLong`, from EWS)."""
    master_categories: MasterCategories = "denied"
    """A mailbox's list of categories: the app has no right to read it (403), or may read it only
    (MailboxSettings.Read), or change it as well (MailboxSettings.ReadWrite), and ours are not among them, or
    are."""
    category_twice: CategoryTwice = "conflict"
    """A POST of a category whose name is in the list: 409, or 400. Documented is that names are unique."""
    events_cover: EventsCover = "main"
    """Whose events `/users/{id}/events` lists: the main calendar's, or all calendars'. The reference says "in
    the user's mailbox" and shows the default calendar; public threads saw either."""
    transactions_span: TransactionsSpan = "mailbox"
    """Where a transactionId is known: in the whole mailbox, or in the calendar of its creation."""
    calendar_names: CalendarNames = "unique"
    """A second calendar of one name: 409 `ErrorFolderExists`, as a public thread saw it, or it is made."""
    deleted_calendars: DeletedCalendars = "gone"
    """A calendar that a person deleted, by its id: 404 `ErrorItemNotFound`, or it goes on taking events that
    nobody sees. No list shows it."""
    directory: DirectoryRight = "denied"
    """Whether the app may look users up: whether an administrator granted it `User.Read.All`."""
    mailbox_settings: MailboxSettings = "denied"
    """A mailbox's settings: the app has no right to read them (403); or it has, and language and zone are
    told; or are empty, as for a mailbox that nobody ever opened."""
    longest_subscription_minutes: int = 10_080
    """How long a subscription to events may live: pages of other ages say 4,230 and 10,080 minutes."""
    renewal_asks_again: bool = False
    """Whether a PATCH of a subscription's expiry asks its address again. Documented for creations only."""
    subscription_page: int = 100
    """Subscriptions on a page of their list."""
    notification_copies: int = 1
    """How often a change is notified to one subscription; public threads saw one to three."""
    notified_version: NotifiedVersion = "same"
    """The `@odata.etag` in a notification: as answers name it, another text, or none. Documented; whether
    the two are equal is not."""
    notification_delay_seconds: float = 0.0
    notification_lose_every: int = 0
    """Each so-manieth notification is lost; 0: none."""
    notification_retry_seconds: float = 2.0
    """The first pause before a refused notification is tried again; the others double."""
    notifications_shuffled: bool = False
    notifications_paused: bool = False
    """Notifications are kept, as in an outage of theirs."""
    zone_shifts: tuple[ZoneShift, ...] = ()
    """Zones whose rules are not those of the tz database; in JSON a list of objects."""


ASSUMED = {
    "deleted_items": Plays("deleted_event_by_id"),
    "deleted_items_tell": Plays("deleted_event_tells", beside={"deleted_items": "kept"}),
    "deleted_items_delete": Plays("second_delete", beside={"deleted_items": "kept"}),
    "parent_folder_readable": Plays("folder_readable", ((True, "readable"), (False, "not_readable"))),
    "deleted_transactions": Plays("deleted_transaction"),
    "duplicate_status": Plays("duplicate_status", ((400, "400"), (409, "409"))),
    "duplicate_names_existing": Plays("duplicate_names_event", ((True, "named"), (False, "not_named"))),
    "no_lock": Plays("transaction_race", ((False, "one_event"), (True, "two_events"))),
    "unknown_user_code": Plays(
        "unknown_user",
        (
            ("ErrorInvalidUser", "ErrorInvalidUser"),
            ("Request_ResourceNotFound", "Request_ResourceNotFound"),
            ("ResourceNotFound", "ResourceNotFound"),
        ),
    ),
    "update_mails": Plays("mails_of_update"),
    "series_times": Plays("series_times"),
    "series_end": Plays("series_end"),
    "all_day_end": Plays("all_day_end"),
    "event_if_match": Plays("if_match_on_events"),
    "notified_version": Plays("notified_version"),
    "patch_saves": Plays("times_with_property"),
    "malformed_ids": Plays(
        "malformed_id", (("not_found", "404 ErrorItemNotFound"), ("malformed", "400 ErrorInvalidIdMalformed"))
    ),
    "foreign_ids": Plays(
        "foreign_id",
        (
            ("not_found", "404 ErrorItemNotFound"),
            ("malformed", "400 ErrorInvalidIdMalformed"),
            ("other_mailbox", "404 ErrorInvalidMailboxItemId"),
        ),
    ),
    "lookalike_ids": Plays("lookalike_ids"),
    "copies_carry": Plays("copy_carries"),
    "full_mailbox_status": Plays(
        "full_mailbox", ((507, "507 QuotaExceededException"), (403, "403 ErrorQuotaExceeded"))
    ),
    "new_mailbox_code": Plays(
        "new_mailbox",
        (
            ("ErrorItemNotFound", "404 ErrorItemNotFound"),
            ("ErrorFolderNotFound", "404 ErrorFolderNotFound"),
        ),
    ),
    "refuses_over_five_years": Plays("long_event", ((False, "taken"), (True, "refused"))),
    "batch_concurrency": Plays("batch_at_once", ((4, "four"), (15, "more"), (20, "more"))),
    "master_categories": Plays(
        "category_colours",
        (
            ("denied", "denied"),
            ("readable", "without_ours"),
            ("without_ours", "without_ours"),
            ("with_ours", "with_ours"),
        ),
    ),
    "category_twice": Plays(
        "category_twice",
        (("conflict", "409"), ("invalid", "400")),
        beside={"master_categories": "without_ours"},
    ),
    "mailbox_settings": Plays("reader_settings"),
    "events_cover": Plays("events_cover"),
    "transactions_span": Plays("transaction_span"),
    "calendar_names": Plays("calendar_names"),
    "deleted_calendars": Plays("deleted_calendar"),
    "longest_subscription_minutes": Plays("subscription_life", ((10_080, "10080"), (4_230, "4230"))),
    "renewal_asks_again": Plays("renewal_handshake", ((False, "not_asked"), (True, "asked"))),
    "zone_shifts": Plays(
        "zone_rules",
        (
            ((), "same"),
            ((ZoneShift("Europe/Berlin", "2027-03-28T01:00:00+00:00", 60),), "differ"),
        ),
    ),
}
"""Settings that stand for what nobody knows: which assumption each plays."""
NOT_ASSUMED = {
    "directory": "a permission, which an administrator grants or does not",
    "item_seconds": "the service's pace",
    "mailbox_concurrency": "a documented limit, which tests make smaller",
    "budget_requests": "a documented limit, which tests make smaller",
    "budget_seconds": "a documented limit, which tests make smaller",
    "shuffle_seed": "documented: answers come in any order",
    "subscription_page": "the size of a page, which tests make smaller",
    "notification_copies": "seen one to three times",
    "notification_delay_seconds": "the service's pace",
    "notification_lose_every": "a fault: documented is that notifications may be lost",
    "notification_retry_seconds": "the service's pace",
    "notifications_shuffled": "documented: notifications come in any order",
    "notifications_paused": "a fault: an outage",
    "inline_extension_failure_every": "the app puts no extension into a creation",
}
"""Settings that stand for something else, and for what."""

_NUMBERS = {"duplicate_status": (400, 409), "full_mailbox_status": (403, 507)}


def change_config(config: GraphConfig, changes: dict[str, Any]) -> GraphConfig:
    """The configuration with some fields changed.

    Args:
        config: as it is.
        changes: JSON values by field name.

    Raises:
        ValueError: a name is unknown, or a value is none that the field may have; the text says which.
    """
    types = get_type_hints(GraphConfig)
    for name in changes:
        if name not in types:
            raise ValueError(f"The stand-in has no setting '{name}'.")
    return replace(config, **{name: _read(name, types[name], value) for name, value in changes.items()})


def _read(name: str, wanted: Any, value: Any) -> Any:
    if name == "zone_shifts":
        return _read_shifts(value)
    if get_origin(wanted) is Literal:
        options = get_args(wanted)
    elif name in _NUMBERS:
        options = _NUMBERS[name]
    else:
        return _read_plain(name, wanted, value)
    if value not in options:
        raise ValueError(f"{name} is one of {', '.join(str(each) for each in options)}.")
    return value


def _read_plain(name: str, wanted: type, value: Any) -> Any:
    expected = (float, int) if wanted is float else (wanted,)
    if not isinstance(value, expected) or (isinstance(value, bool) and wanted is not bool):
        raise ValueError(f"The setting '{name}' can't be {value!r}.")
    return value


def _read_shifts(value: Any) -> tuple[ZoneShift, ...]:
    try:
        shifts = tuple(
            ZoneShift(str(each["zone"]), str(each["since"]), int(each["minutes"])) for each in value
        )
        aware = all(datetime.fromisoformat(each.since).tzinfo is not None for each in shifts)
    except (TypeError, KeyError, ValueError) as error:
        raise ValueError(f"zone_shifts is a list of {{zone, since, minutes}}: {error!r}") from None
    if not aware:
        raise ValueError("The 'since' of a zone shift needs an offset.")
    return shifts
