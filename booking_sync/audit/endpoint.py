"""The audit on demand: a JSON order → a run → a JSON report, for whoever holds the function key."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from booking_sync.audit.auditor import AuditOrder
from booking_sync.domain.ids import typed_guid
from booking_sync.errors import PermanentError, TransientError
from booking_sync.plumbing.answer import Answer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from booking_sync.audit.report import AuditReport

MAX_BODY_BYTES = 256 * 1024
"""Room for some thousands of mailboxes."""


class BadOrderError(ValueError):
    """An order that can't be followed; the text says why."""


async def answer_order(body: bytes, run: Callable[[AuditOrder], Awaitable[AuditReport]]) -> Answer:
    """Run the audit that the body asks for: 200 with the report, 400 for a bad order.

    What Dataverse or the queue can't do is 503 when it may pass and 502 when somebody has to act.
    """
    try:
        report = await run(read_order(body))
    except BadOrderError as error:
        return Answer(HTTPStatus.BAD_REQUEST, {"error": str(error)})
    except TransientError as error:
        return Answer(HTTPStatus.SERVICE_UNAVAILABLE, {"error": error.reason})
    except PermanentError as error:
        return Answer(HTTPStatus.BAD_GATEWAY, {"error": error.reason})
    return Answer(HTTPStatus.OK, report.payload())


def read_order(body: bytes) -> AuditOrder:
    """The order; without a word about repairs, none are made.

    Raises:
        BadOrderError: not an order, or one that says something unknown.
    """
    if len(body) > MAX_BODY_BYTES:
        raise BadOrderError("The body is too long.")
    try:
        order = json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError):
        raise BadOrderError("The body is not JSON.") from None
    if not isinstance(order, dict):
        raise BadOrderError("The body is not a JSON object.")
    if order.keys() - {"fix", "force", "mailboxes"}:
        # A misspelt "mailboxes" must not become an audit of everybody.
        raise BadOrderError('The body may hold "fix", "force" and "mailboxes", and nothing else.')
    return AuditOrder(
        fix=_flag(order, "fix"), force=_flag(order, "force"), mailboxes=_mailboxes(order.get("mailboxes"))
    )


def _flag(order: dict[str, Any], name: str) -> bool:
    value = order.get(name, False)
    if not isinstance(value, bool):
        raise BadOrderError(f'"{name}" must be true or false.')
    return value


def _mailboxes(value: Any) -> frozenset[str]:
    if value is None:
        return frozenset()
    if not isinstance(value, list) or not value:
        raise BadOrderError('"mailboxes" must be a list of Entra object ids; leave it out for all.')
    mailboxes = {typed_guid(each) if isinstance(each, str) else None for each in value}
    if None in mailboxes:
        raise BadOrderError('Each of "mailboxes" must be an Entra object id (a GUID).')
    return frozenset(each for each in mailboxes if each)
