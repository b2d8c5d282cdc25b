"""The search, a technician's page and a booking's page: as HTTP answers, and in a real browser."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from playwright.async_api import expect

from local.day.world import booking_row
from local.standin.faults import Fault
from tests.e2e.office import BOOKINGS
from tests.operations.http.test_http import ask
from tests.operations.page.test_page import (
    HOSTILE,
    NARROW,
    WAIT_MILLISECONDS,
    WIDE,
    PageDriver,
    driver,
    driver_of,
    violations,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playwright.async_api import Browser, Route

    from local.day.world import Booking as Plan
    from local.day.world import Resource
    from tests.e2e.office import Office

__all__ = ["driver"]

pytestmark = pytest.mark.asyncio(loop_scope="session")

DAYS = "Bookings and what Outlook shows"
NOBODY = "00000000-1111-4000-8000-000000000000"


def days_of(office: Office, technician_id: str = "") -> str:
    """The address of the answer about a technician, Anna for one, on the office's day."""
    return f"operations/technician?id={technician_id or office.anna.id}&from={office.world.day}"


async def book_later(office: Office, who: Resource, name: str, later: timedelta) -> Plan:
    """Book in a week that is one test's alone."""
    plan = office.plan(who, name).moved(later)
    await office.stack.dataverse.create(BOOKINGS, booking_row(plan))
    await office.settle()
    return plan


def of(answer: Any, plan_id: str) -> Any:
    """What is told of one booking among a technician's."""
    (entry,) = [each for each in answer["bookings"] if each["bookingId"] == plan_id]
    return entry


@pytest.mark.parametrize("path", ["booking?id=1", "technician?id=1", "search"])
async def test_names_are_told_to_those_with_the_key(office: Office, path: str) -> None:
    """Nobody else learns who works where."""
    body = {"q": "Anna"} if path == "search" else None
    assert (await ask(office, f"operations/{path}", body=body, headers={}))[0] == 401


async def test_a_technician_s_days_are_told_as_outlook_shows_them(office: Office) -> None:
    """A booking in step stands beside its event; one that somebody moved in Outlook says what differs."""
    plan, moved = await office.book(name="Pump check"), await office.book(name="Valve check")
    event = await office.event(moved)
    await office.stack.graph.user("edit", event.mailbox, id=event.id, event={"subject": "Mine now"})
    status, answer = await ask(office, days_of(office))
    assert status == 200
    assert (answer["name"], answer["takesPart"], answer["kind"]) == (office.anna.name, True, "User")
    fine = of(answer, plan.id)
    assert (fine["state"], fine["name"], fine["fine"]) == ("in step", "Pump check", True)
    (shown,) = fine["events"]
    assert shown["starts"] == fine["starts"] == plan.start.isoformat()
    wrong = of(answer, moved.id)
    assert (wrong["state"], wrong["events"][0]["subject"]) == ("drift", "Mine now")
    assert "subject" in wrong["words"][0]
    assert answer["headline"]["severity"] == "warning"
    assert plan.id in {each["bookingId"] for each in answer["journal"]["outcomes"]}


async def test_who_can_t_see_anything_is_told_why(office: Office) -> None:
    """A person without a mailbox: the booking says it, and nobody claims that an event is missing."""
    person = office.world.without_mailbox
    plan = await office.book(person, "Turbine check")
    _, answer = await ask(office, days_of(office, person.id))
    entry = of(answer, plan.id)
    assert "mailbox" in answer["mailbox"]["problem"]
    assert (entry["state"], entry["fine"]) == ("unreadable", False)
    assert "no Exchange Online mailbox" in entry["error"]
    await office.stack.dataverse.delete(BOOKINGS, plan.id)
    await office.settle()


async def test_the_bookings_of_what_has_no_calendar_say_so(office: Office) -> None:
    """Equipment shows nowhere: its bookings are told all the same, each with the reason."""
    stack = office.stack
    crane = await stack.dataverse.create("bookableresources", {"name": "Crane 8", "resourcetype": 4})
    row = {**booking_row(office.plan()), "Resource@odata.bind": f"/bookableresources({crane})"}
    booking_id = await stack.dataverse.create(BOOKINGS, row)
    await office.settle()
    _, answer = await ask(office, days_of(office, crane))
    assert (answer["takesPart"], answer["kind"], answer["mailbox"]["id"]) == (False, "Equipment", "")
    assert answer["headline"]["words"].startswith("Nothing is to show in Outlook.")
    entry = of(answer, booking_id)
    assert (entry["state"], entry["events"]) == ("no event, and none is wanted", [])
    assert "is no user and names no mailbox" in entry["words"][0]
    await stack.dataverse.delete(BOOKINGS, booking_id)
    await office.settle()


async def test_a_mailbox_that_is_throttled_is_told_and_hides_nothing_else(office: Office) -> None:
    """The rows are told all the same, and that nobody knows what the calendar shows."""
    plan = await book_later(office, office.ben, "Throttled", timedelta(days=90))
    refusal = Fault(
        path=f"^/users/{office.ben.mailbox}/", times=-1, status=429, headers={"Retry-After": "12"}
    )
    await office.stack.graph.add_fault(refusal)
    try:
        _, booking = await ask(office, f"operations/booking?id={plan.id}")
        week = f"operations/technician?id={office.ben.id}&from={plan.start.date()}"
        _, technician = await ask(office, week)
    finally:
        await office.stack.graph.clear_faults()
    assert (booking["verdict"], booking["row"]["name"]) == ("unreadable", "Throttled")
    assert "429" in booking["closedMailboxes"][office.ben.mailbox]
    assert technician["mailbox"]["throttledUntil"]
    assert "leave this mailbox alone" in technician["headline"]["words"]
    assert of(technician, plan.id)["state"] == "unreadable"


async def test_there_may_be_no_such_technician(office: Office) -> None:
    """404, with words."""
    status, answer = await ask(office, f"operations/technician?id={NOBODY}")
    assert (status, "no such bookable resource" in answer["problem"]) == (404, True)


async def test_a_booking_is_told_with_row_event_record_and_outcomes(office: Office) -> None:
    """What the status command tells, and what became of its messages."""
    plan = await office.book(name="Burner check")
    status, answer = await ask(office, f"operations/booking?id={plan.id}")
    assert status == 200
    assert (answer["verdict"], answer["fine"], answer["row"]["name"]) == ("in step", True, "Burner check")
    assert answer["row"]["resource"] == {"id": office.anna.id, "name": office.anna.name}
    assert (len(answer["events"]), answer["record"]["seal"]) == (1, "valid")
    assert answer["customer"]
    assert answer["link"].endswith(f"id={plan.id}")
    assert [each["outcome"] for each in answer["journal"]["outcomes"]][-1:] == ["synced"]


async def test_a_booking_that_is_gone_says_so(office: Office) -> None:
    """Its page is no dead end."""
    _, answer = await ask(office, f"operations/booking?id={uuid.uuid4()}")
    assert (answer["verdict"], answer["row"], answer["link"]) == ("gone", None, "")


async def test_whatever_a_person_calls_it_is_found(office: Office) -> None:
    """By name, by the work order's number and customer, by the technician's name and address."""
    plan = await office.book(name="Nozzle check")
    order = office.world.work_orders[0]
    for words in ("nozzle", order.number, plan.id):
        _, found = await ask(office, "operations/search", body={"q": words})
        assert plan.id in {each["bookingId"] for each in found["bookings"]}, words
    for words in (office.anna.name.split()[-1], office.anna.id):
        _, found = await ask(office, "operations/search", body={"q": words})
        assert office.anna.id in {each["technicianId"] for each in found["technicians"]}, words


async def test_a_look_is_a_handful_of_requests_and_leaves_no_name_behind(office: Office) -> None:
    """A week is two questions and a calendar, a search six at most; no log holds what was typed."""
    plan = await book_later(office, office.anna, "Cheap look", timedelta(days=60))
    stack, words = office.stack, "Zebulon-Quastenfloh"
    services = (stack.dataverse, stack.graph)
    week = f"operations/technician?id={office.anna.id}&from={plan.start.date()}"
    counts = []
    for path, body in ((week, None), ("operations/search", {"q": words})):
        for service in services:
            await service.clear_requests()
        assert (await ask(office, path, body=body))[0] == 200
        counts.append([len(await service.requests()) for service in services])
    assert counts[0] == [2, 1]
    assert counts[1][0] <= 6
    assert counts[1][1] == 0
    logs = [each.read_text(errors="replace") for each in stack.options.folder.glob("host-*.log")]
    assert logs
    assert [text for text in logs if words in text or office.anna.name in text] == []


async def go(driver: PageDriver, fragment: str) -> None:
    """Open a view by its address."""
    await driver.page.goto(f"{driver.address}{fragment}")
    if await driver.page.get_by_label("Key", exact=True).is_visible():
        await driver.unlock(driver.office.stack.keys.function)


def technician_view(office: Office, technician_id: str = "") -> str:
    """The fragment of a technician's view, Anna's for one, on the office's day."""
    return f"#/technician/{technician_id or office.anna.id}?from={office.world.day}"


async def test_a_search_leads_to_a_technician_by_keyboard_alone(driver: PageDriver) -> None:
    """Typed and entered: the only one who is called so shows at once, and the way back skips the search."""
    await driver.open()
    anna = driver.office.anna
    await driver.page.get_by_role("searchbox", name="technician").fill(anna.name.upper())
    await driver.page.keyboard.press("Enter")
    await expect(driver.title(anna.name)).to_be_focused()
    await expect(driver.page).to_have_title(f"{anna.name} · booking_sync operations")
    assert anna.name not in driver.page.url
    await driver.page.go_back()
    await expect(driver.title("Health")).to_be_visible()


async def test_several_that_fit_are_listed_and_lead_on(driver: PageDriver) -> None:
    """A booking's name that two share: each is a link to its own view, beside the technician's."""
    office = driver.office
    first, second = await office.book(name="Twin check"), await office.book(office.ben, "Twin check")
    await driver.open()
    await driver.page.get_by_role("searchbox").fill("twin")
    await driver.page.get_by_role("button", name="Search").click()
    await expect(driver.title("Found for “twin”")).to_be_focused()
    await expect(driver.title("Found for “twin”")).to_have_accessible_description(
        "2 bookings and no technician."
    )
    found = driver.section("Bookings")
    links = found.get_by_role("link", name="Twin check")
    await expect(links).to_have_count(2)
    addresses = {str(await each.get_attribute("href")) for each in await links.all()}
    assert addresses == {f"#/booking/{each.id}" for each in (first, second)}
    await found.get_by_role("link", name=office.ben.name).click()
    await expect(driver.title(office.ben.name)).to_be_focused()


async def test_a_technician_s_view_shows_what_differs_and_mends_it(driver: PageDriver) -> None:
    """An event that somebody edited in Outlook: it is named, and one button has it written again."""
    office = driver.office
    plan = office.plan(office.ben, "Drift check").moved(
        timedelta(days=30)
    )  # a week that is this test's alone
    await office.stack.dataverse.create(BOOKINGS, booking_row(plan))
    await office.settle()
    event = await office.event(plan)
    await office.stack.graph.user("edit", event.mailbox, id=event.id, event={"subject": "My own words"})
    await go(driver, f"#/technician/{office.ben.id}?from={plan.start.date()}")
    row = driver.section(DAYS).get_by_role("row").filter(has_text="Drift check")
    await expect(row).to_contain_text("My own words")
    await expect(row).to_contain_text("Changed in Outlook")
    await driver.page.get_by_role("button", name=re.compile("^Sync .* again")).click()
    await driver.says("1 booking is on the change queue.")
    await office.settle()
    await driver.refresh()
    await expect(row).to_contain_text("As it should be")
    await expect(driver.page.locator("#technician-status")).to_contain_text("In step")
    assert (await office.event(plan)).subject != "My own words"


async def test_other_days_are_a_link_away(driver: PageDriver) -> None:
    """Later and earlier, each with an address of its own; today's need none."""
    await go(driver, technician_view(driver.office))
    days = driver.section(DAYS)
    await days.get_by_role("link", name="Later").click()
    await expect(days).to_contain_text("Apr 3, 2027")
    assert "from=2027-04-03" in driver.page.url
    await days.get_by_role("link", name="Earlier").click()
    await expect(days).to_contain_text("Mar 26, 2027")
    await days.get_by_role("link", name="Around today").click()
    await expect(days).not_to_contain_text("Mar 26, 2027")
    assert "from=" not in driver.page.url


async def test_why_a_technician_sees_nothing_is_the_first_sentence(driver: PageDriver) -> None:
    """A mailbox that is not there, and a person who takes no part."""
    office = driver.office
    person = office.world.without_mailbox
    await go(driver, technician_view(office, person.id))
    await expect(driver.page.locator("#technician-status")).to_have_text(
        "The calendar can't be read, so nobody knows what it shows."
    )
    await expect(driver.page.locator("#technician-facts")).to_contain_text("mailbox")
    crane = await office.stack.dataverse.create(
        "bookableresources", {"name": "Crane 7", "resourcetype": 4}, webhooks=False
    )
    await go(driver, technician_view(office, crane))
    await expect(driver.page.locator("#technician-status")).to_contain_text("Nothing is to show in Outlook.")
    await office.stack.dataverse.delete("bookableresources", crane, webhooks=False)


async def test_a_booking_s_view_tells_everything_and_leads_on(driver: PageDriver) -> None:
    """Row, event, record, steps and outcomes; order, the form in Dynamics 365, the id, the technician."""
    office = driver.office
    plan = await office.book(name="View check")
    await driver.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await go(driver, f"#/booking/{plan.id}")
    await expect(driver.title("View check")).to_be_focused()
    await expect(driver.page.locator("#booking-status")).to_have_text(
        "In step. The event shows the booking as it is."
    )
    await expect(driver.section("In Outlook")).to_contain_text("View check")
    await expect(driver.section("What its row remembers")).to_contain_text("valid")
    await expect(driver.section("Last outcomes")).to_contain_text("synced")
    await driver.page.get_by_role("button", name="Copy the booking's id").click()
    await driver.says("Copied: the booking's id.")
    assert await driver.page.evaluate("navigator.clipboard.readText()") == plan.id
    link = driver.page.get_by_role("link", name="Open in Dynamics 365")
    assert str(await link.get_attribute("href")).endswith(plan.id)
    await driver.page.get_by_role("button", name="Sync again").click()
    await driver.says("1 booking is on the change queue.")
    crumbs = driver.page.get_by_role("navigation", name="Breadcrumb").get_by_role("link")
    await expect(crumbs).to_have_text(["Overview", office.anna.name])
    await crumbs.last.click()
    await expect(driver.title(office.anna.name)).to_be_focused()
    await office.settle()


async def test_a_booking_that_was_given_up_is_tried_again_from_its_view(driver: PageDriver) -> None:
    """The reason stands on top, and beside the message that was given up is its button."""
    office = driver.office
    plan = await office.book(office.world.without_mailbox, "Given up")
    await go(driver, f"#/booking/{plan.id}")
    await expect(driver.page.locator("#booking-status")).to_contain_text("mailbox")
    await expect(driver.section("In Outlook").locator(".notice")).to_contain_text("mailbox")
    await (
        driver.section("Messages about it that were given up").get_by_role("button", name="Try again").click()
    )
    await driver.says("1 message is back on the change queue.")
    await office.settle()
    await office.stack.dataverse.delete(BOOKINGS, plan.id)
    await office.settle()
    await office.stack.queue.take_poison()


async def test_what_became_of_an_order_stays_with_the_booking_that_it_was_about(driver: PageDriver) -> None:
    """Beside its button; another booking's view tells nothing of it."""
    office = driver.office
    plan, other = await office.book(name="Ordered"), await office.book(name="Not ordered")
    await go(driver, f"#/booking/{plan.id}")
    await driver.page.get_by_role("button", name="Sync again").click()
    told = driver.page.locator("#view-booking .became")
    await expect(told).to_contain_text("Of 1: 1 is in step now.", timeout=WAIT_MILLISECONDS)
    await go(driver, f"#/booking/{other.id}")
    await expect(driver.title("Not ordered")).to_be_focused()
    await expect(driver.page.get_by_role("button", name="Sync again")).to_be_visible()
    await expect(told.filter(has_text="Of 1")).to_have_count(0)


async def test_a_view_follows_what_happens_without_losing_one_s_place(driver: PageDriver) -> None:
    """After a minute it looks by itself; what is open stays open, and the focus stays where it is."""
    office = driver.office
    plan = await office.book(name="Watched")
    await driver.page.clock.install()
    await go(driver, f"#/booking/{plan.id}")
    details = driver.section("In Outlook").locator("details")
    await details.get_by_text("Ids").click()
    await driver.page.get_by_role("button", name="Copy the booking's id").focus()
    await office.change(plan, name="Watched on")
    await driver.page.clock.fast_forward("01:10")
    await expect(driver.title("Watched on")).to_be_visible()
    await expect(details).to_have_attribute("open", "")
    await expect(driver.page.get_by_role("button", name="Copy the booking's id")).to_be_focused()
    link = driver.page.locator("#booking-facts").get_by_role("link", name=office.anna.name)
    await link.focus()
    await office.change(plan, name="Watched still")
    await driver.page.clock.fast_forward("01:10")
    await expect(driver.title("Watched still")).to_be_visible()
    await expect(link).to_be_focused()


async def test_names_on_the_overview_lead_to_these_views(driver: PageDriver) -> None:
    """Two clicks from the overview to why a technician sees nothing; who takes part, and who is throttled."""
    office = driver.office
    person = office.world.without_mailbox
    plan = await office.book(person, "Nothing to see")

    async def answer(route: Route) -> None:
        status = await (await route.fetch()).json()
        closed = {"mailbox": office.ben.mailbox, "until": "2030-01-01T00:00:00Z"}
        status["journal"]["throttled"] = [closed]
        await route.fulfill(json=status)

    await driver.page.route("**/operations/status", answer)
    await driver.open()
    throttled = driver.section("Throttled mailboxes").get_by_role("link", name=office.ben.name)
    await expect(throttled).to_have_attribute("href", f"#/technician/{office.ben.id}")
    await driver.section("Who takes part").get_by_text("Their names").click()
    inside = driver.section("Who takes part").get_by_role("link", name=office.anna.name)
    await expect(inside).to_have_attribute("href", f"#/technician/{office.anna.id}")
    await driver.section("Failing bookings").get_by_role("link", name=person.name).first.click()
    await expect(driver.title(person.name)).to_be_focused()
    await expect(driver.page.locator("#technician-facts")).to_contain_text("no Exchange Online mailbox")
    await office.stack.dataverse.delete(BOOKINGS, plan.id)
    await office.settle()
    await office.stack.queue.take_poison()


async def test_last_outcomes_tell_bookings_by_name(driver: PageDriver) -> None:
    """The journal holds ids alone; names are asked for, shown and kept by nobody."""
    plan = await driver.office.book(name="Named outcome")
    await driver.open()
    link = driver.section("Last outcomes").get_by_role("link", name="Named outcome")
    await expect(link.first).to_have_attribute("href", f"#/booking/{plan.id}")
    kept = await driver.page.evaluate("JSON.stringify([{...sessionStorage}, {...localStorage}])")
    assert "Named outcome" not in kept


async def test_what_is_not_there_says_so(driver: PageDriver) -> None:
    """A booking that is gone has a view; no technician, and too little to search by, have words."""
    await go(driver, f"#/booking/{uuid.uuid4()}")
    await expect(driver.page.locator("#booking-status")).to_contain_text(
        "There is no such booking (any more)."
    )
    await expect(driver.page.get_by_role("button", name="Sync again")).to_have_count(0)
    for fragment, words in (
        (f"#/technician/{NOBODY}", "There is no such bookable resource"),
        ("#/technician/anna", '"id" must be the id of a bookable resource'),
        ("#/search?q=a", "Type at least 2 characters"),
    ):
        await go(driver, fragment)
        await driver.warns(words)
    driver.troubles.clear()  # the browser tells of every answer 400 and 404


async def test_names_are_text_whatever_they_hold(driver: PageDriver) -> None:
    """Markup in the names of bookings and events shows as it was typed, and runs nowhere."""
    office = driver.office
    plan = await office.book(name=HOSTILE)
    await go(driver, "#/search?q=" + "<img")
    await expect(driver.title(HOSTILE)).to_be_focused()
    await go(driver, technician_view(office))
    await expect(driver.section(DAYS).get_by_role("link", name=HOSTILE)).to_be_visible()
    await expect(driver.page).to_have_title(f"{office.anna.name} · booking_sync operations")
    await office.stack.dataverse.delete(BOOKINGS, plan.id)
    await office.settle()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
async def test_each_view_is_accessible(
    browser: Browser, office: Office, axe: str, scheme: str, size: Sequence[int]
) -> None:
    """No violation that axe-core knows, on screens of any width, in each scheme."""
    plan, other = await office.book(name="Lookup"), await office.book(name="Another")
    event = await office.event(plan)
    await office.stack.graph.user("edit", event.mailbox, id=event.id, event={"subject": "Mine"})
    async with driver_of(browser, office, scheme=scheme, size=size) as driver:
        for fragment, title in (
            (technician_view(office), office.anna.name),
            (f"#/booking/{plan.id}", "Lookup"),
            ("#/search?q=00", "Found for “00”"),
        ):
            await go(driver, fragment)
            await expect(driver.title(title)).to_be_visible()
            await driver.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
            assert await violations(driver.page, axe) == []
            assert await driver.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    for each in (plan, other):
        await office.stack.dataverse.delete(BOOKINGS, each.id)
    await office.settle()
