"""The audit on demand: a JSON body → a run → a JSON report, for whoever holds the function key."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from booking_sync.audit.auditor import AuditRequest
from booking_sync.domain.ids import typed_guid
from booking_sync.errors import PermanentError, TransientError
from booking_sync.plumbing.http_answer import HttpAnswer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from booking_sync.audit.report import AuditReport

MAX_BODY_BYTES = 256 * 1024
"""Room for some thousands of mailboxes."""


class BadAuditRequestError(ValueError):
    """The body asks for nothing that the audit does; the text says why."""


async def answer_audit_request(
    body: bytes, run: Callable[[AuditRequest], Awaitable[AuditReport]]
) -> HttpAnswer:
    """Run the audit that the body asks for: 200 with the report, 400 for a body that makes no sense.

    What Dataverse or the queue can't do is 503 when it may pass and 502 when somebody has to act.
    """
    try:
        report = await run(read_audit_request(body))
    except BadAuditRequestError as error:
        return HttpAnswer(HTTPStatus.BAD_REQUEST, {"error": str(error)})
    except TransientError as error:
        return HttpAnswer(HTTPStatus.SERVICE_UNAVAILABLE, {"error": error.reason})
    except PermanentError as error:
        return HttpAnswer(HTTPStatus.BAD_GATEWAY, {"error": error.reason})
    return HttpAnswer(HTTPStatus.OK, report.payload())


def read_audit_request(body: bytes) -> AuditRequest:
    """What the body asks for; repairs are made only when it says so.

    Raises:
        BadAuditRequestError: it is no JSON object, or says something unknown.
    """
    if len(body) > MAX_BODY_BYTES:
        raise BadAuditRequestError("The body is too long.")
    try:
        request = json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError):
        raise BadAuditRequestError("The body is not JSON.") from None
    if not isinstance(request, dict):
        raise BadAuditRequestError("The body is not a JSON object.")
    if request.keys() - {"fix", "force", "mailboxes"}:
        # A misspelt "mailboxes" must not become an audit of everybody.
        raise BadAuditRequestError('The body may hold "fix", "force" and "mailboxes", and nothing else.')
    return AuditRequest(
        fix=_flag(request, "fix"),
        force=_flag(request, "force"),
        mailboxes=_mailboxes(request.get("mailboxes")),
    )


def _flag(request: dict[str, Any], name: str) -> bool:
    value = request.get(name, False)
    if not isinstance(value, bool):
        raise BadAuditRequestError(f'"{name}" must be true or false.')
    return value


def _mailboxes(value: Any) -> frozenset[str]:
    if value is None:
        return frozenset()
    if not isinstance(value, list) or not value:
        raise BadAuditRequestError('"mailboxes" must be a list of Entra object ids; leave it out for all.')
    mailboxes = {typed_guid(each) if isinstance(each, str) else None for each in value}
    if None in mailboxes:
        raise BadAuditRequestError('Each of "mailboxes" must be an Entra object id (a GUID).')
    return frozenset(each for each in mailboxes if each)
