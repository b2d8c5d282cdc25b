"""What each of the operator's HTTP requests is answered."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from booking_sync.errors import PermanentError, SettingsError, SyncError
from booking_sync.operations.overview import Overview, describe_health
from booking_sync.operations.requests import BadRequestError, read_replay, read_resync
from booking_sync.plumbing.http_answer import HttpAnswer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from booking_sync.operations.operator_actions import OperatorActions
    from booking_sync.operations.overview import OverviewSources

HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class OperatorEndpoints:
    """Answers operators' requests; the caller has checked the function key before.

    Args:
        sources: what can be looked at.
        open_actions: gives what carries out orders; raises `SettingsError`.
    """

    def __init__(self, sources: OverviewSources, open_actions: Callable[[], OperatorActions]) -> None:
        self._sources = sources
        self._overview = Overview(sources)
        self._open_operator_actions = open_actions

    async def probe(self) -> HttpAnswer:
        """For everybody: 200 or 503, and not a word about why."""
        health = await self._sources.probe.look()
        status = HTTPStatus.OK if health.works else HTTPStatus.SERVICE_UNAVAILABLE
        return HttpAnswer(status, {"status": "ok" if health.works else "failing"}, dict(HEADERS))

    async def health(self) -> HttpAnswer:
        """For operators: the same, with all that is wrong."""
        health = await self._sources.probe.look()
        status = HTTPStatus.OK if health.works else HTTPStatus.SERVICE_UNAVAILABLE
        return HttpAnswer(status, describe_health(health), dict(HEADERS))

    async def status(self) -> HttpAnswer:
        """Everything that the page shows."""
        return HttpAnswer(HTTPStatus.OK, await self._overview.gather(), dict(HEADERS))

    async def replay(self, headers: Mapping[str, str], body: bytes) -> HttpAnswer:
        """Try dead letters again."""
        try:
            done = await self._open_operator_actions().replay(read_replay(headers, body))
        except (BadRequestError, SettingsError) as error:
            return _refusal(error)
        payload = {"replayed": done.replayed, "unreadable": done.unreadable, "problem": done.problem}
        status = HTTPStatus.SERVICE_UNAVAILABLE if done.problem else HTTPStatus.OK
        return HttpAnswer(status, payload, dict(HEADERS))

    async def resync(self, headers: Mapping[str, str], body: bytes) -> HttpAnswer:
        """Bring bookings in step again."""
        try:
            bookings = read_resync(headers, body)
            correlation_id = await self._open_operator_actions().resync(bookings)
        except (BadRequestError, SettingsError, SyncError) as error:
            return _refusal(error)
        return HttpAnswer(
            HTTPStatus.ACCEPTED, {"queued": len(bookings), "correlationId": correlation_id}, dict(HEADERS)
        )


def _refusal(error: BadRequestError | SettingsError | SyncError) -> HttpAnswer:
    if isinstance(error, BadRequestError):
        status = error.status
    elif isinstance(error, PermanentError):
        status = HTTPStatus.BAD_GATEWAY
    else:
        status = HTTPStatus.SERVICE_UNAVAILABLE
    words = error.reason if isinstance(error, SyncError) else str(error)
    return HttpAnswer(status, {"problem": words}, dict(HEADERS))
