"""Checks that need somebody in Outlook: only people copy events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from booking_sync.certify.answers import entries, field_of, property_values
from booking_sync.certify.parts import Check, CheckNeed
from booking_sync.certify.results import NotTried, Observation
from booking_sync.certify.trial_events import LENGTH, SUBJECT
from booking_sync.domain.ids import read_moment

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import Any

    from booking_sync.certify.parts import CheckContext
    from booking_sync.certify.results import CheckOutput
    from booking_sync.ports.certification import ServiceAnswer


async def _copying(run: CheckContext) -> AsyncIterator[CheckOutput]:
    ref, made = await run.events.one()
    before = {each.get("id") for each in await _shown(run)}
    await run.ask_person(
        f"In Outlook, in the test mailbox: copy the newest event «{SUBJECT}» on "
        f"{run.events.start:%Y-%m-%d %H:%M} UTC within the calendar, so that the copy is at the same time."
    )
    copies = [each for each in await _shown(run) if each.get("id") not in before | {ref.event_id}]
    if len(copies) != 1:
        for name in ("copy_is_another", "copy_carries"):
            yield NotTried(name, "no single new event is at that time")
        return
    yield Observation("copy_is_another", "another" if await _is_another(run, made, copies[0]) else "same")
    yield Observation("copy_carries", _carries(run, made, copies[0]))


async def _shown(run: CheckContext) -> list[dict[str, Any]]:
    """The events of that quarter of an hour."""
    start = run.events.start
    answer = await run.calendar.view(run.events.mailbox, start, start + LENGTH)
    return list(entries(answer))


async def _is_another(run: CheckContext, made: ServiceAnswer, copy: dict[str, Any]) -> bool:
    """Its id is another one already; its iCalUId and its time of creation only the event itself tells."""
    whole = await run.calendar.get(run.events.reference(str(copy.get("id"))))
    ours, theirs = (read_moment(field_of(each, "createdDateTime")) for each in (made, whole))
    later = ours is not None and theirs is not None and theirs > ours
    return later and field_of(made, "iCalUId") != field_of(whole, "iCalUId")


def _carries(run: CheckContext, made: ServiceAnswer, copy: dict[str, Any]) -> str:
    if copy.get("transactionId") and copy.get("transactionId") == field_of(made, "transactionId"):
        return "everything"
    return "marks" if run.events.marker in property_values(copy) else "nothing"


CHECKS: Final = (
    Check(
        ("copy_is_another", "copy_carries"),
        "makes an event, which somebody copies; the copy is theirs, and stays",
        (CheckNeed.MAILBOX, CheckNeed.PERSON),
        _copying,
    ),
)
