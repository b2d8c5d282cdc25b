"""One booking with its event on the strict stand-in, and each operation that may write or remove that."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from booking_sync.bulk.adoption import Adopter, AdoptionSources, Fate
from booking_sync.bulk.purge import Purge, PurgeSources
from booking_sync.domain.events.event_ref import EventClaim, EventRef
from booking_sync.domain.record import format_state
from booking_sync.plumbing.patience import Patience
from booking_sync.ports.dataverse.bookings import FormerRecord, Presence
from booking_sync.sync.booking.synchronizer import Synchronizer
from booking_sync.sync.booking.task import SyncTask
from booking_sync.sync.booking.zone_differences import ZoneDifferences
from local.graph.mailbox.store import time_of_day
from tests.audit.kit import EVENT_ZONE, desired
from tests.outlook.kit import MAILBOX, OTHER_MAILBOX
from tests.support.bookings import BOOKING_ID, CANCELED, ORGANIZATION_ID, booking, technician
from tests.support.calendars import START
from tests.support.fakes import FakeRows
from tests.support.pacing import Sleeper
from tests.support.seals import prover

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
    from datetime import datetime

    from booking_sync.bulk.adoption import Adoption
    from booking_sync.domain.bookings.booking import Booking
    from booking_sync.domain.outcome import Outcome
    from booking_sync.domain.plan import DesiredStateRule
    from booking_sync.domain.record import SyncRecord
    from booking_sync.ports.dataverse.bookings import BookingOwner
    from local.graph.mailbox.events import StoredEvent
    from tests.outlook.kit import GraphHere
    from tests.peoples_events.states import Act

RENAMED = replace(booking(mailbox=MAILBOX), name="Another job")
SUSPECTS = frozenset({MAILBOX, OTHER_MAILBOX})


class Reads:
    """What Dataverse says of mailboxes and of bookings that are in no list."""

    async def resources(self) -> Mapping[str, str]:
        """See the port."""
        return {"one": MAILBOX, "other": OTHER_MAILBOX}

    async def whose(
        self, starts_from: datetime, starts_before: datetime
    ) -> AsyncGenerator[Sequence[BookingOwner], None]:
        """See the port; purge does not ask."""
        raise AssertionError((starts_from, starts_before))
        yield []

    async def presence(self, booking_ids: Sequence[str]) -> Mapping[str, Presence]:
        """See the port."""
        return dict.fromkeys(booking_ids, Presence.GONE)


@dataclass
class Former:
    """A former sync's column on the booking, and whose resource is whose."""

    event: EventRef

    async def list_former(self, starts_from: datetime) -> AsyncIterator[Sequence[FormerRecord]]:
        """See the port."""
        del starts_from
        yield [FormerRecord(BOOKING_ID, self.event.event_id, self.event.mailbox)]

    async def mailboxes(self) -> Mapping[str, str]:
        """See the port."""
        return {"aaaaaaaa-0000-4000-8000-000000000000": MAILBOX}


@dataclass
class Place:
    """The booking, its event, and who may touch it."""

    graph: GraphHere
    rows: FakeRows = field(default_factory=FakeRows)
    rule: DesiredStateRule = desired
    """What Outlook should show of a booking."""

    def __post_init__(self) -> None:
        self.prover = prover(self.graph.calendar, ORGANIZATION_ID, time_of_day)
        self.synchronizer = Synchronizer(
            self.rows,
            self.graph.calendar,
            self.rule,
            self.prover,
            time_of_day,
            zones=ZoneDifferences(EVENT_ZONE, time_of_day),
        )

    @property
    def record(self) -> SyncRecord:
        """What the row remembers."""
        return self.rows.rows[BOOKING_ID].record

    async def booked(self) -> StoredEvent:
        """The booking in step; its event, made long ago."""
        self.rows.put(booking(mailbox=MAILBOX))
        await self.synchronizer.sync(SyncTask(BOOKING_ID))
        (event,) = self.shown()
        event.created -= timedelta(hours=1)
        return event

    def foreign(self) -> StoredEvent:
        """The booking, and an event that a former sync made for it."""
        self.rows.put(booking(mailbox=MAILBOX))
        return self.graph.standin.state.user(MAILBOX).events[self.graph.user_creates(MAILBOX, "Boiler")]

    def person(self, act: Act, event: StoredEvent) -> None:
        """A person does this with it; the mails of that are theirs."""
        state = self.graph.standin.state
        act(state, state.user(MAILBOX), event)

    def shown(self, mailbox: str = MAILBOX) -> list[StoredEvent]:
        """What the calendar shows."""
        return list(self.graph.standin.state.user(mailbox).events.values())

    def mails(self) -> list[dict[str, object]]:
        """Those that went out by the app's doing."""
        return [each for each in self.graph.standin.state.mails if each["by"] == "app"]

    async def hear(self) -> None:
        """An audit's hint looks at the event."""
        await self.audit_repair()

    async def update(self, subject: Booking = RENAMED) -> Outcome:
        """An ordinary change of the booking."""
        self.rows.put(subject)
        return await self.synchronizer.sync(SyncTask(BOOKING_ID))

    async def redelivery(self) -> Outcome:
        """A message that came once before: the event is written and tagged whatever the row says."""
        return await self.synchronizer.sync(SyncTask(BOOKING_ID, trusted=False))

    async def audit_repair(self) -> Outcome:
        """A hint of the audit's."""
        return await self.synchronizer.sync(SyncTask(BOOKING_ID, trusted=False, suspects=SUSPECTS))

    async def cancel(self) -> Outcome:
        """The booking is canceled."""
        return await self.update(replace(booking(mailbox=MAILBOX), status=CANCELED))

    async def reassign(self) -> Outcome:
        """The booking gets another technician."""
        return await self.update(replace(booking(mailbox=MAILBOX), resource=technician(OTHER_MAILBOX)))

    async def delete(self) -> Outcome:
        """The booking is deleted; its webhook names the event and the sealed record."""
        row = self.rows.remove(BOOKING_ID)
        assert row.record.event
        state = format_state(BOOKING_ID, row.record, self.prover.sealer)
        claim = EventClaim(row.record.event, state)
        return await self.synchronizer.sync(SyncTask(BOOKING_ID, deleted=frozenset({claim})))

    async def purge(self) -> list[str]:
        """The mailbox is emptied of our events; problems in words."""
        calendar = self.graph.calendar
        sources = PurgeSources(self.rows, self.rows, Reads(), calendar, calendar, self.prover)
        purge = Purge(sources, desired, ORGANIZATION_ID, Patience(sleep=Sleeper()))
        done = await purge.carry_out(await purge.survey(frozenset({MAILBOX})))
        return [problem for each in done for problem in each.problems]

    async def adopt(self, event: StoredEvent) -> Adoption:
        """A former sync's event is made ours, if it may be touched."""
        former = Former(EventRef(MAILBOX, event.immutable_id))
        calendar = self.graph.calendar
        sources = AdoptionSources(self.rows, calendar, calendar, former, former)
        adopter = Adopter(sources, desired, self.prover.sealer, Patience(sleep=Sleeper()), dry_run=False)
        (adoption,) = (await adopter.run(START)).adoptions
        assert adoption.fate in (Fate.ADOPTED, Fate.FAILED, Fate.GONE)
        return adoption
