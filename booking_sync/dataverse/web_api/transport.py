"""Blocking HTTP by `requests` in a few threads, so that the event loop never waits for a socket.

One session per thread, since sessions are not made for sharing. Cookies are dropped: Dataverse's affinity
cookie would tie all our requests to one web server, and its limits are counted per server (Dataverse's advice
on throughput). Trust in TLS certificates is `requests`' own and honours REQUESTS_CA_BUNDLE; proxies named in
the environment and passwords in a .netrc are ignored.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Final, Protocol

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError, NewConnectionError

from booking_sync.dataverse.web_api.reply import Reply
from booking_sync.errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from booking_sync.dataverse.web_api.pause import Pause

_NO_PROXIES: Final[dict[str, str]] = {"http": "", "https": "", "all": ""}
"""Empty entries win over the environment's, and mean a direct connection."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds for building a connection, and for each wait on an answer's next bytes."""

    connect: float = 10.0
    read: float = 60.0


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
        self._sessions: list[requests.Session] = []
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
            _close(session)

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
            response = self._session().request(
                request.method,
                request.url,
                headers=dict(request.headers),
                data=request.body,
                auth=_Bearer(token),
                timeout=(self._timeouts.connect, self._timeouts.read),
                allow_redirects=False,
                proxies=_NO_PROXIES,
            )
        except (requests.RequestException, HTTPError) as error:
            return _translate(error, request)
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Reply(response.status_code, headers, response.content)

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._own, "session", None)
        if session is None:
            session = requests.Session()
            session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
            self._own.session = session
            self._sessions.append(session)
        return session


def _close(session: requests.Session) -> None:
    """Close the session's connections now.

    `Session.close` only forgets them, to be closed with the last reference (urllib3 2), and the traceback of
    an earlier failure may hold one until the garbage is collected.
    """
    for adapter in session.adapters.values():
        if isinstance(adapter, HTTPAdapter):
            pools = adapter.poolmanager.pools
            for key in pools.keys():  # noqa: SIM118 - urllib3's container refuses to be iterated
                pools[key].close()
    session.close()


class _Bearer(AuthBase):
    """Sets the token; given as `auth` because `requests` would otherwise prefer a .netrc's password."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _translate(error: Exception, request: Request) -> TransientError:
    if isinstance(error, requests.exceptions.SSLError):
        reason = "no secure connection; is the authority of its certificate trusted?"
    elif isinstance(error, requests.exceptions.ConnectTimeout):
        reason = "no connection in time."
    elif isinstance(error, requests.exceptions.Timeout):
        reason = "no answer in time."
    else:
        reason = f"the connection failed ({type(error).__name__})."
    return TransientError(
        f"Dynamics 365: {reason}", maybe_applied=request.writes and not _never_connected(error)
    )


def _never_connected(error: Exception) -> bool:
    """Whether no byte of the request can have left."""
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    return isinstance(getattr(cause, "reason", None), NewConnectionError)
