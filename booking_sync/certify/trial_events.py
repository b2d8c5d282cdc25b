"""The events that a tenant check makes: each is proven ours as an event of the sync is, and removed again.

They carry the marker of a booking that no environment has, and a sealed birth. So whatever a killed run left
is known again by the next one, and by the audit, and nobody's copy of one is ever touched.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from booking_sync.certify.answers import event_id, field_of
from booking_sync.domain.events.event import EventContent, EventTime
from booking_sync.domain.events.event_ref import EventRef
from booking_sync.domain.events.ownership import MAX_SEALED_GENERATION, transaction_id
from booking_sync.errors import SyncError
from booking_sync.ports.certification import TrialEvent

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from booking_sync.ports.certification import CalendarTrials, ServiceAnswer
    from booking_sync.ports.platform.clock import Clock
    from booking_sync.sync.booking.proof import EventProver

CERTIFY_BOOKING: Final = "c0f1f7c0-5b0a-5b0a-9d0e-7e57ab1e0001"
"""The booking that all test events are of. No row has this id."""
SUBJECT: Final = "booking_sync tenant check (removed within minutes)"
BODY: Final = "<p>Made by <code>booking-sync certify</code>; delete it at will.</p>"
SWEEP_PAUSES: Final = (0.0, 1.0, 4.0)
"""Seconds before each try to remove the events."""
MOST_EVENTS: Final = 200
"""How many one run makes at most."""
LENGTH: Final = timedelta(minutes=15)
_NOT_FOUND, _FORBIDDEN = 404, 403
_GENERATION_BITS = 64
_SUNDAY, _HOUR = 6, 3


def quiet_hour(now: datetime) -> datetime:
    """When the events are: a Sunday night more than a week ahead, in UTC."""
    day = now + timedelta(days=(_SUNDAY - now.weekday()) % 7 + 7)
    return day.replace(hour=_HOUR, minute=0, second=0, microsecond=0)


def content_at(start: datetime, length: timedelta = LENGTH) -> EventContent:
    """A test event's content.

    Args:
        start: aware, UTC.
        length: how long it is.
    """
    return EventContent(SUBJECT, BODY, _time(start), _time(start + length), show_as="free")


class TrialEvents:
    """Makes events in one mailbox, remembers them, removes them.

    Args:
        calendar: where.
        prover: tells which events are ours.
        mailbox: its user's Entra object id.
        now: the time of day.
        chance: so many random bits. Two runs must not take the same transactionIds, even after hundreds in
            one mailbox: some Exchange may know those of deleted events for ever.
        sleep: waits so many seconds.
    """

    def __init__(
        self,
        calendar: CalendarTrials,
        prover: EventProver,
        mailbox: str,
        *,
        now: Clock,
        chance: Callable[[int], int],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._calendar = calendar
        self._prover = prover
        self._sleep = sleep
        self.mailbox = mailbox.lower()
        self.start = quiet_hour(now())
        self.made: dict[str, EventRef] = {}
        """By immutable id, as the answers to our own creations told them."""
        self._generation = 1 + chance(_GENERATION_BITS) % (MAX_SEALED_GENERATION - MOST_EVENTS)
        self._asked = False

    @property
    def marker(self) -> str:
        """What all of them carry."""
        return self._prover.sealer.marker(CERTIFY_BOOKING)

    def reference(self, identity: str) -> EventRef:
        """An event of this mailbox."""
        return EventRef(self.mailbox, identity)

    def new(
        self, content: EventContent | None = None, *, weekly: bool = False, all_day: bool = False
    ) -> TrialEvent:
        """An event to be made, with a transactionId of its own."""
        self._generation += 1
        number = self._generation
        return TrialEvent(
            content or content_at(self.start),
            self.marker,
            self._prover.sealer.birth(CERTIFY_BOOKING, self.mailbox, number),
            transaction_id(self.marker, self.mailbox, number),
            number,
            weekly=weekly,
            all_day=all_day,
        )

    def rival(self, event: TrialEvent) -> TrialEvent:
        """Another event with the same transactionId."""
        birth = self._prover.sealer.birth(CERTIFY_BOOKING, self.mailbox, event.generation)
        return replace(event, birth=birth)

    def seal(self, event: EventRef, answer: ServiceAnswer, generation: int = 0) -> str:
        """The text that proves an event to be ours and not a copy.

        Args:
            event: which.
            answer: to its creation, which tells its iCalUId.
            generation: of its creation; 0 for the latest one.
        """
        uid = field_of(answer, "iCalUId")
        number = generation or self._generation
        return self._prover.sealer.tag(CERTIFY_BOOKING, event, uid if isinstance(uid, str) else "", number)

    async def make(self, *events: TrialEvent) -> Sequence[ServiceAnswer]:
        """Send the creations, all in one batch; whatever was made is remembered, and sealed.

        Somebody may copy a test event with all its marks. Only a seal of its own tells the two apart later.
        """
        self._asked = True
        answers = await self._calendar.create(self.mailbox, *events)
        fresh: list[tuple[EventRef, str]] = []
        for event, answer in zip(events, answers, strict=True):
            identity = event_id(answer)
            if answer.ok and identity and identity not in self.made:
                ref = self.made[identity] = EventRef(self.mailbox, identity)
                fresh.append((ref, self.seal(ref, answer, event.generation)))
        for ref, seal in fresh:
            await self._prover.calendar.tag(ref, CERTIFY_BOOKING, seal)
        return answers

    async def one(self, content: EventContent | None = None) -> tuple[EventRef, ServiceAnswer]:
        """Make an event that must come into being.

        Raises:
            RefusedError: Graph refuses it.
        """
        (answer,) = await self.make(self.new(content))
        identity = event_id(answer)
        if not answer.ok or not identity:
            raise RefusedError(answer)
        return EventRef(self.mailbox, identity), answer

    async def discard(self, identity: str) -> None:
        """Remove an event of this run before the run ends.

        Raises:
            RefusedError: it stays.
        """
        event = self.made.get(identity)
        if event is not None:
            await self._remove(event)
            del self.made[identity]

    async def remove_leftovers(self) -> int:
        """Remove what earlier runs left; returns how many events these were."""
        own = await self._prover.own_events(CERTIFY_BOOKING, self.mailbox)
        for each in own:
            await self._remove(each.event)
        return len(own)

    async def sweep(self) -> SyncError | RefusedError | None:
        """Remove what this run made, also where the answer was lost; returns why that did not work."""
        if not self._asked:
            return None
        problem: SyncError | RefusedError | None = None
        for pause in SWEEP_PAUSES:
            await self._sleep(pause)
            try:
                for each in list(self.made.values()):
                    await self._remove(each)
                    del self.made[each.event_id]
                await self.remove_leftovers()
            except (SyncError, RefusedError) as error:
                problem = error
            else:
                return None
        return problem

    async def _remove(self, event: EventRef) -> None:
        """Delete for good; where that can't be had, into Deleted Items."""
        answer = await self._calendar.delete_for_good(event)
        if answer.ok or _is_gone(answer):
            return
        answer = await self._calendar.delete(event)
        if not answer.ok and not _is_gone(answer):
            raise RefusedError(answer)


class RefusedError(Exception):
    """A service refused what has to work before anything else can be tried."""

    def __init__(self, answer: ServiceAnswer, what: str = "an event") -> None:
        super().__init__(answer.verdict)
        self.answer = answer
        self.what = what


def _is_gone(answer: ServiceAnswer) -> bool:
    return answer.status in (_NOT_FOUND, _FORBIDDEN) and answer.code.lower() in {
        "erroritemnotfound",
        "errorcannotdeleteobject",
    }


def _time(moment: datetime) -> EventTime:
    return EventTime(moment.strftime("%Y-%m-%dT%H:%M:%S"), "UTC")
