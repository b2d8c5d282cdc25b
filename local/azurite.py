"""Azurite's queue service: Microsoft's own storage emulator, so that no queue semantics are imitated here.

It keeps everything in memory, speaks TLS with the stack's certificate and has an account with a random name
and key, because the well-known development account would also open any other emulator on the machine.
"""

from __future__ import annotations

import base64
import os
import re
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from local.processes import ManagedProcess, StartError

if TYPE_CHECKING:
    from local.certificates import Certificates

MODULES = Path(__file__).with_name("node_modules")
PROGRAM = MODULES / "azurite" / "dist" / "src" / "queue" / "main.js"
LISTENS = re.compile(r"successfully listens on https://127\.0\.0\.1:(\d+)")


@dataclass(frozen=True)
class StorageAccount:
    """The one storage account of an Azurite."""

    name: str
    key: str
    """Base64, as in a connection string."""

    def connection_string(self, port: int) -> str:
        """What `AzureWebJobsStorage` needs for this account on an Azurite at `port`."""
        return (
            f"DefaultEndpointsProtocol=https;AccountName={self.name};AccountKey={self.key};"
            f"QueueEndpoint=https://127.0.0.1:{port}/{self.name}"
        )


def random_account() -> StorageAccount:
    """A new account."""
    return StorageAccount("local" + secrets.token_hex(5), base64.b64encode(secrets.token_bytes(64)).decode())


def azurite(
    certificates: Certificates, account: StorageAccount, *, port: int = 0, log_file: Path | None = None
) -> ManagedProcess:
    """Azurite's queue service as a process not yet started; its `url` is the account's connection string.

    Args:
        certificates: what it shows to clients.
        account: the account it serves.
        port: on 127.0.0.1; 0 takes a free one.
        log_file: gets its output.

    Raises:
        StartError: Node.js or the npm package isn't installed.
    """
    node = shutil.which("node")
    if node is None:
        raise StartError("Azurite needs Node.js 18 or later: there is no `node` on the PATH")
    if not PROGRAM.is_file():
        raise StartError("Azurite is not installed: run `npm ci --prefix local` in the repository")

    def ready(line: str) -> str | None:
        found = LISTENS.search(line)
        return account.connection_string(int(found[1])) if found else None

    options = ["--queueHost", "127.0.0.1", "--queuePort", str(port)]
    options += ["--cert", str(certificates.certificate), "--key", str(certificates.key)]
    options += ["--inMemoryPersistence", "--disableTelemetry", "--skipApiVersionCheck", "--silent"]
    return ManagedProcess(
        "Azurite",
        [node, str(PROGRAM), *options],
        environment={**os.environ, "AZURITE_ACCOUNTS": f"{account.name}:{account.key}"},
        ready=ready,
        log_file=log_file,
        folder=certificates.certificate.parent,  # Azurite makes sure that its folder exists, even in memory
    )
