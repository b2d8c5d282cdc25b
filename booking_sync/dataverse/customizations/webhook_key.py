"""The webhook's key, and whether a registered webhook has it: Dataverse never shows a key again.

The webhook's description carries a salted hash of the key. Who can read descriptions can't get the key from
it: function keys are long and random, and the hash is slow to compute.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, field

SALT_BYTES = 12
_HASH_BYTES = 24
_MARK = re.compile(r"key fingerprint ([0-9a-f]{24}):([0-9a-f]{48})")
_COST = {"n": 2**14, "r": 8, "p": 1}


@dataclass(frozen=True, slots=True)
class WebhookKey:
    """The function's key; empty when nobody gave it. It does not show when it is printed."""

    value: str = field(default="", repr=False)


def describe(key: str, salt: bytes) -> str:
    """The description of a webhook with this key.

    Args:
        key: the secret.
        salt: `SALT_BYTES` random bytes, others each time.
    """
    return (
        "Tells booking_sync that a booking has changed. Made by booking-sync provision; "
        f"key fingerprint {salt.hex()}:{_hash(key, salt)}"
    )


def has_key(description: str, key: str) -> bool:
    """Whether the description is of a webhook with this key."""
    mark = _MARK.search(description)
    if mark is None:
        return False
    return hmac.compare_digest(_hash(key, bytes.fromhex(mark[1])), mark[2])


def _hash(key: str, salt: bytes) -> str:
    return hashlib.scrypt(key.encode(), salt=salt, dklen=_HASH_BYTES, **_COST).hex()
