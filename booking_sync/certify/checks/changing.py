"""Checks of changes and deletions."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from booking_sync.certify.answers import event_id, field_of, property_values
from booking_sync.certify.parts import Check, CheckNeed
from booking_sync.certify.results import NotTried, Observation
from booking_sync.certify.trial_events import content_at
from booking_sync.plumbing.uninterrupted import to_its_end

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from booking_sync.certify.parts import CheckContext
    from booking_sync.certify.results import CheckOutput
    from booking_sync.domain.events.event import EventContent
    from booking_sync.domain.events.event_ref import EventRef
    from booking_sync.ports.certification import ServiceAnswer

MOST_READS: Final = 40
"""While one write is under way."""
CATEGORY: Final = "Field Service: Scheduled"
OTHER_VERSION: Final = 'W/"bm9uZQ=="'
_CALENDAR = "calendar@odata.navigationLink"
_BAD_REQUEST, _FORBIDDEN, _NOT_FOUND, _CONFLICT, _FAILED_CONDITION = 400, 403, 404, 409, 412


async def _sealing(run: CheckContext) -> AsyncIterator[CheckOutput]:
    ref, answer = await run.events.one()
    text = run.events.seal(ref, answer)
    written = await run.calendar.seal(ref, text)
    read = await run.calendar.read_sealed(ref)
    kept = text in property_values(read.body)
    yield Observation("property_in_patch", ("kept" if kept else "lost") if written.ok else written.verdict)


async def _extensions(run: CheckContext) -> AsyncIterator[CheckOutput]:
    ref, _ = await run.events.one()
    missing = await run.calendar.read_tag(ref)
    yield Observation("missing_extension", missing.verdict)
    first = await run.calendar.tag(ref, "first")
    if not first.ok:
        yield NotTried("extension_twice", f"the first one was refused: {first.verdict}")
        return
    again = await run.calendar.tag(ref, "second")
    refused = "refused" if again.status == _CONFLICT else again.verdict
    yield Observation(
        "extension_twice", "overwritten" if again.ok else refused, "" if again.ok else again.code
    )


async def _if_match(run: CheckContext) -> AsyncIterator[CheckOutput]:
    ref, _ = await run.events.one()
    answer = await run.calendar.update(ref, content_at(run.events.start), version=OTHER_VERSION)
    values = {_BAD_REQUEST: "refused", _FAILED_CONDITION: "checked"}
    yield Observation(
        "if_match_on_events", "ignored" if answer.ok else values.get(answer.status, answer.verdict)
    )


async def _times_with_property(run: CheckContext) -> AsyncIterator[CheckOutput]:
    """Read as often as can be while one PATCH writes both."""
    ref, _ = await run.events.one()
    text, former = run.new_id(), field_of(await run.calendar.see(ref), "start")
    writing = asyncio.create_task(
        run.calendar.stamp(ref, content_at(run.events.start + timedelta(hours=1)), text)
    )
    halves: Counter[str] = Counter()
    reads = 0
    try:
        while not writing.done() and reads < MOST_READS:
            read = await run.calendar.see(ref)
            reads += read.ok
            stamped, moved = text in property_values(read.body), field_of(read, "start") != former
            if read.ok and stamped != moved:
                halves["property_first" if stamped else "times_first"] += 1
    finally:
        answer = await to_its_end(_ended(writing))
    after = await run.calendar.see(ref)
    kept = text in property_values(after.body)
    seen = halves.most_common(1)[0][0] if halves else "together"
    detail = f"{reads} reads meanwhile, {halves.total()} of them saw half of it"
    value = (seen if kept else "lost") if answer.ok else answer.verdict
    yield Observation("times_with_property", value, detail)


async def _ended(task: asyncio.Task[ServiceAnswer]) -> ServiceAnswer:
    return await task


async def _categories(run: CheckContext) -> AsyncIterator[CheckOutput]:
    content = replace(content_at(run.events.start), categories=(CATEGORY,))
    ref, _ = await run.events.one(content)
    read = await run.calendar.get(ref)
    kept = field_of(read, "categories") == [CATEGORY]
    yield Observation("categories", ("kept" if kept else "lost") if read.ok else read.verdict)


async def _colours(run: CheckContext) -> AsyncIterator[CheckOutput]:
    answer = await run.calendar.categories(run.events.mailbox)
    if not answer.ok:
        yield Observation("category_colours", "denied" if answer.status == _FORBIDDEN else answer.verdict)
        return
    listed = field_of(answer, "value")
    names = [each.get("displayName") for each in listed if isinstance(each, dict)] if listed else []
    yield Observation("category_colours", "with_ours" if CATEGORY in names else "without_ours")


async def _reader(run: CheckContext) -> AsyncIterator[CheckOutput]:
    answer = await run.calendar.settings(run.events.mailbox)
    if not answer.ok:
        yield Observation("reader_settings", "denied" if answer.status == _FORBIDDEN else answer.verdict)
        return
    language, zone = field_of(answer, "language"), field_of(answer, "timeZone")
    told = zone or (isinstance(language, dict) and language.get("locale"))
    yield Observation("reader_settings", "told" if told else "bare")


async def _category_twice(run: CheckContext) -> AsyncIterator[CheckOutput]:
    mailbox, name = run.events.mailbox, f"booking_sync certify {run.new_id()}"
    first = await run.calendar.add_category(mailbox, name)
    if not first.ok:
        yield NotTried("category_twice", f"the app may not add one, and need not: {first.verdict}")
        return
    ids = [str(field_of(first, "id"))]
    try:
        again = await run.calendar.add_category(mailbox, name)
        ids += [str(field_of(again, "id"))] if again.ok else []
        refused = str(again.status) if again.status in (_BAD_REQUEST, _CONFLICT) else again.verdict
        yield Observation("category_twice", "taken" if again.ok else refused, again.code)
    finally:
        for each in ids:
            await to_its_end(run.calendar.remove_category(mailbox, each))


async def _series(run: CheckContext) -> AsyncIterator[CheckOutput]:
    start = run.events.start
    (made,) = await run.events.make(run.events.new(weekly=True))
    ref = run.events.made.get(event_id(made))
    if ref is None:
        for name in ("series_times", "series_end"):
            yield NotTried(name, f"no series could be made: {made.verdict}")
        return
    answer = await run.calendar.move(ref, content_at(start + timedelta(hours=1)))
    yield Observation(
        "series_times",
        "taken" if answer.ok else ("refused" if answer.status == _BAD_REQUEST else answer.verdict),
        "" if answer.ok else answer.code,
    )
    yield await _ending(
        run, "series_end", ref, content_at(start), lambda read: field_of(read, "type") == "seriesMaster"
    )


async def _all_day(run: CheckContext) -> AsyncIterator[CheckOutput]:
    (made,) = await run.events.make(run.events.new(all_day=True))
    ref = run.events.made.get(event_id(made))
    if ref is None:
        yield NotTried("all_day_end", f"no all-day event could be made: {made.verdict}")
        return
    content = content_at(run.events.start)
    yield await _ending(run, "all_day_end", ref, content, lambda read: field_of(read, "isAllDay") is True)


async def _ending(
    run: CheckContext,
    name: str,
    ref: EventRef,
    content: EventContent,
    lasts: Callable[[ServiceAnswer], bool],
) -> CheckOutput:
    """Whether the app's own change makes an ordinary event of one that lasts otherwise."""
    answer = await run.calendar.update(ref, content)
    if not answer.ok:
        return Observation(name, "refused" if answer.status == _BAD_REQUEST else answer.verdict, answer.code)
    read = await run.calendar.get(ref)
    if not read.ok:
        return Observation(name, read.verdict)
    return Observation(name, "ignored" if lasts(read) else "ended")


async def _deleting(run: CheckContext) -> AsyncIterator[CheckOutput]:
    ref, made = await run.events.one()
    yield await _folder(run, ref)
    deleted = await run.calendar.delete(ref)
    if not deleted.ok:
        for name in ("deleted_event_by_id", "deleted_event_tells", "second_delete"):
            yield NotTried(name, f"the deletion was refused: {deleted.verdict}")
        return
    read = await run.calendar.get(ref)
    written = await run.calendar.update(ref, content_at(run.events.start))
    gone, kept = _is_not_found(read) and _is_not_found(written), read.ok and written.ok
    known = "gone" if gone else "kept" if kept else f"GET {read.verdict}, PATCH {written.verdict}"
    yield Observation("deleted_event_by_id", known)
    if kept:
        yield Observation("deleted_event_tells", _tells(made, written))
    else:
        yield NotTried("deleted_event_tells", "a deleted event can't be read")
    yield await _second_delete(run, ref)


async def _folder(run: CheckContext, ref: EventRef) -> CheckOutput:
    answer = await run.calendar.folder(ref)
    if answer.ok:
        return Observation("folder_readable", "readable" if property_values(answer.body) else "not_readable")
    refused = "not_readable" if answer.status == _BAD_REQUEST else answer.verdict
    return Observation("folder_readable", refused, answer.code)


def _tells(before: ServiceAnswer, after: ServiceAnswer) -> str:
    """What an answer on a deleted event says that the one to its creation did not."""
    if field_of(after, "isCancelled") is True:
        return "cancelled"
    return "calendar" if field_of(before, _CALENDAR) != field_of(after, _CALENDAR) else "nothing"


async def _second_delete(run: CheckContext, ref: EventRef) -> CheckOutput:
    again = await run.calendar.delete(ref)
    if again.ok:
        return Observation("second_delete", "once_more")
    if _is_not_found(again):
        return Observation("second_delete", "not_found")
    refused = again.status == _FORBIDDEN and again.code.lower() == "errorcannotdeleteobject"
    return Observation("second_delete", "refused" if refused else again.verdict)


def _is_not_found(answer: ServiceAnswer) -> bool:
    return answer.status == _NOT_FOUND and bool(answer.code)


CHECKS: Final = (
    Check(
        ("property_in_patch",), "makes an event, writes and reads a property", (CheckNeed.MAILBOX,), _sealing
    ),
    Check(
        ("missing_extension", "extension_twice"),
        "makes an event, adds an open extension twice",
        (CheckNeed.MAILBOX,),
        _extensions,
    ),
    Check(
        ("times_with_property",),
        "makes an event, writes its times and a property, and reads it meanwhile",
        (CheckNeed.MAILBOX,),
        _times_with_property,
    ),
    Check(("if_match_on_events",), "makes an event and changes it", (CheckNeed.MAILBOX,), _if_match),
    Check(("categories",), "makes an event with a category", (CheckNeed.MAILBOX,), _categories),
    Check(("reader_settings",), "reads the mailbox's language and zone", (CheckNeed.MAILBOX,), _reader),
    Check(("category_colours",), "reads the list of categories", (CheckNeed.MAILBOX,), _colours),
    Check(
        ("category_twice",),
        "adds a category to the mailbox's list twice, and removes it",
        (CheckNeed.MAILBOX,),
        _category_twice,
    ),
    Check(
        ("series_times", "series_end"),
        "makes a series of two events, moves it and ends it",
        (CheckNeed.MAILBOX,),
        _series,
    ),
    Check(("all_day_end",), "makes an all-day event and gives it hours", (CheckNeed.MAILBOX,), _all_day),
    Check(
        ("folder_readable", "deleted_event_by_id", "deleted_event_tells", "second_delete"),
        "makes an event, deletes it, reads, changes and deletes it again",
        (CheckNeed.MAILBOX,),
        _deleting,
    ),
)
