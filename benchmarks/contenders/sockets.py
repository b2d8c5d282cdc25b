"""The seams on real sockets: Dataverse by `requests`, the app's token by azure-identity and Key Vault."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import requests
from azure.identity.aio import ClientSecretCredential, DefaultAzureCredential
from azure.keyvault.secrets.aio import SecretClient
from requests.adapters import HTTPAdapter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from azure.core.credentials_async import AsyncTokenCredential

    from benchmarks.contenders.seams import Answered

THREADS = 32
"""More than the host's 24 messages at once, so that the pool is not what a contender waits for."""
TIMEOUT_SECONDS = 60.0


class RequestsDataverse:
    """`Exchange` on one `requests` session in a pool of threads.

    Args:
        dataverse_url: base URL, which the token is for.
        credential: the app registration's.
    """

    def __init__(self, dataverse_url: str, credential: AsyncTokenCredential) -> None:
        self._scope = f"{dataverse_url}/.default"
        self._credential = credential
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="dataverse")
        self._session = requests.Session()
        self._session.mount("https://", HTTPAdapter(pool_maxsize=THREADS))

    async def __call__(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> Answered:
        """One request.

        Raises:
            RequestException: there was no answer.
        """
        token = (await self._credential.get_token(self._scope)).token
        authorized = {**headers, "Authorization": f"Bearer {token}"}
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._send, method, url, authorized, body)

    def _send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answered:
        answer = self._session.request(method, url, headers=headers, data=body, timeout=TIMEOUT_SECONDS)
        return answer.status_code, answer.headers, answer.content


async def open_credential(environ: Mapping[str, str]) -> ClientSecretCredential:
    """The app registration's credential, its secret read from Key Vault once, by the managed identity.

    Args:
        environ: the app settings, named as booking_sync's.
    """
    verify = environ.get("KEY_VAULT_VERIFY_CHALLENGE", "true") != "false"
    async with (
        DefaultAzureCredential() as identity,
        SecretClient(environ["KEY_VAULT_URL"], identity, verify_challenge_resource=verify) as vault,
    ):
        secret = await vault.get_secret(environ["CLIENT_SECRET_NAME"])
    return ClientSecretCredential(environ["ENTRA_TENANT_ID"], environ["ENTRA_CLIENT_ID"], secret.value or "")
