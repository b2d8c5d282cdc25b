"""Certificates that an app registration knows: their public part, and how assertions name them."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True)
class RegisteredCertificate:
    """What Entra keeps of a certificate; accepted from `start` until just before `end` (aware times)."""

    public_key: RSAPublicKey
    thumbprints: Mapping[str, str]
    """By the name of the JWT head's entry, in Base64 for URLs without padding."""
    start: datetime
    end: datetime

    @classmethod
    def from_pem(cls, text: str) -> RegisteredCertificate:
        """From PEM text, with or without the private key.

        Raises:
            ValueError: there is no certificate in it.
            TypeError: its key is no RSA key, the only kind that signs assertions here.
        """
        certificate = x509.load_pem_x509_certificate(text.encode())
        public_key = certificate.public_key()
        if not isinstance(public_key, RSAPublicKey):
            raise TypeError("the certificate's key must be an RSA key")
        kinds = {"x5t": hashes.SHA1(), "x5t#S256": hashes.SHA256()}  # noqa: S303 - RFC 7515 wants SHA-1 for x5t
        return cls(
            public_key,
            {name: _base64url(certificate.fingerprint(kind)) for name, kind in kinds.items()},
            certificate.not_valid_before_utc,
            certificate.not_valid_after_utc,
        )

    def is_named_by(self, header: Mapping[str, Any]) -> bool:
        """Whether a JWT's head names this certificate, by one of its thumbprints or by both."""
        given = [name for name in self.thumbprints if name in header]
        return bool(given) and all(str(header[name]).rstrip("=") == self.thumbprints[name] for name in given)


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
