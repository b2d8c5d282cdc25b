"""What the audit asks of Dataverse besides lists of bookings."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from booking_sync.dataverse.reads.audit_reads import DataverseAuditReads
from booking_sync.dataverse.reads.presence import BOOKINGS_PER_BATCH
from booking_sync.dataverse.resources import DataverseResources
from booking_sync.dataverse.web_api.client import DataverseClient
from booking_sync.domain.bookings.booking import BookableResource
from booking_sync.domain.bookings.participation import Participation, TakesPart
from booking_sync.domain.bookings.resource_type import ResourceType
from booking_sync.domain.environment.columns import ResourceColumns, SupportColumns
from booking_sync.errors import PermanentError, TransientError
from booking_sync.ports.dataverse.bookings import Presence
from local.standin.faults import Fault
from tests.support.bookings import ANNA, BERT, booking, technician

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.dataverse.world import DataverseWorld

VAN = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
CARLA = "c0000000-0000-4000-8000-00000000000c"
NOWHERE = "11111111-2222-3333-4444-555555555555"


@pytest.fixture
async def reads(dataverse: DataverseWorld) -> AsyncIterator[DataverseAuditReads]:
    """The adapter under test."""
    client = DataverseClient(dataverse.url, dataverse.credential, dataverse.clock)
    yield DataverseAuditReads(client, SupportColumns())
    await client.aclose()


async def test_every_resource_with_its_mailbox(dataverse: DataverseWorld, reads: DataverseAuditReads) -> None:
    """Enabled or not, with the mailbox of its user; equipment and people without an account have none."""
    people = (
        technician(ANNA),
        technician(ANNA.upper()),
        technician(BERT, disabled=True),
        technician(None),
        BookableResource(ResourceType.EQUIPMENT),
        BookableResource(ResourceType.USER),
    )
    for person in people:
        dataverse.put(replace(booking(str(uuid.uuid4())), resource=person))
    found = await reads.resources()
    assert sorted(found.values()) == sorted(["", "", "", ANNA, ANNA, BERT])


async def test_only_mailboxes_of_those_who_take_part_are_told(dataverse: DataverseWorld) -> None:
    """The audit does not ask for calendars that the app may not open, and looks where equipment shows."""
    van = BookableResource(ResourceType.EQUIPMENT, mailbox=VAN)
    people = (
        replace(technician(ANNA), takes_part=TakesPart.YES),
        technician(BERT),
        replace(technician(CARLA), takes_part=TakesPart.NO),
        replace(van, takes_part=TakesPart.YES),
        replace(van, mailbox="van7@contoso.com", takes_part=TakesPart.YES),
    )
    for person in people:
        dataverse.put(replace(booking(str(uuid.uuid4())), resource=person))
    client = DataverseClient(dataverse.url, dataverse.credential, dataverse.clock)
    columns = ResourceColumns("bsync_takespart", "bsync_mailbox")
    resources = DataverseResources(client, columns, Participation(everybody=False))
    found = await DataverseAuditReads(client, SupportColumns(), resources).resources()
    assert sorted(found.values()) == sorted(["", "", "", ANNA, VAN])
    assert sorted((await resources.mailboxes()).values()) == sorted([ANNA, VAN])
    assert len(await resources.everybody()) == len(people)
    await client.aclose()


async def test_one_resource_without_a_type_spoils_no_list(dataverse: DataverseWorld) -> None:
    """It is of no type that is known, so its user's calendar shows nothing; an import may leave one so."""
    dataverse.put(replace(booking(str(uuid.uuid4())), resource=technician(BERT)))
    dataverse.put(replace(booking(), resource=technician(ANNA)))
    state = dataverse.standin.state
    users = {row["azureactivedirectoryobjectid"]: each for each, row in state.rows("systemusers").items()}
    rows = state.rows("bookableresources").items()
    (annas,) = (each for each, row in rows if row["userid"] == users[ANNA])
    state.update("bookableresources", annas, {"resourcetype": None})
    resources = DataverseResources(dataverse.client)
    assert list((await resources.mailboxes()).values()) == [BERT]
    assert sorted((await resources.all()).values()) == sorted([ANNA, BERT])
    assert len(await resources.everybody()) == 2


@pytest.mark.parametrize("column", ["resourcetype", "_userid_value"])
async def test_a_resource_that_came_without_a_column_spoils_the_list(
    dataverse: DataverseWorld, column: str
) -> None:
    """What was asked for and not sent is no answer, and no empty column."""
    row = {"bookableresourceid": NOWHERE, "resourcetype": None, "_userid_value": None, "UserId": None}
    short = {name: value for name, value in row.items() if name != column}
    resources = DataverseResources(dataverse.client)
    for answer in (row, short):
        dataverse.standin.faults.add(Fault(path="bookableresources", status=200, body={"value": [answer]}))
    assert await resources.all() == {NOWHERE: ""}
    with pytest.raises(TransientError, match="incomplete"):
        await resources.all()


async def test_a_user_that_we_may_not_read_is_told_from_none(dataverse: DataverseWorld) -> None:
    """The mailbox is unknown then, and not missing: the audit asks for the bookings themselves."""
    state = dataverse.standin.state
    users = [state.create("systemusers", {"azureactivedirectoryobjectid": each}) for each in (ANNA, BERT)]
    annas, berts = (
        state.create(
            "bookableresources",
            {"name": "A", "resourcetype": 3, "UserId@odata.bind": f"/systemusers({user})"},
        )
        for user in users
    )
    nobodys = state.create("bookableresources", {"name": "A", "resourcetype": 3})
    state.config.change({"hidden_rows": users[:1]})
    resources = DataverseResources(dataverse.client)
    told = {each.resource.id: each.resource.user_problem for each in await resources.everybody()}
    assert "may not read it; an administrator must check its security role" in told.pop(annas)
    assert told == {berts: "", nobodys: ""}
    assert await resources.mailboxes() == {berts: BERT}
    found = await DataverseAuditReads(dataverse.client, SupportColumns(), resources).resources()
    assert found == {berts: BERT, nobodys: ""}


async def test_a_mailbox_on_the_row_counts_whoever_may_not_be_read(dataverse: DataverseWorld) -> None:
    """It is known without the user; that the user may not be read is told all the same."""
    dataverse.put(replace(booking(), resource=replace(technician(ANNA), mailbox=VAN)))
    users = dataverse.standin.state.rows("systemusers").items()
    hidden = [each for each, row in users if row["azureactivedirectoryobjectid"] == ANNA]
    dataverse.standin.state.config.change({"hidden_rows": hidden})
    resources = DataverseResources(dataverse.client, ResourceColumns("bsync_takespart", "bsync_mailbox"))
    assert list((await resources.all()).values()) == [VAN]
    assert [bool(each.resource.user_problem) for each in await resources.everybody()] == [True]


async def test_gone_is_told_from_hidden(dataverse: DataverseWorld, reads: DataverseAuditReads) -> None:
    """Asked by id, Dataverse refuses a row that we may not read, and misses only one that is not there."""
    seen, hidden = (booking(str(uuid.uuid4())) for _ in range(2))
    for each in (seen, hidden):
        dataverse.put(each)
    dataverse.standin.state.configure(hidden_bookings=[hidden.id])
    assert await reads.presence([NOWHERE, hidden.id, seen.id]) == {
        NOWHERE: Presence.GONE,
        hidden.id: Presence.HIDDEN,
        seen.id: Presence.EXISTS,
    }


async def test_many_are_asked_for_in_few_requests(
    dataverse: DataverseWorld, reads: DataverseAuditReads
) -> None:
    """A batch for every fifty."""
    ids = [str(uuid.uuid4()) for _ in range(2 * BOOKINGS_PER_BATCH + 1)]
    found = await reads.presence(ids)
    assert list(found) == ids
    assert set(found.values()) == {Presence.GONE}
    assert len(dataverse.requests) == 3


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (404, None, TransientError),
        (404, {"error": {"code": "0x80060888", "message": "Resource not found"}}, PermanentError),
        (503, None, TransientError),
        (429, None, TransientError),
        (400, None, TransientError),
        (400, {"error": {"code": "0x80060891", "message": "Bad request"}}, PermanentError),
    ],
)
async def test_nothing_else_counts_as_gone(
    dataverse: DataverseWorld, reads: DataverseAuditReads, status: int, body: object, error: type[Exception]
) -> None:
    """A gateway's 404, or any other failure, says nothing about the row."""
    dataverse.standin.faults.add(Fault(path=NOWHERE, status=status, body=body))
    with pytest.raises(error):
        await reads.presence([NOWHERE])


@pytest.mark.parametrize(("status", "seconds"), [(429, "30"), (503, "30"), (429, None), (503, None)])
async def test_nothing_more_is_asked_once_a_row_s_answer_wants_a_rest(
    dataverse: DataverseWorld, reads: DataverseAuditReads, status: int, seconds: str | None
) -> None:
    """A part of a batch that is throttled speaks for what follows, which waits as long as it says."""
    ids = [NOWHERE, *(str(uuid.uuid4()) for _ in range(BOOKINGS_PER_BATCH))]
    headers = {"Retry-After": seconds} if seconds else {}
    dataverse.standin.faults.add(Fault(path=NOWHERE, status=status, headers=headers))
    with pytest.raises(TransientError) as raised:
        await reads.presence(ids)
    assert raised.value.retry_after == (float(seconds) if seconds else None)
    assert len(dataverse.requests) == 1


@pytest.mark.parametrize("status", [429, 503])
async def test_what_is_known_beside_a_throttled_row_is_told(
    dataverse: DataverseWorld, reads: DataverseAuditReads, status: int
) -> None:
    """Nothing follows in this question; whatever is asked next heeds the pause."""
    gone = str(uuid.uuid4())
    dataverse.standin.faults.add(Fault(path=NOWHERE, status=status, headers={"Retry-After": "30"}))
    assert await reads.presence([NOWHERE, gone]) == {NOWHERE: Presence.UNKNOWN, gone: Presence.GONE}
    with pytest.raises(TransientError) as raised:
        await reads.resources()
    assert raised.value.retry_after == 30
    assert len(dataverse.requests) == 1


@pytest.mark.parametrize("status", [200, 503])
async def test_an_incomplete_answer_says_nothing(
    dataverse: DataverseWorld, reads: DataverseAuditReads, status: int
) -> None:
    """Neither people nor bookings are taken from half an answer."""
    dataverse.standin.faults.add(Fault(path="batch|bookableresources", status=status, times=2))
    with pytest.raises(TransientError):
        await reads.presence([NOWHERE])
    with pytest.raises(TransientError):
        await reads.resources()
