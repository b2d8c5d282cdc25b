"""Sees to it that Graph reports changes of every mailbox that shows bookings.

Each run compares what is wanted with what there is, and does a part of what is missing: whatever a run
leaves undone, the next one finds. What changed while there was no subscription, a sweep of the mailbox
finds, which is queued before one is made.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypeVar

from booking_sync.domain.return_path.client_state import make_client_state
from booking_sync.domain.return_path.messages import MailboxSweep
from booking_sync.errors import PermanentError, TransientError
from booking_sync.plumbing.log import log_event
from booking_sync.ports.outlook.subscriptions import WantedSubscription
from booking_sync.sync.from_outlook.watch_plan import LIFE, WatchPlan, address_of, plan_watch
from booking_sync.sync.sending import do_all

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from datetime import datetime

    from booking_sync.domain.return_path.client_state import NotificationKey
    from booking_sync.ports.outlook.subscriptions import EventSubscription, Subscriptions
    from booking_sync.ports.platform.clock import Clock
    from booking_sync.ports.platform.keys import NotificationKeyring
    from booking_sync.ports.platform.queues import MessageQueue

AT_ONCE: Final = 4
MOST_PER_RUN: Final = 2_000
"""Requests of one run, of each kind; some minutes of them."""
MOST_FAILURES: Final = 5
"""After so many of a kind that may pass a run leaves the rest of it: the address can't be reached, or Graph
throttles."""
REFUSED_FOR: Final = timedelta(days=1)
"""How long a mailbox is left alone that takes no subscriptions; sweeps find what changes there."""
SHORTEST_SHARE: Final = 0.75
"""Lives are drawn between this share of the longest and all of it, so that not all are renewed at once."""
SWEPT_AFTER_SECONDS: Final = 60.0
"""Until a mailbox is swept that gets a subscription: it is there by then."""
SWEEPS_PER_SECOND: Final = 2.0
CORRELATION_PREFIX: Final = "watch-"

_logger = logging.getLogger(__name__)

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class WatchedAddress:
    """Where notifications go."""

    url: str
    """`NOTIFICATION_URL`."""
    scope: str
    """Of the client states."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What a run did."""

    tally: Mapping[str, int]
    """By kind."""
    problem: str = ""
    """Why something could not be done; empty when all went well."""


class Watch:
    """Makes, renews and ends subscriptions.

    Args:
        subscriptions: Graph's.
        wanted: the mailboxes that show bookings, completely listed.
        keyring: the keys that prove notifications.
        address: where they go.
        queue: takes sweeps.
        now: the time of day.
        new_id: a fresh GUID's text.
        chance: a number from 0 to 1.
    """

    def __init__(
        self,
        subscriptions: Subscriptions,
        wanted: Callable[[], Awaitable[frozenset[str]]],
        keyring: NotificationKeyring,
        address: WatchedAddress,
        queue: MessageQueue,
        *,
        now: Clock,
        new_id: Callable[[], str],
        chance: Callable[[], float],
    ) -> None:
        self._subscriptions = subscriptions
        self._wanted = wanted
        self._keyring = keyring
        self._address = address
        self._queue = queue
        self._now = now
        self._new_id = new_id
        self._chance = chance
        self._refused: dict[str, datetime] = {}
        """Mailboxes that took no subscription, and when they are asked again."""
        self._failing: set[str] = set()
        """Mailboxes that could not be served when they were last tried: the others come first."""
        self._problem = ""
        """Why something failed in the run that is under way."""

    async def run(self) -> Watched:
        """One run; what it did, by kind, and why not all of it.

        Raises:
            SyncError: who takes part, the keys, or what there is can't be told: nothing was changed.
        """
        self._problem = ""
        tally: Counter[str] = Counter()
        wanted, key = await self._wanted(), (await self._keyring.keys()).newest
        had = await self._subscriptions.list_all()
        plan = plan_watch(
            wanted,
            had,
            url=self._address.url,
            key_version=key.version,
            now=self._now(),
            refusing=self._refusing(),
        )
        tally |= {"wanted": len(wanted), "had": len(had)}
        await self._carry_out(plan, key, tally)
        log_event(
            _logger,
            "watch",
            level=logging.WARNING if tally["failed"] else logging.INFO,
            refused=len(self._refused),
            **tally,
        )
        return Watched(+tally, self._problem)

    async def renew(self, mailbox: str, subscription_id: str) -> bool:
        """Renew one that Graph asks for; False when it is gone, and has been made anew.

        Raises:
            SyncError: not now, or refused.
        """
        if await self._subscriptions.renew(subscription_id, self._expiry()):
            return True
        await self.recreate(mailbox)
        return False

    async def recreate(self, mailbox: str) -> None:
        """Make one where Graph has ended it, if it is wanted; raises as `renew`."""
        if mailbox in await self._wanted():
            await self._create(mailbox, (await self._keyring.keys()).newest)

    async def remove_all(self) -> int:
        """End all that notify this address; how many there were.

        Raises:
            SyncError: not all could be ended.
        """
        return await end_all(self._subscriptions, self._address.url)

    async def _carry_out(self, plan: WatchPlan, key: NotificationKey, tally: Counter[str]) -> None:
        """What would end first, first; what can't be done now is left to the next run."""
        create = sorted(plan.create, key=lambda mailbox: mailbox in self._failing)[:MOST_PER_RUN]
        places = {mailbox: place for place, mailbox in enumerate(create)}

        async def renew(each: EventSubscription) -> None:
            kept = await self._subscriptions.renew(each.subscription_id, self._expiry())
            tally["renewed" if kept else "gone"] += 1

        async def make(mailbox: str) -> None:
            await self._sweep(mailbox, places[mailbox])
            await self._create(mailbox, key)
            tally["created"] += 1

        async def end(each: EventSubscription) -> None:
            await self._delete(each)
            tally["deleted"] += 1

        await self._each(plan.renew[:MOST_PER_RUN], renew, tally)
        await self._each(create, make, tally)
        await self._each(plan.delete[:MOST_PER_RUN], end, tally)
        left = (len(each) - MOST_PER_RUN for each in (plan.renew, plan.create, plan.delete))
        tally["left"] += sum(max(0, each) for each in left)

    async def _each(
        self, items: Sequence[Item], act: Callable[[Item], Awaitable[None]], tally: Counter[str]
    ) -> None:
        failed = 0

        async def one(item: Item) -> None:
            nonlocal failed
            if failed >= MOST_FAILURES:
                tally["left"] += 1
                return
            mailbox = item if isinstance(item, str) else ""
            try:
                await act(item)
                self._failing.discard(mailbox)
            except TransientError as error:
                failed += 1
                tally["failed"] += 1
                self._failing.add(mailbox)
                self._problem = error.reason
                log_event(_logger, "watch_failed", level=logging.WARNING, reason=error.reason)
            except PermanentError as error:
                tally["refused now"] += 1
                if mailbox:
                    self._refused[mailbox] = self._now() + REFUSED_FOR
                log_event(_logger, "watch_refused", mailbox=mailbox, reason=error.reason)

        await do_all(items, one, at_once=AT_ONCE)

    async def _create(self, mailbox: str, key: NotificationKey) -> None:
        wanted = WantedSubscription(
            mailbox,
            address_of(self._address.url, key.version),
            make_client_state(key, self._address.scope, mailbox),
            self._expiry(),
        )
        await self._subscriptions.create(wanted)

    async def _delete(self, each: EventSubscription) -> None:
        await self._subscriptions.delete(each.subscription_id)

    async def _sweep(self, mailbox: str, place: int) -> None:
        sweep = MailboxSweep(mailbox, CORRELATION_PREFIX + self._new_id(), self._now())
        await self._queue.send_outlook(sweep, SWEPT_AFTER_SECONDS + place / SWEEPS_PER_SECOND)

    def _expiry(self) -> datetime:
        return self._now() + LIFE * (SHORTEST_SHARE + (1 - SHORTEST_SHARE) * self._chance())

    def _refusing(self) -> frozenset[str]:
        now = self._now()
        self._refused = {mailbox: until for mailbox, until in self._refused.items() if until > now}
        return frozenset(self._refused)


async def end_all(subscriptions: Subscriptions, url: str) -> int:
    """End all that notify this address; how many there were.

    Args:
        subscriptions: Graph's; those to other addresses are another deployment's, and stay.
        url: `NOTIFICATION_URL`.

    Raises:
        SyncError: not all could be ended.
    """
    ours = notifying(await subscriptions.list_all(), url)
    await do_all([each.subscription_id for each in ours], subscriptions.delete, at_once=AT_ONCE)
    return len(ours)


def notifying(subscriptions: Sequence[EventSubscription], url: str) -> Sequence[EventSubscription]:
    """Those that notify this address, whatever key they were made with."""
    return [each for each in subscriptions if each.url.partition("?")[0] == url]
