"""Lists on Microsoft Graph, read to their end.

Graph cuts a list into pages, and each page says where the next one is. A list that is not read to its end
counts for nothing: whoever compares it with bookings would take what is missing for deleted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from booking_sync.errors import TransientError
from booking_sync.outlook import listing
from booking_sync.outlook.fields import next_link, rows
from booking_sync.outlook.graph import errors

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from booking_sync.errors import SyncError
    from booking_sync.outlook.graph.wire import Answer, GraphRequest
    from booking_sync.ports.platform.clock import Clock

MAX_PAGES = 2_000
"""A list that never ends is a fault of the service; these are half a million events of one person."""


class GraphPages:
    """Reads a list page by page.

    Args:
        submit: has a request travel with others.
        next_page: builds the request for a mailbox's next page from its address.
        now: the time of day, aware.
    """

    def __init__(
        self,
        submit: Callable[[GraphRequest], Awaitable[Answer]],
        next_page: Callable[[str, str], GraphRequest],
        now: Clock,
    ) -> None:
        self._submit = submit
        self._next_page = next_page
        self._now = now

    async def __call__(self, first: GraphRequest, *, may_be_gone: bool = False) -> AsyncIterator[list[Any]]:
        """A list's entries, page by page until Graph says that it ends; each event once.

        Pages are cut anew at each request, so an event may slide from one to the next between the two.

        Args:
            first: asks for the first page.
            may_be_gone: somebody may have deleted the calendar since it was found; then it shows nothing.

        Raises:
            TransientError: a page can't be had or read, or the pages run in a circle.
            PermanentError: refused.
        """
        seen: set[str] = set()
        events: set[str] = set()
        request, before = first, None
        for _ in range(MAX_PAGES):
            answer = await self._submit(request)
            if may_be_gone and errors.is_folder_missing(answer):
                return
            page = self._page_of(answer, request)
            entries = rows(page)
            if entries and entries == before:
                break  # the same page under another address
            yield listing.not_yet_seen(entries, events)
            link = next_link(page)
            if link is None:
                return
            if link in seen:
                break
            seen.add(link)
            request, before = self._next_page(first.mailbox, link), entries
        raise TransientError("Graph's list of events runs in a circle")

    def error(self, answer: Answer, request: GraphRequest) -> SyncError:
        """What an answer comes to that is no success and means nothing to who asked."""
        return errors.translate(answer, self._now(), writes=request.writes)

    def _page_of(self, answer: Answer, request: GraphRequest) -> Any:
        if not errors.is_success(answer):
            raise self.error(answer, request)
        return answer.body
