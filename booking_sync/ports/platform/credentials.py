"""Tokens for Graph and Dataverse, and the secret texts that they are made with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from types import TracebackType


class AccessToken(Protocol):
    """What `azure.core.credentials.AccessToken` has: ports name no SDK's types."""

    @property
    def token(self) -> str:
        """For the header `Authorization: Bearer …`."""

    @property
    def expires_on(self) -> int:
        """Seconds since 1970, UTC."""


class AppCredential(Protocol):
    """The app registration's credential, shared by Graph and Dataverse.

    It also fulfils azure-core's `AsyncTokenCredential`, which the Graph SDK asks for.
    """

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """A valid token, from the cache where it can be.

        Raises:
            TransientError: Entra or Key Vault can't be reached, or refuses for now.
        """

    def renew(self) -> None:
        """A service refused our token: the next `get_token` of each service fetches one anew."""

    async def close(self) -> None:
        """Close the connections."""

    async def __aenter__(self) -> Self:
        """Nothing to open."""

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        """Close."""


@dataclass(frozen=True, slots=True)
class SecretText:
    """A secret that does not show when it is printed or formatted."""

    value: str = field(repr=False)
    expires_on: float = field(default=float("inf"), compare=False)
    """Seconds since 1970, UTC, where it is known from the start."""


class SecretSource(Protocol):
    """Where the text comes from that the app registration proves itself with."""

    async def fetch(self) -> SecretText:
        """The current text, asked for anew.

        Raises:
            TransientError: it can't be had now.
        """

    async def close(self) -> None:
        """Close the connections."""
