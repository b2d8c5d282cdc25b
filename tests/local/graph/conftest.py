"""The Graph stand-in over TLS, with one mailbox."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import httpx
import pytest

from local.graph import GraphStandIn
from local.stack.certificates import make_certificates
from local.standin import server_tls, serving
from local.standin.tokens import issue
from tests.local.graph.kit import AUDIENCE, KEY, USER, Rig

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from local.stack.certificates import Certificates


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """One authority for all tests."""
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def trust(certificates: Certificates) -> ssl.SSLContext:
    """What the clients verify the server by."""
    return ssl.create_default_context(cafile=str(certificates.authority))


@pytest.fixture
async def rig(certificates: Certificates, trust: ssl.SSLContext) -> AsyncIterator[Rig]:
    """A stand-in with one mailbox, over TLS."""
    graph = GraphStandIn(KEY)
    graph.state.add_mailbox(USER, "Tara Tech", "tara@example.com")
    tls = server_tls(str(certificates.certificate), str(certificates.key))
    token = {"Authorization": f"Bearer {issue(KEY, AUDIENCE, 60)}"}
    async with (
        serving(graph, tls) as url,
        httpx.AsyncClient(base_url=url, verify=trust, headers=token) as http,
    ):
        yield Rig(graph, http)
