"""One booking to bring in step: what is known of it before its row is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from booking_sync.domain.return_path.missing import Missing

if TYPE_CHECKING:
    from booking_sync.domain.events.event_ref import EventClaim


@dataclass(frozen=True, slots=True)
class SyncTask:
    """One booking to bring in step."""

    booking_id: str
    trusted: bool = True
    """First delivery of a certain past: the recorded fingerprint may be believed."""
    deleted: frozenset[EventClaim] = field(default_factory=frozenset)
    """Events that deletions of this booking's row named; each has to be proven."""
    suspects: frozenset[str] = field(default_factory=frozenset)
    """Mailboxes in which an earlier try may have left an event that no row names."""
    look: bool = False
    """Somebody may have changed the event in Outlook."""
    versions: frozenset[str] = field(default_factory=frozenset)
    """Only with a look: those of the event that it is about, see `version_of`; none: whatever there is."""
    missing: Missing = Missing.UNKNOWN
    """What is known of the event where it may be gone."""

    def merge(self, other: SyncTask) -> SyncTask:
        """One task for two hints of the same booking."""
        looks = [each for each in (self, other) if each.look]
        return SyncTask(
            self.booking_id,
            self.trusted and other.trusted,
            self.deleted | other.deleted,
            self.suspects | other.suspects,
            bool(looks),
            # One that is about no version in particular makes the whole a look at whatever there is.
            frozenset().union(*(each.versions for each in looks))
            if all(e.versions for e in looks)
            else frozenset(),
            max(self.missing, other.missing, key=tuple(Missing).index),
        )
