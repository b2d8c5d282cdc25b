"""What the way back from Outlook asks Dataverse, by the real requests."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from booking_sync.dataverse.reads.return_listing import DataverseReturnListing
from booking_sync.dataverse.reads.return_reads import COUNTED, DataverseReturnReads
from booking_sync.domain.environment.columns import ReturnColumns, SupportColumns
from booking_sync.domain.return_path.side import ProposalKind
from booking_sync.domain.return_path.times import Times
from booking_sync.errors import PermanentError, TransientError
from booking_sync.ports.dataverse.return_path import Surroundings
from local.standin.faults import Fault
from tests.dataverse.world import BOOKINGS
from tests.support.bookings import ANNA

if TYPE_CHECKING:
    from tests.dataverse.world import DataverseWorld

HOUR = timedelta(hours=1)
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
START = TODAY + timedelta(days=3, hours=9)
PLANNED = Times(START, START + HOUR)
WISHED = Times(START + 2 * HOUR, START + 3 * HOUR)


class Office:
    """A dispatcher's environment with one technician."""

    def __init__(self, world: DataverseWorld) -> None:
        self.world = world
        self.state = world.standin.state
        self.technician = self.state.create("bookableresources", {"name": "Anna", "resourcetype": 3})

    def reads(self, status_id: str = "") -> DataverseReturnReads:
        """The adapter under test."""
        return DataverseReturnReads(self.world.client, ReturnColumns(), status_id, self.world.clock)

    def book(self, times: Times = PLANNED, /, **more: Any) -> str:
        """A booking of the technician's."""
        body = {
            "name": "b",
            "starttime": times.start.isoformat(),
            "endtime": times.end.isoformat(),
            "Resource@odata.bind": f"/bookableresources({self.technician})",
            **more,
        }
        return self.state.create(BOOKINGS, body)

    def status(self, kind: int, state: int = 0) -> str:
        """A booking status of that type."""
        return self.state.create("bookingstatuses", {"name": "s", "status": kind, "statecode": state})

    async def around(self, booking_id: str, wished: Times = WISHED) -> Surroundings:
        """What stands in the way of moving it, in one request."""
        row = await self.world.rows.read(booking_id)
        assert row
        before = len(self.world.requests)
        found = await self.reads().surroundings(row.booking, wished, TODAY)
        assert len(self.world.requests) == before + 1
        return found


@pytest.fixture
def office(dataverse: DataverseWorld) -> Office:
    """The environment."""
    return Office(dataverse)


async def test_nothing_stands_in_the_way_of_an_ordinary_move(office: Office) -> None:
    """Bookings that only touch the time, canceled or deactivated ones, and others' leave it free."""
    booking_id = office.book()
    office.book(Times(WISHED.end, WISHED.end + HOUR))
    office.book(WISHED, **{"BookingStatus@odata.bind": f"/bookingstatuses({office.status(3)})"})
    office.book(WISHED, statecode=1)
    other = office.state.create("bookableresources", {"name": "Bert", "resourcetype": 3})
    office.book(WISHED, **{"Resource@odata.bind": f"/bookableresources({other})"})
    assert await office.around(booking_id) == Surroundings()


@pytest.mark.parametrize("minutes", [-59, -1, 0, 30, 59])
async def test_another_booking_of_the_technician_lies_there(office: Office, minutes: int) -> None:
    """However little of the time it has."""
    booking_id = office.book()
    offset = timedelta(minutes=minutes)
    status = {"BookingStatus@odata.bind": f"/bookingstatuses({office.status(1)})"} if minutes else {}
    office.book(Times(WISHED.start + offset, WISHED.end + offset), **status)
    assert await office.around(booking_id) == Surroundings(overlaps=True)


@pytest.mark.parametrize(
    ("earliest", "latest", "outside"),
    [
        (None, None, False),
        (2, 3, False),
        (2.5, None, True),
        (None, 1.9, True),
        (2, 2, False),
    ],
)
async def test_the_arrival_has_to_be_within_what_is_promised(
    office: Office, earliest: float | None, latest: float | None, *, outside: bool
) -> None:
    """Hours behind the planned start; without a way there the arrival is the start."""
    promised = {
        f"msdyn_time{name}promised": (START + hours * HOUR).isoformat()
        for name, hours in (("from", earliest), ("to", latest))
        if hours is not None
    }
    order = office.state.create("msdyn_workorders", {"msdyn_name": "WO-1", **promised})
    booking_id = office.book(**{"msdyn_workorder@odata.bind": f"/msdyn_workorders({order})"})
    assert await office.around(booking_id) == Surroundings(outside_window=outside)


async def test_the_way_there_does_not_count_as_arrival(office: Office) -> None:
    """A booking begins with it: what is promised is when somebody rings the bell."""
    promised = {"msdyn_timefrompromised": (WISHED.start + timedelta(minutes=40)).isoformat()}
    order = office.state.create("msdyn_workorders", {"msdyn_name": "WO-1", **promised})
    to_order = {"msdyn_workorder@odata.bind": f"/msdyn_workorders({order})"}
    arrival = (START + timedelta(minutes=45)).isoformat()
    assert await office.around(office.book(**to_order, msdyn_estimatedarrivaltime=arrival)) == Surroundings()
    other = office.state.create("bookableresources", {"name": "Bert", "resourcetype": 3})
    sooner = (START + timedelta(minutes=30)).isoformat()
    elsewhere = {"Resource@odata.bind": f"/bookableresources({other})"}
    late = office.book(**{**to_order, **elsewhere}, msdyn_estimatedarrivaltime=sooner)
    assert (await office.around(late)).outside_window


@pytest.mark.parametrize(("lock", "locked"), [(0, True), (1, False), (2, True), (3, True)])
async def test_a_lock_on_the_time_is_seen(office: Office, lock: int, *, locked: bool) -> None:
    """Time range, time, and both; a lock on the resource alone has nothing against another time."""
    booking_id = office.book(msdyn_schedulinglockoptions=192350000 + lock)
    assert await office.around(booking_id) == Surroundings(time_locked=locked)


@pytest.mark.parametrize(("member", "crew"), [(0, True), (1, True), (2, False)])
async def test_a_crew_s_booking_is_seen(office: Office, member: int, *, crew: bool) -> None:
    """Leader or member, or one that names its crew: other bookings hang on it."""
    booking_id = office.book(msdyn_crewmembertype=192350000 + member)
    assert await office.around(booking_id) == Surroundings(crew=crew)
    named = office.book(
        Times(START + 24 * HOUR, START + 25 * HOUR),
        **{"msdyn_Crew@odata.bind": f"/bookableresources({office.technician})"},
    )
    assert (await office.around(named, Times(START + 26 * HOUR, START + 27 * HOUR))).crew


@pytest.mark.assumes("lock_and_crew_columns")
@pytest.mark.parametrize("column", ["msdyn_schedulinglockoptions", "msdyn_crewmembertype"])
async def test_an_environment_without_such_columns_has_no_locks_and_no_crews(
    office: Office, column: str
) -> None:
    """They come with parts of Field Service that not everybody has: a move must not wait for them forever."""
    booking_id = office.book(**{column: 192350000})
    schema = office.state.schema
    table = schema.table("bookableresourcebooking")
    left = tuple(each for each in table.columns if each.name != column)
    schema._tables["bookableresourcebooking"] = replace(table, columns=left)  # noqa: SLF001 - an older environment
    assert await office.around(booking_id) == Surroundings()


async def test_moves_of_the_day_are_counted_by_what_rows_tell(office: Office) -> None:
    """Of this resource and this day only, moves only; and no further than what decides anything."""
    words = f"{TODAY:%Y-%m-%d} moved: to 10:00."
    booking_id = office.book()
    later = Times(START + 48 * HOUR, START + 49 * HOUR)
    for told in (words, words, f"{TODAY:%Y-%m-%d} proposed: x", "2020-01-01 moved: x", None):
        office.book(later, bsync_outlookreturn=told)
    other = office.state.create("bookableresources", {"name": "Bert", "resourcetype": 3})
    office.book(bsync_outlookreturn=words, **{"Resource@odata.bind": f"/bookableresources({other})"})
    assert await office.around(booking_id) == Surroundings(moved_of_resource=2)
    for _ in range(COUNTED):
        office.book(later, bsync_outlookreturn=words)
    assert (await office.around(booking_id)).moved_of_resource == COUNTED


async def test_cancellations_of_the_day_are_counted_alike(office: Office) -> None:
    """By resource, from what its rows tell."""
    office.book(bsync_outlookreturn=f"{TODAY:%Y-%m-%d} cancelled: deleted in Outlook.")
    office.book(bsync_outlookreturn=f"{TODAY:%Y-%m-%d} moved: x")
    assert await office.reads().cancelled_today(office.technician, TODAY) == 1


async def test_the_status_for_cancellations_is_the_only_active_one_of_its_type(office: Office) -> None:
    """None is certain while there are none or several; what was found is believed for some minutes."""
    reads, clock = office.reads(), office.world.clock
    office.status(2)
    office.status(3, state=1)
    assert await reads.cancel_status() == ""
    canceled = office.status(3)
    assert await reads.cancel_status() == "", "known for some minutes"
    clock.advance(600)
    asked = len(office.world.requests)
    assert [await reads.cancel_status() for _ in range(3)] == [canceled] * 3
    assert len(office.world.requests) == asked + 1
    office.status(3)
    clock.advance(600)
    assert await reads.cancel_status() == ""
    assert set((await reads.canceled_statuses()).values()) == {"s"}


async def test_a_status_that_the_settings_name_is_not_looked_for(office: Office) -> None:
    """Whatever others there are."""
    assert await office.reads("5c7d2a90-2222-4222-8333-44445555abcd").cancel_status() == (
        "5c7d2a90-2222-4222-8333-44445555abcd"
    )
    assert office.world.requests == []


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault("starttime", "GET", status=503), TransientError),
        (Fault("outlookreturn", "GET", status=429), TransientError),
        (
            Fault("crewmember", "GET", status=200, body={"error": {"code": "0x1", "message": "cut"}}),
            TransientError,
        ),
        (Fault("lockoptions", "GET", status=400), TransientError),
        (
            Fault("promised", "GET", status=403, body={"error": {"code": "0x80042f09", "message": "no"}}),
            PermanentError,
        ),
    ],
)
async def test_a_part_without_an_answer_is_no_permission(
    office: Office, fault: Fault, error: type[Exception]
) -> None:
    """Nothing is taken for free because nobody said that it is taken."""
    row = await office.world.rows.read(office.book())
    assert row
    office.world.standin.faults.add(replace(fault))
    with pytest.raises(error):
        await office.reads().surroundings(row.booking, WISHED, TODAY)


async def test_a_booking_of_nobody_has_no_neighbours(office: Office) -> None:
    """Its row alone is asked."""
    booking_id = office.book(**{"Resource@odata.bind": None})
    office.book(WISHED)
    assert await office.around(booking_id) == Surroundings()


async def test_what_waits_for_somebody_is_listed_and_what_was_done_is_not(office: Office) -> None:
    """Open proposals however old, deletions that are withheld, and moves that were overruled lately."""
    back = DataverseReturnListing(office.world.client, SupportColumns(), ReturnColumns())
    day = f"{TODAY:%Y-%m-%d}"
    later = Times(START + 48 * HOUR, START + 49 * HOUR)
    named = {"bsync_outlookeventid": "AAA", "bsync_originalresource": ANNA}
    proposed = office.book(
        later,
        bsync_outlookproposal=1,
        bsync_proposedstart=WISHED.start.isoformat(),
        bsync_proposedend=WISHED.end.isoformat(),
        bsync_proposalanswer=2,
        bsync_outlookreturn=f"{day} proposed: x.",
    )
    withheld = office.book(later, **named, bsync_outlookreturn="2020-01-01 withheld: gone.")
    overruled = office.book(later, bsync_outlookreturn=f"{day} overruled: x.")
    office.book(later, bsync_outlookreturn="2020-01-01 withheld: gone.")
    office.book(later, bsync_outlookreturn=f"{day} moved: not overruled")
    office.book(later)
    listed = await back.changes(10, TODAY - 24 * HOUR)
    found = {each.booking_id: each for each in listed.changes}
    assert set(found) == {proposed, withheld, overruled}
    assert not listed.more
    assert found[proposed].proposal is ProposalKind.MOVE
    assert found[proposed].proposed == WISHED
    assert found[proposed].answered
    assert (found[withheld].mailbox, found[withheld].kind) == (ANNA, "withheld")
    assert found[overruled].resource_name == "Anna"
    assert (await back.changes(2, TODAY)).more
    tomorrow = await back.changes(10, TODAY + 24 * HOUR)
    assert {each.booking_id for each in tomorrow.changes} == {proposed, withheld}
