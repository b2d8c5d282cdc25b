"""What the adapters need of a credential: tokens, and a way to say that one was refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from types import TracebackType

    from azure.core.credentials import AccessToken


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
        """A service refused our token: the next `get_token` fetches the secret and the token anew."""

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


class ClosedOnExit:
    """A base for credentials: the asynchronous context manager that azure-core wants of each."""

    async def close(self) -> None:
        """Nothing is open."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.close()
