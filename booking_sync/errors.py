"""What can go wrong: the two ways in which talking to a service can fail, and settings that can't be used.

    SyncError
    ├── TransientError   try again later; the message is put back with a delay
    └── PermanentError   trying again changes nothing until a person does something

Adapters translate every HTTP status and service error code into one of the two; nothing above the adapters
knows a status code. A transient error's reason is for the log, a permanent error's reason is for a person.

    SettingsError        what an administrator set can't be used; messages wait until it is mended
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import timedelta


class Cause(StrEnum):
    """What a person has to look at, where a service's refusal tells."""

    NO_MAILBOX = "no mailbox"
    NO_CALENDAR = "no calendar"
    """In a mailbox that is there."""
    ACCESS_DENIED = "access denied"
    """To one mailbox."""
    MAILBOX_FULL = "mailbox full"
    TIME_ZONE = "time zone"
    """Unknown to the service."""


class SyncError(Exception):
    """What an adapter raises when a service did not do what was asked."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TransientError(SyncError):
    """The service can't now, but may later.

    Args:
        reason: what happened, without secrets or personal data.
        retry_after: seconds the service asked us to wait; None when it did not say.
        maybe_applied: the request may have taken effect although no success was seen (a timeout, a broken
            connection, an answer known to lie).
        untried: the service was known to be down and was not asked; such a try says nothing of the message.
        until_mended: the app's own settings stand in the way, or a service refuses the app as a whole; no
            message is given up for that, however long it takes to mend.
        unreached: no answer came at all, so that the way to the service may be at fault.
    """

    def __init__(
        self,
        reason: str,
        *,
        retry_after: float | None = None,
        maybe_applied: bool = False,
        untried: bool = False,
        until_mended: bool = False,
        unreached: bool = False,
    ) -> None:
        super().__init__(reason)
        self.retry_after = retry_after
        self.maybe_applied = maybe_applied
        self.untried = untried
        self.until_mended = until_mended
        self.unreached = unreached


class OvertakenError(TransientError):
    """Somebody changed what was to be written since it was read; nothing was written.

    Whoever named the version reads again and decides anew.
    """


class PermanentError(SyncError):
    """The service refuses, and will refuse again; the reason is a sentence for a dispatcher or an admin.

    Args:
        reason: without secrets.
        patience: how long after the first one the refusal may pass by itself (rights that were just
            granted, a mailbox that is being made): people are told at once, and it is tried again so long.
        cause: what to look at; None where only the reason tells.
    """

    def __init__(self, reason: str, *, patience: timedelta | None = None, cause: Cause | None = None) -> None:
        super().__init__(reason)
        self.patience = patience
        self.cause = cause


class SettingsError(Exception):
    """One message that names every missing or malformed setting and what to do about it."""
