"""The subscriptions that a tenant check makes: told apart from the app's own, and ended again.

They notify the address of the deployed app, which answers Graph's question, with a query that names no key.
So the list tells them from the app's own, which are never touched; and what a killed run left is ended by the
next one, or by the app's timer `watch`, to which it is surplus. Their client state is none of ours: the app
drops what they report.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from booking_sync.certify.answers import entries, field_of
from booking_sync.certify.trial_events import RefusedError
from booking_sync.domain.ids import read_guid
from booking_sync.errors import SyncError
from booking_sync.ports.outlook.subscriptions import WantedSubscription
from booking_sync.sync.from_outlook.watch_plan import address_of

if TYPE_CHECKING:
    from datetime import timedelta

    from booking_sync.ports.certification import ServiceAnswer, SubscriptionTrials
    from booking_sync.ports.platform.clock import Clock

QUERY: Final = "certify"
"""Where the app's own subscriptions name the version of a key, which has eight hexadecimal digits."""
CLIENT_STATE: Final = "booking-sync-certify"
"""Of no form that the app takes for its own."""
CHANGES: Final = "deleted"
"""The least that can be asked for; no check deletes an event while a subscription lives."""
MAX_PAGES: Final = 1_000
NOT_FOUND: Final = 404


@dataclass(frozen=True, slots=True)
class ListedTrial:
    """A subscription of a tenant check in Graph's list."""

    page: int
    """Counted from 1."""
    entry: dict[str, Any]


class TrialSubscriptions:
    """Makes subscriptions to one mailbox, and ends them.

    Args:
        graph: where.
        url: `NOTIFICATION_URL`; empty where none is ever made.
        mailbox: its user's Entra object id.
        now: the time of day.
    """

    def __init__(self, graph: SubscriptionTrials, url: str, mailbox: str, now: Clock) -> None:
        self.graph = graph
        self.url = address_of(url, QUERY)
        self._mailbox = mailbox.lower()
        self._now = now
        self._unsettled = False
        """Whether one may be there."""
        self._unanswered = False
        """Whether an answer was lost, so that one may still come into being."""

    async def make(self, life: timedelta) -> ServiceAnswer:
        """Ask for one that lives so long."""
        self._unsettled, before, self._unanswered = True, self._unanswered, True
        wanted = WantedSubscription(self._mailbox, self.url, CLIENT_STATE, self._now() + life)
        answer = await self.graph.subscribe(wanted, CHANGES)
        self._unanswered = before
        return answer

    async def listed(self) -> dict[str, ListedTrial]:
        """Those to this mailbox, by id, from all pages of the list.

        Raises:
            RefusedError: a page can't be had.
        """
        found: dict[str, ListedTrial] = {}
        link = ""
        for page in range(1, MAX_PAGES + 1):
            answer = await self.graph.subscriptions(link)
            if not answer.ok:
                raise RefusedError(answer, "the list of subscriptions")
            for each in entries(answer):
                identity = read_guid(each.get("id"))
                if identity and self._is_of_a_check(each):
                    found[identity] = ListedTrial(page, each)
            following = field_of(answer, "@odata.nextLink")
            if not isinstance(following, str) or not following:
                break
            link = following
        return found

    async def sweep(self) -> SyncError | RefusedError | None:
        """End all that are there, also where an answer was lost; returns why that did not work."""
        if not self._unsettled:
            return None
        try:
            for each in await self.listed():
                answer = await self.graph.unsubscribe(each)
                if not answer.ok and answer.status != NOT_FOUND:
                    return RefusedError(answer, "the end of a subscription")
        except (SyncError, RefusedError) as error:
            return error
        self._unsettled = self._unanswered  # Graph may ask the address yet: looked for again in the end
        return None

    def _is_of_a_check(self, entry: dict[str, Any]) -> bool:
        to = str(entry.get("resource", "")).lower()
        return entry.get("notificationUrl") == self.url and self._mailbox in to
