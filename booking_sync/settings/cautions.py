"""Settings that can be used, but not for what somebody will have meant by them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from booking_sync.domain.return_path.policy import Mode
from booking_sync.plumbing import ncrontab
from booking_sync.settings.lookalikes import lookalikes
from booking_sync.settings.storage import storage_cautions
from booking_sync.settings.table import BY_FIELD, MAX_LOOK_BACK_MINUTES
from booking_sync.settings.values import CredentialKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from booking_sync.settings.table import Settings

_SHORTEST_PATIENCE = timedelta(hours=1)
_PUBLIC_AUTHORITY = "login.microsoftonline.com"
_CLOUDS = (
    (("graph.microsoft.com",), (_PUBLIC_AUTHORITY, "login.microsoft.com", "login.windows.net")),
    (("graph.microsoft.us", "dod-graph.microsoft.us"), ("login.microsoftonline.us",)),
    (
        ("microsoftgraph.chinacloudapi.cn",),
        ("login.partner.microsoftonline.cn", "login.chinacloudapi.cn"),
    ),
)
"""Hosts of Graph and of Entra, cloud by cloud (Microsoft: "National cloud deployments")."""
_UNITS = (
    (timedelta(days=1), "days"),
    (timedelta(hours=1), "h"),
    (timedelta(minutes=1), "min"),
    (timedelta(seconds=1), "s"),
)


@dataclass(frozen=True, slots=True)
class Caution:
    """What a person should know of a setting."""

    setting: str
    """Its name."""
    words: str
    remedy: str


def cautions(settings: Settings, environ: Mapping[str, str]) -> tuple[Caution, ...]:
    """All there are.

    Args:
        settings: the app's.
        environ: what they were read from.
    """
    found = (
        _seldom_catch_up(settings),
        _short_patience(settings),
        _other_cloud(settings),
        _nobody(settings),
        _needless_names(settings),
        _unknown_self(settings),
    )
    return (
        *(each for each in found if each),
        *_unused_names(settings),
        *(Caution(*each) for each in storage_cautions(environ)),
        *(
            Caution(name, f"nothing reads it; it looks like {ours}", f"Rename it to {ours}, or remove it.")
            for name, ours in lookalikes(environ).items()
        ),
    )


def _unused_names(settings: Settings) -> Iterator[Caution]:
    """A name of one's own for what the chosen way to sign in does not read: one of the two is a slip."""
    given = {
        CredentialKind.SECRET: ("CLIENT_SECRET_NAME", "client_secret_name"),
        CredentialKind.CERTIFICATE: ("CLIENT_CERTIFICATE_NAME", "client_certificate_name"),
    }
    for kind, (name, field) in given.items():
        (setting,) = BY_FIELD[field]
        if settings.credential is not kind and getattr(settings, field) != setting.default:
            words = f"nothing reads it while CREDENTIAL is {settings.credential}"
            yield Caution(name, words, f"Set CREDENTIAL to {kind}, or remove {name}.")


def _short_patience(settings: Settings) -> Caution | None:
    """Put-backs wait up to five minutes, and services are away for longer."""
    age = timedelta(hours=settings.message_max_age_hours)
    if age >= _SHORTEST_PATIENCE:
        return None
    return Caution(
        "MESSAGE_MAX_AGE_HOURS",
        f"a change is given up after {_span(age)} of trying; outages and throttled mailboxes take longer",
        "Set it to 24, unless somebody watches the poison queue all the time.",
    )


def _other_cloud(settings: Settings) -> Caution | None:
    """Entra's authorities give tokens for the Graph of their own cloud only."""
    graph, authority = urlsplit(settings.graph_url).hostname, urlsplit(settings.authority_host).hostname
    authority = authority or _PUBLIC_AUTHORITY
    cloud = next((each for each in _CLOUDS if graph in each[0]), None)
    other = next((each for each in _CLOUDS if authority in each[1]), None)
    if cloud is None or other is None or cloud is other:
        return None
    return Caution(
        "AZURE_AUTHORITY_HOST",
        f"{authority} gives no tokens for {graph}, which is another cloud's (GRAPH_URL)",
        f"Set AZURE_AUTHORITY_HOST to {cloud[1][0]}, or GRAPH_URL to the other cloud's Graph.",
    )


def _nobody(settings: Settings) -> Caution | None:
    """Every event would be removed, as far as the audit's guard lets them go."""
    people = settings.participation
    if people.everybody or people.named or settings.resource_columns.takes_part:
        return None
    return Caution(
        "PARTICIPATION",
        "nobody takes part: no booking is shown in Outlook",
        "Name people in PARTICIPANTS, set TAKES_PART_COLUMN and choose them in Dynamics 365, or remove it.",
    )


def _needless_names(settings: Settings) -> Caution | None:
    people = settings.participation
    if not (people.everybody and people.named):
        return None
    return Caution(
        "PARTICIPANTS",
        "it changes nothing while PARTICIPATION is all",
        "Set PARTICIPATION to none, so that only they take part, or remove PARTICIPANTS.",
    )


def _unknown_self(settings: Settings) -> Caution | None:
    """What the app returns looks like somebody's import of the row, so that its event is written afresh."""
    if settings.return_policy.path is Mode.OFF or settings.app_user_id:
        return None
    return Caution(
        "DATAVERSE_APP_USER_ID",
        "it is not given: each move from Outlook costs further requests, since the app does not know its own "
        "changes",
        "Set it to what `booking-sync provision` prints.",
    )


def _seldom_catch_up(settings: Settings) -> Caution | None:
    """A run looks at changes that settled and are younger than its look-back; a longer pause leaves a gap."""
    pause = ncrontab.parse(settings.catch_up_schedule).longest_pause()
    settle = timedelta(seconds=settings.catch_up_settle_seconds)
    covered = timedelta(minutes=settings.catch_up_look_back_minutes) - settle
    if pause is None or pause <= covered:
        return None
    needed = math.ceil((pause + settle) / timedelta(minutes=1))
    longer = f", or set CATCH_UP_LOOK_BACK_MINUTES to {needed} or more"
    return Caution(
        "CATCH_UP_SCHEDULE",
        f"it pauses for up to {_span(pause)}, and a run covers {_span(covered)} (CATCH_UP_LOOK_BACK_MINUTES "
        "less CATCH_UP_SETTLE_SECONDS): a change between, whose webhook is lost, waits for the audit",
        f"Let the catch-up run more often{longer if needed <= MAX_LOOK_BACK_MINUTES else ''}.",
    )


def _span(span: timedelta) -> str:
    """Its two greatest units."""
    parts = []
    for unit, name in _UNITS:
        count, span = divmod(span, unit)
        if count:
            parts.append(f"{count} {name}")
    return " ".join(parts[:2])
