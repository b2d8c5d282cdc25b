"""Joins notifications of one event: while it lies hidden on the queue, another one adds nothing.

One change of an event is notified up to three times, our own writes as well. Whoever works a message off
reads the event afresh, so a change that comes in while the message is hidden for certain is looked after by
that one. The memory kept here is some seconds long and may be lost: another process looks once more.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from booking_sync.sync.announce import MARGIN_SECONDS, SETTLE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence


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
        self._sent: dict[tuple[str, str], _Sent] = {}
        """By mailbox and event, in the order of sending; only what is hidden for certain."""

    def __len__(self) -> int:
        """How many events are remembered."""
        return len(self._sent)

    async def announce(
        self,
        mailbox: str,
        event_ids: Sequence[str],
        send: Callable[[Sequence[str], float], Coroutine[object, object, None]],
    ) -> int:
        """Have events looked at; how many of them were not on the queue yet. All are stored for certain then.

        Args:
            mailbox: whose.
            event_ids: each once.
            send: stores events in messages that become visible after so many seconds.

        Raises:
            SyncError: not all were stored, as far as we know.
        """
        self._forget()
        fresh = [each for each in event_ids if (mailbox, each) not in self._sent]
        awaited = {id(known): known for each in event_ids if (known := self._sent.get((mailbox, each)))}
        if fresh:
            task = asyncio.ensure_future(send(fresh, SETTLE_SECONDS))
            sent = _Sent(task, self._clock() + SETTLE_SECONDS - MARGIN_SECONDS)
            self._sent |= {(mailbox, each): sent for each in fresh}
            awaited[id(sent)] = sent
        for sent in awaited.values():
            await self._stored(sent)
        return len(fresh)

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
