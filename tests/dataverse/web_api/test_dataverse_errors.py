"""The table of refusals: which is transient, which is permanent, and what a person reads."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from booking_sync.dataverse.web_api.errors import read_refusal, to_error
from booking_sync.dataverse.web_api.reply import Reply
from booking_sync.errors import PermanentError, SyncError, TransientError

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


def error_of(status: int, code: str = "", message: str = "", *, writes: bool = True) -> SyncError:
    """The exception that an answer of this kind becomes."""
    body = json.dumps({"error": {"code": code, "message": message}}).encode() if code else b""
    return to_error(read_refusal(Reply(status, {}, body), NOW), writes=writes)


@pytest.mark.parametrize(
    ("status", "code", "maybe_applied"),
    [
        (401, "", False),
        (408, "", True),
        (409, "", True),
        (409, "0x80060892", False),
        (301, "", True),
        (302, "", True),
        (400, "", True),
        (403, "", True),
        (404, "", True),
        (405, "", True),
        (412, "", False),
        (413, "", True),
        (429, "", False),
        (501, "", True),
        (412, "0x80060882", False),
        (429, "0x80072322", False),
        (429, "0x80072321", False),
        (429, "0x80072326", False),
        (503, "0x80072326", False),
        (500, "", True),
        (500, "0x80044150", True),
        (400, "0x80044151", False),
        (400, "0x80071151", False),
        (502, "", True),
        (503, "", True),
        (504, "", True),
        (599, "", True),
    ],
)
def test_transient_refusals(status: int, code: str, maybe_applied: bool) -> None:  # noqa: FBT001 - a table's column
    """What passes by itself is transient, and a write that the server lost may have been applied."""
    error = error_of(status, code)
    assert isinstance(error, TransientError)
    assert error.maybe_applied is maybe_applied
    assert error.reason.startswith("Dynamics 365: ")


@pytest.mark.parametrize(
    ("status", "code", "message", "says"),
    [
        (400, "0x80060891", "", "the request was refused"),
        (
            400,
            "0x80060888",
            "Could not find a property named 'bsync_outlookeventid' on type 'Microsoft.Dynamics.CRM.x'.",
            "column 'bsync_outlookeventid' does not exist; run the provisioning command",
        ),
        (
            400,
            "0x80048d19",
            "Error: an undeclared property 'cr_state' which only has property annotations in the payload",
            "column 'cr_state' does not exist; run the provisioning command",
        ),
        (
            400,
            "0x80048d19",
            "The property 'cr_state' does not exist on type 'Microsoft.Dynamics.CRM.x'.",
            "column 'cr_state' does not exist",
        ),
        (
            400,
            "0x80044331",
            "The length of the 'cr_event' attribute of the 'x' entity exceeded the maximum allowed length.",
            "column 'cr_event' is too short",
        ),
        (400, "0x8004f01f", "Referenced by Mr. Secret's form", "other components depend on it"),
        (400, "0x80060883", "Optimistic concurrency isn't enabled", "optimistic concurrency is not enabled"),
        (400, "0x80040265", "Mr. Secret's plug-in said no", "a plug-in or workflow"),
        (
            403,
            "0x80040220",
            "Principal user (Id=…) is missing prvWriteBookableResourceBooking privilege (Id=…)",
            "lacks the privilege prvWriteBookableResourceBooking; an administrator must",
        ),
        (403, "0x80072560", "The user is not a member of the organization.", "has no application user"),
        (
            403,
            "0x80040225",
            "The specified user(Id = …) is disabled. Consider enabling this user. Mr. Secret",
            "our application user was disabled in this environment; an administrator must enable it",
        ),
        (403, "0x80048306", "", "an administrator must check its security role"),
        (404, "0x80060888", "Resource not found for the segment 'x'.", "check DATAVERSE_URL"),
        (404, "0x80040217", "x With Id = y Does Not Exist", "the row does not exist"),
        (405, "0x80060891", "", "the request was refused"),
        (412, "0x80040333", "Duplicate", "duplicate detection rule"),
        (412, "0x80040237", "A record with matching key values already exists.", "duplicate detection rule"),
        (413, "0x80060891", "", "the request was refused"),
        (501, "0x80060891", "", "the request was refused"),
    ],
)
def test_permanent_refusals(status: int, code: str, message: str, says: str) -> None:
    """What needs a person is permanent and tells that person what to do, without quoting the service."""
    error = error_of(status, code, message)
    assert isinstance(error, PermanentError)
    assert error.reason.startswith("Dynamics 365: ")
    assert says in error.reason
    assert str(status) in error.reason
    assert "Secret" not in error.reason


def test_reading_is_never_maybe_applied() -> None:
    """A read that failed changed nothing."""
    error = error_of(504, writes=False)
    assert isinstance(error, TransientError)
    assert not error.maybe_applied


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"null", b'{"error": "x"}', b'{"error": {"code": 7}}', b"\xff"]
)
def test_reads_any_body(body: bytes) -> None:
    """A refusal without Dataverse's JSON is judged by its status alone."""
    refusal = read_refusal(Reply(500, {}, body), NOW)
    assert (refusal.status, refusal.code) == (500, "")


def test_code_is_shown_only_when_it_is_one() -> None:
    """Text in the code's place is not let through to logs and people."""
    assert "Smith" not in error_of(400, "Mr. Smith").reason
