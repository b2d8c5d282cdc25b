"""The keys that seals are made with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from booking_sync.domain.ownership import SealKeys


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
