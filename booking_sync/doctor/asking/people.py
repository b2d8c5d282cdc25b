"""Who takes part, and whether their calendars answer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from booking_sync.doctor import (
    categories,
    mailboxes,
    people,
)
from booking_sync.doctor.asking.findings import NEEDS_IDENTITY, NEEDS_TOKEN
from booking_sync.doctor.report import Area, CheckResult, CheckStatus
from booking_sync.domain.bookings.participation import calendar_of
from booking_sync.domain.bookings.reader import Reader
from booking_sync.errors import Cause, PermanentError, SyncError
from booking_sync.ports.diagnosis import MailboxAccess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from booking_sync.doctor.asking.findings import Findings
    from booking_sync.doctor.asking.sources import DoctorSources
    from booking_sync.domain.bookings.participation import Participation
    from booking_sync.ports.dataverse.bookings import NamedResource
    from booking_sync.ports.diagnosis import (
        TokenFacts,
    )


@dataclass(frozen=True, slots=True)
class PeopleChecks:
    """The checks of people."""

    sources: DoctorSources
    findings: Findings

    async def run(self, graph: TokenFacts | None, *, known: bool) -> None:
        """Who takes part, and what of their calendars the app may see.

        Args:
            graph: the app's token; None where it has none.
            known: whether Dataverse answers the app.
        """
        if not known:
            self.findings.skip(Area.PEOPLE, people.CHECK, NEEDS_IDENTITY)
            return
        self.findings.tell("looking at who takes part")
        everybody = await self.findings.ask(
            Area.PEOPLE, people.CHECK, lambda: self.sources.people().everybody(), people.READ
        )
        participation = self.findings.open(Area.PEOPLE, self.sources.participation)
        if everybody is None or participation is None:
            return
        self.findings.note(*people.judge_participants(everybody, participation))
        inside = people.taking_part(everybody, participation)
        if graph is None:
            self.findings.skip(Area.PEOPLE, people.CALENDARS, NEEDS_TOKEN)
        elif inside:
            await self._calendars(inside, participation)
            await self._readers(inside)

    async def _calendars(self, inside: Sequence[NamedResource], participation: Participation) -> None:
        """Ask for the calendars of those that take part; who can't be asked just now is left out."""
        reads = self.findings.open(Area.PEOPLE, self.sources.mailbox_access)
        if reads is None:
            return
        calendars = list(dict.fromkeys(filter(None, (calendar_of(each.resource) for each in inside))))
        asked = calendars[: people.MOST_TRIED]
        self.findings.tell(f"asking for {len(asked)} calendars")
        answers = await asyncio.gather(*(reads.access(each) for each in asked), return_exceptions=True)
        found = {
            mailbox: answer
            for mailbox, answer in zip(asked, answers, strict=True)
            if isinstance(answer, MailboxAccess)
        }
        for answer in answers:
            if isinstance(answer, BaseException) and not isinstance(answer, SyncError):
                raise answer
        unknown = [answer for answer in answers if isinstance(answer, SyncError)]
        if unknown:
            words = f"{len(unknown)} could not be asked for: {unknown[0].reason}"
            self.findings.note(
                CheckResult(Area.PEOPLE, people.CALENDARS, CheckStatus.WARNING, words, mailboxes.LATER)
            )
        if found:
            self.findings.note(people.judge_calendars(inside, found, participation))
        open_ones = [each for each, access in found.items() if access is MailboxAccess.ALLOWED]
        await self._colours(open_ones[: categories.MOST_TRIED])

    async def _colours(self, mailboxes: Sequence[str]) -> None:
        """Look into some lists of categories, where the event file names colours."""
        colours = self.findings.open(Area.PEOPLE, self.sources.colours)
        if not colours or not mailboxes:
            return
        lists = self.sources.category_lists()
        answers = await asyncio.gather(*(lists.names(each) for each in mailboxes), return_exceptions=True)
        found: dict[str, frozenset[str] | SyncError] = {}
        for mailbox, answer in zip(mailboxes, answers, strict=True):
            if not isinstance(answer, frozenset | SyncError):
                raise answer
            found[mailbox] = answer
        self.findings.note(categories.judge_colours(colours, found))

    async def _readers(self, inside: Sequence[NamedResource]) -> None:
        """Ask how people read, where the event file wants to know; others' mailboxes are left out."""
        if self.findings.failed(Area.SETTINGS):
            return
        reads = self.findings.open(Area.PEOPLE, self.sources.readers)
        if reads is None:
            return
        boxes = list(dict.fromkeys(filter(None, (calendar_of(each.resource) for each in inside))))
        asked = boxes[: people.MOST_TRIED]
        self.findings.tell(f"asking for the languages of {len(asked)} people")
        answers = await asyncio.gather(*(reads.reader(each) for each in asked), return_exceptions=True)
        told: dict[str, Reader] = {}
        refused: set[str] = set()
        for mailbox, answer in zip(asked, answers, strict=True):
            if isinstance(answer, Reader):
                told[mailbox] = answer
            elif isinstance(answer, PermanentError):
                refused |= {mailbox} if answer.cause is Cause.ACCESS_DENIED else set()
            elif not isinstance(answer, SyncError):
                raise answer
        self.findings.note(people.judge_readers(inside, len(asked), told, refused))
