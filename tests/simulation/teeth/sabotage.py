"""The protocol with one rule removed at a time, to prove that the simulation notices each.

Injected through the simulation's own wiring (`Parts`): subclasses of the synchronizer, and wrappers around
what it is given. Nothing is patched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from booking_sync.azure.entra.identity import RenewableIdentity
from booking_sync.domain.events.event import FoundEvent
from booking_sync.domain.events.event_ref import EventRef
from booking_sync.domain.events.ownership import Own, own_generation, transaction_id
from booking_sync.domain.plan import UpdateEvent, Wanted
from booking_sync.domain.record import ATTENDED_REASON
from booking_sync.domain.return_path.side import Returned
from booking_sync.errors import PermanentError
from booking_sync.ports.dataverse.bookings import BookingRows, Recorded
from booking_sync.ports.outlook.calendars import AlreadyCreated, Calendar, Written
from booking_sync.sync.booking.proof import EventProver, ProvenAnswer
from booking_sync.sync.booking.removing import EventRemover
from booking_sync.sync.booking.synchronizer import Synchronizer
from booking_sync.sync.booking.writing import EventWriter
from booking_sync.sync.booking.zone_differences import ZoneDifferences
from tests.simulation.app.process import EVENT_ZONE, Parts
from tests.simulation.chance.clock import now
from tests.simulation.chance.focus import mixed
from tests.simulation.checks.calendars import WrappedCalendar

if TYPE_CHECKING:
    from datetime import datetime

    from booking_sync.domain.events.event import ContentPart, EventContent
    from booking_sync.domain.events.event_ref import EventRef
    from booking_sync.domain.events.ownership import Sealer
    from booking_sync.domain.events.zones import ZoneDifference
    from booking_sync.domain.messages.change import BookingChange
    from booking_sync.domain.outcome import Outcome
    from booking_sync.domain.plan import DesiredState, Plan
    from booking_sync.domain.record import BookingRow, SyncRecord
    from booking_sync.ports.platform.keys import OpenKeyring
    from booking_sync.sync.booking.applied import Applied
    from booking_sync.sync.booking.run import Run
    from booking_sync.sync.booking.task import SyncTask
    from tests.simulation.chance.trouble import Profile


class Trusting(Synchronizer):
    """Believes the recorded fingerprint in every round and on every delivery."""

    async def sync(self, task: SyncTask) -> Outcome:
        """As ever, but trusting."""
        return await super().sync(replace(task, trusted=True))

    async def _round(self, run: Run) -> Outcome | None:
        run.fresh = True
        return await super()._round(run)


class TrustingLaterRounds(Synchronizer):
    """Believes the row's fingerprint again once somebody else has written the row."""

    async def _round(self, run: Run) -> Outcome | None:
        run.fresh = True
        return await super()._round(run)


class RemovingUnrecorded(Synchronizer):
    """Leaves the row's version as it is when an event was removed and the record stays the same."""

    async def _recover(self, run: Run, row: BookingRow, desired: DesiredState) -> tuple[BookingRow, bool]:
        row, _ = await super()._recover(run, row, desired)
        return row, False

    async def _apply(self, run: Run, steps: Plan, row: BookingRow, desired: DesiredState) -> Applied:
        applied = await super()._apply(run, steps, row, desired)
        return applied if steps.write else replace(applied, must_record=applied.record != row.record)


class ForgettingGenerations(Synchronizer):
    """Forgets in which mailbox which generation was used up."""

    async def _recover(self, run: Run, row: BookingRow, desired: DesiredState) -> tuple[BookingRow, bool]:
        recovered = await super()._recover(run, row, desired)
        run.burned.clear()
        return recovered


class KeepingOwn(Synchronizer):
    """Never removes an event that this run created and the row does not want."""

    async def _apply(self, run: Run, steps: Plan, row: BookingRow, desired: DesiredState) -> Applied:
        own = steps.undone.event if steps.undone else None
        kept = replace(steps, undone=None, remove=tuple(each for each in steps.remove if each != own))
        return await super()._apply(run, kept, row, desired)


class CreatingAnew(Synchronizer):
    """Forgets the event that it created when it goes round again."""

    async def _round(self, run: Run) -> Outcome | None:
        run.own = None
        return await super()._round(run)


class TaggingCreationsOnly(Synchronizer):
    """Takes a record with a fingerprint as proof that the open extension is there."""

    async def _apply(self, run: Run, steps: Plan, row: BookingRow, desired: DesiredState) -> Applied:
        if isinstance(steps.write, UpdateEvent) and row.record.fingerprint:
            steps = replace(steps, write=replace(steps.write, tag=False))
        return await super()._apply(run, steps, row, desired)


class _NotLookingAgain(EventWriter):
    async def _under_another_id(self, run: Run, gone: EventRef) -> Own | None:
        del run, gone
        return None


class NotLookingAgain(Synchronizer):
    """Takes an event for gone when its id is."""

    writer = _NotLookingAgain


class _Mailing(EventRemover):
    async def may_touch(self, run: Run, event: EventRef) -> bool:
        return event not in run.removed


class Mailing(Synchronizer):
    """Minds nobody who is invited."""

    remover = _Mailing


class _NotLooking(EventRemover):
    async def may_touch(self, run: Run, event: EventRef) -> bool:
        if event in run.attended:
            raise PermanentError(ATTENDED_REASON)
        return event not in run.removed


class NotLooking(Synchronizer):
    """Minds people of whom it has heard, and looks for none."""

    remover = _NotLooking


class _NotReplacing(EventWriter):
    async def _may_be_replaced(self, run: Run, event: EventRef) -> bool:
        del run, event
        return False


class NotReplacing(Synchronizer):
    """Takes the refusal to turn a series or an all-day event back for the last word."""

    writer = _NotReplacing


class NotRecovering(Synchronizer):
    """Looks nowhere for what an uncertain try may have left."""

    async def _recover(self, run: Run, row: BookingRow, desired: DesiredState) -> tuple[BookingRow, bool]:
        del run, desired
        return row, False


class RecordingWhatWasSent(Synchronizer):
    """Records the fingerprint of the times as they were sent, which may be in UTC."""

    async def _apply(self, run: Run, steps: Plan, row: BookingRow, desired: DesiredState) -> Applied:
        applied = await super()._apply(run, steps, row, desired)
        if not isinstance(desired, Wanted) or not applied.record.fingerprint:
            return applied
        sent = self._writer._zones.form(desired.content)  # noqa: SLF001 - what it sent with
        return replace(applied, record=replace(applied.record, fingerprint=sent.fingerprint()))


@dataclass(frozen=True)
class AnyVersion:
    """Rows that record whatever the version: no If-Match."""

    rows: BookingRows

    async def read(self, booking_id: str) -> BookingRow | None:
        """See the port."""
        return await self.rows.read(booking_id)

    async def record(
        self, booking_id: str, etag: str, record: SyncRecord, returned: Returned | None = None
    ) -> Recorded:
        """See the port, but for the version."""
        row = await self.rows.read(booking_id)
        if row is None:
            return Recorded.MISSING
        done = await self.rows.record(booking_id, row.etag, record, returned)
        return await self.record(booking_id, etag, record, returned) if done is Recorded.CONFLICT else done


class _OneGeneration(WrappedCalendar):
    """Every creation of a booking in a mailbox has the same transactionId."""

    async def create(
        self,
        mailbox: str,
        content: EventContent,
        *,
        marker: str,
        transaction_id: str,
        birth: str,
        stamp: str = "",
    ) -> Written | AlreadyCreated:
        del transaction_id
        first = _first(mailbox, marker)
        return await super().create(
            mailbox, content, marker=marker, transaction_id=first, birth=birth, stamp=stamp
        )


class _BlindToShapes(WrappedCalendar):
    """Believes that an update which is taken makes an ordinary event of any."""

    async def update(
        self,
        event: EventRef,
        content: EventContent,
        kept: frozenset[ContentPart] = frozenset(),
        *,
        stamp: str = "",
        etag: str = "",
    ) -> Written | None:
        written = await super().update(event, content, kept, stamp=stamp, etag=etag)
        return written and replace(written, state=replace(written.state, reshaped=False))


class _BlindToZones(ZoneDifferences):
    """Believes that Exchange reads a zone by our rules."""

    def misread(self, sent: EventContent, written: Written) -> ZoneDifference | None:
        del sent, written
        return None


class _ForgetfulOfZones(ZoneDifferences):
    """Learns nothing from what it had to write twice."""

    def learn(self, difference: ZoneDifference, mended: EventContent, written: Written) -> None:
        del difference, mended, written


class _NoAdoption(EventProver):
    """An event that an earlier try created is not taken over."""

    async def proven_answer(
        self,
        booking_id: str,
        mailbox: str,
        event_id: str | None,
        generation: int,
        *,
        searchable_before: datetime,
    ) -> ProvenAnswer:
        del booking_id, mailbox, event_id, generation, searchable_before
        return ProvenAnswer(None)


class _TransactionProves(EventProver):
    """What carries marker and transactionId counts as ours, as it did before there were seals."""

    async def own_events(self, booking_id: str, mailbox: str) -> list[Own]:
        mark = self.sealer.marker(booking_id)
        found = await self.calendar.find(mailbox, mark)
        numbered = ((each, own_generation(each.transaction_id, mark, mailbox, 40)) for each in found)
        return [Own(each.ref, number) for each, number in numbered if number]


class _ClaimsProve(EventProver):
    """What a row's columns or a message name counts as ours."""

    async def proven(self, booking_id: str, event: EventRef) -> ProvenAnswer:
        del booking_id
        return ProvenAnswer(Own(event, 1))


class _TagOfAnother(EventProver):
    """A tag proves the event that carries it, whatever event it was made for."""

    async def _prove(self, booking_id: str, found: Iterable[FoundEvent]) -> list[Own]:
        own = await super()._prove(booking_id, found)
        more = [Own(each.ref, own[0].generation) for each in found if own and each.ref != own[0].event]
        return sorted([*own, *more], key=lambda each: each.generation)


def _believing(change: BookingChange) -> BookingChange:
    """A record that somebody else wrote counts as the app's own."""
    return replace(change, uncertain=False)


def _in_the_services_words(body: Any) -> Any:
    """A gateway's answer counts as the service's own."""
    del body
    return {"error": {"code": "ErrorItemNotFound", "message": "The specified object was not found."}}


class _Stubborn(RenewableIdentity):
    """Hands out the managed identity's token however often it is refused, as azure-identity does."""

    def refused(self, token: str) -> None:
        del token


def _first(mailbox: str, marker: str) -> str:
    return transaction_id(marker, mailbox, 1)


@dataclass(frozen=True)
class Sabotage:
    """One rule removed, and how that shows."""

    parts: Parts
    shows_as: frozenset[str]
    """Kinds of violations, one of which must be found."""
    shape: Callable[[Profile], Profile] = mixed
    """Which schedules notice it."""


def _calendar(wrap: Callable[[Calendar], Calendar]) -> Parts:
    return Parts(calendar=wrap)


def _prover(kind: Callable[[Calendar, Sealer, OpenKeyring], EventProver]) -> Parts:
    return Parts(prover=lambda real: kind(real.calendar, real.sealer, real.keyring))


SABOTAGES = {
    "the untrusting rule": Sabotage(Parts(synchronizer=Trusting), frozenset({"content", "orphan"})),
    "distrust in later rounds": Sabotage(Parts(synchronizer=TrustingLaterRounds), frozenset({"content"})),
    "the record of removals": Sabotage(
        Parts(synchronizer=RemovingUnrecorded), frozenset({"missing", "orphan"})
    ),
    "the generations of each mailbox": Sabotage(
        Parts(synchronizer=ForgettingGenerations), frozenset({"generation"})
    ),
    "If-Match": Sabotage(Parts(rows=AnyVersion), frozenset({"content", "missing", "orphan", "unwanted"})),
    "the generation": Sabotage(_calendar(_OneGeneration), frozenset({"settle", "missing"})),
    "the undo": Sabotage(Parts(synchronizer=KeepingOwn), frozenset({"orphan"})),
    "carrying the own event along": Sabotage(Parts(synchronizer=CreatingAnew), frozenset({"orphan"})),
    "the adoption": Sabotage(_prover(_NoAdoption), frozenset({"orphan"})),
    "the recovery of suspects": Sabotage(Parts(synchronizer=NotRecovering), frozenset({"orphan"})),
    "the attendees": Sabotage(Parts(synchronizer=Mailing), frozenset({"mail"})),
    "the look for attendees": Sabotage(Parts(synchronizer=NotLooking), frozenset({"mail"})),
    "the making anew of what no update turns back": Sabotage(
        Parts(synchronizer=NotReplacing), frozenset({"poison", "content"})
    ),
    "the look at what an update left as it was": Sabotage(
        _calendar(_BlindToShapes), frozenset({"content", "second audit"})
    ),
    "tagging what is untrusted": Sabotage(Parts(synchronizer=TaggingCreationsOnly), frozenset({"tag"})),
    "the proof that no copy carries": Sabotage(
        _prover(_TransactionProves), frozenset({"hands off", "untold"})
    ),
    "the proof of what is claimed": Sabotage(
        _prover(_ClaimsProve), frozenset({"hands off", "missing", "content", "orphan"})
    ),
    "the identity in a tag": Sabotage(_prover(_TagOfAnother), frozenset({"hands off", "untold"})),
    "the second write in UTC": Sabotage(
        Parts(zones=lambda: _BlindToZones(EVENT_ZONE, now)), frozenset({"content"})
    ),
    "the memory of a zone's rules": Sabotage(
        Parts(zones=lambda: _ForgetfulOfZones(EVENT_ZONE, now)), frozenset({"zone"})
    ),
    "the fingerprint of the zone's times": Sabotage(
        Parts(synchronizer=RecordingWhatWasSent), frozenset({"second audit"})
    ),
    "the mistrust of a restored row": Sabotage(Parts(told=_believing), frozenset({"missing"})),
    "the mistrust of an imported record": Sabotage(Parts(told=_believing), frozenset({"content"})),
    "the look for an event under another id": Sabotage(
        Parts(synchronizer=NotLookingAgain), frozenset({"orphan"})
    ),
    "the service's own words": Sabotage(
        Parts(strangely=_in_the_services_words), frozenset({"orphan", "poison"})
    ),
    "the renewal of the identity's token": Sabotage(
        Parts(identity=_Stubborn), frozenset({"settle", "poison", "missing", "content"})
    ),
    "the pause of a throttled mailbox": Sabotage(
        Parts(mailbox_pause=lambda _answer: None), frozenset({"throttling"})
    ),
}
