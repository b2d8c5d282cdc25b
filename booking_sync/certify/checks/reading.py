"""Checks of searches, lists, batches and ids."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from booking_sync.certify.answers import entries, property_values
from booking_sync.certify.parts import Check, CheckNeed
from booking_sync.certify.results import NotTried, Observation
from booking_sync.certify.trial_events import LENGTH
from booking_sync.domain.events.event_ref import EventRef

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from booking_sync.certify.parts import CheckContext
    from booking_sync.certify.results import CheckOutput

LARGEST_BATCH: Final = 20
SLOW_SECONDS: Final = 10.0
LOOK_AGAIN: Final = (0.0, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds before each search for an event that was just made."""
NO_ID: Final = "AAAA"
"""What can't be an id, of the characters that ids have."""
NOBODY: Final = "00000000-0000-4000-8000-00000000c0de"
"""Entra object id of no user."""
_MONTH = timedelta(days=15)
_TOO_MANY_REQUESTS = 429
_BAD_REQUEST = 400
_CASELESS = str.maketrans("-", "_")


async def _search(run: CheckContext) -> AsyncIterator[CheckOutput]:
    ref, _ = await run.events.one()
    waited = 0.0
    for pause in LOOK_AGAIN:
        await run.sleep(pause)
        waited += pause
        found = await run.calendar.find(run.events.mailbox, run.events.marker.upper())
        if not found.ok:
            yield Observation("property_filter", found.verdict)
            return
        if ref.event_id in {each.get("id") for each in entries(found)}:
            yield Observation(
                "property_filter",
                "found" if not waited else "found_later",
                f"after {waited:.0f} s" if waited else "",
            )
            return
    yield Observation("property_filter", "not_found", f"in {waited:.0f} s")


async def _speed(run: CheckContext) -> AsyncIterator[CheckOutput]:
    """In the second mailbox too, which may be the largest of the tenant; the slower one counts."""
    marker = f"{run.events.marker}/{run.new_id()}"
    answers = [await run.calendar.find(run.events.mailbox, marker)]
    if run.options.other_mailbox:
        answers.append(await run.calendar.find(run.options.other_mailbox, marker))
    seconds = " and ".join(f"{each.seconds:.1f} s" for each in answers)
    refused = next((each.verdict for each in answers if not each.ok), "")
    quick = "quick" if max(each.seconds for each in answers) <= SLOW_SECONDS else "slow"
    yield Observation("filter_speed", refused or quick, seconds)


async def _view(run: CheckContext) -> AsyncIterator[CheckOutput]:
    ref, _ = await run.events.one()
    start = run.events.start
    answer = await run.calendar.view(run.events.mailbox, start, start + LENGTH)
    if not answer.ok:
        yield Observation("view_expands", "refused", answer.verdict)
        return
    listed = next((each for each in entries(answer) if each.get("id") == ref.event_id), None)
    marked = listed is not None and run.events.marker in property_values(listed)
    yield Observation("view_expands", "expanded" if marked else "without_marker")


async def _batches(run: CheckContext) -> AsyncIterator[CheckOutput]:
    whole = await run.calendar.oversized_batch(run.events.mailbox, LARGEST_BATCH + 1)
    refused = "refused" if whole.status == _BAD_REQUEST else whole.verdict
    yield Observation("batch_limit", "taken" if whole.ok else refused)
    answers = await run.calendar.read_together(run.events.mailbox, LARGEST_BATCH)
    throttled = sum(each.status == _TOO_MANY_REQUESTS for each in answers)
    others = Counter(each.verdict for each in answers if not each.ok and each.status != _TOO_MANY_REQUESTS)
    if others:
        yield NotTried("batch_at_once", f"some were refused: {', '.join(others)}")
    elif throttled:
        yield Observation("batch_at_once", "more", f"{throttled} of {LARGEST_BATCH} refused with 429")
    else:
        yield Observation("batch_at_once", "four", "none refused")


async def _ids(run: CheckContext) -> AsyncIterator[CheckOutput]:
    answer = await run.calendar.get(EventRef(run.events.mailbox, NO_ID))
    yield Observation("malformed_id", answer.verdict)
    answer = await run.calendar.find(NOBODY, run.events.marker)
    yield Observation("unknown_user", answer.code or answer.verdict)


async def _foreign(run: CheckContext) -> AsyncIterator[CheckOutput]:
    ref, _ = await run.events.one()
    answer = await run.calendar.get(EventRef(run.options.other_mailbox, ref.event_id))
    if answer.ok:
        yield Observation("foreign_id", "an event of one mailbox is read in another")
    else:
        yield Observation("foreign_id", answer.verdict)


async def _lookalikes(run: CheckContext) -> AsyncIterator[CheckOutput]:
    """Run it late: the more events there are, the more it says."""
    start = run.events.start
    await run.events.make(*(run.events.new() for _ in range(LARGEST_BATCH // 2)))
    answer = await run.calendar.view(run.events.mailbox, start - _MONTH, start + _MONTH)
    ids = {str(each.get("id")) for each in entries(answer)} | set(run.events.made)
    yield Observation("lookalike_ids", _alike(ids), f"among {len(ids)} ids")


def _alike(ids: Iterable[str]) -> str:
    known = set(ids)
    if len({each.translate(_CASELESS) for each in known}) < len(known):
        return "dashes"
    return "case" if len({each.lower() for each in known}) < len(known) else "no"


CHECKS: Final = (
    Check(("property_filter",), "makes an event and searches for it", (CheckNeed.MAILBOX,), _search),
    Check(
        ("filter_speed",),
        "searches for a marker that no event has, in the second mailbox as well",
        (CheckNeed.MAILBOX,),
        _speed,
    ),
    Check(("view_expands",), "makes an event and lists that quarter of an hour", (CheckNeed.MAILBOX,), _view),
    Check(
        ("batch_limit", "batch_at_once"),
        f"sends batches of {LARGEST_BATCH + 1} and {LARGEST_BATCH} small reads",
        (CheckNeed.MAILBOX,),
        _batches,
    ),
    Check(
        ("malformed_id", "unknown_user"),
        "reads an event that can't be, and the calendar of nobody",
        (CheckNeed.MAILBOX,),
        _ids,
    ),
    Check(
        ("foreign_id",),
        "makes an event, and asks for it in the second mailbox",
        (CheckNeed.MAILBOX, CheckNeed.OTHER_MAILBOX),
        _foreign,
    ),
    Check(
        ("lookalike_ids",),
        f"makes {LARGEST_BATCH // 2} events, and compares ids of the month around",
        (CheckNeed.MAILBOX,),
        _lookalikes,
    ),
)
