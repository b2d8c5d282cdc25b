"""Azurite: Microsoft's own storage emulator, so that no queue semantics are imitated here.

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
    from collections.abc import Mapping, Sequence

    from local.processes import ReadyTest
    from local.stack.certificates import Certificates

ALL_SERVICES = ("Blob", "Queue", "Table")
PROGRAMS = Path(__file__).resolve().parents[1] / "node_modules" / "azurite" / "dist" / "src"
LISTENS = re.compile(r"Azurite (\w+) service .*successfully listen.* https://127\.0\.0\.1:(\d+)")


@dataclass(frozen=True)
class StorageAccount:
    """The one storage account of an Azurite."""

    name: str
    key: str
    """Base64, as in a connection string."""

    def connection_string(self, ports: Mapping[str, int]) -> str:
        """What `AzureWebJobsStorage` needs: an endpoint for each service (`Queue`, `Blob`…) by its port."""
        endpoints = "".join(
            f";{service}Endpoint=https://127.0.0.1:{port}/{self.name}" for service, port in ports.items()
        )
        return f"DefaultEndpointsProtocol=https;AccountName={self.name};AccountKey={self.key}{endpoints}"


def random_account() -> StorageAccount:
    """A new account."""
    return StorageAccount("local" + secrets.token_hex(5), base64.b64encode(secrets.token_bytes(64)).decode())


def azurite(
    certificates: Certificates,
    account: StorageAccount,
    *,
    services: Sequence[str] = ("Queue",),
    log_file: Path | None = None,
) -> ManagedProcess:
    """Azurite as a process not yet started; once started, its `url` is the account's connection string.

    Args:
        certificates: what it shows to clients.
        account: the account it serves.
        services: only the queue service, or `ALL_SERVICES`, which the Core Tools need.
        log_file: gets its output.

    Raises:
        StartError: Node.js or the npm package isn't installed.
    """
    node = shutil.which("node")
    if node is None:
        raise StartError("Azurite needs Node.js 18 or later: there is no `node` on the PATH")
    program = PROGRAMS / ("queue/main.js" if tuple(services) == ("Queue",) else "azurite.js")
    if not program.is_file():
        raise StartError("Azurite is not installed: run `npm ci --prefix local` in the repository")
    options = ["--cert", str(certificates.certificate), "--key", str(certificates.key)]
    options += ["--inMemoryPersistence", "--disableTelemetry", "--skipApiVersionCheck", "--silent"]
    for service in services:
        # Port 0 lets the system choose, so that nothing collides.
        options += [f"--{service.lower()}Host", "127.0.0.1", f"--{service.lower()}Port", "0"]
    return ManagedProcess(
        "Azurite",
        [node, str(program), *options],
        environment={**os.environ, "AZURITE_ACCOUNTS": f"{account.name}:{account.key}"},
        ready=_all_listening(account, services),
        log_file=log_file,
        folder=certificates.certificate.parent,  # Azurite makes sure that its folder exists, even in memory
    )


def _all_listening(account: StorageAccount, services: Sequence[str]) -> ReadyTest:
    """Collects the ports that Azurite prints one by one; ready when it has named all of them."""
    ports: dict[str, int] = {}

    def ready(line: str) -> str | None:
        found = LISTENS.search(line)
        if found is not None:
            ports[found[1]] = int(found[2])
        return account.connection_string(ports) if ports.keys() >= set(services) else None

    return ready
