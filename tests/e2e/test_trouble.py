"""Trouble on the way: nothing is lost, nothing is doubled, and what can't be done says why."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import aiohttp
import pytest

from booking_sync.domain.events.ownership import make_key
from booking_sync.domain.row_words import reason_in
from local.day.facts import gather_facts
from local.day.verdict import Kind, compare
from local.day.world import booking_row
from local.functions_host.keys import HEADER
from local.stack import WEBHOOK_ROUTE, booking_webhook
from local.stack.azurite import azurite, random_account
from local.standin.faults import Fault
from tests.e2e.office import BOOKINGS

if TYPE_CHECKING:
    from tests.e2e.office import Office

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_webhook_without_the_function_key_is_refused(office: Office) -> None:
    """Without the key, or with a wrong one, nobody gets in; with it the same body is taken."""
    body = booking_webhook(office.stack.identities, "Update", office.plan().id)

    statuses = [await office.stack.post_webhook(body, key) for key in ("", "wrong", None)]
    await office.settle()

    assert statuses == [401, 401, 202]


async def test_a_message_that_is_not_ours_is_given_up_with_a_reason(office: Office) -> None:
    """A malformed queue message ends on the poison queue beside a reason, and holds up nobody."""
    await office.stack.queue.take_poison()

    await office.stack.queue.send("not one of ours")
    plan = await office.book()

    (message,) = await office.stack.queue.take_poison()
    assert message.reason == "Malformed message: the queue message is not JSON."
    assert "not one of ours" in message.text
    assert (await office.event(plan)).id


async def test_a_technician_without_a_mailbox_is_reported(office: Office) -> None:
    """A booking that Outlook can't take says so on its row and on the poison queue."""
    await office.stack.queue.take_poison()

    plan = await office.book(office.world.without_mailbox)

    (message,) = await office.stack.queue.take_poison()
    assert message.booking_id == plan.id
    assert "no Exchange Online mailbox" in message.reason
    assert reason_in((await office.row(plan)).error) == message.reason


async def test_a_rotated_secret_is_picked_up_without_a_restart(office: Office) -> None:
    """When Graph takes the token no more and Entra the secret, the vault's new one is fetched."""
    await office.book()
    await office.stack.rotate_secret()
    await office.stack.vault.clear_requests()

    await office.stack.graph.add_fault(Fault(path=r"\$batch", status=401))
    plan = await office.book()

    assert (await office.event(plan)).id
    assert (await office.stack.vault.counts()).requests > 0


async def test_a_replaced_seal_key_loses_no_event(office: Office) -> None:
    """Events and records of the key before are believed and sealed anew, so that the next key may come."""
    plan = await office.book()
    event = await office.event(plan)

    for _ in range(2):
        await office.stack.rotate_seal_key()
        await office.stack.restart_host()
        plan = await office.move(plan, timedelta(minutes=10))
        assert make_key(office.stack.seal_key).key_id in await office.state(plan)

    assert (await office.event(plan)).id == event.id
    await office.give_to(plan, office.ben)
    assert (await office.event(plan)).mailbox == office.ben.mailbox


async def test_throttling_delays_and_loses_nothing(office: Office) -> None:
    """A booking that Graph refuses for a second shows a little later."""
    await office.stack.graph.add_fault(Fault(path="/events", status=429, headers={"Retry-After": "1"}))

    plan = await office.book()

    assert (await office.event(plan)).id


async def test_a_creation_whose_answer_is_lost_makes_one_event(office: Office) -> None:
    """When the connection drops after Graph made the event, the next try finds that very event."""
    await office.stack.graph.add_fault(Fault(path=r"\$batch", when="after", drop=True))

    plan = await office.book()

    assert (await office.event(plan)).id


async def test_a_crash_in_the_middle_of_work_loses_and_doubles_nothing(office: Office) -> None:
    """Forty bookings on the queue, the host killed at work and started again: forty events."""
    plans = [office.plan() for _ in range(40)]
    await office.stack.graph.configure(item_seconds=0.2)
    await office.stack.dataverse.create_many(BOOKINGS, [booking_row(plan) for plan in plans])
    while await office.stack.dataverse.pending_deliveries():
        pass

    await office.stack.kill_host()
    cut = await office.stack.queue.waiting()
    await office.stack.graph.configure(item_seconds=0.0)
    await office.stack.restart_host()
    await office.settle()

    facts = await gather_facts(office.stack, {})
    found = [event.booking_id for event in facts.events]
    assert cut > 0
    assert [found.count(plan.id) for plan in plans] == [1] * len(plans)


async def test_a_webhook_is_not_taken_while_its_queue_is_down(office: Office) -> None:
    """Without its storage account the app answers 503, which Dataverse tries again."""
    stack = office.stack
    storage = azurite(stack.certificates, random_account())
    await storage.start()
    host = await stack.start_host({**stack.settings, "AzureWebJobsStorage": storage.url})
    await storage.stop()
    body = booking_webhook(stack.identities, "Update", office.plan().id)

    try:
        async with stack.session.post(
            host.url + WEBHOOK_ROUTE,
            json=body,
            headers={HEADER: stack.keys.function},
            timeout=aiohttp.ClientTimeout(total=30),
        ) as answer:
            status, waits = answer.status, answer.headers.get("Retry-After")
    finally:
        await host.stop()

    assert status == 503
    assert waits


async def test_the_verdict_sees_what_somebody_does_to_our_event(office: Office) -> None:
    """An event that a user moved after the last sync makes the verdict say that it is stale."""
    plan = await office.book()
    event = await office.event(plan)
    later = f"{plan.end + timedelta(hours=1):%Y-%m-%dT%H:%M:%S}"
    await office.stack.graph.user(
        "edit", event.mailbox, id=event.id, event={"end": {"dateTime": later, "timeZone": "UTC"}}
    )

    facts = await gather_facts(office.stack, {})

    assert [each.kind for each in compare(facts) if each.about == plan.id] == [Kind.STALE]
