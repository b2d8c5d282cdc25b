"""What Outlook should show of a booking: a table over everything that speaks against an event."""

from __future__ import annotations

import functools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from booking_sync.domain.bookings.booking import BookableResource, Booking, BookingStatus, CommitType
from booking_sync.domain.bookings.resource_type import ResourceType
from booking_sync.domain.events.event_text.renderer import EventRenderer, EventStyle
from booking_sync.domain.events.zones import event_zone
from booking_sync.domain.plan import Invalid, Unwanted, Wanted, desired_state
from tests.support.bookings import ANNA, CANCELED, PROPOSED, booking, technician

_RENDERER = EventRenderer(EventStyle(event_zone("UTC"), "https://contoso.crm4.dynamics.com"))
desired = functools.partial(desired_state, render=_RENDERER.render, require_work_order=True)
PLAIN = booking()
START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize("kind", [each for each in ResourceType if each is not ResourceType.USER])
def test_only_a_resource_of_type_user_has_a_calendar_of_its_own(kind: ResourceType) -> None:
    """Whatever user its row names, as a contact's or an account's may."""
    odd = replace(technician(ANNA), type=kind)
    assert desired(replace(PLAIN, resource=odd)) == Unwanted("the resource is no user and names no mailbox")


def test_a_type_is_a_number_as_dataverse_sends_it() -> None:
    """The adapter hands on the bare number, not a member of the enumeration; so with a status."""
    canceled = BookingStatus("Off", int(CommitType.CANCELED))
    assert isinstance(desired(replace(PLAIN, status=canceled)), Unwanted)
    assert isinstance(desired(replace(PLAIN, resource=replace(technician(ANNA), type=3))), Wanted)


@pytest.mark.parametrize(
    ("subject", "reason", "mailbox"),
    [
        (replace(PLAIN, active=False), "the booking is inactive", ANNA),
        (replace(PLAIN, status=CANCELED), "the booking is canceled", ANNA),
        (replace(PLAIN, work_order=None), "the booking has no work order", ANNA),
        (replace(PLAIN, resource=None), "the booking has no resource", None),
        (replace(PLAIN, resource=BookableResource(ResourceType.USER)), "the resource has no user", None),
        (replace(PLAIN, resource=technician(ANNA, disabled=True)), "the resource's user is disabled", ANNA),
    ],
)
def test_what_speaks_against_an_event(subject: Booking, reason: str, mailbox: str | None) -> None:
    """Each reason by itself, with the calendar in which an event may lie all the same."""
    found = desired(subject)
    assert isinstance(found, Unwanted)
    assert (found.reason, found.mailbox) == (reason, mailbox)
    people_must_know = reason in {"the resource has no user", "the resource's user is disabled"}
    assert bool(found.notice) == people_must_know


@pytest.mark.parametrize("status", [None, PROPOSED, BookingStatus("Odd", None), BookingStatus("Odd", 99)])
def test_only_a_canceled_status_speaks_against_an_event(status: BookingStatus | None) -> None:
    """None, a proposed one, and numbers that nobody knows do not."""
    assert isinstance(desired(replace(PLAIN, status=status)), Wanted)


def test_commit_types_on_both_sides_of_canceled_are_wanted() -> None:
    """It is this very number, no greater and no smaller one."""
    for number in (int(CommitType.CANCELED) - 1, int(CommitType.CANCELED) + 1):
        assert isinstance(desired(replace(PLAIN, status=BookingStatus("Odd", number))), Wanted)


def test_without_a_required_work_order_a_booking_of_none_is_shown() -> None:
    """By the setting."""
    rule = functools.partial(desired_state, render=_RENDERER.render, require_work_order=False)
    assert isinstance(rule(replace(PLAIN, work_order=None)), Wanted)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"resource": technician(None)}, "no Microsoft Entra account"),
        ({"start": None}, "no start or no end"),
        ({"end": None}, "no start or no end"),
        ({"start": START, "end": START - timedelta(seconds=1)}, "ends before it starts"),
    ],
)
def test_what_makes_no_sense_as_an_event(change: dict[str, object], words: str) -> None:
    """People are told, and what is in Outlook stays."""
    found = desired(replace(PLAIN, **change))  # type: ignore[arg-type]  # each is the field's own type
    assert isinstance(found, Invalid)
    assert words in found.reason


def test_times_beyond_the_last_year_make_no_sense() -> None:
    """East of Greenwich the last evening of the year 9999 is in a year that no calendar has."""
    renderer = EventRenderer(EventStyle(event_zone("Pacific/Auckland"), "https://contoso.crm4.dynamics.com"))
    last = datetime.max.replace(tzinfo=UTC)
    found = desired_state(replace(PLAIN, start=last, end=last), renderer.render, require_work_order=True)
    assert isinstance(found, Invalid)
    assert "too far away" in found.reason


def test_a_booking_may_take_no_time() -> None:
    """Zero length is an event of that length, and no mistake."""
    assert isinstance(desired(replace(PLAIN, start=START, end=START)), Wanted)
