"""Checks of calendars besides the main one: in a calendar that is made for that, and deleted again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from booking_sync.certify.answers import entries, event_id
from booking_sync.certify.parts import Check, CheckNeed
from booking_sync.certify.results import NotTried, Observation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from booking_sync.certify.parts import CheckContext
    from booking_sync.certify.results import CheckOutput
    from booking_sync.ports.certification import ServiceAnswer

NAMES: Final = ("calendar_names", "events_cover", "transaction_span", "deleted_calendar")
NAME: Final = "booking_sync tenant check"
FOLDER_EXISTS: Final = "errorfolderexists"
DUPLICATE: Final = "errorduplicatetransactionid"
_NOT_FOUND: Final = 404


async def _one_of_its_own(run: CheckContext) -> AsyncIterator[CheckOutput]:
    mailbox = run.events.mailbox
    name = f"{NAME} {run.new_id()[:8]}"
    made = await run.calendar.make_calendar(mailbox, name)
    calendar_id = event_id(made)
    if not made.ok or not calendar_id:
        for assumption in NAMES:
            yield NotTried(assumption, f"a calendar was refused: {made.verdict}")
        return
    try:
        yield await _again(run, name)
        async for each in _events(run, calendar_id):
            yield each
    finally:
        deleted = await run.calendar.delete_calendar(mailbox, calendar_id)
    if not deleted.ok:
        yield NotTried("deleted_calendar", f"its deletion was refused: {deleted.verdict}")
        return
    after = await run.calendar.shown_in(mailbox, calendar_id, run.events.marker)
    gone = "gone" if after.status == _NOT_FOUND else after.verdict
    yield Observation("deleted_calendar", "kept" if after.ok else gone)


async def _again(run: CheckContext, name: str) -> CheckOutput:
    """A second calendar of the same name, which is deleted at once."""
    answer = await run.calendar.make_calendar(run.events.mailbox, name)
    if answer.ok:
        await run.calendar.delete_calendar(run.events.mailbox, event_id(answer))
        return Observation("calendar_names", "shared")
    refused = answer.code.lower() == FOLDER_EXISTS
    return Observation("calendar_names", "unique" if refused else answer.verdict)


async def _events(run: CheckContext, calendar_id: str) -> AsyncIterator[CheckOutput]:
    """An event there, and another one with its transactionId in the main calendar."""
    event = replace(run.events.new(), calendar_id=calendar_id)
    (made,) = await run.events.make(event)
    if not made.ok:
        yield NotTried("events_cover", f"an event was refused: {made.verdict}")
        yield NotTried("transaction_span", f"an event was refused: {made.verdict}")
        return
    listed = await run.calendar.find(run.events.mailbox, run.events.marker)
    covered = any(each.get("id") == event_id(made) for each in entries(listed))
    yield Observation("events_cover", ("all" if covered else "main") if listed.ok else listed.verdict)
    (rival,) = await run.events.make(replace(run.events.rival(event), calendar_id=""))
    yield Observation("transaction_span", _span(made, rival))
    await run.events.discard(event_id(made))


def _span(made: ServiceAnswer, rival: ServiceAnswer) -> str:
    if rival.code.lower() == DUPLICATE:
        return "mailbox"
    if not rival.ok:
        return rival.verdict
    return "mailbox" if event_id(rival) == event_id(made) else "calendar"


CHECKS: Final = (
    Check(
        NAMES,
        "makes a calendar, an event in it, and one beside it; deletes all three",
        (CheckNeed.MAILBOX,),
        _one_of_its_own,
    ),
)
