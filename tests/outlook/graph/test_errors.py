"""The table from Graph's answers to our two kinds of error."""

from __future__ import annotations

from typing import Any

import pytest

from booking_sync.errors import PermanentError, TransientError
from booking_sync.outlook.graph import errors
from booking_sync.outlook.graph.wire import Answer
from tests.outlook.kit import NOW


def answer(status: int, code: str = "", message: str = "", **headers: str) -> Answer:
    """An error as Graph writes it; header names with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, named, {"error": {"code": code, "message": message}})


@pytest.mark.parametrize(
    ("status", "code", "maybe_applied"),
    [
        (401, "InvalidAuthenticationToken", False),
        (408, "", True),
        (409, "ConcurrentItemSave", True),
        (409, "ErrorIrresolvableConflict", True),
        (412, "ErrorIrresolvableConflict", False),
        (424, "FailedDependency", False),
        (429, "ApplicationThrottled", False),
        (429, "", False),
        (500, "", True),
        (502, "UnknownError", True),
        (503, "ConcurrentItemSave", True),
        (503, "", True),
        (504, "GatewayTimeout", True),
        (507, "", True),
        (400, "", True),
        (413, "", True),
        (400, "Adatum Bakery, Main Street", True),
        (400, "ErrorServerBusy", True),
        (404, "UnknownError", True),
        (200, "", True),
        (302, "", True),
    ],
)
def test_what_may_pass_is_transient(status: int, code: str, maybe_applied: bool) -> None:  # noqa: FBT001 - a table's column
    """Conflicts, throttling and server trouble are transient; a write they may have let pass is in doubt."""
    error = errors.translate(answer(status, code), NOW, writes=True)
    assert isinstance(error, TransientError)
    assert error.maybe_applied is maybe_applied


def test_a_failed_read_leaves_no_doubt() -> None:
    """A read changes nothing, so its failure never counts as perhaps applied."""
    error = errors.translate(answer(503), NOW, writes=False)
    assert isinstance(error, TransientError)
    assert not error.maybe_applied


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (403, "ErrorAccessDenied", errors.ACCESS_DENIED_REASON),
        (404, "MailboxNotEnabledForRESTAPI", errors.NO_MAILBOX_REASON),
        (404, "ErrorNonExistentMailbox", errors.NO_MAILBOX_REASON),
        (404, "Request_ResourceNotFound", errors.NO_MAILBOX_REASON),
        (404, "ResourceNotFound", errors.NO_MAILBOX_REASON),
        (404, "ErrorInvalidUser", errors.NO_MAILBOX_REASON),
        (400, "TimeZoneNotSupportedException", "TimeZoneNotSupportedException: «no such zone»"),
        (400, "ErrorPropertyValidationFailure", "ErrorPropertyValidationFailure: «no such zone»"),
        (404, "ErrorItemNotFound", "ErrorItemNotFound: «no such zone»"),
        (403, "ErrorAccountSuspend", "ErrorAccountSuspend: «no such zone»"),
    ],
)
def test_what_will_not_pass_is_permanent(status: int, code: str, reason: str) -> None:
    """Refusals are permanent, with a sentence for a dispatcher that begins with the service's name."""
    error = errors.translate(answer(status, code, "no such zone"), NOW, writes=True)
    assert isinstance(error, PermanentError)
    assert error.reason.startswith("Outlook: ")
    assert error.reason.endswith(reason)


def test_a_reason_is_one_short_line() -> None:
    """However much Graph writes, the reason fits the row's column and stays on one line."""
    error = errors.translate(answer(400, "BadRequest", "word\n" * 1000), NOW, writes=True)
    assert len(error.reason) <= 300
    assert "\n" not in error.reason


@pytest.mark.parametrize("body", [None, "<html>", [], {"error": None}, {"error": {"code": 5}}])
def test_any_body_can_be_translated(body: Any) -> None:
    """An empty or odd error body is an error without a code, not a crash."""
    assert isinstance(errors.translate(Answer(503, {}, body), NOW, writes=True), TransientError)
    assert isinstance(errors.translate(Answer(400, {}, body), NOW, writes=True), TransientError)


def test_throttling_closes_the_mailbox_for_as_long_as_graph_says() -> None:
    """A 429 with Retry-After gives the error its delay and the mailbox its pause."""
    throttled = answer(429, "ApplicationThrottled", "Too many requests", retry_after="2.128")
    error = errors.translate(throttled, NOW, writes=True)
    assert isinstance(error, TransientError)
    assert error.retry_after == 2.128
    assert errors.mailbox_pause(throttled, NOW) == 2.128


def test_too_many_at_a_time_is_no_pause() -> None:
    """MailboxConcurrency's Retry-After is no time: try again soon, and don't close the mailbox."""
    crowded = answer(
        429, "ApplicationThrottled", "Application is over its MailboxConcurrency limit.", retry_after="1"
    )
    error = errors.translate(crowded, NOW, writes=True)
    assert isinstance(error, TransientError)
    assert error.retry_after == 1.0
    assert errors.mailbox_pause(crowded, NOW) is None


@pytest.mark.parametrize(("status", "pause"), [(429, 5.0), (503, 5.0), (400, None), (401, None)])
def test_a_refused_batch_pauses_the_app(status: int, pause: float | None) -> None:
    """Only throttling and server trouble of a whole batch ask the whole app to wait."""
    assert errors.app_pause(answer(status, retry_after="5"), NOW) == pause


@pytest.mark.parametrize(
    ("status", "code", "gone", "mailbox_missing"),
    [
        (404, "ErrorItemNotFound", True, False),
        (400, "ErrorCalendarCannotUpdateDeletedItem", True, False),
        (404, "", False, False),
        (404, "MailboxNotEnabledForRESTAPI", False, True),
        (404, "UnknownError", False, False),
        (403, "ErrorAccessDenied", False, False),
        (500, "ErrorItemNotFound", False, False),
        (204, "", False, False),
    ],
)
def test_two_meanings_of_404(status: int, code: str, gone: bool, mailbox_missing: bool) -> None:  # noqa: FBT001 - a table's columns
    """A missing event and a missing mailbox are told apart by the code."""
    found = answer(status, code)
    assert errors.is_event_gone(found) is gone
    assert errors.is_mailbox_missing(found) is mailbox_missing


@pytest.mark.parametrize("status", [400, 409])
def test_a_used_transaction_names_its_event(status: int) -> None:
    """ErrorDuplicateTransactionId is known by its code, whatever the status, and gives the event's id."""
    used = Answer(
        status, {}, {"error": {"code": "ErrorDuplicateTransactionId", "@event.existingEventId": "AAMk="}}
    )
    assert errors.is_duplicate(used)
    assert errors.existing_event_id(used) == "AAMk="
    assert errors.existing_event_id(answer(status, "ErrorDuplicateTransactionId")) is None
    assert not errors.is_duplicate(answer(status, "ConcurrentItemSave"))


def test_a_conflict_may_mean_that_the_thing_exists() -> None:
    """A 409 says that something is there already, unless it says that two writes met."""
    assert errors.is_there_already(answer(409, "ErrorItemAlreadyExists"))
    assert not errors.is_there_already(answer(409))
    assert not errors.is_there_already(answer(409, "UnknownError"))
    assert not errors.is_there_already(answer(409, "ConcurrentItemSave"))
    assert not errors.is_there_already(answer(400, "ErrorItemAlreadyExists"))
