"""An event is written in the version that was seen, whatever Graph makes of `If-Match`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from booking_sync.domain.events.event_ref import EventRef
from booking_sync.errors import OvertakenError, PermanentError, TransientError
from booking_sync.ports.outlook.calendars import Written
from local.standin.faults import Fault
from tests.outlook.kit import BIRTH, CHANGED, CONTENT, MAILBOX, MARKER, new_id

if TYPE_CHECKING:
    from tests.outlook.kit import GraphHere


async def overtaken(graph: GraphHere) -> tuple[EventRef, str]:
    """An event, and the version that it had before somebody changed it."""
    made = await graph.calendar.create(
        MAILBOX, CONTENT, marker=MARKER, transaction_id=new_id(), birth=BIRTH, stamp="s"
    )
    assert isinstance(made, Written)
    event = EventRef(MAILBOX, made.event_id)
    seen = await graph.calendar.see(event)
    assert seen
    await graph.calendar.update(event, replace(CONTENT, subject="by somebody else"))
    return event, seen.etag


async def test_a_version_that_is_checked_is_not_overwritten(graph: GraphHere) -> None:
    """Whoever changed the event meanwhile is not overwritten, and the caller is told to look again."""
    graph.configure(event_if_match="checked")
    event, version = await overtaken(graph)
    with pytest.raises(OvertakenError):
        await graph.calendar.update(event, CHANGED, stamp="t", etag=version)
    assert graph.events(MAILBOX)[0]["subject"] == "by somebody else"


@pytest.mark.parametrize("mode", ["refused", "ignored"])
async def test_a_version_that_graph_does_not_check_hinders_no_write(graph: GraphHere, mode: str) -> None:
    """Where the header is refused, the write goes without it; later ones do not try it again."""
    graph.configure(event_if_match=mode)
    event, version = await overtaken(graph)
    before = len(graph.batches)
    assert await graph.calendar.update(event, CHANGED, stamp="t", etag=version)
    first = len(graph.batches)
    assert await graph.calendar.update(event, CONTENT, stamp="u", etag=version)
    assert (first - before, len(graph.batches) - first) == (2 if mode == "refused" else 1, 1)
    assert graph.events(MAILBOX)[0]["subject"] == CONTENT.subject


async def test_a_content_that_is_refused_says_nothing_of_versions(graph: GraphHere) -> None:
    """After a 400 for its content the header is sent with the next write as before."""
    graph.configure(event_if_match="checked")
    event, version = await overtaken(graph)
    now = await graph.calendar.see(event)
    assert now
    backwards = replace(CHANGED, start=CONTENT.end, end=CONTENT.start)
    with pytest.raises(PermanentError):
        await graph.calendar.update(event, backwards, stamp="t", etag=now.etag)
    with pytest.raises(OvertakenError):
        await graph.calendar.update(event, CHANGED, stamp="t", etag=version)


@pytest.mark.parametrize(
    "body", [None, "<html>Bad Request</html>", {"error": {"code": None}}, {"error": {"code": "BadGateway"}}]
)
async def test_a_400_that_passes_says_nothing_of_versions(graph: GraphHere, body: Any) -> None:
    """It is no verdict of Graph's: nothing is written without the header, then or later."""
    graph.configure(event_if_match="checked")
    event, version = await overtaken(graph)
    graph.standin.faults.add(Fault("/events/", method="PATCH", status=400, body=body))
    with pytest.raises(TransientError) as refusal:
        await graph.calendar.update(event, CHANGED, stamp="t", etag=version)
    assert not isinstance(refusal.value, OvertakenError)
    with pytest.raises(OvertakenError):
        await graph.calendar.update(event, CHANGED, stamp="t", etag=version)
    assert graph.events(MAILBOX)[0]["subject"] == "by somebody else"


async def test_a_400_for_an_event_that_is_gone_says_nothing_of_versions(graph: GraphHere) -> None:
    """It is not written once more, and the header is sent with the next write as before."""
    graph.configure(event_if_match="checked")
    event, version = await overtaken(graph)
    gone = {"error": {"code": "ErrorInvalidIdMalformed", "message": "Id is malformed."}}
    graph.standin.faults.add(Fault("/events/", method="PATCH", status=400, body=gone))
    assert await graph.calendar.update(event, CHANGED, stamp="t", etag=version) is None
    with pytest.raises(OvertakenError):
        await graph.calendar.update(event, CHANGED, stamp="t", etag=version)
