"""What people change in Outlook, through the whole chain: moves, proposals and their answers."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from booking_sync.domain.change import BookingChange, encode_change
from local.day.world import WorldMaker
from local.stack import NO_TIMERS, LocalStack, StackOptions
from tests.e2e.office import BOOKINGS, Office

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from local.day.verdict import EventFact
    from local.day.world import Booking

pytestmark = pytest.mark.asyncio(loop_scope="module")

ACCEPT, REJECT = 1, 2
TOMORROW = timedelta(days=1)


class TwoWayOffice(Office):
    """An office whose technicians may change bookings from Outlook."""

    async def drag(self, plan: Booking, **by: int) -> EventFact:
        """Somebody drags the booking's event and the app hears of it; the event when that is settled."""
        event = await self.event(plan)
        await self.stack.graph.user("shift", event.mailbox, id=event.id, **by)
        await self.hear(plan)
        return await self.event(plan)

    async def hear(self, plan: Booking) -> None:
        """What becomes of a notification: a hint that somebody may have changed the booking's event."""
        hint = BookingChange(plan.id, "e2e", datetime.now(UTC), look=True)
        await self.stack.queue.send(encode_change(hint))
        await self.settle()

    async def columns(self, plan: Booking) -> dict[str, Any]:
        """The booking's row."""
        return dict((await self.stack.dataverse.rows(BOOKINGS))[plan.id])

    async def planned(self, plan: Booking) -> tuple[datetime, datetime]:
        """When the row says that it is."""
        row = await self.row(plan)
        assert row.start
        assert row.end
        return row.start, row.end


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TwoWayOffice]:
    """A stack of its own, with everything that changes in Outlook may do."""
    settings = {**NO_TIMERS, "RETURN_PATH": "apply"}
    options = StackOptions(tmp_path_factory.mktemp("two-way"), hidden_seconds=4, settings=settings)
    maker = WorldMaker(seed=3)
    world = maker.make(technicians=2, bookings=1, day=date(2027, 3, 26))
    async with LocalStack(options) as stack:
        office = TwoWayOffice(stack, maker, world)
        await office.furnish()
        yield office


async def test_a_small_move_in_outlook_moves_the_booking(both: TwoWayOffice) -> None:
    """The row has the event's times and says so, the event is not touched, and both stay so."""
    plan = await both.book()
    shown = await both.drag(plan, minutes=90)
    assert shown.start == plan.start + timedelta(minutes=90)
    assert await both.planned(plan) == (shown.start, shown.end)
    assert "moved: " in (await both.columns(plan))["bsync_outlookreturn"]
    await both.hear(plan)
    assert await both.event(plan) == shown


async def test_a_move_there_and_back_leaves_the_plan(both: TwoWayOffice) -> None:
    """The same event moves twice, the second time to where it was."""
    plan = await both.book()
    await both.drag(plan, minutes=60)
    shown = await both.drag(plan, minutes=-60)
    assert (shown.start, await both.planned(plan)) == (plan.start, (plan.start, plan.end))


async def test_a_dispatcher_takes_a_move_back(both: TwoWayOffice) -> None:
    """What Outlook had wanted does not rise again: the event follows the plan, as ever."""
    plan = await both.book()
    await both.drag(plan, minutes=30)
    await both.move(plan, timedelta())
    shown = await both.event(plan)
    assert shown.start == plan.start
    await both.hear(plan)
    assert await both.planned(plan) == (plan.start, plan.end)


async def test_a_far_move_waits_for_a_dispatcher_who_accepts_it(both: TwoWayOffice) -> None:
    """The event stays where it was put and the row where it was; after the answer the booking is there."""
    plan = await both.book()
    shown = await both.drag(plan, minutes=24 * 60)
    asked = await both.columns(plan)
    assert shown.start == plan.start + TOMORROW
    assert await both.planned(plan) == (plan.start, plan.end)
    assert asked["bsync_outlookproposal"] == 1
    assert asked["bsync_proposedstart"] == f"{shown.start:%Y-%m-%dT%H:%M:%SZ}"

    await answer(both, plan, ACCEPT)

    assert await both.planned(plan) == (shown.start, shown.end)
    assert await both.event(plan) == shown
    await nothing_waits(both, plan)


async def test_a_stretched_event_waits_for_a_dispatcher_who_rejects_it(both: TwoWayOffice) -> None:
    """The event is put back, and the row says so."""
    plan = await both.book()
    await both.drag(plan, longer=45)
    await answer(both, plan, REJECT)
    shown = await both.event(plan)
    assert (shown.start, shown.end) == (plan.start, plan.end)
    assert "put back: " in (await nothing_waits(both, plan))["bsync_outlookreturn"]


async def test_a_move_that_was_overtaken_by_the_plan_is_told(both: TwoWayOffice) -> None:
    """Both sides moved it: it is where the dispatcher put it, and the row says what Outlook had wanted."""
    plan = await both.book()
    event = await both.event(plan)
    await both.stack.graph.user("shift", event.mailbox, id=event.id, minutes=30)
    moved = await both.move(plan, timedelta(hours=2))
    shown = await both.event(plan)
    assert (shown.start, await both.planned(plan)) == (moved.start, (moved.start, moved.end))
    assert "overruled: " in (await both.columns(plan))["bsync_outlookreturn"]


async def test_a_copy_is_nobodys_wish(both: TwoWayOffice) -> None:
    """Dragged with the control key: it stays where it was put, and the booking where it was."""
    plan = await both.book()
    event = await both.event(plan)
    copy = await both.stack.graph.user("copy", event.mailbox, id=event.id)
    await both.stack.graph.user("shift", event.mailbox, id=copy["immutableId"], minutes=30)
    await both.hear(plan)
    assert await both.planned(plan) == (plan.start, plan.end)
    assert {each.start - plan.start for each in await both.events(plan)} == {
        timedelta(),
        timedelta(minutes=30),
    }


async def answer(both: TwoWayOffice, plan: Booking, said: int) -> None:
    """A dispatcher answers what the form shows."""
    row = await both.columns(plan)
    about = f"{row['bsync_proposedstart']}/{row['bsync_proposedend']}"
    await both.change(plan, bsync_proposalanswer=said, bsync_answerfor=about)


async def nothing_waits(both: TwoWayOffice, plan: Booking) -> dict[str, Any]:
    """The row, which asks nobody anything any more."""
    row = await both.columns(plan)
    names = ("outlookproposal", "proposedstart", "proposedend", "proposalanswer", "answerfor")
    assert {row[f"bsync_{name}"] for name in names} == {None}
    return row
