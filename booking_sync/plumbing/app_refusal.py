"""A service refuses the app itself: a whole list or batch, whoever the bookings in it are.

That says nothing of a booking. Changes wait until a person has mended it (a role that was taken, an
environment in administration mode, a column that was removed), and the operator is told at once.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, TypeVar

from booking_sync.errors import PermanentError, TransientError
from booking_sync.plumbing.log import log_event

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

Result = TypeVar("Result")

RETRY_SECONDS: Final = 60.0
"""Until the service is asked again; it is mended by hand, and nobody wants to wait long afterwards."""


def waiting(reason: str) -> TransientError:
    """For each change that was in the refused request."""
    return TransientError(reason, retry_after=RETRY_SECONDS, until_mended=True)


def tell(logger: logging.Logger, service: str, reason: str) -> None:
    """One line for the operator; the reason holds no personal data."""
    log_event(logger, "app_refused", level=logging.ERROR, service=service, reason=reason)


async def of_all(call: Awaitable[Result], logger: logging.Logger, service: str) -> Result:
    """What a call on behalf of many bookings gives.

    Raises:
        TransientError: the call's own; or the service refused, which becomes `waiting` and is told.
    """
    try:
        return await call
    except PermanentError as error:
        reason = error.reason
    tell(logger, service, reason)
    raise waiting(reason)


async def pages_of_all(
    pages: AsyncIterator[Result], logger: logging.Logger, service: str
) -> AsyncIterator[Result]:
    """The pages of a list on behalf of many bookings; raises as `of_all`."""
    while True:
        try:
            page = await of_all(anext(pages), logger, service)
        except StopAsyncIteration:
            return
        yield page
