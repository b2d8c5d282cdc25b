"""Says whether Outlook is in step with Dataverse in the end, so that a fast but wrong contender is caught."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from local.day.facts import TABLES, Tables, read_booking, read_event
from local.day.verdict import Facts, compare
from local.graph.api.render import describe_event

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.simulated.load import Office
    from benchmarks.simulated.world import SimulatedWorld
    from local.day.verdict import BookingFact, Difference, EventFact

EXTENSION = "com.bookingsync.booking"


def judge(world: SimulatedWorld, office: Office, *, markers: bool = True) -> list[Difference]:
    """What differs; nothing when every booking that should show has exactly one right event.

    Args:
        world: at a quiet moment.
        office: who filled it.
        markers: whether the contender marks and tags its events as booking_sync does. Without, an event is
            taken for the booking whose row names it (by either kind of id), and only that id is compared of
            the row's record.
    """
    facts = facts_of(world, office)
    if not markers:
        bookings, events = _linked(facts.bookings, facts.events)
        facts = replace(facts, bookings=bookings, events=events, expects_tags=False)
    return compare(facts)


def facts_of(world: SimulatedWorld, office: Office) -> Facts:
    """What both services hold, as the verdict wants it."""
    tables = Tables({name: world.dataverse.state.rows(name) for name in TABLES})
    mailboxes = world.graph.state.mailboxes.values()
    with_mailbox = frozenset(each.id for each in mailboxes if each.kind == "normal")
    bookings = [
        read_booking(row, tables, with_mailbox) for row in tables.rows["bookableresourcebookings"].values()
    ]
    raw = [describe_event(mailbox, event) for mailbox in mailboxes for event in mailbox.events.values()]
    return Facts(
        bookings=bookings,
        events=[read_event(each, EXTENSION) for each in raw],
        private=_private(office, raw),
        mails_sent=len(world.graph.state.mails),
    )


def _private(office: Office, raw: list[dict[str, Any]]) -> Mapping[str, Mapping[str, Any]]:
    """The technicians' own events as they should be: as they are, when nobody ever changed them."""
    now = {each["immutableId"]: each for each in raw}
    return {
        event_id: now[event_id] if event_id in now and not now[event_id]["modifiedCount"] else before
        for event_id, before in office.private.items()
    }


def _linked(
    bookings: Sequence[BookingFact], events: Sequence[EventFact]
) -> tuple[list[BookingFact], list[EventFact]]:
    """Both sides as if the contender had marked its events, by the ids that the rows name."""
    named = {booking.recorded_event: booking.id for booking in bookings if booking.recorded_event}
    linked: list[EventFact] = []
    place: dict[str, tuple[str, str]] = {}
    for event in events:
        ids = (event.id, str(event.raw["mutableId"]))
        booking_id = next((named[each] for each in ids if each in named), "")
        linked.append(replace(event, booking_id=booking_id, tag=None))
        place |= dict.fromkeys(ids, (event.id, event.mailbox))
    known = [
        replace(booking, recorded_event=event_id, recorded_mailbox=mailbox)
        for booking in bookings
        for event_id, mailbox in [place.get(booking.recorded_event, (booking.recorded_event, ""))]
    ]
    return known, linked
