"""Builders of webhook bodies as Dataverse posts them: a `RemoteExecutionContext` with all its furniture."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from booking_sync.domain.environment.columns import SupportColumns
from booking_sync.sync.webhook.dynamics_webhook import ReceiverPolicy

BOOKING = "c1f7a1de-3b52-ef11-bfe3-000d3a4a5b6c"
ORGANIZATION = "7b1f4c52-90aa-ee11-a568-000d3a2b3c4d"
DISPATCHER = "2e9d8c7b-1f00-ee11-8f6d-000d3a2b3c4d"
APP_USER = "4f5e6d7c-2a00-ee11-8f6d-000d3a2b3c4d"
CORRELATION = "f3b0c442-98fc-4c14-9afb-f4c8996fb924"
MAILBOX = "8d7c6b5a-0f1e-4d2c-9b3a-5f6e7d8c9b0a"
EVENT_ID = "AAMkAGI1Zjk2ImmutableIdOfAnEvent="
TABLE = "bookableresourcebooking"
WORK_ORDER_ID = "99aa88bb-3b52-ef11-bfe3-000d3a4a5b6c"
RESOURCE_ID = "11ab22cd-3b52-ef11-bfe3-000d3a4a5b6c"

CONTRACTS = "http://schemas.microsoft.com/xrm/2011/Contracts"
EMPTY_GUID = "00000000-0000-0000-0000-000000000000"

POLICY = ReceiverPolicy(
    organization_id=ORGANIZATION,
    app_user_id=APP_USER,
    require_work_order=True,
    columns=SupportColumns(),
)


def pairs(values: dict[str, Any]) -> list[dict[str, Any]]:
    """A collection as the contract serialises it."""
    return [{"key": key, "value": value} for key, value in values.items()]


def reference(table: str, row_id: str, name: str | None = None) -> dict[str, Any]:
    """A lookup's value."""
    return {
        "__type": f"EntityReference:{CONTRACTS}",
        "Id": row_id,
        "KeyAttributes": [],
        "LogicalName": table,
        "Name": name,
        "RowVersion": None,
    }


def option(value: int) -> dict[str, Any]:
    """A choice's value."""
    return {"__type": f"OptionSetValue:{CONTRACTS}", "Value": value}


def entity(columns: dict[str, Any], *, typed: bool = True) -> dict[str, Any]:
    """A row; images come without `__type`."""
    row = {
        "Attributes": pairs(columns),
        "EntityState": None,
        "FormattedValues": [],
        "Id": BOOKING,
        "KeyAttributes": [],
        "LogicalName": TABLE,
        "RelatedEntities": [],
        "RowVersion": None,
    }
    return {"__type": f"Entity:{CONTRACTS}", **row} if typed else row


WORK_ORDER = reference("msdyn_workorder", WORK_ORDER_ID)

CREATED_COLUMNS: dict[str, Any] = {
    "bookableresourcebookingid": BOOKING,
    "starttime": "/Date(1772441100000)/",
    "endtime": "/Date(1772448300000)/",
    "duration": 120,
    "statecode": option(0),
    "resource": reference("bookableresource", RESOURCE_ID),
    "msdyn_workorder": WORK_ORDER,
}
UPDATED_COLUMNS: dict[str, Any] = {
    "bookableresourcebookingid": BOOKING,
    "starttime": "/Date(1772444700000)/",
    "modifiedby": reference("systemuser", DISPATCHER),
    "modifiedonbehalfby": None,
}
IMAGE_COLUMNS: dict[str, Any] = {
    "bookableresourcebookingid": BOOKING,
    "msdyn_workorder": WORK_ORDER,
    "bsync_outlookeventid": EVENT_ID,
    "bsync_originalresource": MAILBOX,
}


@dataclass(frozen=True)
class Webhook:
    """One webhook; tests replace what they are about."""

    message: str = "Update"
    table: str = TABLE
    target: dict[str, Any] = field(default_factory=lambda: entity(UPDATED_COLUMNS))
    images: dict[str, Any] = field(default_factory=dict)
    user: str = DISPATCHER
    organization: str = ORGANIZATION
    row_id: str = BOOKING

    def context(self) -> dict[str, Any]:
        """The body as values."""
        return {
            "BusinessUnitId": "484538d3-fc8e-eb11-b1ac-000d3a197cea",
            "CorrelationId": CORRELATION,
            "Depth": 1,
            "InitiatingUserAgent": "",
            "InitiatingUserAzureActiveDirectoryObjectId": EMPTY_GUID,
            "InitiatingUserId": self.user,
            "InputParameters": pairs({"Target": self.target, "ConcurrencyBehavior": option(0)}),
            "IsExecutingOffline": False,
            "IsInTransaction": False,
            "IsOfflinePlayback": False,
            "IsolationMode": 1,
            "MessageName": self.message,
            "Mode": 1,
            "OperationCreatedOn": "/Date(1772437500000+0100)/",
            "OperationId": "0b5a1c9e-5d3f-ef11-8409-000d3a197cea",
            "OrganizationId": self.organization,
            "OrganizationName": "contoso",
            "OutputParameters": [],
            "OwningExtension": reference("sdkmessageprocessingstep", "75417616-4ea2-e711-8122-000d3aa2331c"),
            "ParentContext": None,
            "PostEntityImages": [],
            "PreEntityImages": pairs(
                {"AsynchronousStepPrimaryName": entity({"name": "not ours"}, typed=False), **self.images}
            ),
            "PrimaryEntityId": self.row_id,
            "PrimaryEntityName": self.table,
            "RequestId": None,
            "SecondaryEntityName": "none",
            "SharedVariables": pairs({"IsAutoTransact": True, "ChangedEntityTypes": []}),
            "Stage": 40,
            "UserAzureActiveDirectoryObjectId": EMPTY_GUID,
            "UserId": self.user,
        }

    def body(self) -> bytes:
        """The body as it is sent: slashes escaped, as the .NET serialiser does."""
        return encode(self.context())


def encode(context: Any) -> bytes:
    """Values as Dataverse would write them."""
    return json.dumps(context).replace("/", "\\/").encode()


def headers(message: str = "Update") -> dict[str, str]:
    """The headers that come along."""
    return {
        "Content-Type": "application/json",
        "x-ms-dynamics-organization": "contoso.crm4.dynamics.com",
        "x-ms-dynamics-entity-name": TABLE,
        "x-ms-dynamics-request-name": message,
        "x-ms-correlation-request-id": "0a0b0c0d-98fc-4c14-9afb-f4c8996fb924",
    }


def stripped_headers(message: str = "Update") -> dict[str, str]:
    """The headers of a body that was too large."""
    return {**headers(message), "x-ms-dynamics-msg-size-exceeded": "True"}


def stripped(context: dict[str, Any]) -> dict[str, Any]:
    """What Dataverse leaves of a body over 256 KB."""
    gone = ("InputParameters", "PreEntityImages", "PostEntityImages", "ParentContext")
    return {key: value for key, value in context.items() if key not in gone}


def created(columns: dict[str, Any] | None = None) -> Webhook:
    """A booking was created."""
    return Webhook("Create", target=entity(CREATED_COLUMNS if columns is None else columns))


def updated(columns: dict[str, Any] | None = None) -> Webhook:
    """A booking was changed; the target holds the changed columns only."""
    return Webhook("Update", target=entity(UPDATED_COLUMNS if columns is None else columns))


def work_order_updated(columns: dict[str, Any] | None = None) -> Webhook:
    """A work order was changed: somebody mended its address."""
    changed = {"msdyn_city": "Espoo", "modifiedon": "/Date(1772437500000)/"} if columns is None else columns
    target = entity({"msdyn_workorderid": WORK_ORDER_ID, **changed})
    return Webhook("Update", "msdyn_workorder", target=target, row_id=WORK_ORDER_ID)


def resource_updated(columns: dict[str, Any] | None = None) -> Webhook:
    """A resource was changed: it got another user."""
    changed = {"userid": reference("systemuser", DISPATCHER)} if columns is None else columns
    target = entity({"bookableresourceid": RESOURCE_ID, **changed})
    return Webhook("Update", "bookableresource", target=target, row_id=RESOURCE_ID)


def restored(columns: dict[str, Any] | None = None) -> Webhook:
    """A booking came back from the recycle bin; the target holds what it got anew, if anything."""
    return Webhook("Restore", target=entity(columns or {}))


def deleted(image: dict[str, Any] | None = None, *, with_image: bool = True) -> Webhook:
    """A booking was deleted: the target is only a reference, the columns are in the pre-image."""
    columns = IMAGE_COLUMNS if image is None else image
    images = {"PreImage": entity(columns, typed=False)} if with_image else {}
    return Webhook("Delete", target=reference(TABLE, BOOKING), images=images)
