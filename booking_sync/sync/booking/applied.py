"""What became of a plan in Outlook: the record and the outcome that tell of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from booking_sync.domain.events.event import SHARED, EventContent, EventState, without_content
from booking_sync.domain.events.event_calendars import MAIN, calendar_part
from booking_sync.domain.outcome import Outcome, OutcomeKind
from booking_sync.domain.plan import CreateEvent, DesiredState, Invalid, Plan, Unwanted, UpdateEvent
from booking_sync.domain.record import ATTENDED_REASON, MAILED_REASON, BookingRow, SyncRecord, left_behind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from booking_sync.domain.events.event_ref import EventRef
    from booking_sync.domain.events.ownership import Own
    from booking_sync.errors import PermanentError
    from booking_sync.sync.booking.return_path import Turn
    from booking_sync.sync.booking.run import Run


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a plan in Outlook, with the record that tells of it."""

    record: SyncRecord
    must_record: bool
    problem: str = ""
    """A permanent refusal, in words for a person."""
    refused: bool = False
    """Outlook took no write."""
    gone: bool = False
    """The row's event is gone, which may be somebody's wish: nothing was written."""
    unfinished: bool = False
    """Nothing but events that are gone was met: another round goes on where the record says."""
    untagged: Own | None = None
    """An event that may lack its open extension."""


def with_unleft(run: Run, applied: Applied, before: SyncRecord) -> Applied:
    """The same, which also tells of events that were withdrawn and can't be removed."""
    if not run.unleft:
        return applied
    reason = next(iter(run.unleft.values())).reason
    problem = applied.problem or left_behind({each.mailbox for each in run.unleft}, reason)
    record = replace(applied.record, error=problem)
    must_record = applied.must_record or record != before
    return replace(applied, record=record, problem=problem, must_record=must_record)


def after_write(
    applied: Applied, before: SyncRecord, refused: Mapping[EventRef, PermanentError], desired: DesiredState
) -> Applied:
    """What to remember after a write that worked, whatever became of the removals."""
    record = applied.record
    if before.event in refused and record.event is None:
        # Still there, and still ours to remove later.
        record = replace(record, event=before.event, fingerprint=without_content(before.fingerprint))
    problem = applied.problem or (desired.reason if isinstance(desired, Invalid) else "")
    for event, error in refused.items():
        if event == record.event:
            problem = f"The event could not be removed. {error.reason}"
        else:
            problem = left_behind([event.mailbox], error.reason)
    return replace(applied, record=replace(record, error=problem or record.error), problem=problem)


def with_unremoved(run: Run, applied: Applied, steps: Plan, before: SyncRecord) -> Applied:
    """The same, which also tells of an event that stays."""
    problem = applied.problem or left_behind(run.unremoved, ATTENDED_REASON)
    record = replace(applied.record, error=problem)
    # The plan knows nothing of what the row tells already: where nothing else was done, that stays as it is.
    unchanged = not (steps.write or steps.remove) and record == before
    return replace(applied, record=record, problem=problem, must_record=not unchanged)


def after_refusal(
    run: Run,
    steps: Plan,
    before: SyncRecord,
    refused: Mapping[EventRef, PermanentError],
    problem: str,
) -> Applied:
    """What to remember when Outlook refused the write: which event still exists, and why it is not right."""
    event, fingerprint, generation = before.event, before.fingerprint, steps.record.generation
    if run.own:
        event, generation = run.own.event, max(generation, run.own.generation)
        fingerprint = _place_of(run.own, steps)
    elif event in steps.remove and event not in refused:
        event, fingerprint = None, ""
    if event in run.attended:
        # Then the next write looks first whether people are still invited.
        fingerprint = without_content(fingerprint)
    record = SyncRecord(event, generation, fingerprint, problem)
    return Applied(record, bool(steps.remove) or record != before, problem, refused=True)


def as_written(run: Run, record: SyncRecord, content: EventContent, untagged: Own | None) -> Applied:
    """What to remember of an event that was written, unless people turn out to be invited to it."""
    written = record.event
    assert written  # noqa: S101 - it was written
    if written in run.attended:
        reason = MAILED_REASON if written in run.mailed else ATTENDED_REASON
        return Applied(with_unknown_content(record, reason), must_record=True, problem=reason)
    if EventState(categories=run.own_categories.get(written, ())).own_categories(content):
        record = replace(record, fingerprint=record.fingerprint + SHARED)
    return Applied(record, must_record=True, untagged=untagged)


def _place_of(own: Own, steps: Plan) -> str:
    """What a record tells of where an event of this run is, whose content is not as it should be."""
    wanted = steps.write.content.calendar if steps.write else MAIN
    return calendar_part(wanted if own.calendar is None else own.calendar)


def with_unknown_content(record: SyncRecord, reason: str) -> SyncRecord:
    """The record with this error, and without what the event holds; where it is stays known."""
    return replace(record, fingerprint=without_content(record.fingerprint), error=reason)


def for_people(record: SyncRecord, row: BookingRow) -> SyncRecord:
    """The record, whose error names the technician whom it concerns."""
    return replace(record, technician=row.booking.resource.name if row.booking.resource else "")


def outcome_of(run: Run, desired: DesiredState, turn: Turn, applied: Applied) -> Outcome:
    """How the run ends, once that is recorded."""
    if applied.problem:
        return run.end(OutcomeKind.FAILED, applied.problem)
    if turn.ends:
        return replace(run.end(OutcomeKind.UNCHANGED, turn.ends), missing=turn.missing)
    if isinstance(desired, Unwanted):
        if turn.steps.remove or run.withdrew:
            return run.end(OutcomeKind.SYNCED, f"event removed: {desired.reason}")
        return run.end(OutcomeKind.SKIPPED, desired.reason)
    return run.end(*_written_end(run, turn.steps))


def _written_end(run: Run, steps: Plan) -> tuple[OutcomeKind, str]:
    match steps.write:
        case CreateEvent():
            moved = steps.remove or run.withdrew
            return OutcomeKind.SYNCED, "event moved" if moved else "event created"
        case UpdateEvent():
            return OutcomeKind.SYNCED, "event updated"
        case None:
            return OutcomeKind.UNCHANGED, "the event already shows this"
