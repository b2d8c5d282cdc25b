"""What a timer does for the change queue where the platform has stopped to hand its messages out.

Now and then a Functions host's queue listener stops while its timers go on, until somebody restarts the app.
Then changes lie on the queue and nobody is told. So the catch-up looks: a message that has waited for long,
and that nobody takes while we look on, says that the listener is gone. That is told, and a bounded part of
the queue is worked off here, as the listener would have.

Beside a listener that does work this is harmless. Storage hands a message to one taker at a time and hides it
from all others; should work take longer than that, the message is delivered again, which the protocol bears
as any redelivery, and the older receipt no longer deletes it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from booking_sync.plumbing.log import log_event
from booking_sync.sync.sending import do_all

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from booking_sync.ports.platform.clock import Clock
    from booking_sync.ports.platform.queues import ChangeIntake, QueuedMessage

STALE = timedelta(minutes=15)
"""How long a visible message lies there before anybody looks closer. A listener takes one within a second; a
put-back is a new message, but one with a long delay is old when it becomes visible."""
LOOK_AGAIN_SECONDS = 60.0
"""How long the first message has to stay where it is. A listener that has its hands full is back by then."""
HIDDEN_SECONDS = 600
"""As the host hides what it hands out."""
PAGES = 2
"""Of up to 32 messages, by each run: some seconds of work, far below the function's time limit."""

ENOUGH_SECONDS = 120.0
"""After which no further page is taken: a message may be a stretch of an audit, which takes minutes."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Relief:
    """What a run found and did."""

    waiting_minutes: int = 0
    """How long the oldest message has waited that nobody takes; 0 where the listener works."""
    worked: int = 0
    """Messages that were worked off here."""


async def relieve(
    intake: ChangeIntake,
    handle: Callable[[str, int], Awaitable[None]],
    now: Clock,
    sleep: Callable[[float], Awaitable[None]],
) -> Relief:
    """Look whether the queue is served, and work a part of it where it is not.

    Args:
        intake: the change queue.
        handle: works on a message's text and delivery count, as the queue function does.
        now: the time of day.
        sleep: waits for so many seconds.

    Raises:
        SyncError: the queue can't be reached.
    """
    first = _oldest(await intake.peek())
    if first is None or first.inserted is None or now() - first.inserted < STALE:
        return Relief()
    await sleep(LOOK_AGAIN_SECONDS)
    again = _oldest(await intake.peek())
    if again is None or (again.message_id, again.dequeue_count) != (first.message_id, first.dequeue_count):
        return Relief()
    minutes = (now() - first.inserted) // timedelta(minutes=1)
    worked = await _work_off(intake, handle, now)
    log_event(_logger, "queue_waits", level=logging.ERROR, minutes=minutes, worked=worked)
    return Relief(minutes, worked)


def _oldest(messages: Sequence[QueuedMessage]) -> QueuedMessage | None:
    dated = (each for each in messages if each.inserted is not None)
    return min(dated, key=lambda each: (each.inserted, each.message_id), default=None)


async def _work_off(intake: ChangeIntake, handle: Callable[[str, int], Awaitable[None]], now: Clock) -> int:
    """How many were worked off; one that fails shows again when its time is over, as the host has it."""
    worked, begun = 0, now()

    async def work(message: QueuedMessage) -> None:
        nonlocal worked
        try:
            await handle(message.text, message.dequeue_count)
        except Exception:  # noqa: BLE001 - the worker has logged it; the message comes back
            return
        await intake.delete(message)
        worked += 1

    for _ in range(PAGES):
        if now() - begun >= timedelta(seconds=ENOUGH_SECONDS) or not (
            page := await intake.take(HIDDEN_SECONDS)
        ):
            break
        await do_all(page, work, at_once=len(page))
    return worked
