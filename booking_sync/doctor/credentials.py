"""Judges the client secret, the key that seals, tokens, and clocks, on which tokens depend. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from booking_sync.doctor.report import Area, CheckResult, CheckStatus
from booking_sync.domain.findings.secret import ROTATE, SECRET_NOTICE
from booking_sync.settings.values import CredentialKind

if TYPE_CHECKING:
    from booking_sync.domain.events.ownership import SealKeys
    from booking_sync.ports.diagnosis import Audience, ClockReading, SecretState, TokenFacts

SKEW_NOTICE_SECONDS = 60.0
SKEW_LIMIT_SECONDS = 300.0
"""Entra and those who check its tokens allow for five minutes."""

VAULT = (
    "Compare KEY_VAULT_URL and CLIENT_SECRET_NAME or CLIENT_CERTIFICATE_NAME with the vault. Who runs this "
    "command needs the role Key Vault Secrets User on it, as the app does (`az role assignment create`)."
)
SEAL_VAULT = (
    "Compare KEY_VAULT_URL and SEAL_KEY_NAME with the vault. If there never was a key, make it "
    "(docs/deployment.md, step 5); with another one than before the app would know none of its events."
)
SIGN_IN = (
    "Compare ENTRA_TENANT_ID and ENTRA_CLIENT_ID with the app registration (`az ad app show --id <client "
    "id>`); if Entra refuses secret, certificate or identity, mend that (docs/deployment.md, step 5)."
)
NO_VAULT_SECRET = {
    CredentialKind.SECRET: "the secret was given in ENTRA_CLIENT_SECRET; the function app needs it "
    "in the vault, unless CREDENTIAL says otherwise",
    CredentialKind.FEDERATED: "none is needed: the managed identity speaks for the app registration "
    "(CREDENTIAL is federated)",
}
_CLOCK = "Set this machine's clock by a time server (`timedatectl set-ntp true`; on Windows `w32tm /resync`)."


def judge_secret(state: SecretState, now: datetime) -> CheckResult:
    """Whether the secret is there, and for how long."""
    if state.expires is None:
        words = "readable; it carries no expiry date, so nobody is reminded of Entra's"
        return CheckResult(Area.SECRET, "Key Vault", CheckStatus.OK, words)
    left = state.expires - now
    date = f"{state.expires:%Y-%m-%d}"
    if left <= timedelta(0):
        return CheckResult(Area.SECRET, "Key Vault", CheckStatus.ERROR, f"it expired on {date}", ROTATE)
    if left < SECRET_NOTICE:
        words = f"readable; it expires on {date}, in {left.days} days"
        return CheckResult(Area.SECRET, "Key Vault", CheckStatus.WARNING, words, ROTATE)
    return CheckResult(Area.SECRET, "Key Vault", CheckStatus.OK, f"readable, until {date}")


def judge_seal_keys(keys: SealKeys) -> CheckResult:
    """Which versions there are."""
    count = len(keys.accepted)
    since = f", the first made on {keys.since:%Y-%m-%d}" if keys.since else ""
    words = f"readable; {count} version{'s are' if count > 1 else ' is'} accepted{since}"
    return CheckResult(Area.SEAL_KEY, "versions", CheckStatus.OK, words)


def judge_token(audience: Audience, token: TokenFacts) -> CheckResult:
    """Whom Entra takes us for."""
    words = f"Entra gives one to the application {token.application}"
    return CheckResult(Area.SIGN_IN, f"token for {audience}", CheckStatus.OK, words)


def judge_clock(reading: ClockReading) -> CheckResult:
    """Whether our clock and a service's agree."""
    if reading.ahead_seconds is None:
        return CheckResult(Area.CLOCK, reading.service, CheckStatus.SKIPPED, "it did not tell the time")
    ahead = reading.ahead_seconds
    if abs(ahead) < SKEW_NOTICE_SECONDS:
        return CheckResult(Area.CLOCK, reading.service, CheckStatus.OK, "agrees with ours")
    status = CheckStatus.ERROR if abs(ahead) >= SKEW_LIMIT_SECONDS else CheckStatus.WARNING
    words = f"our clock is {abs(ahead):.0f} s {'behind' if ahead > 0 else 'ahead'}"
    return CheckResult(Area.CLOCK, reading.service, status, words, _CLOCK)
