"""Both stand-ins, the real adapters, worker and audit; and whatever may sit between the app and Graph."""

from __future__ import annotations

import secrets
import ssl
import warnings
from typing import TYPE_CHECKING

import pytest

from local.stack.certificates import Certificates, make_certificates

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.audit.world import AuditWorld
    from tests.field.between import Between

with warnings.catch_warnings():
    # The SDK's generated builders warn of deprecated classes of their own while they are imported.
    warnings.simplefilter("ignore", DeprecationWarning)
    import tests.outlook.conftest  # noqa: F401 - loads all of them


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """A throwaway authority and a certificate for localhost."""
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
async def between(certificates: Certificates) -> AsyncIterator[Between]:
    """What stands between the app and Graph, and leaves everything as it is until told otherwise."""
    from tests.field.between import Between  # noqa: PLC0415 - after the SDK's noisy imports above

    made = Between(ssl.create_default_context(cafile=str(certificates.authority)))
    yield made
    await made.aclose()


@pytest.fixture
async def world(
    certificates: Certificates, between: Between, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[AuditWorld]:
    """Dataverse and Graph, a dispatcher, technicians, and an auditor."""
    from tests.audit.world import audit_world  # noqa: PLC0415 - after the SDK's noisy imports above

    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificates.authority))
    async with audit_world(certificates, secrets.token_bytes(32), between) as made:
        yield made
