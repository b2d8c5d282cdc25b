"""What one run of a booking's task knows: the only mutable state of the protocol.

Answers tell of events, of people at them and of refusals while requests are under way side by side; whatever
decides later asks here.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from booking_sync.domain.events.event import SHARED, EventState, tells_of_nobody, unchanged_parts
from booking_sync.domain.events.event_ref import EventRef
from booking_sync.domain.outcome import Outcome, OutcomeKind, deferred_by
from booking_sync.domain.plan import DesiredState, Knowledge, Wanted
from booking_sync.errors import PermanentError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta

    from booking_sync.domain.events.ownership import Own
    from booking_sync.domain.record import BookingRow
    from booking_sync.domain.return_path.times import Times
    from booking_sync.errors import TransientError
    from booking_sync.ports.outlook.calendars import Written
    from booking_sync.sync.booking.task import SyncTask

LEFT_ALONE = "an event that is not proven ours was left alone"


@dataclass(slots=True)
class Run:
    """What one run of a task knows so far."""

    task: SyncTask
    suspects: set[str]
    events: set[EventRef] = field(default_factory=set)
    """Every event proven to be this booking's."""
    uids: dict[EventRef, str] = field(default_factory=dict)
    """Their iCalUIds, as far as answers told."""
    removed: set[EventRef] = field(default_factory=set)
    """Events that this run removed or found removed: their immutable ids may go on answering from Deleted
    Items."""
    missed: set[EventRef] = field(default_factory=set)
    """Those of them that were not there, and whose other ids are not all removed yet."""
    discarded: set[EventRef] = field(default_factory=set)
    """Those that this run removed in order to make them anew."""
    quiet: set[EventRef] = field(default_factory=set)
    """Events that may be written to: as far as the row or an answer tells, nobody is invited."""
    attended: set[EventRef] = field(default_factory=set)
    """Events to which people are invited."""
    unremoved: set[str] = field(default_factory=set)
    """Mailboxes with an event that no row names and that stays because people are invited to it."""
    mailed: set[EventRef] = field(default_factory=set)
    """Events whose attendees only the answer to a write of this run told of."""
    own_categories: dict[EventRef, tuple[str, ...]] = field(default_factory=dict)
    """People's, where answers told of any."""
    left_alone: bool = False
    """Somebody named an event that is not proven to be this booking's."""
    rounds: int = 0
    fresh: bool = True
    """Nobody else wrote to the row since this run began, as far as it knows."""
    stays_fresh: bool = False
    """The round ended with a record of this run alone: what the next one reads is what it left."""
    looked: bool = False
    """The event was seen, and what came of that was recorded."""
    recovered: bool = False
    """What an earlier try may have left was looked for."""
    own: Own | None = None
    taken_up: EventRef | None = None
    """What this run found in place of the row's event, which has another id now; it is not of its making."""
    burned: dict[str, int] = field(default_factory=dict)
    """By mailbox, see `Knowledge`."""
    touched: bool = False
    """Something was, or may have been, written to Outlook that the row does not record."""
    patience: timedelta | None = None
    """How long a refusal that was met may pass by itself."""
    times: Times | None = None
    """Of the row as it was read last; None when it has none."""
    row: BookingRow | None = None
    """As it was read in this round; None where the booking is gone."""
    leaving: frozenset[EventRef] = frozenset()
    """Events that this row lists as leaving, so that they may be removed."""
    left: set[EventRef] = field(default_factory=set)
    """Those of them that are gone for good, under whatever id."""
    unleft: dict[EventRef, PermanentError] = field(default_factory=dict)
    """Those of them that could not be removed, and why."""
    deletion_counts: bool = False
    """That the row's event is gone is somebody's wish: the plan is as it was when both sides agreed."""
    gone: set[EventRef] = field(default_factory=set)
    """Events that no calendar shows, and that nobody may bury yet: somebody may have meant it."""
    withdrew: bool = False
    """Something of the booking's was taken off its row, to be removed."""
    refused_times: Times | None = None
    """What Dynamics 365 refused to make of the booking's times."""
    refusal: str = ""
    """Why."""
    stamped: dict[EventRef, str] = field(default_factory=dict)
    """The nonce of what this round wrote of an event's times; in the next one another run may have."""
    versions: dict[EventRef, str] = field(default_factory=dict)
    """What this run last knew an event to be, see `version_of`."""

    def begin_round(self) -> None:
        """Count another round."""
        self.fresh = self.fresh and (self.rounds == 0 or self.stays_fresh)
        self.stays_fresh = False
        self.stamped.clear()
        self.rounds += 1

    def knowledge(self) -> Knowledge:
        """What planning has to know beyond the row."""
        return Knowledge(self.task.trusted and self.fresh, self.own, dict(self.burned))

    def burn(self, mailbox: str, generation: int) -> None:
        """Take note of a generation that is used up in this mailbox."""
        self.burned[mailbox] = max(self.burned.get(mailbox, 0), generation)

    def end(self, kind: OutcomeKind, detail: str) -> Outcome:
        """How the run ended, in words for the log."""
        return Outcome(
            kind,
            f"{detail}; {LEFT_ALONE}" if self.left_alone else detail,
            patience=self.patience if kind is OutcomeKind.FAILED else None,
            rounds=self.rounds,
        )

    def wrote(self, mailbox: str, written: Written) -> EventRef:
        """Take note of what an answer says of an event of ours."""
        event = EventRef(mailbox, written.event_id)
        self.events.add(event)
        self.saw(event, written.state)
        if written.uid:
            self.uids[event] = written.uid
        return event

    def found(self, own: Own) -> EventRef:
        """Take note of an event of ours that a search found."""
        self.events.add(own.event)
        if own.uid:
            self.uids[own.event] = own.uid
        if own.state:
            self.saw(own.event, own.state)
        return own.event

    def saw(self, event: EventRef, state: EventState) -> None:
        """Take note of what people have made of an event."""
        self.own_categories[event] = state.categories
        if state.attended:
            self.attended.add(event)
            self.quiet.discard(event)
        else:
            self.attended.discard(event)
            self.quiet.add(event)

    def expect_quiet(self, event: EventRef) -> None:
        """Take note of a record that knows of no people; what this run has heard itself counts for more."""
        if event not in self.attended:
            self.quiet.add(event)

    def believe(self, row: BookingRow, desired: DesiredState) -> None:
        """Take note of what the row tells of its event.

        Whoever learnt of people at the event recorded no fingerprint; whoever died before that comes back
        untrusted. What this run has heard itself counts for more than a row that somebody else recorded.
        """
        event, fingerprint = row.record.event, row.record.fingerprint
        if event is None:
            return
        self.events.add(event)
        if event in self.attended:
            return
        plain = not fingerprint.endswith(SHARED) or (
            isinstance(desired, Wanted)
            and "categories" in unchanged_parts(fingerprint, desired.content.fingerprint())
        )
        if self.task.trusted and tells_of_nobody(fingerprint) and plain:
            self.quiet.add(event)
        else:
            self.quiet.discard(event)

    def refused(self, results: Iterable[object]) -> None:
        """Take note of refusals that may pass by themselves."""
        found = (each.patience for each in results if isinstance(each, PermanentError) and each.patience)
        self.patience = max(found, default=self.patience)

    def deferred(self, error: TransientError) -> Outcome:
        """The run to be tried again, with what it may have left behind."""
        return replace(
            deferred_by(error),
            uncertain=self.touched or not self.task.trusted,
            suspects=frozenset(self.suspects),
            rounds=self.rounds,
        )
