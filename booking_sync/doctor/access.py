"""Judgements on the client secret, tokens and clocks. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from booking_sync.doctor.findings import Area, Finding, Severity

if TYPE_CHECKING:
    from booking_sync.doctor.facts import Audience, ClockReading, SecretState, TokenFacts

SECRET_NOTICE = timedelta(days=30)
SKEW_NOTICE_SECONDS = 60.0
SKEW_LIMIT_SECONDS = 300.0
"""Entra and those who check its tokens allow for five minutes."""

ROTATE = (
    "Put a new secret into the vault: `az ad app credential reset … | az keyvault secret set …` "
    "(docs/deployment.md, step 5). The app picks it up by itself."
)
VAULT = (
    "Compare KEY_VAULT_URL and CLIENT_SECRET_NAME with the vault. Who runs this command needs the role Key "
    "Vault Secrets User on it, as the app does (`az role assignment create`)."
)
SIGN_IN = (
    "Compare ENTRA_TENANT_ID and ENTRA_CLIENT_ID with the app registration (`az ad app show --id <client "
    "id>`); if the secret is refused, put a new one into the vault (docs/deployment.md, step 5)."
)
_CLOCK = "Set this machine's clock by a time server (`timedatectl set-ntp true`; on Windows `w32tm /resync`)."


def judge_secret(state: SecretState, now: datetime) -> Finding:
    """Whether the secret is there, and for how long."""
    if state.expires is None:
        words = "readable; it carries no expiry date, so nobody is reminded of Entra's"
        return Finding(Area.SECRET, "Key Vault", Severity.OK, words)
    left = state.expires - now
    date = f"{state.expires:%Y-%m-%d}"
    if left <= timedelta(0):
        return Finding(Area.SECRET, "Key Vault", Severity.ERROR, f"it expired on {date}", ROTATE)
    if left < SECRET_NOTICE:
        words = f"readable; it expires on {date}, in {left.days} days"
        return Finding(Area.SECRET, "Key Vault", Severity.WARNING, words, ROTATE)
    return Finding(Area.SECRET, "Key Vault", Severity.OK, f"readable, until {date}")


def judge_token(audience: Audience, token: TokenFacts) -> Finding:
    """Whom Entra takes us for."""
    words = f"Entra gives one to the application {token.application}"
    return Finding(Area.SIGN_IN, f"token for {audience}", Severity.OK, words)


def judge_clock(reading: ClockReading) -> Finding:
    """Whether our clock and a service's agree."""
    if reading.ahead_seconds is None:
        return Finding(Area.CLOCK, reading.service, Severity.SKIPPED, "it did not tell the time")
    ahead = reading.ahead_seconds
    if abs(ahead) < SKEW_NOTICE_SECONDS:
        return Finding(Area.CLOCK, reading.service, Severity.OK, "agrees with ours")
    severity = Severity.ERROR if abs(ahead) >= SKEW_LIMIT_SECONDS else Severity.WARNING
    words = f"our clock is {abs(ahead):.0f} s {'behind' if ahead > 0 else 'ahead'}"
    return Finding(Area.CLOCK, reading.service, severity, words, _CLOCK)
