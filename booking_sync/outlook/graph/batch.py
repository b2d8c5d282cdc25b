"""Sends up to 20 requests as one `POST /$batch` and gives each its own answer.

Failures of the whole call are handled here: a refused token is renewed once, and broken connections, late or
unreadable answers become a `TransientError`, which says whether the requests may have taken effect. Nothing
else is tried twice here: the message comes back from the queue.
"""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import httpx
from azure.core.exceptions import AzureError

from booking_sync.errors import PermanentError, SyncError, TransientError
from booking_sync.outlook.graph import errors
from booking_sync.outlook.graph.wire import MAX_BATCH_ITEMS, Answer, BatchResult, GraphRequest
from booking_sync.plumbing import app_refusal, telemetry
from booking_sync.plumbing.http.bounded_body import BodyTooLargeError
from booking_sync.plumbing.json_text import read_json
from booking_sync.plumbing.telemetry import GRAPH, Attribute, Metric, SpanName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from booking_sync.plumbing.circuit import Circuit
    from booking_sync.plumbing.telemetry import About, Note
    from booking_sync.ports.platform.clock import Clock
    from booking_sync.ports.platform.credentials import AppCredential

    Result = Answer | SyncError

TOTAL_SECONDS = 100.0
"""The whole call, token included; the transport's own limits only bound the silence between two bytes."""

_BAD_REQUEST = 400
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Reply:
    """What came back for a batch."""

    response: httpx.Response
    outer: Answer
    results: tuple[Result, ...]
    """Each request's own; empty when the whole batch was refused."""


class BatchTransport(Protocol):
    """The part of `GraphClient` that sends batches."""

    async def post_batch(self, content: bytes, request_id: str) -> httpx.Response:
        """POST a batch's JSON; raises whatever credential, SDK and transport raise."""


class BatchSender:
    """Executes batches, any number side by side.

    Args:
        transport: how a batch reaches Graph.
        credential: asked to renew its token when Graph refuses it.
        now: the time that an HTTP date in `Retry-After` is compared with.
        circuit: opens when Graph as a whole is down; None sends every batch, come what may.
    """

    def __init__(
        self,
        transport: BatchTransport,
        credential: AppCredential,
        now: Clock,
        circuit: Circuit | None = None,
    ) -> None:
        self._transport = transport
        self._credential = credential
        self._now = now
        self._circuit = circuit
        self._renewals = 0

    async def send(self, requests: Sequence[GraphRequest]) -> BatchResult:
        """One result per request, in order; an error among them is a `TransientError` or `PermanentError`.

        Args:
            requests: at most 20; they may run in any order and at the same time.
        """
        if len(requests) > MAX_BATCH_ITEMS:
            raise ValueError(f"a batch holds at most {MAX_BATCH_ITEMS} requests, not {len(requests)}")
        telemetry.measure(
            Metric.BATCH_SIZE, len(requests), {Attribute.SERVICE: GRAPH, Attribute.OPERATION: "events"}
        )
        renewals = self._renewals
        first = await self._post(requests)
        refused = [
            place
            for place, result in enumerate(first.results)
            if isinstance(result, Answer) and result.status == errors.UNAUTHORIZED
        ]
        if not refused:
            return first
        self._renew(renewals)
        again = await self._post([requests[place] for place in refused])
        results = list(first.results)
        for place, result in zip(refused, again.results, strict=True):
            results[place] = result
        silent = first.silent or again.silent
        return BatchResult(tuple(results), _longest(first.pause, again.pause), silent)

    def _renew(self, renewals: int) -> None:
        """Have the token renewed, unless another batch that used the same one has done so since."""
        if self._renewals == renewals:
            self._renewals += 1
            self._credential.renew()

    async def _post(self, requests: Sequence[GraphRequest]) -> BatchResult:
        request_id = str(uuid.uuid4())
        about: About = {
            Attribute.PEER: GRAPH,
            Attribute.METHOD: "POST",
            Attribute.SIZE: len(requests),
            Attribute.CLIENT_REQUEST: request_id,
        }
        try:
            with telemetry.span(SpanName.GRAPH_BATCH, about, calls=True) as note:
                reply = await self._exchange(requests, request_id)
                _tell(note, reply.response)
        except Exception as error:  # noqa: BLE001 - the SDK raises plain Exception too; all become our errors
            if (
                isinstance(error, BodyTooLargeError)
                and len(requests) > 1
                and not any(r.writes for r in requests)
            ):
                return await self._halved(requests)  # one list that nobody can take in spoils no other
            _log.debug("batch %s of %d: %s", request_id, len(requests), type(error).__name__)
            silent = isinstance(error, (TimeoutError, httpx.ReadTimeout))
            return BatchResult(tuple(_failure(error, request) for request in requests), silent=silent)
        outer, results = reply.outer, reply.results
        if not errors.is_success(outer):
            _log.debug("batch %s of %d: %d", request_id, len(requests), outer.status)
            return await self._refused(outer, requests)
        statuses = Counter(result.status if isinstance(result, Answer) else 0 for result in results)
        _count_throttles(statuses[errors.TOO_MANY_REQUESTS])
        _log.debug(
            "batch %s of %d: %d, items by status %s", request_id, len(requests), outer.status, dict(statuses)
        )
        return BatchResult(results)

    async def _exchange(self, requests: Sequence[GraphRequest], request_id: str) -> _Reply:
        """The answer to one call, whatever its status; the circuit learns whether Graph works."""
        if self._circuit is None:
            return _read(await self._call(encode(requests), request_id), requests)
        with self._circuit.call() as call:
            try:
                response = await self._call(encode(requests), request_id)
            except (SyncError, AzureError):
                raise  # no token; Graph was not asked
            except BodyTooLargeError:
                call.answered()
                raise
            except Exception as error:
                call.failed(type(error).__name__)
                raise
            reply = _read(response, requests)
            if reply.outer.status >= errors.SERVER_ERRORS:
                call.failed(f"it answered {reply.outer.status}")
            elif reply.results and _is_down(reply.results, requests):
                call.failed("it answered every item of a batch with a server's error")
            else:
                call.answered()
            return reply

    async def _call(self, content: bytes, request_id: str) -> httpx.Response:
        async with asyncio.timeout(TOTAL_SECONDS):
            return await self._transport.post_batch(content, request_id)

    async def _halved(self, requests: Sequence[GraphRequest]) -> BatchResult:
        middle = len(requests) // 2
        first, second = await self._post(requests[:middle]), await self._post(requests[middle:])
        pause, silent = _longest(first.pause, second.pause), first.silent or second.silent
        return BatchResult(first.results + second.results, pause, silent)

    async def _refused(self, outer: Answer, requests: Sequence[GraphRequest]) -> BatchResult:
        """What the refusal of a whole batch means for its requests."""
        _count_throttles(outer.status == errors.TOO_MANY_REQUESTS)
        refused = errors.is_verdict(outer)
        if outer.status == _BAD_REQUEST and refused and len(requests) > 1:
            # One malformed item makes Graph refuse all, before any ran: halve until it stands alone.
            return await self._halved(requests)
        if outer.status == errors.UNAUTHORIZED:
            return BatchResult((outer,) * len(requests))
        if outer.status == _BAD_REQUEST:
            # As an error: what refuses a batch proves nothing of an event that an item named.
            now = self._now()
            return BatchResult(tuple(errors.translate(outer, now, writes=each.writes) for each in requests))
        # What else refuses a batch speaks of the app and not of a booking, so it is never permanent.
        reason = " ".join(filter(None, ("Graph answered", str(outer.status), errors.shown_code(outer))))
        if refused:
            app_refusal.tell(_log, GRAPH, f"{reason} to a batch")
            return BatchResult(tuple(app_refusal.waiting(f"{reason} to a batch") for _ in requests))
        pause = errors.app_pause(outer, self._now())
        in_doubt = outer.status not in errors.NOT_APPLIED
        return BatchResult(
            tuple(
                TransientError(
                    f"{reason} to a batch", retry_after=pause, maybe_applied=each.writes and in_doubt
                )
                for each in requests
            ),
            pause,
        )


def _read(response: httpx.Response, requests: Sequence[GraphRequest]) -> _Reply:
    outer = Answer(response.status_code, _lower(response.headers), _read_json(response.content))
    results = _sort_answers(outer.body, requests) if errors.is_success(outer) else ()
    return _Reply(response, outer, tuple(results))


def _is_down(results: Sequence[Result], requests: Sequence[GraphRequest]) -> bool:
    """Whether Exchange answers for nobody behind a Graph that works.

    Told by more than one mailbox: what a single one answers may be its own trouble.
    """
    failed = (
        isinstance(each, Answer) and each.status >= errors.SERVER_ERRORS and not errors.is_verdict(each)
        for each in results
    )
    return len({each.mailbox for each in requests}) > 1 and all(failed)


def _tell(note: Note, response: httpx.Response) -> None:
    note.add({Attribute.HTTP_STATUS: response.status_code})
    if named := response.headers.get("request-id"):
        note.add({Attribute.SERVICE_REQUEST: named})
    if response.is_error:
        note.fail(str(response.status_code))


def _count_throttles(answers: int) -> None:
    if answers:
        telemetry.count(Metric.THROTTLES, answers, {Attribute.SERVICE: GRAPH})


def _longest(one: float | None, other: float | None) -> float | None:
    return max((pause for pause in (one, other) if pause is not None), default=None)


def encode(requests: Sequence[GraphRequest]) -> bytes:
    """A batch's JSON, however many requests there are."""
    items = [_encode_item(str(place), request) for place, request in enumerate(requests)]
    return json.dumps({"requests": items}).encode()


def _encode_item(item_id: str, request: GraphRequest) -> dict[str, Any]:
    item: dict[str, Any] = {
        "id": item_id,
        "method": request.method,
        "url": request.url,
        "headers": dict(request.headers),
    }
    if request.body is not None:
        item["body"] = request.body
    return item


def _sort_answers(body: Any, requests: Sequence[GraphRequest]) -> list[Result]:
    """Each request's answer, found by id: Graph answers in any order."""
    listed = body.get("responses") if isinstance(body, dict) else None
    answers: dict[str, Answer | None] = {}
    for entry in listed if isinstance(listed, list) else ():
        if isinstance(entry, dict) and _is_status(entry.get("status")):
            place, headers = str(entry.get("id")), entry.get("headers")
            answer = Answer(
                entry["status"], _lower(headers) if isinstance(headers, dict) else {}, entry.get("body")
            )
            answers[place] = None if place in answers else answer  # of two answers neither can be believed
    return [
        answers.get(str(place))
        or TransientError("Graph's batch answer lacks an item", maybe_applied=request.writes)
        for place, request in enumerate(requests)
    ]


def _is_status(value: Any) -> bool:
    return type(value) is int and 100 <= value <= 599  # noqa: PLR2004 - HTTP's


def _failure(error: Exception, request: GraphRequest) -> SyncError:
    """What an exception of the credential, the SDK or the transport means for one request."""
    if isinstance(error, SyncError):
        return _same_error(error)  # the credential's or the circuit's: nothing was sent
    name = type(error).__name__
    if isinstance(error, AzureError):
        return TransientError(f"no token for Graph ({name})")
    if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)):
        return TransientError(f"Graph can't be reached ({name})", unreached=True)
    return TransientError(f"Graph's answer was lost ({name})", maybe_applied=request.writes)


def _same_error(error: SyncError) -> SyncError:
    """A fresh one for each caller: a raised exception carries its caller's traceback."""
    if isinstance(error, TransientError):
        return TransientError(
            error.reason,
            retry_after=error.retry_after,
            maybe_applied=error.maybe_applied,
            untried=error.untried,
            until_mended=error.until_mended,
            unreached=error.unreached,
        )
    if isinstance(error, PermanentError):
        return PermanentError(error.reason, patience=error.patience, cause=error.cause)
    return PermanentError(error.reason)


def _lower(headers: Any) -> dict[str, str]:
    return {str(name).lower(): str(value) for name, value in headers.items()}


def _read_json(content: bytes) -> Any:
    try:
        return read_json(content)
    except ValueError:
        return None
