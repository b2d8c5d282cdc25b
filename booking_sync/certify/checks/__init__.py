"""The checks: each finds out about some assumptions together.

dynamics      those of Dataverse
deployed      those of the app in Azure
creating, changing, reading, rendering, calendars
              those of Outlook
subscriptions
              what Graph makes of subscriptions, at the deployed app's own address
telemetry     whether what the app told arrives where people look for it
by_hand       what nobody but a person in Outlook can do
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from booking_sync.certify.checks import (
    by_hand,
    calendars,
    changing,
    creating,
    deployed,
    dynamics,
    reading,
    rendering,
    subscriptions,
    telemetry,
)

if TYPE_CHECKING:
    from booking_sync.certify.parts import Check

CHECKS: Final[tuple[Check, ...]] = (
    *dynamics.CHECKS,
    *deployed.CHECKS,
    *creating.CHECKS,
    *changing.CHECKS,
    *reading.CHECKS,
    *rendering.CHECKS,
    *calendars.CHECKS,
    *subscriptions.CHECKS,
    *telemetry.CHECKS,
    *by_hand.CHECKS,
)
"""In the order of a run. Telemetry takes minutes to arrive, so it is looked for after all else; what needs a
person comes last."""
