"""Takes over the dead letters that the Functions host wrote, before Storage deletes them.

What the host itself moves to the poison queue expires after seven days, because it sends the copy without a
time to live (azure-webjobs-sdk-extensions issue 891). A poison queue that empties itself looks like a mended
app. So each such message is put again, for good and with a reason, and then the host's is deleted.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from booking_sync.domain.ids import read_moment
from booking_sync.errors import SyncError
from booking_sync.operations.dead_letters import original_text, read_dead_letter
from booking_sync.plumbing.log import log_event
from booking_sync.sync.sending import do_all

if TYPE_CHECKING:
    from datetime import datetime

    from booking_sync.ports.platform.clock import Clock
    from booking_sync.ports.platform.queues import PoisonMessage, PoisonQueue

MAX_ROUNDS = 10
"""Fetches per run, of up to 32 messages each; a later run takes what is left, days before it expires."""
HIDDEN_SECONDS = 120
"""How long a taken message is hidden from others; longer than all that is done with it."""
PEEKED = 32
"""As many as one look at the queue shows."""

_logger = logging.getLogger(__name__)


@dataclass(slots=True)
class TakenOver:
    """How a run ended."""

    kept: int = 0
    """Messages of the host that are there for good now."""
    problem: str = ""
    """Why not all were looked at; empty when all were."""


def host_reason(message: PoisonMessage, moment: datetime) -> str:
    """Why the host gave a message up at this moment (aware, UTC), in words for people."""
    if not message.is_base64:
        return "Not Base64: not written by this app."
    return (
        "The host gave up after five deliveries that ended without an answer: see the log for crashes around "
        f"{moment:%Y-%m-%d %H:%M} UTC."
    )


async def take_over_host_dead_letters(poison: PoisonQueue, now: Clock) -> TakenOver:
    """Put every message that would expire again, so that it stays, and then delete the old one.

    A message that somebody else has taken is left to a later run. A crash between the two requests leaves
    both, which costs one read of the booking when both are replayed. The first failure ends the run, so that
    a service that takes messages and deletes none gets no more than one double by each run. Never raises a
    `SyncError`: the next run does what was left, and there are days for it.

    Args:
        poison: the poison queue.
        now: the time of day, where the queue does not tell when a message came.
    """
    done = TakenOver()
    others: list[PoisonMessage] = []
    """Taken and not settled: visible again in the end, also after a failure."""
    try:
        for _ in range(MAX_ROUNDS if await _may_hold_any(poison) else 0):
            page = await poison.take(HIDDEN_SECONDS)
            if not page:
                break
            others += page
            for message in (each for each in page if each.expires is not None):
                await _take_over(message, poison, now)
                others.remove(message)
                done.kept += 1
    except SyncError as error:
        done.problem = error.reason
    finally:
        with suppress(SyncError):  # Storage does it when the hidden time is over
            await do_all(others, poison.release)
    _report(done)
    return done


async def _may_hold_any(poison: PoisonQueue) -> bool:
    """Whether a message may expire, found out without hiding any: mostly there is none."""
    seen = await poison.peek()
    return len(seen) >= PEEKED or any(each.expires is not None for each in seen)


async def _take_over(message: PoisonMessage, poison: PoisonQueue, now: Clock) -> None:
    letter = read_dead_letter(message)
    moment = read_moment(letter.dead_lettered_at) or now()
    # One that has a reason is the app's own, sent again by a tool that lets messages expire.
    await poison.put(original_text(message), letter.reason or host_reason(message, moment), moment)
    await poison.delete(message)


def _report(done: TakenOver) -> None:
    if done.kept or done.problem:
        log_event(
            _logger, "host_dead_letters", level=logging.WARNING, kept=done.kept, problem=done.problem or None
        )
