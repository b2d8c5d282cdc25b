"""A service refuses the app itself: a whole list or batch, whoever the bookings in it are.

That says nothing of a booking. Changes wait until a person has mended it (a role that was taken, an
environment in administration mode, a column that was removed), and the operator is told at once.
"""

from __future__ import annotations

import logging
from typing import Final

from booking_sync.errors import TransientError
from booking_sync.plumbing.log import log_event

RETRY_SECONDS: Final = 60.0
"""Until the service is asked again; it is mended by hand, and nobody wants to wait long afterwards."""


def waiting(reason: str) -> TransientError:
    """For each change that was in the refused request."""
    return TransientError(reason, retry_after=RETRY_SECONDS, until_mended=True)


def tell(logger: logging.Logger, service: str, reason: str) -> None:
    """One line for the operator; the reason holds no personal data."""
    log_event(logger, "app_refused", level=logging.ERROR, service=service, reason=reason)
