"""Seals for what is measured: a key of their own, so that no vault is asked."""

from __future__ import annotations

import random
from base64 import b64encode
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from booking_sync.azure.key_vault.seal_keys import GivenSealKeys
from booking_sync.domain.events.ownership import Sealer, make_key

if TYPE_CHECKING:
    from booking_sync.ports.platform.clock import Clock

KEYRING = GivenSealKeys(make_key(b64encode(bytes(range(32))).decode()))


def time_of_day() -> datetime:
    """Now, UTC."""
    return datetime.now(UTC)


def sealer(organization_id: str = "", now: Clock = time_of_day) -> Sealer:
    """Seals for an organisation."""
    return Sealer(organization_id, KEYRING.keys, now, random.getrandbits)
