"""Events that a migration, an archive or an import gives new ids: the same event, marker and iCalUId.

It takes what has been there for a while, which is what rows name. While a mailbox is moved, nobody writes to
it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.simulation.chance.conductor import Choice
from tests.simulation.people import ANNA, BERT, NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.simulation.chance.conductor import Conductor
    from tests.simulation.services.dataverse import DataverseSide
    from tests.simulation.services.graph import GraphSide

MIGRATION_WEIGHT = 0.1


@dataclass
class Migration:
    """Gives one of our events, or all in a mailbox, a new id; mostly the mailbox forgets their creations."""

    conductor: Conductor
    graph: GraphSide
    dataverse: DataverseSide
    left: int
    happened: bool = False

    def stop(self) -> None:
        """No more of it."""
        self.left = 0

    def choices(self) -> Iterable[Choice]:
        """One mailbox."""
        if self.left:
            yield Choice(MIGRATION_WEIGHT, self._act)

    def _act(self) -> None:
        self.left -= 1
        mailbox = self.graph.state.user(self.conductor.random.choice((ANNA, BERT)))
        named = {row["bsync_outlookeventid"] for row in self.dataverse.bookings().values()}
        ours = [event for event in mailbox.events.values() if event.immutable_id in named and event.owner_app]
        if not ours:
            return
        chosen = ours if self.conductor.random.random() < 0.5 else [self.conductor.random.choice(ours)]
        self.happened = True
        for event in chosen:
            former = event.immutable_id
            self.graph.state.renumber(mailbox, event)
            self.conductor.note(f"{NAMES[mailbox.id]}'s {former} becomes {event.immutable_id}")
