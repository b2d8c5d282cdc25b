"""What a refusal of Dataverse means: try again later, or tell a person.

Only an answer with a code of Dataverse's own (`0x80040217`) is its verdict. What has none, be it empty or a
page of HTML, may be a gateway's, a proxy's or a half-dead front end's, whatever its status: that passes.

Reasons carry the status, Dataverse's code and names of columns and privileges, never the service's own
message: it may quote the row's content.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from booking_sync.errors import PermanentError, SyncError, TransientError
from booking_sync.plumbing.http.retry_after import read_retry_after
from booking_sync.plumbing.json_text import read_json

if TYPE_CHECKING:
    from datetime import datetime

    from booking_sync.dataverse.web_api.reply import Reply

ROW_MISSING = "0x80040217"
DUPLICATES = frozenset({"0x80040333", "0x80040237"})
"""412 as well, but nothing to do with versions: a duplicate rule, a key that is taken."""

_LIMITS = frozenset({"0x80072322", "0x80072321", "0x80072326"})
"""Service protection limits: requests, execution time, concurrency ("Service protection API limits")."""
_DATABASE_BUSY = frozenset({"0x80044150", "0x80044151"})
"""A deadlock's victim and an SQL timeout, sent as 400 or 500; Microsoft's advice is to try again."""
_NEVER_RUN = frozenset({401, 412, 429})
"""Refusals that nobody sends of what was carried out, a gateway included."""
_CUSTOMIZING = frozenset({"0x80071151"})
"""Somebody imports or publishes a solution, and table definitions are locked meanwhile."""
_NEEDED = "0x8004f01f"
_NOT_ENABLED = "0x80060883"
_NO_APPLICATION_USER = "0x80072560"
_USER_DISABLED = "0x80040225"
_PLUGIN_REFUSED = "0x80040265"

_PROVISION = "run the provisioning command, or correct the setting that names the column"
_DUPLICATE = "a duplicate detection rule or a key refused the change."
_SENTENCES = {
    **dict.fromkeys(DUPLICATES, _DUPLICATE),
    _NOT_ENABLED: (
        "optimistic concurrency is not enabled on the booking table; an administrator must enable it."
    ),
    _NO_APPLICATION_USER: (
        "the app registration has no application user in this environment; an administrator must add one."
    ),
    # Not "is disabled": that is said of technicians' users, whose remedy is another one.
    _USER_DISABLED: (
        "our application user was disabled in this environment; an administrator must enable it again."
    ),
    _NEEDED: "other components depend on it (a form, a view, another solution); remove it from those first.",
    _PLUGIN_REFUSED: "a plug-in or workflow of this environment refused the change.",
    ROW_MISSING: "the row does not exist.",
}
_STATUS_SENTENCES: dict[int, str] = {
    403: "our application user may not do this; an administrator must check its security role.",
    404: "the table or address was not found; check DATAVERSE_URL and that Field Service is installed.",
}

_MISSING_COLUMN = re.compile(
    r"(?:find a property named|undeclared property) '(\w{1,128})'|property '(\w{1,128})' does not exist",
    re.IGNORECASE,
)
_SHORT_COLUMN = re.compile(r"length of the '(\w{1,128})' attribute")
_PRIVILEGE = re.compile(r"\bprv\w{1,128}")
_CODE = re.compile(r"0x[0-9a-f]{1,8}")


class OversizedAnswerError(TransientError):
    """The service answered, with more than is taken; a question for less may go well."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What an answer other than success says."""

    status: int
    code: str
    """Dataverse's code in lower case, `0x80040217`; empty when the answer has none."""
    message: str
    """For recognising names in; never to be shown or logged, since it may quote the row."""
    retry_after: float | None = None
    """Seconds."""

    @property
    def numbers(self) -> str:
        """Status and code, for a person's search."""
        return f"{self.status} {self.code}".strip()


def read_refusal(reply: Reply, now: datetime) -> Refusal:
    """What an answer says, whatever shape it has; `now` (aware) turns a date in Retry-After into seconds."""
    code, message = _read_error(reply.body)
    return Refusal(reply.status, code, message, read_retry_after(reply.headers.get("retry-after"), now))


def error_code(reply: Reply) -> str:
    """Dataverse's code in lower case; empty when the answer has none."""
    return _read_error(reply.body)[0]


def missing_privilege(reply: Reply) -> str:
    """The name of the privilege for want of which we were refused; empty where the answer names none."""
    code, message = _read_error(reply.body)
    named = _PRIVILEGE.search(message) if code and reply.status == HTTPStatus.FORBIDDEN else None
    return named[0] if named else ""


def names_missing_column(reply: Reply) -> bool:
    """Whether a read was refused because the environment has no such column."""
    _, message = _read_error(reply.body)
    return reply.status == HTTPStatus.BAD_REQUEST and _MISSING_COLUMN.search(message) is not None


def to_error(refusal: Refusal, *, writes: bool) -> SyncError:
    """The exception for a refusal.

    Args:
        refusal: what Dataverse said.
        writes: whether the request was to change something, so that it may have done so in spite of a 5xx.
    """
    if _is_transient(refusal):
        return TransientError(
            f"Dynamics 365: {_transient_reason(refusal)} ({refusal.numbers}).",
            retry_after=refusal.retry_after,
            maybe_applied=writes and _may_have_run(refusal),
        )
    return PermanentError(f"Dynamics 365: {_permanent_reason(refusal)} ({refusal.numbers})")


def incomplete(*, maybe_applied: bool = False) -> TransientError:
    """An answer of success that can't be believed."""
    return TransientError("Dynamics 365: an answer was incomplete.", maybe_applied=maybe_applied)


def _read_error(body: bytes) -> tuple[str, str]:
    try:
        error = read_json(body)["error"]
        code, message = error.get("code"), error.get("message")
    except (ValueError, KeyError, TypeError, AttributeError):
        return "", ""
    code = code.lower() if isinstance(code, str) else ""
    return code if _CODE.fullmatch(code) else "", message if isinstance(message, str) else ""


def _is_transient(refusal: Refusal) -> bool:
    if not refusal.code or refusal.code in _LIMITS | _DATABASE_BUSY | _CUSTOMIZING:
        return True
    if refusal.status == HTTPStatus.PRECONDITION_FAILED:
        return refusal.code not in DUPLICATES
    if refusal.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return refusal.status != HTTPStatus.NOT_IMPLEMENTED
    return refusal.status in {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.CONFLICT,
        HTTPStatus.TOO_MANY_REQUESTS,
    }


def _may_have_run(refusal: Refusal) -> bool:
    if refusal.code in _LIMITS or refusal.status in _NEVER_RUN:
        return False
    if not refusal.code:
        return True  # of whoever answered, nobody knows what Dataverse did
    server_failed = refusal.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return server_failed or refusal.status == HTTPStatus.REQUEST_TIMEOUT


def _transient_reason(refusal: Refusal) -> str:
    if refusal.status == HTTPStatus.TOO_MANY_REQUESTS or refusal.code in _LIMITS:
        return "too many requests for now"
    if refusal.status == HTTPStatus.UNAUTHORIZED:
        return "the access token was refused"
    if refusal.status == HTTPStatus.PRECONDITION_FAILED:
        return "the row was changed meanwhile"
    if not refusal.code and refusal.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return "an answer without its own error; if that lasts, check DATAVERSE_URL"
    return "the service can't answer now"


def _permanent_reason(refusal: Refusal) -> str:
    return (
        _SENTENCES.get(refusal.code)
        or _column_reason(refusal)
        or _privilege_reason(refusal)
        or _STATUS_SENTENCES.get(refusal.status)
        or "the request was refused."
    )


def _column_reason(refusal: Refusal) -> str | None:
    if refusal.status != HTTPStatus.BAD_REQUEST:
        return None
    if missing := _MISSING_COLUMN.search(refusal.message):
        return f"the column '{missing[1] or missing[2]}' does not exist; {_PROVISION}."
    if short := _SHORT_COLUMN.search(refusal.message):
        return f"the column '{short[1]}' is too short; {_PROVISION}."
    return None


def _privilege_reason(refusal: Refusal) -> str | None:
    privilege = _PRIVILEGE.search(refusal.message)
    if refusal.status != HTTPStatus.FORBIDDEN or privilege is None:
        return None
    return (
        f"our application user lacks the privilege {privilege[0]}; "
        "an administrator must add it to the user's security role."
    )
