"""A throwaway certificate that the app signs in to Entra with, in the forms in which it travels."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12

PEM_TYPE, PKCS12_TYPE = "application/x-pem-file", "application/x-pkcs12"
"""Content types by which Key Vault tells the two forms apart."""


@dataclass(frozen=True)
class ClientCertificate:
    """One certificate with its key."""

    public_pem: str
    """What the app registration is given."""
    pem: str
    """Key and certificate, as Key Vault keeps a certificate of the content type `application/x-pem-file`."""
    pkcs12: str
    """The same as PKCS #12 without a password in Base64, for `application/x-pkcs12`."""


def make_client_certificate(
    start: datetime | None = None, lifetime: timedelta = timedelta(days=90)
) -> ClientCertificate:
    """A self-signed certificate with a new RSA key.

    Args:
        start: from when it is valid (aware); None for an hour ago.
        lifetime: how long.
    """
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "booking-sync")])
    since = start or datetime.now(UTC) - timedelta(hours=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(since + lifetime)
        .sign(key, hashes.SHA256())
    )
    public = certificate.public_bytes(Encoding.PEM).decode()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    packed = pkcs12.serialize_key_and_certificates(b"booking-sync", key, certificate, None, NoEncryption())
    return ClientCertificate(public, private + public, base64.b64encode(packed).decode())
