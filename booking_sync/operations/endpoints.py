"""Answers the operator's HTTP requests."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from booking_sync.errors import SettingsError, SyncError
from booking_sync.operations.overview import Overview, describe_health
from booking_sync.operations.requests import read_replay, read_resync
from booking_sync.plumbing.http_answer import NOT_STORED, HttpAnswer
from booking_sync.plumbing.http_orders import BadRequestError, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from booking_sync.operations.operator_actions import OperatorActions
    from booking_sync.operations.overview import OverviewSources
    from booking_sync.operations.single_flight import SingleFlight


class OperatorEndpoints:
    """Answers operators' requests. The Functions host checks the function key first, except for `probe`.

    Args:
        sources: where what is shown comes from.
        open_actions: opens the queues; raises `SettingsError`.
        single_flight: keeps orders of a kind from running side by side.
    """

    def __init__(
        self,
        sources: OverviewSources,
        open_actions: Callable[[], OperatorActions],
        single_flight: SingleFlight,
    ) -> None:
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

    async def status(self) -> HttpAnswer:
        """All data of the operator's page."""
        return HttpAnswer(HTTPStatus.OK, await self._overview.gather(), dict(NOT_STORED))

    async def replay(self, headers: Mapping[str, str], body: bytes) -> HttpAnswer:
        """Put dead letters back on the change queue: 200, or 503 when not all could be put back."""
        try:
            wanted = read_replay(headers, body)
            actions = self._open_operator_actions()
            done = await self._single_flight.run("replay", lambda: actions.replay(wanted))
        except (BadRequestError, SettingsError) as error:
            return refusal(error, "problem")
        payload = {"replayed": done.replayed, "unreadable": done.unreadable, "problem": done.problem}
        status = HTTPStatus.SERVICE_UNAVAILABLE if done.problem else HTTPStatus.OK
        return HttpAnswer(status, payload, dict(NOT_STORED))

    async def resync(self, headers: Mapping[str, str], body: bytes) -> HttpAnswer:
        """Queue bookings to be written again: 202, or the refusal's status with its reason."""
        try:
            bookings = read_resync(headers, body)
            correlation_id = await self._open_operator_actions().resync(bookings)
        except (BadRequestError, SettingsError, SyncError) as error:
            return refusal(error, "problem")
        return HttpAnswer(
            HTTPStatus.ACCEPTED, {"queued": len(bookings), "correlationId": correlation_id}, dict(NOT_STORED)
        )
