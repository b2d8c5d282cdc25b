"""How an action of a flow is retried before its run fails, after Microsoft's documentation.

An action whose request is answered 408, 429 or 5xx, or not at all, is sent again ("Handle errors and
exceptions in Azure Logic Apps"), here ten times, as the flow's author had it. The waits are those of the
exponential policy: before retry n a random time from a range that doubles. Its scale of 7 seconds and its end
at about 15 minutes are Power Automate's defaults for the medium and high profiles ("Limits for automated,
scheduled, and instant flows", retry policy; left alone, that policy retries 8 times). How Retry-After and the
range go together is not documented; the longer wait is taken, which loses least. Then, and at any other
refusal at once, the run fails.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from random import Random

    from benchmarks.contenders.seams import Reply


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """An exponential retry policy; times in seconds."""

    attempts: int = 10
    """After the first try."""
    interval: float = 7.0
    longest: float = 900.0

    def delay(self, retry: int, asked: float | None, random: Random) -> float:
        """How long to wait before retry number `retry`, counted from 1.

        Args:
            retry: which.
            asked: the answer's Retry-After.
            random: chooses within the range.
        """
        lower = 0.0 if retry == 1 else self.interval * 2.0 ** (retry - 2)
        upper = self.interval * 2.0 ** (retry - 1)
        return max(asked or 0.0, random.uniform(min(lower, self.longest), min(upper, self.longest)))


class ActionFailedError(Exception):
    """An action failed for good, and its run with it; the text names action and status."""


class Retrier:
    """Sends each action's request until it succeeds or its policy is used up.

    Args:
        policy: of every action.
        random: for the waits.
    """

    def __init__(self, policy: RetryPolicy, random: Random) -> None:
        self._policy = policy
        self._random = random
        self.retries = 0
        """Requests sent again so far."""

    async def run(self, action: str, send: Callable[[], Awaitable[Reply]]) -> Reply:
        """The action's successful answer.

        Raises:
            ActionFailedError: it was refused, or the retries are used up.
        """
        reply = await _answer(send)
        retry = 0
        while not (reply and reply.succeeded):
            if retry == self._policy.attempts or not _is_worth_retrying(reply):
                raise ActionFailedError(f"{action}: {reply.status if reply else 'no answer'}")
            retry += 1
            self.retries += 1
            asked = reply.retry_after if reply else None
            await asyncio.sleep(self._policy.delay(retry, asked, self._random))
            reply = await _answer(send)
        return reply


async def _answer(send: Callable[[], Awaitable[Reply]]) -> Reply | None:
    """None: there was no answer."""
    try:
        return await send()
    except (httpx.TransportError, OSError):
        return None


def _is_worth_retrying(reply: Reply | None) -> bool:
    if reply is None:
        return True
    passing = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)
    return reply.status in passing or reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR
