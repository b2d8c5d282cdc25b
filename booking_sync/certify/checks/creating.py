"""Checks of creations: what an event has from its first moment on, and what a repeated creation gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from booking_sync.certify.answers import event_id, field_of, property_values
from booking_sync.certify.parts import Check, CheckNeed
from booking_sync.certify.results import NotTried, Observation
from booking_sync.certify.trial_events import content_at
from booking_sync.domain.events.ownership import CREATED_AFTER_BIRTH, CREATED_BEFORE_BIRTH
from booking_sync.domain.ids import read_moment, read_utc_time

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

    from booking_sync.certify.parts import CheckContext
    from booking_sync.certify.results import CheckOutput
    from booking_sync.ports.certification import ServiceAnswer

RIVALS: Final = 4
"""Creations that are sent at once: as many as Graph works on of one mailbox."""
DUPLICATE: Final = "errorduplicatetransactionid"


async def _first_event(run: CheckContext) -> AsyncIterator[CheckOutput]:
    before = run.now()
    ref, answer = await run.events.one()
    after = run.now()
    yield Observation("times_in_answers", "told" if _tells_times(answer) else "not_told")
    yield _created_time(answer, before, after)
    read = await run.calendar.get(ref)
    sealed = await run.calendar.read_sealed(ref)
    marked = run.events.marker in property_values(sealed.body)
    yield Observation("property_in_post", ("kept" if marked else "lost") if sealed.ok else sealed.verdict)
    regular = await run.calendar.get(ref, immutable=False)
    same = event_id(read) == ref.event_id
    another = event_id(regular) != ref.event_id  # also when it is not found by this kind of id
    yield Observation(
        "item_headers", ("heeded" if same and another else "not_heeded") if read.ok else read.verdict
    )


async def _again(run: CheckContext) -> AsyncIterator[CheckOutput]:
    event = run.events.new()
    (first,) = await run.events.make(event)
    (again,) = await run.events.make(event)
    if not first.ok:
        yield NotTried("same_creation_again", f"the first creation was refused: {first.verdict}")
        return
    yield Observation("same_creation_again", _repeated(first, again))
    other = run.events.rival(event)
    (refusal,) = await run.events.make(other)
    if refusal.code.lower() != DUPLICATE:
        words = f"another content under the same transactionId was not refused so: {refusal.verdict}"
        yield NotTried("duplicate_status", words)
        yield NotTried("duplicate_names_event", words)
        return
    yield Observation("duplicate_status", str(refusal.status))
    yield Observation("duplicate_names_event", "named" if _named(refusal) == event_id(first) else "not_named")


async def _after_deletion(run: CheckContext) -> AsyncIterator[CheckOutput]:
    event = run.events.new()
    (first,) = await run.events.make(event)
    ref = run.events.made.get(event_id(first))
    if ref is None:
        yield NotTried("deleted_transaction", f"the creation was refused: {first.verdict}")
        return
    deleted = await run.calendar.delete(ref)
    if not deleted.ok:
        yield NotTried("deleted_transaction", f"the deletion was refused: {deleted.verdict}")
        return
    (again,) = await run.events.make(event)
    if again.code.lower() == DUPLICATE:
        yield Observation("deleted_transaction", "remembered")
    elif not again.ok:
        yield Observation("deleted_transaction", again.verdict)
    else:
        yield Observation("deleted_transaction", "ghost" if event_id(again) == ref.event_id else "forgotten")


async def _race(run: CheckContext) -> AsyncIterator[CheckOutput]:
    event = run.events.new()
    rivals = [event, *(run.events.rival(event) for _ in range(RIVALS - 1))]
    answers = await run.events.make(*rivals)
    made = {event_id(each) for each in answers if each.ok}
    if not made:
        yield NotTried("transaction_race", f"none was made: {answers[0].verdict}")
    else:
        yield Observation("transaction_race", "one_event" if len(made) == 1 else "two_events")


async def _long(run: CheckContext) -> AsyncIterator[CheckOutput]:
    start = run.events.start
    (answer,) = await run.events.make(
        run.events.new(content_at(start, start.replace(year=start.year + 6, day=1) - start))
    )
    refused = "refused" if answer.code.lower() == "errorcalendardurationistoolong" else answer.verdict
    yield Observation("long_event", "taken" if answer.ok else refused)


def _tells_times(answer: ServiceAnswer) -> bool:
    times = [field_of(answer, name) for name in ("start", "end")]
    return all(
        isinstance(each, dict) and each.get("timeZone") == "UTC" and read_utc_time(each.get("dateTime"))
        for each in times
    )


def _created_time(answer: ServiceAnswer, before: datetime, after: datetime) -> CheckOutput:
    created = read_moment(field_of(answer, "createdDateTime"))
    if created is None:
        return NotTried("created_time", "the answer does not tell it")
    # The birth has whole seconds.
    within = before - CREATED_BEFORE_BIRTH <= created <= after + CREATED_AFTER_BIRTH
    seconds = (created - before).total_seconds()
    return Observation("created_time", "within" if within else "outside", f"{seconds:+.0f} s")


def _repeated(first: ServiceAnswer, again: ServiceAnswer) -> str:
    if again.code.lower() == DUPLICATE:
        return "duplicate_error"
    if not again.ok:
        return again.verdict
    return "same_event" if event_id(again) == event_id(first) else "second_event"


def _named(refusal: ServiceAnswer) -> object:
    error = field_of(refusal, "error")
    return error.get("@event.existingEventId") if isinstance(error, dict) else None


CHECKS: Final = (
    Check(
        ("times_in_answers", "created_time", "property_in_post", "item_headers"),
        "makes an event and reads it",
        (CheckNeed.MAILBOX,),
        _first_event,
    ),
    Check(
        ("same_creation_again", "duplicate_status", "duplicate_names_event"),
        "makes an event three times with one transactionId",
        (CheckNeed.MAILBOX,),
        _again,
    ),
    Check(
        ("deleted_transaction",),
        "makes an event, deletes it, makes it once more",
        (CheckNeed.MAILBOX,),
        _after_deletion,
    ),
    Check(
        ("transaction_race",),
        f"makes {RIVALS} events at once with one transactionId",
        (CheckNeed.MAILBOX,),
        _race,
    ),
    Check(("long_event",), "makes an event of six years, shown as free", (CheckNeed.MAILBOX,), _long),
)
