"""The operator's page in a real browser, against the whole local stack."""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from playwright.async_api import expect

from booking_sync.operations.health import FRESH_SECONDS
from local.day.world import mailbox
from local.functions_host.keys import HEADER
from tests.e2e.office import BOOKINGS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from playwright.async_api import Browser, Locator, Page, Route

    from tests.e2e.office import Office

pytestmark = pytest.mark.asyncio(loop_scope="session")

HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=2</script>'
NO_MAILBOX = "Outlook: this person has no Exchange Online mailbox."
WAIT_MILLISECONDS = 20_000
WIDE = (1280, 900)
NARROW = (320, 640)


class PageDriver:
    """The page as an operator has it on the screen."""

    def __init__(self, page: Page, office: Office) -> None:
        self.page = page
        self.office = office
        self.troubles: list[str] = []
        """What the browser complained about, and what nobody should ever see."""
        page.set_default_timeout(WAIT_MILLISECONDS)
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("dialog", lambda dialog: self.troubles.append(dialog.message))
        page.on("console", lambda line: self.troubles.append(line.text) if line.type == "error" else None)

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"{self.office.stack.host_url}/api/operations"

    async def open(self) -> None:
        """Go there, with the key at hand."""
        await self.page.goto(self.address)
        await self.unlock(self.office.stack.keys.function)
        await expect(self.title("Health")).to_be_visible()

    async def unlock(self, key: str) -> None:
        """Type a key."""
        await self.page.get_by_label("Key", exact=True).fill(key)
        await self.page.get_by_role("button", name="Show").click()

    async def refresh(self) -> None:
        """Ask how it is now."""
        await self.page.get_by_role("button", name="Refresh").click()

    def title(self, name: str) -> Locator:
        """A section's heading."""
        return self.page.get_by_role("heading", name=name, exact=True)

    def section(self, name: str) -> Locator:
        """A section."""
        return self.page.get_by_role("region", name=name, exact=True)

    async def says(self, words: str) -> None:
        """Wait for what is told to everybody, screen readers included."""
        await expect(self.page.get_by_role("status")).to_have_text(words, timeout=WAIT_MILLISECONDS)

    async def warns(self, words: str) -> None:
        """Wait for a trouble to be told."""
        await expect(self.page.get_by_role("alert")).to_contain_text(words, timeout=WAIT_MILLISECONDS)

    async def is_empty(self, section: str) -> None:
        """Wait until nothing is listed there."""
        await expect(self.section(section).get_by_text("None.", exact=True)).to_be_visible(
            timeout=WAIT_MILLISECONDS
        )


@asynccontextmanager
async def driver_of(
    browser: Browser, office: Office, *, scheme: Any = "light", size: Sequence[int] = WIDE
) -> AsyncIterator[PageDriver]:
    """A page in a browser context of its own; whatever the browser complained about fails the test."""
    context = await browser.new_context(
        ignore_https_errors=True,  # the stack's certificate is of a throwaway authority
        color_scheme=scheme,
        viewport={"width": size[0], "height": size[1]},
        reduced_motion="reduce",
    )
    driver = PageDriver(await context.new_page(), office)
    yield driver
    await context.close()
    assert driver.troubles == []


@pytest_asyncio.fixture(loop_scope="session")
async def driver(browser: Browser, office: Office) -> AsyncIterator[PageDriver]:
    """The page, not opened yet, with nothing on the poison queue."""
    await office.stack.queue.take_poison()
    async with driver_of(browser, office) as opened:
        yield opened


async def run_catch_up(office: Office) -> None:
    """Start the timer, and wait until its run is on record and what it found is settled."""
    stack = office.stack

    async def finished() -> str:
        headers = {HEADER: stack.keys.function}
        async with stack.session.get(f"{stack.host_url}/api/operations/status", headers=headers) as answer:
            run = (await answer.json())["catchUp"]
            return str(run["finished"])

    before = await finished()
    headers = {HEADER: stack.keys.master}
    address = f"{stack.host_url}/admin/functions/catch_up"
    async with stack.session.post(address, json={"input": ""}, headers=headers) as answer:
        assert answer.status == 202
    async with asyncio.timeout(WAIT_MILLISECONDS / 1000):
        while await finished() == before:  # noqa: ASYNC110 - another process ends it
            await asyncio.sleep(0.1)
    await office.settle()


async def set_mailbox(office: Office, kind: str) -> None:
    """Give the person without a mailbox one, or take it away."""
    await office.stack.graph.add_mailboxes([{**mailbox(office.world.without_mailbox), "kind": kind}])


async def test_a_broken_mailbox_is_found_repaired_and_replayed(driver: PageDriver) -> None:
    """The way of a trouble: it shows with its reason and a link, is mended, tried again, and is gone."""
    office = driver.office
    plan = await office.book(office.world.without_mailbox, "Turbine check")
    await driver.open()
    given_up, failing = driver.section("Messages given up"), driver.section("Failing bookings")
    await expect(given_up.get_by_role("cell", name=NO_MAILBOX)).to_be_visible()
    await expect(failing.get_by_text(NO_MAILBOX, exact=True)).to_be_visible()
    link = failing.get_by_role("link", name="Dynamics 365 has Turbine check")
    assert await link.get_attribute("href") == (
        f"{office.stack.dataverse.url}/main.aspx?pagetype=entityrecord&etn=bookableresourcebooking&id={plan.id}"
    )

    await set_mailbox(office, "normal")
    await given_up.get_by_role("button", name=f"Try again {plan.id}").click()

    await driver.says("1 message is back on the change queue.")
    await driver.is_empty("Messages given up")
    await driver.is_empty("Failing bookings")
    assert (await office.event(plan)).id
    assert await office.stack.queue.poisoned() == 0
    await set_mailbox(office, "no_mailbox")


async def test_why_a_technician_sees_nothing_is_found_by_one_click_and_two_requests(
    driver: PageDriver,
) -> None:
    """The failing group names the person, the person's page says why: at most two clicks were promised."""
    office, page = driver.office, driver.page
    person = office.world.without_mailbox
    await office.book(person, "Turbine check")
    await driver.open()
    await page.get_by_role("button", name="Pause").click()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    await driver.section("Failing bookings").get_by_role("link", name=person.name).first.click()

    await expect(page.get_by_role("heading", name=person.name, exact=True)).to_be_visible()
    await expect(page.locator("#technician-facts")).to_contain_text("no Exchange Online mailbox")
    assert len(asked) <= 2


async def test_all_dead_letters_are_replayed_once_however_often_one_clicks(driver: PageDriver) -> None:
    """A double click sends one request, and what still fails comes back with its reason."""
    office = driver.office
    plans = [await office.book(office.world.without_mailbox) for _ in range(2)]
    await driver.open()
    posts: list[str] = []
    driver.page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)

    await driver.page.get_by_role("button", name="Try all again").dblclick()

    await driver.says("2 messages are back on the change queue.")
    assert len(posts) == 1
    await office.settle()
    letters = await office.stack.queue.take_poison()
    assert {letter.booking_id for letter in letters} == {plan.id for plan in plans}
    assert {letter.reason for letter in letters} == {NO_MAILBOX}


async def test_what_people_wrote_stays_text(driver: PageDriver) -> None:
    """Markup in a booking's name or reason is shown as it was typed, and does nothing."""
    office = driver.office
    plan = await office.book(name=HOSTILE)
    error = {"bsync_outlooksyncerror": f"Refused: {HOSTILE}"}
    await office.stack.dataverse.update(BOOKINGS, plan.id, error, webhooks=False)
    await driver.open()

    failing = driver.section("Failing bookings")
    await expect(failing.get_by_role("link", name=HOSTILE, exact=True)).to_be_visible()
    await expect(failing.get_by_text(f"Refused: {HOSTILE}", exact=True)).to_be_visible()
    assert await driver.page.locator("main img, main script, section script").count() == 0
    assert await driver.page.title() == "booking_sync operations"
    await office.stack.dataverse.update(BOOKINGS, plan.id, {"bsync_outlooksyncerror": None}, webhooks=False)


async def test_a_booking_is_synced_again_by_its_id(driver: PageDriver) -> None:
    """An event that a technician removed is back after its booking's id was typed; nonsense is refused."""
    office = driver.office
    plan = await office.book()
    event = await office.event(plan)
    await office.stack.graph.age(event.mailbox)
    await office.stack.graph.user("delete", event.mailbox, id=event.id)
    await driver.open()
    again = driver.section("Sync a booking again")

    await again.get_by_label("Booking id").fill("Turbine check")
    await again.get_by_role("button", name="Sync again").click()
    field = again.get_by_label("Booking id")
    await expect(again.get_by_text('Each of "bookings" must be a booking\'s id')).to_be_visible()
    await expect(field).to_be_focused()
    await expect(field).to_have_attribute("aria-invalid", "true")
    driver.troubles.clear()  # the browser tells of every answer 400
    await again.get_by_label("Booking id").fill(f" {plan.id} ")
    await driver.page.keyboard.press("Enter")

    await driver.says("1 booking is on the change queue.")
    await office.settle()
    assert (await office.event(plan)).id


async def test_everything_can_be_done_with_the_keyboard(driver: PageDriver) -> None:
    """Key, list and buttons without a mouse; the focus is always somewhere, and can be seen."""
    office, page = driver.office, driver.page
    await office.book(office.world.without_mailbox)
    await page.goto(driver.address)
    await expect(page.get_by_label("Key", exact=True)).to_be_focused()
    await page.keyboard.type(office.stack.keys.function)
    await page.keyboard.press("Enter")
    await expect(driver.title("Health")).to_be_focused()

    button = page.get_by_role("button", name="Try all again")
    for _ in range(40):  # the charts come first; a refresh under way may begin the round anew
        await page.keyboard.press("Tab")
        if await button.evaluate("button => button === document.activeElement"):
            break
    await expect(button).to_be_focused()
    outline = await button.evaluate("button => getComputedStyle(button).outlineStyle")
    await page.keyboard.press("Enter")

    assert outline == "solid"
    await driver.says("1 message is back on the change queue.")
    await expect(page.locator(":focus")).to_have_count(1)
    assert await page.evaluate("document.activeElement.tagName") in ("H2", "BUTTON")
    await office.settle()
    await page.keyboard.press("Shift+Tab")
    await expect(page.locator(":focus")).to_have_count(1)


async def test_a_wrong_key_opens_nothing_and_is_forgotten(driver: PageDriver) -> None:
    """It is said, the field is ready for the next one, and no key is ever in an address or left behind."""
    page = driver.page
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    await page.goto(driver.address)
    await driver.unlock("wrong")
    await driver.warns("The app does not accept this key.")
    await driver.unlock("ключ")
    await driver.warns("That can't be a function key")
    await expect(page.get_by_label("Key", exact=True)).to_be_focused()
    await expect(page.get_by_role("button", name="Refresh")).to_be_hidden()
    assert await page.evaluate("sessionStorage.length") == 0
    driver.troubles.clear()  # the browser tells of every answer 401

    key = driver.office.stack.keys.function
    await driver.unlock(key)
    await expect(driver.title("Health")).to_be_visible()
    assert await page.get_by_label("Key", exact=True).input_value() == ""
    await page.reload()
    await expect(driver.title("Health")).to_be_visible()
    await page.get_by_role("button", name="Forget key").click()

    await expect(driver.title("Health")).to_be_hidden()
    await expect(page.get_by_label("Key", exact=True)).to_be_focused()
    assert await page.evaluate("sessionStorage.length + localStorage.length + document.cookie.length") == 0
    assert [address for address in addresses if key in address or "code=" in address] == []


async def test_an_app_that_can_t_be_reached_is_told_and_found_again(driver: PageDriver) -> None:
    """What was shown stays, the trouble is named, and refreshing mends it."""
    await driver.open()

    async def fail(route: Route) -> None:
        await route.abort()

    async def break_down(route: Route) -> None:
        await route.fulfill(status=500, body="")

    await driver.page.route("**/operations/status", fail)
    await driver.refresh()
    await driver.warns("The app can't be reached.")
    await expect(driver.title("Health")).to_be_visible()
    await driver.page.unroute("**/operations/status")
    await driver.page.route("**/operations/status", break_down)
    await driver.refresh()
    await driver.warns("The app answered 500 without a word")
    await driver.page.unroute("**/operations/status")
    await driver.refresh()
    await driver.says("Up to date.")
    await expect(driver.page.get_by_role("alert")).to_be_empty()
    driver.troubles.clear()  # the browser tells of both


async def test_what_is_old_says_so(driver: PageDriver) -> None:
    """After two minutes nobody takes the page for how it is now."""
    await driver.page.clock.install()
    await driver.open()
    stale = driver.page.get_by_text("more than two minutes old")
    await expect(stale).to_be_hidden()
    await driver.page.get_by_role("button", name="Pause").click()
    await driver.page.clock.fast_forward("03:00")
    await expect(stale).to_be_visible()
    await driver.page.get_by_role("button", name="Go on refreshing").click()
    await expect(stale).to_be_hidden()


async def test_a_part_that_is_down_leaves_the_rest(driver: PageDriver) -> None:
    """Each section says in its place why it has nothing to show; figures and buttons stay usable."""
    status = {
        "headline": {"severity": "failing", "words": "Changes don't reach Outlook.", "step": "Mend it."},
        "health": {
            "status": "failing",
            "findings": [{"severity": "failing", "words": "GRAPH_URL is missing."}],
        },
        "queues": {"problem": "The queues can't be looked at."},
        "poison": {"problem": "the storage queue can't be reached"},
        "failing": {"problem": "Dataverse is down"},
        "people": {"problem": "Dataverse is down"},
        "wayBack": {"problem": "the way back can't be asked"},
        "journal": {
            "problem": "",
            "trend": None,
            "outcomes": [],
            "throttled": [{"mailbox": "", "until": "2030-01-01T00:00:00Z"}],
        },
        "catchUp": {"problem": "no role"},
        "audit": {"problem": "", "finished": "2026-01-01T00:00:00Z", "failed": "Graph is down", "tally": {}},
        "nearAudit": {"problem": "no role"},
    }

    async def answer(route: Route) -> None:
        await route.fulfill(status=200, content_type="application/json", body=json.dumps(status))

    await driver.page.route("**/operations/status", answer)
    await driver.open()
    await expect(driver.section("Health")).to_contain_text("Failing: GRAPH_URL is missing.")
    await expect(driver.section("Messages given up")).to_contain_text("the storage queue can't be reached")
    await expect(driver.section("Failing bookings")).to_contain_text("Dataverse is down")
    await expect(driver.section("Changes from Outlook")).to_contain_text("the way back can't be asked")
    await expect(driver.section("Throttled mailboxes")).to_contain_text("Graph as a whole")
    await expect(driver.section("Catch-up and audit")).to_contain_text("Failed: Graph is down")
    await expect(driver.page.get_by_role("button", name="Try all again")).to_be_hidden()


async def test_a_timer_that_is_overdue_is_red_also_one_that_never_ran(driver: PageDriver) -> None:
    """When each ran last and is due stands beside its name; what is overdue has the colour of a failure."""
    never = "The audit is overdue: it never ran since the app came up and was due 2026-01-03 02:30 UTC."
    timers = [
        {"timer": "catch-up", "last": "2026-01-02T08:00:00Z", "due": "2026-01-02T08:05:00Z"},
        {"timer": "audit", "last": "", "due": "2026-01-03T02:30:00Z"},
    ]

    async def answer(route: Route) -> None:
        status = await (await route.fetch()).json()
        status["health"]["findings"] = [{"severity": "warning", "words": never}]
        status["health"]["timers"] = [{**each, "overdue": each["timer"] == "audit"} for each in timers]
        status["catchUp"] = {
            "problem": "",
            "finished": timers[0]["last"],
            "failed": "",
            "tally": {"behind": 2},
        }
        status["audit"] = {"problem": ""}
        status["nearAudit"] = {"problem": "no role"}
        await route.fulfill(json=status)

    await driver.page.route("**/operations/status", answer)
    await driver.open()
    runs = driver.section("Catch-up and audit")
    for column in ("Run", "Last", "Due", "Result"):
        await expect(runs.get_by_role("columnheader", name=column, exact=True)).to_be_visible()
    catch_up, audit = (runs.get_by_role("row").nth(place) for place in (1, 2))
    await expect(catch_up).to_contain_text("behind 2")
    await expect(catch_up.get_by_text("Overdue")).to_have_count(0)
    await expect(audit).to_contain_text("No run is known")
    overdue = audit.get_by_text("Overdue since")
    await expect(overdue).to_be_visible()
    red = await overdue.evaluate("element => getComputedStyle(element).color")
    assert red == "rgb(179, 20, 28)"
    assert await catch_up.get_by_role("cell").nth(2).evaluate("cell => getComputedStyle(cell).color") != red
    await expect(driver.section("Health")).to_contain_text(never)


async def test_bookings_that_fail_alike_are_one_group_with_one_button(driver: PageDriver) -> None:
    """The largest group comes first; its button sends every booking of it, and no other."""
    reasons = {"This person has no mailbox.": 9, "The booking has no end.": 1}
    groups = [
        {
            "key": f"group-{place}",
            "reason": reason,
            "remedy": "Give the person a licence." if place == 0 else "",
            "heading": "A mailbox is moved",
            "count": count,
            "people": 1,
            "bookings": [
                {
                    "bookingId": f"{place:08d}-0000-4000-8000-{number:012d}",
                    "name": f"Visit {place}.{number}",
                    "technician": "Anna Field",
                    "technicianId": "",
                    "starts": "2026-01-02T08:00:00Z",
                    "modified": "2026-01-02T08:00:00Z",
                    "link": "",
                }
                for number in range(count)
            ],
        }
        for place, (reason, count) in enumerate(reasons.items())
    ]
    ordered: list[Any] = []

    async def answer(route: Route) -> None:
        status = await (await route.fetch()).json()
        status["headline"] = {"severity": "warning", "words": "10 bookings can't be shown"}
        status["failing"] = {"problem": "", "groups": groups, "count": 10, "people": 1, "more": False}
        await route.fulfill(json=status)

    async def take(route: Route) -> None:
        ordered.append(route.request.post_data_json)
        await route.fulfill(status=202, json={"queued": 9, "bookings": 9, "order": "resync-1"})

    async def became(route: Route) -> None:
        reasons = [{"reason": "No mailbox.", "count": 8}]
        await route.fulfill(json={"done": 1, "failed": 8, "putBack": 0, "reasons": reasons})

    await driver.page.route("**/operations/status", answer)
    await driver.page.route("**/operations/resync", take)
    await driver.page.route("**/operations/order?id=resync-1", became)
    await driver.open()
    failing = driver.section("Failing bookings")
    await expect(failing.locator(".group > p:first-child")).to_have_text(
        [
            f"{count} booking{'s' if count > 1 else ''} of 1 technician: {why}"
            for why, count in reasons.items()
        ]
    )
    await expect(failing.get_by_text("Next: Give the person a licence.")).to_be_visible()
    await failing.get_by_role("button", name="Sync all 9 again").click()
    await driver.says("9 bookings are on the change queue.")
    assert [len(each["bookings"]) for each in ordered] == [9]
    assert ordered[0]["bookings"][8] == "00000000-0000-4000-8000-000000000008"
    told = "Of 9: 1 is in step now, 8 failed again. No mailbox. (8)"
    await expect(failing.locator(".group").first.get_by_text(told)).to_be_visible()
    await driver.says(told)
    await expect(failing.get_by_role("row").filter(has_text="Visit 0.3")).to_be_hidden()
    await failing.get_by_text("Which 9 bookings").click()
    await expect(failing.get_by_role("row").filter(has_text="Visit 0.3")).to_be_visible()


async def test_what_only_the_catch_up_found_is_on_top_and_not_green(driver: PageDriver) -> None:
    """A change whose webhook was lost: the first sentence says so, and the finding what it is."""
    office = driver.office
    plan = await office.book()
    await driver.open()
    first = driver.section("Health").locator("p.status")
    await expect(first).not_to_contain_text("finding")
    await office.stack.dataverse.update(BOOKINGS, plan.id, {"name": "Moved unheard"}, webhooks=False)
    await run_catch_up(office)
    await asyncio.sleep(FRESH_SECONDS)  # so long an answer about health is reused
    await driver.refresh()
    await expect(first).to_contain_text("1 finding needs a look")
    await expect(driver.section("Health")).to_contain_text(
        "1 booking was behind when the last catch-up looked"
    )
    await office.settle()
    assert "Moved unheard" in (await office.event(plan)).subject
    await run_catch_up(office)
    await asyncio.sleep(FRESH_SECONDS)
    await driver.refresh()
    await expect(first).not_to_contain_text("finding")


async def test_who_takes_part_is_told_by_name(driver: PageDriver) -> None:
    """Of all bookable resources those whose bookings show; the names on demand."""
    await driver.open()
    people = driver.section("Who takes part")
    await expect(people).to_contain_text(re.compile(r"\d of \d bookable resources\."))
    await people.get_by_text("Their names").click()
    name = driver.office.world.technicians[0].name
    await expect(people.get_by_role("listitem").filter(has_text=name)).to_be_visible()


async def test_a_letter_says_when_it_was_given_up_and_until_when_it_is_kept(driver: PageDriver) -> None:
    """One that the Functions host gave up has a date at which Storage deletes it; our own has none."""
    letter: dict[str, Any] = {
        "bookingId": "",
        "link": "",
        "about": "",
        "correlationId": "",
        "replayable": True,
    }
    letters = [
        {**letter, "id": "1", "reason": "Of the host", "deadLetteredAt": "2030-05-01T08:00:00Z"},
        {**letter, "id": "2", "reason": "Of the app", "deadLetteredAt": "2031-06-02T08:00:00Z"},
    ]

    async def answer(route: Route) -> None:
        status = await (await route.fetch()).json()
        expires = {"1": "2032-05-08T08:00:00Z", "2": ""}
        found = [{**each, "came": each["deadLetteredAt"], "expires": expires[each["id"]]} for each in letters]
        status["poison"] = {"problem": "", "letters": found}
        await route.fulfill(json=status)

    await driver.page.route("**/operations/status", answer)
    await driver.open()
    rows = driver.section("Messages given up").get_by_role("row")
    host, app = (rows.filter(has_text=words) for words in ("Of the host", "Of the app"))
    for row, given_up, kept in ((host, "2030", "2032"), (app, "2031", "For good")):
        await expect(row).to_contain_text(given_up)
        await expect(row).to_contain_text(kept)
    await expect(host).not_to_contain_text("For good")


async def test_a_timer_of_a_new_app_is_due_and_not_red(driver: PageDriver) -> None:
    """The real app, whose timers have not come yet, says when they are due."""
    await driver.open()
    runs = driver.section("Catch-up and audit")
    await expect(runs.get_by_role("row")).to_have_count(4)
    assert await runs.get_by_text("Overdue").count() == 0
    for place in (1, 2, 3):
        due = runs.get_by_role("row").nth(place).get_by_role("cell").nth(2)
        assert re.search(r"20\d\d", await due.inner_text())


async def test_nothing_foreign_runs_or_loads(driver: PageDriver) -> None:
    """The page's own policy stops markup made of text, other scripts, frames and other hosts."""
    await driver.open()
    refused = await driver.page.evaluate(
        """async () => {
            const refused = [];
            try { document.body.innerHTML = "<b>x</b>"; } catch (error) { refused.push(error.name); }
            const script = document.createElement("script");
            try { script.text = "document.title = 'run'"; } catch (error) { refused.push(error.name); }
            document.body.append(script);
            await fetch("https://elsewhere.example/").catch((error) => refused.push(error.name));
            return refused;
        }"""
    )
    assert refused == ["TypeError", "TypeError", "TypeError"]
    assert await driver.page.title() == "booking_sync operations"
    driver.troubles.clear()  # the browser tells of each


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
async def test_the_page_is_accessible(
    browser: Browser, office: Office, axe: str, scheme: str, size: Sequence[int]
) -> None:
    """No violation that axe-core knows (WCAG 2.2 AA and best practices), locked and open, in each scheme."""
    await office.book(office.world.without_mailbox)
    async with driver_of(browser, office, scheme=scheme, size=size) as driver:
        await driver.page.goto(driver.address)
        await expect(driver.page.get_by_label("Key", exact=True)).to_be_focused()
        assert await violations(driver.page, axe) == []
        await driver.unlock("wrong")
        await driver.warns("does not accept")
        assert await violations(driver.page, axe) == []
        driver.troubles.clear()  # the browser tells of every answer 401
        await driver.open()
        await driver.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert await violations(driver.page, axe) == []
        colour = await driver.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert colour == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(20, 24, 29)")
        assert await driver.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        tables = driver.page.get_by_role("table")
        assert await tables.count() >= 4
        given_up = driver.section("Messages given up").get_by_role("table")
        await expect(given_up.get_by_role("columnheader", name="Reason")).to_have_count(1)


async def violations(page: Page, axe: str) -> list[str]:
    """What axe-core finds wrong with the page as it is: rule, and where."""
    await page.evaluate(axe)
    found: dict[str, Any] = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{violation['id']}: {node['html'][:120]}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]
