"""The environment that the adapter's tests run against."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from local.stack.certificates import Certificates, make_certificates
from tests.dataverse.world import DataverseWorld, dataverse_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """A throwaway authority and a server certificate of its making."""
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def trust(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `requests` trust the throwaway authority."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificates.authority))


@pytest.fixture
async def dataverse(certificates: Certificates, trust: None) -> AsyncIterator[DataverseWorld]:  # noqa: ARG001 - trust is wanted for its effect
    """A provisioned environment without bookings."""
    async with dataverse_world(certificates) as world:
        yield world
