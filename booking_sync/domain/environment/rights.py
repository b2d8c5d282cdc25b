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

CANCELING: Final = frozenset({"prvAppendBookableResourceBooking", "prvAppendToBookingStatus"})
"""What it takes in addition where a booking can be canceled from Outlook: it is given another status, and a
lookup is set by whoever may append the one row to the other (Microsoft: "Privileges by entity")."""


def is_of_the_role(privilege: str) -> bool:
    """Whether the app's own role has to give it; a plug-in of the environment's may ask for others."""
    return privilege.casefold() in _OF_THE_ROLE


def needed(*, cancels: bool) -> frozenset[str]:
    """The names of all that the role must give.

    Args:
        cancels: whether bookings can be canceled from Outlook.
    """
    names = frozenset(name for names in NEEDED.values() for name in names)
    return names | CANCELING if cancels else names


_OF_THE_ROLE: Final = frozenset(name.casefold() for name in needed(cancels=True))
