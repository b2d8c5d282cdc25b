"""How long the app registration's secret, or certificate, lasts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from booking_sync.domain.findings.finding import AppFinding, FindingTopic, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET_NOTICE: Final = timedelta(days=30)
ROTATE: Final = (
    "Put a new secret into the vault (`az ad app credential reset … | az keyvault secret set …`), or a new "
    "certificate (docs/deployment.md, step 5). The app picks it up by itself."
)


def ends(expires: datetime | None, now: datetime) -> Iterator[AppFinding]:
    """That it has ended, or will within `SECRET_NOTICE`.

    A date that has passed is a warning: it is what somebody wrote beside the secret in the vault. Whether
    Entra still takes it is seen by whether tokens come.

    Args:
        expires: by the vault; None when it carries no date, or none is known.
        now: aware.
    """
    if expires is None or expires - now >= SECRET_NOTICE:
        return
    date = f"{expires:%Y-%m-%d}"
    words = (
        f"The app registration's secret expired on {date}."
        if expires <= now
        else f"The app registration's secret expires on {date}, in {(expires - now).days} days."
    )
    yield AppFinding(FindingTopic.SECRET, Severity.WARNING, words, ROTATE)
