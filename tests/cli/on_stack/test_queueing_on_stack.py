"""`backfill`, `resync` and `poison` on a stack without an app, so that what they queue stays there."""

from __future__ import annotations

import asyncio
import json
import signal
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from booking_sync.bulk.queueing import Checkpoint, Selection
from booking_sync.cli.checkpoint import CheckpointFile
from booking_sync.domain.environment.watched import RelatedTable
from booking_sync.domain.messages.change import BookingChange, RelatedChange, decode_message, encode_change
from booking_sync.wiring.basics import now
from local.day.world import WorldMaker, booking_row, mailbox, rows
from local.stack import LocalStack, StackOptions
from local.standin.faults import Fault
from tests.cli.commands import CommandLine, end
from tests.cli.storage import Storage

pytestmark = pytest.mark.asyncio(loop_scope="module")
BOOKINGS = "bookableresourcebookings"
COUNT = 60
FIRST = datetime(2027, 3, 1, 6, tzinfo=UTC)


class Place:
    """A stack without an app, with technicians whose bookings follow each other by the hour."""

    def __init__(self, stack: LocalStack, storage: Storage) -> None:
        self.stack = stack
        self.storage = storage
        self.cli = CommandLine(stack.options.folder / "settings.json", stack.options.folder)
        maker = WorldMaker(seed=11)
        self.world = maker.make(technicians=3, bookings=COUNT, day=FIRST.date())
        hours = [FIRST + timedelta(hours=number) for number in range(COUNT + 1)]
        self.bookings = [
            replace(each, start=start, end=end)
            for each, start, end in zip(self.world.bookings, hours, hours[1:], strict=False)
        ]

    @property
    def ids(self) -> list[str]:
        """Of all bookings, in the order of their starts."""
        return [each.id for each in self.bookings]

    async def furnish(self) -> None:
        """Put everybody and everything in."""
        for entity_set, body in rows(self.world):
            await self.stack.dataverse.create(entity_set, body, webhooks=False)
        await self.stack.dataverse.create_many(
            BOOKINGS, [booking_row(each) for each in self.bookings], webhooks=False
        )
        await self.stack.graph.add_mailboxes([mailbox(person) for person in self.world.people])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    """A furnished stack without an app."""
    options = StackOptions(tmp_path_factory.mktemp("queueing"), hosts=0)
    async with LocalStack(options) as stack, Storage(stack) as storage:
        made = Place(stack, storage)
        await made.furnish()
        yield made


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def tidy(place: Place) -> AsyncIterator[None]:
    """Leave empty queues, no faults and no checkpoint to the next test."""
    yield
    await place.stack.dataverse.clear_faults()
    await place.storage.empty()
    (place.stack.options.folder / "booking-sync-backfill.json").unlink(missing_ok=True)


def ids_of(texts: list[str]) -> list[str]:
    """The bookings that messages are about."""
    changes = [decode_message(text) for text in texts]
    return [each.booking_id for each in changes if isinstance(each, BookingChange)]


async def test_backfill_queues_every_booking_once_and_trusts_what_is_recorded(place: Place) -> None:
    """Hints like any first delivery, so that bookings in step cost Outlook nothing."""
    ended = await place.cli.run("backfill", "--from", "2027-03-01", "--rate", "500", "--json")
    assert ended.code == 0, ended.notes
    texts = await place.storage.take_changes()
    assert sorted(ids_of(texts)) == sorted(place.ids)
    assert not any(json.loads(text).get("uncertain") for text in texts)
    assert (ended.json()["seen"], ended.json()["queued"]) == (COUNT, COUNT)
    assert not (place.stack.options.folder / "booking-sync-backfill.json").exists()


async def test_backfill_keeps_to_what_was_selected(place: Place) -> None:
    """A time, a resource (or its name) and a work order together; --dry-run counts and queues nothing."""
    resource = place.bookings[0].resource_id
    work_order = place.bookings[0].work_order_id
    chosen = [
        each.id
        for each in place.bookings[:30]
        if each.resource_id == resource and each.work_order_id == work_order
    ]
    until = (FIRST + timedelta(hours=30)).isoformat()
    select = (
        "--from",
        "2027-03-01",
        "--until",
        until,
        "--resource",
        resource,
        "--work-order",
        str(work_order),
    )
    looked = await place.cli.run("backfill", *select, "--dry-run", "--json")
    assert looked.json()["toQueue"] == len(chosen) > 0
    (name,) = [each.name for each in place.world.technicians if each.id == resource]
    called = [name if each == resource else each for each in select]
    looked = await place.cli.run("backfill", *called, "--dry-run", "--json")
    assert looked.json()["toQueue"] == len(chosen)
    assert await place.storage.take_changes() == []
    await place.cli.run("backfill", *select, "--rate", "500")
    assert sorted(ids_of(await place.storage.take_changes())) == sorted(chosen)


async def test_backfill_takes_a_filter_as_the_web_api_has_it(place: Place) -> None:
    """Those that match; a column that there is not is named, and nothing is left behind."""
    chosen = place.bookings[3].id
    text = f"bookableresourcebookingid eq {chosen} or bookableresourcebookingid eq {uuid.uuid4()}"
    await place.cli.run("backfill", "--from", "2027-03-01", "--filter", text, "--rate", "500")
    assert ids_of(await place.storage.take_changes()) == [chosen]
    wrong = await place.cli.run("backfill", "--filter", "no_such eq 1")
    assert (wrong.code, "no_such" in wrong.notes) == (2, True), wrong.notes
    assert not (place.stack.options.folder / "booking-sync-backfill.json").exists()


async def test_backfill_that_is_interrupted_is_resumed_without_doubles(place: Place) -> None:
    """Ctrl-C leaves a checkpoint; nothing is lost and nothing is queued twice; a new run is refused first."""
    process = await place.cli.start("backfill", "--from", "2027-03-01", "--rate", "10")
    async with asyncio.timeout(20):
        while await place.storage.depth() < 2:  # noqa: ASYNC110 - another process has no event
            await asyncio.sleep(0.05)
    process.send_signal(signal.SIGINT)
    broken = await end(process)
    assert broken.code == 130
    assert "--resume" in broken.notes
    assert "Traceback" not in broken.notes

    refused = await place.cli.run("backfill", "--from", "2027-03-01")
    assert (refused.code, "--resume" in refused.notes) == (2, True)
    resumed = await place.cli.run("backfill", "--resume", "--rate", "500", "--json")
    assert resumed.code == 0, resumed.notes
    found = ids_of(await place.storage.take_changes())
    assert set(found) == set(place.ids)
    assert len(found) <= COUNT + 20  # the handful that was being queued may come twice
    assert resumed.json()["seen"] == COUNT


async def test_a_look_at_what_is_left_counts_nothing_that_is_queued_already(place: Place) -> None:
    """With --resume --dry-run: how many are still to be queued, and how long that takes."""
    file = CheckpointFile(place.stack.options.folder / "booking-sync-backfill.json")
    begun = Checkpoint("backfill-1", Selection(FIRST), FIRST + timedelta(hours=40), seen=40, queued=40)
    file.save(begun)
    looked = await place.cli.run("backfill", "--resume", "--dry-run", "--rate", "2", "--json")
    told = looked.json()
    assert (told["seen"], told["total"], told["toQueue"], told["seconds"]) == (COUNT, COUNT, 20, 10)
    assert file.load() == begun


async def test_backfill_outlasts_a_page_that_fails_and_gives_up_with_a_way_on(place: Place) -> None:
    """A list that fails is read again; one that keeps failing ends with words, and a checkpoint."""
    await place.stack.dataverse.add_fault(Fault(r"bookableresourcebookings\?", "GET", status=503, times=2))
    ended = await place.cli.run("backfill", "--from", "2027-03-01", "--rate", "500", "--json")
    assert (ended.code, ended.json()["queued"]) == (0, COUNT), ended.notes
    await place.storage.empty()

    wait = {"Retry-After": "3600"}
    await place.stack.dataverse.add_fault(
        Fault(r"bookableresourcebookings\?", "GET", status=429, headers=wait)
    )
    given_up = await place.cli.run("backfill", "--from", "2027-03-01")
    assert given_up.code == 3
    assert "--resume" in given_up.notes
    assert "Traceback" not in given_up.notes


async def test_backfill_whose_queue_is_down_says_so(place: Place) -> None:
    """Exit code 3, and no traceback."""
    nowhere = "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=YQ==;QueueEndpoint=http://127.0.0.1:9/a"
    values = json.loads(place.cli.settings.read_text())
    values["Values"]["AzureWebJobsStorage"] = nowhere
    broken = place.stack.options.folder / "broken.json"
    broken.write_text(json.dumps(values))
    ended = await CommandLine(broken, place.stack.options.folder).run("poison", "list")
    assert ended.code == 3, ended.notes
    assert "Traceback" not in ended.notes
    assert "mistake" not in ended.notes


async def test_resync_of_bookings_distrusts_what_is_recorded(place: Place) -> None:
    """Uncertain hints for those that exist; one that does not is named, with exit code 1."""
    there, missing = place.ids[0], "00000000-0000-4000-8000-000000000009"
    looked = await place.cli.run("resync", there, "--dry-run", "--json")
    assert (looked.code, looked.json()["toQueue"]) == (0, 1)
    assert await place.storage.take_changes() == []
    ended = await place.cli.run("resync", there, there.upper(), missing, "--json")
    assert (ended.code, ended.json()["missing"]) == (1, [missing])
    (change,) = [decode_message(text) for text in await place.storage.take_changes()]
    assert isinstance(change, BookingChange)
    assert (change.booking_id, change.uncertain) == (there, True)


async def test_resync_of_all_mistrusts_every_booking_of_the_window(place: Place) -> None:
    """Uncertain hints that name the calendars to search; --dry-run says how many and how long."""
    looked = await place.cli.run("resync", "--all", "--from", "2027-03-01", "--dry-run", "--json")
    assert looked.code == 0, looked.notes
    assert (looked.json()["toQueue"], looked.json()["seconds"]) == (COUNT, COUNT // 20)
    assert await place.storage.take_changes() == []
    ended = await place.cli.run("resync", "--all", "--from", "2027-03-01", "--rate", "500", "--json")
    assert (ended.code, ended.json()["queued"]) == (0, COUNT), ended.notes
    assert f"{COUNT} bookings at 500 a second" in ended.notes
    changes = [decode_message(text) for text in await place.storage.take_changes()]
    hints = [each for each in changes if isinstance(each, BookingChange)]
    assert sorted(each.booking_id for each in hints) == sorted(place.ids)
    mailboxes = {each.id: each.mailbox for each in place.world.technicians}
    expected = {each.id: frozenset({mailboxes[each.resource_id]}) for each in place.bookings}
    assert {each.booking_id: each.suspects for each in hints if each.uncertain} == expected
    assert not (place.stack.options.folder / "booking-sync-resync.json").exists()


async def test_a_secret_of_one_s_own_needs_no_vault(place: Place) -> None:
    """With the secret and the key that seals given, neither the vault nor its settings are asked for."""
    settings = json.loads(place.cli.settings.read_text())
    values = {name: value for name, value in settings["Values"].items() if not name.startswith("KEY_VAULT")}
    file = place.stack.options.folder / "no-vault.json"
    file.write_text(json.dumps({"Values": values}))
    cli = CommandLine(file, place.stack.options.folder)
    arguments = ("resync", place.ids[0], "--dry-run", "--json")
    given = {
        "ENTRA_CLIENT_SECRET": place.stack.client_secret,
        "BOOKING_SYNC_SEAL_KEY": place.stack.seal_key,
    }
    with_both = await cli.run(*arguments, environ=given)
    assert (with_both.code, with_both.json()["toQueue"]) == (0, 1), with_both.notes
    for name in given:
        without = await cli.run(*arguments, environ={**given, name: ""})
        assert (without.code, "KEY_VAULT_URL" in without.notes) == (2, True), name
    unusable = await cli.run(*arguments, environ={**given, "BOOKING_SYNC_SEAL_KEY": "swordfish"})
    assert (unusable.code, "BOOKING_SYNC_SEAL_KEY must be Base64" in unusable.notes) == (2, True)
    assert "swordfish" not in unusable.notes


async def test_resync_of_a_mailbox_takes_its_resource_s_bookings(place: Place) -> None:
    """Recorded there or not."""
    anna = place.world.technicians[0]
    ended = await place.cli.run(
        "resync", "--mailbox", anna.mailbox, "--from", "2027-03-01", "--rate", "500", "--json"
    )
    assert ended.code == 0, ended.notes
    expected = [each.id for each in place.bookings if each.resource_id == anna.id]
    assert sorted(ids_of(await place.storage.take_changes())) == sorted(expected)


async def test_poison_shows_replays_and_drops(place: Place) -> None:
    """Ours with a reason, the host's without one, and what is no message of ours."""
    booking = BookingChange(place.ids[0], "cause", now(), attempt=7)
    await place.storage.poison(
        json.dumps(
            {"reason": "No mailbox.", "deadLetteredAt": "2027-03-01", "message": encode_change(booking)}
        ),
        encode_change(BookingChange(place.ids[1], "cause", now())),
        "what is this",
    )
    listed = await place.cli.run("poison", "list", "--json")
    letters = listed.json()["messages"]
    assert listed.code == 1
    assert {each["booking"] for each in letters} == {place.ids[0], place.ids[1], ""}
    ours = next(each for each in letters if each["booking"] == place.ids[0])
    host = next(each for each in letters if each["booking"] == place.ids[1])
    odd = next(each for each in letters if not each["booking"])
    assert (ours["reason"], odd["replayable"]) == ("No mailbox.", False)
    assert "host" in host["reason"]
    came, expires = (datetime.fromisoformat(host[name]) for name in ("came", "expires"))
    assert expires - came == timedelta(days=7)
    # Wide enough for a moment in one line, wherever this runs.
    table = (await place.cli.run("poison", "list", environ={"COLUMNS": "200"})).output
    assert "expires" in table
    assert f"{expires:%Y-%m-%d %H:%M} UTC" in table

    shown = await place.cli.run("poison", "show", ours["id"], "--json")
    assert shown.json()["message"]["attempt"] == 7
    assert (await place.cli.run("poison", "show", odd["id"], "--json")).json()["message"] == "what is this"
    unknown = await place.cli.run("poison", "show", "no-such-message")
    assert (unknown.code, "no message no-such-message" in unknown.notes) == (1, True)
    looked = await place.cli.run("poison", "replay", "--all", "--dry-run")
    assert looked.code == 0
    assert await place.storage.take_changes() == []

    one = await place.cli.run("poison", "replay", ours["id"], "--json")
    assert (one.code, one.json()["replayed"]) == (0, 1), one.notes
    (change,) = [decode_message(text) for text in await place.storage.take_changes()]
    assert isinstance(change, BookingChange)
    assert (change.booking_id, change.attempt, change.uncertain) == (place.ids[0], 0, True)
    rest = await place.cli.run("poison", "replay", "--all", "--json")
    assert (rest.code, rest.json()["replayed"], rest.json()["unreadable"]) == (1, 1, 1)

    refused = await place.cli.run("poison", "drop", odd["id"])
    assert (refused.code, "--yes" in refused.notes) == (2, True)
    dropped = await place.cli.run("poison", "drop", odd["id"], ours["id"], "--yes", "--json")
    assert (dropped.code, dropped.json()["dropped"]) == (1, 1)
    assert ours["id"] in dropped.notes
    assert (await place.cli.run("poison", "list")).code == 0


async def test_poison_goes_through_more_messages_than_a_page_holds(place: Place) -> None:
    """Forty of them, one about another table's row; all are dropped."""
    related = RelatedChange(RelatedTable.WORK_ORDER, place.ids[0], "cause", now())
    await place.storage.poison(*(encode_change(BookingChange(each, "c", now())) for each in place.ids[:39]))
    await place.storage.poison_related(related)
    listed = (await place.cli.run("poison", "list", "--json")).json()["messages"]
    assert len(listed) == 40
    assert sum("msdyn_workorder" in each["about"] for each in listed) == 1
    dropped = await place.cli.run("poison", "drop", "--all", "--yes", "--json")
    assert (dropped.code, dropped.json()["dropped"]) == (0, 40)
