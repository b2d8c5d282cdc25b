"""What Graph reports of changes in Outlook, through the whole chain: subscriptions, notifications, sweeps."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from booking_sync.azure.entra.sign_in import SignIn
from booking_sync.certify.assumptions.kinds import TriedBy
from booking_sync.certify.parts import CertifyOptions
from booking_sync.certify.results import Comparison
from booking_sync.certify.trial_subscriptions import TrialSubscriptions
from booking_sync.domain.return_path.messages import MailboxSweep, encode_outlook
from booking_sync.wiring.commands.certify import open_certify
from local.day.world import WorldMaker
from local.stack import NO_TIMERS, LocalStack, StackOptions
from tests.e2e.office import BOOKINGS, Office

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from local.day.verdict import EventFact
    from local.day.world import Booking, Resource

pytestmark = pytest.mark.asyncio(loop_scope="module")

CANCEL = 2
PATIENCE_SECONDS = 30.0


class HeardOffice(Office):
    """An office of whose calendars Graph reports; its bookings are far enough apart to be moved."""

    def plan(self, who: Resource | None = None, name: str = "Boiler inspection") -> Booking:
        """An hour in each four."""
        planned = super().plan(who, name)
        for _ in range(3):
            super().plan(who, name)
        return planned

    async def subscriptions(self) -> list[dict[str, Any]]:
        """What Graph is asked to report."""
        found: list[dict[str, Any]] = await self.stack.graph.call("GET", "subscriptions")
        return found

    async def shift(self, plan: Booking, **by: int) -> EventFact:
        """Somebody drags the event; as it is now."""
        event = await self.event(plan)
        await self.stack.graph.user("shift", event.mailbox, id=event.id, **by)
        return await self.event(plan)

    async def columns(self, plan: Booking) -> dict[str, Any]:
        """The booking's row."""
        return dict((await self.stack.dataverse.rows(BOOKINGS))[plan.id])

    async def starts(self, plan: Booking) -> datetime | None:
        """When the row says that it begins."""
        return (await self.row(plan)).start

    async def sweep(self, mailbox: str, *missing: Booking) -> None:
        """What the timer, or the time that is left to take back a deletion, has queued in the end."""
        asked = frozenset(plan.id for plan in missing)
        await self.stack.queue.send(encode_outlook(MailboxSweep(mailbox, "e2e", datetime.now(UTC), asked)))

    async def delete(self, plan: Booking) -> str:
        """Somebody deletes the event, which was made long ago; from whose mailbox."""
        event = await self.event(plan)
        await self.stack.graph.call("POST", "events/age", {"mailbox": event.mailbox, "seconds": 3600})
        await self.stack.graph.user("delete", event.mailbox, id=event.id)
        return event.mailbox


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await holds():  # noqa: ASYNC110 - other processes tell nobody
            await asyncio.sleep(0.1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def heard(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[HeardOffice]:
    """A stack of its own, whose technicians' mailboxes Graph reports."""
    settings = {**NO_TIMERS, "RETURN_PATH": "apply"}
    options = StackOptions(tmp_path_factory.mktemp("heard"), hidden_seconds=4, settings=settings)
    maker = WorldMaker(seed=4)
    world = maker.make(technicians=2, bookings=1, day=datetime.now(UTC).date() + timedelta(days=3))
    async with LocalStack(options) as stack:
        office = HeardOffice(stack, maker, world)
        await office.furnish()
        await stack.run_timer("watch")

        async def watched() -> bool:
            mailboxes = {each["resource"].split("/")[2] for each in await office.subscriptions()}
            return {person.mailbox for person in world.technicians} <= mailboxes

        await until(watched)
        await stack.queue.clear()  # the mailboxes' first sweeps, a minute from now
        yield office


async def test_graph_reports_each_technician_s_mailbox_once(heard: HeardOffice) -> None:
    """To the address that answered its question, with immutable ids; another run changes nothing."""
    before = await heard.subscriptions()
    assert all(each["immutableIds"] for each in before)
    assert {each["notificationUrl"] for each in before} == {
        each["lifecycleNotificationUrl"] for each in before
    }
    mailboxes = [each["resource"] for each in before]
    assert len(mailboxes) == len(set(mailboxes))
    await heard.stack.graph.clear_requests()
    await heard.stack.run_timer("watch")

    async def listed() -> bool:
        asked = [item for each in await heard.stack.graph.requests() for item in each["items"]]
        return {"method": "GET", "path": "/subscriptions", "status": 200} in asked

    await until(listed)
    assert await heard.subscriptions() == before


async def test_certify_s_subscription_is_none_of_the_app_s(
    heard: HeardOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The app answers its question; what a killed run left its own watch ends, and nothing else."""
    stack, before = heard.stack, await heard.subscriptions()
    for name, value in stack.settings.items():
        monkeypatch.setenv(name, value)
    # aiohttp reads SSL_CERT_FILE once, when it is imported, which was before there was a stack.
    trust = ssl.create_default_context(cafile=str(stack.certificates.authority))
    monkeypatch.setattr("aiohttp.connector._SSL_CONTEXT_VERIFIED", trust)
    mailbox = heard.anna.mailbox
    options = CertifyOptions(mailbox)
    async with open_certify(stack.settings, SignIn.APP, options, lambda _: None, _nobody) as check:
        check.checks = [each for each in check.checks if "subscription_life" in each.names]
        report = await check.run()
        assert await heard.subscriptions() == before
        left = TrialSubscriptions(check.tenant.subscriptions, check.options.address, mailbox, check.now)
        assert (await left.make(timedelta(hours=1))).ok
    tried = [each for each in report.results if each.assumption.trial is TriedBy.ADDRESS]
    assert {each.outcome for each in tried} == {Comparison.AS_ASSUMED}
    assert len(await heard.subscriptions()) == len(before) + 1
    await stack.run_timer("watch")

    async def ended() -> bool:
        return await heard.subscriptions() == before

    await until(ended)


async def _nobody(_words: str) -> None:
    raise AssertionError("nobody is asked")


async def test_a_move_in_outlook_arrives_by_itself(heard: HeardOffice) -> None:
    """Nobody but Graph tells the app; our own writes come back as well, and change nothing."""
    plan = await heard.book()
    shown = await heard.shift(plan, minutes=90)

    async def moved() -> bool:
        return await heard.starts(plan) == shown.start

    await until(moved)
    await heard.settle()
    assert await heard.event(plan) == shown
    assert "moved: " in (await heard.columns(plan))["bsync_outlookreturn"]


async def test_a_notification_that_is_lost_is_made_up_for_by_a_sweep(heard: HeardOffice) -> None:
    """As after an outage of the address."""
    plan = await heard.book()
    await heard.stack.graph.configure(notification_lose_every=1)
    shown = await heard.shift(plan, minutes=30)
    await heard.settle()
    assert await heard.starts(plan) == plan.start
    await heard.stack.graph.configure(notification_lose_every=0)
    await heard.sweep(shown.mailbox)
    await heard.settle()
    assert await heard.starts(plan) == shown.start


async def test_notifications_that_come_doubled_and_in_any_order_end_the_same(heard: HeardOffice) -> None:
    """Each is a hint to look, and no more."""
    plan = await heard.book()
    await heard.stack.graph.configure(notification_copies=3, notifications_shuffled=True)
    shown = await heard.shift(plan, minutes=30)

    async def moved() -> bool:
        return await heard.starts(plan) == shown.start

    await until(moved)
    await heard.settle()
    await heard.stack.graph.configure(notification_copies=1, notifications_shuffled=False)
    assert await heard.event(plan) == shown


async def test_strangers_are_answered_and_change_nothing(heard: HeardOffice) -> None:
    """Whoever finds the address."""
    address = (await heard.subscriptions())[0]["notificationUrl"]
    plan = await heard.book()
    event = await heard.event(plan)
    forged = {
        "changeType": "updated",
        "resource": f"Users/{event.mailbox}/Events/{event.id}",
        "resourceData": {"id": event.id},
        "clientState": "forged",
        "tenantId": heard.stack.identities.tenant_id,
    }
    session = heard.stack.session
    async with session.post(address, json={"value": [forged]}) as answer:
        assert (answer.status, await answer.json()) == (202, {"status": "accepted"})
    async with session.post(address, params={"validationToken": "<script>"}) as answer:
        assert answer.status == 400
    async with session.post(address, params={"validationToken": "a b/c+d="}) as answer:
        assert (answer.status, answer.content_type, await answer.text()) == (200, "text/plain", "a b/c+d=")
    assert await heard.stack.queue.waiting() == 0


async def test_a_subscription_that_graph_ended_is_made_anew(heard: HeardOffice) -> None:
    """Told by Graph itself; the mailbox is swept for what was missed."""
    plan = await heard.book()
    event = await heard.event(plan)
    before = {each["id"] for each in await heard.subscriptions()}
    order = {"mailbox": event.mailbox, "event": "subscriptionRemoved"}
    await heard.stack.graph.call("POST", "subscriptions/lifecycle", order)

    async def anew() -> bool:
        now = await heard.subscriptions()
        return len(now) == len(before) and {each["id"] for each in now} != before

    await until(anew)
    await heard.settle()
    shown = await heard.shift(plan, minutes=30)

    async def moved() -> bool:
        return await heard.starts(plan) == shown.start

    await until(moved)
    await heard.settle()


async def test_a_mailbox_that_is_emptied_cancels_nothing(heard: HeardOffice) -> None:
    """However it was noticed: each row says that nothing was concluded."""
    plans = [await heard.book(heard.ben) for _ in range(4)]
    await heard.stack.graph.configure(notification_lose_every=1)
    for plan in plans:
        await heard.delete(plan)
    await heard.stack.graph.configure(notification_lose_every=0)
    await heard.sweep(heard.ben.mailbox, *plans)
    await heard.settle()
    for plan in plans:
        row = await heard.columns(plan)
        assert row["bsync_outlookproposal"] is None
        assert "withheld: " in row["bsync_outlookreturn"]


async def test_one_deleted_event_asks_the_dispatcher_in_the_end(heard: HeardOffice) -> None:
    """Graph reports it, and a sweep confirms it. The last test: the sweep that it queued stays hidden."""
    plan = await heard.book()
    mailbox = await heard.delete(plan)

    async def noticed() -> bool:
        return await heard.stack.queue.waiting() == 1

    await until(noticed)
    assert (await heard.columns(plan))["bsync_outlookproposal"] is None
    await heard.sweep(mailbox, plan)

    async def asked() -> bool:
        return bool((await heard.columns(plan))["bsync_outlookproposal"] == CANCEL)

    await until(asked)
    assert await heard.events(plan) == []
