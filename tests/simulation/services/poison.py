"""The poison queue as Azure Storage has it, and a process's way to it, which can fail at each step.

What the app lays down stays for good. What the Functions host moves there expires after seven days.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from booking_sync.azure.storage.queue import dead_letter_text
from booking_sync.errors import TransientError
from booking_sync.operations.dead_letters import read_dead_letter
from booking_sync.ports.platform.queues import PoisonMessage
from tests.simulation.chance.clock import now

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from tests.simulation.chance.conductor import Conductor
    from tests.simulation.chance.trouble import Troubles

HOST_KEEPS = timedelta(days=7)
"""What the host sends has no time to live, and the service's default is a week."""
PAGE = 32
"""Messages that one request gives at most."""


@dataclass(eq=False)
class _Letter:
    number: int
    text: str
    inserted: datetime
    expires: datetime | None
    visible_from: datetime
    takes: int = 0

    def message(self, receipt: str = "") -> PoisonMessage:
        return PoisonMessage(
            f"letter-{self.number}", self.text, receipt, inserted=self.inserted, expires=self.expires
        )


class PoisonModel:
    """The letters, for as long as Storage keeps them."""

    def __init__(self) -> None:
        self._count = 0
        self._letters: list[_Letter] = []

    def lay(self, message: str, reason: str, moment: datetime) -> None:
        """What the app gives up, for good."""
        self._lay(dead_letter_text(message, reason, moment), None)

    def lay_as_host(self, message: str) -> None:
        """What the Functions host gives up, bare."""
        self._lay(message, now() + HOST_KEEPS)

    def everything(self) -> list[PoisonMessage]:
        """All that is there, hidden ones included; what has expired is gone."""
        return [each.message() for each in self._kept()]

    def reasons(self) -> list[str]:
        """Why each was given up."""
        return [read_dead_letter(each).reason or "given up by the host" for each in self.everything()]

    def peek(self) -> list[PoisonMessage]:
        """The first that everybody sees."""
        return [each.message() for each in self._visible()]

    def take(self, hidden: timedelta) -> list[PoisonMessage]:
        """The first that everybody sees, hidden from now on."""
        taken = self._visible()
        for each in taken:
            each.takes += 1
            each.visible_from = now() + hidden
        return [each.message(str(each.takes)) for each in taken]

    def delete(self, message: PoisonMessage) -> None:
        """One that nobody has taken since."""
        self._letters = [each for each in self._letters if not _is(each, message)]

    def release(self, message: PoisonMessage) -> None:
        """One that nobody has taken since is seen again."""
        for each in self._letters:
            if _is(each, message):
                each.visible_from = now()

    def _lay(self, text: str, expires: datetime | None) -> None:
        self._count += 1
        self._letters.append(_Letter(self._count, text, now(), expires, now()))

    def _kept(self) -> list[_Letter]:
        self._letters = [each for each in self._letters if each.expires is None or each.expires > now()]
        return self._letters

    def _visible(self) -> list[_Letter]:
        return [each for each in self._kept() if each.visible_from <= now()][:PAGE]


def _is(letter: _Letter, message: PoisonMessage) -> bool:
    return (f"letter-{letter.number}", str(letter.takes)) == (message.message_id, message.receipt)


class ProcessPoison:
    """One process's way to the poison queue; fulfils `PoisonQueue`."""

    def __init__(self, model: PoisonModel, conductor: Conductor, troubles: Troubles, name: str) -> None:
        self._model = model
        self._conductor = conductor
        self._troubles = troubles
        self._name = name

    async def peek(self) -> Sequence[PoisonMessage]:
        """See the port."""
        when = await self._before("peeks")
        found = self._model.peek()
        await self._after("peeked", when)
        return found

    async def take(self, hidden_seconds: int) -> Sequence[PoisonMessage]:
        """See the port."""
        when = await self._before("takes letters")
        taken = self._model.take(timedelta(seconds=hidden_seconds))
        await self._after("took letters", when)
        return taken

    async def put(self, message: str, reason: str, moment: datetime) -> None:
        """See the port."""
        when = await self._before("puts a letter")
        self._model.lay(message, reason, moment)
        await self._after("put a letter", when)

    async def delete(self, message: PoisonMessage) -> None:
        """See the port."""
        when = await self._before("deletes a letter")
        self._model.delete(message)
        await self._after("deleted a letter", when)

    async def release(self, message: PoisonMessage) -> None:
        """See the port."""
        when = await self._before("releases a letter")
        self._model.release(message)
        await self._after("released a letter", when)

    async def _before(self, what: str) -> str:
        with self._conductor.stage(what):
            await self._conductor.turn(f"{self._name} {what}")
        when = self._troubles.pick(("before", "after")) if self._troubles.strikes("queue", 0.1) else ""
        if when == "before":
            self._troubles.tell("poison queue down before")
            raise TransientError("the storage queue can't be reached")
        return when

    async def _after(self, what: str, when: str) -> None:
        with self._conductor.stage(what):
            await self._conductor.turn(f"{self._name} {what}")
        if when == "after":
            self._troubles.tell("poison queue down after")
            raise TransientError("the storage queue did not answer in time", maybe_applied=True)
