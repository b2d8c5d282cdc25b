"""The Dataverse stand-in over TLS, and an endpoint that its webhooks reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from aiohttp import web

from local.dataverse import DataverseStandIn
from local.stack.certificates import Certificates, make_certificates
from local.standin import StandIn, server_tls, serving
from tests.local.dataverse.kit import KEY, STEPS, Client, Receiver, client_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """One throwaway authority for all tests here."""
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest_asyncio.fixture
async def client(certificates: Certificates) -> AsyncIterator[Client]:
    """A client of a fresh stand-in, with both ends of TLS."""
    standin = DataverseStandIn(KEY, authority=str(certificates.authority))
    async with client_of(standin, certificates) as client:
        yield client


@pytest_asyncio.fixture
async def receiver(client: Client, certificates: Certificates) -> AsyncIterator[Receiver]:
    """An endpoint over TLS, registered with the key in a header."""
    standin, bodies = StandIn("receiver"), []

    async def receive(request: web.Request) -> web.Response:
        bodies.append(await request.json())
        return web.Response(status=202)

    standin.app.router.add_post("/hook", receive)
    tls = server_tls(str(certificates.certificate), str(certificates.key))
    async with serving(standin, tls) as base:
        auth = {"header": "x-functions-key", "value": "made-up"}
        registration = {"url": f"{base}/hook", "auth": auth, "steps": STEPS}
        assert await client.control("PUT", "webhooks", registration) == {"webhooks": 1}
        yield Receiver(standin, f"{base}/hook", bodies)
