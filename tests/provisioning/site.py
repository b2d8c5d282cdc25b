"""An environment of the strict stand-in, and who provisions it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from booking_sync.dataverse.customizations.environment import DataverseCustomizations
from booking_sync.dataverse.customizations.webhook_key import WebhookKey
from booking_sync.dataverse.web_api.client import DataverseClient
from booking_sync.ports.dataverse.customizations import DesiredCustomizations
from booking_sync.provisioning.converge import ProvisioningReport, converge
from booking_sync.provisioning.desired import desired_customizations
from booking_sync.provisioning.plan import make_plan
from booking_sync.provisioning.removal import plan_removal
from local.dataverse import DataverseStandIn
from local.standin import server_tls, serving
from tests.dataverse.world import KEY, FixedClock, LocalCredential
from tests.provisioning.kit import NAMES, RESOURCE_NAMES, URL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from booking_sync.domain.environment.columns import ReturnColumns
    from local.stack.certificates import Certificates

FUNCTION_KEY = "made-up<&>'\"key"
WRITES = ("POST", "PATCH", "PUT", "DELETE")


@dataclass
class Site:
    """An environment and who provisions it."""

    standin: DataverseStandIn
    client: DataverseClient

    async def provision(
        self,
        desired: DesiredCustomizations | None = None,
        *,
        key: str = FUNCTION_KEY,
        trust_fingerprint: bool = True,
        narrow: bool = False,
    ) -> ProvisioningReport:
        """Run it."""
        wanted = desired or desired_customizations(NAMES, URL, of_resource=RESOURCE_NAMES, has_key=bool(key))
        return await self._converge(
            wanted,
            key,
            partial(make_plan, desired=wanted, narrow=narrow),
            trust_fingerprint=trust_fingerprint,
        )

    async def remove(self, *, columns: bool, of_return: ReturnColumns | None = None) -> ProvisioningReport:
        """Take it away."""
        wanted = desired_customizations(NAMES, of_resource=RESOURCE_NAMES, of_return=of_return)
        return await self._converge(wanted, "", partial(plan_removal, desired=wanted, remove_columns=columns))

    async def _converge(
        self, wanted: DesiredCustomizations, key: str, decide: Any, **options: Any
    ) -> ProvisioningReport:
        customizations = DataverseCustomizations(
            self.client, WebhookKey(key), lambda count: bytes(range(count)), **options
        )
        return await converge(
            customizations, wanted, decide, dry_run=False, sleep=self._sleep, tell=lambda _text: None
        )

    async def _sleep(self, seconds: float) -> None:
        """No time passes, but for the pause that Dataverse asked for."""
        clock = self.client._now  # noqa: SLF001 - the test's own clock
        assert isinstance(clock, FixedClock)
        clock.advance(seconds)

    def rows(self, entity_set: str) -> list[dict[str, Any]]:
        """The rows as the service has them."""
        return [dict(row) for row in self.standin.state.rows(entity_set).values()]

    def writes(self) -> list[str]:
        """The changes that were asked for."""
        return [each.path for each in self.standin.requests if each.method in WRITES]


@asynccontextmanager
async def open_site(certificates: Certificates) -> AsyncIterator[Site]:
    """An empty environment."""
    standin = DataverseStandIn(KEY, authority=str(certificates.authority), support_columns={})
    async with serving(standin, server_tls(str(certificates.certificate), str(certificates.key))) as url:
        credential = LocalCredential()
        credential.audience = url
        client = DataverseClient(url, credential, FixedClock())
        try:
            yield Site(standin, client)
        finally:
            await client.aclose()
