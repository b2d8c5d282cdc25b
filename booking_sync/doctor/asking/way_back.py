"""The way back from Outlook: its status, key and subscriptions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from booking_sync.doctor import (
    way_back,
)
from booking_sync.doctor.asking.findings import NEEDS_IDENTITY, NEEDS_TOKEN
from booking_sync.doctor.report import Area

if TYPE_CHECKING:
    from booking_sync.doctor.asking.findings import Findings
    from booking_sync.doctor.asking.sources import DoctorSources
    from booking_sync.ports.diagnosis import (
        TokenFacts,
    )


@dataclass(frozen=True, slots=True)
class WayBackChecks:
    """The checks of the way back."""

    sources: DoctorSources
    findings: Findings

    async def run(self, graph: TokenFacts | None, *, known: bool) -> None:
        """What the way back needs, where the settings have one; arguments as for `PeopleChecks`."""
        settings = self.findings.open(Area.WAY_BACK, self.sources.returns)
        if settings is None:
            return
        policy = settings.return_policy
        self.findings.note(way_back.judge_policy(policy))
        if settings.return_columns is None:
            return
        reads = self.sources.way_back()
        if not known:
            self.findings.skip(Area.WAY_BACK, way_back.STATUS, NEEDS_IDENTITY)
        elif policy.cancels:
            there = await self.findings.ask(
                Area.WAY_BACK, way_back.STATUS, reads.canceled_statuses, way_back.READ
            )
            if there is not None:
                self.findings.note(way_back.judge_status(settings.cancel_status_id, there))
        if not settings.notification_url:
            self.findings.note(way_back.judge_without_notifications())
            return
        versions = await self.findings.ask(
            Area.WAY_BACK, way_back.KEY, reads.notification_keys, way_back.VAULT
        )
        self.findings.note(*([way_back.judge_key(versions)] if versions else []))
        if graph is None:
            self.findings.skip(Area.WAY_BACK, way_back.SUBSCRIPTIONS, NEEDS_TOKEN)
            return
        count = await self.findings.ask(
            Area.WAY_BACK, way_back.SUBSCRIPTIONS, reads.subscriptions, way_back.GRAPH_REPORTS
        )
        self.findings.note(*([way_back.judge_subscriptions(count)] if count is not None else []))
