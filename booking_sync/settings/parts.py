"""The parts of the settings that are loaded by themselves, so that no other setting has to be right for them.

A part names fields of `Settings` in `table`. `load_part` goes by these names alone; the types are for those
who read the values. `ReceiverSettings` alone is no part: the webhook goes on with what could be read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from booking_sync.domain.environment.columns import ReturnColumns
from booking_sync.domain.return_path.policy import Mode

if TYPE_CHECKING:
    from booking_sync.domain.bookings.participation import Participation
    from booking_sync.domain.environment.columns import ResourceColumns, SupportColumns
    from booking_sync.domain.events.event_calendars import EventCalendars
    from booking_sync.domain.return_path.policy import ReturnPolicy
    from booking_sync.settings.storage import StorageSettings
    from booking_sync.settings.values import CredentialKind
    from booking_sync.sync.webhook.dynamics_webhook import ReceiverPolicy


@dataclass(frozen=True, slots=True)
class EnvironmentSettings:
    """The Dataverse environment and the support columns in it; a part for `load_part`."""

    dataverse_url: str
    organization_id: str
    columns: SupportColumns


@dataclass(frozen=True, slots=True)
class PeopleSettings:
    """Whose bookings show, and where; a part for `load_part`."""

    participation: Participation
    resource_columns: ResourceColumns


@dataclass(frozen=True, slots=True)
class ReturnSettings:
    """The way back from Outlook; a part for `load_part`."""

    columns: SupportColumns
    return_policy: ReturnPolicy
    cancel_status_id: str
    notification_url: str

    @property
    def return_columns(self) -> ReturnColumns | None:
        """What a row keeps of it; None where it is off."""
        return columns_of_return(self.columns, self.return_policy)


@dataclass(frozen=True, slots=True)
class RegistrationSettings:
    """The app registration, and how it signs in; a part for `load_part`."""

    credential: CredentialKind
    tenant_id: str
    client_id: str
    authority_host: str


@dataclass(frozen=True, slots=True)
class VaultSettings:
    """Where the app registration's secret or certificate is; a part for `load_part`."""

    key_vault_url: str
    key_vault_verify_challenge: bool
    client_secret_name: str
    client_certificate_name: str


@dataclass(frozen=True, slots=True)
class SealKeySettings:
    """Where the key is that seals records and events; a part for `load_part`."""

    key_vault_url: str
    key_vault_verify_challenge: bool
    seal_key_name: str


@dataclass(frozen=True, slots=True)
class NotificationSettings:
    """What Graph's notifications are asked for and proven by; a part for `load_part`."""

    key_vault_url: str
    key_vault_verify_challenge: bool
    tenant_id: str
    dataverse_url: str
    notification_url: str


@dataclass(frozen=True, slots=True)
class GraphSettings:
    """Where Graph is; a part for `load_part`."""

    graph_url: str


@dataclass(frozen=True, slots=True)
class CalendarSettings:
    """Which calendars may hold our events; a part for `load_part`."""

    calendars: EventCalendars


@dataclass(frozen=True, slots=True)
class EventSettings:
    """What overrides the event file; a part for `load_part`."""

    dataverse_url: str
    event_time_zone: str
    event_subject_template: str
    event_body_template: str


@dataclass(frozen=True, slots=True)
class ExtensionSettings:
    """How the events' open extension is called; a part for `load_part`."""

    open_extension_name: str


@dataclass(frozen=True, slots=True)
class AuthoritySettings:
    """Where people sign in; a part for `load_part`."""

    authority_host: str


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """Where the queues are; a part for `load_part`. Who has these can keep what comes in, and put it back."""

    storage: StorageSettings
    queue_name: str


@dataclass(frozen=True, slots=True)
class ReceiverSettings:
    """What the webhook works by."""

    policy: ReceiverPolicy
    problems: tuple[str, ...] = ()
    """What is wrong with settings of the policy's, each under its name; they count as not given."""


def columns_of_return(columns: SupportColumns, policy: ReturnPolicy) -> ReturnColumns | None:
    """The columns of the return path beside these; None where it is off."""
    return None if policy.path is Mode.OFF else ReturnColumns.beside(columns)
