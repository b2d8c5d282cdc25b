"""The operator's page in Chromium in each state that an app can be in: one look must tell it, and what to do.

The page and its answers are the real ones; queues, journal and Dataverse are in memory: no stack is needed.
"""

from __future__ import annotations

import asyncio
import base64
import json
import uuid
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.async_api import expect

from booking_sync.domain.messages.change import BookingChange, encode_change
from booking_sync.domain.outcome import Outcome, OutcomeKind
from booking_sync.domain.timers import Timer
from booking_sync.errors import TransientError
from booking_sync.operations.admission import PRINCIPAL, ROLE, Admission
from booking_sync.operations.page import operators_page
from booking_sync.outlook.graph.errors import NO_MAILBOX_REASON
from booking_sync.ports.dataverse.bookings import FailingBooking, FailingBookings
from tests.operations.in_memory import Harness
from tests.operations.page.test_page import violations
from tests.support.bookings import ANNA, BOOKING_ID

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from playwright.async_api import Browser, Locator, Page, Route

    from booking_sync.plumbing.http.answer import HttpAnswer

pytestmark = pytest.mark.asyncio(loop_scope="session")

ADDRESS = "https://app.example/api/operations"
KEY = "the-key"
BEN = "7c1f1a52-0f4e-4d0c-8a51-5f5a7a0d9b11"
BY_WEBHOOK = "0d1e2f30-1111-4222-8333-444455556666"
SYNCED = Outcome(OutcomeKind.SYNCED, "event created")


class App:
    """An app in memory, and the page that shows it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.harness = Harness()
        self.harness.closed = {}
        self.harness.actions_id = str(uuid.uuid4())
        self.harness.clock.moment = datetime.now(UTC)
        self.admission = Admission(by_entra=False, platform_signs_in=False)
        self.principal: dict[str, str] = {}
        """What the platform says of whoever is signed in."""
        self.requests: list[str] = []
        """What the page asked after it was loaded, by path."""
        self.troubles: list[str] = []
        page.on("pageerror", lambda error: self.troubles.append(str(error)))

    async def serve(self, route: Route) -> None:
        """Answer as host and app would."""
        request = route.request
        path = urlsplit(request.url).path.removeprefix("/api/operations")
        if not path:
            shown = operators_page(by_entra=self.admission.by_entra)
            await route.fulfill(body=shown.html, headers={**shown.headers, "Content-Type": "text/html"})
            return
        self.requests.append(path)
        if not self.admission.by_entra and request.headers.get("x-functions-key") != KEY:
            await route.fulfill(status=401)
            return
        headers = {**request.headers, "Host": urlsplit(ADDRESS).netloc}  # which the browser adds on the way
        headers |= self.principal
        answer = self.admission.refusal(headers) or await self._answer(
            path, headers, request.post_data_buffer or b"", request.url
        )
        body = "" if answer.status == 304 else json.dumps(answer.payload)
        await route.fulfill(
            status=answer.status, headers={**answer.headers, "Content-Type": "application/json"}, body=body
        )

    async def _answer(self, path: str, headers: Mapping[str, str], body: bytes, url: str) -> HttpAnswer:
        endpoints = self.harness.endpoints
        params = dict(parse_qsl(urlsplit(url).query))
        match path:
            case "/status":
                return await endpoints.status(headers)
            case "/failing":
                return await endpoints.failing(params)
            case "/order":
                return await endpoints.order(params)
            case "/resync":
                return await endpoints.resync(headers, body)
            case _:
                return await endpoints.replay(headers, body)

    async def open(self, key: str = KEY) -> None:
        """Go there and give the key; what was asked until then does not count."""
        await self.page.goto(ADDRESS)
        await self.page.get_by_label("Key", exact=True).fill(key)
        await self.page.get_by_role("button", name="Show").click()
        if key == KEY:
            await expect(self.section("Health")).to_be_visible()
        await self.page.evaluate("clicks = 0; addEventListener('click', () => { clicks += 1; }, true)")
        self.requests.clear()

    async def clicks(self) -> int:
        """Since it was opened."""
        return int(await self.page.evaluate("clicks"))

    def section(self, name: str) -> Locator:
        """A section."""
        return self.page.get_by_role("region", name=name, exact=True)

    @property
    def first(self) -> Locator:
        """The first sentence."""
        return self.section("Health").locator("p.status")

    def figure(self, name: str) -> Locator:
        """A number, with what stands below it."""
        return self.page.locator("#figures > div").filter(has=self.page.get_by_text(name, exact=True))

    async def is_coloured(self, severity: str) -> None:
        """Wait until the first sentence has this colour."""
        await expect(self.first).to_have_class(f"status {severity}")

    async def run_timers(self, ago: timedelta = timedelta()) -> None:
        """Have all timers run, as long ago as this."""
        now = self.harness.clock()
        self.harness.clock.moment = now - ago
        for timer in Timer:
            await self.harness.journal_store.ran(timer, {"queued": 0, "enqueued": 0})
        self.harness.clock.moment = now

    def fail(self, *people: tuple[str, str, int]) -> None:
        """Have so many bookings of each of these (id, name) fail."""
        now = self.harness.clock()
        bookings = tuple(
            FailingBooking(str(uuid.uuid4()), f"Visit {n}", now, now, NO_MAILBOX_REASON, resource, name)
            for resource, name, count in people
            for n in range(count)
        )
        self.harness.failures.found = FailingBookings(bookings, more=False)


@asynccontextmanager
async def opened(browser: Browser, **options: Any) -> AsyncIterator[App]:
    """An app and a page in a browser context of its own; an error of a script fails the test."""
    context = await browser.new_context(reduced_motion="reduce", timezone_id="Europe/Berlin", **options)
    app = App(await context.new_page())
    await context.route("**/*", app.serve)
    yield app
    await app.harness.journal_store.aclose()
    await context.close()
    assert app.troubles == []


async def test_all_well_is_green_and_says_so_about_last_night_without_a_click(browser: Browser) -> None:
    """Whether last night was well: no click, and no request beyond the page's own."""
    async with opened(browser) as app:
        await app.run_timers(timedelta(minutes=3))
        for _ in range(20):
            app.harness.journal_store.outcome(
                BookingChange(BOOKING_ID, BY_WEBHOOK, app.harness.clock() - timedelta(seconds=2)), SYNCED
            )
        await app.open()
        await expect(app.first).to_have_text("In step: changes reach Outlook, and nothing needs you.")
        await app.is_coloured("ok")
        await expect(app.figure("Last audit")).to_contain_text("3 min ago")
        await expect(app.figure("Last audit")).to_contain_text("nothing to mend")
        await expect(app.figure("Failing bookings")).to_contain_text("0")
        await expect(app.figure("Time to event, last hour")).to_contain_text("95 % within")
        await expect(app.page.locator("#age")).to_contain_text("times in Europe/Berlin (GMT+")
        assert (await app.clicks(), app.requests) == (0, [])


async def test_a_stalled_queue_is_red_with_its_age_and_the_next_step(browser: Browser) -> None:
    """That nothing is taken off the queue outweighs what fails besides."""
    async with opened(browser) as app:
        await app.run_timers()
        poison, clock = app.harness.poison, app.harness.clock
        poison.changes, poison.oldest_change = 41, clock() - timedelta(minutes=30)
        app.fail((ANNA, "Anna Field", 2))
        await app.harness.probe.look()
        clock.advance(61)
        await app.open()
        await app.is_coloured("failing")
        await expect(app.first).to_contain_text("the oldest has waited on the queue for 31 minutes")
        await expect(app.page.locator("#health-step")).to_contain_text("Next: Restart the app")
        await expect(app.page.locator("#health-facts")).to_contain_text("Since ")
        await expect(app.figure("Waiting changes")).to_contain_text("41")


async def test_a_throttled_mailbox_is_told_and_alarms_nobody(browser: Browser) -> None:
    """Its bookings wait, and nothing is lost: the page stays green and says until when."""
    async with opened(browser) as app:
        await app.run_timers()
        app.harness.closed = {ANNA: 90.0}
        app.harness.journal_store.outcome(
            BookingChange(BOOKING_ID, BY_WEBHOOK, app.harness.clock()),
            Outcome(OutcomeKind.DEFERRED, "Graph asked to be left alone", delay=90.0),
        )
        await app.open()
        await app.is_coloured("ok")
        await expect(app.section("Throttled mailboxes").get_by_role("cell", name=ANNA)).to_be_visible()
        await expect(app.section("How it went")).to_contain_text("Throttled 1 in the last day")


async def test_one_technician_who_fails_is_named_with_the_remedy(browser: Browser) -> None:
    """How many people it concerns, who they are, what to do, and the way to their page: one click."""
    async with opened(browser) as app:
        await app.run_timers()
        app.fail((ANNA, "Anna Field", 3))
        await app.open()
        await app.is_coloured("warning")
        await expect(app.first).to_contain_text("3 bookings of 1 technician can't be shown")
        await expect(app.page.locator("#health-step")).to_contain_text("Give the person a licence")
        failing = app.section("Failing bookings")
        await failing.get_by_role("link", name="Anna Field").first.click()
        assert (await app.clicks(), app.page.url) == (1, f"{ADDRESS}#/technician/{ANNA}")


async def test_everything_that_fails_is_one_group_and_one_order_with_progress(browser: Browser) -> None:
    """250 bookings: one click, three requests as one order, and what became of them beside the button."""
    async with opened(browser) as app:
        await app.run_timers()
        app.fail((ANNA, "Anna Field", 150), (BEN, "Ben Hill", 100))
        await app.open()
        await expect(app.first).to_contain_text("250 bookings of 2 technicians")
        failing = app.section("Failing bookings")
        await failing.get_by_role("button", name="Sync all 250 again").click()
        await expect(app.page.get_by_role("status")).to_have_text("250 bookings are on the change queue.")
        sent = [change for change, _ in app.harness.queue.sent]
        orders = {change.correlation_id for change in sent}
        assert (len(sent), len(orders)) == (250, 1)
        assert app.requests.count("/resync") == 3
        (order,) = orders
        for place, change in enumerate(sent):
            outcome = SYNCED if place < 25 else Outcome(OutcomeKind.FAILED, NO_MAILBOX_REASON)
            app.harness.journal_store.outcome(change, outcome)
        assert order.startswith("resync-")
        became = f"Of 250: 25 are in step now, 225 failed again. {NO_MAILBOX_REASON} (225)"
        await expect(failing.get_by_text(became)).to_be_visible(timeout=20_000)
        await expect(app.page.get_by_role("status")).to_have_text(became)
        assert await app.clicks() == 1


async def test_a_large_order_can_be_stopped_while_it_is_sent(browser: Browser) -> None:
    """What is sent can't be taken back; what is not sent yet stays where it is, and that is said."""
    async with opened(browser) as app:
        await app.run_timers()
        app.fail((ANNA, "Anna Field", 250))
        await app.open()
        stopped = asyncio.Event()

        async def serve(route: Route) -> None:
            if app.requests.count("/resync") == 1:
                await stopped.wait()
            await app.serve(route)

        await app.page.route("**/resync", serve)
        failing = app.section("Failing bookings")
        await failing.get_by_role("button", name="Sync all 250 again").click()
        await expect(failing.get_by_role("progressbar", name="Sent so far")).to_be_visible()
        await failing.get_by_text("100 sent").wait_for()
        await failing.get_by_role("button", name="Stop").click()
        stopped.set()
        told = "200 bookings are on the change queue. Stopped there."
        await expect(failing.get_by_text(told)).to_be_visible()
        assert (app.requests.count("/resync"), len(app.harness.queue.sent)) == (2, 200)


async def test_a_group_of_messages_is_replayed_by_one_click(browser: Browser) -> None:
    """What is given up names booking and technician where a row tells; its button sends all of it once."""
    async with opened(browser) as app:
        await app.run_timers()
        app.fail((ANNA, "Anna Field", 1))
        (failing,) = app.harness.failures.found.bookings
        text = encode_change(BookingChange(failing.booking_id, "c", app.harness.clock()))
        app.harness.poison.lay(text, NO_MAILBOX_REASON)
        await app.open()
        given_up = app.section("Messages given up")
        await expect(given_up.get_by_role("link", name="Anna Field")).to_be_visible()
        await expect(given_up).to_contain_text("Give the person a licence")
        await given_up.get_by_role("button", name="Try all again").click()
        await expect(given_up.get_by_text("1 message is back on the change queue.")).to_be_visible()
        assert (await app.clicks(), app.requests.count("/replay")) == (1, 1)


async def test_without_storage_the_page_says_what_is_missing(browser: Browser) -> None:
    """Queues and journal can't be read: red, the reason in the first sentence, and the rest stays usable."""
    async with opened(browser) as app:
        down = TransientError("blob storage can't be reached")
        app.harness.text_store.broken = app.harness.poison.broken = down
        await app.open()
        await app.is_coloured("failing")
        await expect(app.first).to_contain_text("The queues can't be reached")
        await expect(app.section("How it went")).to_contain_text("blob storage can't be reached")
        await expect(app.figure("Waiting changes")).to_contain_text("Not known")
        await expect(app.section("Who takes part")).to_contain_text("1 of 2 bookable resources")


async def test_a_wrong_key_shows_nothing(browser: Browser) -> None:
    """It is said beside the field; no part of the app shows."""
    async with opened(browser) as app:
        await app.open("wrong")
        await expect(app.page.get_by_role("alert")).to_have_text("The app does not accept this key.")
        await expect(app.section("Health")).to_be_hidden()


async def test_the_page_refreshes_by_itself_cheaply_and_keeps_one_s_place(browser: Browser) -> None:
    """Every quarter of a minute, answered 304 while nothing changes; what one opened stays open."""
    async with opened(browser) as app:
        await app.page.clock.install(time=app.harness.clock())
        await app.run_timers()
        app.fail((ANNA, "Anna Field", 9))
        await app.open()
        which = app.section("Failing bookings").get_by_text("Which 9 bookings")
        await which.click()
        row = app.section("Failing bookings").get_by_role("row").filter(has_text="Visit 8")
        await expect(row).to_be_visible()

        async with app.page.expect_response("**/status") as answered:
            await app.page.clock.run_for(20_000)
        assert (await answered.value).status == 304
        app.harness.poison.changes = 7
        app.harness.clock.advance(20)
        async with app.page.expect_response("**/status") as answered:
            await app.page.clock.run_for(20_000)
        assert (await answered.value).status == 200
        await expect(app.figure("Waiting changes")).to_contain_text("7")
        await expect(row).to_be_visible()
        assert app.harness.failures.asked == 1

        await app.page.get_by_role("button", name="Pause").click()
        app.requests.clear()
        await app.page.clock.run_for(60_000)
        assert app.requests == []


async def test_the_week_is_shown_on_demand_with_a_table_behind_each_chart(browser: Browser) -> None:
    """A chart is a picture for the eye only; its numbers are a table, and its sum a sentence."""
    async with opened(browser) as app:
        await app.run_timers()
        for _ in range(12):
            app.harness.journal_store.outcome(
                BookingChange(BOOKING_ID, BY_WEBHOOK, app.harness.clock() - timedelta(seconds=3)), SYNCED
            )
        await app.open()
        charts = app.section("How it went")
        await expect(charts.get_by_text("Changes 12 in the last day")).to_be_visible()
        await charts.get_by_text("Changes in numbers").click()
        await expect(charts.get_by_role("table", name="Changes").get_by_role("row")).to_have_count(25)
        await charts.get_by_role("button", name="Last week").click()
        await expect(charts.get_by_text("Changes 12 in the last week")).to_be_visible()
        await expect(charts.get_by_role("table", name="Changes").get_by_role("row")).to_have_count(29)
        assert await charts.locator("svg[aria-hidden=true]").count() == 4


def signed_in(*roles: str) -> dict[str, str]:
    """What the platform says of an account with these roles."""
    claims = [{"typ": "oid", "val": ANNA}, *({"typ": "roles", "val": role} for role in roles)]
    return {PRINCIPAL: base64.b64encode(json.dumps({"claims": claims}).encode()).decode()}


async def test_who_is_signed_in_needs_no_key_and_is_named_in_the_log(
    browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    """The page opens at once and offers to sign out; without the role it says what lacks."""
    async with opened(browser) as app:
        app.admission = Admission(by_entra=True, platform_signs_in=True)
        app.harness.endpoints = app.harness.make_endpoints(app.admission.who)
        await app.run_timers()
        app.fail((ANNA, "Anna Field", 1))
        app.principal = signed_in("Reader")
        await app.page.goto(ADDRESS)
        await expect(app.page.get_by_role("alert")).to_contain_text(f"lacks the role {ROLE}")
        await expect(app.section("Health")).to_be_hidden()

        app.principal = signed_in(ROLE)
        await app.page.reload()
        await expect(app.section("Health")).to_be_visible()
        await expect(app.page.get_by_label("Key", exact=True)).to_be_hidden()
        await expect(app.page.get_by_role("button", name="Forget key")).to_be_hidden()
        sign_out = app.page.get_by_role("link", name="Sign out")
        assert (await sign_out.get_attribute("href") or "").startswith("/.auth/logout?")
        assert await app.page.evaluate("sessionStorage.length") == 0
        with caplog.at_level("INFO"):
            await app.section("Failing bookings").get_by_role("button", name="Sync again").click()
            await expect(app.page.get_by_role("status")).to_have_text("1 booking is on the change queue.")
        (line,) = [each for each in caplog.messages if "operator_order" in each]
        assert json.loads(line)["by"] == ANNA


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 320])
async def test_groups_charts_and_notes_are_accessible(
    browser: Browser, axe: str, scheme: Any, width: int
) -> None:
    """With everything opened and an order under way nothing that axe-core knows is wrong, nor too wide."""
    async with opened(browser, color_scheme=scheme, viewport={"width": width, "height": 900}) as app:
        app.fail((ANNA, "Anna Field", 150), (BEN, "Ben Hill", 3))
        app.harness.poison.lay("nonsense", NO_MAILBOX_REASON)
        await app.open()
        failing = app.section("Failing bookings")
        await failing.get_by_text("Which 153 bookings").click()
        await failing.get_by_role("button", name="Show 100 more of 133").click()
        await expect(failing.get_by_role("button", name="Show 33 more of 33")).to_be_visible()
        await failing.get_by_role("button", name="Sync all 153 again").click()
        await expect(failing.get_by_text("153 bookings are on the change queue.")).to_be_visible()
        await app.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert await violations(app.page, axe) == []
        assert await app.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
