"""Parts that the Graph adapter's tests are built from."""

from __future__ import annotations

import contextlib
import uuid
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from azure.core.credentials import AccessToken

from booking_sync.domain.bookings.booking import Address
from booking_sync.domain.events.event import EventContent, EventTime
from booking_sync.outlook.calendar import OutlookCalendar, open_calendar
from booking_sync.outlook.graph.wire import GraphRequest
from booking_sync.plumbing.busy_time import BURST_SIZES
from booking_sync.plumbing.closed_on_exit import ClosedOnExit
from local.graph import GraphStandIn
from local.graph.handlers import GRAPH_AUDIENCE
from local.graph.mailbox.schema import read_event
from local.standin import server_tls, serving
from local.standin.tokens import issue

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from local.stack.certificates import Certificates
    from local.standin import RecordedRequest

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
MAILBOX = "0a6c0000-0000-4000-8000-000000000001"
OTHER_MAILBOX = "0a6c0000-0000-4000-8000-000000000002"
MISSING_MAILBOX = "0a6c0000-0000-4000-8000-00000000dead"
DENIED_MAILBOX = "0a6c0000-0000-4000-8000-00000000f0f0"
BOOKING = "b00c0000-0000-4000-8000-000000000001"
MARKER = f"0e60ffff-0000-4000-8000-000000000001/{BOOKING}"
EXTENSION = "com.bookingsync.booking"
BIRTH = "2.0123abcd.1.1772438400.00112233445566778899aabbccddeeff"
SEAL = "2.0123abcd.1.00112233445566778899aabbccddeeff.ffeeddccbbaa99887766554433221100"
OTHER_SEAL = "2.89abcdef.2.ffeeddccbbaa99887766554433221100.00112233445566778899aabbccddeeff"

CONTENT = EventContent(
    subject="WO-00042 Contoso",
    body_html="<p>Replace the pump</p>",
    start=EventTime("2026-03-02T09:00:00", "UTC"),
    end=EventTime("2026-03-02T10:30:00", "UTC"),
    show_as="busy",
    categories=("Field Service",),
    location_name="Main Street 1, Springfield",
    location_address=Address(("Main Street 1",), "Springfield", "IL", "62701", "USA", 39.8, -89.6),
)
CHANGED = replace(CONTENT, subject="WO-00042 moved", location_name="", location_address=None)


def now() -> datetime:
    """The tests' clock, which stands still."""
    return NOW


def new_id() -> str:
    """A fresh transaction id."""
    return str(uuid.uuid4())


def get(mailbox: str, number: int = 0) -> GraphRequest:
    """A request that changes nothing."""
    return GraphRequest(mailbox, "GET", f"/users/{mailbox}/events/{number}")


def post(mailbox: str, number: int = 0) -> GraphRequest:
    """A request that changes something."""
    return GraphRequest(mailbox, "POST", f"/users/{mailbox}/events", body={"subject": str(number)})


@dataclass
class LocalCredential(ClosedOnExit):
    """Hands out tokens of the local stack; the first ones may be made bad."""

    key: bytes
    bad_tokens: int = 0
    renewals: int = 0
    scopes: list[tuple[str, ...]] = field(default_factory=list)
    error: Exception | None = None

    async def get_token(self, *scopes: str, **_options: Any) -> AccessToken:
        """A token; a bad one until it was renewed often enough."""
        self.scopes.append(scopes)
        if self.error:
            raise self.error
        audience = GRAPH_AUDIENCE if self.renewals >= self.bad_tokens else "https://elsewhere.example"
        return AccessToken(issue(self.key, audience, 600), int(NOW.timestamp()) + 600)

    def renew(self) -> None:
        """Count."""
        self.renewals += 1


@dataclass
class GraphHere:
    """The stand-in, and the adapter that talks to it."""

    standin: GraphStandIn
    url: str
    credential: LocalCredential
    calendar: OutlookCalendar

    @property
    def batches(self) -> list[RecordedRequest]:
        """What came in on the wire."""
        return self.standin.requests

    def events(self, mailbox: str) -> list[dict[str, Any]]:
        """The content of each event in a mailbox, with its id."""
        stored = self.standin.state.user(mailbox).events.values()
        return [{**event.content, "id": event.immutable_id} for event in stored]

    def configure(self, **settings: Any) -> None:
        """Set fields of `GraphConfig`."""
        self.standin.state.config = replace(self.standin.state.config, **settings)

    def user_creates(self, mailbox: str, subject: str) -> str:
        """A user's own event; gives its immutable id."""
        times = {name: {"dateTime": "2026-03-02T09:00:00", "timeZone": "UTC"} for name in ("start", "end")}
        draft = read_event({"subject": subject, **times}, creating=True)
        state = self.standin.state
        return state.create(state.user(mailbox), draft, by_app=False).immutable_id


@contextlib.asynccontextmanager
async def running_graph(
    certificates: Certificates,
    key: bytes,
    transport: httpx.AsyncBaseTransport | None = None,
    in_burst: int = BURST_SIZES.events,
) -> AsyncIterator[GraphHere]:
    """Serve a stand-in with two good mailboxes, one without licence and one out of the app's scope.

    Args:
        certificates: of the stand-in.
        key: signs its tokens.
        transport: what requests travel on; None for the app's own.
        in_burst: items of a batch in a burst; as many as in a flood where a test counts batches, since how
            long it takes to get there is the machine's.
    """
    standin = GraphStandIn(key)
    standin.state.add_mailbox(MAILBOX)
    standin.state.add_mailbox(OTHER_MAILBOX)
    standin.state.add_mailbox(MISSING_MAILBOX, kind="no_mailbox")
    standin.state.add_mailbox(DENIED_MAILBOX, kind="denied")
    credential = LocalCredential(key)
    tls = server_tls(str(certificates.certificate), str(certificates.key))
    async with serving(standin, tls) as url:
        calendar = open_calendar(url, credential, EXTENSION, now, transport=transport, in_burst=in_burst)
        try:
            yield GraphHere(standin, url, credential, calendar)
        finally:
            await calendar.aclose()
