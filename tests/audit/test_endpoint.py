"""The audit on demand: what a body asks for, and what is answered."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from booking_sync.audit.auditor import AuditRequest
from booking_sync.audit.endpoint import MAX_BODY_BYTES, answer_audit_request, read_audit_request
from booking_sync.audit.findings import Finding, Kind
from booking_sync.audit.report import MAX_FINDINGS_SHOWN, AuditReport
from booking_sync.domain.messages.audit_progress import AuditPass, AuditProgress, AuditSums
from booking_sync.errors import PermanentError, TransientError
from booking_sync.plumbing.http.orders import BadRequestError
from tests.support.bookings import ANNA, BOOKING_ID

JSON = {"Content-Type": "application/json"}
REPORT = AuditReport(
    AuditProgress(
        audit_id="audit-1",
        first_seen=datetime(2026, 2, 8, tzinfo=UTC),
        first=datetime(2026, 2, 1, tzinfo=UTC),
        last=datetime(2026, 4, 1, tzinfo=UTC),
        fix=True,
        stage=AuditPass.MEND,
        ranges=(),
        sums=AuditSums(2, 10, 9, 9, {"missing": 1}, in_motion=1, enqueued=1),
    ),
    (Finding(Kind.MISSING, "Words.", BOOKING_ID, ANNA),),
)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", AuditRequest(fix=False)),
        (b"{}", AuditRequest(fix=False)),
        (b'{"fix": true}', AuditRequest(fix=True)),
        (b'{"fix": true, "force": true}', AuditRequest(fix=True, force=True)),
        (
            json.dumps({"mailboxes": [ANNA.upper(), ANNA]}).encode(),
            AuditRequest(fix=False, mailboxes=frozenset({ANNA})),
        ),
    ],
)
def test_what_a_body_asks_for(body: bytes, expected: AuditRequest) -> None:
    """Nothing is mended unless the body says so."""
    assert read_audit_request(JSON, body) == expected


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"nonsense",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"fix": 1}',
        b'{"fix": "true"}',
        b'{"force": null}',
        b'{"mailbox": []}',
        b'{"mailboxes": []}',
        b'{"mailboxes": "all"}',
        b'{"mailboxes": [1]}',
        b'{"mailboxes": [null]}',
        b'{"mailboxes": ["anna@example.com"]}',
    ],
)
async def test_bad_orders(body: bytes) -> None:
    """What can't be followed to the letter is refused, and nothing runs."""

    async def run(_request: AuditRequest) -> AuditReport:
        raise AssertionError

    with pytest.raises(BadRequestError):
        read_audit_request(JSON, body)
    assert (await answer_audit_request(JSON, body, run)).status == 400


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"Content-Type": "text/plain"}, b'{"fix": true}', 415),
        ({}, b"", 415),
        (JSON | {"Sec-Fetch-Site": "cross-site"}, b"{}", 403),
        (JSON | {"Origin": "https://elsewhere.example", "Host": "app.example"}, b"{}", 403),
        (JSON, b" " * (MAX_BODY_BYTES + 1), 413),
    ],
    ids=["text", "no type", "another site", "another site, old browser", "too long"],
)
async def test_orders_from_elsewhere_run_nothing(headers: dict[str, str], body: bytes, status: int) -> None:
    """An audit obeys the rules of every other order: no page elsewhere can have a browser give one."""

    async def run(_request: AuditRequest) -> AuditReport:
        raise AssertionError

    assert (await answer_audit_request(headers, body, run)).status == status


async def test_a_report() -> None:
    """Counts and findings, with empty fields left out; JSON from end to end."""

    async def run(_request: AuditRequest) -> AuditReport:
        return REPORT

    answer = await answer_audit_request(JSON, b"{}", run)
    assert answer.status == 200
    assert json.loads(json.dumps(answer.payload)) == {
        "auditId": "audit-1",
        "from": "2026-02-01T00:00:00+00:00",
        "to": "2026-04-01T00:00:00+00:00",
        "mailboxes": 2,
        "bookings": 10,
        "events": 9,
        "counts": {"missing": 1},
        "inMotion": 1,
        "withheld": 0,
        "enqueued": 1,
        "findings": [{"kind": "missing", "words": "Words.", "bookingId": BOOKING_ID, "mailbox": ANNA}],
        "findingsNotShown": 0,
        "goesOn": False,
    }


async def test_a_long_audit_goes_on_in_the_app() -> None:
    """What is left is on the queue, so whoever asked is told 202 and what was seen so far."""
    left = replace(REPORT, progress=replace(REPORT.progress, strays=True))

    async def run(_request: AuditRequest) -> AuditReport:
        return left

    answer = await answer_audit_request(JSON, b"{}", run)
    assert (answer.status, answer.payload["goesOn"]) == (202, True)


def test_a_long_report_is_bounded() -> None:
    """Thousands of findings are counted, but not all listed."""
    sums = replace(REPORT.progress.sums, counts={"missing": 2000})
    many = replace(REPORT, findings=REPORT.findings * 2000, progress=replace(REPORT.progress, sums=sums))
    payload = many.payload()
    assert payload["counts"] == {"missing": 2000}
    assert len(payload["findings"]) == MAX_FINDINGS_SHOWN
    assert payload["findingsNotShown"] == 2000 - MAX_FINDINGS_SHOWN


@pytest.mark.parametrize(("error", "status"), [(TransientError("later"), 503), (PermanentError("no"), 502)])
async def test_an_audit_that_can_not_run(error: TransientError | PermanentError, status: int) -> None:
    """The reason is told, with a status that says whether to try again."""

    async def run(_request: AuditRequest) -> AuditReport:
        raise error

    answer = await answer_audit_request(JSON, b"", run)
    assert (answer.status, answer.payload) == (status, {"error": error.reason})
