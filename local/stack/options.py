"""What a stack is run with: who is who, what can be chosen, and the names that its parts agree on."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from local.processes import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CredentialKind = Literal["secret", "federated", "certificate"]
CertificateForm = Literal["pem", "pkcs12"]
QUEUE_NAME = "booking-changes"
SECRET_NAME = "booking-sync-client-secret"  # noqa: S105 - the secret's name, no secret
SEAL_KEY_NAME = "booking-sync-seal-key"
CERTIFICATE_NAME = "booking-sync-client-certificate"
WEBHOOK_ROUTE = "/api/dataverse/bookings"
NOTIFICATION_ROUTE = "/api/outlook/notifications"
NOTIFICATION_KEY_NAME = "booking-sync-notification-key"
WATCHED_COLUMNS = (
    "starttime,endtime,duration,name,bookingstatus,resource,msdyn_workorder,statecode,"
    "msdyn_estimatedarrivaltime,msdyn_estimatedtravelduration"
)
"""An update of none of these can't change an event."""
RELATED_COLUMNS = {
    "msdyn_workorder": (
        "msdyn_serviceaccount,msdyn_name,msdyn_workordersummary,msdyn_instructions,msdyn_address1,msdyn_address2,"
        "msdyn_address3,msdyn_city,msdyn_stateorprovince,msdyn_postalcode,msdyn_country,msdyn_latitude,"
        "msdyn_longitude,msdyn_priority,msdyn_workordertype,msdyn_primaryincidenttype,msdyn_reportedbycontact"
    ),
    "bookableresource": "userid,resourcetype,bsync_takespart,bsync_mailbox",
}
"""The same of the rows that bookings name, by table."""
PRE_IMAGE_COLUMNS = "bsync_outlookeventid,bsync_originalresource,bsync_outlooksyncstate,msdyn_workorder"
RETURN_WATCHED, RETURN_IMAGE = ",bsync_proposalanswer", ",bsync_outlookbase"
"""What the two steps hold besides where `RETURN_PATH` is on."""
LOGS_VARIABLE = "LOG_ANALYTICS_URL"
"""What `booking-sync certify` takes the address of the query API from."""
WEBHOOK_URL_VARIABLE, WEBHOOK_KEY_VARIABLE = "WEBHOOK_URL", "WEBHOOK_KEY"
"""What `booking-sync provision` takes the webhook's address and the function's key from."""
HTTP_CONCURRENCY = 100
"""`perInstanceConcurrency` of infra/main.bicep. A Python app that sets none gets 1."""
NEVER = "0 0 0 29 2 *"
NO_TIMERS = {"CATCH_UP_SCHEDULE": NEVER, "AUDIT_SCHEDULE": NEVER, "NEAR_AUDIT_SCHEDULE": NEVER}
"""App settings with which the app's timers look for work only when somebody starts them."""


@dataclass(frozen=True)
class Identities:
    """Who is who in this run; every value a GUID."""

    tenant_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    client_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    """The app registration that works for Graph and Dataverse."""
    service_principal_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    managed_identity_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    """The function app's own identity, which may read the vault and nothing else."""
    organization_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    app_user_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    managed_identity_client_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    """By which the app names its identity, which is user-assigned as in infra/."""
    workspace_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    """Of the Log Analytics workspace that the app's telemetry is looked for in."""
    dispatcher_id: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass(frozen=True)
class StackOptions:
    """What can be chosen."""

    folder: Path
    """Gets certificates and logs; made when missing."""
    app_folder: Path = REPOSITORY
    """Holds `function_app.py` and `host.json`."""
    extension_name: str = "com.bookingsync.booking"
    """The open extension; empty: none."""
    time_zone: str = "Europe/Berlin"
    round_trip_seconds: float = 0.0
    """To Graph and Dataverse and back."""
    service_seconds: float = 0.0
    """What Graph and Dataverse work on each operation, be it a request or a part of a batch. Meanwhile it
    holds one of its mailbox's four places, or of our user's 52; without it nobody could ever be throttled."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """More app settings; they win over the stack's own. With a `RETURN_PATH` that is on, the vault gets the
    key of notifications, and `NOTIFICATION_URL` is the first host's unless it is given."""
    credential: CredentialKind = "secret"
    """How the app signs in to Entra. Anything but `secret` is told to it as the setting `CREDENTIAL`, and no
    secret is accepted then, nor is one in the vault."""
    certificate_form: CertificateForm = "pem"
    """How the vault keeps the certificate named `CERTIFICATE_NAME`."""
    provisioned: bool = True
    """False starts with an empty Dataverse, without support columns and webhooks: `provision` makes them."""
    hosts: int = 1
    """How many Functions hosts share the queue; webhooks go to the first."""
    debug_port: int | None = None
    """Where a debugger may attach to the first host's app, on 127.0.0.1; None: nowhere."""
    hidden_seconds: int = 600
    """How soon a message comes back whose host was killed (our own host only)."""
    http_concurrency: int = HTTP_CONCURRENCY
    """Webhooks and other HTTP requests that one host works on at a time; more of them wait (our own host
    only)."""
