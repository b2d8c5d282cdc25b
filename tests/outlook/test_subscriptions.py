"""Subscriptions on Graph: the real SDK against the strict stand-in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal
from urllib.parse import parse_qs, urlsplit

import pytest

from booking_sync.errors import PermanentError, TransientError
from booking_sync.ports.outlook.subscriptions import WantedSubscription
from local.graph.subscriptions.delivery import Heard
from local.standin.faults import Fault
from tests.outlook.kit import DENIED_MAILBOX, MAILBOX, MISSING_MAILBOX, OTHER_MAILBOX

if TYPE_CHECKING:
    from tests.outlook.kit import GraphHere

URL = "https://contoso.azurewebsites.net/api/outlook/notifications?k=0123abcd"
SOON = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=3_000)
LATER = SOON + timedelta(minutes=1_000)
UNKNOWN = "5d7c1f57-3b1e-4c8e-9a55-2f6f0d6b1a05"


def wanted(mailbox: str = MAILBOX, url: str = URL) -> WantedSubscription:
    """A subscription of this mailbox."""
    return WantedSubscription(mailbox, url, "a-client-state", SOON)


def answering(graph: GraphHere, *, well: bool = True) -> None:
    """Addresses answer Graph's question, or don't."""

    async def post(url: str, body: bytes, seconds: float) -> Heard:
        assert not body
        assert seconds == 10
        (token,) = parse_qs(urlsplit(url).query)["validationToken"]
        return Heard(200, "text/plain; charset=utf-8", token if well else "")

    graph.standin.notifier.poster = post


async def nobody(url: str, body: bytes, seconds: float) -> Heard:  # noqa: ARG001 - as who posts
    """No address answers."""
    raise TimeoutError


async def test_a_subscription_is_made_with_all_that_can_only_be_given_then(graph: GraphHere) -> None:
    """Immutable ids and the lifecycle's address; it is listed, with its mailbox and address."""
    answering(graph)
    subscriptions = graph.calendar.subscriptions
    made = await subscriptions.create(wanted())
    (held,) = graph.standin.subscriptions.active()
    assert (held.id, held.immutable_ids, held.lifecycle_url) == (made, True, URL)
    assert (held.client_state, held.expires) == ("a-client-state", SOON)
    assert held.changes == {"updated", "deleted"}
    (listed,) = await subscriptions.list_all()
    assert (listed.subscription_id, listed.mailbox, listed.url, listed.expires) == (made, MAILBOX, URL, SOON)


async def test_a_list_is_read_to_its_end(graph: GraphHere) -> None:
    """All pages of it, without what is another program's."""
    answering(graph)
    graph.configure(subscription_page=2)
    subscriptions = graph.calendar.subscriptions
    made = {await subscriptions.create(wanted(each)) for each in (MAILBOX, OTHER_MAILBOX) * 2}
    assert {each.subscription_id for each in await subscriptions.list_all()} == made
    graph.standin.faults.add(Fault("skiptoken", status=503))
    with pytest.raises(TransientError):
        await subscriptions.list_all()


async def test_renewing_and_ending(graph: GraphHere) -> None:
    """One that is gone is told where it matters."""
    answering(graph)
    subscriptions = graph.calendar.subscriptions
    made = await subscriptions.create(wanted())
    assert await subscriptions.renew(made, LATER)
    assert [each.expires for each in await subscriptions.list_all()] == [LATER]
    await subscriptions.delete(made)
    await subscriptions.delete(made)
    assert not await subscriptions.renew(UNKNOWN, LATER)
    assert await subscriptions.list_all() == []


@pytest.mark.parametrize("code", ["ValidationError", "InvalidRequest"])
@pytest.mark.parametrize("silent", [True, False], ids=["silent", "wrong"])
async def test_an_address_that_does_not_answer_is_nobody_s_refusal(
    graph: GraphHere, code: Literal["ValidationError", "InvalidRequest"], *, silent: bool
) -> None:
    """The next run tries again, also of a renewal; the words name the setting, and Graph's are not shown."""
    answering(graph)
    subscriptions = graph.calendar.subscriptions
    made = await subscriptions.create(wanted())
    graph.configure(renewal_asks_again=True)
    answering(graph, well=False)
    if silent:
        graph.standin.notifier.poster = nobody
    graph.standin.notifier.silence_code = code
    for asked in (subscriptions.create(wanted(OTHER_MAILBOX)), subscriptions.renew(made, LATER)):
        with pytest.raises(TransientError, match="NOTIFICATION_URL") as caught:
            await asked
        assert "alidation" not in caught.value.reason


async def test_another_bad_request_is_a_refusal(graph: GraphHere) -> None:
    """The same code for what Graph won't take is not the address's silence."""
    body = {"error": {"code": "InvalidRequest", "message": "The subscription validation request is odd."}}
    graph.standin.faults.add(Fault("/subscriptions", "POST", status=400, body=body))
    with pytest.raises(PermanentError):
        await graph.calendar.subscriptions.create(wanted())


@pytest.mark.parametrize("mailbox", [MISSING_MAILBOX, DENIED_MAILBOX, OTHER_MAILBOX])
async def test_a_mailbox_that_takes_none_is_told(graph: GraphHere, mailbox: str) -> None:
    """None there, out of scope, or a policy: the mailbox is left alone for a while."""
    answering(graph)
    graph.standin.subscriptions.refusing.add(OTHER_MAILBOX)
    with pytest.raises(PermanentError):
        await graph.calendar.subscriptions.create(wanted(mailbox))


async def test_the_most_subscriptions_of_a_mailbox_are_a_refusal(graph: GraphHere) -> None:
    """Whatever code the service has for it."""
    answering(graph)
    body = {"error": {"code": "ExtensionError", "message": "too many"}}
    graph.standin.faults.add(Fault("/subscriptions", "POST", status=403, body=body))
    with pytest.raises(PermanentError, match="takes no subscriptions"):
        await graph.calendar.subscriptions.create(wanted())


async def test_throttling_passes(graph: GraphHere) -> None:
    """With the time that was asked for."""
    answering(graph)
    graph.standin.faults.add(
        Fault(
            "/subscriptions",
            "POST",
            status=429,
            headers={"Retry-After": "17"},
            body={"error": {"code": "TooManyRequests", "message": ""}},
        )
    )
    with pytest.raises(TransientError) as caught:
        await graph.calendar.subscriptions.create(wanted())
    assert caught.value.retry_after == 17


async def test_a_slow_creation_holds_up_no_calendar(graph: GraphHere) -> None:
    """It travels alone."""
    answering(graph)
    await graph.calendar.subscriptions.create(wanted())
    assert [len(each.items) for each in graph.batches] == [1]
