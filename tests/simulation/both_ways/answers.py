"""Dispatchers who answer what is proposed, by forms that may be older than the row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from booking_sync.domain.return_path.side import ProposalAnswer
from tests.simulation.both_ways.ledger import agreed_start, read
from tests.simulation.chance.conductor import Choice

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from typing import Any

    from tests.simulation.chance.conductor import Conductor
    from tests.simulation.people import Dispatcher
    from tests.simulation.services.dataverse import DataverseSide

ANSWER_WEIGHT = 0.7
OLD_FORM, UNNAMED = 0.25, 0.2
"""How often a form is older than the row, and how often an answer doesn't say which proposal it is for."""


@dataclass
class Answers:
    """Answers proposals."""

    conductor: Conductor
    dataverse: DataverseSide
    dispatcher: Dispatcher
    left: int
    forms: dict[str, list[tuple[datetime, datetime]]] = field(default_factory=dict)
    """By booking: the proposals that some form has shown."""

    def stop(self) -> None:
        """No more of it."""
        self.left = 0

    def choices(self) -> Iterable[Choice]:
        """One answer to one proposal."""
        if self.left and self._open():
            yield Choice(ANSWER_WEIGHT, self._act)

    def _open(self) -> dict[str, Mapping[str, Any]]:
        return {
            booking_id: row
            for booking_id, row in self.dataverse.bookings().items()
            if row.get("bsync_proposedstart") and row.get("bsync_proposalanswer") is None
        }

    def _act(self) -> None:
        self.left -= 1
        chance, rows = self.conductor.random, self._open()
        booking_id = chance.choice(sorted(rows))
        row = rows[booking_id]
        shown = (read(row["bsync_proposedstart"]), read(row["bsync_proposedend"]))
        forms = self.forms.setdefault(booking_id, [])
        old = bool(forms) and forms[-1] != shown and chance.random() < OLD_FORM
        seen = forms[-1] if old else shown
        if not old:
            forms.append(shown)
        self.dispatcher.ledger.answered(booking_id)
        unnamed = chance.random() < UNNAMED
        answer = chance.choice(tuple(ProposalAnswer))
        if answer is ProposalAnswer.ACCEPT:
            current = not old and not unnamed
            if current or unnamed:
                certain = current and self._is_as_agreed(booking_id, row)
                self.dispatcher.ledger.accepted(booking_id, shown[0], certain=certain)
        said = "" if unnamed else "/".join(f"{each:%Y-%m-%dT%H:%M:%SZ}" for each in seen)
        self.conductor.note(f"dispatcher answers {answer.name} to {said or 'whatever is proposed'}")
        self.dataverse.update(booking_id, {"bsync_proposalanswer": int(answer), "bsync_answerfor": said})

    def _is_as_agreed(self, booking_id: str, row: Mapping[str, Any]) -> bool:
        """Whether the plan is as it was when that was proposed, and the booking never left its event."""
        agreed, _ = agreed_start(row)
        return agreed == read(row["starttime"]) and booking_id not in self.dispatcher.wavering
