"""The Web API as this app speaks it: tokens, throttling, translated refusals, paging.

Everything that talks to Dataverse goes through one `DataverseClient`, so that a pause that Dataverse asks for
holds for all of it.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import SplitResult, urlsplit

from booking_sync.dataverse.web_api import batch
from booking_sync.dataverse.web_api.breaker import GuardedWire
from booking_sync.dataverse.web_api.errors import incomplete, read_refusal, to_error
from booking_sync.dataverse.web_api.pause import Pause
from booking_sync.dataverse.web_api.transport import Request, Timeouts, Transport, Wire
from booking_sync.domain.ids import read_guid
from booking_sync.errors import PermanentError, SyncError, TransientError
from booking_sync.plumbing import telemetry
from booking_sync.plumbing.telemetry import DATAVERSE, Attribute, Metric, SpanName

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from booking_sync.dataverse.web_api.batch import Part
    from booking_sync.dataverse.web_api.reply import Reply
    from booking_sync.plumbing.circuit import Circuit
    from booking_sync.plumbing.telemetry import Note
    from booking_sync.ports.platform.clock import Clock
    from booking_sync.ports.platform.credentials import AppCredential

API_PATH: Final = "/api/data/v9.2/"

_STANDARD_HEADERS: Final = {
    "Accept": "application/json",
    "OData-MaxVersion": "4.0",
    "OData-Version": "4.0",
    "User-Agent": "booking-sync",
}
_NEXT_LINK = "@odata.nextLink"
_MAX_PAGES = 4_000
"""A list that never ends is a fault of the service; of bookings these are two million."""
_DEFAULT_TIMEOUTS = Timeouts()
PLACES: Final = 50
"""Dataverse answers 429 beyond 52 requests at a time of one user on one of its web servers (its service
protection limits); the rest is left to people's tools."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WhoAmI:
    """Who we are to Dataverse; GUIDs in lower case."""

    user_id: str
    """Our application user's systemuserid."""
    organization_id: str


class DataverseClient:
    """One environment's Web API.

    Args:
        dataverse_url: the environment, `https://contoso.crm4.dynamics.com`.
        credential: where tokens come from; stays the caller's to close.
        now: the time of day.
        workers: how many requests run at once.
        timeouts: how long to wait for the service.
        open_wire: makes what requests travel on, which must keep the pause; None for threads with `requests`.
        circuit: opens when the environment as a whole is down; None sends everything, come what may.

    Raises:
        ValueError: the URL is not `https://<host>` with nothing behind it.
    """

    def __init__(
        self,
        dataverse_url: str,
        credential: AppCredential,
        now: Clock,
        *,
        workers: int = PLACES,
        timeouts: Timeouts = _DEFAULT_TIMEOUTS,
        open_wire: Callable[[Pause], Wire] | None = None,
        circuit: Circuit | None = None,
    ) -> None:
        self._origin = _check_origin(dataverse_url)
        self._credential = credential
        self._now = now
        self._pause = Pause(now)
        wire: Wire = open_wire(self._pause) if open_wire else Transport(workers, timeouts, self._pause)
        self._transport = GuardedWire(wire, circuit, workers) if circuit else wire
        self._renewing = asyncio.Lock()
        self.places = workers
        """How many requests run at once."""

    async def send(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Reply:
        """Send one request; the answer is a success (2xx).

        Args:
            method: HTTP method; all but GET count as writing.
            path: below `/api/data/v9.2/`, or a complete URL of this environment, already encoded.
            headers: besides the standard OData headers.
            body: as the headers say.

        Raises:
            TransientError: unreachable, throttled or failing now; no request is made during a pause that
                Dataverse asked for.
            PermanentError: refused.
        """
        reply = await self._exchange(method, path, headers or {}, body)
        if reply.ok:
            return reply
        raise self._whole_refusal(reply, writes=method != "GET")

    async def _exchange(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None
    ) -> Reply:
        """The answer, whatever it is; raises only when there is none."""
        request_id = str(uuid.uuid4())
        request = Request(
            method,
            self._url(path),
            {**_STANDARD_HEADERS, "x-ms-client-request-id": request_id, **headers},
            body,
        )
        about = {
            Attribute.PEER: DATAVERSE,
            Attribute.METHOD: method,
            Attribute.OPERATION: _operation(request.url),
            Attribute.CLIENT_REQUEST: request_id,
        }
        with telemetry.span(SpanName.DATAVERSE_REQUEST, about, calls=True) as note:
            reply = await self._send_with_token(request)
            _tell(note, reply)
        return reply

    async def get(self, path: str, *, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The JSON object at this address; raises as `send`, and TransientError for an incomplete answer."""
        return (await self.send("GET", path, headers=headers)).json_object()

    async def pages(
        self, path: str, *, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[Sequence[dict[str, Any]]]:
        """The rows of a list, page by page, until Dataverse says that it ends.

        Raises:
            TransientError: as `send`; a page is incomplete, which must not pass for an empty one; or the
                pages run in a circle.
            PermanentError: as `send`; or the next page is said to be on another host.
        """
        link, seen = path, set[str]()
        before: Sequence[dict[str, Any]] = ()
        for _ in range(_MAX_PAGES):
            page = await self.get(link, headers=headers)
            rows = _rows_of(page)
            if rows and rows == before:
                break  # the same page under another address
            yield rows
            following = page.get(_NEXT_LINK)
            if following is None:
                return
            if not isinstance(following, str) or not following or following in seen:
                break
            self._refuse_foreign(following)
            seen.add(following)
            link, before = following, rows
        raise incomplete()

    async def rows(self, path: str, *, headers: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        """All the rows of a list; raises as `pages`."""
        return [row async for page in self.pages(path, headers=headers) for row in page]

    async def batch(self, parts: Sequence[Part]) -> list[Reply | None]:
        """The answer to each part of a batch, in order; None for one that can't be read, or was not given.

        A part that fails, or is answered badly, does no harm to the others; a pause that one of them asks for
        holds for whatever is sent next. Where its failure ended the batch
        (somebody on the way took the header `Prefer` away), those behind it are sent again without it.

        Raises:
            TransientError: as `send`; or no answer says what became of the parts.
            PermanentError: the batch as a whole was refused, which speaks of none of its parts.
        """
        replies = await self._batch(parts)
        while len(replies) < len(parts) and _may_go_on(replies[-1]):
            try:
                replies += await self._batch(parts[len(replies) :])
            except SyncError:
                break  # what is known of the others stays known
        return [*replies, *[None] * (len(parts) - len(replies))]

    async def _batch(self, parts: Sequence[Part]) -> list[Reply | None]:
        """The answers of one request: to all parts, or to all up to the first that failed."""
        boundary = f"batch_{uuid.uuid4()}"
        reply = await self._exchange(
            "POST",
            "$batch",
            # Without it the first part that fails ends the batch.
            {"Content-Type": batch.content_type(boundary), "Prefer": "odata.continue-on-error"},
            batch.compose(parts, boundary),
        )
        answer_type = reply.headers.get("content-type", "")
        if not reply.ok and not batch.is_answer(answer_type):
            raise self._whole_refusal(reply, writes=True)
        try:
            replies = batch.parse(answer_type, reply.body)
        except batch.MalformedBatchError:
            raise incomplete(maybe_applied=True) from None
        for each in filter(None, replies):
            self._pause.heed(each)
        ended_early = 0 < len(replies) < len(parts) and _failed(replies[-1])
        if len(replies) != len(parts) and not ended_early:
            raise incomplete(maybe_applied=True)
        return replies

    async def who_am_i(self) -> WhoAmI:
        """Our user and organisation; raises as `get`."""
        answer = await self.get("WhoAmI")
        user, organization = (read_guid(answer.get(key)) for key in ("UserId", "OrganizationId"))
        if user is None or organization is None:
            raise incomplete()
        return WhoAmI(user, organization)

    def refusal_error(self, reply: Reply, *, writes: bool) -> SyncError:
        """The exception for an answer (or a batch part's) that is no success; heeds the pause it asks for."""
        self._pause.heed(reply)
        if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
            telemetry.count(Metric.THROTTLES, 1, {Attribute.SERVICE: DATAVERSE})
        refusal = read_refusal(reply, self._now())
        _logger.warning(
            "Dynamics 365 answered %s (request %s)",
            refusal.numbers,
            reply.headers.get("x-ms-service-request-id", "unknown"),
        )
        return to_error(refusal, writes=writes)

    def _whole_refusal(self, reply: Reply, *, writes: bool) -> SyncError:
        """The same for a whole request; one that we are forbidden speaks of the app, and of no booking.

        Administration mode answers 403 without a word, for as long as it lasts.
        """
        error = self.refusal_error(reply, writes=writes)
        if isinstance(error, TransientError) and reply.status == HTTPStatus.FORBIDDEN:
            error.until_mended = True
        return error

    async def aclose(self) -> None:
        """Wait for requests under way and close the connections; later calls raise TransientError."""
        await self._transport.aclose()

    async def _send_with_token(self, request: Request) -> Reply:
        self._pause.check()  # before a token is fetched in vain; the worker thread checks again
        token = await self._token()
        reply = await self._transport.exchange(request, token)
        if reply.status != HTTPStatus.UNAUTHORIZED:
            return reply
        # Nothing happened yet, so sending it again is safe even for a write.
        return await self._transport.exchange(request, await self._renewed(token))

    async def _token(self) -> str:
        return (await self._credential.get_token(f"{self._origin}/.default")).token

    async def _renewed(self, refused: str) -> str:
        """Another token than the refused one; requests that are refused together renew it once."""
        async with self._renewing:
            token = await self._token()
            if token == refused:
                self._credential.renew()
                token = await self._token()
            return token

    def _url(self, path: str) -> str:
        if path.startswith("https://"):
            self._refuse_foreign(path)
            return path
        return f"{self._origin}{API_PATH}{path}"

    def _refuse_foreign(self, link: str) -> None:
        """Our token goes to our environment only.

        Raises:
            PermanentError: the link leads elsewhere.
        """
        try:
            ours = _origin_of(urlsplit(link)) == _origin_of(urlsplit(self._origin))
        except ValueError:  # not a port, not a host
            ours = False
        if not ours:
            raise PermanentError(
                "Dynamics 365: a list goes on at another host, which we don't follow; check DATAVERSE_URL."
            )


def _operation(url: str) -> str:
    """What is asked for, without ids: a table, a function, `$batch`."""
    path = urlsplit(url).path
    return path.removeprefix(API_PATH).partition("(")[0].partition("/")[0]


def _tell(note: Note, reply: Reply) -> None:
    note.add({Attribute.HTTP_STATUS: reply.status})
    if named := reply.headers.get("x-ms-service-request-id"):
        note.add({Attribute.SERVICE_REQUEST: named})
    if not reply.ok:
        note.fail(str(reply.status))


def _failed(part: Reply | None) -> bool:
    return part is not None and not part.ok


def _may_go_on(last: Reply | None) -> bool:
    """Whether the parts behind one that failed may be sent at once: not while the service asks for a rest."""
    return (
        last is not None
        and HTTPStatus.BAD_REQUEST <= last.status < HTTPStatus.INTERNAL_SERVER_ERROR
        and last.status != HTTPStatus.TOO_MANY_REQUESTS
    )


def _rows_of(page: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
    rows = page.get("value")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise incomplete()
    return rows


def _origin_of(parts: SplitResult) -> tuple[str, str | None, int]:
    if parts.username is not None or parts.password is not None:
        raise ValueError("a link with a user name")
    return parts.scheme, parts.hostname, parts.port or 443


def _check_origin(url: str) -> str:
    parts = urlsplit(url)
    bare = parts.path in ("", "/") and not parts.query and not parts.fragment
    if parts.scheme != "https" or not parts.hostname or parts.username is not None or not bare:
        raise ValueError("the Dataverse URL must be https://<host>, with nothing behind the host")
    return f"https://{parts.netloc}"
