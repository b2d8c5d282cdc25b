"""Seals for tests: a key that nobody keeps, and what proves with it."""

from __future__ import annotations

from base64 import b64encode
from random import Random
from typing import TYPE_CHECKING

from booking_sync.azure.key_vault.seal_keys import GivenSealKeys
from booking_sync.domain.events.ownership import Sealer, make_key
from booking_sync.sync.booking.proof import EventProver
from tests.support.fakes import events_clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from booking_sync.domain.events.ownership import SealKeys
    from booking_sync.ports.outlook.calendars import Calendar
    from booking_sync.ports.platform.clock import Clock

KEY_TEXT = b64encode(bytes(range(32))).decode()
OTHER_KEY_TEXT = b64encode(bytes(range(1, 33))).decode()
KEYRING = GivenSealKeys(make_key(KEY_TEXT))


def sealer(
    organization_id: str, now: Clock = events_clock, keys: Callable[[], SealKeys] = KEYRING.keys
) -> Sealer:
    """Seals for an organisation."""
    return Sealer(organization_id, keys, now, Random(1).getrandbits)  # noqa: S311 - no secret


def prover(calendar: Calendar, organization_id: str, now: Clock = events_clock) -> EventProver:
    """Proves the events of an organisation."""
    return EventProver(calendar, sealer(organization_id, now), KEYRING)
