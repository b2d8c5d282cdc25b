"""Checks of Dataverse: the query for many bookings, and conditional writes. Nothing is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from booking_sync.certify.parts import Check, CheckNeed
from booking_sync.certify.results import NotTried, Observation
from booking_sync.domain.ids import read_guid

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from booking_sync.certify.parts import CheckContext
    from booking_sync.certify.results import CheckOutput
    from booking_sync.ports.certification import ServiceAnswer

MANY: Final = 100
"""As many as the app names in one query."""
OTHER_VERSION: Final = 'W/"1"'
"""A version that a row had before all others."""
NOT_ENABLED: Final = "0x80060883"
MISSING: Final = "0x80040217"
MISMATCH: Final = "0x80060882"
LOCK_AND_CREW: Final = ("msdyn_schedulinglockoptions", "msdyn_crewmembertype")
_KEY = "bookableresourcebookingid"
_FAILED_CONDITION, _NOT_FOUND = 412, 404


async def _many(run: CheckContext) -> AsyncIterator[CheckOutput]:
    known = [run.options.booking] if run.options.booking else []
    others = [run.new_id() for _ in range(MANY - len(known))]
    answer = await run.tenant.dynamics.read_many([*known, *others])
    rows = [read_guid(each.get(_KEY)) for each in answer.body or ()]
    detail = f"{MANY} ids, {len(rows)} found, {answer.seconds:.1f} s"
    if not answer.ok:
        yield Observation("many_by_id", "refused", f"{MANY} ids")
    elif rows != known:
        yield Observation("many_by_id", "other rows than asked for", detail)
    else:
        yield Observation("many_by_id", "answered", detail)


async def _missing(run: CheckContext) -> AsyncIterator[CheckOutput]:
    writes = [(run.new_id(), OTHER_VERSION) for _ in range(2)]
    answers = await run.tenant.dynamics.rewrite(*writes)
    first = answers[0]
    if first.code == NOT_ENABLED:
        yield Observation("missing_row", "not_enabled")
    elif first.status == _NOT_FOUND and first.code == MISSING:
        yield Observation("missing_row", "refused")
    else:
        yield Observation("missing_row", first.verdict if first.ok else "other_refusal", first.verdict)
    yield Observation("batch_goes_on", "goes_on" if len(answers) == len(writes) else "stops")


async def _versions(run: CheckContext) -> AsyncIterator[CheckOutput]:
    booking = run.options.booking
    answer = await run.tenant.dynamics.read_many([booking])
    row = next((each for each in answer.body or () if read_guid(each.get(_KEY)) == booking), None)
    version = row.get("@odata.etag") if row else None
    if not isinstance(version, str):
        for name in ("current_version", "stale_version"):
            yield NotTried(name, "the test booking can't be read")
        return
    stale, current = await run.tenant.dynamics.rewrite((booking, OTHER_VERSION), (booking, version))
    yield Observation("stale_version", _stale(stale))
    if current.ok:
        yield Observation("current_version", "written")
    elif current.status == _FAILED_CONDITION and current.code == MISMATCH:
        yield NotTried("current_version", "somebody changed the booking meanwhile: run it again")
    else:
        refused = "not_enabled" if current.code == NOT_ENABLED else "refused"
        yield Observation("current_version", refused, current.verdict)


def _stale(answer: ServiceAnswer) -> str:
    if answer.ok:
        return "written"
    if answer.code == NOT_ENABLED:
        return "not_enabled"
    refused = answer.status == _FAILED_CONDITION and answer.code == MISMATCH
    return "refused" if refused else answer.verdict


async def _columns(run: CheckContext) -> AsyncIterator[CheckOutput]:
    missing = []
    for name in LOCK_AND_CREW:
        answer = await run.tenant.dynamics.read_columns([name])
        if not answer.ok and name not in answer.code:
            yield Observation("lock_and_crew_columns", "refused", answer.code)
            return
        missing += [] if answer.ok else [name]
    yield Observation("lock_and_crew_columns", "missing" if missing else "there", ", ".join(missing))


CHECKS: Final = (
    Check(
        ("lock_and_crew_columns",),
        "reads the columns by which a booking is locked or a crew's",
        (CheckNeed.DYNAMICS,),
        _columns,
    ),
    Check(("many_by_id",), f"reads {MANY} bookings by id", (CheckNeed.DYNAMICS,), _many),
    Check(
        ("missing_row", "batch_goes_on"),
        "asks to change two bookings that don't exist, on condition that they do",
        (CheckNeed.DYNAMICS,),
        _missing,
    ),
    Check(
        ("stale_version", "current_version"),
        "writes the test booking's error text as it is, with a stale and with the present version",
        (CheckNeed.DYNAMICS, CheckNeed.BOOKING),
        _versions,
    ),
)
