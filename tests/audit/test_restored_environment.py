"""Dynamics 365 is restored to an earlier time, and the procedure of docs/operations.md brings all in step.

Rows remember older events, or none; bookings that were made since are gone, deleted ones are back;
generations are counted a second time in mailboxes that may remember the first. Nobody is told of any of it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from booking_sync.audit.auditor import AuditRequest
from booking_sync.bulk.queueing import Checkpoint, Queueing, Selection
from booking_sync.domain.plan import Wanted
from booking_sync.plumbing.patience import Patience
from booking_sync.sync.booking.task import SyncTask
from booking_sync.sync.sending import Pace, PacedSender
from tests.audit.kit import EVENT_ZONE, desired
from tests.audit.world import FORCE, REPAIR, REPORT_ONLY
from tests.outlook.kit import MAILBOX, NOW, OTHER_MAILBOX
from tests.support.bookings import CANCELED, SCHEDULED, technician
from tests.support.pacing import Gauge, Sleeper

if TYPE_CHECKING:
    from booking_sync.domain.bookings.booking import Booking
    from local.graph.mailbox.events import StoredEvent
    from tests.audit.world import AuditWorld

NEWCOMER = "0a6c0000-0000-4000-8000-000000000003"
"""Became a technician after the backup: the restored environment knows nobody of that mailbox."""
HORIZON = NOW - timedelta(days=7)
WAIT = timedelta(hours=1)
"""How long ago everything was that happened before the restore, so that searches know it."""


class Paper:
    """Keeps no checkpoint: these runs end."""

    def save(self, checkpoint: Checkpoint) -> None:
        """See the seam."""

    def clear(self) -> None:
        """See the seam."""


class Story:
    """A backup, further life, and the restore."""

    def __init__(self, world: AuditWorld) -> None:
        self.world = world
        self.at_backup: dict[str, Booking] = {}
        """By id: every booking that there is after the restore, as it is then."""
        self.made_since: list[str] = []
        self.world.graph.standin.state.add_mailbox(NEWCOMER, "Newcomer")

    async def play(self) -> None:
        """All of it; in the end nothing has been done about it."""
        await self._before()
        backup = self.world.dataverse.standin.state.store.back_up()
        await self._since()
        self.world.dataverse.standin.state.store.roll_back(backup)
        self._time_passes()

    def _time_passes(self) -> None:
        for mailbox in self.world.graph.standin.state.mailboxes.values():
            for event in [*mailbox.events.values(), *mailbox.deleted_items.values()]:
                event.created -= WAIT

    async def _before(self) -> None:
        for number, name in enumerate(
            ("steady", "renamed", "instructed", "made anew", "canceled since", "deleted since", "moved since")
        ):
            self._keep(name, await self.world.book(days=1 + number))
        self._keep("colleague's", await self.world.book(OTHER_MAILBOX, days=8))
        history = await self.world.book(days=-30)
        self._keep("brought forward since", history)
        canceled = await self.world.book(days=9)
        await self._change(canceled, status=CANCELED)
        self._keep("reactivated since", replace(canceled, status=CANCELED))
        for name, day in (("not synced yet", 10), ("changed before the resync", 11)):
            booking_id = f"{day:08}-0000-4000-8000-000000000000"
            unseen = replace(history, id=booking_id, start=_at(day), end=_at(day, 2))
            self.world.dataverse.put(unseen)
            self._keep(name, unseen)

    async def _since(self) -> None:
        was = self.named
        await self._change(was("renamed"), name="Pump")
        order = was("instructed").work_order
        assert order is not None
        await self._change(was("instructed"), work_order=replace(order, instructions="Bring a ladder."))
        for name in ("made anew", "canceled since", "not synced yet", "changed before the resync"):
            await self.world.sync(was(name).id)
            await self._lose_event(was(name), "Second visit")
            await self._lose_event(was(name), "Third visit")
        await self._change(was("canceled since"), status=CANCELED)
        self.world.dataverse.remove(was("deleted since").id)
        for event in self.events_of(was("deleted since").id):
            self.world.graph.standin.state.delete(self.world.graph.standin.state.user(MAILBOX), event)
        await self._change(was("moved since"), resource=technician(OTHER_MAILBOX))
        await self._change(was("brought forward since"), start=_at(3), end=_at(3, 1))
        await self._change(was("reactivated since"), status=SCHEDULED)
        for mailbox in (MAILBOX, NEWCOMER):
            self.made_since.append((await self.world.book(mailbox, days=12)).id)

    async def _lose_event(self, booking: Booking, name: str) -> None:
        """The technician deletes it, and the app makes it anew, as the next generation."""
        (event,) = self.events_of(booking.id)
        self.world.user_deletes(event)
        self._time_passes()
        self.world.dataverse.put(replace(booking, name=name))
        # As the audit asks for it, since an event in Deleted Items may go on answering.
        missed = SyncTask(booking.id, trusted=False, suspects=frozenset({MAILBOX}))
        await self.world.synchronizer.sync(missed)

    async def _change(self, booking: Booking, **changes: object) -> None:
        self.world.dataverse.put(replace(booking, **changes))  # type: ignore[arg-type]
        await self.world.sync(booking.id)

    def _keep(self, name: str, booking: Booking) -> None:
        self.at_backup[booking.id] = booking
        setattr(self, f"_{name}", booking)

    def named(self, name: str) -> Booking:
        """A booking by what becomes of it."""
        found: Booking = getattr(self, f"_{name}")
        return found

    def events_of(self, booking_id: str) -> list[StoredEvent]:
        """What the calendars show of a booking."""
        every = [event for each in (MAILBOX, OTHER_MAILBOX, NEWCOMER) for event in self.world.events(each)]
        return [each for each in every if any(booking_id in value for value in each.properties.values())]

    async def resync_all(self) -> int:
        """What the command does, and then the app; how many hints."""
        queueing = Queueing(self.world.dataverse.rows, lambda _row: True, Patience())
        sender = PacedSender(self.world.queue, Gauge(0), Pace(1000), sleep=Sleeper())
        begin = Checkpoint("c", Selection(HORIZON, mistrusted=True), HORIZON)
        await queueing.run(begin, sender, Paper(), lambda: datetime.now(UTC))
        return len(await self.world.work_off())

    def wrong(self) -> dict[str, list[str]]:
        """Every booking whose calendars are not as its row wants them, with what they show."""
        found = {each: self.events_of(each) for each in (*self.at_backup, *self.made_since)}
        return {
            booking_id: [event.content["subject"] for event in events]
            for booking_id, events in found.items()
            if not self._is_right(self.at_backup.get(booking_id), events)
        }

    def _is_right(self, booking: Booking | None, events: list[StoredEvent]) -> bool:
        wanted = desired(booking) if booking else None
        if booking is None or booking.start is None or not isinstance(wanted, Wanted):
            return events == []
        if booking.start < HORIZON:
            return len(events) <= 1  # history, which neither audit nor resync rewrites
        if len(events) != 1:
            return False
        (event,) = events
        return (
            event.content["subject"] == wanted.content.subject
            and event.content["body"]["content"] == wanted.content.body_html
            and event.start.utc == EVENT_ZONE.instant(wanted.content.start)
            and event in self.world.events(wanted.mailbox)
        )


def _at(days: float, hours: float = 0) -> datetime:
    return NOW + timedelta(days=days, hours=hours)


@pytest.fixture(
    params=[("forgotten", "gone"), ("remembered", "gone"), ("ghost", "kept")],
    ids="-".join,
)
async def story(request: pytest.FixtureRequest, world: AuditWorld) -> Story:
    """Played, on a Graph that knows deleted events in one way or another."""
    state, (transactions, items) = world.graph.standin.state, request.param
    state.config = replace(state.config, deleted_transactions=transactions, deleted_items=items)
    story = Story(world)
    await story.play()
    return story


async def _mend(story: Story) -> None:
    """The procedure's last steps, as docs/operations.md has them."""
    # The app runs again, and somebody changes a booking before the resync comes to it.
    early = story.named("changed before the resync")
    await story.world.sync(early.id)
    await story.resync_all()
    report = await story.world.audit(REPORT_ONLY)
    assert set(report.counts()) == {"orphan", "drift"}
    for request in (REPAIR, AuditRequest(mailboxes=frozenset({NEWCOMER}))):
        await story.world.audit(request)
        await story.world.work_off()
    assert (await story.world.audit(FORCE)).counts() == {}


async def test_after_the_procedure_every_booking_has_its_one_event(story: Story) -> None:
    """Rows with older records, without any, back from deletion, and gone: calendars equal rows."""
    assert len(story.wrong()) > 5
    before = await story.world.audit(REPORT_ONLY)
    unseen = story.named("instructed").id  # its text is wrong, which no audit can tell
    assert unseen in story.wrong()
    assert unseen not in {each.booking_id for each in before.findings}
    await _mend(story)
    assert story.wrong() == {}
