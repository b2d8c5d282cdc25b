"""The vault's contents: secrets with versions, as plain values without HTTP."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class SecretVersion:
    """One version of a secret; times are Unix seconds."""

    name: str
    version: str
    value: str
    created: int
    updated: int
    enabled: bool = True
    expires: int | None = None
    """Told to whoever reads it; Key Vault itself goes on serving an expired secret."""
    content_type: str = ""
    """Of a certificate's secret: `application/x-pem-file` or `application/x-pkcs12` (then in Base64)."""


class Vault:
    """Secrets by name, oldest version first. Names are case-insensitive, as in Key Vault."""

    def __init__(self) -> None:
        self._secrets: dict[str, list[SecretVersion]] = {}

    def put(self, name: str, value: str, expires: int | None = None, content_type: str = "") -> SecretVersion:
        """Add a version, which is the current one from now on; older versions stay readable.

        No two versions are made in the same second, so that their times tell their order.
        """
        known = self._secrets.get(name.lower(), [])
        now = max(int(time.time()), known[-1].created + 1 if known else 0)
        version = secrets.token_hex(16)
        made = SecretVersion(
            name, version, value, created=now, updated=now, expires=expires, content_type=content_type
        )
        self._secrets.setdefault(name.lower(), []).append(made)
        return made

    def find(self, name: str, version: str = "") -> SecretVersion | None:
        """A version of a secret, the current one when `version` is empty; None when there is none."""
        versions = self._secrets.get(name.lower(), [])
        if not version:
            return versions[-1] if versions else None
        return next((each for each in versions if each.version == version), None)

    def versions(self, name: str) -> list[SecretVersion]:
        """All versions of a secret in the order of their ids, which says nothing of their age."""
        return sorted(self._secrets.get(name.lower(), []), key=lambda each: each.version)

    def enable(self, name: str, version: str, *, enabled: bool) -> SecretVersion:
        """Enable or disable one version (empty: the current one).

        Raises:
            LookupError: there is no such version.
        """
        found = self.find(name, version)
        if found is None:
            raise LookupError(f"no secret {name}")
        versions = self._secrets[name.lower()]
        changed = replace(found, enabled=enabled, updated=int(time.time()))
        versions[versions.index(found)] = changed
        return changed
