"""The audit between both stand-ins, through the real adapters."""

from __future__ import annotations

import secrets
import warnings
from typing import TYPE_CHECKING

import pytest

from local.stack.certificates import Certificates, make_certificates

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.audit.world import AuditWorld

with warnings.catch_warnings():
    # The SDK's generated builders warn of deprecated classes of their own while they are imported.
    warnings.simplefilter("ignore", DeprecationWarning)
    import tests.outlook.conftest  # noqa: F401 - loads all of them


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """A throwaway authority and a certificate for localhost."""
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
async def world(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[AuditWorld]:
    """Dataverse and Graph, a dispatcher, technicians, and an auditor."""
    from tests.audit.world import audit_world  # noqa: PLC0415 - after the SDK's noisy imports above

    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificates.authority))
    async with audit_world(certificates, secrets.token_bytes(32)) as made:
        yield made
