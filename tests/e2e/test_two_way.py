"""What people change in Outlook, through the whole chain: moves, proposals and their answers."""

from __future__ import annotations

import asyncio
import contextlib
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from booking_sync.domain.messages.change import BookingChange, encode_change
from booking_sync.domain.return_path.messages import MAX_MISSING, MailboxSweep, encode_outlook
from booking_sync.domain.return_path.missing import Missing
from booking_sync.sync.from_outlook.later_sweeps import MOST_HIDDEN
from local.day.facts import gather_facts
from local.day.verdict import compare
from local.day.world import WorldMaker, bind_status, booking_row, local_time, times
from local.stack import NO_TIMERS, LocalStack, StackOptions
from local.stack.control import ControlError
from tests.e2e.crowd import crash, poll
from tests.e2e.office import BOOKINGS, Office

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from local.day.verdict import Difference, EventFact
    from local.day.world import Booking, Resource, World

pytestmark = pytest.mark.asyncio(loop_scope="module")

ACCEPT, REJECT = 1, 2
TOMORROW, HOUR = timedelta(days=1), timedelta(hours=1)
SOON = timedelta(days=3)
"""Graph is asked about mailboxes that show bookings of these weeks."""
IN_THE_STORM, ROUNDS, CRASHES, STIRRED = 30, 3, 3, 0.5
WAITS = "Awaiting dispatcher"
"""What the category of an event says whose move is proposed."""
WIPED = 300
FOR_TESTS = 7


class TwoWayOffice(Office):
    """An office whose technicians may change bookings from Outlook."""

    def __init__(self, stack: LocalStack, maker: WorldMaker, world: World) -> None:
        super().__init__(stack, maker, world)
        self.copies: dict[str, dict[str, Any]] = {}
        """Events that people made of ours, by id, as they left them."""
        self.booked: list[Booking] = []
        """Of Anna, for one test each: all are made at once, since each waits for what Graph tells of it."""

    async def drag(self, plan: Booking, **by: int) -> EventFact:
        """Somebody drags the booking's event, and Graph notifies; the event when that is settled."""
        event = await self.event(plan)
        await self.stack.graph.user("shift", event.mailbox, id=event.id, **by)
        await self.settle()
        return await self.event(plan)

    async def listen(self) -> None:
        """Have the app subscribe; the sweeps that follow a minute later would find nothing."""
        await self.stack.run_timer("watch")

        async def watched() -> bool:
            return bool(self.log("watch"))

        await poll(watched)
        asked = " ".join(each["resource"].lower() for each in await self.stack.graph.subscriptions())
        assert all(person.mailbox in asked for person in self.world.technicians)
        await self.stack.queue.clear()

    def hint(self, plan: Booking) -> BookingChange:
        """Once more: somebody may have changed the booking's event."""
        return BookingChange(plan.id, "e2e", datetime.now(UTC), look=True)

    async def hear(self, plan: Booking) -> None:
        """A notification that comes again, or late."""
        await self.stack.queue.send(encode_change(self.hint(plan)))
        await self.settle()

    async def book_all(self, who: Resource, starts: Sequence[datetime]) -> list[Booking]:
        """An hour of somebody's at each of these times."""
        plans = [replace(self.plan(who), start=at, end=at + HOUR) for at in starts]
        await self.stack.dataverse.create_many(BOOKINGS, [booking_row(plan) for plan in plans])
        await self.settle()
        return plans

    def mornings(self, count: int) -> list[datetime]:
        """As many days from the next week on, so that no booking is in another's way."""
        return [local_time(self.world.day + timedelta(days=7 + number), 9) for number in range(count)]

    async def stir(self, plans: Sequence[Booking], random: Random) -> None:
        """Both sides at once, some times over."""
        for _ in range(ROUNDS):
            shown = {event.booking_id: event for event in (await gather_facts(self.stack, {})).events}
            for plan in plans:
                if plan.id in shown:
                    await self._drag_if_there(shown[plan.id], random.choice((-45, 30, 60, 24 * 60)))
                if random.random() < STIRRED:
                    await self.stack.dataverse.update(BOOKINGS, plan.id, self._some_change(plan, random))

    async def let_time_pass(self, mailbox: str, gone: Sequence[str]) -> None:
        """Ten minutes after these bookings' events were found gone: the sweep that was to come then."""
        await self.stack.graph.age(mailbox)
        sweep = MailboxSweep(mailbox, "e2e", datetime.now(UTC), missing=frozenset(gone))
        await self.stack.queue.send(encode_outlook(sweep))

    def log(self, event: str) -> list[str]:
        """The app's log lines of one kind."""
        text = (self.stack.options.folder / "host-0.log").read_text()
        return [line for line in text.splitlines() if f'"event":"{event}"' in line]

    def deletions(self) -> int:
        """How many events the app has looked at since Graph called them deleted."""
        lines = self.log("outlook_change")
        return sum(int(found[1]) for line in lines if (found := re.search(r'"deleted":(\d+)', line)))

    async def differences(self) -> list[Difference]:
        """What is not in step, by the verdict that knows nothing of the product."""
        return compare(await gather_facts(self.stack, self.copies, await self.stack.queue.take_poison()))

    async def _drag_if_there(self, event: EventFact, minutes: int) -> None:
        with contextlib.suppress(ControlError):
            await self.stack.graph.user("shift", event.mailbox, id=event.id, minutes=minutes)

    def _some_change(self, plan: Booking, random: Random) -> dict[str, Any]:
        moved = plan.moved(timedelta(minutes=random.choice((-30, 15, 90))))
        status = self.world.status(random.choice(("Canceled", "Scheduled", "Scheduled")))
        return random.choice(
            (times(moved.start, moved.end), {"name": f"{plan.name} anew"}, bind_status(status.id))
        )

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
    world = maker.make(technicians=2, bookings=1, day=datetime.now(UTC).date() + SOON)
    async with LocalStack(options) as stack:
        office = TwoWayOffice(stack, maker, world)
        await office.furnish()
        office.booked = await office.book_all(office.anna, office.mornings(FOR_TESTS))
        await office.book(office.ben)
        await office.listen()
        yield office


async def test_a_small_move_in_outlook_moves_the_booking(both: TwoWayOffice) -> None:
    """The row has the event's times and says so, the event is not touched, and both stay so."""
    plan = both.booked.pop()
    shown = await both.drag(plan, minutes=90)
    assert shown.start == plan.start + timedelta(minutes=90)
    assert await both.planned(plan) == (shown.start, shown.end)
    assert "moved: " in (await both.columns(plan))["bsync_outlookreturn"]
    await both.hear(plan)
    assert await both.event(plan) == shown


async def test_a_move_there_and_back_leaves_the_plan(both: TwoWayOffice) -> None:
    """The same event moves twice, the second time to where it was."""
    plan = both.booked.pop()
    await both.drag(plan, minutes=60)
    shown = await both.drag(plan, minutes=-60)
    assert (shown.start, await both.planned(plan)) == (plan.start, (plan.start, plan.end))


async def test_a_dispatcher_takes_a_move_back(both: TwoWayOffice) -> None:
    """What Outlook had wanted does not rise again: the event follows the plan, as ever."""
    plan = both.booked.pop()
    await both.drag(plan, minutes=30)
    await both.move(plan, timedelta())
    shown = await both.event(plan)
    assert shown.start == plan.start
    await both.hear(plan)
    assert await both.planned(plan) == (plan.start, plan.end)


async def test_a_far_move_waits_for_a_dispatcher_who_accepts_it(both: TwoWayOffice) -> None:
    """The event stays where it was put and the row where it was; after the answer the booking is there."""
    plan = both.booked.pop()
    shown = await both.drag(plan, minutes=24 * 60)
    asked = await both.columns(plan)
    assert shown.start == plan.start + TOMORROW
    assert await both.planned(plan) == (plan.start, plan.end)
    assert asked["bsync_outlookproposal"] == 1
    assert asked["bsync_proposedstart"] == f"{shown.start:%Y-%m-%dT%H:%M:%SZ}"

    await answer(both, plan, ACCEPT)

    after = await both.event(plan)
    assert await both.planned(plan) == (shown.start, shown.end)
    assert (after.id, after.start, after.end) == (shown.id, shown.start, shown.end)
    assert [each for each in shown.raw["categories"] if WAITS in each]
    assert not [each for each in after.raw["categories"] if WAITS in each]
    await nothing_waits(both, plan)


async def test_a_stretched_event_waits_for_a_dispatcher_who_rejects_it(both: TwoWayOffice) -> None:
    """The event is put back, and the row says so."""
    plan = both.booked.pop()
    await both.drag(plan, longer=45)
    await answer(both, plan, REJECT)
    shown = await both.event(plan)
    assert (shown.start, shown.end) == (plan.start, plan.end)
    assert "put back: " in (await nothing_waits(both, plan))["bsync_outlookreturn"]


async def test_a_move_that_was_overtaken_by_the_plan_is_told(both: TwoWayOffice) -> None:
    """Both sides moved it: it is where the dispatcher put it, and the row says what Outlook had wanted."""
    plan = both.booked.pop()
    event = await both.event(plan)
    await both.stack.graph.user("shift", event.mailbox, id=event.id, minutes=30)
    moved = await both.move(plan, timedelta(hours=2))
    shown = await both.event(plan)
    assert (shown.start, await both.planned(plan)) == (moved.start, (moved.start, moved.end))
    assert "overruled: " in (await both.columns(plan))["bsync_outlookreturn"]


async def test_a_copy_is_nobodys_wish(both: TwoWayOffice) -> None:
    """Dragged with the control key: it stays where it was put, and the booking where it was."""
    plan = both.booked.pop()
    event = await both.event(plan)
    copy = await both.stack.graph.user("copy", event.mailbox, id=event.id)
    order = {"id": copy["immutableId"], "minutes": 30}
    both.copies[order["id"]] = await both.stack.graph.user("shift", event.mailbox, **order)
    await both.hear(plan)
    assert await both.planned(plan) == (plan.start, plan.end)
    assert {each.start - plan.start for each in await both.events(plan)} == {
        timedelta(),
        timedelta(minutes=30),
    }


async def test_a_storm_on_both_sides_with_crashes_ends_in_agreement(both: TwoWayOffice) -> None:
    """Technicians drag while dispatchers move, rename and cancel, and the app is killed again and again.

    What is open in the end waits for a dispatcher, and the row says where the event is; all else is equal.
    """
    random = Random(5)  # noqa: S311 - reproducible on purpose
    plans = await both.book_all(both.anna, [at + 5 * HOUR for at in both.mornings(IN_THE_STORM)])
    before = len(await both.differences())
    storm = asyncio.create_task(both.stir(plans, random))
    cut = [await crash(both.stack, random.uniform(0.2, 0.8)) for _ in range(CRASHES)]
    await storm
    await both.settle()
    assert any(cut)
    for plan in plans:
        await both.stack.queue.send(encode_change(both.hint(plan)))
    await both.settle()
    await both.stack.audit()
    await both.settle()
    assert await both.differences() == []
    assert before == 0
    told = [await both.columns(plan) for plan in plans]
    assert {str(row["bsync_outlookreturn"]).split()[1] for row in told if row["bsync_outlookreturn"]} > {
        "moved:"
    }


@pytest.mark.timeout(180)
async def test_a_mailbox_that_is_wiped_cancels_nothing(both: TwoWayOffice) -> None:
    """300 events go at once: no booking is canceled or proposed, each row says so, and one alarm rings."""
    await both.stack.graph.forgive_addresses()  # Graph drops what is for an app that crashed as in a storm
    starts = [
        at + timedelta(minutes=20 * number) for at in both.mornings(30) for number in range(WIPED // 30)
    ]
    plans = await both.book_all(both.ben, starts)
    ids = {plan.id for plan in plans}
    before = both.deletions()
    for event in (await gather_facts(both.stack, {})).events:
        if event.booking_id and event.mailbox == both.ben.mailbox:
            await both.stack.graph.user("delete", event.mailbox, id=event.id)

    async def found_gone() -> bool:
        waiting = await both.stack.queue.waiting()
        return both.deletions() - before >= WIPED and 0 < waiting <= MOST_HIDDEN

    await poll(found_gone, 60)
    await both.stack.queue.clear()  # the sweeps that come in ten minutes
    await both.let_time_pass(both.ben.mailbox, sorted(ids)[:MAX_MISSING])

    async def swept() -> bool:
        return bool(both.log("mailbox_sweep"))

    await poll(swept)
    hinted = await both.stack.queue.waiting()
    await both.stack.queue.clear()
    first, *_ = plans
    withheld = replace(both.hint(first), missing=Missing.WITHHELD)
    await both.stack.queue.send(encode_change(withheld))
    await both.settle()
    facts = await gather_facts(both.stack, {})
    of_ben = [each for each in facts.bookings if each.id in ids]
    assert len(of_ben) == WIPED <= hinted
    assert not any(each.canceled or each.asked_to_cancel for each in of_ben)
    assert "withheld: " in (await both.columns(first))["bsync_outlookreturn"]
    assert len(both.log("mailbox_withheld")) == 1


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
