"""One Dataverse environment: its rows and rules, joined, and what a dispatcher does in it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from local.dataverse.calls import Call, Identity
from local.dataverse.config import Config
from local.dataverse.customization.metadata import BASE_LANGUAGE
from local.dataverse.tables.payload import Row, export_row, read_body
from local.dataverse.tables.schema import Schema
from local.dataverse.tables.store import Store
from local.dataverse.web_api.api import WebApi
from local.dataverse.web_api.limits import Throttle
from local.dataverse.webhooks.delivery import WebhookSender
from local.dataverse.webhooks.jobs import Jobs
from local.dataverse.webhooks.notifier import ChangeNotifier
from local.dataverse.webhooks.registration import Registration

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from local.dataverse.tables.store import Change

DEFAULT_IDENTITY = Identity(
    organization_id="0a1c7a52-5b1e-4b1f-9a58-1d0c40f0b001",
    business_unit_id="0a1c7a52-5b1e-4b1f-9a58-1d0c40f0b002",
    app_user_id="0a1c7a52-5b1e-4b1f-9a58-1d0c40f0b003",
    dispatcher_id="0a1c7a52-5b1e-4b1f-9a58-1d0c40f0b004",
)


class Environment:
    """All there is behind the addresses; tests may look and reach in.

    Args:
        support_columns: custom columns of the booking and their lengths.
        identity: the guids of the organisation, our application user and the dispatcher.
        authority: PEM file of the authority behind webhook endpoints; None for the system's.
        clock: seconds, for the limits.
    """

    def __init__(
        self,
        support_columns: Mapping[str, int],
        identity: Identity,
        authority: str | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.identity = identity
        self.config = Config()
        self.schema = Schema(support_columns)
        self.store = Store(self.schema)
        self.sender = WebhookSender(
            self.config, authority, Jobs(self.schema, self.store, identity.app_user_id).settled
        )
        self.notifier = ChangeNotifier(self.config, identity, self.sender)
        self.api = WebApi(self.schema, self.store, self.config, identity, self.notifier.changed)
        self.registration = Registration(
            self.schema, self.store, self.notifier.webhooks, identity.app_user_id
        )
        self.api.platform.customization.is_used = self.registration.uses
        self.throttle = Throttle(self.config, clock)
        self.cookies_returned = 0
        """Requests that sent the affinity cookie back, against Microsoft's advice."""
        self.seed()

    def seed(self) -> None:
        """The rows a fresh environment has: its people, its own solution, the messages steps are for."""
        table = self.schema.table
        user = self.identity.app_user_id
        self.api.platform.roles.seed(user)
        people = {"B. Sync (application user)": user, "Dispatcher": self.identity.dispatcher_id}
        for name, user_id in people.items():
            row: Row = {
                "systemuserid": user_id,
                "fullname": name,
                "isdisabled": False,
                "businessunitid": self.identity.business_unit_id,
                "applicationid": self.identity.application_id or None if user_id == user else None,
            }
            self.store.create(table("systemuser"), row, user)
        organization: Row = {
            "organizationid": self.identity.organization_id,
            "name": "bookings",
            "languagecode": BASE_LANGUAGE,
        }
        self.store.create(table("organization"), organization, user)
        self.api.platform.solutions.seed(user)
        self.api.platform.forms.seed(user)
        self.registration.seed()

    def clear(self) -> None:
        """Back to a fresh environment: no rows but its own, no webhooks; settings and columns stay."""
        self.store.clear()
        self.seed()
        self.registration.refresh()
        self.sender.clear()
        self.throttle.clear()
        self.cookies_returned = 0

    def configure(self, **knobs: Any) -> None:
        """Turn knobs of `Config`.

        Raises:
            DataverseError: an unknown knob or a value of the wrong type.
        """
        self.config.change(knobs)
        self.sender.pump()

    def create(self, entity_set: str, body: Mapping[str, Any], *, webhooks: bool = True) -> str:
        """Create a row as the dispatcher; returns its id.

        Raises:
            DataverseError: as the API would.
        """
        table = self.schema.entity_set(entity_set)
        values = read_body(self.schema, table, dict(body), "")
        change = self.store.create(table, values, self.identity.dispatcher_id)
        self._raise([change], webhooks=webhooks)
        return change.row_id

    def update(self, entity_set: str, row_id: str, body: Mapping[str, Any], *, webhooks: bool = True) -> None:
        """Change a row as the dispatcher.

        Raises:
            DataverseError: as the API would.
        """
        table = self.schema.entity_set(entity_set)
        values = read_body(self.schema, table, dict(body), "")
        changes = self.api.plugins.update(table, row_id.lower(), values, self.identity.dispatcher_id)
        self._raise(changes, webhooks=webhooks)

    def restore(
        self,
        entity_set: str,
        row_id: str,
        body: Mapping[str, Any] | None = None,
        *,
        webhooks: bool = True,
    ) -> None:
        """Bring a deleted row back from the recycle bin as the dispatcher.

        Args:
            entity_set: its table.
            row_id: its id.
            body: columns that it gets anew.
            webhooks: whether it raises webhooks.

        Raises:
            DataverseError: as the API would.
        """
        table = self.schema.entity_set(entity_set)
        values = read_body(self.schema, table, {**(body or {}), table.primary_id: row_id}, "")
        changes = self.api.bring_back(table, values, self.identity.dispatcher_id)
        self._raise(changes, webhooks=webhooks)

    def export(self, entity_set: str, row_id: str) -> dict[str, Any]:
        """A row as an export holds it: a body for `import_row`, with all columns that can be written.

        Raises:
            DataverseError: there is no such row.
        """
        table = self.schema.entity_set(entity_set)
        return export_row(self.schema, table, self.store.get(table, row_id.lower()))

    def import_row(self, entity_set: str, body: Mapping[str, Any], *, webhooks: bool = True) -> None:
        """Write a row as an import does: all columns that the file holds, ours among them, new row or not.

        Raises:
            DataverseError: as the API would.
        """
        table = self.schema.entity_set(entity_set)
        row_id = str(body.get(table.primary_id) or "").lower()
        if row_id and self.store.find(table, row_id) is not None:
            self.update(entity_set, row_id, body, webhooks=webhooks)
        else:
            self.create(entity_set, body, webhooks=webhooks)

    def delete(self, entity_set: str, row_id: str, *, webhooks: bool = True) -> None:
        """Delete a row, with all that follows from it, as the dispatcher.

        Raises:
            DataverseError: as the API would.
        """
        table = self.schema.entity_set(entity_set)
        changes = self.store.delete(table, row_id.lower(), self.identity.dispatcher_id)
        self._raise(changes, webhooks=webhooks)

    def rows(self, entity_set: str) -> dict[str, Row]:
        """The live rows of a table by id; columns by logical name."""
        return self.store.rows(self.schema.entity_set(entity_set))

    def _raise(self, changes: Sequence[Change], *, webhooks: bool) -> None:
        if webhooks:
            user = self.identity.dispatcher_id
            self.notifier.changed(changes, Call("POST", "", "", {}, b"", "", user))
