"""The table from Graph's statuses and error codes to our two kinds of error. Pure.

The `is_…` functions tell what an answer means to one operation (a deletion may get a 404); `translate` makes
an error of all other answers.

Only an answer that carries an error of the service's own, with a code that `error_codes` knows, fails a
booking or proves that something is absent. Whatever else there is (an empty body, a page of HTML, a code that
nobody knows) may be a gateway's, a proxy's or a half-dead front end's, and passes.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from booking_sync.domain.events.event_ref import is_event_id
from booking_sync.domain.text import quote
from booking_sync.errors import Cause, PermanentError, SyncError, TransientError
from booking_sync.outlook.graph import error_codes
from booking_sync.plumbing.http.retry_after import read_retry_after

if TYPE_CHECKING:
    from datetime import datetime

    from booking_sync.outlook.graph.wire import Answer

UNAUTHORIZED = 401
FORBIDDEN = 403
NOT_FOUND = 404
REQUEST_TIMEOUT = 408
CONFLICT = 409
PRECONDITION_FAILED = 412
LOCKED = 423
FAILED_DEPENDENCY = 424
TOO_MANY_REQUESTS = 429
SERVER_ERRORS = 500

PASSING = frozenset(
    {
        UNAUTHORIZED,
        REQUEST_TIMEOUT,
        CONFLICT,
        PRECONDITION_FAILED,
        LOCKED,
        FAILED_DEPENDENCY,
        TOO_MANY_REQUESTS,
    }
)
"""Refusals that pass by themselves, whatever their code."""

NOT_APPLIED = frozenset({UNAUTHORIZED, PRECONDITION_FAILED, LOCKED, FAILED_DEPENDENCY, TOO_MANY_REQUESTS})
"""Refusals that nobody sends of what was carried out, a gateway included."""

CONCURRENCY_PAUSE = 1.0
"""Seconds after which a call refused for too many at a time is worth another try."""

GRANTS_ARRIVE_WITHIN = timedelta(hours=4)
"""How long a refusal may be out of date. Exchange applies a changed scope after up to two hours (Microsoft:
"Role Based Access Control for Applications in Exchange Online"), and a new mailbox may take as long."""
ROOM_IS_MADE_WITHIN = timedelta(hours=24)
"""How long a full mailbox is tried again."""

_NO_EXTENSION = frozenset({"erroritemnotfound", "itemnotfound", "resourcenotfound", "extensionnotfound"})
_MESSAGE_LENGTH = 200
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,80}")

NO_MAILBOX_REASON = "Outlook: this person has no Exchange Online mailbox."
ACCESS_DENIED_REASON = (
    "Outlook: the app may not write to this person's calendar (access denied); "
    "ask an administrator to include the mailbox in the app's scope."
)
NO_CALENDAR_REASON = "Outlook: this person's mailbox has no calendar yet."
MAILBOX_FULL_REASON = "Outlook: this person's mailbox is full."


def error_code(answer: Answer) -> str:
    """Graph's `error.code` as it was sent; empty when there is none."""
    return _error_text(answer, "code")


def shown_code(answer: Answer) -> str:
    """The code for a reason or the log; empty when it does not look like one and might hold anything."""
    code = error_code(answer)
    return code if _CODE.fullmatch(code) else ""


def message_begins(answer: Answer, words: str) -> bool:
    """Whether Graph's sentence begins so, in any case; for meanings that the code does not tell."""
    return _error_text(answer, "message").strip().lower().startswith(words)


def existing_event_id(answer: Answer) -> str | None:
    """The event that `ErrorDuplicateTransactionId` names, which it does not always do."""
    event_id = _error_text(answer, "@event.existingEventId")
    return event_id if is_event_id(event_id) else None


def is_success(answer: Answer) -> bool:
    """Any 2xx."""
    return 200 <= answer.status < 300  # noqa: PLR2004 - the HTTP class of successes


def is_client_error(answer: Answer) -> bool:
    """Any 4xx: refused before it could take effect."""
    return 400 <= answer.status < SERVER_ERRORS  # noqa: PLR2004 - the HTTP class of refusals


def is_verdict(answer: Answer) -> bool:
    """Graph's own judgement, and not a sign of trouble somewhere."""
    return is_client_error(answer) and answer.status not in PASSING and error_codes.is_verdict(_code(answer))


def is_duplicate(answer: Answer) -> bool:
    """Another event was created with the same transactionId: seen with status 400, possible with 409."""
    return is_client_error(answer) and _code(answer) == error_codes.DUPLICATE_TRANSACTION


def is_mailbox_missing(answer: Answer) -> bool:
    """There is no mailbox (any more), or no such user."""
    return is_client_error(answer) and _code(answer) in error_codes.NO_MAILBOX


def is_event_gone(answer: Answer, *, deleting: bool = False) -> bool:
    """There is no such event under this id in this mailbox: the one answer for whatever names an event.

    An event in Deleted Items, whose change would send mail from there, is gone too.

    Args:
        answer: to a request that names one.
        deleting: the request was to remove it.
    """
    if not is_client_error(answer):
        return False
    code = _code(answer)
    if not code:
        return answer.status == NOT_FOUND and error_codes.GONE_WORDS in _error_text(answer, "message").lower()
    refused = error_codes.CANNOT_DELETE if deleting else error_codes.IN_DELETED_ITEMS
    return code == refused or error_codes.names_no_item(code)


def is_folder_missing(answer: Answer) -> bool:
    """There is no such calendar under this id in this mailbox."""
    return is_client_error(answer) and (is_event_gone(answer) or error_codes.names_no_folder(_code(answer)))


def is_folder_there(answer: Answer) -> bool:
    """A calendar of this name is there already."""
    return is_client_error(answer) and _code(answer) == error_codes.FOLDER_EXISTS


def is_extension_missing(answer: Answer) -> bool:
    """The event has no such open extension, in the words of the service; anything else may pass."""
    return answer.status == NOT_FOUND and error_code(answer).lower() in _NO_EXTENSION


def is_there_already(answer: Answer) -> bool:
    """A 409 that says the thing exists, and not that two writes met."""
    return answer.status == CONFLICT and error_codes.ALREADY_EXISTS in _code(answer)


def is_concurrency(answer: Answer) -> bool:
    """Too many calls at a time in one mailbox; Graph's `Retry-After: 1` is not a time then."""
    return (
        answer.status == TOO_MANY_REQUESTS and "mailboxconcurrency" in _error_text(answer, "message").lower()
    )


def mailbox_pause(answer: Answer, now: datetime) -> float | None:
    """Seconds for which Graph wants no request for this mailbox; None when it did not ask for that."""
    if answer.status != TOO_MANY_REQUESTS or is_concurrency(answer):
        return None
    return _retry_after(answer, now)


def app_pause(answer: Answer, now: datetime) -> float | None:
    """The same of an answer to a whole batch, which then counts for the whole app."""
    if answer.status != TOO_MANY_REQUESTS and answer.status < SERVER_ERRORS:
        return None
    return _retry_after(answer, now)


def _retry_after(answer: Answer, now: datetime) -> float | None:
    return read_retry_after(answer.headers.get("retry-after"), now)


def translate(answer: Answer, now: datetime, *, writes: bool, creating: bool = False) -> SyncError:
    """The error for an answer that the operation has no use for.

    Args:
        answer: anything but what the operation asked for; an unexpected success counts as unreadable.
        now: aware; what an HTTP date in `Retry-After` is compared with.
        writes: the request may have changed something.
        creating: the request names no event, only a mailbox.
    """
    code = _code(answer)
    if code in error_codes.MAILBOX_FULL and not is_success(answer):  # seen with 403 and 507
        return PermanentError(MAILBOX_FULL_REASON, patience=ROOM_IS_MADE_WITHIN, cause=Cause.MAILBOX_FULL)
    if not is_verdict(answer):
        return _transient(answer, now, writes=writes)
    if code in error_codes.NO_MAILBOX:
        # As a rule for good: most of them never get one.
        return PermanentError(NO_MAILBOX_REASON, cause=Cause.NO_MAILBOX)
    if code in error_codes.ACCESS_DENIED:
        return PermanentError(ACCESS_DENIED_REASON, patience=GRANTS_ARRIVE_WITHIN, cause=Cause.ACCESS_DENIED)
    if creating and error_codes.names_no_folder(code):
        return PermanentError(NO_CALENDAR_REASON, patience=GRANTS_ARRIVE_WITHIN, cause=Cause.NO_CALENDAR)
    return PermanentError(
        _refusal(answer), cause=Cause.TIME_ZONE if error_codes.names_time_zone(code) else None
    )


def _transient(answer: Answer, now: datetime, *, writes: bool) -> TransientError:
    pause = CONCURRENCY_PAUSE if is_concurrency(answer) else _retry_after(answer, now)
    return TransientError(
        f"Graph answered {answer.status} {shown_code(answer)}".rstrip(),
        retry_after=pause,
        maybe_applied=writes and answer.status not in NOT_APPLIED,
    )


def _refusal(answer: Answer) -> str:
    message = _error_text(answer, "message")
    said = (shown_code(answer), quote(message, _MESSAGE_LENGTH) if message else "")
    return f"Outlook: Graph refused the request ({answer.status}). {': '.join(filter(None, said))}".rstrip()


def _code(answer: Answer) -> str:
    return error_code(answer).strip().lower()


def _error_text(answer: Answer, key: str) -> str:
    error = answer.body.get("error") if isinstance(answer.body, dict) else None
    value = error.get(key) if isinstance(error, dict) else None
    return value if isinstance(value, str) else ""
