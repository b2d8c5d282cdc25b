"""The use case behind the address that Graph notifies."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from booking_sync.domain.messages.change import is_by_webhook
from booking_sync.domain.return_path.client_state import NotificationKeys, make_client_state
from booking_sync.domain.return_path.messages import MAX_EVENTS, Lifecycle, MailboxSweep, OutlookChange
from booking_sync.domain.return_path.version import version_of
from booking_sync.errors import TransientError
from booking_sync.plumbing.http.answer import HttpAnswer
from booking_sync.sync.from_outlook.receiver import NotificationReceiver
from booking_sync.sync.webhook.announce import SETTLE_SECONDS
from tests.support.bookings import ANNA, BERT
from tests.support.fakes import FakeQueue
from tests.support.notifications import (
    ADDRESSEE,
    FOREIGN_KEY,
    KEY,
    SUBSCRIPTION,
    FakeKeyring,
    body_of,
    changed,
    lifecycle,
)

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
NEW_ID = "12121212-1212-4121-8121-121212121212"


VERSION = version_of(changed()["resourceData"]["@odata.etag"])


class World:
    """A receiver on a fake queue, with a clock that is set by hand."""

    def __init__(self) -> None:
        self.queue = FakeQueue()
        self.keyring = FakeKeyring()
        self.time = 0.0
        self.receiver = NotificationReceiver(
            self.queue,
            self.keyring,
            ADDRESSEE,
            now=lambda: NOW,
            new_id=lambda: NEW_ID,
            elapsed=lambda: self.time,
        )

    async def post(self, *items: Any) -> HttpAnswer:
        """Graph posts these."""
        return await self.receiver.receive(body_of(*items))


async def test_changed_events_are_queued_by_mailbox() -> None:
    """One message for each mailbox, hidden for a moment, under an id that is no webhook's of Dataverse."""
    world = World()
    answer = await world.post(changed("E1"), changed("E2"), changed("E3", BERT))
    assert answer == HttpAnswer(202, {"status": "accepted"})
    expected = [
        OutlookChange(
            ANNA,
            ("E1", "E2"),
            f"outlook-{NEW_ID}",
            NOW,
            versions=frozenset({("E1", VERSION), ("E2", VERSION)}),
        ),
        OutlookChange(BERT, ("E3",), f"outlook-{NEW_ID}", NOW, versions=frozenset({("E3", VERSION)})),
    ]
    assert world.queue.outlook == [(each, SETTLE_SECONDS) for each in expected]
    assert not is_by_webhook(f"outlook-{NEW_ID}")


async def test_one_change_that_is_notified_thrice_is_looked_at_once() -> None:
    """The others are acknowledged as well."""
    world = World()
    for _ in range(3):
        assert (await world.post(changed("E1"))).status == 202
    assert len(world.queue.outlook) == 1


async def test_another_version_of_it_is_a_look_at_whatever_there_is() -> None:
    """The first message may end at the version that it is about; one more covers all that follow."""
    world = World()
    for number in range(3):
        await world.post(changed("E1", resourceData={"id": "E1", "@odata.etag": f'W/"{number}"'}))
    first, second = (each for each, _ in world.queue.outlook)
    assert isinstance(first, OutlookChange)
    assert isinstance(second, OutlookChange)
    assert first.versions == {("E1", version_of('W/"0"'))}
    assert not second.versions


async def test_that_an_event_was_deleted_is_news() -> None:
    """Also while a message lies hidden from when it was changed; twice it is not."""
    world = World()
    await world.post(changed("E1"))
    for _ in range(2):
        await world.post(changed("E1", changeType="deleted"), changed("E2"))
    first, second = (each for each, _ in world.queue.outlook)
    assert isinstance(first, OutlookChange)
    assert isinstance(second, OutlookChange)
    assert (first.event_ids, first.deleted) == (("E1",), frozenset())
    assert (second.event_ids, second.deleted) == (("E1", "E2"), frozenset({"E1"}))


async def test_very_many_events_of_a_mailbox_become_a_sweep() -> None:
    """Somebody changes everything: one list costs less than a look at each, and others are not held up."""
    world = World()
    items = [changed(f"E{number}") for number in range(MAX_EVENTS + 1)]
    assert (await world.post(*items, changed("E", BERT))).status == 202
    assert (await world.post(*items)).status == 202
    sweeps = [each for each, _ in world.queue.outlook if isinstance(each, MailboxSweep)]
    assert sweeps == [MailboxSweep(ANNA, f"outlook-{NEW_ID}", NOW)]
    assert len(world.queue.outlook) == 2


@pytest.mark.parametrize(
    ("event", "queued"),
    [
        ("missed", MailboxSweep(ANNA, f"outlook-{NEW_ID}", NOW)),
        (
            "subscriptionRemoved",
            MailboxSweep(
                ANNA,
                f"outlook-{NEW_ID}",
                NOW,
                lifecycle=Lifecycle.REMOVED,
                subscription_id=SUBSCRIPTION,
            ),
        ),
        (
            "reauthorizationRequired",
            MailboxSweep(
                ANNA, f"outlook-{NEW_ID}", NOW, lifecycle=Lifecycle.RENEW, subscription_id=SUBSCRIPTION
            ),
        ),
    ],
)
async def test_what_becomes_of_a_subscription_is_queued(event: str, queued: MailboxSweep) -> None:
    """It is acknowledged at once and seen to by the worker; a repetition adds nothing."""
    world = World()
    for _ in range(2):
        assert (await world.post(lifecycle(event))).status == 202
    assert [each for each, _ in world.queue.outlook] == [queued]


async def test_whoever_proves_nothing_learns_nothing() -> None:
    """Forged items are answered like ours, and nothing is queued."""
    world = World()
    forged = changed("E1", clientState="secret")
    assert await world.post(forged) == await world.post(changed("E1"))
    world.queue.outlook.clear()
    assert await world.post(forged, forged) == HttpAnswer(202, {"status": "accepted"})
    assert world.queue.outlook == []


async def test_a_new_key_that_another_instance_found_first_is_looked_for() -> None:
    """And the body read once more with it."""
    world = World()
    world.keyring.in_vault = NotificationKeys((FOREIGN_KEY, KEY))
    state = make_client_state(FOREIGN_KEY, ADDRESSEE.scope, ANNA)
    assert (await world.post(changed("E1", clientState=state))).status == 202
    assert len(world.queue.outlook) == 1
    world.keyring.in_vault = world.keyring.known
    await world.post(changed("E2", clientState=state.replace(FOREIGN_KEY.version, "00000000")))
    assert (world.keyring.renewals, len(world.queue.outlook)) == (2, 1)


@pytest.mark.parametrize("broken", ["queue", "vault"])
async def test_graph_is_asked_to_come_again_while_nothing_can_be_kept(broken: str) -> None:
    """Whoever asks is not told why; the log is."""
    world = World()
    if broken == "queue":
        world.queue.down = True
    else:
        world.keyring.fails = TransientError("Key Vault can't be reached", retry_after=7)
    answer = await world.post(changed("E1"), lifecycle("missed"))
    assert (answer.status, answer.payload) == (503, {"status": "unavailable"})
    assert answer.headers == {"Retry-After": "30" if broken == "queue" else "7"}
    world.queue.down, world.keyring.fails = False, None
    assert (await world.post(changed("E1"), lifecycle("missed"))).status == 202
    assert len(world.queue.outlook) == 2


async def test_a_refused_body_queues_nothing() -> None:
    """Whatever it holds besides."""
    world = World()
    assert (await world.receiver.receive(b"no JSON")).status == 400
    assert world.queue.outlook == []


async def test_the_log_counts_and_quotes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """Neither client states nor what strangers send."""
    world = World()
    forged = changed("E1", clientState="forged-secret", tenantId="<script>")
    with caplog.at_level(logging.INFO):
        await world.post(changed("E1"), changed("E1"), lifecycle("missed"), forged)
    (line,) = [json.loads(record.getMessage()) for record in caplog.records]
    assert (line["event"], line["httpStatus"]) == ("outlook_notifications", 202)
    counts = {name: line[name] for name in ("events", "queued", "lifecycles", "sweeps", "dropped")}
    assert counts == {"events": 1, "queued": 1, "lifecycles": 1, "sweeps": 1, "dropped": 1}
    text = caplog.text
    assert "forged-secret" not in text
    assert "script" not in text
    assert make_client_state(KEY, ADDRESSEE.scope, ANNA) not in text


async def test_notifications_of_another_tenant_are_not_ours() -> None:
    """Even with a key that is shared by mistake."""
    world = World()
    world.receiver = NotificationReceiver(
        world.queue, world.keyring, replace(ADDRESSEE, tenant_id=BERT), now=lambda: NOW, new_id=lambda: NEW_ID
    )
    assert (await world.post(changed("E1"))).status == 202
    assert world.queue.outlook == []
