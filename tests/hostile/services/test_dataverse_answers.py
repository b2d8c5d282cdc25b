"""Dataverse's answers under fire: whatever a list, a row or a part says, two kinds of error and no others."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from dataclasses import astuple, dataclass, fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import partial
from random import Random
from typing import Any

import pytest

from booking_sync.dataverse.customizations.environment import DataverseCustomizations
from booking_sync.dataverse.customizations.webhook_key import WebhookKey
from booking_sync.dataverse.reads.audit_reads import DataverseAuditReads
from booking_sync.dataverse.reads.detail_reads import DataverseDetailReads
from booking_sync.dataverse.reads.doctor_reads import (
    DataverseAppAccessReads,
    DataverseRegistrationReads,
    ExpectedIdentity,
)
from booking_sync.dataverse.reads.failures import DataverseFailures
from booking_sync.dataverse.reads.name_search import DataverseNameSearch
from booking_sync.dataverse.reads.related import DataverseRelatedBookings
from booking_sync.dataverse.resources import DataverseFormerRecords, DataverseResources
from booking_sync.dataverse.web_api import batch
from booking_sync.dataverse.web_api.client import DataverseClient
from booking_sync.dataverse.web_api.pause import Pause
from booking_sync.dataverse.web_api.reply import Reply
from booking_sync.dataverse.web_api.transport import Request, Timeouts, Transport
from booking_sync.domain.environment.columns import SupportColumns
from booking_sync.domain.environment.watched import RelatedTable
from booking_sync.domain.record import SyncRecord
from booking_sync.errors import SyncError
from booking_sync.ports.dataverse.bookings import BookingQuery, Recorded
from booking_sync.provisioning.converge import converge
from booking_sync.provisioning.plan import make_plan
from tests.dataverse.web_api.test_dataverse_batch import BOUNDARY, answer
from tests.dataverse.world import DataverseWorld, FixedClock, make_rows
from tests.hostile.fuzz.bodies import write
from tests.hostile.services import answers
from tests.provisioning.kit import DESIRED
from tests.support.bookings import ANNA, BERT, BOOKING_ID, booking, technician

OTHER_ID = "b00c0000-0000-4000-8000-000000000002"
THIRD_ID = "b00c0000-0000-4000-8000-000000000003"
NOWHERE = "11111111-2222-3333-4444-555555555555"
COLUMNS = SupportColumns()
RECORD = SyncRecord(error="as it was")
KEY = WebhookKey("k" * 40)
AGES = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC))


async def listed(pages: AsyncIterator[Any]) -> list[Any]:
    """All that a list gives."""
    return [page async for page in pages]


def _random_bytes(count: int) -> bytes:
    return bytes(count)


async def no_sleep(_seconds: float) -> None:
    """No time passes."""


CRAFTED: dict[str, Any] = {
    "privileges": {
        "RolePrivileges": [
            {"Depth": "Global", "PrivilegeName": "prvReadBookableResource", "PrivilegeId": NOWHERE},
            {"Depth": "Basic", "PrivilegeName": "prvWriteBookableResourceBooking", "PrivilegeId": OTHER_ID},
        ]
    },
    "foreign_marks": {
        "value": [
            {"_resource_value": OTHER_ID, "Resource": {"name": "Anna"}},
            {"_resource_value": THIRD_ID, "Resource": None},
        ]
    },
    "mailbox_of": {
        "value": [{"azureactivedirectoryobjectid": ANNA, "domainname": "anna@contoso.example"}],
    },
    "failed_jobs": {
        "value": [
            {"completedon": "2026-01-05T11:00:00Z", "friendlymessage": None, "message": "Timeout"},
            {"completedon": "2026-01-05T10:00:00Z", "friendlymessage": "Endpoint unavailable", "message": ""},
        ]
    },
    "details": {
        "bookableresourcebookingid": BOOKING_ID,
        "modifiedon": "2026-01-05T11:00:00Z",
        "_resource_value": OTHER_ID,
        "Resource": {"name": "Anna"},
        COLUMNS.event_id: "AAMk",
        COLUMNS.original_resource: ANNA,
        COLUMNS.sync_state: "1:a:b",
    },
}
"""Answers that the stand-in's small environment has nothing for."""


@dataclass
class Office:
    """An environment with three bookings, and what the operations need to know of it."""

    world: DataverseWorld
    etag: str
    """Of the first booking."""
    resource_id: str
    long_ago: datetime


Operation = Callable[[DataverseClient, Office], Coroutine[Any, Any, Any]]
OPERATIONS: dict[str, Operation] = {
    "read": lambda client, _: make_rows(client).read(BOOKING_ID),
    "record": lambda client, office: make_rows(client).record(BOOKING_ID, office.etag, RECORD),
    "list_bookings": lambda client, office: listed(
        make_rows(client).list_bookings(BookingQuery(starts_from=office.long_ago))
    ),
    "who_am_i": lambda client, _: client.who_am_i(),
    "resources": lambda client, _: DataverseAuditReads(client, COLUMNS).resources(),
    "whose": lambda client, _: listed(DataverseAuditReads(client, COLUMNS).whose(*AGES)),
    "presence": lambda client, _: DataverseAuditReads(client, COLUMNS).presence(
        [BOOKING_ID, NOWHERE, OTHER_ID]
    ),
    "mailboxes": lambda client, _: DataverseResources(client).mailboxes(),
    "former": lambda client, office: listed(
        DataverseFormerRecords(client, "name", "name").list_former(office.long_ago)
    ),
    "related": lambda client, office: listed(
        DataverseRelatedBookings(client).bookings_of(
            RelatedTable.RESOURCE,
            office.resource_id,
            office.long_ago,
        )
    ),
    "failing": lambda client, _: DataverseFailures(client, COLUMNS.sync_error).failing(10),
    "search": lambda client, _: search(client).bookings("Boiler", 10),
    "technicians": lambda client, _: search(client).technicians("an", 10),
    "technician": lambda client, office: search(client).technician(office.resource_id),
    "details": lambda client, _: DataverseDetailReads(client, COLUMNS).details(BOOKING_ID),
    "identity": lambda client, _: access(client).identity(),
    "privileges": lambda client, _: access(client).privileges(NOWHERE),
    "read_one": lambda client, _: access(client).read_one("bookableresource"),
    "foreign_marks": lambda client, office: access(client).foreign_marks(office.long_ago),
    "mailbox_of": lambda client, _: access(client).mailbox_of("anna@contoso.example"),
    "table": lambda client, _: registration(client).table(),
    "registration": lambda client, _: registration(client).registration(DESIRED),
    "failed_jobs": lambda client, office: registration(client).failed_jobs([NOWHERE], office.long_ago),
    "customizations": lambda client, _: DataverseCustomizations(client, KEY, _random_bytes).read(DESIRED),
}


def search(client: DataverseClient) -> DataverseNameSearch:
    """What people search by names."""
    return DataverseNameSearch(client, DataverseResources(client), FixedClock())


def access(client: DataverseClient) -> DataverseAppAccessReads:
    """What the doctor asks of the app's own rights."""
    return DataverseAppAccessReads(client, COLUMNS, ExpectedIdentity("", ""))


def registration(client: DataverseClient) -> DataverseRegistrationReads:
    """What the doctor asks of the registration."""
    return DataverseRegistrationReads(client, astuple(COLUMNS), KEY, _random_bytes)


class Recorder:
    """Passes requests on and keeps the answers; fulfils `Wire`."""

    def __init__(self, pause: Pause) -> None:
        self._inner = Transport(2, Timeouts(), pause)
        self.replies: list[Reply] = []

    async def exchange(self, request: Request, token: str) -> Reply:
        """The answer."""
        reply = await self._inner.exchange(request, token)
        self.replies.append(reply)
        return reply

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


@dataclass
class Replay:
    """Answers requests from a tape, one answer of which may be spoiled; fulfils `Wire`."""

    tape: Sequence[Reply]
    spoil: Callable[[Reply], Reply] | None = None
    victim: int = 0
    asked: int = 0
    given: Reply | None = None

    async def exchange(self, _request: Request, _token: str) -> Reply:
        """The answer."""
        place = min(self.asked, len(self.tape) - 1)
        self.asked += 1
        reply = self.tape[place]
        if self.spoil and place == self.victim:
            self.given = reply = self.spoil(reply)
        return reply

    async def aclose(self) -> None:
        """Nothing is open."""


def client_on(world: DataverseWorld, wire: Replay) -> DataverseClient:
    """A client without memory of former answers."""
    return DataverseClient(world.url, world.credential, world.clock, workers=2, open_wire=lambda _pause: wire)


@dataclass
class Tape:
    """An operation's real answers, and what came of them."""

    replies: list[Reply]
    result: Any


@pytest.fixture
async def office(dataverse: DataverseWorld) -> Office:
    """Three bookings of two people."""
    for each, mailbox in ((BOOKING_ID, ANNA), (OTHER_ID, BERT), (THIRD_ID, ANNA)):
        dataverse.put(replace(booking(each), resource=technician(mailbox)))
    row = await dataverse.rows.read(BOOKING_ID)
    assert row is not None
    resource_id = next(iter(dataverse.standin.state.rows("bookableresources")))
    return Office(dataverse, row.etag, resource_id, dataverse.clock() - timedelta(days=900))


@pytest.fixture
async def tapes(office: Office) -> dict[str, Tape]:
    """Each operation's real answers."""
    recorders: list[Recorder] = []

    def open_wire(pause: Pause) -> Recorder:
        recorders.append(Recorder(pause))
        return recorders[-1]

    world = office.world
    client = DataverseClient(world.url, world.credential, world.clock, open_wire=open_wire)
    customizations = DataverseCustomizations(client, KEY, _random_bytes)
    decide = partial(make_plan, desired=DESIRED)
    made = await converge(customizations, DESIRED, decide, dry_run=False, sleep=no_sleep, tell=lambda _: None)
    assert made.complete
    found: dict[str, Tape] = {}
    for name, operation in OPERATIONS.items():
        recorders[0].replies.clear()
        result = await told(operation(client, office))
        found[name] = Tape(list(recorders[0].replies), result)
    recorders[0].replies.clear()
    together = make_rows(client)
    result = await asyncio.gather(*(together.read(each) for each in (BOOKING_ID, OTHER_ID, THIRD_ID)))
    for name, body in CRAFTED.items():
        headers = {"content-type": "application/json; odata.metadata=minimal"}
        found[name] = Tape([Reply(200, headers, json.dumps(body).encode())], None)
    found["three rows"] = Tape(list(recorders[0].replies), result)
    await client.aclose()
    return found


async def told(call: Coroutine[Any, Any, Any]) -> Any:
    """What a call gives, or the error of ours that it raises; any other error is the test's failure."""
    try:
        return await call
    except SyncError as error:
        return error


def spoiled(reply: Reply, random: Random) -> Reply:
    """A reply with its body, status or headers changed, or a part of a batch's."""
    status, headers, body = reply.status, dict(reply.headers), reply.body
    if "multipart" in headers.get("content-type", "") and random.random() < 0.9:
        parts = [part for part in batch.parse(headers["content-type"], body) if part]
        place = random.randrange(len(parts))
        parts[place] = spoiled(parts[place], random)
        if random.random() < 0.1:
            random.shuffle(parts)
        if random.random() < 0.1:
            del parts[random.randrange(len(parts))]
        return Reply(status, {"content-type": batch.content_type(BOUNDARY)}, answer(parts))
    if random.random() < 0.85:
        try:
            body = answers.text(answers.mutated(json.loads(body), random), random)
        except ValueError:  # a deletion's empty body, a whole batch
            body = answers.text(answers.junk(random), random)
    if random.random() < 0.15:
        status = random.choice([each for each in answers.STATUSES if 200 <= each <= 599])
    if random.random() < 0.15:
        headers = answers.headers(headers, random)
    return Reply(status, headers, body)


def check_types(value: Any, kind: str = "") -> None:
    """No value of a wrong type gets behind the adapter."""
    if is_dataclass(value):
        for each in fields(value):
            check_types(getattr(value, each.name), str(each.type))
    elif isinstance(value, Mapping):
        for key, each in value.items():
            assert isinstance(key, str | tuple)
            check_types(each)
    elif isinstance(value, list | tuple | frozenset):
        for each in value:
            check_types(each)
    else:
        assert isinstance(value, str | int | float | datetime | Enum | None), repr(value)
        if kind in ("str", "int", "bool", "str | None", "int | None"):
            expected = {"str": str, "int": int, "bool": bool}[kind.partition(" ")[0]]
            assert isinstance(value, expected) or (value is None and "None" in kind), (kind, value)
        if isinstance(value, float):
            assert math.isfinite(value)
        if isinstance(value, datetime):
            assert value.tzinfo is not None


@pytest.mark.timeout(0 if answers.is_soak() else 120)
async def test_no_answer_of_dataverses_breaks_an_adapter(office: Office, tapes: dict[str, Tape]) -> None:
    """Two kinds of error and typed results, whatever a list, an object or a part of a batch holds."""
    for number in answers.rounds():
        random = Random(f"all {number}")  # noqa: S311 - no secret
        name = random.choice(list(OPERATIONS))
        tape = tapes[name]
        wire = Replay(tape.replies, lambda reply, random=random: spoiled(reply, random))  # type: ignore[misc]
        wire.victim = random.randrange(len(tape.replies))
        try:
            result = await asyncio.wait_for(
                told(OPERATIONS[name](client_on(office.world, wire), office)), answers.patience()
            )
            if isinstance(result, SyncError):
                assert len(result.reason) < 400
            else:
                check_types(result)
        except Exception as error:
            raise AssertionError(f"{name} {number}: {type(error).__name__} by {wire.given}") from error


@pytest.mark.timeout(0 if answers.is_soak() else 120)
async def test_a_spoiled_row_harms_no_row_beside_it(office: Office, tapes: dict[str, Tape]) -> None:
    """Of three bookings that are read in one request, two come out as they are."""
    tape = tapes["three rows"]
    for number in answers.rounds(0.25):
        random = Random(f"row {number}")  # noqa: S311 - no secret

        def spoil(reply: Reply, random: Random = random) -> Reply:
            page = json.loads(reply.body)
            (place,) = [
                n for n, row in enumerate(page["value"]) if row["bookableresourcebookingid"] == BOOKING_ID
            ]
            changed = answers.mutated(page["value"][place], random)
            named = json.dumps(changed, default=repr)
            hurts = OTHER_ID in named or THIRD_ID in named  # then it says of itself that it is another
            page["value"][place] = changed if isinstance(changed, dict) and not hurts else {}
            return Reply(200, reply.headers, write(page).encode("utf-8", "surrogatepass"))

        wire = Replay(tape.replies, spoil)
        rows = make_rows(client_on(office.world, wire))
        try:
            first, *others = await asyncio.gather(
                told(rows.read(BOOKING_ID)), told(rows.read(OTHER_ID)), told(rows.read(THIRD_ID))
            )
            if not isinstance(first, SyncError):
                check_types(first)
            assert others == tape.result[1:]
        except Exception as error:
            raise AssertionError(f"{number}: {type(error).__name__} by {wire.given}") from error


@pytest.mark.timeout(0 if answers.is_soak() else 120)
async def test_a_spoiled_part_harms_no_part_beside_it(office: Office, tapes: dict[str, Tape]) -> None:
    """Of three records that are written in one batch, two are known to be written."""
    (real,) = tapes["record"].replies
    (part,) = batch.parse(real.headers["content-type"], real.body)
    assert part is not None
    done = {each: replace(part, headers={"odata-entityid": f"x({each})"}) for each in (OTHER_ID, THIRD_ID)}
    for number in answers.rounds(0.25):
        random = Random(f"part {number}")  # noqa: S311 - no secret

        def spoil(_reply: Reply, random: Random = random) -> Reply:
            bad = spoiled(part, random)
            while f"--{BOUNDARY}".encode() in bad.body:
                bad = spoiled(part, random)
            parts = [bad, done[OTHER_ID], done[THIRD_ID]]
            return Reply(200, {"content-type": batch.content_type(BOUNDARY)}, answer(parts))

        wire = Replay([real], spoil)
        rows = make_rows(client_on(office.world, wire))
        try:
            first, *others = await asyncio.gather(
                *(told(rows.record(each, 'W/"1"', RECORD)) for each in (BOOKING_ID, OTHER_ID, THIRD_ID))
            )
            assert isinstance(first, Recorded | SyncError)
            assert others == [Recorded.DONE, Recorded.DONE]
        except Exception as error:
            raise AssertionError(f"{number}: {type(error).__name__} by {wire.given}") from error
