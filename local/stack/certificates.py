"""A throwaway certificate authority, so that the local stack speaks TLS that clients really verify."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import trustme

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Certificates:
    """PEM files: what clients trust, and what servers on localhost show."""

    authority: Path
    certificate: Path
    key: Path


def make_certificates(folder: Path) -> Certificates:
    """Create an authority and one server certificate for localhost and 127.0.0.1 in `folder`."""
    authority = trustme.CA()
    server = authority.issue_cert("localhost", "127.0.0.1")
    made = Certificates(folder / "ca.pem", folder / "server.pem", folder / "server-key.pem")
    authority.cert_pem.write_to_path(str(made.authority))
    with made.certificate.open("wb") as file:
        for blob in server.cert_chain_pems:
            file.write(blob.bytes())
    made.key.touch(mode=0o600)
    server.private_key_pem.write_to_path(str(made.key))
    return made
