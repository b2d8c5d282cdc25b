"""Subscriptions and notifications of the Graph stand-in, over HTTP."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from local.graph.subscriptions.health import COUNTED_AFTER, WINDOW_SECONDS, AddressHealth
from local.graph.subscriptions.store import MOST_PER_MAILBOX
from tests.local.graph.kit import EVENTS, USER, code, event_body
from tests.support.addresses import Address, listening

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.local.graph.kit import Rig

OTHER = "11111111-aaaa-4bbb-8ccc-000000000002"


@pytest.fixture
async def address() -> AsyncIterator[Address]:
    """An address that Graph may notify."""
    async with listening() as opened:
        yield opened


def wanted(address: Address, **changes: Any) -> dict[str, Any]:
    """A subscription that Graph makes."""
    return {
        "changeType": "created,updated,deleted",
        "notificationUrl": address.url,
        "lifecycleNotificationUrl": address.url,
        "resource": f"/users/{USER}/events",
        "expirationDateTime": (datetime.now(UTC) + timedelta(minutes=4200)).isoformat(),
        "clientState": "a-secret",
        **changes,
    }


async def subscribe(rig: Rig, address: Address, **changes: Any) -> dict[str, Any]:
    """A subscription that must be made."""
    answer = await rig.call("POST", "/subscriptions", wanted(address, **changes))
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def quiet(rig: Rig) -> None:
    """Wait until everything is delivered."""
    await asyncio.wait_for(rig.graph.notifier.idle(), 20)


@pytest.mark.assumes("subscription_taken")
async def test_both_addresses_are_asked_before_a_subscription_is_made(rig: Rig, address: Address) -> None:
    """Its client state is shown once, and never in a list."""
    made = await subscribe(rig, address)
    assert len(address.questions) == 2
    assert all("k=0123abcd&validationToken=" in each for each in address.questions)
    assert made["clientState"] == "a-secret"
    listed = (await rig.call("GET", "/subscriptions")).json()["value"]
    assert [(each["id"], each["clientState"]) for each in listed] == [(made["id"], None)]
    assert listed[0]["lifecycleNotificationUrl"] == address.url


@pytest.mark.parametrize(
    "spoiled", [{"token_status": 202}, {"token_kind": "application/json"}, {"escapes": True}]
)
async def test_an_address_that_does_not_answer_as_it_must_gets_none(
    rig: Rig, address: Address, spoiled: dict[str, Any]
) -> None:
    """Another status, another kind, an escaped token."""
    for name, value in spoiled.items():
        setattr(address, name, value)
    answer = await rig.call("POST", "/subscriptions", wanted(address))
    assert (answer.status_code, code(answer)) == (400, "ValidationError")
    assert (await rig.call("GET", "/subscriptions")).json() == {"value": []}


@pytest.mark.parametrize(
    "changes",
    [
        {"clientState": "x" * 129},
        {"changeType": "moved"},
        {"changeType": "updated,updated"},
        {"resource": "/users"},
        {"resource": f"/users/{USER}/messages"},
        {"notificationUrl": "http://example.com/"},
        {"notificationUrl": "ftp://localhost/"},
        {"expirationDateTime": "tomorrow"},
        {"expirationDateTime": "2030-01-01T00:00:00"},
        {"expirationDateTime": "2020-01-01T00:00:00Z"},
        {"expirationDateTime": "2199-01-01T00:00:00Z"},
        {"includeResourceData": True},
        {"expirationDateTime": None},
    ],
)
async def test_what_graph_does_not_take_is_refused(
    rig: Rig, address: Address, changes: dict[str, Any]
) -> None:
    """With 400, before anybody is asked."""
    answer = await rig.call("POST", "/subscriptions", wanted(address, **changes))
    assert (answer.status_code, code(answer)) == (400, "InvalidRequest")
    assert address.questions == []


@pytest.mark.assumes("subscription_life")
@pytest.mark.parametrize(("minutes", "taken"), [(10_080, True), (4_230, False)])
async def test_how_long_a_subscription_may_live(
    rig: Rig,
    address: Address,
    minutes: int,
    taken: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """Pages of different ages tell different bounds."""
    rig.configure(longest_subscription_minutes=minutes)
    until = (datetime.now(UTC) + timedelta(minutes=5_000)).isoformat()
    answer = await rig.call("POST", "/subscriptions", wanted(address, expirationDateTime=until))
    assert answer.status_code == (201 if taken else 400)


async def test_less_than_45_minutes_become_45(rig: Rig, address: Address) -> None:
    """As public threads saw it."""
    made = await subscribe(
        rig, address, expirationDateTime=(datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    )
    until = datetime.fromisoformat(made["expirationDateTime"])
    assert until > datetime.now(UTC) + timedelta(minutes=44)


@pytest.mark.assumes("renewal_handshake")
@pytest.mark.assumes("subscription_renewal")
@pytest.mark.parametrize("asks", [False, True])
async def test_a_renewal_is_a_patch(rig: Rig, address: Address, asks: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Of the expiry, or of the address, which is asked then; lifecycle and client state stay."""
    rig.configure(renewal_asks_again=asks)
    made = await subscribe(rig, address)
    address.questions.clear()
    later = (datetime.now(UTC) + timedelta(minutes=9_000)).replace(microsecond=0)
    place = f"/subscriptions/{made['id']}"
    answer = await rig.call("PATCH", place, {"expirationDateTime": later.isoformat()})
    assert (answer.status_code, answer.json()["expirationDateTime"]) == (
        200,
        later.strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
    assert len(address.questions) == asks
    for body in ({"clientState": "x"}, {"lifecycleNotificationUrl": address.url}, {}):
        assert (await rig.call("PATCH", place, body)).status_code == 400
    assert (await rig.call("PATCH", place, {"notificationUrl": address.url + "2"})).status_code == 200
    assert len(address.questions) == asks + 1


@pytest.mark.assumes("subscription_listed")
async def test_a_list_is_paged_and_takes_no_options(rig: Rig, address: Address) -> None:
    """Of all that the app made."""
    rig.configure(subscription_page=2)
    made = [await subscribe(rig, address) for _ in range(3)]
    first = (await rig.call("GET", "/subscriptions")).json()
    second = (await rig.http.get(first["@odata.nextLink"])).json()
    assert [each["id"] for each in first["value"] + second["value"]] == [each["id"] for each in made]
    assert "@odata.nextLink" not in second
    assert (await rig.call("GET", "/subscriptions?$top=5")).status_code == 400


@pytest.mark.assumes("gone_subscription")
async def test_a_deleted_or_expired_subscription_is_gone(rig: Rig, address: Address) -> None:
    """For every request that names it."""
    made = await subscribe(rig, address)
    place = f"/subscriptions/{made['id']}"
    assert (await rig.call("DELETE", place)).status_code == 204
    for method, body in (("GET", None), ("DELETE", None), ("PATCH", {"expirationDateTime": "x"})):
        answer = await rig.call(method, place, body)
        assert (answer.status_code, code(answer)) == (404, "ResourceNotFound")
    await rig.post(event_body())
    await quiet(rig)
    assert address.items == []


async def test_a_mailbox_takes_so_many_subscriptions_and_some_take_none(rig: Rig, address: Address) -> None:
    """At most 1,000 of all apps; some mailboxes can be read and not be subscribed to."""
    rig.graph.state.add_mailbox(OTHER)
    await rig.control("POST", "subscriptions/refuse", {"mailbox": OTHER, "refuses": True})
    refused = await rig.call("POST", "/subscriptions", wanted(address, resource=f"/users/{OTHER}/events"))
    assert refused.status_code == 404
    body = wanted(address)
    for _ in range(MOST_PER_MAILBOX):
        rig.graph.subscriptions.keep(rig.graph.subscriptions.read_new(body, immutable_ids=True))
    answer = await rig.call("POST", "/subscriptions", body)
    assert (answer.status_code, code(answer)) == (403, "ExtensionError")


async def test_every_change_is_notified_whoever_made_it(rig: Rig, address: Address) -> None:
    """Ours as well as people's; a creation as created and updated, a move to another calendar as two."""
    await subscribe(rig, address)
    made = await rig.post(event_body())
    await quiet(rig)
    event_id = made["id"]
    assert sorted(address.told) == [("created", event_id), ("updated", event_id)]
    address.items.clear()
    assert (await rig.call("PATCH", f"{EVENTS}/{event_id}", {"subject": "new"})).status_code == 200
    await rig.act("edit", made, event={"subject": "newer"})
    await quiet(rig)
    assert address.told == [("updated", event_id)] * 2
    address.items.clear()
    await rig.act("delete", made)
    await quiet(rig)
    assert address.told == [("deleted", event_id)]
    (item,) = address.items
    assert item["resource"] == f"Users/{USER}/Events/{event_id}"
    assert item["clientState"] == "a-secret"


@pytest.mark.parametrize(("version", "equal"), [("same", True), ("other", False), ("none", False)])
async def test_the_version_that_a_notification_names(
    rig: Rig,
    address: Address,
    version: str,
    equal: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """As the answer to the write does, as another text, or not at all; nobody knows which."""
    rig.configure(notified_version=version)
    await subscribe(rig, address, changeType="updated")
    made = await rig.post(event_body())
    await quiet(rig)
    address.items.clear()
    changed = await rig.call("PATCH", f"{EVENTS}/{made['id']}", {"subject": "new"})
    await quiet(rig)
    (item,) = address.items
    named = item["resourceData"].get("@odata.etag")
    assert (named == changed.json()["@odata.etag"]) is equal
    assert (named is None) is (version == "none")


async def test_the_kind_of_id_is_that_of_the_creation(rig: Rig, address: Address) -> None:
    """By the header that the subscription was made with."""
    answer = await rig.call("POST", "/subscriptions", wanted(address), prefer="")
    assert answer.status_code == 201
    made = await rig.post(event_body())
    await quiet(rig)
    (stored,) = rig.graph.state.mailbox(USER).events.values()
    assert {event_id for _, event_id in address.told} == {stored.mutable_id} != {made["id"]}


async def test_only_what_was_asked_for_is_notified(rig: Rig, address: Address) -> None:
    """By the change's type and the mailbox."""
    rig.graph.state.add_mailbox(OTHER)
    await subscribe(rig, address, changeType="deleted")
    made = await rig.post(event_body())
    await rig.post(event_body(), f"/users/{OTHER}/events")
    await rig.act("delete", made)
    await quiet(rig)
    assert address.told == [("deleted", made["id"])]


async def test_notifications_are_lost_doubled_late_and_kept_back(rig: Rig, address: Address) -> None:
    """As configured."""
    await subscribe(rig, address, changeType="created")
    rig.configure(notification_copies=3, notification_lose_every=2)
    await rig.post(event_body())
    await quiet(rig)
    assert len(address.items) == 2
    rig.configure(notification_copies=1, notification_lose_every=0, notifications_paused=True)
    await rig.post(event_body())
    assert rig.graph.notifier.pending == 1
    rig.configure(notifications_paused=False, notification_delay_seconds=0.01, notifications_shuffled=True)
    await rig.control("POST", "notifications/pump")
    await quiet(rig)
    assert len(address.items) == 3


async def test_one_body_holds_what_comes_together(rig: Rig, address: Address) -> None:
    """Of several subscriptions of one address."""
    for _ in range(2):
        await subscribe(rig, address, changeType="created")
    rig.configure(notifications_paused=True)
    for _ in range(2):
        await rig.post(event_body())
    rig.configure(notifications_paused=False)
    await quiet(rig)
    assert (address.bodies, len(address.items)) == (1, 4)


async def test_a_refused_body_is_tried_again(rig: Rig, address: Address) -> None:
    """Whatever the status, unless it is 2xx."""
    rig.configure(notification_retry_seconds=0.01)
    await subscribe(rig, address, changeType="created")
    address.answers = [503, 400, 302]
    await rig.post(event_body())
    await quiet(rig)
    assert (address.bodies, len(address.items)) == (4, 1)
    told = await rig.control("GET", "notifications")
    assert (told["delivered"], told["retried"], told["lost"]) == (1, 3, 0)
    assert list(told["addresses"].values()) == ["well"]
    assert (await rig.control("POST", "notifications/forgive"))["addresses"] == {}


@pytest.mark.parametrize("event", ["missed", "reauthorizationRequired", "subscriptionRemoved"])
async def test_what_becomes_of_a_subscription_is_told(rig: Rig, address: Address, event: str) -> None:
    """To the lifecycle's address; such a notification carries no resource."""
    made = await subscribe(rig, address)
    await rig.control("POST", "subscriptions/lifecycle", {"mailbox": USER, "event": event})
    await quiet(rig)
    (item,) = address.items
    assert (item["lifecycleEvent"], item["subscriptionId"]) == (event, made["id"])
    assert "resource" not in item
    assert "changeType" not in item
    left = await rig.control("GET", "subscriptions")
    assert len(left) == (event != "subscriptionRemoved")


async def test_a_subscription_travels_in_a_batch(rig: Rig, address: Address) -> None:
    """As any other request."""
    answers = await rig.batch(
        {
            "id": "1",
            "method": "POST",
            "url": "/subscriptions",
            "headers": {"Content-Type": "application/json"},
            "body": wanted(address),
        },
    )
    assert answers["1"]["status"] == 201


def test_an_address_that_is_slow_is_notified_late_or_not_at_all() -> None:
    """By its share of late answers within ten minutes, once there are a hundred."""
    time = 0.0
    health = AddressHealth(lambda: time)
    for number in range(COUNTED_AFTER):
        assert health.state() == "well"
        health.answered(late=number % 9 == 0)
    assert health.state() == "slow"
    for _ in range(10):
        health.answered(late=True)
    assert health.state() == "drop"
    time = WINDOW_SECONDS + 1
    assert health.state() == "well"
