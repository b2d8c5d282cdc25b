"""What hostile input is thrown at: the app's functions on Azurite, and the strict stand-ins over TLS."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import aiohttp.connector
import pytest

from local.stack.azurite import azurite, random_account
from local.stack.certificates import Certificates, make_certificates
from tests.dataverse.world import DataverseWorld, dataverse_world
from tests.hostile.fuzz.app_functions import QUEUE, AppFunctions
from tests.hostile.fuzz.background import running
from tests.outlook import conftest as _quiet_imports  # noqa: F401 - imports the Graph SDK without its warnings
from tests.outlook.kit import GraphHere, running_graph
from tests.support.webhook_bodies import APP_USER, ORGANIZATION

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """A throwaway authority that this process trusts, and a certificate of its for localhost."""
    made = make_certificates(tmp_path_factory.mktemp("tls"))
    # aiohttp makes its TLS context once, at its import, so SSL_CERT_FILE would come too late in this process.
    trusted = aiohttp.connector._SSL_CONTEXT_VERIFIED  # noqa: SLF001 - see above; there is no public way
    trusted.load_verify_locations(cafile=made.authority)
    return made


@pytest.fixture(scope="session")
def storage(certificates: Certificates) -> Iterator[str]:
    """The connection string of an Azurite."""
    with running(azurite(certificates, random_account())) as process:
        yield process.url


@pytest.fixture(scope="module")
def app_functions(storage: str) -> Iterator[AppFunctions]:
    """The app's functions; only what the webhook needs is configured."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AzureWebJobsStorage", storage)
        patch.setenv("BOOKING_QUEUE_NAME", QUEUE)
        patch.setenv("DATAVERSE_ORGANIZATION_ID", ORGANIZATION)
        patch.setenv("DATAVERSE_APP_USER_ID", APP_USER)
        with AppFunctions(storage) as opened:
            yield opened


@pytest.fixture
async def graph(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[GraphHere]:
    """A Graph stand-in, and the adapter talking to it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority))
    async with running_graph(certificates, secrets.token_bytes(32)) as here:
        yield here


@pytest.fixture
async def dataverse(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[DataverseWorld]:
    """A Dataverse stand-in, and the adapter talking to it."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificates.authority))
    async with dataverse_world(certificates) as world:
        yield world
