"""`$batch`: up to 20 requests in one, executed as Graph documents it for Outlook resources."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from local.graph.messages import (
    MISSING,
    GraphAnswer,
    GraphError,
    GraphRequest,
    bad_request,
    build_request,
)

if TYPE_CHECKING:
    from local.graph.api.service import CalendarService
    from local.standin.faults import FaultScript

LARGEST_BATCH = 20
ITEM_KEYS = frozenset({"id", "method", "url", "headers", "body", "dependsOn"})
METHODS = frozenset({"GET", "POST", "PATCH", "PUT", "DELETE"})
FAILED_DEPENDENCY = GraphError(
    424, "FailedDependency", "The request depends on another one of the batch that failed."
)


@dataclass(frozen=True)
class BatchItem:
    """One request of a batch."""

    id: str
    method: str
    url: str
    headers: dict[str, str]
    body: Any
    depends_on: tuple[str, ...]

    def request(self, base_url: str) -> GraphRequest:
        """The item as a request of its own.

        Raises:
            GraphError: 400 for a malformed URL.
        """
        return build_request(self.method, self.url, self.headers, self.body, base_url)


def read_batch(payload: Any) -> list[BatchItem]:
    """Check a batch as a whole.

    Raises:
        GraphError: 400; nothing was executed.
    """
    if not isinstance(payload, dict) or payload.keys() != {"requests"}:
        raise _invalid("it must hold 'requests' and nothing else")
    requests = payload["requests"]
    if not isinstance(requests, list) or not 1 <= len(requests) <= LARGEST_BATCH:
        raise _invalid(f"'requests' must be a list of 1 to {LARGEST_BATCH}")
    items = [_read_item(each) for each in requests]
    known = {item.id for item in items}
    if len(known) != len(items):
        raise _invalid("an id is used twice")
    for item in items:
        if not known.issuperset(item.depends_on):
            raise _invalid(f"request '{item.id}' depends on one that is not in the batch")
    execution_order(items)
    return items


def execution_order(items: list[BatchItem]) -> list[BatchItem]:
    """The items so that each comes after those it depends on.

    Raises:
        GraphError: 400 when they depend on each other in a circle.
    """
    by_id = {item.id: item for item in items}
    sorter = TopologicalSorter({item.id: item.depends_on for item in items})
    try:
        return [by_id[each] for each in sorter.static_order()]
    except CycleError:
        raise _invalid("requests depend on each other in a circle") from None


class BatchRunner:
    """Executes batches against the calendar service."""

    def __init__(self, service: CalendarService, faults: FaultScript) -> None:
        self._service = service
        self._faults = faults
        self._batches = 0

    async def run(self, items: list[BatchItem], base_url: str, log: list[dict[str, Any]]) -> dict[str, Any]:
        """Execute a batch and give its response body, answers in shuffled order.

        Items run at most `batch_concurrency` at a time; one after the other as soon as any has `dependsOn`.

        Args:
            items: from `read_batch`.
            base_url: scheme and host the client called.
            log: gets method, path and status of each item.
        """
        self._batches += 1
        if any(item.depends_on for item in items):
            answers = await self._run_in_order(items, base_url)
        else:
            answers = await self._run_side_by_side(items, base_url)
        log.extend(
            {"method": item.method, "path": item.url, "status": answers[item.id].status} for item in items
        )
        return {"responses": [_response(each, answers[each]) for each in self._shuffled(answers)]}

    async def _run_side_by_side(self, items: list[BatchItem], base_url: str) -> dict[str, GraphAnswer]:
        places = asyncio.Semaphore(self._service.state.config.batch_concurrency)

        async def run(item: BatchItem) -> GraphAnswer:
            async with places:
                return await self._run_item(item, base_url)

        answers = await asyncio.gather(*(run(item) for item in items))
        return {item.id: answer for item, answer in zip(items, answers, strict=True)}

    async def _run_in_order(self, items: list[BatchItem], base_url: str) -> dict[str, GraphAnswer]:
        answers: dict[str, GraphAnswer] = {}
        for item in execution_order(items):
            if any(answers[each].status >= 400 for each in item.depends_on):
                answers[item.id] = FAILED_DEPENDENCY.answer()
            else:
                answers[item.id] = await self._run_item(item, base_url)
        return answers

    async def _run_item(self, item: BatchItem, base_url: str) -> GraphAnswer:
        try:
            request = item.request(base_url)
        except GraphError as error:
            return error.answer()
        answer = await self._service.answer(request, self._faults)
        echo = request.header("client-request-id")
        headers = {**answer.headers, **({"client-request-id": echo} if echo else {})}
        return GraphAnswer(answer.status, answer.body, headers)

    def _shuffled(self, ids: dict[str, GraphAnswer]) -> list[str]:
        """An order that the seed and the number of the batch decide."""
        salt = f"{self._service.state.config.shuffle_seed}:{self._batches}:"
        return sorted(ids, key=lambda each: hashlib.sha256((salt + each).encode()).digest())


def _read_item(entry: Any) -> BatchItem:
    if not isinstance(entry, dict):
        raise _invalid("a request must be an object")
    if unknown := entry.keys() - ITEM_KEYS:
        raise _invalid(f"a request can't have {', '.join(sorted(unknown))}")
    identifier, method, url = entry.get("id"), entry.get("method"), entry.get("url")
    if not isinstance(identifier, str) or not identifier:
        raise _invalid("each request needs a string 'id'")
    if method not in METHODS:
        raise _invalid(f"request '{identifier}' needs one of the methods {', '.join(sorted(METHODS))}")
    return BatchItem(
        id=identifier,
        method=method,
        url=_read_url(identifier, url),
        headers=_read_headers(identifier, entry.get("headers", {})),
        body=entry.get("body", MISSING),
        depends_on=_read_depends_on(identifier, entry.get("dependsOn", [])),
    )


def _read_url(identifier: str, url: Any) -> str:
    if not isinstance(url, str):
        raise _invalid(f"request '{identifier}' needs a 'url'")
    parts = urlsplit(url)
    if parts.scheme or parts.netloc or not f"{parts.path}/".startswith(("/users/", "/subscriptions/")):
        raise _invalid(
            f"the url of request '{identifier}' must be relative and start with /users or /subscriptions"
        )
    return url


def _read_headers(identifier: str, headers: Any) -> dict[str, str]:
    if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
        raise _invalid(f"the headers of request '{identifier}' must be an object of strings")
    return headers


def _read_depends_on(identifier: str, ids: Any) -> tuple[str, ...]:
    if not isinstance(ids, list) or not all(isinstance(each, str) for each in ids):
        raise _invalid(f"'dependsOn' of request '{identifier}' must be a list of ids")
    return tuple(ids)


def _response(identifier: str, answer: GraphAnswer) -> dict[str, Any]:
    response: dict[str, Any] = {"id": identifier, "status": answer.status, "headers": dict(answer.headers)}
    if answer.body is not None:
        response["headers"] = {"Content-Type": "application/json", **answer.headers}
        response["body"] = answer.body
    return response


def _invalid(reason: str) -> GraphError:
    return bad_request(f"Invalid batch payload format: {reason}.")
