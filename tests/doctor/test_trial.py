"""The doctor's test event: the one that this run made goes, and nothing else with its marker."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest

from booking_sync.doctor.report import CheckResult, CheckStatus
from booking_sync.doctor.trial import MARKER, SUBJECT, Trial
from booking_sync.domain.bookings.booking import Booking
from booking_sync.domain.events.event import EventContent, EventTime
from booking_sync.domain.events.event_ref import EventRef
from booking_sync.domain.events.event_text.templates import BadTemplateError
from booking_sync.errors import TransientError
from booking_sync.outlook.graph import errors
from booking_sync.outlook.graph.wire import Answer
from tests.support.bookings import ANNA
from tests.support.fakes import FakeCalendar, events_clock
from tests.support.pacing import Sleeper

TIME = EventTime("2026-03-02T09:00:00", "UTC")
FROM_BEFORE = EventContent("from before", "", TIME, TIME, "free")
BUSY = TransientError("busy")


class World:
    """A calendar in which an earlier run left an event."""

    def __init__(self, render: Callable[[Booking, datetime, datetime], EventContent] | None = None) -> None:
        self.calendar = FakeCalendar()
        self.earlier = self.calendar.user_creates(ANNA, FROM_BEFORE, MARKER).ref
        self.copies: set[EventRef] = set()
        self.told: list[str] = []
        ids = itertools.count(1)
        self._trial = Trial(
            self.calendar, events_clock(), lambda: f"id-{next(ids)}", Sleeper(), self.told.append, render
        )

    def copy_at(self, operation: str) -> None:
        """Somebody copies the event, with everything that it carries, just before an operation."""

        async def copy(point: str) -> None:
            made = [each for each in self.calendar.of(ANNA) if each.birth]
            if point == f"calendar.{operation}" and made and not self.copies:
                self.copies.add(self.calendar.user_copies(made[0]).ref)

        self.calendar.hook = copy

    async def run(self) -> list[CheckStatus]:
        """What the check says."""
        return [each.status for each in await self.results()]

    async def results(self) -> list[CheckResult]:
        """All that it says."""
        return await self._trial.run("Anna", ANNA)

    @property
    def events(self) -> set[EventRef]:
        """What is in the calendar."""
        return set(self.calendar.events)


async def test_only_the_event_of_this_run_is_removed() -> None:
    """One with the same marker, which an earlier run left or somebody copied, stays."""
    world = World()
    assert await world.run() == [CheckStatus.OK]
    assert world.events == {world.earlier}


def rendered(booking: Booking, _start: datetime, _end: datetime) -> EventContent:
    """What settings of one's own may make of a booking."""
    body = f"<p>{booking.work_order.number if booking.work_order else ''}</p>"
    return EventContent("template", body, TIME, TIME, "busy", categories=("Field Service: Scheduled",))


async def test_the_calendar_of_the_settings_is_named() -> None:
    """The test event is made there, so that it is known to be usable."""
    named = World(lambda *about: replace(rendered(*about), calendar="Jobs"))
    (result,) = await named.results()
    assert "in the calendar «Jobs»" in result.words
    assert all("in the calendar" not in each.words for each in await World(rendered).results())


async def test_the_event_is_as_the_app_s_settings_render_it() -> None:
    """Text, times and category are tried; people know it by its subject, and nobody counts as busy."""
    world = World(rendered)
    made: list[EventContent] = []

    async def look(point: str) -> None:
        made.extend(each.content for each in world.calendar.of(ANNA) if each.birth and point.endswith("find"))

    world.calendar.hook = look
    assert await world.run() == [CheckStatus.OK]
    assert (made[0].subject, made[0].show_as) == (SUBJECT, "free")
    assert (made[0].body_html, made[0].start) == ("<p>WO-0000</p>", TIME)
    assert made[0].categories == ("Field Service: Scheduled",)


async def test_a_template_that_fails_is_told_and_nothing_is_made() -> None:
    """Settings that are well-formed may still fail on a booking with everything in it."""

    def fail(_booking: Booking, _start: datetime, _end: datetime) -> EventContent:
        raise BadTemplateError("UndefinedError")

    world = World(fail)
    assert await world.run() == [CheckStatus.ERROR]
    assert world.events == {world.earlier}


async def test_a_copy_of_the_event_stays() -> None:
    """Of two events with this run's birth the first is the one that it made."""
    world = World()
    world.copy_at("find")
    assert await world.run() == [CheckStatus.OK]
    assert len(world.copies) == 1
    assert world.events == {world.earlier} | world.copies


async def test_a_copy_stays_when_the_answer_to_the_removal_is_lost() -> None:
    """The event is gone although Outlook said otherwise; the next try does not take the copy for it."""
    world = World()
    world.copy_at("delete")
    world.calendar.faults.after["delete"] = [BUSY]
    assert await world.run() == [CheckStatus.OK]
    assert len(world.copies) == 1
    assert world.events == {world.earlier} | world.copies


async def test_an_event_whose_answer_was_lost_is_removed() -> None:
    """It is known by its birth, though nobody told its id."""
    world = World()
    world.calendar.faults.after["create"] = [BUSY]
    assert await world.run() == [CheckStatus.ERROR]
    assert world.events == {world.earlier}


async def test_an_event_that_stays_is_told() -> None:
    """At once, since after Ctrl-C there is no report."""
    world = World()
    world.calendar.faults.before["delete"] = [BUSY, BUSY, BUSY]
    assert await world.run() == [CheckStatus.OK, CheckStatus.ERROR]
    assert len(world.told) == 1


REMEDIES = {
    "zone": "EVENT_TIME_ZONE",
    "scope": "Test-ServicePrincipalAuthorization",
    "licence": "licence",
    "calendar": "is being made",
    "room": "make room",
    "content": "EVENT_BODY_TEMPLATE",
    "app": "the app itself",
    "later": "Try again later",
}
"""Words that tell them apart."""


def remedies(result: CheckResult) -> list[str]:
    """Which of them a finding gives."""
    return [name for name, words in REMEDIES.items() if words in result.remedy]


@pytest.mark.parametrize(
    ("status", "code", "remedy"),
    [
        (400, "TimeZoneNotSupportedException", "zone"),
        (400, "ErrorTimeZone", "zone"),
        (403, "ErrorAccessDenied", "scope"),
        (403, "AccessDenied", "scope"),
        (404, "MailboxNotEnabledForRESTAPI", "licence"),
        (404, "ResourceNotFound", "licence"),
        (404, "ErrorItemNotFound", "calendar"),
        (404, "ErrorFolderNotFound", "calendar"),
        (403, "ErrorQuotaExceeded", "room"),
        (507, "QuotaExceededException", "room"),
        (400, "ErrorMessageSizeExceeded", "content"),
        (400, "ErrorPropertyValidationFailure", "content"),
        (400, "BadRequest", "content"),
        (429, "ApplicationThrottled", "later"),
        (503, "", "later"),
    ],
)
async def test_the_remedy_fits_the_refusal(status: int, code: str, remedy: str) -> None:
    """A zone, a mailbox's scope, licence, calendar or room, what the event holds, or a passing trouble."""
    answer = Answer(status, {}, {"error": {"code": code, "message": "What Graph says."}})
    world = World()
    world.calendar.faults.before["create"] = [
        errors.translate(answer, events_clock(), writes=True, creating=True)
    ]
    (result,) = await world.results()
    assert (result.status, remedies(result)) == (CheckStatus.ERROR, [remedy])


async def test_a_refusal_of_the_app_itself_is_not_the_mailbox_s() -> None:
    """Nobody's licence or scope mends it, and waiting does not."""
    world = World()
    world.calendar.faults.before["create"] = [TransientError("refused", until_mended=True)]
    (result,) = await world.results()
    assert (result.status, remedies(result)) == (CheckStatus.ERROR, ["app"])


async def test_in_a_mailbox_that_refuses_nothing_is_left() -> None:
    """Nothing was made there, so there is nothing to remove by hand."""
    world = World()
    world.calendar.refused[ANNA] = "denied"
    assert await world.run() == [CheckStatus.ERROR]
    assert world.told == []
