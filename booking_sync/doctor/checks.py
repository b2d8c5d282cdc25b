"""Which check comes when. Each asks a service once and judges the answer.

A check that needs what a failed check would have told is skipped, and its result says so.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from booking_sync.doctor.asking.dataverse import DataverseChecks
from booking_sync.doctor.asking.findings import NEEDS_TOKEN, Findings
from booking_sync.doctor.asking.mailboxes import MailboxChecks
from booking_sync.doctor.asking.own_parts import OwnPartsChecks
from booking_sync.doctor.asking.people import PeopleChecks
from booking_sync.doctor.asking.registration import RegistrationChecks
from booking_sync.doctor.asking.way_back import WayBackChecks
from booking_sync.doctor.report import Area, DoctorReport
from booking_sync.ports.diagnosis import Audience

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from booking_sync.doctor.asking.sources import DoctorSources
    from booking_sync.doctor.options import DoctorOptions
    from booking_sync.ports.platform.clock import Clock


@dataclass(slots=True)
class DoctorChecks:
    """One run of all checks.

    Args:
        sources: where the facts come from.
        options: what the command line asks for.
        now: the time of day.
        new_id: a fresh GUID's text.
        tell: called with what is looked at, and with what can't wait for the report.
        sleep: waits so many seconds.
    """

    sources: DoctorSources
    options: DoctorOptions
    now: Clock
    new_id: Callable[[], str]
    tell: Callable[[str], None]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def run(self) -> DoctorReport:
        """Make every check that can be made."""
        sources, findings = self.sources, Findings(self.tell)
        own = OwnPartsChecks(sources, findings, self.now)
        self.tell("looking at settings")
        own.settings()
        self.tell("looking at storage")
        await own.storage()
        self.tell("looking at secret, seal key, sign-in and clocks")
        await own.secret()
        await own.seal_key()
        graph = await own.token(Audience.GRAPH)
        dataverse = await own.token(Audience.DATAVERSE)
        await own.clocks()
        self.tell("looking at Dataverse")
        known = bool(dataverse and await DataverseChecks(sources, findings, self.now).run())
        if not dataverse:
            findings.skip(Area.DATAVERSE, "all", NEEDS_TOKEN)
        self.tell("looking at columns, webhook and steps")
        as_app = self.options.signed_in_as_app
        await RegistrationChecks(sources, findings, self.now, as_app).run(reachable=known)
        await WayBackChecks(sources, findings).run(graph, known=known)
        await PeopleChecks(sources, findings).run(graph, known=known)
        self.tell("looking at mailboxes")
        boxes = MailboxChecks(sources, findings, self.options, self.now, self.new_id, self.sleep)
        await boxes.run(graph, names_known=known)
        return DoctorReport(findings.results)
