"""What rules say of a booking, and what that does to its event and its fingerprint."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from booking_sync.domain.bookings.booking import BookableResource, Booking, BookingStatus, CommitType
from booking_sync.domain.events.event import NO_REMINDER, SHARED, EventContent, EventOptions, unchanged_parts
from booking_sync.domain.events.event_text.columns import ColumnKind, ColumnValue, EventColumn
from booking_sync.domain.events.event_text.renderer import EventRenderer, EventStyle
from booking_sync.domain.events.event_text.rules import NO_RULES, Condition, EventRule, EventRules, comparable
from booking_sync.domain.events.zones import event_zone
from booking_sync.domain.plan import Unwanted, Wanted, desired_state
from tests.hostile.texts import ALL, COLUMNS
from tests.hostile.texts import written as hostile_booking
from tests.support.bookings import ANNA, BOOKING_ID, PROPOSED, TRAVELING, booking

if TYPE_CHECKING:
    from booking_sync.domain.events.event_text.columns import Raw

URL = "https://contoso.crm4.dynamics.com"
VAN = "00000000-0000-4000-8000-000000000007"


def when(name: str, *texts: str) -> tuple[Condition, ...]:
    """One condition."""
    return (Condition(name, frozenset(map(comparable, texts))),)


def rendered(subject: Booking, *rules: EventRule, columns: frozenset[str] = frozenset()) -> EventContent:
    """The event by these rules."""
    assert subject.start
    assert subject.end
    style = EventStyle(event_zone("UTC"), URL, rules=EventRules(rules, columns))
    return EventRenderer(style).render(subject, subject.start, subject.end)


def ordered(**texts: str) -> Booking:
    """The booking with these texts in its work order."""
    plain = booking()
    assert plain.work_order
    return replace(plain, work_order=replace(plain.work_order, **texts))  # type: ignore[arg-type]  # tests name the fields


def valued(kind: ColumnKind, raw: Raw, shown: str = "") -> Booking:
    """The booking with a column `x` of this kind."""
    labels = {1: {1033: "Yes", 1031: "Ja"}, 2: {1033: "High", 1035: "Korkea"}, 0: {1033: "No"}}
    column = EventColumn("x", (), "x", kind, labels)
    return replace(booking(), values={"x": ColumnValue(column, raw, shown)})


def fits(subject: Booking, *conditions: Condition) -> bool:
    """Whether a rule with these conditions fits."""
    columns = frozenset({"x"})
    return bool(EventRules((EventRule(conditions, show_as="free"),), columns).judge(subject).numbers)


# --- which rules fit --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("subject", "name", "text"),
    [
        (booking(), "status", "SCHEDULED"),
        (replace(booking(), status=TRAVELING), "field_service_status", "traveling"),
        (
            replace(booking(), status=BookingStatus("Zugesagt", 2, 690970002)),
            "field_service_status",
            "On break",
        ),
        (replace(booking(), status=PROPOSED), "commit_type", "Proposed"),
        (ordered(priority="  High \u00a0Urgent"), "priority", "high urgent"),
        (ordered(type="Inspection"), "work_order_type", "inspection"),
        (ordered(incident_type="Stra\u00dfe"), "incident_type", "STRASSE"),
        (ordered(contact="Ame\u0301lie"), "contact", "Am\u00e9lie"),
        (booking(), "account", "adatum bakery"),
        (booking(), "booking_name", "Boiler service"),
        (booking(), "work_order_number", "wo-00017"),
        (booking(), "priority", ""),
        (replace(booking(), work_order=None), "account", ""),
        (replace(booking(), status=None), "status", ""),
        (replace(booking(), status=BookingStatus("Odd", None)), "commit_type", ""),
        (replace(booking(), resource=BookableResource(4, id=VAN, name="Van 7")), "resource", "van 7"),
        (replace(booking(), resource=BookableResource(4, id=VAN, name="Van 7")), "resource", VAN.upper()),
        (valued(ColumnKind.TEXT, "Gate 4"), "x", "gate 4"),
        (valued(ColumnKind.CHOICE, 2, "High"), "x", "korkea"),
        (valued(ColumnKind.CHOICE, 2, "High"), "x", "2"),
        (valued(ColumnKind.CHOICE, 7, "Own"), "x", "own"),
        (valued(ColumnKind.CHOICES, (1, 2)), "x", "high"),
        (valued(ColumnKind.YES_NO, raw=True), "x", "true"),
        (valued(ColumnKind.YES_NO, raw=False), "x", "no"),
        (valued(ColumnKind.YES_NO, raw=True), "x", "ja"),
        (valued(ColumnKind.NUMBER, 3), "x", "3"),
        (valued(ColumnKind.MONEY, 1200.5, "\u20ac1,200.50"), "x", "1200.5"),
        (valued(ColumnKind.MONEY, 1200.5, "\u20ac1,200.50"), "x", "\u20ac1,200.50"),
        (valued(ColumnKind.LOOKUP, VAN, "Tower"), "x", "tower"),
        (valued(ColumnKind.LOOKUP, VAN, "Tower"), "x", VAN),
        (booking(), "x", ""),
    ],
)
def test_a_condition_fits_by_what_the_booking_has(subject: Booking, name: str, text: str) -> None:
    """In whatever case and spelling of letters, choices by each of their labels; another text does not."""
    assert fits(subject, *when(name, text))
    assert fits(subject, *when(name, "something else", text))
    assert not fits(subject, *when(name, "something else"))


def test_all_conditions_must_fit() -> None:
    """A rule without any fits every booking."""
    both = (*when("status", "Scheduled"), *when("account", "Adatum Bakery"))
    assert fits(booking(), *both)
    assert not fits(booking(), *when("status", "Scheduled"), *when("account", "Contoso"))
    assert fits(booking())


def test_a_column_takes_the_place_of_a_topic() -> None:
    """As it does in templates: `status` is then what the column holds."""
    column = EventColumn("status", (), "x", ColumnKind.TEXT)
    subject = replace(booking(), values={"status": ColumnValue(column, "mine")})
    rule = EventRule(when("status", "mine"), show_as="free")
    assert rendered(subject, rule, columns=frozenset({"status"})).show_as == "free"
    assert rendered(subject, rule).show_as == "busy"
    assert rendered(booking(), rule, columns=frozenset({"status"})).show_as == "busy"


def test_of_several_rules_the_first_that_says_something_decides_it() -> None:
    """Thing by thing: a later rule adds what earlier ones say nothing of."""
    rules = (
        EventRule(when("status", "Traveling"), show_as="free"),
        EventRule(show_as="oof", sensitivity="private"),
        EventRule(when("account", "Adatum Bakery"), show_as="free", reminder=15, sensitivity="normal"),
        EventRule(importance="high", category="Field Service: VIP"),
        EventRule(importance="low"),
    )
    ruling = EventRules(rules).judge(booking())
    assert (ruling.show_as, ruling.category, ruling.numbers) == ("oof", "Field Service: VIP", (2, 3, 4))
    assert ruling.options.said == {"sensitivity": "private", "reminder": 15, "importance": "high"}


# --- what they do -----------------------------------------------------------------------------------------


def test_a_rule_s_category_takes_the_place_of_the_status_one() -> None:
    """An event has one category of ours, so that its colour is that one's; or none."""
    assert rendered(booking(), EventRule(category="Field Service: VIP")).categories == ("Field Service: VIP",)
    assert rendered(booking(), EventRule(category="")).categories == ()
    assert rendered(booking(), EventRule(show_as="free")).categories == ("Field Service: Scheduled",)


def test_what_no_rule_says_is_left_to_people() -> None:
    """Without a rule an event's options say nothing, and nobody manages any."""
    assert rendered(booking()).options == EventOptions()
    said = rendered(booking(), EventRule(when("status", "Other"), reminder=15)).options
    assert said.said == {}
    assert said.managed == frozenset({"reminder"})


def test_no_event_is_for_those_that_the_first_such_rule_says() -> None:
    """An earlier rule that says `event = true` keeps its bookings; the reason names the rule."""
    rules = EventRules(
        (
            EventRule(when("status", "Traveling"), event=True),
            EventRule(show_as="free"),
            EventRule(when("account", "Adatum Bakery"), event=False),
        )
    )

    def desired(subject: Booking) -> object:
        assert subject.start
        assert subject.end
        content = rendered(subject)
        return desired_state(subject, lambda *_: content, require_work_order=True, rules=rules)

    assert desired(booking()) == Unwanted("rule 3 of the event file wants no event", mailbox=ANNA)
    assert isinstance(desired(replace(booking(), status=TRAVELING)), Wanted)
    assert isinstance(desired(ordered(account_name="Contoso")), Wanted)


# --- fingerprints -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "recorded"),
    [
        (booking().status, "fa4e54e0d6adced590d69562cf1238da"),
        (TRAVELING, "fa4e54e0d6adced58ab372d2d7758103"),
        (PROPOSED, "1c43d45167a5243d5ef379647be2b33f"),
    ],
)
def test_fingerprints_are_those_of_before_there_were_rules(status: BookingStatus, recorded: str) -> None:
    """As version 0.2.0 recorded them on rows: nobody's events are rewritten for a new version's sake."""
    subject = replace(booking(BOOKING_ID), status=status)
    assert rendered(subject).fingerprint() == recorded
    elsewhere = EventRule(when("account", "Contoso"), reminder=15, show_as="free", sensitivity="private")
    assert rendered(subject, elsewhere).fingerprint() == recorded


def test_every_option_changes_the_fingerprint_and_keeps_the_body() -> None:
    """Notes in a body outlive a rule that makes the event private."""
    plain = rendered(booking()).fingerprint()
    said = [
        EventRule(sensitivity="private"),
        EventRule(sensitivity="normal"),
        EventRule(reminder=15),
        EventRule(reminder=0),
        EventRule(reminder=NO_REMINDER),
        EventRule(importance="high"),
        EventRule(importance="high", sensitivity="private", reminder=15),
    ]
    prints = [rendered(booking(), each).fingerprint() for each in said]
    assert len({plain, *prints}) == len(said) + 1
    for each in prints:
        assert unchanged_parts(plain + SHARED, each) == unchanged_parts(each + SHARED, plain)
        assert unchanged_parts(plain, each) == {"body", "categories"}


@pytest.mark.parametrize(
    ("before", "now", "trusted", "written"),
    [
        ({}, {}, True, {}),
        ({"sensitivity": "private"}, {}, True, {"sensitivity": "normal"}),
        ({"reminder": 15}, {"importance": "low"}, True, {"reminder": NO_REMINDER, "importance": "low"}),
        ({"reminder": 15}, {"reminder": 30}, True, {"reminder": 30}),
        ({"importance": "high", "reminder": 0}, {}, True, {"importance": "normal", "reminder": NO_REMINDER}),
        ({}, {}, False, {"importance": "normal"}),
        ({"reminder": 5}, {}, False, {"importance": "normal", "reminder": NO_REMINDER}),
        (None, {}, True, {"importance": "normal"}),
    ],
)
def test_what_no_rule_says_any_more_is_put_back_once(
    before: dict[str, object] | None,
    now: dict[str, object],
    trusted: bool,  # noqa: FBT001 - a table's column
    written: dict[str, object],
) -> None:
    """By what the row remembers; where that is unknown, by what the file's rules may have set elsewhere."""
    elsewhere = EventRule(when("account", "Contoso"), importance="high")

    def content(options: dict[str, object]) -> EventContent:
        return rendered(booking(), elsewhere, EventRule(**options))  # type: ignore[arg-type]  # tests name the fields

    recorded = "" if before is None else content(before).fingerprint()
    sent = content(now).after(recorded + (SHARED if recorded else ""), trusted=trusted)
    assert sent.options.said == written
    if trusted and before is not None:
        again = content(now).after(content(now).fingerprint(), trusted=True)
        assert again.options.said == content(now).options.said


@pytest.mark.parametrize("name", COLUMNS)
def test_no_text_of_dataverse_troubles_a_rule(name: str) -> None:
    """Whatever somebody writes, a rule fits or does not."""
    topics = EventRules(tuple(EventRule(when(each, "x"), show_as="free") for each in ("status", "account")))
    for text in ALL:
        assert topics.judge(hostile_booking({name: text})).numbers == ()
        assert fits(replace(booking(), name=text), *when("booking_name", text))


def test_without_rules_nothing_is_said() -> None:
    """Of any booking."""
    assert NO_RULES.judge(booking()).options == EventOptions()
    assert NO_RULES.hiding(booking()) == 0


def test_a_type_of_a_status_that_nobody_knows_has_no_meaning() -> None:
    """A later version's number fits no text but the empty one."""
    odd = replace(booking(), status=BookingStatus("Odd", 99, 42))
    assert fits(odd, *when("commit_type", ""))
    assert not fits(odd, *when("field_service_status", "Scheduled"))
    assert not fits(
        replace(odd, status=BookingStatus("x", int(CommitType.CANCELED))), *when("commit_type", "canceled")
    )
