"""What is taken for granted of Dataverse and Field Service."""

from __future__ import annotations

from typing import Final

from booking_sync.certify.assumptions.kinds import AskedService, Assumption, Possibility, TriedBy

_REPORT = "Report it with the output of `--json`: the app does not know this answer."
_CONCURRENCY = (
    "Enable optimistic concurrency on the table Bookable Resource Booking; "
    "`booking-sync doctor --auth cli` looks."
)


def _dynamics(
    name: str,
    question: str,
    expected: Possibility,
    *others: Possibility,
    source: str = "documented",
    trial: TriedBy = TriedBy.BOOKING,
    not_tried: str = "",
) -> Assumption:
    return Assumption(name, AskedService.DYNAMICS, question, expected, source, trial, others, not_tried)


DYNAMICS: Final = (
    _dynamics(
        "many_by_id",
        "Is a query answered that names 100 bookings, with all that the app expands?",
        Possibility("answered", "a hundred bookings are read at once"),
        Possibility("refused", "no booking can be read", _REPORT),
        trial=TriedBy.READS,
    ),
    _dynamics(
        "current_version",
        "Is a write with the row's present version carried out?",
        Possibility("written", "records are kept"),
        Possibility("not_enabled", "the table takes no versions, so that nothing is recorded", _CONCURRENCY),
        Possibility("refused", "nothing is recorded", "Look at `booking-sync doctor`: the app's privileges."),
        source="documented; whether it is enabled on this table is not",
    ),
    _dynamics(
        "stale_version",
        "Is a write with another version refused?",
        Possibility("refused", "nobody's change is overwritten unseen"),
        Possibility("not_enabled", "the table takes no versions, so that nothing is recorded", _CONCURRENCY),
        Possibility("written", "two workers may overwrite each other", _REPORT),
    ),
    _dynamics(
        "missing_row",
        "Is a write to a booking refused that does not exist?",
        Possibility("refused", "a deleted booking is not made again"),
        Possibility("other_refusal", "the change waits, and then fails in words", _REPORT),
        Possibility("not_enabled", "the table takes no versions, so that nothing is recorded", _CONCURRENCY),
        trial=TriedBy.READS,
    ),
    _dynamics(
        "batch_goes_on",
        "Does a batch go on behind a part that fails?",
        Possibility("goes_on", "one booking's failure is no other's"),
        Possibility("stops", "the others are tried again", _REPORT),
        trial=TriedBy.READS,
    ),
    _dynamics(
        "lock_and_crew_columns",
        "Has the booking table the columns by which bookings are locked, and belong to crews?",
        Possibility("there", "with RETURN_PATH such a booking's move is proposed, not applied"),
        Possibility("missing", "none is locked and there are no crews: every move may be applied"),
        source="documented of Field Service; whether each environment has them is not",
        trial=TriedBy.READS,
    ),
    _dynamics(
        "plugin_user",
        "Whom does a webhook of what a plug-in changed name as its user?",
        Possibility("same_user", "what follows from a returned move is told from our own by its columns"),
        Possibility("system", "it is somebody else's change, and looked at as such"),
        source="documented of the pipeline, not of webhooks",
        trial=TriedBy.NEVER,
        not_tried="it takes a plug-in; move a crew's event with RETURN_PATH on, and see whether the others "
        "follow",
    ),
    _dynamics(
        "restored_messages",
        "Which messages does a booking raise that is restored from the recycle bin?",
        Possibility("restore", "the step on Restore tells of it; where there is none, the audit finds it"),
        Possibility("restore_and_create", "the webhook of its creation tells of it"),
        Possibility("create", "the webhook of its creation tells of it"),
        source="documented is the message Restore",
        trial=TriedBy.NEVER,
        not_tried="the app may delete no booking; delete and restore one by hand, and see whether its event "
        "comes back",
    ),
    _dynamics(
        "restored_modified",
        "Has a restored booking a new `modifiedon`?",
        Possibility("kept", "the catch-up does not see it, the audit does"),
        Possibility("now", "the catch-up sees it"),
        source="none",
        trial=TriedBy.NEVER,
        not_tried="the app may delete no booking; compare `modifiedon` of one that was restored by hand",
    ),
    _dynamics(
        "webhook_repeats",
        "After which answers does Dynamics 365 post a webhook once more?",
        Possibility("502_503_504", "what the app can't queue now, it answers with 503, and gets it again"),
        Possibility("never", "a webhook that meets a stopped storage account is lost until the catch-up"),
        trial=TriedBy.NEVER,
        not_tried="only Dynamics 365 posts them; `booking-sync doctor --auth cli` counts those that are lost",
    ),
    _dynamics(
        "webhook_sizes",
        "Does a webhook of more than 256 KB come without columns and images?",
        Possibility("without", "a deletion of that size names no event, and the audit removes it"),
        Possibility("whole", "the app takes up to a megabyte"),
        trial=TriedBy.NEVER,
        not_tried="only Dynamics 365 posts them",
    ),
)
