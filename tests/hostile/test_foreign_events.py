"""People who put others' events into our columns, copy ours, and forge deletions: nobody's event moves.

The real protocol between the real adapters and both strict stand-ins.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from booking_sync.domain.events.event_ref import EventClaim, EventRef
from booking_sync.domain.events.ownership import marker, transaction_id
from booking_sync.event_file.content import EventFile
from booking_sync.outlook.bodies import MARKER_PROPERTY
from booking_sync.settings.loading import load_settings
from booking_sync.sync.booking.synchronizer import Synchronizer
from booking_sync.sync.booking.task import SyncTask
from booking_sync.wiring.sync import desired_state_rule, event_renderer
from local.dataverse.environment import DEFAULT_IDENTITY
from local.graph.mailbox.schema import read_event
from tests.dataverse.world import BOOKINGS
from tests.outlook.kit import MAILBOX, OTHER_MAILBOX
from tests.support.bookings import BOOKING_ID, CANCELED, booking, technician
from tests.support.seals import prover

if TYPE_CHECKING:
    from booking_sync.domain.outcome import Outcome
    from tests.dataverse.world import DataverseWorld
    from tests.outlook.kit import GraphHere

ORGANIZATION = DEFAULT_IDENTITY.organization_id
GUID = "0d7c1f57-3b1e-4c8e-9a55-2f6f0d6b1a09"
VICTIM_BOOKING = "b00c0000-0000-4000-8000-0000000000aa"
FORGED = f"1:f00d:2.00000000.{'0' * 32}"
UNKEYED = "1:f00d:0123456789abcdef"
EARLIER = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
STATES = ["", UNKEYED, FORGED, "stolen"]
"""`stolen`: a sealed state that is really another booking's."""
WHOSE = [MAILBOX, OTHER_MAILBOX]


def today() -> datetime:
    """The stand-in's own time, by which it says when events were made."""
    return datetime.now(UTC)


@dataclass
class Scene:
    """A synced booking of one technician, and a private meeting that somebody wants us to move."""

    graph: GraphHere
    dataverse: DataverseWorld
    synchronizer: Synchronizer
    private: EventRef
    before: tuple[str, int]
    """The private event's version and how often it was changed."""
    own: EventRef
    stolen: str
    """The sealed state of the victim's booking."""

    async def sync(self, task: SyncTask | None = None) -> Outcome:
        """A hint that is not trusted, as after an edit or a replay."""
        return await self.synchronizer.sync(task or SyncTask(BOOKING_ID, trusted=False))

    def edit(self, state: str, event: EventRef | None = None) -> None:
        """A person fills our columns."""
        named = event or self.private
        columns: dict[str, Any] = {
            "bsync_outlookeventid": named.event_id,
            "bsync_originalresource": named.mailbox,
            "bsync_outlooksyncstate": self.state(state),
        }
        self.dataverse.standin.state.update(BOOKINGS, BOOKING_ID, columns)

    def state(self, state: str) -> str:
        """The state column's text."""
        return self.stolen if state == "stolen" else state

    def version(self, event: EventRef) -> tuple[str, int]:
        """What tells whether an event was touched; fails when it is gone."""
        stored = self.graph.standin.state.user(event.mailbox).events[event.event_id]
        return stored.change_key, stored.modified_count

    def check_untouched(self) -> None:
        """The private event is as it was, and nobody got mail."""
        assert self.version(self.private) == self.before
        assert self.graph.standin.state.mails[1:] == []


@pytest.fixture
async def scene(graph: GraphHere, dataverse: DataverseWorld, request: pytest.FixtureRequest) -> Scene:
    """The scene, with the private event in the mailbox that the test names."""
    settings = {
        "AzureWebJobsStorage": "UseDevelopmentStorage=true",
        "KEY_VAULT_URL": "https://vault.example",
        "ENTRA_TENANT_ID": GUID,
        "ENTRA_CLIENT_ID": BOOKING_ID,
        "DATAVERSE_URL": "https://contoso.crm4.dynamics.com",
    }
    known = load_settings(settings)
    synchronizer = Synchronizer(
        dataverse.rows,
        graph.calendar,
        desired_state_rule(known, event_renderer(known, EventFile())),
        prover(graph.calendar, ORGANIZATION, today),
        today,
    )
    dataverse.put(booking(mailbox=MAILBOX))
    dataverse.put(booking(VICTIM_BOOKING, mailbox=OTHER_MAILBOX))
    for each in (BOOKING_ID, VICTIM_BOOKING):
        await synchronizer.sync(SyncTask(each))
    own = await dataverse.rows.read(BOOKING_ID)
    assert own is not None
    assert own.record.event is not None
    private = _meeting(graph, request.param)
    made = Scene(
        graph,
        dataverse,
        synchronizer,
        private,
        ("", 0),
        own.record.event,
        _state(dataverse, VICTIM_BOOKING),
    )
    made.before = made.version(private)
    return made


def _state(dataverse: DataverseWorld, booking_id: str) -> str:
    return str(dataverse.standin.state.rows(BOOKINGS)[booking_id]["bsync_outlooksyncstate"])


def _meeting(graph: GraphHere, mailbox: str) -> EventRef:
    """A private meeting with an attendee, whom a deletion would mail a cancellation."""
    times = {name: {"dateTime": "2026-03-02T09:00:00", "timeZone": "UTC"} for name in ("start", "end")}
    body: dict[str, Any] = {"subject": "Dentist", "sensitivity": "private", **times}
    body["attendees"] = [{"emailAddress": {"address": "friend@example.com"}}]
    state = graph.standin.state
    made = state.create(state.user(mailbox), read_event(body, creating=True), by_app=False)
    return EventRef(mailbox, made.immutable_id)


@pytest.mark.parametrize("scene", WHOSE, indirect=True)
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("trusted", [True, False])
async def test_an_edited_row_moves_nobody_elses_event(scene: Scene, *, state: str, trusted: bool) -> None:
    """Whatever becomes of the booking, its own one event follows and the named one stays as it is."""
    task = SyncTask(BOOKING_ID, trusted=trusted)
    for wanted in (
        booking(mailbox=MAILBOX),
        replace(booking(mailbox=MAILBOX), name="Moved", start=EARLIER),
        replace(booking(), resource=technician(OTHER_MAILBOX)),
        replace(booking(mailbox=MAILBOX), status=CANCELED),
    ):
        scene.edit(state)
        scene.dataverse.put(wanted)
        await scene.sync(task)
        scene.check_untouched()
    assert scene.own.event_id not in scene.graph.standin.state.user(MAILBOX).events


@pytest.mark.parametrize("scene", WHOSE, indirect=True)
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("booking_id", [BOOKING_ID, GUID])
async def test_a_forged_deletion_removes_nobody_elses_event(
    scene: Scene, *, state: str, booking_id: str
) -> None:
    """A Delete with a chosen event removes it neither while the booking is there nor when it is not."""
    claim = EventClaim(scene.private, scene.state(state))
    await scene.sync(SyncTask(booking_id, trusted=False, deleted=frozenset({claim})))
    scene.check_untouched()
    scene.dataverse.remove(BOOKING_ID)
    await scene.sync(SyncTask(booking_id, trusted=False, deleted=frozenset({claim})))
    scene.check_untouched()


@pytest.mark.parametrize("scene", WHOSE, indirect=True)
async def test_a_marked_event_of_somebody_elses_is_no_proof(scene: Scene) -> None:
    """A person who computes marker and transactionId of a booking for an own event is not believed either."""
    mark = marker(ORGANIZATION, BOOKING_ID)
    stored = scene.graph.standin.state.user(scene.private.mailbox).events[scene.private.event_id]
    stored.properties[MARKER_PROPERTY] = mark
    stored.transaction_id = transaction_id(mark, scene.private.mailbox, 2)
    for wanted in (booking(mailbox=MAILBOX), replace(booking(mailbox=MAILBOX), status=CANCELED)):
        scene.edit("")
        scene.dataverse.put(wanted)
        await scene.sync()
        scene.check_untouched()


@pytest.mark.parametrize("scene", [MAILBOX], indirect=True)
@pytest.mark.parametrize("state", STATES)
async def test_a_copy_with_everything_stays_a_copy(scene: Scene, state: str) -> None:
    """A technician's copy of our event, transactionId and all, stays as it is, even if named."""
    graph = scene.graph.standin.state
    mailbox = graph.user(MAILBOX)
    original = mailbox.events[scene.own.event_id]
    copy = graph.copy(mailbox, original)
    copy.transaction_id = original.transaction_id
    copied = EventRef(MAILBOX, copy.immutable_id)
    before = scene.version(copied)
    for wanted in (
        replace(booking(mailbox=MAILBOX), name="Moved"),
        replace(booking(mailbox=MAILBOX), status=CANCELED),
    ):
        scene.edit(state, copied)
        scene.dataverse.put(wanted)
        await scene.sync()
        assert scene.version(copied) == before
    assert scene.own.event_id not in mailbox.events


@pytest.mark.parametrize("scene", [MAILBOX], indirect=True)
async def test_an_honest_deletion_still_removes_the_event(scene: Scene) -> None:
    """The row's own sealed state proves its event, and so does the event itself when the state is lost."""
    state = _state(scene.dataverse, BOOKING_ID)
    scene.dataverse.remove(BOOKING_ID)
    scene.dataverse.remove(VICTIM_BOOKING)
    await scene.sync(SyncTask(BOOKING_ID, deleted=frozenset({EventClaim(scene.own, state)})))
    assert scene.own.event_id not in scene.graph.standin.state.user(MAILBOX).events
    (victims,) = scene.graph.standin.state.user(OTHER_MAILBOX).events
    claim = EventClaim(EventRef(OTHER_MAILBOX, victims))
    await scene.sync(SyncTask(VICTIM_BOOKING, deleted=frozenset({claim})))
    assert scene.graph.standin.state.user(OTHER_MAILBOX).events == {}
    scene.check_untouched()
