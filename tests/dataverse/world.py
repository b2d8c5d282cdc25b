"""A Dataverse environment for tests: the strict stand-in, its rows as domain values, tokens and a clock."""

from __future__ import annotations

import uuid
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from azure.core.credentials import AccessToken

from booking_sync.dataverse.bookings import DataverseBookings
from booking_sync.dataverse.web_api.client import DataverseClient
from booking_sync.domain.environment.columns import SupportColumns
from booking_sync.plumbing.closed_on_exit import ClosedOnExit
from local.dataverse import DataverseStandIn
from local.dataverse.environment import DEFAULT_IDENTITY
from local.standin import server_tls, serving, tokens
from tests.support.seals import KEYRING, sealer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from booking_sync.domain.bookings.booking import BookableResource, Booking, BookingStatus, WorkOrder
    from booking_sync.ports.platform.keys import SealKeyring
    from local.stack.certificates import Certificates
    from local.standin import RecordedRequest

BOOKINGS = "bookableresourcebookings"
KEY = b"k" * tokens.KEY_BYTES


class FixedClock:
    """A clock that tests turn by hand."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 5, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        """The time it was set to."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


class LocalCredential(ClosedOnExit):
    """An app registration whose tokens are good, unless a test spoils the ones issued before a renewal."""

    def __init__(self) -> None:
        self.audience = ""
        self.scopes: set[tuple[str, ...]] = set()
        self.renewals = 0
        self.renewals_until_good = 0
        self._token: AccessToken | None = None

    async def get_token(self, *scopes: str, **_options: Any) -> AccessToken:
        """The cached token, or a new one: expired as long as too few renewals were asked for."""
        self.scopes.add(scopes)
        if self._token is None:
            lifetime = 3600 if self.renewals >= self.renewals_until_good else -60
            # The random claim tells tokens issued in the same second apart.
            text = tokens.issue(KEY, self.audience, lifetime, {"jti": str(uuid.uuid4())})
            self._token = AccessToken(text, 0)
        return self._token

    @property
    def current(self) -> str:
        """The token in use."""
        return self._token.token if self._token else ""

    def renew(self) -> None:
        """Forget the cached token."""
        self.renewals += 1
        self._token = None


def make_rows(client: DataverseClient, keyring: SealKeyring = KEYRING) -> DataverseBookings:
    """The adapter, with the tests' seals."""
    seals = sealer(DEFAULT_IDENTITY.organization_id, keys=keyring.keys)
    return DataverseBookings(client, SupportColumns(), seals, keyring)


class DataverseWorld:
    """One environment and the adapter that speaks to it."""

    def __init__(self, standin: DataverseStandIn, url: str) -> None:
        self.standin = standin
        self.url = url
        self.clock = FixedClock()
        self.credential = LocalCredential()
        self.credential.audience = url
        self.client = DataverseClient(url, self.credential, self.clock)
        self.rows = make_rows(self.client)

    @property
    def requests(self) -> list[RecordedRequest]:
        """What the service has seen."""
        return self.standin.requests

    def put(self, booking: Booking) -> None:
        """A dispatcher creates the booking, or changes it, with all the rows it points to."""
        body: dict[str, Any] = {
            "name": booking.name,
            "starttime": _moment(booking.start),
            "endtime": _moment(booking.end),
            "statecode": 0 if booking.active else 1,
            "BookingStatus@odata.bind": self._status(booking.status),
            "Resource@odata.bind": self._resource(booking.resource),
            "msdyn_workorder@odata.bind": self._work_order(booking.work_order),
        }
        if booking.id in self.standin.state.rows(BOOKINGS):
            self.standin.state.update(BOOKINGS, booking.id, body)
        else:
            self.standin.state.create(BOOKINGS, {"bookableresourcebookingid": booking.id, **body})

    def remove(self, booking_id: str) -> None:
        """A dispatcher deletes the booking."""
        self.standin.state.delete(BOOKINGS, booking_id)

    def exists(self, booking_id: str) -> bool:
        """Whether there is such a row, as the service itself knows."""
        return booking_id in self.standin.state.rows(BOOKINGS)

    def _create(self, entity_set: str, body: dict[str, Any]) -> str:
        return f"/{entity_set}({self.standin.state.create(entity_set, body)})"

    def _status(self, status: BookingStatus | None) -> str | None:
        if status is None:
            return None
        body = {
            "name": status.name,
            "status": status.commit_type,
            "msdyn_fieldservicestatus": status.field_service_status,
        }
        return self._create("bookingstatuses", body)

    def _resource(self, resource: BookableResource | None) -> str | None:
        if resource is None:
            return None
        user = None
        if resource.user is not None:
            person = {
                "azureactivedirectoryobjectid": resource.user.entra_object_id,
                "isdisabled": resource.user.disabled,
            }
            user = self._create("systemusers", person)
        said = {"bsync_takespart": resource.takes_part, "bsync_mailbox": resource.mailbox or None}
        body = {"resourcetype": resource.type, "UserId@odata.bind": user}
        return self._create("bookableresources", body | {key: each for key, each in said.items() if each})

    def _work_order(self, order: WorkOrder | None) -> str | None:
        if order is None:
            return None
        place = order.address
        lines = dict(zip(("msdyn_address1", "msdyn_address2", "msdyn_address3"), place.lines, strict=False))
        body = {
            "msdyn_name": order.number,
            "msdyn_workordersummary": order.summary,
            "msdyn_instructions": order.instructions,
            "msdyn_city": place.city,
            "msdyn_stateorprovince": place.state,
            "msdyn_postalcode": place.postal_code,
            "msdyn_country": place.country,
            "msdyn_latitude": place.latitude,
            "msdyn_longitude": place.longitude,
            "msdyn_serviceaccount@odata.bind": self._create("accounts", {"name": order.account_name}),
            **lines,
        }
        return self._create("msdyn_workorders", body)


@asynccontextmanager
async def dataverse_world(
    certificates: Certificates, *, provisioned: bool = True
) -> AsyncIterator[DataverseWorld]:
    """An environment that is served while the context lasts.

    Args:
        certificates: the server's; clients must trust their authority.
        provisioned: whether the support columns are there.
    """
    standin = DataverseStandIn(KEY) if provisioned else DataverseStandIn(KEY, support_columns={})
    async with serving(standin, server_tls(str(certificates.certificate), str(certificates.key))) as url:
        world = DataverseWorld(standin, url)
        try:
            yield world
        finally:
            await world.client.aclose()


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
