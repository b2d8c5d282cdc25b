"""What is taken for granted of Microsoft Graph and Exchange Online."""

from __future__ import annotations

from typing import Final

from booking_sync.certify.assumptions.kinds import AskedService, Assumption, Possibility, TriedBy

_REPORT = "Report it with the output of `--json`: the app does not know this answer."
_ZONE = (
    "Update the app's package tzdata. Events around such times are written twice until then, and are right."
)
_ANEW = "the app removes such an event and makes it anew, unless people are invited to it"


def _outlook(
    name: str,
    question: str,
    expected: Possibility,
    *others: Possibility,
    source: str,
    trial: TriedBy = TriedBy.EVENTS,
    not_tried: str = "",
) -> Assumption:
    return Assumption(name, AskedService.OUTLOOK, question, expected, source, trial, others, not_tried)


CREATION: Final = (
    _outlook(
        "property_in_post",
        "Does an event carry an extended property that its creation named?",
        Possibility("kept", "the marker is there from the event's first moment on"),
        Possibility("lost", "no event of ours can be found again", _REPORT),
        source="documented",
    ),
    _outlook(
        "times_in_answers",
        "Does the answer to a write tell the event's times in UTC?",
        Possibility("told", "an event that Exchange reads by other zone rules is noticed at once"),
        Possibility("not_told", "such an event is noticed by the next audit only"),
        source="documented for reads; of writes the reference's examples show it",
    ),
    _outlook(
        "created_time",
        "Is `createdDateTime` within 2 minutes before and 4 minutes after the request?",
        Possibility("within", "an event that died untagged is proven by its birth"),
        Possibility("outside", "such an event stays, and is told as `copy`", "Compare clocks: `doctor`."),
        source="both clocks are set by NTP",
    ),
    _outlook(
        "same_creation_again",
        "What does the same creation get once more, with the same transactionId?",
        Possibility("same_event", "a creation may be repeated after a lost answer"),
        Possibility("duplicate_error", "the app looks for the event and takes it over"),
        Possibility("second_event", "the app finds two events and removes one"),
        source="public page; documented as the purpose of transactionId",
    ),
    _outlook(
        "duplicate_status",
        "With which status is another content under a used transactionId refused?",
        Possibility("400", "the code counts, not the status"),
        Possibility("409", "the code counts, not the status"),
        source="public issue: 400; other pages: 409",
    ),
    _outlook(
        "duplicate_names_event",
        "Does that refusal name the event that is there (`@event.existingEventId`)?",
        Possibility("named", "the app looks at it at once"),
        Possibility("not_named", "the app searches by its marker"),
        source="public issue",
    ),
    _outlook(
        "deleted_transaction",
        "What does a creation get whose transactionId a deleted event had?",
        Possibility("forgotten", "a new event"),
        Possibility("remembered", "a refusal; the app never uses one twice"),
        Possibility("ghost", "the deleted event; the app never uses one twice"),
        source="none",
    ),
    _outlook(
        "transaction_race",
        "What do two creations with one transactionId make when they meet?",
        Possibility("one_event", "the transactionId works as a lock, on which nothing relies"),
        Possibility("two_events", "the app finds both and removes one"),
        source="public issue: two events were seen",
    ),
    _outlook(
        "own_event",
        "Does Exchange keep the event that the app's own settings render (templates, category, zone)?",
        Possibility("kept", "technicians see what the settings say"),
        Possibility(
            "changed",
            "technicians see something else",
            "Look at EVENT_SUBJECT_TEMPLATE, EVENT_BODY_TEMPLATE and EVENT_TIME_ZONE.",
        ),
        Possibility(
            "refused",
            "no booking can be shown",
            "Correct EVENT_SUBJECT_TEMPLATE, EVENT_BODY_TEMPLATE or EVENT_TIME_ZONE.",
        ),
        source="documented field by field",
    ),
    _outlook(
        "zone_rules",
        "Does Exchange read wall-clock times of EVENT_TIME_ZONE as this app does, over the next two years?",
        Possibility("same", "no event is an hour off"),
        Possibility("differ", "events around these times are written again in UTC", _ZONE),
        source="Windows' rules there, IANA's here; they differ after changes of law",
    ),
    _outlook(
        "long_event",
        "Is an event of more than five years taken?",
        Possibility("taken", "every booking can be shown"),
        Possibility("refused", "such a booking fails, with the reason on its row"),
        source="EWS documents `ErrorCalendarDurationIsTooLong`",
    ),
    _outlook(
        "full_mailbox",
        "How does a full mailbox refuse a creation?",
        Possibility("507 QuotaExceededException", "told on the row, and tried for a day"),
        Possibility("403 ErrorQuotaExceeded", "told on the row, and tried for a day"),
        source="both are documented",
        trial=TriedBy.WHEN_MET,
    ),
    _outlook(
        "new_mailbox",
        "How does a mailbox refuse a creation that is not ready yet?",
        Possibility("404 ErrorItemNotFound", "told on the row, and tried for hours"),
        Possibility("404 ErrorFolderNotFound", "told on the row, and tried for hours"),
        source="public issues",
        trial=TriedBy.WHEN_MET,
    ),
    _outlook(
        "unknown_user",
        "With which code is a user refused that does not exist?",
        Possibility("ErrorInvalidUser", "the booking fails: no mailbox"),
        Possibility("Request_ResourceNotFound", "the booking fails: no mailbox"),
        Possibility("ResourceNotFound", "the booking fails: no mailbox"),
        Possibility("MailboxNotEnabledForRESTAPI", "the booking fails: no mailbox"),
        Possibility("ErrorAccessDenied", "outside the app's scope: told on the row, and tried for hours"),
        source="public issues",
        trial=TriedBy.READS,
    ),
)

CHANGES: Final = (
    _outlook(
        "property_in_patch",
        "Does an event take an extended property by PATCH?",
        Possibility("kept", "a deployment without open extension can seal its events"),
        Possibility("lost", "without OPEN_EXTENSION_NAME events stay unproven", "Set OPEN_EXTENSION_NAME."),
        source="documented",
    ),
    _outlook(
        "missing_extension",
        "How is a GET of an open extension answered that is not there?",
        Possibility("404 ErrorItemNotFound", "no seal"),
        Possibility("404 ItemNotFound", "no seal"),
        Possibility("404 ResourceNotFound", "no seal"),
        Possibility("404 ExtensionNotFound", "no seal"),
        source="none",
    ),
    _outlook(
        "extension_twice",
        "What does a POST of an open extension get that is there already?",
        Possibility("refused", "the app changes it by PATCH"),
        Possibility("overwritten", "it is as the app wants it"),
        source="public issue: overwritten; the name of the refusal is documented nowhere",
    ),
    _outlook(
        "if_match_on_events",
        "What becomes of `If-Match` with another version at a PATCH?",
        Possibility("refused", "the app writes without it; a move that nobody read yet may be lost"),
        Possibility("checked", "no move is lost that somebody makes while the app writes"),
        Possibility("ignored", "as where it is refused"),
        source="public issues: checked; documented for no event",
    ),
    _outlook(
        "times_with_property",
        "Does a PATCH save an event's times and an extended property at once?",
        Possibility("together", "nobody takes a write of ours for a person's move"),
        Possibility(
            "property_first",
            "who reads in between takes the former times for a person's wish",
            "Leave RETURN_PATH at report, and report it with the output of `--json`.",
        ),
        Possibility("times_first", "who reads in between finds both sides alike, and remembers that"),
        Possibility("lost", "no move comes back from Outlook", _REPORT),
        source="none; both is one save in Exchange Web Services",
    ),
    _outlook(
        "categories",
        "Does an event keep a category that the mailbox does not know?",
        Possibility("kept", "technicians see the status"),
        Possibility("lost", "technicians don't see the status", _REPORT),
        source="documented",
    ),
    _outlook(
        "category_colours",
        "Can the app see whether the mailbox gives the category a colour (`masterCategories`)?",
        Possibility("denied", "it can't, and needs not: people choose their colours"),
        Possibility("without_ours", "categories show without colour until somebody chooses one"),
        Possibility("with_ours", "categories show in colour"),
        source="documented: it takes MailboxSettings.Read, which the app has only where it gives colours",
        trial=TriedBy.READS,
    ),
    _outlook(
        "reader_settings",
        "Can the app read a person's language and time zone (`mailboxSettings`)?",
        Possibility("denied", "it can't: with `from_reader` everybody reads the event file's own"),
        Possibility("told", "with `from_reader` events speak each reader's language"),
        Possibility("bare", "it can, and this person has neither: the event file's own are taken"),
        source="documented: it takes MailboxSettings.Read, which the app has only where somebody grants it",
        trial=TriedBy.READS,
    ),
    _outlook(
        "category_twice",
        "How is a category refused whose name is in the mailbox's list already?",
        Possibility("409", "the app reads the list again, and is content"),
        Possibility("400", "the app reads the list again, and is content"),
        Possibility("taken", "the list has the category twice", _REPORT),
        source="none; documented is that names are unique",
    ),
    _outlook(
        "series_times",
        "Can the times of a series be changed by PATCH?",
        Possibility("taken", "an event that somebody made a series of becomes single again"),
        Possibility("refused", "the app ends the series in the same change (`series_end`)"),
        source="none",
    ),
    _outlook(
        "series_end",
        "Does a PATCH with `recurrence: null` and both times make one event of a series?",
        Possibility("ended", "an event that somebody made a series of becomes single again"),
        Possibility("ignored", _ANEW),
        Possibility("refused", _ANEW),
        source="public threads: an explicit null is the only way",
    ),
    _outlook(
        "all_day_end",
        "Does a PATCH with `isAllDay: false` and both times give an all-day event its hours?",
        Possibility("ended", "an event that somebody made an all-day one gets its times back"),
        Possibility("ignored", _ANEW),
        Possibility("refused", _ANEW),
        source="none",
    ),
    _outlook(
        "mails_of_update",
        "Which changes of an event with attendees send them mail?",
        Possibility(
            "every_change", "the app neither changes, tags nor removes an event once it knows of them"
        ),
        Possibility("what_attendees_see", "the same: what is quiet is documented for no property"),
        source="documented is only that one with nothing but `attendees` reaches those that changed",
        trial=TriedBy.NEVER,
        not_tried="it would send mail",
    ),
)

DELETION: Final = (
    _outlook(
        "deleted_event_by_id",
        "Can a deleted event still be read and changed by its immutable id?",
        Possibility("kept", "an answer on it means nothing; the audit finds what no calendar shows"),
        Possibility("gone", "an event that somebody deleted is made again at the next change"),
        source="documented is that the id survives",
    ),
    _outlook(
        "deleted_event_tells",
        "What do answers on a deleted event tell?",
        Possibility("nothing", "the audit finds it"),
        Possibility("calendar", "the link to the calendar names another folder: found at the next change"),
        Possibility("cancelled", "they say `isCancelled`, so that it is found at the next change"),
        source="none",
    ),
    _outlook(
        "second_delete",
        "What does a second DELETE of an event get?",
        Possibility("refused", "403 `ErrorCannotDeleteObject`, which counts as gone"),
        Possibility("once_more", "204, and 403 after that"),
        Possibility("not_found", "404, as documented"),
        source="public issue, of messages",
    ),
    _outlook(
        "folder_readable",
        "Can the folder of an event be read (`$expand` of `Binary 0x0E09`)?",
        Possibility("readable", "an event in Deleted Items can be told from one in the calendar"),
        Possibility("not_readable", "only a listing tells"),
        source="public issue, of messages",
    ),
)

READING: Final = (
    _outlook(
        "property_filter",
        "Does a search by the marker find an event that was just made, whatever the case of its letters?",
        Possibility("found", "what Graph says was created already is recognised at once"),
        Possibility("found_later", "what Graph's answer names is looked at too"),
        Possibility("not_found", "a creation whose answer was lost is not found again", _REPORT),
        source="documented for `$filter`, not its delay",
    ),
    _outlook(
        "filter_speed",
        "How long does a search by the marker take?",
        Possibility("quick", "recovery takes seconds"),
        Possibility(
            "slow",
            "more than ten seconds: recovery takes as long, for each booking concerned",
            "Keep an eye on the alert for late bookings when much is to be recovered.",
        ),
        source="none",
        trial=TriedBy.READS,
    ),
    _outlook(
        "view_expands",
        "Does a calendarView give the marker with `$expand`?",
        Possibility("expanded", "the audit lists calendars by time"),
        Possibility(
            "without_marker", "the audit finds no event of ours, and withholds its removals", _REPORT
        ),
        Possibility("refused", "the audit fails", _REPORT),
        source="documented; with `$filter` it is an internal error",
    ),
    _outlook(
        "item_headers",
        "Does each item of a batch heed its own `Prefer: IdType`?",
        Possibility("heeded", "ids are immutable"),
        Possibility("not_heeded", "ids end when somebody moves an event", _REPORT),
        source="documented",
    ),
    _outlook(
        "batch_limit",
        "Is a batch of 21 refused?",
        Possibility("refused", "20 is the most"),
        Possibility("taken", "the app sends 20 all the same"),
        source="documented",
        trial=TriedBy.READS,
    ),
    _outlook(
        "batch_at_once",
        "How many items of one batch run at once, in one mailbox?",
        Possibility("four", "a batch can't exceed the mailbox's limit"),
        Possibility("more", "some are refused with 429, and tried again"),
        source="documented since 2021: 4; public issues of 2018 to 2020: 15 and 20",
        trial=TriedBy.READS,
    ),
    _outlook(
        "malformed_id",
        "How is an id refused that can't be one?",
        Possibility("404 ErrorItemNotFound", "the event counts as gone"),
        Possibility("400 ErrorInvalidIdMalformed", "the event counts as gone"),
        source="both were seen in public issues",
        trial=TriedBy.READS,
    ),
    _outlook(
        "foreign_id",
        "How is an id refused that is another mailbox's?",
        Possibility("404 ErrorItemNotFound", "the event counts as gone"),
        Possibility("400 ErrorInvalidIdMalformed", "the event counts as gone"),
        Possibility("404 ErrorInvalidMailboxItemId", "the event counts as gone"),
        source="all were seen in public issues",
        trial=TriedBy.OTHER_MAILBOX,
    ),
    _outlook(
        "lookalike_ids",
        "Do ids of events differ in more than the case of letters, or `-` and `_`?",
        Possibility("no", "none was seen among the events of this run and of the month around"),
        Possibility("case", "ids are compared exactly, also where Dynamics 365 compares without case"),
        Possibility("dashes", "ids are compared exactly"),
        source="documented: ids are case-sensitive",
    ),
)

CALENDARS: Final = (
    _outlook(
        "calendar_names",
        "Can a mailbox have two calendars of one name?",
        Possibility("unique", "a calendar of its own (`EVENT_CALENDAR`) is made once"),
        Possibility("shared", "two processes may make two; both count, and new events go to one of them"),
        source="a public issue: the second one is refused with `ErrorFolderExists`",
    ),
    _outlook(
        "events_cover",
        "Does `/users/{id}/events` list what other calendars than the main one show?",
        Possibility("main", "an event that somebody drags to another calendar is missed, and made anew"),
        Possibility(
            "all", "such an event counts as shown; with a calendar of its own each is asked for by its id"
        ),
        source='documented as "the user\'s mailbox"; public issues saw either',
    ),
    _outlook(
        "transaction_span",
        "Is a transactionId known in the whole mailbox, or in the calendar of its creation?",
        Possibility("mailbox", "each creation has another one, whatever the calendar"),
        Possibility("calendar", "each creation has another one, whatever the calendar"),
        source="none",
    ),
    _outlook(
        "deleted_calendar",
        "What does a deleted calendar answer by its id?",
        Possibility("gone", "a calendar of its own is made anew at once"),
        Possibility("kept", "for a quarter of an hour events may be made there; the near audit mends that"),
        source="none",
    ),
)

BY_HAND: Final = (
    _outlook(
        "copy_is_another",
        "Has a copy made in Outlook another immutable id and another `iCalUId`, and is it made later?",
        Possibility("another", "a copy is told from its original"),
        Possibility("same", "a copy would pass for ours", _REPORT),
        source="public issues",
        trial=TriedBy.PERSON,
    ),
    _outlook(
        "copy_carries",
        "What does a copy made in Outlook carry along?",
        Possibility("marks", "it has our marker, which proves nothing"),
        Possibility("nothing", "it is nobody's but the person's"),
        Possibility("everything", "it has the transactionId too, which proves nothing either"),
        source="public issues of 2026",
        trial=TriedBy.PERSON,
    ),
)
