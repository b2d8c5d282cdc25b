"""`DataverseBookings` against the strict stand-in: batching, throttling, tokens, and all that goes wrong."""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import certifi
import pytest

from booking_sync.dataverse.bookings import DataverseBookings
from booking_sync.dataverse.web_api.client import API_PATH, DataverseClient, WhoAmI
from booking_sync.dataverse.web_api.transport import Timeouts
from booking_sync.domain.events.event_ref import EventRef
from booking_sync.domain.record import BookingRow, SyncRecord
from booking_sync.errors import PermanentError, SyncError, TransientError
from booking_sync.ports.dataverse.bookings import Recorded
from local.standin.faults import Fault
from tests.dataverse.world import (
    BOOKINGS,
    DataverseWorld,
    FixedClock,
    LocalCredential,
    dataverse_world,
    make_rows,
)
from tests.support.bookings import ANNA, BOOKING_ID, booking

if TYPE_CHECKING:
    from pathlib import Path

    from local.stack.certificates import Certificates

RECORD = SyncRecord(EventRef(ANNA, "AAMkAG="), 3, "f00d", "")
BATCH = r"\$batch"


def fill(dataverse: DataverseWorld, count: int) -> list[str]:
    """Create bookings without related rows; returns their ids."""
    return [
        dataverse.standin.state.create(BOOKINGS, {"name": f"Booking {number}"}) for number in range(count)
    ]


async def read_all(dataverse: DataverseWorld, ids: list[str]) -> list[BookingRow]:
    """Read many bookings at the same time; each must be there."""
    rows = await asyncio.gather(*(dataverse.rows.read(booking_id) for booking_id in ids))
    return [row for row in rows if row is not None]


async def record_all(dataverse: DataverseWorld, rows: list[BookingRow]) -> list[Recorded | BaseException]:
    """Record on many bookings at the same time; outcomes in order."""
    return await asyncio.gather(
        *(dataverse.rows.record(row.booking.id, row.etag, RECORD) for row in rows), return_exceptions=True
    )


async def failed_read(dataverse: DataverseWorld, booking_id: str = BOOKING_ID) -> SyncError:
    """The error that reading ends in."""
    with pytest.raises(SyncError) as caught:
        await dataverse.rows.read(booking_id)
    return caught.value


async def failed_record(rows: DataverseBookings, booking_id: str = BOOKING_ID) -> SyncError:
    """The error that recording ends in."""
    with pytest.raises(SyncError) as caught:
        await rows.record(booking_id, 'W/"1"', RECORD)
    return caught.value


@pytest.mark.parametrize(("count", "requests"), [(1, 1), (100, 1), (150, 2)])
async def test_reads_share_requests(dataverse: DataverseWorld, count: int, requests: int) -> None:
    """A hundred bookings are read by one request, more by as few as can be."""
    ids = fill(dataverse, count)
    rows = await read_all(dataverse, ids)
    assert [row.booking.id for row in rows] == ids
    assert len(dataverse.requests) == requests


async def test_booking_asked_for_often_is_asked_once(dataverse: DataverseWorld) -> None:
    """Callers who want the same booking at the same time share one id in one request."""
    (booking_id,) = fill(dataverse, 1)
    rows = await read_all(dataverse, [booking_id, booking_id.upper()] * 20)
    assert len(rows) == 40
    (request,) = dataverse.requests
    assert request.path.count(booking_id) == 1


@pytest.mark.parametrize(("count", "sizes"), [(1, [1]), (8, [8]), (20, [6, 7, 7])])
async def test_records_share_batches(dataverse: DataverseWorld, count: int, sizes: list[int]) -> None:
    """Records made at the same time go out in a few even batches, side by side."""
    rows = await read_all(dataverse, fill(dataverse, count))
    dataverse.requests.clear()
    assert await record_all(dataverse, rows) == [Recorded.DONE] * count
    assert sorted(len(request.items) for request in dataverse.requests) == sizes


async def test_row_that_can_not_be_read_does_not_spoil_its_neighbours(dataverse: DataverseWorld) -> None:
    """One row with a withheld relation fails alone; the others of its request arrive."""
    good, bad = fill(dataverse, 2)
    row = (await read_all(dataverse, [good]))[0]
    fault = {
        "value": [
            {"@odata.etag": row.etag, "bookableresourcebookingid": good, "statecode": 0},
            {
                "@odata.etag": row.etag,
                "bookableresourcebookingid": bad,
                "statecode": 0,
                "_resource_value": str(uuid.uuid4()),
                "Resource": None,
            },
        ]
    }
    dataverse.standin.faults.add(Fault(status=200, body=fault))
    answers = await asyncio.gather(
        dataverse.rows.read(good), dataverse.rows.read(bad), return_exceptions=True
    )
    assert not isinstance(answers[0], BaseException)
    assert isinstance(answers[1], PermanentError)


@pytest.mark.parametrize("booking_id", ["", "1", "x' or 1 eq 1", BOOKING_ID + "\r\n", "{" + BOOKING_ID + "}"])
async def test_what_is_no_booking_id_is_never_sent(dataverse: DataverseWorld, booking_id: str) -> None:
    """A spoilt message fails for good by itself, without a request that others share."""
    assert isinstance(await failed_read(dataverse, booking_id), PermanentError)
    assert isinstance(await failed_record(dataverse.rows, booking_id), PermanentError)
    assert dataverse.requests == []


@pytest.mark.parametrize("etag", ["", "*", "1", 'W/"1"\r\nX: y'])
async def test_record_without_a_version_is_never_sent(dataverse: DataverseWorld, etag: str) -> None:
    """Nothing but one version's etag is let through: `*` would overwrite a change nobody has seen."""
    with pytest.raises(PermanentError):
        await dataverse.rows.record(BOOKING_ID, etag, RECORD)
    assert dataverse.requests == []


async def test_every_record_is_conditional(dataverse: DataverseWorld) -> None:
    """A row deleted between read and record stays deleted, though a bare PATCH would re-create it."""
    dataverse.put(booking())
    (row,) = await read_all(dataverse, [BOOKING_ID])
    dataverse.remove(BOOKING_ID)
    assert await record_all(dataverse, [row]) == [Recorded.MISSING]
    assert [item["status"] for item in dataverse.requests[-1].items] == [404]
    assert not dataverse.exists(BOOKING_ID)


async def test_long_errors_fit_their_column(dataverse: DataverseWorld) -> None:
    """An error that is longer than its column is cut rather than refused."""
    dataverse.put(booking())
    (row,) = await read_all(dataverse, [BOOKING_ID])
    outcome = await dataverse.rows.record(BOOKING_ID, row.etag, replace(RECORD, error="ä" * 1200))
    assert outcome is Recorded.DONE
    (row,) = await read_all(dataverse, [BOOKING_ID])
    assert row.record == replace(RECORD, error=row.record.error)
    assert row.record.error.removesuffix("…").strip("ä") == ""


async def test_who_am_i(dataverse: DataverseWorld) -> None:
    """The user and the organisation behind our token are known by their GUIDs."""
    identity = dataverse.standin.state.identity
    assert await dataverse.client.who_am_i() == WhoAmI(identity.app_user_id, identity.organization_id)


async def test_token_is_for_the_environment(dataverse: DataverseWorld) -> None:
    """Tokens are asked for with the environment's own default scope."""
    await dataverse.client.who_am_i()
    assert dataverse.credential.scopes == {(f"{dataverse.url}/.default",)}


async def test_requests_carry_what_odata_wants(dataverse: DataverseWorld) -> None:
    """Each request says its OData version and an id of its own, by which support finds it."""
    await dataverse.client.who_am_i()
    await dataverse.client.who_am_i()
    first, second = (request.headers for request in dataverse.requests)
    assert first["odata-version"] == first["odata-maxversion"] == "4.0"
    assert first["accept"] == "application/json"
    assert first["x-ms-client-request-id"] != second["x-ms-client-request-id"]


async def test_affinity_cookie_is_dropped(dataverse: DataverseWorld) -> None:
    """No request returns the cookie that would tie us to one web server."""
    for _ in range(12):
        await dataverse.client.who_am_i()
    assert dataverse.standin.state.cookies_returned == 0


# Throttling


async def test_nothing_is_sent_during_a_throttle(dataverse: DataverseWorld) -> None:
    """After a 429 everything fails at once, unsent, with what remains of the pause; then it goes on."""
    dataverse.standin.faults.add(Fault(path=BOOKINGS, status=429, headers={"Retry-After": "30"}))
    first = await failed_read(dataverse)
    dataverse.clock.advance(10)
    second = await failed_read(dataverse)
    third = await failed_record(dataverse.rows)
    assert [getattr(error, "retry_after", None) for error in (first, second, third)] == [30, 20, 20]
    assert not getattr(third, "maybe_applied", None)
    assert len(dataverse.requests) == 1
    dataverse.clock.advance(20)
    assert await dataverse.rows.read(BOOKING_ID) is None


async def test_queued_requests_are_stopped_by_a_throttle(
    certificates: Certificates,
    trust: None,  # noqa: ARG001 - wanted for its effect
) -> None:
    """Requests that wait for a free thread when the 429 comes are not sent any more."""
    async with dataverse_world(certificates) as world:
        client = DataverseClient(world.url, world.credential, world.clock, workers=1)
        world.standin.faults.add(Fault(times=-1, status=429, headers={"Retry-After": "30"}))
        outcomes = await asyncio.gather(*(client.who_am_i() for _ in range(5)), return_exceptions=True)
        await client.aclose()
        assert [getattr(outcome, "retry_after", None) for outcome in outcomes] == [30] * 5
        assert len(world.requests) == 1


async def test_throttled_part_pauses_everything(dataverse: DataverseWorld) -> None:
    """A 429 inside a batch is the part's own failure, and a pause for all."""
    rows = await read_all(dataverse, fill(dataverse, 3))
    fault = Fault(path=rows[1].booking.id, method="PATCH", status=429, headers={"Retry-After": "7"})
    dataverse.standin.faults.add(fault)
    outcomes = await record_all(dataverse, rows)
    assert outcomes[0] is outcomes[2] is Recorded.DONE
    assert isinstance(outcomes[1], TransientError)
    assert (outcomes[1].retry_after, outcomes[1].maybe_applied) == (7, False)
    sent = len(dataverse.requests)
    await failed_read(dataverse)
    assert len(dataverse.requests) == sent


async def test_unavailable_without_a_time_pauses_nothing(dataverse: DataverseWorld) -> None:
    """A 503 that names no time is over with the request it met."""
    dataverse.standin.faults.add(Fault(status=503))
    assert isinstance(await failed_read(dataverse), TransientError)
    assert await dataverse.rows.read(BOOKING_ID) is None


# Tokens


async def test_refused_token_is_renewed_once(dataverse: DataverseWorld) -> None:
    """A 401 renews the credential, and the same request succeeds with the new token."""
    dataverse.credential.renewals_until_good = 1
    dataverse.put(booking())
    (row,) = await read_all(dataverse, [BOOKING_ID])
    assert row.booking == booking()
    assert dataverse.credential.renewals == 1
    assert [request.status for request in dataverse.requests] == [401, 200]


async def test_refused_batch_is_sent_again_with_a_new_token(dataverse: DataverseWorld) -> None:
    """A record survives a token that expired, and is written once."""
    dataverse.put(booking())
    (row,) = await read_all(dataverse, [BOOKING_ID])
    dataverse.requests.clear()
    dataverse.credential.renewals_until_good = dataverse.credential.renewals + 2
    dataverse.credential.renew()
    assert await record_all(dataverse, [row]) == [Recorded.DONE]
    assert [request.status for request in dataverse.requests] == [401, 200]


async def test_requests_refused_together_renew_together(dataverse: DataverseWorld) -> None:
    """Many requests with one bad token ask for one new secret, not for many."""
    dataverse.credential.renewals_until_good = 1
    await asyncio.gather(*(dataverse.client.who_am_i() for _ in range(8)))
    assert dataverse.credential.renewals == 1


async def test_token_refused_twice_is_transient(dataverse: DataverseWorld) -> None:
    """A renewed token that is refused as well ends the try, without a loop."""
    dataverse.credential.renewals_until_good = 99
    error = await failed_record(dataverse.rows)
    assert isinstance(error, TransientError)
    assert not error.maybe_applied
    assert [request.status for request in dataverse.requests] == [401, 401]


# Records that fail


async def test_part_fails_alone(dataverse: DataverseWorld) -> None:
    """A part that the server fails on is that record's failure; the parts after it are still written."""
    rows = await read_all(dataverse, fill(dataverse, 3))
    dataverse.standin.faults.add(Fault(path=rows[0].booking.id, method="PATCH", status=503))
    outcomes = await record_all(dataverse, rows)
    assert isinstance(outcomes[0], TransientError)
    assert outcomes[0].maybe_applied
    assert outcomes[1:] == [Recorded.DONE, Recorded.DONE]


@pytest.mark.parametrize("fault", [Fault(drop=True), Fault(status=500), Fault(status=200), Fault(status=504)])
async def test_batch_whose_answer_is_lost_may_have_been_applied(
    dataverse: DataverseWorld, fault: Fault
) -> None:
    """When the service commits and the answer is lost or broken, each record says so."""
    rows = await read_all(dataverse, fill(dataverse, 2))
    dataverse.standin.faults.add(replace(fault, path=BATCH, when="after"))
    for outcome in await record_all(dataverse, rows):
        assert isinstance(outcome, TransientError)
        assert outcome.maybe_applied
    assert [row.record for row in await read_all(dataverse, [row.booking.id for row in rows])] == [RECORD] * 2


async def test_duplicate_is_no_conflict(dataverse: DataverseWorld) -> None:
    """A 412 that speaks of duplicates would come again for ever, so it is permanent."""
    (row,) = await read_all(dataverse, fill(dataverse, 1))
    body = {"error": {"code": "0x80040333", "message": "A duplicate."}}
    dataverse.standin.faults.add(Fault(method="PATCH", status=412, body=body))
    (outcome,) = await record_all(dataverse, [row])
    assert isinstance(outcome, PermanentError)


async def test_404_of_something_else_is_not_missing(dataverse: DataverseWorld) -> None:
    """Only Dataverse's own word that the row is gone counts; MISSING would delete an event."""
    rows = await read_all(dataverse, fill(dataverse, 2))
    unknown = {"error": {"code": "0x80060888", "message": "Resource not found for the segment 'x'."}}
    dataverse.standin.faults.add(Fault(path=rows[0].booking.id, method="PATCH", status=404))
    dataverse.standin.faults.add(Fault(path=rows[1].booking.id, method="PATCH", status=404, body=unknown))
    first, second = await record_all(dataverse, rows)
    assert isinstance(first, TransientError)
    assert isinstance(second, PermanentError)


async def test_404_of_another_row_is_not_missing(dataverse: DataverseWorld) -> None:
    """The code speaks of any row that a write touches: a status it names, or what a plug-in looks for."""
    rows = await read_all(dataverse, fill(dataverse, 2))
    dataverse.standin.state.delete(BOOKINGS, rows[1].booking.id)
    words = "Entity 'bookingstatus' With Id = 5a5a5a5a-0000-4000-8000-000000000000 Does Not Exist"
    other = {"error": {"code": "0x80040217", "message": words}}
    dataverse.standin.faults.add(Fault(path=rows[0].booking.id, method="PATCH", status=404, body=other))
    first, second = await record_all(dataverse, rows)
    assert isinstance(first, PermanentError)
    assert "the booking is there" in first.reason
    assert second is Recorded.MISSING


@pytest.mark.parametrize("status", [429, 503, 500])
async def test_a_404_is_not_believed_while_dataverse_does_not_say_more(
    dataverse: DataverseWorld, status: int
) -> None:
    """MISSING would delete an event; the next try asks again."""
    (row,) = await read_all(dataverse, fill(dataverse, 1))
    dataverse.standin.state.delete(BOOKINGS, row.booking.id)
    dataverse.standin.faults.add(Fault(path=row.booking.id, method="GET", status=status))
    (first,) = await record_all(dataverse, [row])
    assert isinstance(first, TransientError)
    assert not first.maybe_applied
    assert await record_all(dataverse, [row]) == [Recorded.MISSING]


async def test_table_without_optimistic_concurrency_is_reported(dataverse: DataverseWorld) -> None:
    """When the table refuses etags, an admin is told; nothing is written unconditionally instead."""
    (row,) = await read_all(dataverse, fill(dataverse, 1))
    dataverse.standin.state.configure(without_optimistic_concurrency=["bookableresourcebooking"])
    (outcome,) = await record_all(dataverse, [row])
    assert isinstance(outcome, PermanentError)
    assert "optimistic concurrency" in outcome.reason


async def test_missing_columns_are_named(
    certificates: Certificates,
    trust: None,  # noqa: ARG001 - wanted for its effect
) -> None:
    """Before provisioning, reads wait and records fail, with the column's name and what to do."""
    async with dataverse_world(certificates, provisioned=False) as world:
        (booking_id,) = fill(world, 1)
        read_error = await failed_read(world, booking_id)
        etag = f'W/"{world.standin.state.rows(BOOKINGS)[booking_id]["versionnumber"]}"'
        with pytest.raises(PermanentError, match=r"'bsync_outlookeventid'.*provisioning") as caught:
            await world.rows.record(booking_id, etag, RECORD)
    assert isinstance(read_error, TransientError)
    assert read_error.until_mended
    assert read_error.reason == caught.value.reason


# Reads that fail: never "the row does not exist"


async def test_a_row_that_a_list_leaves_out_is_not_gone_for_that(dataverse: DataverseWorld) -> None:
    """The app's role may not show it any more: the list is complete, and silent about it."""
    seen, hidden = fill(dataverse, 2)
    dataverse.standin.state.configure(hidden_bookings=[hidden])
    assert isinstance(await failed_read(dataverse, hidden), PermanentError)
    assert "check its security role" in (await failed_read(dataverse, hidden)).reason
    assert await dataverse.rows.read(seen)


@pytest.mark.parametrize("status", [429, 503, 500])
async def test_a_row_is_gone_only_when_dataverse_says_so(dataverse: DataverseWorld, status: int) -> None:
    """Rows that were found are given all the same."""
    (seen,) = fill(dataverse, 1)
    dataverse.standin.faults.add(Fault(path=rf"\({BOOKING_ID}\)", method="GET", status=status))
    found, gone = await asyncio.gather(
        dataverse.rows.read(seen), dataverse.rows.read(BOOKING_ID), return_exceptions=True
    )
    assert isinstance(found, BookingRow)
    assert isinstance(gone, TransientError)


async def test_those_that_a_list_leaves_out_are_asked_for_in_one_request(dataverse: DataverseWorld) -> None:
    """However many they are; where none is left out, nothing more is asked."""
    ids = fill(dataverse, 2)
    await read_all(dataverse, ids)
    assert len(dataverse.requests) == 1
    gone = [str(uuid.uuid4()) for _ in range(3)]
    rows = await asyncio.gather(*(dataverse.rows.read(each) for each in (*ids, *gone)))
    assert [row is None for row in rows] == [False, False, True, True, True]
    assert len(dataverse.requests) == 3


def a_row(booking_id: str) -> dict[str, Any]:
    """The least a row consists of."""
    return {"@odata.etag": 'W/"1"', "bookableresourcebookingid": booking_id, "statecode": 0}


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"value": None},
        {"value": {}},
        {"value": ["x"]},
        {"value": [{}]},
        {"value": [a_row(str(uuid.uuid4()))]},
        {"value": [], "error": {"code": "0x80040216", "message": "Broke off."}},
        {"value": [], "@odata.nextLink": 7},
    ],
)
async def test_incomplete_answer_is_not_an_empty_one(dataverse: DataverseWorld, body: object) -> None:
    """A success that does not answer the question is transient, and no row counts as deleted."""
    dataverse.standin.faults.add(Fault(status=200, body=body))
    assert isinstance(await failed_read(dataverse), TransientError)


@pytest.mark.parametrize(
    "location", ["{url}WhoAmI", "", "/", "https://evil.example/", "\xff\xfe", "http://[", "%"]
)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_pass(dataverse: DataverseWorld, status: int, location: str) -> None:
    """A redirect is neither followed nor believed, wherever it leads and whatever its bytes are."""
    link = location.format(url=f"{dataverse.url}{API_PATH}")
    dataverse.standin.faults.add(Fault(status=status, headers={"Location": link}))
    error = await failed_read(dataverse)
    assert isinstance(error, TransientError)
    assert not error.until_mended
    assert str(status) in error.reason
    assert len(dataverse.requests) == 1


@pytest.mark.parametrize(
    ("status", "code"),
    [(403, "0x80040225"), (403, "0x80072560"), (403, "0x80040220"), (400, "0x80060888"), (404, "0x80060888")],
)
async def test_a_refused_list_waits_until_it_is_mended(
    dataverse: DataverseWorld, caplog: pytest.LogCaptureFixture, status: int, code: str
) -> None:
    """Administration mode, a user or role that was taken, a missing column: no booking is at fault."""
    body = {"error": {"code": code, "message": "no"}}
    dataverse.standin.faults.add(Fault(times=-1, status=status, body=body))
    read, recorded = await failed_read(dataverse), await failed_record(dataverse.rows)
    for error in (read, recorded):
        assert isinstance(error, TransientError)
        assert (error.until_mended, error.retry_after, error.maybe_applied) == (True, 60.0, False)
        assert code in error.reason
    told = [json.loads(each.message) for each in caplog.records if "app_refused" in each.message]
    assert [(line["service"], line["reason"]) for line in told] == [
        ("Dynamics 365", error.reason) for error in (read, recorded)
    ]


async def test_records_wait_for_a_right_that_the_app_lacks(
    dataverse: DataverseWorld, caplog: pytest.LogCaptureFixture
) -> None:
    """A part that names a privilege of the app's role speaks of the app; it is told once for all of them."""
    rows = await read_all(dataverse, fill(dataverse, 3))
    lacking = "prvWriteBookableResourceBooking"
    dataverse.standin.state.configure(missing_privileges=[lacking])
    for outcome in await record_all(dataverse, rows):
        assert isinstance(outcome, TransientError)
        assert (outcome.until_mended, outcome.retry_after, outcome.maybe_applied) == (True, 60.0, False)
        assert f"lacks the privilege {lacking}" in outcome.reason
    told = [json.loads(each.message) for each in caplog.records if "app_refused" in each.message]
    assert [lacking in line["reason"] for line in told] == [True]
    dataverse.standin.state.configure(missing_privileges=[])
    assert await record_all(dataverse, rows) == [Recorded.DONE] * 3


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("0x80048306", "Principal does not have WriteAccess right(s) for record with ID 7."),
        ("0x80040220", "Principal user (Id=7) is missing prvCreateContoso_visit privilege (Id=8)"),
    ],
)
async def test_a_refusal_of_one_booking_is_its_own(
    dataverse: DataverseWorld, caplog: pytest.LogCaptureFixture, code: str, message: str
) -> None:
    """A row that the role does not reach, a plug-in that needs another right: the others are recorded."""
    rows = await read_all(dataverse, fill(dataverse, 2))
    body = {"error": {"code": code, "message": message}}
    dataverse.standin.faults.add(Fault(path=rows[0].booking.id, method="PATCH", status=403, body=body))
    first, second = await record_all(dataverse, rows)
    assert isinstance(first, PermanentError)
    assert second is Recorded.DONE
    assert not [each for each in caplog.records if "app_refused" in each.message]


async def test_next_link_is_followed_as_it_is(dataverse: DataverseWorld) -> None:
    """The rest of a list is fetched from the very address that Dataverse gave."""
    dataverse.put(booking())
    await dataverse.rows.read(BOOKING_ID)
    path = dataverse.requests[0].path
    page = {"value": [], "@odata.nextLink": dataverse.url + path}
    dataverse.standin.faults.add(Fault(status=200, body=page))
    (row,) = await read_all(dataverse, [BOOKING_ID])
    assert row.booking == booking()
    assert [request.path for request in dataverse.requests[1:]] == [path, path]


async def test_pages_are_all_read(dataverse: DataverseWorld) -> None:
    """A list that Dataverse cuts into pages arrives whole."""
    ids = fill(dataverse, 7)
    client = DataverseClient(dataverse.url, dataverse.credential, dataverse.clock)
    rows = await client.rows(f"{BOOKINGS}?$select=name", headers={"Prefer": "odata.maxpagesize=3"})
    await client.aclose()
    assert sorted(row["bookableresourcebookingid"] for row in rows) == sorted(ids)
    assert len(dataverse.requests) == 3


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/api/data/v9.2/x",
        "http://localhost/x",
        "https://localhost:1/x",
        "https://localhost:bad/x",
        "//evil.example/x",
    ],
)
async def test_next_link_to_another_host_is_refused(dataverse: DataverseWorld, link: str) -> None:
    """Our token is not sent to wherever an answer points."""
    page = {"value": [a_row(BOOKING_ID)], "@odata.nextLink": link}
    dataverse.standin.faults.add(Fault(status=200, body=page))
    error = await failed_read(dataverse)
    assert isinstance(error, TransientError)
    assert error.until_mended
    assert "another host" in error.reason


async def test_second_page_that_fails_fails_the_read(dataverse: DataverseWorld) -> None:
    """Half a list is no list: rows on the lost page are not taken for deleted."""
    page = {"value": [], "@odata.nextLink": f"{dataverse.url}{API_PATH}{BOOKINGS}"}
    dataverse.standin.faults.add(Fault(status=200, body=page))
    dataverse.standin.faults.add(Fault(status=500))
    assert isinstance(await failed_read(dataverse), TransientError)


# The network


async def test_no_answer_in_time(dataverse: DataverseWorld) -> None:
    """A service that hangs is transient, and a write may have been applied."""
    timeouts = Timeouts(connect=5, read=0.05)
    client = DataverseClient(dataverse.url, dataverse.credential, dataverse.clock, timeouts=timeouts)
    rows = make_rows(client)
    dataverse.standin.faults.add(Fault(times=-1, delay_seconds=0.3))
    error = await failed_record(rows)
    with pytest.raises(TransientError, match="no answer in time") as caught:
        await rows.read(BOOKING_ID)
    await client.aclose()
    assert isinstance(error, TransientError)
    assert (error.maybe_applied, caught.value.maybe_applied) == (True, False)


async def test_dropped_connection_is_transient(dataverse: DataverseWorld) -> None:
    """A connection that breaks off is transient, and leaves no trace of the HTTP library behind."""
    dataverse.standin.faults.add(Fault(drop=True))
    error = await failed_read(dataverse)
    assert isinstance(error, TransientError)
    assert (error.__cause__, error.__context__) == (None, None)


async def test_service_that_is_not_there(unused_tcp_port: int) -> None:
    """When no connection was ever made, even a write can't have been applied."""
    client = DataverseClient(f"https://localhost:{unused_tcp_port}", LocalCredential(), FixedClock())
    error = await failed_record(make_rows(client))
    await client.aclose()
    assert isinstance(error, TransientError)
    assert not error.maybe_applied


async def test_unknown_authority_is_refused(
    dataverse: DataverseWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without trust in the certificate's authority nothing is sent."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certifi.where())
    error = await failed_read(dataverse)
    assert isinstance(error, TransientError)
    assert "certificate" in error.reason
    assert dataverse.requests == []


async def test_environment_does_not_divert_requests(
    dataverse: DataverseWorld, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Neither a proxy nor a .netrc of the host changes where a request goes and what it shows."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine localhost login someone password something\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    await dataverse.client.who_am_i()
    assert dataverse.requests[0].headers["authorization"] == f"Bearer {dataverse.credential.current}"


async def test_closed_adapter_refuses(dataverse: DataverseWorld) -> None:
    """After closing, calls fail as transient, so that their messages are handled elsewhere."""
    await dataverse.client.aclose()
    assert isinstance(await failed_read(dataverse), TransientError)
    assert isinstance(await failed_record(dataverse.rows), TransientError)
    assert dataverse.requests == []


async def test_closing_waits_for_what_is_under_way(dataverse: DataverseWorld) -> None:
    """A request that was sent gets its answer although the adapter closes meanwhile."""
    ids = {"UserId": BOOKING_ID, "OrganizationId": BOOKING_ID}
    fault = Fault(status=200, body=ids, delay_seconds=0.1)
    dataverse.standin.faults.add(fault)
    asking = asyncio.ensure_future(dataverse.client.who_am_i())
    while fault.times:  # noqa: ASYNC110 - the stand-in has no event for a fault that struck
        await asyncio.sleep(0.005)
    await dataverse.client.aclose()
    assert await asking == WhoAmI(BOOKING_ID, BOOKING_ID)


@pytest.mark.parametrize(
    "url",
    ["", "contoso.crm4.dynamics.com", "http://contoso.example", "https://", "https://a/b", "https://u@a"],
)
def test_url_must_be_an_environments(url: str) -> None:
    """An address that can't be an environment's is refused before anything is sent."""
    with pytest.raises(ValueError, match="Dataverse URL"):
        DataverseClient(url, LocalCredential(), FixedClock())


async def test_logs_hold_neither_tokens_nor_rows(
    dataverse: DataverseWorld, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever fails, the log and the reasons name statuses and codes only."""
    caplog.set_level(logging.DEBUG, "booking_sync")
    message = {"error": {"code": "0x80040265", "message": "Boiler service for Mrs. Smith"}}
    for status in (400, 403, 404, 412, 429, 500):
        dataverse.standin.faults.add(Fault(status=status, body=message))
        assert "Smith" not in str(await failed_read(dataverse))
    ours = [entry.getMessage() for entry in caplog.records if entry.name.startswith("booking_sync")]
    assert len(ours) >= 6
    assert not [text for text in ours if "Smith" in text or dataverse.credential.current in text]
