"""Answers the operator's HTTP requests."""

from __future__ import annotations

import hashlib
import json
import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from booking_sync.errors import SettingsError, SyncError
from booking_sync.operations.admission import BY_KEY
from booking_sync.operations.overview.describe import describe_health
from booking_sync.operations.overview.gather import Overview
from booking_sync.operations.requests import is_order_id, read_replay, read_resync
from booking_sync.plumbing.http.answer import NOT_STORED, HttpAnswer
from booking_sync.plumbing.http.orders import BadRequestError, refusal
from booking_sync.plumbing.log import log_event

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from booking_sync.operations.operator_actions import OperatorActions
    from booking_sync.operations.overview.gather import OverviewSources
    from booking_sync.operations.single_flight import SingleFlight

_MOST_DIGITS: Final = 6

_logger = logging.getLogger(__name__)


class OperatorEndpoints:
    """Answers operators' requests. The Functions host checks the function key first, except for `probe`.

    Args:
        sources: where what is shown comes from.
        open_actions: opens the queues; raises `SettingsError`.
        single_flight: keeps orders of a kind from running side by side.
        who: by a request's headers, who orders, for the log.
    """

    def __init__(
        self,
        sources: OverviewSources,
        open_actions: Callable[[], OperatorActions],
        single_flight: SingleFlight,
        *,
        who: Callable[[Mapping[str, str]], str] = lambda _: BY_KEY,
    ) -> None:
        self._who = who
        self._single_flight = single_flight
        self._sources = sources
        self._overview = Overview(sources)
        self._open_operator_actions = open_actions

    async def probe(self) -> HttpAnswer:
        """Health for everybody: 200 or 503, without the reason."""
        health = await self._sources.probe.look()
        status = HTTPStatus.OK if health.works else HTTPStatus.SERVICE_UNAVAILABLE
        return HttpAnswer(status, {"status": "ok" if health.works else "failing"}, dict(NOT_STORED))

    async def health(self) -> HttpAnswer:
        """Health for operators: the same status, with all problems."""
        health = await self._sources.probe.look()
        status = HTTPStatus.OK if health.works else HTTPStatus.SERVICE_UNAVAILABLE
        return HttpAnswer(status, describe_health(health), dict(NOT_STORED))

    async def status(self, headers: Mapping[str, str] | None = None) -> HttpAnswer:
        """All data of the operator's page; 304 where they are as they were.

        A page that refreshes by itself says what it has (`If-None-Match`), and is answered by what Dataverse
        said within the last minute. One that a person refreshes says nothing of the kind, and all is asked
        for.
        """
        known = {name.lower(): value for name, value in (headers or {}).items()}.get("if-none-match", "")
        payload = await self._overview.gather(by_itself=bool(known))
        tag = _tag(payload)
        told = {**NOT_STORED, "ETag": tag}
        if known == tag:
            return HttpAnswer(HTTPStatus.NOT_MODIFIED, {}, told)
        return HttpAnswer(HTTPStatus.OK, payload, told)

    async def failing(self, params: Mapping[str, str]) -> HttpAnswer:
        """A part of a group of failing bookings, and the ids of all of it."""
        begin = params.get("from", "0")
        if not params.get("group") or not begin.isdecimal() or len(begin) > _MOST_DIGITS:
            return refusal(BadRequestError('Say which "group", and "from" which booking on.'), "problem")
        return await _asked(self._overview.group(params["group"], int(begin)))

    async def order(self, params: Mapping[str, str]) -> HttpAnswer:
        """What became of an order so far."""
        order = params.get("id", "")
        if not is_order_id(order):
            return refusal(BadRequestError('"id" must be the "order" of an answer.'), "problem")
        return await _asked(self._overview.order(order))

    async def replay(self, headers: Mapping[str, str], body: bytes) -> HttpAnswer:
        """Put dead letters back on the change queue: 200, or 503 when not all could be put back."""
        try:
            wanted = read_replay(headers, body)
            actions = self._open_operator_actions()
            done = await self._single_flight.run("replay", lambda: actions.replay(wanted))
        except (BadRequestError, SettingsError) as error:
            return refusal(error, "problem")
        self._log("replay", headers, done.order, done.replayed)
        payload = {
            "replayed": done.replayed,
            "unreadable": done.unreadable,
            "order": done.order,
            "bookings": done.bookings,
            "problem": done.problem,
        }
        status = HTTPStatus.SERVICE_UNAVAILABLE if done.problem else HTTPStatus.OK
        return HttpAnswer(status, payload, dict(NOT_STORED))

    async def resync(self, headers: Mapping[str, str], body: bytes) -> HttpAnswer:
        """Queue bookings to be written again: 202, or the refusal's status with its reason."""
        try:
            wanted = read_resync(headers, body)
            actions = self._open_operator_actions()
            order = await actions.resync(wanted.bookings, wanted.order, deletions=wanted.deletions)
        except (BadRequestError, SettingsError, SyncError) as error:
            return refusal(error, "problem")
        count = len(wanted.bookings)
        self._log("deletions" if wanted.deletions else "resync", headers, order, count)
        payload = {"queued": count, "bookings": count, "order": order, "correlationId": order}
        return HttpAnswer(HTTPStatus.ACCEPTED, payload, dict(NOT_STORED))

    def _log(self, kind: str, headers: Mapping[str, str], order: str, count: int) -> None:
        """Who ordered what."""
        log_event(
            _logger, "operator_order", order=kind, correlationId=order, count=count, by=self._who(headers)
        )


async def _asked(answer: Awaitable[dict[str, Any]]) -> HttpAnswer:
    """The answer, or why there is none."""
    try:
        return HttpAnswer(HTTPStatus.OK, await answer, dict(NOT_STORED))
    except (SettingsError, SyncError) as error:
        return refusal(error, "problem")


def _tag(payload: Mapping[str, Any]) -> str:
    """An entity tag for what is shown, whenever that is asked for."""
    shown = {name: value for name, value in payload.items() if name != "asOf"}
    return f'"{hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()[:32]}"'
