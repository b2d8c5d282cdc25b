"""The organisation's directory of users."""

from __future__ import annotations

from typing import Protocol


class Directory(Protocol):
    """Microsoft Entra ID, as far as the app looks people up there."""

    async def object_id(self, address: str) -> str:
        """The Entra object id, lower case, of the one user with this sign-in name or mail address.

        Raises:
            TransientError: it can't be told now.
            PermanentError: nobody has the address, more than one have, or the app may not look people up;
                in words for the resource's row, without the address.
        """
