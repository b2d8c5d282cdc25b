"""What checks of a tenant work with, and what a check is.

Apart from their run, so that neither imports the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from datetime import datetime

    from booking_sync.certify.results import CheckOutput
    from booking_sync.certify.trial_events import TrialEvents
    from booking_sync.certify.trial_subscriptions import TrialSubscriptions
    from booking_sync.domain.bookings.booking import Booking
    from booking_sync.domain.events.event import EventContent
    from booking_sync.domain.events.zones import EventZone
    from booking_sync.ports.certification import (
        AppTrials,
        CalendarTrials,
        DynamicsTrials,
        SubscriptionTrials,
        TelemetryTrials,
    )
    from booking_sync.ports.platform.clock import Clock


class CheckNeed(StrEnum):
    """What a check can't do without, in the words that say so when it is missing."""

    MAILBOX = "a test mailbox: --mailbox"
    OTHER_MAILBOX = "a second --mailbox, which is only read"
    PERSON = "somebody who helps in Outlook: --by-hand"
    BOOKING = "a test booking: --booking"
    DYNAMICS = "Dynamics 365"
    WEBHOOK = "the webhook's address and key: WEBHOOK_URL and WEBHOOK_KEY"
    ADDRESS = "the deployed app's address for notifications: set RETURN_PATH and NOTIFICATION_URL"
    WORKSPACE = "the Log Analytics workspace, and somebody who may read it: --workspace"


@dataclass(frozen=True, slots=True)
class CertifyOptions:
    """What the command line asks for; ids are GUIDs in lower case."""

    mailbox: str = ""
    """Entra object id of the test mailbox's user; empty for none."""
    other_mailbox: str = ""
    booking: str = ""
    webhook: bool = False
    """Whether the webhook's address and key are known."""
    address: str = ""
    """`NOTIFICATION_URL`, where the return path is on; else empty."""
    workspace: str = ""
    """Id of the Log Analytics workspace that the app's telemetry goes to; empty for none."""
    by_hand: bool = False
    dry_run: bool = False

    def lacks(self, need: CheckNeed) -> bool:
        """Whether a check with this need can't be made."""
        given = {
            CheckNeed.MAILBOX: bool(self.mailbox),
            CheckNeed.OTHER_MAILBOX: bool(self.other_mailbox),
            CheckNeed.PERSON: self.by_hand,
            CheckNeed.BOOKING: bool(self.booking),
            CheckNeed.WEBHOOK: self.webhook,
            CheckNeed.ADDRESS: bool(self.address),
            CheckNeed.WORKSPACE: bool(self.workspace),
        }
        return not given.get(need, True)


@dataclass(frozen=True, slots=True)
class Tenant:
    """Everything that is asked, and the rules of this deployment."""

    calendar: CalendarTrials
    subscriptions: SubscriptionTrials
    dynamics: DynamicsTrials
    app: AppTrials
    telemetry: TelemetryTrials
    zone: EventZone
    render: Callable[[Booking, datetime, datetime], EventContent]
    """By the app's own settings."""


@dataclass(slots=True)
class TelemetryCauses:
    """What a run has made the deployed app tell, so that it can be looked for in its telemetry."""

    correlation_id: str = ""
    """Of the message that was queued."""
    posted: datetime | None = None
    """When webhooks were posted that the app took; aware."""
    queued: datetime | None = None
    """When that message was queued, once it was taken; aware."""


@dataclass(frozen=True, slots=True)
class CheckContext:
    """What a check gets."""

    tenant: Tenant
    options: CertifyOptions
    events: TrialEvents
    subscriptions: TrialSubscriptions
    now: Clock
    elapsed: Callable[[], float]
    """Seconds that never go back."""
    new_id: Callable[[], str]
    sleep: Callable[[float], Awaitable[None]]
    ask_person: Callable[[str], Awaitable[None]]
    """Says what to do, and returns when it is done."""
    telemetry_causes: TelemetryCauses
    tell: Callable[[str], None]
    """Hears what takes long."""

    @property
    def calendar(self) -> CalendarTrials:
        """Graph."""
        return self.tenant.calendar


@dataclass(frozen=True, slots=True)
class Check:
    """Finds out about some assumptions together."""

    names: tuple[str, ...]
    """The assumptions."""
    does: str
    """What it reads or writes, for `--dry-run`."""
    needs: tuple[CheckNeed, ...]
    work: Callable[[CheckContext], AsyncIterator[CheckOutput]]
