"""What provisioning can do in Dataverse; each action takes one request, or a few."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from booking_sync.ports.dataverse.app_user import UserAction

if TYPE_CHECKING:
    from booking_sync.ports.dataverse.customizations import Column, Image, Step
    from booking_sync.ports.dataverse.dispatcher import FormSection, View


@dataclass(frozen=True, slots=True)
class MakePublisher:
    """Create the publisher."""

    id: str
    unique_name: str
    prefix: str


@dataclass(frozen=True, slots=True)
class MakeSolution:
    """Create the unmanaged solution."""

    id: str
    unique_name: str
    publisher_id: str


@dataclass(frozen=True, slots=True)
class MakeColumn:
    """Create a column in the solution."""

    column: Column
    solution: str


@dataclass(frozen=True, slots=True)
class WidenColumn:
    """Give a text column its length."""

    column: Column


@dataclass(frozen=True, slots=True)
class RemoveColumn:
    """Remove a column with everything in it."""

    table: str
    name: str


@dataclass(frozen=True, slots=True)
class Publish:
    """Publish the table's customizations."""

    table: str


@dataclass(frozen=True, slots=True)
class WriteWebhook:
    """Create the endpoint, or write what differs; only the adapter has the key, so no log shows it."""

    id: str
    name: str
    url: str
    """Empty: leave it."""
    solution: str
    new: bool
    with_key: bool


@dataclass(frozen=True, slots=True)
class WriteStep:
    """Create a step, or write all of an existing one."""

    id: str
    step: Step
    webhook_id: str
    solution: str
    new: bool


@dataclass(frozen=True, slots=True)
class WriteImage:
    """Create a step's image, or write all of an existing one."""

    id: str
    step: Step
    step_id: str
    image: Image
    new: bool


@dataclass(frozen=True, slots=True)
class WriteView:
    """Create the view, or write all of an existing one."""

    view: View
    solution: str
    new: bool


@dataclass(frozen=True, slots=True)
class ShowOnForm:
    """Put our section onto a form."""

    form_id: str
    section: FormSection


@dataclass(frozen=True, slots=True)
class TakeOffForm:
    """Take our section off a form, and nothing else."""

    form_id: str
    section: FormSection


@dataclass(frozen=True, slots=True)
class AddToSolution:
    """Put something that exists into the solution."""

    component_type: int
    id: str
    solution: str


@dataclass(frozen=True, slots=True)
class RemoveRow:
    """Delete a row of one of the platform's tables."""

    entity_set: str
    id: str


Action = (
    MakePublisher
    | MakeSolution
    | MakeColumn
    | WidenColumn
    | RemoveColumn
    | Publish
    | WriteWebhook
    | WriteStep
    | WriteImage
    | WriteView
    | ShowOnForm
    | TakeOffForm
    | AddToSolution
    | RemoveRow
    | UserAction
)

COLUMN_COMPONENT, VIEW_COMPONENT, STEP_COMPONENT, WEBHOOK_COMPONENT = 2, 26, 92, 95
"""Component types of Dataverse's solutions."""

Desired_contra = TypeVar("Desired_contra", contravariant=True)
Found_co = TypeVar("Found_co", covariant=True)


class Provisionable(Protocol[Desired_contra, Found_co]):
    """A part of an environment that is read, compared and changed: its customizations, or its users.

    Every method may raise `TransientError` or `PermanentError`.
    """

    async def read(self, desired: Desired_contra) -> Found_co:
        """What there is of what is desired."""

    async def carry_out(self, action: Action) -> None:
        """Do it; the adapter sees to it that doing it twice is harmless or refused."""
