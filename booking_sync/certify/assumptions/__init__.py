"""The register of assumptions: everything that is taken for granted of a service, each named once.

    kinds         what an assumption is
    outlook, return_path, dynamics, deployment
                  the assumptions, by service

The stand-ins in `local` and their tests name an assumption by its name as text; a test holds register,
stand-ins, contract tests, checks and docs/assumptions.md together.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from booking_sync.certify.assumptions import deployment, dynamics, outlook, return_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from booking_sync.certify.assumptions.kinds import Assumption

ASSUMPTIONS: Final[Mapping[str, Assumption]] = MappingProxyType(
    {
        each.name: each
        for each in (
            *outlook.CREATION,
            *outlook.CHANGES,
            *outlook.DELETION,
            *outlook.READING,
            *outlook.CALENDARS,
            *outlook.BY_HAND,
            *return_path.RETURN_PATH,
            *dynamics.DYNAMICS,
            *deployment.DEPLOYMENT,
        )
    }
)
"""By name, in the order of the report."""
