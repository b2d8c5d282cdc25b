"""What is read of Graph's notifications."""

from __future__ import annotations

from typing import Any

import pytest

from booking_sync.domain.return_path.client_state import make_client_state
from booking_sync.domain.return_path.messages import Lifecycle
from booking_sync.domain.return_path.version import MOST_VERSIONS, version_of
from booking_sync.sync.from_outlook.notifications import (
    MAX_BODY,
    MAX_ITEMS,
    LifecycleNotice,
    Notified,
    Unusable,
    read_notifications,
)
from tests.support.bookings import ANNA, BERT
from tests.support.notifications import (
    ADDRESSEE,
    FOREIGN_KEY,
    KEYS,
    OLDER_KEY,
    SUBSCRIPTION,
    body_of,
    changed,
    lifecycle,
)


def read(*items: Any) -> Notified:
    """What a body with these items tells."""
    found = read_notifications(body_of(*items), KEYS, ADDRESSEE)
    assert isinstance(found, Notified)
    return found


def test_events_are_told_by_mailbox_each_once() -> None:
    """However many subscriptions and repetitions a body holds."""
    found = read(changed("E1"), changed("E2", BERT), changed("E1", changeType="deleted"), changed("e1"))
    assert found.events == {ANNA: ("E1", "e1"), BERT: ("E2",)}
    assert found.deleted == {ANNA: frozenset({"E1"})}


def of_version(etag: Any, event_id: str = "E1") -> dict[str, Any]:
    """A notification that tells of a version."""
    return changed(event_id, resourceData={"id": event_id, "@odata.etag": etag})


def test_versions_are_told_by_event() -> None:
    """As an answer to a write tells them: what they are of is known by their text alone."""
    found = read(of_version('W/"1"'), of_version('W/"2"'), of_version('W/"1"', "E2"))
    assert found.versions == {
        (ANNA, "E1"): {version_of('W/"1"'), version_of('W/"2"')},
        (ANNA, "E2"): {version_of('W/"1"')},
    }


@pytest.mark.parametrize("etag", ["", None, 7, {}, "x" * 1001])
def test_an_event_of_which_one_notification_tells_no_version_has_none(etag: Any) -> None:
    """It is to be looked at whatever there is."""
    assert read(of_version('W/"1"'), of_version(etag)).versions == {}
    assert read(changed("E1", resourceData={"id": "E1"})).versions == {}


def test_an_event_of_very_many_versions_has_none() -> None:
    """It is to be looked at whatever there is."""
    assert read(*(of_version(f'W/"{number}"') for number in range(MOST_VERSIONS + 1))).versions == {}


def test_either_accepted_key_proves_a_notification() -> None:
    """Subscriptions that were made with the key of before go on until they are made anew."""
    state = make_client_state(OLDER_KEY, ADDRESSEE.scope, ANNA)
    assert read(changed("E1", clientState=state)).events == {ANNA: ("E1",)}


def test_a_resource_may_be_written_in_any_case() -> None:
    """Graph's pages show both; ids of events keep theirs."""
    spelt = changed("AbC", resource=f"/users/{ANNA.upper()}/events/AbC")
    assert read(spelt).events == {ANNA: ("AbC",)}


@pytest.mark.parametrize(
    ("event", "means", "subscription"),
    [
        ("reauthorizationRequired", Lifecycle.RENEW, SUBSCRIPTION),
        ("subscriptionRemoved", Lifecycle.REMOVED, SUBSCRIPTION),
        ("missed", Lifecycle.NONE, ""),
    ],
)
def test_what_becomes_of_a_subscription_is_told(event: str, means: Lifecycle, subscription: str) -> None:
    """Such notifications carry no resource: the client state names the mailbox."""
    assert read(lifecycle(event)).lifecycles == (LifecycleNotice(ANNA, subscription, means),)


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (None, "no object"),
        ([], "no object"),
        ("x", "no object"),
        (changed(clientState=None), "client state"),
        (changed(clientState="secret"), "client state"),
        (changed(clientState=make_client_state(KEYS.newest, "other", ANNA)), "client state"),
        (changed(clientState=make_client_state(FOREIGN_KEY, ADDRESSEE.scope, ANNA)), "unknown key"),
        (changed(tenantId=ANNA), "tenant"),
        (changed(tenantId=None), "tenant"),
        (changed(resource=f"Users/{BERT}/Events/E1"), "resource"),
        (changed(resource=f"Users/{ANNA}/Messages/E1"), "resource"),
        (changed(resource=f"Users/{ANNA}/Events/E1/attachments/1"), "resource"),
        (changed(resource=7), "resource"),
        (changed(changeType="moved"), "change type"),
        (changed(changeType=["updated"]), "change type"),
        (changed(resourceData=None), "event"),
        (changed(resourceData={"id": "../messages/1"}), "event"),
        (changed(resourceData={"id": 7}), "event"),
        (lifecycle("renamed"), "lifecycle"),
        (lifecycle("missed", lifecycleEvent=None), "lifecycle"),
        (lifecycle("missed", subscriptionId="x"), "lifecycle"),
        (lifecycle("missed", clientState="secret"), "client state"),
    ],
)
def test_an_item_of_no_use_is_counted_and_keeps_no_other_from_being_read(item: Any, reason: str) -> None:
    """By the reason; what is proven ours beside it counts."""
    found = read(item, changed("E9"))
    assert (dict(found.dropped), found.events, found.lifecycles) == ({reason: 1}, {ANNA: ("E9",)}, ())
    assert found.unknown is (reason == "unknown key")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b'{"value": {}}', 400),
        (b"\xff\xfe", 400),
        (b"[" * 100_000, 400),
        (b" " * (MAX_BODY + 1), 413),
        (body_of(*([0] * (MAX_ITEMS + 1))), 413),
    ],
)
def test_a_body_that_graph_never_sends_is_refused(body: bytes, status: int) -> None:
    """Nothing of it is looked at."""
    found = read_notifications(body, KEYS, ADDRESSEE)
    assert isinstance(found, Unusable)
    assert found.status == status


def test_the_largest_body_is_read() -> None:
    """As many items as are taken, and no more bytes."""
    assert sum(read(*([0] * MAX_ITEMS)).dropped.values()) == MAX_ITEMS
    padded = body_of(changed("E1"))
    assert isinstance(read_notifications(padded + b" " * (MAX_BODY - len(padded)), KEYS, ADDRESSEE), Notified)
