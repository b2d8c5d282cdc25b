"""What proves a notification to be of a subscription of ours: a code that takes the key to make. Pure.

Graph repeats the text with each notification, and nobody else sees it. It names the mailbox, also where the
notification itself does not, and it needs no store: whoever has the key can tell.

    <key version>.<mailbox>.<HMAC-SHA256 by the key of scope and mailbox>

The scope keeps apart what shares a key by mistake, such as a copied environment.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from typing import Final

from booking_sync.domain.text import trim

MAX_CLIENT_STATE: Final = 128
"""Characters that Graph takes (Microsoft Graph: "subscription resource type")."""
KEY_BYTES: Final = 32

_KEY_TEXT = re.compile(rf"[0-9A-Fa-f]{{{2 * KEY_BYTES}}}")
_STATE = re.compile(r"([0-9a-f]{8})\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class NotificationKey:
    """A key from the vault."""

    version: str
    """Names it in public; a hash, which does not give the key away."""
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class NotificationKeys:
    """The keys that are accepted, the one first that new subscriptions are made with."""

    accepted: tuple[NotificationKey, ...]

    def __post_init__(self) -> None:
        if not self.accepted:
            raise ValueError("there must be a key")

    @property
    def newest(self) -> NotificationKey:
        """The one that new subscriptions are made with."""
        return self.accepted[0]

    def named(self, version: str) -> NotificationKey | None:
        """The accepted key of this version."""
        return next((key for key in self.accepted if key.version == version), None)


@dataclass(frozen=True, slots=True)
class UnknownVersion:
    """A text of the right form, by a key that is not among these: the vault may have a new one."""

    version: str


def make_notification_key(text: str) -> NotificationKey:
    """A key from a secret's text: 64 hexadecimal digits.

    Raises:
        ValueError: it is none; the text says what to do and quotes nothing.
    """
    text = trim(text)
    if not _KEY_TEXT.fullmatch(text):
        raise ValueError(f"must be {2 * KEY_BYTES} hexadecimal digits, as `booking-sync provision` makes it")
    secret = bytes.fromhex(text)
    return NotificationKey(hashlib.sha256(b"booking_sync notifications" + secret).hexdigest()[:8], secret)


def make_client_state(key: NotificationKey, scope: str, mailbox: str) -> str:
    """The text that a subscription of this mailbox is made with.

    Args:
        key: the newest one.
        scope: what the key is used for, the same when it is read.
        mailbox: Entra object id, lower case.
    """
    return f"{key.version}.{mailbox}.{_code(key, scope, mailbox)}"


def read_client_state(keys: NotificationKeys, scope: str, text: object) -> str | UnknownVersion | None:
    """The mailbox of the subscription; None for whatever we did not make.

    The codes are compared in constant time, so that nobody finds one by trying.
    """
    match = _STATE.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return None
    version, mailbox, code = match.groups()
    key = keys.named(version)
    if key is None:
        return UnknownVersion(version)
    return mailbox if hmac.compare_digest(code, _code(key, scope, mailbox)) else None


def _code(key: NotificationKey, scope: str, mailbox: str) -> str:
    return hmac.new(key.secret, f"{scope}\n{mailbox}".encode(), hashlib.sha256).hexdigest()
