"""Fixtures of the Graph adapter's tests: the real SDK against the strict stand-in, over verified TLS."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from local.stack.certificates import Certificates, make_certificates
from tests.support import graph_builders  # noqa: F401 - loads the Graph SDK's builders

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.outlook.kit import GraphHere


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """A throwaway authority and a certificate for localhost."""
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
async def graph(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[GraphHere]:
    """A Graph stand-in with three mailboxes, and the adapter talking to it."""
    from tests.outlook.kit import running_graph  # noqa: PLC0415 - after the SDK's noisy imports above

    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority))
    async with running_graph(certificates, secrets.token_bytes(32)) as here:
        yield here
