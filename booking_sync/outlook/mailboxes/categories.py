"""The port `CategoryLists` on Graph.

Microsoft Graph, "outlookCategory resource type": a name is unique in a mailbox's list and can't be changed;
reading takes MailboxSettings.Read, adding MailboxSettings.ReadWrite. How a name is refused that is there
already is documented nowhere: after any refusal the list is read again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from booking_sync.errors import Cause, PermanentError, TransientError
from booking_sync.outlook.fields import Fields, next_link, rows
from booking_sync.outlook.graph import errors

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from booking_sync.domain.events.event_text.colours import CategoryColour
    from booking_sync.errors import SyncError
    from booking_sync.outlook.graph.wire import Answer, GraphRequest
    from booking_sync.outlook.requests import EventRequests
    from booking_sync.ports.platform.clock import Clock

MAX_PAGES: Final = 20
"""Of a list of categories; nobody has hundreds."""
DENIED_REASON: Final = (
    "Outlook: the app may not see to the categories of this mailbox (access denied); it takes the permission "
    "MailboxSettings.ReadWrite (docs/event.md)."
)


class OutlookCategories:
    """Reads lists of categories, and adds to them; fulfils `CategoryLists`.

    Args:
        submit: has a request travel with others.
        requests: builds requests with the SDK.
        now: the time of day, aware.
    """

    def __init__(
        self, submit: Callable[[GraphRequest], Awaitable[Answer]], requests: EventRequests, now: Clock
    ) -> None:
        self._submit = submit
        self._requests = requests
        self._now = now

    async def names(self, mailbox: str) -> frozenset[str]:
        """See the port."""
        found: set[str] = set()
        request = self._requests.categories(mailbox)
        for _ in range(MAX_PAGES):
            answer = await self._submit(request)
            if not errors.is_success(answer):
                raise self._refusal(answer, request)
            found |= {Fields(each).text("displayName").casefold() for each in rows(answer.body)}
            link = next_link(answer.body)
            if link is None:
                return frozenset(found)
            request = self._requests.next_page(mailbox, link)
        raise TransientError("Graph's list of categories runs in a circle")

    async def add(self, mailbox: str, colour: CategoryColour) -> bool:
        """See the port."""
        body: dict[str, Any] = {"displayName": colour.name, "color": colour.preset}
        request = self._requests.add_category(mailbox, body)
        answer = await self._submit(request)
        if errors.is_success(answer):
            return True
        error = self._refusal(answer, request)
        if _is_denied(error) or colour.name.casefold() not in await self.names(mailbox):
            raise error
        return False

    def _refusal(self, answer: Answer, request: GraphRequest) -> SyncError:
        error = errors.translate(answer, self._now(), writes=request.writes)
        return PermanentError(DENIED_REASON, cause=Cause.ACCESS_DENIED) if _is_denied(error) else error


def _is_denied(error: SyncError) -> bool:
    return isinstance(error, PermanentError) and error.cause is Cause.ACCESS_DENIED
