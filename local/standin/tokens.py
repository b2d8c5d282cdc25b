"""The access tokens of the local stack: issued by the Entra stand-in, checked by every other one.

Real tokens are signed with Entra's private key. The stand-ins share one random key instead (HS256), which
proves the same thing: a service refuses a token that Entra didn't issue, that is for another audience or that
is too old.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import jwt

if TYPE_CHECKING:
    from collections.abc import Mapping

ALGORITHM = "HS256"
KEY_VARIABLE = "LOCAL_TOKEN_KEY"
"""Environment variable that hands the shared key to the stand-ins' processes, in hex."""
KEY_BYTES = 32


def key_from_environment(environment: Mapping[str, str]) -> bytes:
    """The shared key, from `LOCAL_TOKEN_KEY`.

    Raises:
        ValueError: the variable is missing, is no hex or holds less than 32 bytes.
    """
    try:
        key = bytes.fromhex(environment.get(KEY_VARIABLE, ""))
    except ValueError:
        raise ValueError(f"{KEY_VARIABLE} must be written in hex") from None
    if len(key) < KEY_BYTES:
        raise ValueError(f"{KEY_VARIABLE} must hold at least {KEY_BYTES} bytes in hex")
    return key


def issue(
    key: bytes, audience: str, lifetime_seconds: int, claims: Mapping[str, object] | None = None
) -> str:
    """A signed token (compact JWT) that is valid from now on.

    Args:
        key: the stack's shared key, at least 32 random bytes.
        audience: the resource the token is for, such as `https://graph.microsoft.com`.
        lifetime_seconds: seconds until it expires; zero or less makes one that has expired already.
        claims: more claims, such as `tid` and `appid`; they don't replace `aud`, `iat`, `nbf` or `exp`.
    """
    now = int(time.time())
    registered = {"aud": audience, "iat": now, "nbf": now, "exp": now + lifetime_seconds}
    return jwt.encode({**(claims or {}), **registered}, key, algorithm=ALGORITHM)


def check(key: bytes, token: str, audience: str) -> str | None:
    """Why a service must refuse this token, or None when it is fine.

    The reason is one of `malformed`, `bad signature`, `wrong audience` and `expired`. A slash at the end of
    an audience makes no difference, as with the real services.
    """
    accepted = [audience.rstrip("/"), audience.rstrip("/") + "/"]
    try:
        jwt.decode(token, key, algorithms=[ALGORITHM], audience=accepted, options={"require": ["aud", "exp"]})
    except jwt.InvalidSignatureError:
        return "bad signature"
    except jwt.InvalidAudienceError:
        return "wrong audience"
    except jwt.ExpiredSignatureError:
        return "expired"
    except jwt.InvalidTokenError:
        return "malformed"
    return None


def read_claims(token: str) -> dict[str, object]:
    """The claims of a token that `check` found fine; nothing is verified here.

    Raises:
        ValueError: the token is no JWT.
    """
    try:
        claims: dict[str, object] = jwt.decode(token, options={"verify_signature": False})
    except jwt.InvalidTokenError as error:
        raise ValueError(f"not a token: {error}") from None
    return claims
