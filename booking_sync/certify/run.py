"""One tenant check: which check comes when, and what is removed in the end.

A check that can't be made says so for each of its assumptions and stops no other one. Whatever was made is
removed again, also after Ctrl-C.
"""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from booking_sync.certify.assumptions import ASSUMPTIONS
from booking_sync.certify.assumptions.kinds import TriedBy
from booking_sync.certify.checks import CHECKS
from booking_sync.certify.parts import CheckContext, CheckNeed, TelemetryCauses
from booking_sync.certify.results import AssumptionResult, CertifyReport, NotTried, Observation
from booking_sync.certify.trial_events import SUBJECT, RefusedError, TrialEvents, quiet_hour
from booking_sync.certify.trial_subscriptions import TrialSubscriptions
from booking_sync.errors import SettingsError, SyncError, TransientError
from booking_sync.plumbing.uninterrupted import to_its_end

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from booking_sync.certify.parts import CertifyOptions, Check, Tenant
    from booking_sync.certify.results import CheckOutput
    from booking_sync.ports.certification import ServiceAnswer
    from booking_sync.ports.platform.clock import Clock
    from booking_sync.sync.booking.proof import EventProver

_FULL: Final = frozenset({"quotaexceededexception", "errorquotaexceeded"})
_NOT_READY: Final = frozenset({"erroritemnotfound", "errorfoldernotfound"})
_SUBSCRIBES: Final = (
    " For some seconds Graph is asked to report deletions in that mailbox to NOTIFICATION_URL."
)
_NOT_SEEN: Final = "the mailbox is neither full nor new"


@dataclass(slots=True)
class TenantCheck:
    """One run.

    Args:
        tenant: what is asked.
        prover: tells which events are ours.
        options: what the command line asks for.
        now: the time of day.
        new_id: a fresh GUID's text.
        tell: hears what is looked at, and what can't wait for the report.
        ask_person: says what to do in Outlook, and returns when it is done.
        sleep: waits so many seconds.
        elapsed: seconds that never go back.
        chance: so many random bits.
        checks: those that are made.
    """

    tenant: Tenant
    prover: EventProver
    options: CertifyOptions
    now: Clock
    new_id: Callable[[], str]
    tell: Callable[[str], None]
    ask_person: Callable[[str], Awaitable[None]]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    elapsed: Callable[[], float] = time.monotonic
    chance: Callable[[int], int] = random.getrandbits
    checks: Sequence[Check] = CHECKS
    _found: dict[str, CheckOutput] = field(default_factory=dict, init=False)
    _telemetry_causes: TelemetryCauses = field(default_factory=TelemetryCauses, init=False)

    async def run(self) -> CertifyReport:
        """Make every check that can be made, and remove what it made.

        Raises:
            TransientError: the test mailbox can't be looked into now.
            PermanentError: the app may not use it.
        """
        events, subscriptions = self._events(), self._subscriptions()
        try:
            refused = await self._begin(events) if self.options.mailbox else ""
            for each in self.checks:
                await self._make(each, self._bench(events, subscriptions), refused)
        finally:
            left = await to_its_end(self._clean_up(events, subscriptions)) if self.options.mailbox else ""
        return CertifyReport(tuple(self._results()), left, self._untraced())

    async def _clean_up(self, events: TrialEvents, subscriptions: TrialSubscriptions) -> str:
        """Remove what was made; tells and returns what may be left."""
        left: list[str] = []
        if problem := await subscriptions.sweep():
            left.append(
                f"A subscription to the test mailbox may still be there ({_reason(problem)}). "
                "The app's timer `watch` ends it within the hour, or run this again."
            )
        if problem := await events.sweep():
            left.append(
                f"A test event may still be there ({_reason(problem)}). "
                f"Delete «{SUBJECT}» by hand, or run this again."
            )
        for each in left:
            self.tell(each)
        return " ".join(left)

    def plan(self) -> list[tuple[str, str]]:
        """What a run would do: each check's assumptions, and what it reads or writes."""
        return [(", ".join(each.names), self._lacking(each) or each.does) for each in self.checks]

    def announcement(self) -> str:
        """What is written, in one sentence."""
        return (
            f"Test events «{SUBJECT}» are made on {quiet_hour(self.now()):%Y-%m-%d %H:%M} UTC and around, "
            "without attendees, nearly all shown as free, and removed for good in the end; no other event is "
            f"touched.{_SUBSCRIBES if self.options.address else ''}"
        )

    async def _begin(self, events: TrialEvents) -> str:
        """Remove what earlier runs left, and make a first event; why no event can be made, or nothing."""
        left = await events.remove_leftovers()
        if left:
            self.tell(f"removed {left} test events that an earlier run had left")
        (answer,) = await events.make(events.new())
        if answer.ok:
            return ""
        self._note_refusal(answer)
        return f"the test mailbox takes no event: {answer.verdict}"

    def _note_refusal(self, answer: ServiceAnswer) -> None:
        if answer.code.lower() in _FULL:
            self._note(Observation("full_mailbox", answer.verdict))
        elif answer.code.lower() in _NOT_READY:
            self._note(Observation("new_mailbox", answer.verdict))

    async def _make(self, check: Check, context: CheckContext, refused: str) -> None:
        lacking = self._lacking(check) or (refused if CheckNeed.MAILBOX in check.needs else "")
        if lacking:
            self._skip(check.names, lacking)
            return
        self.tell(f"{', '.join(check.names)}: {check.does}")
        try:
            async for each in check.work(context):
                self._note(each)
        except (SyncError, RefusedError, SettingsError) as error:
            self._skip(check.names, _reason(error))

    def _lacking(self, check: Check) -> str:
        """Why a check can't be made; empty when it can."""
        lacking = [str(each) for each in check.needs if self.options.lacks(each)]
        return f"needs {'; '.join(lacking)}" if lacking else ""

    def _skip(self, names: Iterable[str], why: str) -> None:
        for name in names:
            self._found.setdefault(name, NotTried(name, why))

    def _note(self, finding: CheckOutput) -> None:
        self._found[finding.name] = finding

    def _results(self) -> Iterable[AssumptionResult]:
        for name, assumption in ASSUMPTIONS.items():
            if assumption.trial is TriedBy.NEVER:
                missing = assumption.not_tried
            elif assumption.trial is TriedBy.WHEN_MET:
                missing = _NOT_SEEN if self.options.mailbox else f"needs {CheckNeed.MAILBOX}"
            else:
                missing = "the check ended before"
            yield AssumptionResult(assumption, self._found.get(name, NotTried(name, missing)))

    def _events(self) -> TrialEvents:
        return TrialEvents(
            self.tenant.calendar,
            self.prover,
            self.options.mailbox,
            now=self.now,
            chance=self.chance,
            sleep=self.sleep,
        )

    def _subscriptions(self) -> TrialSubscriptions:
        return TrialSubscriptions(
            self.tenant.subscriptions, self.options.address, self.options.mailbox, self.now
        )

    def _bench(self, events: TrialEvents, subscriptions: TrialSubscriptions) -> CheckContext:
        return CheckContext(
            self.tenant,
            self.options,
            events,
            subscriptions,
            self.now,
            self.elapsed,
            self.new_id,
            self.sleep,
            self.ask_person,
            self._telemetry_causes,
            self.tell,
        )

    def _untraced(self) -> str:
        """The correlation id of the message that was queued, when nobody has looked for its line."""
        return "" if self.options.workspace else self._telemetry_causes.correlation_id


def _reason(error: SyncError | RefusedError | SettingsError) -> str:
    """Why, without what a service says in words, which may name people."""
    if isinstance(error, RefusedError):
        return f"{error.what} was refused: {error.answer.verdict}"
    if isinstance(error, TransientError):
        return "a service gave no answer"
    return "a setting is missing" if isinstance(error, SettingsError) else "a service refused"
