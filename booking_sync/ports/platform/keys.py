"""The keys that seals are made with, and those that prove notifications."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from booking_sync.domain.events.ownership import SealKeys
    from booking_sync.domain.return_path.client_state import NotificationKeys


class SealKeyring(Protocol):
    """The keys in the vault, as far as we know them."""

    def keys(self) -> SealKeys:
        """The accepted keys, without asking anybody."""

    async def learn(self, key_ids: Iterable[str]) -> None:
        """Look in the vault whether these keys are new there; returns when that is known.

        Raises:
            TransientError: the vault can't be asked now.
        """


class OpenKeyring(SealKeyring, Protocol):
    """A keyring with connections of its own."""

    async def load(self) -> SealKeys:
        """Read the keys; before that there are none.

        Raises:
            TransientError: they can't be had now.
        """

    async def close(self) -> None:
        """Close the connections."""


class NotificationKeyring(Protocol):
    """The keys that prove notifications to be of our own subscriptions."""

    async def keys(self, *, renewed: bool = False) -> NotificationKeys:
        """The accepted keys; the vault is asked at first, and now and then.

        Args:
            renewed: somebody met a key that is not among them: the vault is asked again, unless it was asked
                a moment ago.

        Raises:
            TransientError: there are none yet, and the vault can't be asked now.
        """
