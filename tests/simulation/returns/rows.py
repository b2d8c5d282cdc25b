"""Rows that come back with what they remembered: from the recycle bin, or from a file.

Somebody else than the app wrote the record then, with a seal that is good: it is true of an earlier moment.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.simulation.chance.conductor import Choice

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.simulation.chance.conductor import Conductor
    from tests.simulation.people import Dispatcher
    from tests.simulation.services.dataverse import DataverseSide

ADMINISTRATOR_WEIGHT = 0.08
OURS = ("bsync_outlookeventid", "bsync_originalresource", "bsync_outlooksyncstate")
KEY = "bookableresourcebookingid"


@dataclass
class Administrator:
    """Brings rows back while dispatchers and the app are at work."""

    conductor: Conductor
    dataverse: DataverseSide
    dispatcher: Dispatcher
    restores: int
    file_acts: int
    exports: list[dict[str, Any]] = field(default_factory=list)
    returned: set[str] = field(default_factory=set)
    """Bookings whose rows came back."""
    imported: bool = False
    """A row was overwritten, or made again, by one of an earlier moment."""
    silently: bool = False
    """Only our columns were: no webhook tells of that."""

    def stop(self) -> None:
        """No more of it."""
        self.restores = self.file_acts = 0

    def choices(self) -> Iterable[Choice]:
        """One row."""
        if self.restores and self.dataverse.deleted:
            yield Choice(ADMINISTRATOR_WEIGHT, self._restore)
        if self.file_acts and (self.exports or self.dataverse.bookings()):
            yield Choice(ADMINISTRATOR_WEIGHT, self._use_file)

    def _restore(self) -> None:
        self.restores -= 1
        booking_id = self.conductor.random.choice(sorted(self.dataverse.deleted))
        self._note(booking_id, "restores")
        self.dataverse.restore(booking_id)

    def _use_file(self) -> None:
        self.file_acts -= 1
        live = list(self.dataverse.bookings())
        if live and (not self.exports or self.conductor.random.random() < 0.5):
            booking_id = self.conductor.random.choice(live)
            self.conductor.note(f"administrator exports {booking_id[-4:]}")
            self.exports.append(self.dataverse.export(booking_id))
        else:
            self._import(self.conductor.random.choice(self.exports))

    def _import(self, row: dict[str, Any]) -> None:
        booking_id = row[KEY]
        self.imported = True
        if booking_id not in self.dataverse.bookings():
            self._note(booking_id, "imports anew")
            self.dataverse.import_new(row)
        elif self.conductor.random.random() < 0.3:
            self._note(booking_id, "imports our columns of")
            self.silently = True
            self.dataverse.update(booking_id, {name: row[name] for name in OURS})
        else:
            self._note(booking_id, "imports")
            self.dataverse.update(booking_id, row)

    def _note(self, booking_id: str, what: str) -> None:
        self.returned.add(booking_id)
        self.dispatcher.wavering.add(booking_id)
        self.conductor.note(f"administrator {what} {booking_id[-4:]}")
