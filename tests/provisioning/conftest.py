"""An empty environment for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from local.stack.certificates import Certificates, make_certificates
from tests.provisioning.site import Site, open_site

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture(scope="package")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """One throwaway authority for all tests here."""
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest_asyncio.fixture
async def site(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    """An empty environment."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificates.authority))
    async with open_site(certificates) as site:
        yield site
