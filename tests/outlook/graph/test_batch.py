"""One batch: its JSON, its answers in any order, and everything that can happen to the call as a whole."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from azure.core.exceptions import ClientAuthenticationError
from kiota_abstractions.api_error import APIError

from booking_sync.errors import PermanentError, TransientError
from booking_sync.outlook.graph.batch import BatchSender
from booking_sync.outlook.graph.wire import Answer, BatchResult, GraphRequest
from local.standin.virtual_time import run_virtually
from tests.outlook.kit import LocalCredential, get, now, post

Reply = httpx.Response | Exception | Callable[[list[dict[str, Any]]], httpx.Response]


@dataclass
class ScriptedTransport:
    """Gives one scripted reply per call, and the last one for ever."""

    replies: list[Reply]
    calls: list[list[dict[str, Any]]] = field(default_factory=list)
    request_ids: list[str] = field(default_factory=list)

    async def post_batch(self, content: bytes, request_id: str) -> httpx.Response:
        """Reply, a turn of the loop later."""
        await asyncio.sleep(0)
        items = json.loads(content)["requests"]
        self.calls.append(items)
        self.request_ids.append(request_id)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, Exception):
            raise reply
        return reply if isinstance(reply, httpx.Response) else reply(items)


def all_fine(items: list[dict[str, Any]]) -> httpx.Response:
    """Every item succeeds, answered backwards."""
    entries = [{"id": item["id"], "status": 200, "body": {"url": item["url"]}} for item in reversed(items)]
    return httpx.Response(200, json={"responses": entries})


def with_status(status: int, *ids: str) -> Callable[[list[dict[str, Any]]], httpx.Response]:
    """These items get a status, the others succeed."""

    def reply(items: list[dict[str, Any]]) -> httpx.Response:
        entries = [{"id": item["id"], "status": status if item["id"] in ids else 200} for item in items]
        return httpx.Response(200, json={"responses": entries})

    return reply


async def send(
    *replies: Reply, requests: Sequence[GraphRequest] = (post("a"), get("b"))
) -> tuple[BatchResult, ScriptedTransport, LocalCredential]:
    """Send requests against a script."""
    transport, credential = ScriptedTransport(list(replies)), LocalCredential(b"")
    result = await BatchSender(transport, credential, now).send(requests)
    return result, transport, credential


def transient(result: BatchResult) -> list[TransientError]:
    """The results, all of which must be transient."""
    assert all(isinstance(each, TransientError) for each in result.results)
    return [each for each in result.results if isinstance(each, TransientError)]


def statuses(result: BatchResult) -> list[int | str]:
    """Each result's status, or the name of its error."""
    return [each.status if isinstance(each, Answer) else type(each).__name__ for each in result.results]


async def test_answers_are_matched_by_id() -> None:
    """Graph answers in any order; each request gets its own answer."""
    requests = [get("m", number) for number in range(20)]
    result, _, _ = await send(all_fine, requests=requests)
    assert [each.body["url"] for each in result.results if isinstance(each, Answer)] == [
        f"/users/m/events/{number}" for number in range(20)
    ]


async def test_an_item_carries_method_url_headers_and_json() -> None:
    """A request travels as Graph documents batch items; one without a body sends none."""
    request = GraphRequest("a", "POST", "/users/a/events", {"Prefer": "x"}, {"subject": "é"})
    _, transport, _ = await send(all_fine, requests=[request, get("b")])
    first, second = transport.calls[0]
    assert first == {
        "id": "0",
        "method": "POST",
        "url": "/users/a/events",
        "headers": {"Prefer": "x"},
        "body": {"subject": "é"},
    }
    assert "body" not in second


async def test_each_call_has_its_own_request_id() -> None:
    """No two calls share the GUID that Microsoft's support finds them by."""
    _, transport, _ = await send(with_status(401, "0"), all_fine)
    assert len(set(transport.request_ids)) == 2


async def test_more_than_twenty_are_refused() -> None:
    """A batch of 21 is a mistake of the caller and is not sent."""
    with pytest.raises(ValueError, match="at most 20"):
        await send(all_fine, requests=[get("a")] * 21)


async def test_a_missing_answer_leaves_doubt() -> None:
    """An item that the answer lacks is transient, and in doubt when it was a write."""
    result, _, _ = await send(httpx.Response(200, json={"responses": []}))
    assert [each.maybe_applied for each in transient(result)] == [True, False]


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b"[]", b'{"responses": 5}', b'{"responses": [7, {"id": "0", "status": "x"}]}']
)
async def test_an_unreadable_answer_leaves_doubt(content: bytes) -> None:
    """A success that can't be read may have been one: transient and in doubt."""
    result, transport, _ = await send(httpx.Response(200, content=content))
    assert [each.maybe_applied for each in transient(result)] == [True, False]
    assert len(transport.calls) == 1


@pytest.mark.parametrize(
    ("error", "in_doubt"),
    [
        (httpx.ConnectError("refused"), False),
        (httpx.ConnectTimeout("late"), False),
        (httpx.PoolTimeout("full"), False),
        (httpx.ReadTimeout("late"), True),
        (httpx.ReadError("reset"), True),
        (httpx.WriteError("reset"), True),
        (httpx.RemoteProtocolError("closed"), True),
        (APIError("odd"), True),
        (TimeoutError(), True),
        (RuntimeError("odd"), True),
        (ClientAuthenticationError("refused"), False),
        (TransientError("Entra is away"), False),
    ],
)
async def test_a_failed_call_is_transient(error: Exception, in_doubt: bool) -> None:  # noqa: FBT001 - a table's column
    """Whatever is raised on the way is transient, and in doubt unless nothing can have been sent."""
    result, transport, _ = await send(error)
    assert [each.maybe_applied for each in transient(result)] == [in_doubt, False]
    assert result.silent == isinstance(error, (httpx.ReadTimeout, TimeoutError))
    assert len(transport.calls) == 1


def test_a_call_that_never_ends_is_given_up() -> None:
    """A service that keeps the connection open for ever costs its callers minutes, not their lives."""

    class Silent(ScriptedTransport):
        async def post_batch(self, content: bytes, request_id: str) -> httpx.Response:
            await asyncio.sleep(1e6)
            return await super().post_batch(content, request_id)

    async def main() -> float:
        loop = asyncio.get_running_loop()
        started = loop.time()
        result = await BatchSender(Silent([all_fine]), LocalCredential(b""), now).send([post("a")])
        assert result.silent
        assert [each.maybe_applied for each in transient(result)] == [True]
        return loop.time() - started

    assert run_virtually(main()) < 300


async def test_the_credentials_own_wish_is_kept() -> None:
    """A delay that the credential asks for reaches every caller, each with an error of its own."""
    result, _, _ = await send(TransientError("Key Vault is away", retry_after=9))
    assert [each.retry_after for each in transient(result)] == [9, 9]
    assert result.results[0] is not result.results[1]


async def test_the_credentials_refusal_stays_permanent() -> None:
    """Should the credential know that trying again is useless, the callers learn it."""
    result, _, _ = await send(PermanentError("no secret"))
    assert all(isinstance(each, PermanentError) for each in result.results)


async def test_a_refused_token_is_renewed_once() -> None:
    """An outer 401 renews the token and sends the batch again at once."""
    result, transport, credential = await send(httpx.Response(401), all_fine)
    assert statuses(result) == [200, 200]
    assert (len(transport.calls), credential.renewals) == (2, 1)


async def test_a_token_refused_twice_is_left_to_the_caller() -> None:
    """A second 401 is handed on; there is no third try."""
    result, transport, credential = await send(httpx.Response(401))
    assert statuses(result) == [401, 401]
    assert (len(transport.calls), credential.renewals) == (2, 1)


async def test_items_refused_for_their_token_go_again_alone() -> None:
    """A 401 of single items renews the token and repeats these items, and no others."""
    requests = [post("a", number) for number in range(5)]
    result, transport, credential = await send(with_status(401, "1", "3"), all_fine, requests=requests)
    assert statuses(result) == [200] * 5
    assert [item["body"]["subject"] for item in transport.calls[1]] == ["1", "3"]
    assert credential.renewals == 1


async def test_batches_that_meet_the_same_bad_token_renew_it_once() -> None:
    """When many batches are refused together, the credential is renewed once and not by each."""
    credential = LocalCredential(b"")
    sender = BatchSender(ScriptedTransport([httpx.Response(401)]), credential, now)
    await asyncio.gather(*(sender.send([get("a")]) for _ in range(3)))
    assert credential.renewals == 1


@pytest.mark.parametrize("status", [429, 503])
async def test_a_refused_batch_says_how_long_to_stay_away(status: int) -> None:
    """An outer 429 or 503 gives all its items the delay, and the app its pause."""
    result, transport, _ = await send(httpx.Response(status, headers={"Retry-After": "2.5"}))
    assert [each.retry_after for each in transient(result)] == [2.5, 2.5]
    assert [each.maybe_applied for each in transient(result)] == [status == 503, False]
    assert result.pause == 2.5
    assert len(transport.calls) == 1


@pytest.mark.parametrize("status", [302, 400, 403, 404, 407, 413, 421, 451, 500])
@pytest.mark.parametrize(
    "content", [b"", b"<html>", b'{"error":{"code":"","message":"x"}}', b'{"error":{"code":"GatewaySaysNo"}}']
)
async def test_a_batch_that_a_gateway_refuses_may_have_been_worked_on(status: int, content: bytes) -> None:
    """Without an error of Graph's own a refused batch is passing trouble, and is not taken apart."""
    result, transport, _ = await send(httpx.Response(status, content=content))
    for error, in_doubt in zip(transient(result), (True, False), strict=True):
        assert (error.until_mended, error.maybe_applied) == (False, in_doubt)
    assert len(transport.calls) == 1
    assert result.pause is None


@pytest.mark.parametrize("status", [403, 404, 405])
async def test_a_batch_that_graph_refuses_waits_until_it_is_mended(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """The refusal of a whole batch speaks of the app, not of a booking: nothing is given up, one is told."""
    body = {"error": {"code": "Authorization_RequestDenied", "message": "no"}}
    result, _, _ = await send(httpx.Response(status, json=body))
    for error in transient(result):
        assert (error.retry_after, error.maybe_applied, error.until_mended) == (60.0, False, True)
    (line,) = [json.loads(record.getMessage()) for record in caplog.records]
    assert (line["event"], line["service"]) == ("app_refused", "Graph")
    assert str(status) in line["reason"]


async def test_a_refused_batch_proves_nothing_of_its_one_event() -> None:
    """A code that would mean a missing event, on the batch itself, does not mean that."""
    body = {"error": {"code": "ErrorInvalidIdMalformed", "message": "no"}}
    result, _, _ = await send(httpx.Response(400, json=body), requests=[get("a")])
    assert statuses(result) == ["PermanentError"]


@pytest.mark.parametrize(
    "second",
    [
        {"id": "0", "status": 404, "body": {"error": {"code": "ErrorItemNotFound"}}},
        {"id": 0, "status": 200},
    ],
)
async def test_of_two_answers_to_one_item_neither_is_believed(second: dict[str, Any]) -> None:
    """An item that is answered twice is in doubt; its neighbour is not."""
    entries = [{"id": "0", "status": 200}, {"id": "1", "status": 200}, second]
    result, _, _ = await send(httpx.Response(200, json={"responses": entries}))
    assert statuses(result) == ["TransientError", 200]


@pytest.mark.parametrize("status", [True, 0, -404, 99, 600, 10**400, 200.0, "200", None, [200]])
async def test_what_is_no_status_is_no_answer(status: Any) -> None:
    """An item whose status can't be one is in doubt; its neighbour is not."""
    entries = [{"id": "0", "status": status}, {"id": "1", "status": 200}]
    result, _, _ = await send(httpx.Response(200, json={"responses": entries}))
    assert statuses(result) == ["TransientError", 200]


async def test_one_malformed_item_does_not_harm_the_others() -> None:
    """When Graph refuses a batch for one item, the others still run, and only that one gets the 400."""
    ran: list[str] = []

    def strict(items: list[dict[str, Any]]) -> httpx.Response:
        subjects = [item["body"]["subject"] for item in items]
        if "13" in subjects:
            return httpx.Response(400, json={"error": {"code": "BadRequest", "message": "malformed"}})
        ran.extend(subjects)
        return all_fine(items)

    result, _, _ = await send(strict, requests=[post("a", number) for number in range(20)])
    assert statuses(result) == [200] * 13 + ["PermanentError"] + [200] * 6
    assert sorted(ran, key=int) == [str(number) for number in range(20) if number != 13]
