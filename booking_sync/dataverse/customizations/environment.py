"""The port: an environment's customizations, read and changed over one client."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from booking_sync.dataverse.customizations.dispatcher import DispatcherReads
from booking_sync.dataverse.customizations.reads import CustomizationReads, KeyJudge
from booking_sync.dataverse.customizations.writes import CustomizationWrites

if TYPE_CHECKING:
    from collections.abc import Callable

    from booking_sync.dataverse.customizations.webhook_key import WebhookKey
    from booking_sync.dataverse.web_api.client import DataverseClient
    from booking_sync.ports.dataverse.customization_actions import Action
    from booking_sync.ports.dataverse.customizations import DesiredCustomizations, FoundCustomizations


class DataverseCustomizations:
    """One environment's customizations; fulfils `Customizations`.

    Args:
        client: its Web API; stays the caller's to close.
        key: what the webhook is to authenticate with.
        random_bytes: so many, unguessable.
        trust_fingerprint: False takes the key for another one until this has written it.
    """

    def __init__(
        self,
        client: DataverseClient,
        key: WebhookKey,
        random_bytes: Callable[[int], bytes],
        *,
        trust_fingerprint: bool = True,
    ) -> None:
        judge = KeyJudge(key, trusting=trust_fingerprint)
        self._reads = CustomizationReads(client, judge)
        self._dispatcher = DispatcherReads(client)
        self._writes = CustomizationWrites(client, judge, random_bytes, self._reads.occasions)

    async def read(self, desired: DesiredCustomizations) -> FoundCustomizations:
        """What there is of what is desired.

        Raises:
            TransientError: no complete answer now.
            PermanentError: refused.
        """
        found, components = await self._reads.read(desired)
        views, forms = await self._dispatcher.read(desired, components)
        return replace(found, views=views, forms=forms)

    async def carry_out(self, action: Action) -> None:
        """Do it; raises as `read`."""
        await self._writes.carry_out(action)
