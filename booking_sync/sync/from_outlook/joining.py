"""Joins notifications of one event: while it lies hidden on the queue, another one adds nothing.

One change of an event is notified up to three times, our own writes as well. Whoever works a message off
looks at the event as it is then, so a change that comes in while the message is hidden for certain is looked
after by that one. Only a message about certain versions of the event may end without a look: it covers no
other version, and the second message is about whatever there is. The memory kept here is some seconds long
and may be lost: another process looks once more.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from booking_sync.sync.webhook.announce import MARGIN_SECONDS, SETTLE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence


@dataclass(frozen=True, slots=True)
class EventNews:
    """What was notified of one event."""

    event_id: str
    deleted: bool = False
    """That one is gone now is news, also where a message lies hidden from when it was changed."""
    versions: frozenset[str] = frozenset()
    """Which versions of it, see `version_of`; none: whatever there is."""


@dataclass(frozen=True, slots=True)
class _Sent:
    """One message with events."""

    task: asyncio.Task[None]
    hidden_until: float
    """Not visible before, counted from before it was sent."""


class EventJoiner:
    """Sends events, and leaves out those that lie hidden on the queue.

    Args:
        clock: seconds that never go back, at the pace of real time.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._sent: dict[tuple[str, EventNews], _Sent] = {}
        """By mailbox and news, in the order of sending; only what is hidden for certain."""

    def __len__(self) -> int:
        """How many events are remembered."""
        return len(self._sent)

    async def announce(
        self,
        mailbox: str,
        notified: Sequence[EventNews],
        send: Callable[[Sequence[EventNews], float], Coroutine[object, object, None]],
    ) -> int:
        """Have events looked at; how many of them were not on the queue yet. All are stored for certain then.

        Args:
            mailbox: whose.
            notified: of each event once.
            send: stores them in messages that become visible after so many seconds.

        Raises:
            SyncError: not all were stored, as far as we know.
        """
        self._forget()
        fresh, awaited = [], {}
        for news in notified:
            known = self._covering(mailbox, news)
            if known is None:
                fresh.append(self._with_others(mailbox, news))
            else:
                awaited[id(known)] = known
        if fresh:
            task = asyncio.ensure_future(send(fresh, SETTLE_SECONDS))
            sent = _Sent(task, self._clock() + SETTLE_SECONDS - MARGIN_SECONDS)
            self._sent |= {(mailbox, each): sent for each in fresh}
            awaited[id(sent)] = sent
        for sent in awaited.values():
            await self._stored(sent)
        return len(fresh)

    def _covering(self, mailbox: str, news: EventNews) -> _Sent | None:
        of_any_version = replace(news, versions=frozenset())
        return self._sent.get((mailbox, news)) or self._sent.get((mailbox, of_any_version))

    def _with_others(self, mailbox: str, news: EventNews) -> EventNews:
        """The news; about whatever there is where other versions of the event are on the queue."""
        others = any(
            name == mailbox and each.event_id == news.event_id and not each.deleted
            for name, each in self._sent
        )
        return replace(news, versions=frozenset()) if others else news

    async def _stored(self, sent: _Sent) -> None:
        """Wait for the sending; one that failed covers nothing."""
        try:
            # One caller that goes away must not take the message from the others.
            await asyncio.shield(sent.task)
        except Exception:
            self._sent = {key: each for key, each in self._sent.items() if each is not sent}
            raise

    def _forget(self) -> None:
        now = self._clock()
        for key, sent in list(self._sent.items()):
            if now < sent.hidden_until:
                return
            del self._sent[key]
