"""The operator's HTTP endpoints on the whole local stack: who may ask, and what the app remembers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from local.day.world import booking_row
from local.functions_host.keys import HEADER
from tests.e2e.office import BOOKINGS
from tests.operations.conftest import SECRET_EXPIRES, TIMERS
from tests.operations.page.test_page import run_catch_up

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.e2e.office import Office

pytestmark = pytest.mark.asyncio(loop_scope="session")

POLL_SECONDS = 0.3


async def ask(
    office: Office,
    path: str,
    *,
    body: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    url: str = "",
) -> tuple[int, Any]:
    """One request, by default with the function key; POST when there is a body. Status and JSON."""
    sent = {HEADER: office.stack.keys.function} if headers is None else headers
    address = f"{url or office.stack.host_url}/api/{path}"
    method = "GET" if body is None else "POST"
    async with office.stack.session.request(method, address, json=body, headers=sent) as answer:
        text = await answer.text()
        return answer.status, await answer.json() if text else None


async def status_when(office: Office, holds: Callable[[Any], bool], url: str = "") -> Any:
    """The status as soon as something holds of it; the test's time limit ends the wait."""
    while True:
        _, found = await ask(office, "operations/status", url=url)
        if holds(found):
            return found
        await asyncio.sleep(POLL_SECONDS)


@pytest.mark.parametrize("headers", [{}, {HEADER: "wrong"}], ids=["no key", "wrong key"])
async def test_data_and_actions_need_the_key(office: Office, headers: dict[str, str]) -> None:
    """Nobody sees or does anything without the function key."""
    for path in ("operations/status", "operations/health"):
        assert (await ask(office, path, headers=headers))[0] == 401
    for path, body in (
        ("operations/replay", {"all": True}),
        ("operations/resync", {"bookings": [office.plan().id]}),
    ):
        assert (await ask(office, path, body=body, headers=headers))[0] == 401


async def test_strangers_see_an_empty_page_and_one_word(office: Office) -> None:
    """The page holds nothing, and the probe tells no more than that the app works."""
    await office.stack.queue.take_poison()  # the page's tests, which may have run before, leave some
    plan = await office.book(office.world.without_mailbox, "A secret booking")
    assert await ask(office, "health", headers={}) == (200, {"status": "ok"})
    async with office.stack.session.get(f"{office.stack.host_url}/api/operations") as answer:
        page = await answer.text()
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Cache-Control"] == "no-store"
    for secret in ("A secret booking", office.stack.keys.function, office.stack.dataverse.url):
        assert secret not in page
    # Nothing is left for the tests that look at what fails.
    await office.stack.dataverse.delete(BOOKINGS, plan.id)
    await ask(office, "operations/replay", body={"all": True})
    await office.settle()
    assert await office.stack.queue.poisoned() == 0


async def test_another_page_can_t_act_even_with_the_key(office: Office) -> None:
    """Cross-site requests are refused before anything is done."""
    headers = {HEADER: office.stack.keys.function, "Sec-Fetch-Site": "cross-site"}
    status, told = await ask(office, "operations/replay", body={"all": True}, headers=headers)
    assert (status, told) == (403, {"problem": "The request comes from another page than ours."})


async def test_every_instance_shows_what_all_have_done(office: Office) -> None:
    """An instance that did nothing yet shows the others' outcomes, and the last runs."""
    plan = await office.book()
    await ask(office, "operations/audit", body={})
    host = await office.stack.start_host({**office.stack.settings, **TIMERS})
    try:
        status = await status_when(
            office,
            lambda found: any(each["bookingId"] == plan.id for each in found["journal"].get("outcomes", ())),
            host.url,
        )
    finally:
        await host.stop()
    outcome = next(each for each in status["journal"]["outcomes"] if each["bookingId"] == plan.id)
    assert (outcome["outcome"], outcome["reason"]) == ("synced", "event created")
    assert status["audit"]["finished"]
    assert status["audit"]["tally"]["mailboxes"] > 0


async def test_the_catch_up_is_known_when_it_has_run(office: Office) -> None:
    """What the timer found stands on the page."""
    address = f"{office.stack.host_url}/admin/functions/catch_up"
    headers = {HEADER: office.stack.keys.master}
    async with office.stack.session.post(address, json={"input": ""}, headers=headers) as answer:
        assert answer.status == 202
    status = await status_when(office, lambda found: bool(found["catchUp"].get("finished")))
    assert status["catchUp"]["failed"] == ""
    assert "behind" in status["catchUp"]["tally"]


async def test_a_throttled_mailbox_is_shown_until_its_time_is_over(office: Office) -> None:
    """Who looks sees which mailbox Graph asked to leave alone, and until when."""
    await office.stack.graph.call("POST", "throttle", {"mailbox": office.ben.mailbox, "seconds": 6})
    plan = office.plan(office.ben)
    await office.stack.dataverse.create(BOOKINGS, booking_row(plan))
    status = await status_when(office, lambda found: bool(found["journal"].get("throttled")))
    await office.settle()
    assert [each["mailbox"] for each in status["journal"]["throttled"]] == [office.ben.mailbox]
    assert (await office.event(plan)).id
    await status_when(office, lambda found: not found["journal"]["throttled"])


async def test_when_the_secret_ends_is_read_from_the_vault_by_the_catch_up(office: Office) -> None:
    """The instance that answers HTTP reads no vault, and knows it all the same."""
    await run_catch_up(office)
    expected = SECRET_EXPIRES.isoformat()
    await status_when(office, lambda found: found["health"]["secretExpires"] == expected)
