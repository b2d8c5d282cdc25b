"""Events that people have made their own: with attendees, notes, categories, or in Deleted Items."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from booking_sync.domain.events.event import MAX_OWN_CATEGORIES, SHARED
from booking_sync.domain.events.event_ref import EventClaim
from booking_sync.domain.events.event_text.renderer import EventRenderer, EventStyle
from booking_sync.domain.events.ownership import transaction_id
from booking_sync.domain.events.zones import UTC_NAME, event_zone
from booking_sync.domain.outcome import OutcomeKind
from booking_sync.domain.plan import DesiredState, desired_state
from booking_sync.domain.record import (
    ATTENDED_REASON,
    MAILED_REASON,
    SyncRecord,
    format_state,
    left_behind,
)
from booking_sync.errors import PermanentError, TransientError
from booking_sync.sync.booking.synchronizer import Synchronizer
from booking_sync.sync.booking.task import SyncTask
from booking_sync.sync.booking.zone_differences import ZoneDifferences
from tests.support.bookings import (
    ANNA,
    BERT,
    BOOKING_ID,
    CANCELED,
    ORGANIZATION_ID,
    TRAVELING,
    booking,
    technician,
)
from tests.support.fakes import events_clock
from tests.support.seals import prover, sealer
from tests.sync.booking.test_synchronizer import TASK, UNTRUSTED, World

if TYPE_CHECKING:
    from collections.abc import Callable

    from booking_sync.domain.bookings.booking import Booking
    from booking_sync.domain.events.event_ref import EventRef
    from booking_sync.domain.events.zones import EventZone
    from tests.support.fakes import StoredEvent

RENAMED = replace(booking(), name="Boiler repair")
MOVED = replace(booking(), start=datetime(2026, 3, 2, 7, 0, tzinfo=UTC))
AUDITED = SyncTask(BOOKING_ID, trusted=False, suspects=frozenset({ANNA}))
NOTE = "<p>Key is at the neighbour's</p>"


@pytest.fixture
def world() -> World:
    """An empty world."""
    return World()


def only(world: World) -> StoredEvent:
    """The one event that there is."""
    (event,) = world.calendar.events.values()
    return event


def people_add(world: World, **changes: object) -> EventRef:
    """A technician changes the event in Outlook."""
    event = only(world)
    world.calendar.events[event.ref] = replace(event, **changes)  # type: ignore[arg-type]
    return event.ref


def in_zone(zone: EventZone) -> Callable[[Booking], DesiredState]:
    """The real rules, with events written in this zone."""
    renderer = EventRenderer(EventStyle(zone, "https://contoso.crm4.dynamics.com"))
    return lambda subject: desired_state(subject, renderer.render, require_work_order=True)


def misread_times(world: World) -> None:
    """Exchange reads the zone that events are written in otherwise than we do."""
    zone = event_zone("Europe/Berlin")
    world.calendar.reads = lambda time: zone.instant(time) + timedelta(hours=time.time_zone != UTC_NAME)
    world.synchronizer = Synchronizer(
        world.rows,
        world.calendar,
        in_zone(zone),
        prover(world.calendar, ORGANIZATION_ID),
        events_clock,
        zones=ZoneDifferences(zone, events_clock),
    )


async def told(world: World) -> None:
    """A booking whose event has attendees, which an audit's hint has shown."""
    await world.synced(booking())
    people_add(world, attended=True)
    outcome = await world.synchronizer.sync(AUDITED)
    assert (outcome.kind, outcome.detail) == (OutcomeKind.FAILED, ATTENDED_REASON)
    assert (world.record.error, world.record.fingerprint) == (ATTENDED_REASON, "")
    world.calendar.calls.clear()


@pytest.mark.parametrize(
    "subject",
    [RENAMED, replace(booking(), status=CANCELED), replace(booking(), resource=technician(BERT)), None],
    ids=["renamed", "canceled", "reassigned", "deleted"],
)
@pytest.mark.parametrize("task", [TASK, UNTRUSTED], ids=["trusted", "untrusted"])
async def test_an_event_with_attendees_is_left_alone(
    world: World, subject: Booking | None, task: SyncTask
) -> None:
    """Once the row tells of attendees nothing is written to the event or removed, and it is said in words."""
    await told(world)
    event = only(world)
    record = world.record
    if subject:
        world.rows.put(subject)
    else:
        del world.rows.rows[BOOKING_ID]
        state = format_state(BOOKING_ID, record, sealer(ORGANIZATION_ID))
        task = replace(task, deleted=frozenset({EventClaim(event.ref, state)}))
    outcome = await world.synchronizer.sync(task)
    assert outcome.kind is OutcomeKind.FAILED
    assert ATTENDED_REASON in outcome.detail
    assert world.calendar.events[event.ref] == event
    assert world.calendar.mails == []
    if subject:
        assert ATTENDED_REASON in world.record.error


async def test_what_a_run_hears_counts_for_more_than_what_the_deleted_row_said(world: World) -> None:
    """A search heard of people at the event; then the row goes, and the state that it had knew of none."""
    await world.synced(booking())
    event, row = only(world).ref, world.rows.rows[BOOKING_ID]
    state = format_state(BOOKING_ID, row.record, sealer(ORGANIZATION_ID))
    people_add(world, attended=True)
    world.rows.rows[BOOKING_ID] = replace(row, record=SyncRecord(), claim=event, intact=False)

    async def delete_before_it_is_recorded(operation: str) -> None:
        if operation == "rows.record":
            world.rows.rows.pop(BOOKING_ID, None)

    world.rows.hook = delete_before_it_is_recorded
    outcome = await world.synchronizer.sync(replace(TASK, deleted=frozenset({EventClaim(event, state)})))
    assert (outcome.kind, ATTENDED_REASON in outcome.detail) == (OutcomeKind.FAILED, True)
    assert (only(world).ref, world.calendar.mails) == (event, [])


async def test_one_update_may_come_too_soon_and_says_so(world: World) -> None:
    """An ordinary update costs no look; its answer tells of attendees, and then nothing more is written."""
    await world.synced(booking())
    people_add(world, attended=True)
    world.rows.put(RENAMED)
    outcome = await world.synchronizer.sync(TASK)
    assert (outcome.kind, outcome.detail) == (OutcomeKind.FAILED, MAILED_REASON)
    assert world.calendar.calls == ["update"]
    assert (world.record.error, world.record.fingerprint) == (MAILED_REASON, "")
    world.rows.put(MOVED)
    await world.synchronizer.sync(TASK)
    assert world.calendar.mails == ["update"]


async def test_without_attendees_the_event_is_written_again(world: World) -> None:
    """Once the technician has removed the people, the next hint writes the event and clears the error."""
    await told(world)
    people_add(world, attended=False)
    world.rows.put(RENAMED)
    outcome = await world.synchronizer.sync(TASK)
    assert outcome.kind is OutcomeKind.SYNCED
    assert only(world).content.subject.endswith("Boiler repair")
    assert world.record.error == ""


async def test_an_event_with_attendees_that_its_technician_deleted_is_made_anew(world: World) -> None:
    """It shows nowhere: the next generation takes its place, and nothing is done to it in Deleted Items."""
    await told(world)
    old = only(world).ref
    world.calendar.user_deletes(old)
    world.calendar.deleted_items[old] = replace(
        world.calendar.deleted_items[old], created=datetime(2020, 1, 1, tzinfo=UTC)
    )
    world.rows.put(RENAMED)
    outcome = await world.synchronizer.sync(TASK)
    assert outcome.kind is OutcomeKind.SYNCED
    assert only(world).ref != old
    assert set(world.calendar.deleted_items) == {old}
    assert "delete" not in world.calendar.calls


async def test_a_left_behind_event_with_attendees_does_not_stop_the_booking(world: World) -> None:
    """An orphan to which people are invited stays and is told; the booking's own event is written."""
    await told(world)
    world.rows.put(replace(booking(), resource=technician(BERT)))
    await world.synchronizer.sync(TASK)
    outcome = await world.synchronizer.sync(AUDITED)
    assert outcome.kind is OutcomeKind.FAILED
    assert world.record.error == left_behind([ANNA], ATTENDED_REASON)
    assert world.record.left_in == {ANNA}
    assert world.record.event is not None
    assert world.record.event.mailbox == BERT
    assert world.calendar.mails == []


async def test_what_the_row_tells_of_a_left_behind_event_is_not_written_again(world: World) -> None:
    """A canceled booking whose event stays for people's sake: a second look writes nothing, and says so."""
    await told(world)
    orphan = only(world)
    world.rows.put(replace(booking(), status=CANCELED))
    # The row lost its record, with which the event was left: nothing but a search finds it.
    world.rows.rows[BOOKING_ID] = replace(world.rows.rows[BOOKING_ID], record=SyncRecord(generation=1))
    assert (await world.synchronizer.sync(AUDITED)).kind is OutcomeKind.FAILED
    assert ATTENDED_REASON in world.record.error
    etag = world.rows.rows[BOOKING_ID].etag
    outcome = await world.synchronizer.sync(AUDITED)
    assert outcome.kind is OutcomeKind.FAILED
    assert ATTENDED_REASON in outcome.detail
    assert world.rows.rows[BOOKING_ID].etag == etag
    assert world.calendar.events == {orphan.ref: orphan}


@pytest.mark.parametrize("task", [TASK, UNTRUSTED, AUDITED], ids=["trusted", "untrusted", "audited"])
@pytest.mark.parametrize("ends", ["ignored", "refused"])
async def test_an_event_that_stays_a_series_is_made_anew(world: World, ends: str, task: SyncTask) -> None:
    """Where no update makes one event of a series, the next generation takes its place."""
    await world.synced(booking())
    old = people_add(world, reshaped=True)
    world.calendar.shape_ends = ends  # type: ignore[assignment]
    world.rows.put(RENAMED)
    outcome = await world.synchronizer.sync(task)
    assert outcome.kind is OutcomeKind.SYNCED
    event = only(world)
    assert (event.ref != old, event.reshaped, event.tagged) == (True, False, True)
    assert (world.record.event, world.record.generation, world.record.error) == (event.ref, 2, "")
    assert (await world.synchronizer.sync(TASK)).kind is OutcomeKind.UNCHANGED


@pytest.mark.parametrize("ends", ["ignored", "refused"])
async def test_what_takes_a_series_place_uses_no_generation_that_went_beside_it(
    world: World, ends: str
) -> None:
    """Another try's event of the next generation was removed: Graph may remember its transactionId."""
    await world.synced(booking())
    series = only(world)
    people_add(world, reshaped=True)
    row = world.rows.rows[BOOKING_ID]
    world.rows.rows[BOOKING_ID] = replace(row, booking=RENAMED, record=SyncRecord())  # no try recorded
    seals = sealer(ORGANIZATION_ID)
    mark = seals.marker(BOOKING_ID)
    second, third = (transaction_id(mark, ANNA, generation) for generation in (2, 3))
    birth = seals.birth(BOOKING_ID, ANNA, 2)
    await world.calendar.create(ANNA, series.content, marker=mark, transaction_id=second, birth=birth)
    world.calendar.shape_ends = ends  # type: ignore[assignment]
    world.calendar.calls.clear()
    assert (await world.synchronizer.sync(TASK)).kind is OutcomeKind.SYNCED
    assert (only(world).transaction_id, world.record.generation) == (third, 3)
    assert world.calendar.calls.count("create") == 2  # the first one is answered with the series


@pytest.mark.parametrize("ends", ["ignored", "refused"])
async def test_a_copy_of_a_series_that_is_made_anew_does_not_take_its_place(world: World, ends: str) -> None:
    """Only the event, which has no tag yet, told the technician's copy from it, and we remove the event."""
    await world.synced(booking())
    old = people_add(world, reshaped=True, tag="")
    copy = world.calendar.user_copies(only(world))
    world.calendar.events[copy.ref] = theirs = replace(copy, attended=True)
    world.calendar.shape_ends = ends  # type: ignore[assignment]
    world.rows.put(RENAMED)
    assert (await world.synchronizer.sync(TASK)).kind is OutcomeKind.SYNCED
    assert world.record.event is not None
    assert world.record.event not in (old, copy.ref)
    assert world.calendar.events.keys() == {world.record.event, copy.ref}
    assert world.calendar.events[copy.ref] == theirs


@pytest.mark.parametrize("ends", ["ignored", "refused"])
async def test_a_series_with_people_is_not_removed(world: World, ends: str) -> None:
    """Whoever is invited would be told of the removal: the event stays, and the row says so."""
    await told(world)
    ref = people_add(world, reshaped=True)
    world.calendar.shape_ends = ends  # type: ignore[assignment]
    world.rows.put(RENAMED)
    assert (await world.synchronizer.sync(TASK)).kind is OutcomeKind.FAILED
    assert (only(world).ref, world.record.error, world.calendar.mails) == (ref, ATTENDED_REASON, [])


async def test_a_series_with_people_whose_update_is_refused_is_not_removed(world: World) -> None:
    """The look after a refusal tells of people who were invited since: the event stays, nobody gets mail."""
    await world.synced(booking())
    ref = people_add(world, reshaped=True, attended=True)
    world.calendar.shape_ends = "refused"
    world.rows.put(RENAMED)
    outcome = await world.synchronizer.sync(TASK)
    assert (outcome.kind, outcome.detail) == (OutcomeKind.FAILED, ATTENDED_REASON)
    assert (only(world).ref, world.record.error, world.calendar.mails) == (ref, ATTENDED_REASON, [])


async def test_another_refusal_removes_nothing(world: World) -> None:
    """An event of the usual shape whose update is refused stays, and the row tells the refusal."""
    await world.synced(booking())
    ref = only(world).ref
    world.calendar.faults.before["update"] = [PermanentError("Outlook: no.")]
    world.rows.put(RENAMED)
    outcome = await world.synchronizer.sync(TASK)
    assert (outcome.kind, outcome.detail) == (OutcomeKind.FAILED, "Outlook: no.")
    assert (only(world).ref, world.record.event, world.record.error) == (ref, ref, "Outlook: no.")
    assert world.calendar.calls == ["update", "look"]


async def test_an_event_that_goes_while_its_update_is_refused_is_made_anew(world: World) -> None:
    """Somebody removes it for good between the refusal and the look."""
    await world.synced(booking())
    old = people_add(world, reshaped=True)
    world.calendar.shape_ends = "refused"
    world.rows.put(RENAMED)

    async def somebody(point: str) -> None:
        if point == "calendar.look":
            del world.calendar.events[old]
            world.calendar.hook = still

    async def still(_point: str) -> None:
        """Nothing more happens."""

    world.calendar.hook = somebody
    assert (await world.synchronizer.sync(TASK)).kind is OutcomeKind.SYNCED
    assert (only(world).ref != old, world.record.event) == (True, only(world).ref)


async def test_a_refusal_that_may_pass_costs_no_look(world: World) -> None:
    """A mailbox that refuses the app says nothing of the event."""
    await world.synced(booking())
    world.calendar.calls.clear()
    world.calendar.refused[ANNA] = "no access"
    world.calendar.patience = timedelta(hours=4)
    world.rows.put(RENAMED)
    assert (await world.synchronizer.sync(TASK)).kind is OutcomeKind.FAILED
    assert world.calendar.calls == ["update"]


async def test_a_series_that_ends_is_the_same_event(world: World) -> None:
    """Where an update makes one event of a series, it stays with what people added."""
    await world.synced(booking())
    ref = people_add(world, reshaped=True, own_categories=("Family",))
    world.rows.put(RENAMED)
    assert (await world.synchronizer.sync(TASK)).kind is OutcomeKind.SYNCED
    assert (only(world).ref, only(world).own_categories) == (ref, ("Family",))


@pytest.mark.parametrize("tells", ["calendar", "cancelled"])
async def test_an_answer_from_deleted_items_is_no_success(world: World, tells: str) -> None:
    """Where the answer tells, an ordinary change shows a deleted event again at once."""
    await world.synced(booking())
    old = only(world).ref
    world.calendar.user_deletes(old)
    world.calendar.tells_deleted = tells  # type: ignore[assignment]
    world.rows.put(RENAMED)
    outcome = await world.synchronizer.sync(TASK)
    assert outcome.kind is OutcomeKind.SYNCED
    assert only(world).ref != old
    assert world.record.event == only(world).ref
    assert world.record.generation == 2
    assert old not in world.calendar.deleted_items
    world.calendar.calls.clear()
    assert (await world.synchronizer.sync(AUDITED)).kind is OutcomeKind.SYNCED
    assert len(world.calendar.events) == 1


@pytest.mark.parametrize(("name", "uid"), [("A", "uid-0"), ("z", "uid-9")])
async def test_a_copy_in_the_list_settles_no_doubt(world: World, name: str, uid: str) -> None:
    """Whether its ids are smaller or larger: it is another event, and ours lies in Deleted Items."""
    await world.synced(booking())
    old = only(world)
    copy = replace(
        old, ref=replace(old.ref, event_id=name), uid=uid, created=old.created + timedelta(hours=1)
    )
    world.calendar.user_deletes(old.ref)
    world.calendar.events[copy.ref] = copy
    world.calendar.tells_deleted = "calendar"
    world.rows.put(RENAMED)
    assert (await world.synchronizer.sync(TASK)).kind is OutcomeKind.SYNCED
    assert world.calendar.events.pop(copy.ref) == copy
    assert world.record.event == only(world).ref != old.ref


async def test_an_event_that_is_listed_under_another_id_settles_the_doubt(world: World) -> None:
    """Its iCalUId says that it is the same one: it is shown, and not made anew."""
    await world.synced(booking())
    old = only(world)
    alias = replace(old, ref=replace(old.ref, event_id="another"), uid="".join(list(old.uid)))
    world.calendar.user_deletes(old.ref)  # as far as a list goes by ids
    world.calendar.events[alias.ref] = alias
    world.calendar.tells_deleted = "calendar"
    world.rows.put(RENAMED)
    assert (await world.synchronizer.sync(TASK)).kind is OutcomeKind.SYNCED
    assert not {"create", "delete"} & set(world.calendar.calls)
    assert world.record.event == old.ref


async def test_a_doubt_is_settled_by_a_search(world: World) -> None:
    """An event that a search lists is shown, whatever folder its answer names: it stays, for good."""
    await world.synced(booking())
    ref = only(world).ref
    world.calendar.main_calendar = "another name"
    world.rows.put(RENAMED)
    assert (await world.synchronizer.sync(TASK)).kind is OutcomeKind.SYNCED
    assert world.calendar.calls == ["update", "find"]
    world.calendar.calls.clear()
    world.rows.put(MOVED)
    assert (await world.synchronizer.sync(TASK)).kind is OutcomeKind.SYNCED
    assert (only(world).ref, world.calendar.calls) == (ref, ["update"])


async def test_notes_and_categories_stay_while_ours_do_not_change(world: World) -> None:
    """Another time or title leaves a technician's notes and categories; another status rewrites the body."""
    await world.synced(booking())
    content = only(world).content
    people_add(
        world, content=replace(content, body_html=content.body_html + NOTE), own_categories=("Family",)
    )
    world.rows.put(MOVED)
    await world.synchronizer.sync(TASK)
    event = only(world)
    assert event.content.body_html.endswith(NOTE)
    assert event.own_categories == ("Family",)
    assert world.calendar.calls == ["update"]
    assert world.record.fingerprint.endswith(SHARED)


async def test_another_status_keeps_categories_that_answers_told_of(world: World) -> None:
    """What an answer told of is read before our category changes, and written with it."""
    await test_notes_and_categories_stay_while_ours_do_not_change(world)
    world.calendar.calls.clear()
    world.rows.put(replace(MOVED, status=TRAVELING))
    await world.synchronizer.sync(TASK)
    event = only(world)
    assert world.calendar.calls == ["look", "update"]
    assert (event.content.categories, event.own_categories) == (("Field Service: Traveling",), ("Family",))
    assert (await world.synchronizer.sync(TASK)).kind is OutcomeKind.UNCHANGED


async def test_categories_without_end_are_not_written_back(world: World) -> None:
    """Of as many as a person can put there so many are kept that an update stays small: it shares a batch."""
    await world.synced(booking())
    many = ("x" * 300, *(f"category {number}" for number in range(10_000)))
    people_add(world, own_categories=many)
    await world.synchronizer.sync(AUDITED)
    assert only(world).own_categories == many[1 : MAX_OWN_CATEGORIES + 1]
    assert only(world).content.categories == ("Field Service: Scheduled",)


async def test_a_repair_keeps_categories(world: World) -> None:
    """What an audit's hint writes whole, it writes with the categories that are people's."""
    await world.synced(booking())
    people_add(world, own_categories=("Family",))
    await world.synchronizer.sync(AUDITED)
    assert only(world).own_categories == ("Family",)
    assert only(world).content.categories == ("Field Service: Scheduled",)


async def test_a_round_more_does_not_forget_the_people(world: World) -> None:
    """The row changes while the answer tells of people: the next round leaves the event alone."""
    await world.synced(booking())
    people_add(world, attended=True)
    world.rows.put(RENAMED)
    dispatched = [MOVED]

    async def dispatcher(point: str) -> None:
        if point == "rows.record" and dispatched:
            world.rows.put(dispatched.pop())

    world.rows.hook = dispatcher
    outcome = await world.synchronizer.sync(TASK)
    assert (outcome.kind, outcome.rounds) == (OutcomeKind.FAILED, 2)
    assert world.calendar.mails == ["update"]
    assert (world.record.error, world.record.fingerprint) == (ATTENDED_REASON, "")


async def test_an_event_that_is_a_meeting_when_it_is_met_again_is_left_alone(world: World) -> None:
    """The answer to a creation may be the one to an earlier try: whoever is invited since gets no mail."""
    world.rows.put(booking())
    world.rows.faults.before["record"] = [TransientError("busy")]
    world.calendar.faults.before["tag"] = [TransientError("busy")]
    assert (await world.synchronizer.sync(TASK)).kind is OutcomeKind.DEFERRED
    people_add(world, attended=True)
    world.calendar.calls.clear()
    outcome = await world.synchronizer.sync(TASK)
    assert (outcome.kind, outcome.detail) == (OutcomeKind.FAILED, ATTENDED_REASON)
    assert world.calendar.calls == ["create"]
    assert (world.record.event, world.record.error) == (only(world).ref, ATTENDED_REASON)


async def test_a_meeting_that_is_met_again_keeps_its_generation(world: World) -> None:
    """An event that can't be written is recorded as the one it is: else its next seal would prove nothing."""
    world.rows.put(booking())
    world.rows.faults.before["record"] = [TransientError("busy")]
    await world.synchronizer.sync(TASK)
    people_add(world, attended=True)
    outcome = await world.synchronizer.sync(replace(UNTRUSTED, suspects=frozenset()))
    assert (outcome.kind, outcome.detail) == (OutcomeKind.FAILED, ATTENDED_REASON)
    assert (world.record.event, world.record.generation) == (only(world).ref, 1)


async def test_whom_the_second_write_told_of_is_heard(world: World) -> None:
    """Times that Exchange reads otherwise are written twice: the second answer counts as the first does."""
    misread_times(world)
    world.rows.put(booking())

    async def somebody(point: str) -> None:
        if point == "calendar.update":
            people_add(world, attended=True)

    world.calendar.hook = somebody
    outcome = await world.synchronizer.sync(TASK)
    assert (outcome.kind, outcome.detail) == (OutcomeKind.FAILED, MAILED_REASON)
    assert world.calendar.calls == ["create", "update"]
    assert world.record.fingerprint == ""


@pytest.mark.parametrize("ends", ["ignored", "refused"])
async def test_a_series_that_the_second_write_meets_is_made_anew(world: World, ends: str) -> None:
    """Times that Exchange reads otherwise are written twice, and somebody makes a series in between."""
    misread_times(world)
    world.calendar.shape_ends = ends  # type: ignore[assignment]
    world.rows.put(booking())
    made: list[EventRef] = []

    async def somebody(point: str) -> None:
        if point == "calendar.update" and not made:
            made.append(people_add(world, reshaped=True))

    world.calendar.hook = somebody
    assert (await world.synchronizer.sync(TASK)).kind is OutcomeKind.SYNCED
    event = only(world)
    assert (made != [event.ref], event.reshaped, event.content.start.time_zone) == (True, False, UTC_NAME)
    assert (world.record.event, world.record.generation, world.record.error) == (event.ref, 2, "")


async def test_what_the_second_write_told_of_the_zone_is_known_though_its_event_is_made_anew(
    world: World,
) -> None:
    """The new event, and every later one, is written in UTC at once."""
    misread_times(world)
    world.calendar.shape_ends = "ignored"
    world.rows.put(booking())
    written: list[str] = []

    async def somebody(point: str) -> None:
        if point in {"calendar.create", "calendar.update"}:
            written.append(point)
        if written == ["calendar.create", "calendar.update"]:
            people_add(world, reshaped=True)

    world.calendar.hook = somebody
    assert (await world.synchronizer.sync(TASK)).kind is OutcomeKind.SYNCED
    assert written == ["calendar.create", "calendar.update", "calendar.create"]
    assert only(world).content.start.time_zone == UTC_NAME


async def test_who_is_uncertain_looks_whether_anybody_sees_the_event(world: World) -> None:
    """A row that came back names an event that its deletion put into Deleted Items: it is shown again."""
    await world.synced(booking())
    old = only(world).ref
    world.calendar.user_deletes(old)
    world.calendar.deleted_items[old] = replace(
        world.calendar.deleted_items[old], created=datetime(2020, 1, 1, tzinfo=UTC)
    )
    assert (await world.synchronizer.sync(UNTRUSTED)).kind is OutcomeKind.SYNCED
    assert only(world).ref != old
    assert (world.record.event, world.record.generation) == (only(world).ref, 2)
