"""The port `Subscriptions` on Graph.

Microsoft Graph, "subscription resource type" and "List subscriptions": an application sees all that it has
made, page by page, without their client states; a list takes no options. A creation asks both addresses
first and may take twenty seconds, so these requests travel alone and hold up no calendar's.
"""

from __future__ import annotations

import re
from datetime import UTC
from typing import TYPE_CHECKING, Any

from booking_sync.domain.ids import read_guid, read_moment
from booking_sync.errors import Cause, PermanentError, SyncError, TransientError
from booking_sync.outlook.fields import Fields, next_link, rows, unreadable
from booking_sync.outlook.graph import errors
from booking_sync.ports.outlook.subscriptions import EventSubscription

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime

    from booking_sync.outlook.graph.wire import Answer, BatchResult, GraphRequest
    from booking_sync.outlook.requests import EventRequests
    from booking_sync.ports.outlook.subscriptions import WantedSubscription
    from booking_sync.ports.platform.clock import Clock

LINE = "subscriptions"
"""Stands for a mailbox where requests are lined up."""
MAX_PAGES = 1_000
CHANGES = "updated,deleted"
"""What is made in a calendar has no booking that names it."""

_RESOURCE = re.compile(r"/?users/([^/]+)/events", re.IGNORECASE)
_NOT_REACHED = "validationerror"
_NOT_REACHED_WORDS = "subscription validation request"
"""How Graph's sentence begins: seen with the code InvalidRequest as well (msgraph-sdk-dotnet, issue 2805;
nodejs-webhooks-sample, issue 350), at creations and at renewals."""


class GraphSubscriptions:
    """Fulfils `Subscriptions`.

    Args:
        send: executes a batch; each request is one of its own.
        requests: builds requests with the SDK.
        now: the time of day, aware.
    """

    def __init__(
        self,
        send: Callable[[Sequence[GraphRequest]], Awaitable[BatchResult]],
        requests: EventRequests,
        now: Clock,
    ) -> None:
        self._send = send
        self._requests = requests
        self._now = now

    async def list_all(self) -> list[EventSubscription]:
        """See the port."""
        found: dict[str, EventSubscription] = {}
        request = self._requests.subscriptions(LINE)
        for _ in range(MAX_PAGES):
            answer = await self._submit(request)
            if not errors.is_success(answer):
                raise self._error(answer, request)
            for entry in rows(answer.body):
                if each := _read(entry):
                    found[each.subscription_id] = each
            link = next_link(answer.body)
            if link is None:
                return list(found.values())
            request = self._requests.next_subscriptions(LINE, link)
        raise TransientError("Graph's list of subscriptions runs in a circle")

    async def create(self, wanted: WantedSubscription) -> str:
        """See the port."""
        request = self._requests.subscribe(LINE, creation_of(wanted))
        answer = await self._submit(request)
        if not errors.is_success(answer):
            raise self._refusal(answer, request)
        identity = read_guid(answer.body.get("id")) if isinstance(answer.body, dict) else None
        if identity is None:
            raise unreadable(maybe_applied=True)
        return identity

    async def renew(self, subscription_id: str, expires: datetime) -> bool:
        """See the port."""
        request = self._requests.renew_subscription(LINE, subscription_id, renewal_until(expires))
        return await self._found(request)

    async def delete(self, subscription_id: str) -> None:
        """See the port."""
        await self._found(self._requests.end_subscription(LINE, subscription_id))

    async def _found(self, request: GraphRequest) -> bool:
        answer = await self._submit(request)
        if errors.is_success(answer):
            return True
        if answer.status == errors.NOT_FOUND and errors.error_code(answer):
            return False
        raise self._error(answer, request)

    async def _submit(self, request: GraphRequest) -> Answer:
        (result,) = (await self._send([request])).results
        if isinstance(result, SyncError):
            raise result
        return result

    def _refusal(self, answer: Answer, request: GraphRequest) -> SyncError:
        """Why one can't be made: the address did not answer, or the mailbox takes none."""
        error = self._error(answer, request)
        if _is_unreached(answer):
            return error
        refused = answer.status in (errors.FORBIDDEN, errors.NOT_FOUND) and errors.error_code(answer)
        if refused and isinstance(error, TransientError):
            return PermanentError(
                f"Outlook: this mailbox takes no subscriptions ({errors.shown_code(answer)}).",
                cause=Cause.ACCESS_DENIED,
            )
        return error

    def _error(self, answer: Answer, request: GraphRequest) -> SyncError:
        if _is_unreached(answer):
            return TransientError(
                "Graph got no right answer from NOTIFICATION_URL: check the address, and that the app there "
                "is up and has RETURN_PATH and NOTIFICATION_URL set"
            )
        return errors.translate(answer, self._now(), writes=request.writes)


def _is_unreached(answer: Answer) -> bool:
    """The address did not answer Graph's question as it must."""
    if not errors.is_client_error(answer) or answer.status in errors.PASSING:
        return False
    by_code = errors.error_code(answer).lower() == _NOT_REACHED
    return by_code or errors.message_begins(answer, _NOT_REACHED_WORDS)


def creation_of(wanted: WantedSubscription, changes: str = CHANGES) -> dict[str, Any]:
    """The body that asks for a subscription."""
    return {
        "changeType": changes,
        "resource": f"/users/{wanted.mailbox}/events",
        "notificationUrl": wanted.url,
        "lifecycleNotificationUrl": wanted.url,
        "clientState": wanted.client_state,
        "expirationDateTime": _text(wanted.expires),
    }


def renewal_until(expires: datetime) -> dict[str, Any]:
    """The body that has one live until then."""
    return {"expirationDateTime": _text(expires)}


def _read(entry: Any) -> EventSubscription | None:
    """A subscription to a mailbox's events; None for one to something else, which is another program's."""
    fields = Fields(entry)
    named = _RESOURCE.fullmatch(fields.text("resource"))
    mailbox = read_guid(named[1]) if named else None
    if mailbox is None:
        return None
    identity, expires = read_guid(fields.text("id")), read_moment(fields.text("expirationDateTime"))
    if identity is None or expires is None:
        raise unreadable()
    return EventSubscription(identity, mailbox, fields.text("notificationUrl"), expires)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
