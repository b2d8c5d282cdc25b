"""The one check that writes: it makes an event in a mailbox, reads it back, and always removes it.

The event carries a marker that no booking has, so the audit leaves it alone. What a killed run left stays: it
can't be told from a copy that somebody made.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from booking_sync.doctor.mailboxes import LATER, remedy
from booking_sync.doctor.report import Area, CheckResult, CheckStatus
from booking_sync.domain.bookings.example import example_booking
from booking_sync.domain.events.event import EventContent, EventTime
from booking_sync.domain.events.event_text.templates import BadTemplateError
from booking_sync.errors import PermanentError, SyncError, TransientError
from booking_sync.plumbing.uninterrupted import to_its_end
from booking_sync.ports.outlook.calendars import Written

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from booking_sync.domain.bookings.booking import Booking
    from booking_sync.domain.events.event import FoundEvent
    from booking_sync.domain.events.event_ref import EventRef
    from booking_sync.ports.outlook.calendars import AlreadyCreated, Calendar

MARKER: Final = "booking-sync-doctor/test-event"
SUBJECT: Final = "booking_sync test event (removed within seconds)"
SWEEP_PAUSES: Final = (0.0, 1.0, 4.0)
"""Seconds before each try to remove the event."""
_SUNDAY, _HOUR = 6, 3
_LENGTH = timedelta(minutes=5)
_NO_BOOKING = "00000000-0000-4000-8000-0000000d0c70"
"""The id of no row, for the link in the event's text."""
_BODY = "<p>Made by <code>booking-sync doctor</code> to see whether it may; delete it at will.</p>"
_ZONE = (
    "Exchange reads EVENT_TIME_ZONE otherwise: events are written again in UTC, and are right. Update the "
    "app's package tzdata; `booking-sync certify` tells which times differ."
)


def quiet_hour(now: datetime) -> datetime:
    """When the test event is: far from anybody's working hours, in UTC."""
    day = now + timedelta(days=(_SUNDAY - now.weekday()) % 7 + 7)
    return day.replace(hour=_HOUR, minute=0, second=0, microsecond=0)


def announce(name: str, now: datetime) -> CheckResult:
    """What the trial would write."""
    words = f"would make, read back and remove the event «{SUBJECT}» on {quiet_hour(now):%Y-%m-%d %H:%M} UTC"
    return CheckResult(Area.MAILBOXES, name, CheckStatus.SKIPPED, words)


@dataclass(frozen=True, slots=True)
class Trial:
    """Makes the event, reads it back, removes it.

    Args:
        calendar: where.
        now: aware, UTC.
        new_id: a fresh GUID's text.
        sleep: waits so many seconds.
        tell: called at once about an event that could not be removed: after Ctrl-C there is no report.
        render: renders bookings by the app's settings; None where these can't be used.
    """

    calendar: Calendar
    now: datetime
    new_id: Callable[[], str]
    sleep: Callable[[float], Awaitable[None]]
    tell: Callable[[str], None]
    render: Callable[[Booking, datetime, datetime], EventContent] | None = None

    async def run(self, name: str, mailbox: str) -> list[CheckResult]:
        """One finding, and one more if the event could not be removed.

        Args:
            name: the mailbox, as it was asked for.
            mailbox: its user's Entra object id.
        """
        left: list[CheckResult] = []
        open_to_us = True
        ours = self.new_id()
        try:
            content = self._content()
        except BadTemplateError as error:
            return [_unrenderable(name, error)]
        try:
            created = await self.calendar.create(
                mailbox, content, marker=MARKER, transaction_id=ours, birth=ours
            )
            found = await self.calendar.find(mailbox, MARKER)
            seen = created.event_id in {each.ref.event_id for each in found}
            result = _judge(name, created, quiet_hour(self.now), content.calendar, seen=seen)
        except SyncError as error:
            result, open_to_us = _refused(name, error), isinstance(error, TransientError)
        finally:
            # Also after Ctrl-C, and when the answer to the creation was lost.
            left += await to_its_end(self._clean_up(name, mailbox, ours, told=open_to_us))
        return [result, *left]

    async def _clean_up(self, name: str, mailbox: str, ours: str, *, told: bool) -> list[CheckResult]:
        problem = await self._sweep(mailbox, ours)
        if not (problem and told):
            return []
        left = _left(name, problem)
        self.tell(left.words)
        return [left]

    def _content(self) -> EventContent:
        """As the app's settings render a booking: body, zone, category. Subject and availability are our own.

        Raises:
            BadTemplateError: a template fails.
        """
        start = quiet_hour(self.now)
        end = start + _LENGTH
        if self.render is None:
            return EventContent(SUBJECT, _BODY, _time(start), _time(end), show_as="free")
        rendered = self.render(example_booking(_NO_BOOKING, SUBJECT, start, end), start, end)
        return replace(rendered, subject=SUBJECT, show_as="free")

    async def _sweep(self, mailbox: str, ours: str) -> SyncError | None:
        """Remove the event that this run made; returns why that did not work.

        Others with the marker are somebody's copies, or of a run that broke off and told what it left.
        """
        problem: SyncError | None = None
        made: EventRef | None = None
        for pause in SWEEP_PAUSES:
            await self.sleep(pause)
            try:
                # Found only once: a deletion that failed may have worked, and what is left then is a copy.
                made = made or _first(await self.calendar.find(mailbox, MARKER), ours)
                if made:
                    await self.calendar.delete(made)
            except PermanentError as error:
                return error
            except TransientError as error:
                problem = error
            else:
                return None
        return problem


def _first(found: Sequence[FoundEvent], birth: str) -> EventRef | None:
    """The event of this birth; those that Exchange made later are copies of it."""
    ours = [each for each in found if each.birth == birth]
    latest = datetime.max.replace(tzinfo=UTC)
    return min(ours, key=lambda each: each.created or latest).ref if ours else None


def _judge(
    name: str, created: Written | AlreadyCreated, meant: datetime, calendar: str, *, seen: bool
) -> CheckResult:
    shown = created.start if isinstance(created, Written) else None
    if seen and shown is not None and shown.replace(microsecond=0) != meant:
        words = f"a test event for {meant:%Y-%m-%d %H:%M} UTC is shown at {shown:%Y-%m-%d %H:%M} UTC"
        return CheckResult(Area.MAILBOXES, name, CheckStatus.WARNING, words, _ZONE)
    if seen:
        where = f" in the calendar «{calendar}», which is made where it is missing" if calendar else ""
        words = f"a test event was made{where}, read back and removed"
        return CheckResult(Area.MAILBOXES, name, CheckStatus.OK, words)
    words = "a test event was made, but is not found in the calendar again"
    return CheckResult(Area.MAILBOXES, name, CheckStatus.ERROR, words, LATER)


def _refused(name: str, error: SyncError) -> CheckResult:
    return CheckResult(Area.MAILBOXES, name, CheckStatus.ERROR, error.reason, remedy(error))


def _left(name: str, error: SyncError) -> CheckResult:
    words = f"the test event may still be there: {error.reason}"
    remedy = f"Delete «{SUBJECT}» by hand."
    return CheckResult(Area.MAILBOXES, f"{name}: removal", CheckStatus.ERROR, words, remedy)


def _unrenderable(name: str, error: BadTemplateError) -> CheckResult:
    words = f"the app's templates can't render an example: {error}"
    remedy = "Correct EVENT_SUBJECT_TEMPLATE or EVENT_BODY_TEMPLATE (docs/settings.md)."
    return CheckResult(Area.MAILBOXES, name, CheckStatus.ERROR, words, remedy)


def _time(moment: datetime) -> EventTime:
    return EventTime(moment.strftime("%Y-%m-%dT%H:%M:%S"), "UTC")
