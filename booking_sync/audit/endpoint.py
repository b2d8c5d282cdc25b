"""The audit on demand: a JSON body → a run → a JSON report, for whoever holds the function key."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from booking_sync.audit.auditor import AuditRequest
from booking_sync.domain.ids import typed_guid
from booking_sync.errors import SyncError
from booking_sync.plumbing.http.answer import NOT_STORED, HttpAnswer
from booking_sync.plumbing.http.orders import BadRequestError, read_order, refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from booking_sync.audit.report import AuditReport

MAX_BODY_BYTES = 256 * 1024
"""Room for some thousands of mailboxes."""


async def answer_audit_request(
    headers: Mapping[str, str], body: bytes, run: Callable[[AuditRequest], Awaitable[AuditReport]]
) -> HttpAnswer:
    """Run the audit that the body asks for: 200 with the report, or a refusal with its reason.

    202 with what was seen so far: it is long, and goes on in the app.

    What Dataverse or the queue can't do is 503 when it may pass and 502 when somebody has to act; 409 says
    that another audit is under way.
    """
    try:
        report = await run(read_audit_request(headers, body))
    except (BadRequestError, SyncError) as error:
        return refusal(error, "error")
    status = HTTPStatus.OK if report.rest is None else HTTPStatus.ACCEPTED
    return HttpAnswer(status, report.payload(), dict(NOT_STORED))


def read_audit_request(headers: Mapping[str, str], body: bytes) -> AuditRequest:
    """What the body asks for; repairs are made only when it says so.

    Raises:
        BadRequestError: it comes from another page, is no JSON object, or says something unknown.
    """
    names = {"fix", "force", "mailboxes"}
    request = read_order(headers, body, names, max_bytes=MAX_BODY_BYTES, may_be_empty=True)
    return AuditRequest(
        fix=_flag(request, "fix"),
        force=_flag(request, "force"),
        mailboxes=_mailboxes(request.get("mailboxes")),
    )


def _flag(request: dict[str, Any], name: str) -> bool:
    value = request.get(name, False)
    if not isinstance(value, bool):
        raise BadRequestError(f'"{name}" must be true or false.')
    return value


def _mailboxes(value: Any) -> frozenset[str]:
    if value is None:
        return frozenset()
    if not isinstance(value, list) or not value:
        raise BadRequestError('"mailboxes" must be a list of Entra object ids; leave it out for all.')
    mailboxes = {typed_guid(each) if isinstance(each, str) else None for each in value}
    if None in mailboxes:
        raise BadRequestError('Each of "mailboxes" must be an Entra object id (a GUID).')
    return frozenset(each for each in mailboxes if each)
