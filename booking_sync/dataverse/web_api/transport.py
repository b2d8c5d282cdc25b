"""Blocking HTTP by `requests` in a few threads, so that the event loop never waits for a socket.

One session per thread, since sessions are not made for sharing. Cookies are dropped: Dataverse's affinity
cookie would tie all our requests to one web server, and its limits are counted per server (Dataverse's advice
on throughput). Trust in TLS certificates is `requests`' own and honours REQUESTS_CA_BUNDLE; proxies named in
the environment and passwords in a .netrc are ignored.

An answer is bounded in size and, from the first byte sent to the last one received, in time. Whatever goes
wrong on the way, in whichever library, leaves here as a `TransientError`.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import requests
from requests.auth import AuthBase
from urllib3.exceptions import NewConnectionError
from urllib3.exceptions import TimeoutError as PoolTimeoutError

from booking_sync.dataverse.web_api.deadline import DeadlineAdapter
from booking_sync.dataverse.web_api.errors import OversizedAnswerError
from booking_sync.dataverse.web_api.reply import Reply
from booking_sync.errors import TransientError
from booking_sync.plumbing.http.bounded_body import ACCEPT_ENCODING, BodyTooLargeError, BoundedBody

if TYPE_CHECKING:
    from collections.abc import Mapping

    from booking_sync.dataverse.web_api.pause import Pause

_NO_PROXIES: Final[dict[str, str]] = {"http": "", "https": "", "all": ""}
"""Empty entries win over the environment's, and mean a direct connection."""
_CHUNK: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long to wait, in seconds."""

    connect: float = 10.0
    """For a connection."""
    read: float = 60.0
    """For an answer's next bytes."""
    total: float = 100.0
    """For the whole answer, from the connection on: a body that drips in holds one of few threads."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to send."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None = None

    @property
    def writes(self) -> bool:
        """Whether it is to change something."""
        return self.method != "GET"


class Wire(Protocol):
    """What `DataverseClient` needs below it; `Transport` in production."""

    async def exchange(self, request: Request, token: str) -> Reply:
        """Send, and wait for the answer, whatever its status; raises `TransientError` when there is none."""

    async def aclose(self) -> None:
        """Close the connections."""


class Transport:
    """Sends requests from worker threads.

    Args:
        workers: how many requests run at once (Dataverse allows 52 per user).
        timeouts: how long to wait.
        pause: asked and told in the worker thread, around each request, so that none of those which wait for
            a thread slips out behind a 429.
    """

    def __init__(self, workers: int, timeouts: Timeouts, pause: Pause) -> None:
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="dataverse")
        self._timeouts = timeouts
        self._pause = pause
        self._own = threading.local()
        self._sessions: list[_Session] = []
        self._closing = False

    async def exchange(self, request: Request, token: str) -> Reply:
        """Send, and wait for the answer, whatever its status.

        Raises:
            TransientError: no answer, or not now; `maybe_applied` when a write may have arrived.
        """
        self._refuse_when_closing()
        return await asyncio.get_running_loop().run_in_executor(
            self._executor, self._exchange, request, token
        )

    async def aclose(self) -> None:
        """Wait for requests under way (those still queued fail), then close the connections."""
        self._closing = True
        await asyncio.to_thread(self._executor.shutdown)
        for session in self._sessions:
            session.close()

    def _refuse_when_closing(self) -> None:
        if self._closing:
            raise TransientError("Dynamics 365: not asked, because the app is stopping.")

    def _exchange(self, request: Request, token: str) -> Reply:
        self._refuse_when_closing()
        self._pause.check()
        outcome = self._try(request, token)
        if isinstance(outcome, TransientError):
            # Raised out here, or it would carry the library's error, which names the URL, as its context.
            raise outcome
        self._pause.heed(outcome)
        return outcome

    def _try(self, request: Request, token: str) -> Reply | TransientError:
        try:
            return self._request(request, token)
        except Exception as error:  # noqa: BLE001 - the libraries raise many kinds; all of them mean: no answer
            return _translate(error, request)

    def _request(self, request: Request, token: str) -> Reply:
        own = self._session()
        prepared = own.session.prepare_request(
            requests.Request(
                request.method,
                request.url,
                headers={**request.headers, "Accept-Encoding": ACCEPT_ENCODING},
                data=request.body,
                auth=_Bearer(token),
            )
        )
        environment = own.session.merge_environment_settings(
            request.url, dict(_NO_PROXIES), stream=True, verify=None, cert=None
        )
        own.adapter.until_in(self._timeouts.total)
        # By the adapter, since a session looks where each redirect leads, even one that it does not follow.
        response = own.adapter.send(
            prepared,
            stream=True,
            timeout=(self._timeouts.connect, self._timeouts.read),
            verify=environment["verify"] or True,  # a bundle of REQUESTS_CA_BUNDLE's, or the default
            proxies=environment["proxies"],
        )
        try:
            body = BoundedBody(response.headers.get("Content-Encoding", ""))
            while chunk := response.raw.read(_CHUNK, decode_content=False):
                body.feed(chunk)
            headers = {name.lower(): value for name, value in response.headers.items()}
            return Reply(response.status_code, headers, body.whole())
        finally:
            response.close()  # at the body's end its connection is back in the pool already

    def _session(self) -> _Session:
        session: _Session | None = getattr(self._own, "session", None)
        if session is None:
            session = self._own.session = _Session(requests.Session(), DeadlineAdapter())
            self._sessions.append(session)
        return session


@dataclass(frozen=True, slots=True)
class _Session:
    """What one thread sends with."""

    session: requests.Session
    """Completes requests; it sends none."""
    adapter: DeadlineAdapter

    def close(self) -> None:
        """Close the connections now.

        The adapter's own `close` only forgets them, to be closed with the last reference (urllib3 2), and the
        traceback of an earlier failure may hold one until the garbage is collected.
        """
        pools = self.adapter.poolmanager.pools
        for key in pools.keys():  # noqa: SIM118 - urllib3's container refuses to be iterated
            pools[key].close()
        self.adapter.close()
        self.session.close()


class _Bearer(AuthBase):
    """Sets the token; given as `auth` because `requests` would otherwise prefer a .netrc's password."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _translate(error: Exception, request: Request) -> TransientError:
    in_doubt = request.writes and not _never_connected(error)
    if isinstance(error, BodyTooLargeError):
        return OversizedAnswerError("Dynamics 365: an answer was too large.", maybe_applied=in_doubt)
    if isinstance(error, requests.exceptions.SSLError):
        reason = "no secure connection; is the authority of its certificate trusted?"
    elif isinstance(error, requests.exceptions.ConnectTimeout):
        reason = "no connection in time."
    elif isinstance(error, requests.exceptions.Timeout | PoolTimeoutError | TimeoutError):
        reason = "no answer in time."
    else:
        reason = f"the connection failed ({type(error).__name__})."
    return TransientError(f"Dynamics 365: {reason}", maybe_applied=in_doubt, unreached=True)


def _never_connected(error: Exception) -> bool:
    """Whether no byte of the request can have left."""
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    return isinstance(getattr(cause, "reason", None), NewConnectionError)
