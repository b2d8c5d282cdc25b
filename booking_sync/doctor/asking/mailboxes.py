"""The mailboxes that the command line names: a trial inside, a refusal outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from booking_sync.doctor import (
    mailboxes,
    trial,
)
from booking_sync.doctor.asking.findings import NEEDS_TOKEN
from booking_sync.doctor.report import Area
from booking_sync.domain.events.event_ref import is_mailbox
from booking_sync.errors import SettingsError
from booking_sync.ports.diagnosis import MailboxAccess

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from booking_sync.doctor.asking.findings import Findings
    from booking_sync.doctor.asking.sources import DoctorSources
    from booking_sync.doctor.options import DoctorOptions
    from booking_sync.domain.bookings.booking import Booking
    from booking_sync.domain.events.event import EventContent
    from booking_sync.ports.diagnosis import (
        TokenFacts,
    )
    from booking_sync.ports.platform.clock import Clock


@dataclass(frozen=True, slots=True)
class MailboxChecks:
    """The checks of mailboxes."""

    sources: DoctorSources
    findings: Findings
    options: DoctorOptions
    now: Clock
    new_id: Callable[[], str]
    sleep: Callable[[float], Awaitable[None]]

    async def run(self, graph: TokenFacts | None, *, names_known: bool) -> None:
        """Try the calendars of those inside, and see those outside refused.

        Args:
            graph: the app's token; None where it has none.
            names_known: whether Dataverse, which knows people by name, answers.
        """
        if not self.options.mailboxes:
            self.findings.note(mailboxes.not_asked())
        if graph is None:
            for name in (*self.options.mailboxes, *self.options.outside):
                self.findings.skip(Area.MAILBOXES, name, NEEDS_TOKEN)
            return
        for name in self.options.mailboxes:
            await self._inside(name, names_known=names_known)
        refused = [await self._outside(name, names_known=names_known) for name in self.options.outside]
        outside_refused = bool(refused) and all(refused)
        self.findings.note(mailboxes.judge_scope(graph.roles, outside_refused=outside_refused))

    async def _inside(self, name: str, *, names_known: bool) -> None:
        if self.options.dry_run:
            self.findings.note(trial.announce(name, self.now()))
            return
        mailbox = await self._find(name, names_known=names_known)
        calendar = self.findings.open(Area.MAILBOXES, self.sources.calendar) if mailbox else None
        if mailbox and calendar:
            made = trial.Trial(
                calendar, self.now(), self.new_id, self.sleep, self.findings.tell, self._render()
            )
            self.findings.note(*await made.run(name, mailbox))

    def _render(self) -> Callable[[Booking, datetime, datetime], EventContent] | None:
        """None where the settings can't be used, which has been told by then."""
        try:
            return self.sources.render()
        except SettingsError:
            return None

    async def _outside(self, name: str, *, names_known: bool) -> bool:
        mailbox = await self._find(name, names_known=names_known)
        reads = self.findings.open(Area.MAILBOXES, self.sources.mailbox_access) if mailbox else None
        if mailbox is None or reads is None:
            return False
        found = await self.findings.ask(Area.MAILBOXES, f"outside: {name}", lambda: reads.access(mailbox), "")
        if found:
            self.findings.note(mailboxes.judge_outside(name, found))
        return found is MailboxAccess.DENIED

    async def _find(self, name: str, *, names_known: bool) -> str | None:
        """The mailbox's id; None, with a finding, when it can't be had."""
        if is_mailbox(name):
            return name.lower()
        if not names_known:
            self.findings.skip(Area.MAILBOXES, name, "needs Dataverse, which knows people by name")
            return None
        nobody = mailboxes.unknown(name)
        mailbox = await self.findings.ask(
            Area.MAILBOXES, name, lambda: self.sources.app_access().mailbox_of(name), nobody.remedy
        )
        if mailbox == "":
            self.findings.note(nobody)
        return mailbox or None
