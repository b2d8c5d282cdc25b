"""The table from Graph's statuses and error codes to our two kinds of error. Pure.

The `is_…` functions tell what an answer means to one operation (a deletion may get a 404); `translate` makes
an error of all other answers. Codes are the ones that Microsoft Graph documents for Outlook
resources, or that were seen in public issue threads; `error.code` may be an empty string in a batch's items.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from booking_sync.domain.text import quote
from booking_sync.errors import PermanentError, SyncError, TransientError
from booking_sync.plumbing.retry_after import read_retry_after

if TYPE_CHECKING:
    from datetime import datetime

    from booking_sync.outlook.wire import Answer

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

CONCURRENCY_PAUSE = 1.0
"""Seconds after which a call refused for too many at a time is worth another try."""

_NO_MAILBOX = frozenset(
    {
        "mailboxnotenabledforrestapi",
        "mailboxnotsupportedforrestapi",
        "errornonexistentmailbox",
        "resourcenotfound",  # "Resource could not be discovered.": seen by turns with the first one
        "request_resourcenotfound",
        "errorinvaliduser",
    }
)
_SAVE_CONFLICTS = frozenset({"concurrentitemsave", "errorirresolvableconflict"})
_DUPLICATE = "errorduplicatetransactionid"
_EVENT_GONE = frozenset({"erroritemnotfound", ""})
_UNKNOWN = "unknownerror"  # seen with 404 around an HTML page: a gateway spoke, not Outlook
_MESSAGE_LENGTH = 200
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,80}")

NO_MAILBOX_REASON = "Outlook: this person has no Exchange Online mailbox."
ACCESS_DENIED_REASON = (
    "Outlook: the app may not write to this person's calendar (access denied); "
    "ask an administrator to include the mailbox in the app's scope."
)


def error_code(answer: Answer) -> str:
    """Graph's `error.code` as it was sent; empty when there is none."""
    return _error_text(answer, "code")


def shown_code(answer: Answer) -> str:
    """The code for a reason or the log; empty when it does not look like one and might hold anything."""
    code = error_code(answer)
    return code if _CODE.fullmatch(code) else ""


def existing_event_id(answer: Answer) -> str | None:
    """The event that `ErrorDuplicateTransactionId` names, which it does not always do."""
    return _error_text(answer, "@event.existingEventId") or None


def is_success(answer: Answer) -> bool:
    """Any 2xx."""
    return 200 <= answer.status < 300  # noqa: PLR2004 - the HTTP class of successes


def is_client_error(answer: Answer) -> bool:
    """Any 4xx: refused before it could take effect."""
    return 400 <= answer.status < SERVER_ERRORS  # noqa: PLR2004 - the HTTP class of refusals


def is_duplicate(answer: Answer) -> bool:
    """Another event was created with the same transactionId: seen with status 400, possible with 409."""
    return not is_success(answer) and error_code(answer).lower() == _DUPLICATE


def is_mailbox_missing(answer: Answer) -> bool:
    """There is no mailbox (any more), or no such user."""
    return not is_success(answer) and error_code(answer).lower() in _NO_MAILBOX


def is_event_gone(answer: Answer) -> bool:
    """A 404 to a request that names an event, and it is not the mailbox that is missing.

    An empty code is taken for a missing event: should it be the mailbox, then the creation that follows finds
    out.
    """
    return answer.status == NOT_FOUND and error_code(answer).lower() in _EVENT_GONE


def is_there_already(answer: Answer) -> bool:
    """A 409 that says the thing exists, and not that two writes met."""
    return answer.status == CONFLICT and error_code(answer).lower() not in _SAVE_CONFLICTS


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


def translate(answer: Answer, now: datetime, *, writes: bool) -> SyncError:
    """The error for an answer that the operation has no use for.

    Args:
        answer: anything but what the operation asked for; an unexpected success counts as unreadable.
        now: aware; what an HTTP date in `Retry-After` is compared with.
        writes: the request may have changed something.
    """
    code = error_code(answer).lower()
    if is_mailbox_missing(answer):
        return PermanentError(NO_MAILBOX_REASON)
    if answer.status == NOT_FOUND and code == _UNKNOWN:
        return _transient(answer, now, writes=writes)
    if answer.status == FORBIDDEN:
        return PermanentError(ACCESS_DENIED_REASON if "accessdenied" in code else _refusal(answer))
    if code in _SAVE_CONFLICTS or _is_transient(answer.status):
        return _transient(answer, now, writes=writes)
    return PermanentError(_refusal(answer))


def _is_transient(status: int) -> bool:
    return status in _TRANSIENT or status >= SERVER_ERRORS or status < 400  # noqa: PLR2004 - no error at all


_TRANSIENT = frozenset(
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
_NOT_APPLIED = frozenset({UNAUTHORIZED, PRECONDITION_FAILED, LOCKED, FAILED_DEPENDENCY, TOO_MANY_REQUESTS})


def _transient(answer: Answer, now: datetime, *, writes: bool) -> TransientError:
    pause = CONCURRENCY_PAUSE if is_concurrency(answer) else _retry_after(answer, now)
    return TransientError(
        f"Graph answered {answer.status} {shown_code(answer)}".rstrip(),
        retry_after=pause,
        maybe_applied=writes and answer.status not in _NOT_APPLIED,
    )


def _refusal(answer: Answer) -> str:
    message = _error_text(answer, "message")
    said = (shown_code(answer), quote(message, _MESSAGE_LENGTH) if message else "")
    return f"Outlook: Graph refused the request ({answer.status}). {': '.join(filter(None, said))}".rstrip()


def _error_text(answer: Answer, key: str) -> str:
    error = answer.body.get("error") if isinstance(answer.body, dict) else None
    value = error.get(key) if isinstance(error, dict) else None
    return value if isinstance(value, str) else ""
