"""What the app may do in Dataverse, and no more: the rights that its security role gives it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "bookableresourcebooking": ("prvReadBookableResourceBooking", "prvWriteBookableResourceBooking"),
    "bookableresource": ("prvReadBookableResource",),
    "bookingstatus": ("prvReadBookingStatus",),
    "msdyn_workorder": ("prvReadmsdyn_workorder",),
    "account": ("prvReadAccount",),
    "systemuser": ("prvReadUser",),
}
"""The privileges that the app's role gives it (docs/deployment.md, step 3), by table."""

DEFINITIONS: Final = frozenset(
    {"prvReadEntity", "prvReadAttribute", "prvReadRelationship", "prvReadOptionSet"}
)
"""What it takes in addition where an event file names columns: their definitions are looked up."""
