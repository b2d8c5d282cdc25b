"""A client that calls the Dataverse stand-in over TLS, as the tests of its strictness do."""

from __future__ import annotations

import json
import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
from yarl import URL

from local.standin import server_tls, serving, tokens

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from local.dataverse import DataverseStandIn
    from local.stack.certificates import Certificates
    from local.standin import StandIn

KEY = bytes(range(32))
NOWHERE = "11111111-2222-3333-4444-555555555555"


@dataclass
class Reply:
    """One answer of the stand-in."""

    status: int
    body: Any
    headers: dict[str, str]

    @property
    def code(self) -> str:
        """Dataverse's error code."""
        return str(self.body["error"]["code"])


@dataclass
class Client:
    """Calls the stand-in over TLS as the function app would, addresses left as they are."""

    standin: DataverseStandIn
    base: str
    session: aiohttp.ClientSession

    async def call(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Reply:
        """A JSON call below the service root, or to a whole address."""
        url = path if path.startswith("https:") else f"{self.base}/api/data/v9.2/{path}"
        token = tokens.issue(KEY, self.base, 60)
        sent = {"Authorization": f"Bearer {token}", **(headers or {})}
        data = None
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        async with self.session.request(method, URL(url, encoded=True), data=data, headers=sent) as response:
            text = await response.text()
            is_json = response.content_type == "application/json" and text
            return Reply(response.status, json.loads(text) if is_json else text, dict(response.headers))

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        """A call of the control plane."""
        async with self.session.request(method, f"{self.base}/_control/{path}", json=body) as response:
            return await response.json()

    async def batch(self, *parts: str, go_on: bool = True) -> Reply:
        """Parts as texts with CRLF, each `METHOD url`, headers, empty line, body."""
        text = "".join(f"--b\r\n{ENVELOPE}{part}\r\n" for part in parts) + "--b--\r\n"
        headers = {"Content-Type": "multipart/mixed; boundary=b"}
        if go_on:
            headers["Prefer"] = "odata.continue-on-error"
        return await self.call("POST", "$batch", text.encode(), headers)


ENVELOPE = "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"


@asynccontextmanager
async def client_of(standin: DataverseStandIn, certificates: Certificates) -> AsyncIterator[Client]:
    """Serve a stand-in while the context lasts, with both ends of TLS."""
    tls = server_tls(str(certificates.certificate), str(certificates.key))
    trust = ssl.create_default_context(cafile=str(certificates.authority))
    async with (
        aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=trust), cookie_jar=aiohttp.DummyCookieJar()
        ) as session,
        serving(standin, tls) as base,
    ):
        yield Client(standin, base, session)


STEPS: list[dict[str, Any]] = [
    {"message": "Create", "table": "bookableresourcebooking"},
    {
        "message": "Update",
        "table": "bookableresourcebooking",
        "filteringattributes": "starttime,resource,msdyn_workorder",
        "images": [
            {"alias": "PreImage", "type": 0, "attributes": "name,starttime,resource,duration,bookingstatus"}
        ],
    },
    {
        "message": "Delete",
        "table": "bookableresourcebooking",
        "images": [{"alias": "PreImage", "type": 0, "attributes": "bsync_outlookeventid"}],
    },
]


@dataclass
class Receiver:
    """A webhook endpoint: what it was sent, and faults to answer with."""

    standin: StandIn
    url: str
    bodies: list[dict[str, Any]]

    async def hear(self, client: Client) -> list[dict[str, Any]]:
        """The bodies so far, once nothing is pending."""
        await client.standin.state.sender.idle()
        return self.bodies
