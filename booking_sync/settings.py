"""The app settings: their names, defaults and meaning in one table, and their typed values.

The table is the dataclass `Settings`: each field's type carries the `Setting` that fills it. A test holds
docs/settings.md and local.settings.json.example to it. Nothing is imported here that a webhook would have to
wait for at a cold start; what checks zones and templates is imported when those are checked.
"""

from __future__ import annotations

import math
import re
import uuid
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_type_hints
from urllib.parse import urlsplit

from booking_sync.webhook import ReceiverPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from _typeshed import DataclassInstance

Part = TypeVar("Part", bound="DataclassInstance")

STORAGE_SETTING = "AzureWebJobsStorage"
DEFAULT_QUEUE_NAME = "booking-changes"
DEFAULT_CATCH_UP_SCHEDULE = "0 */5 * * * *"
DEFAULT_AUDIT_SCHEDULE = "0 30 2 * * *"
POISON_SUFFIX = "-poison"

_MIN_QUEUE_NAME = 3
_MAX_QUEUE_NAME = 63 - len(POISON_SUFFIX)
_MAX_BATCH = 1000
_MAX_LINGER_SECONDS = 10.0
_MAX_AGE_HOURS = 30 * 24.0
_LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
_TRUE = ("true", "1", "yes", "on")
_FALSE = ("false", "0", "no", "off")


class SettingsError(Exception):
    """One message that names every missing or malformed setting and what to do about it."""


@dataclass(frozen=True, slots=True)
class StorageSettings:
    """How to reach the storage account of queues and blobs: by connection string or by identity."""

    connection_string: str = field(default="", repr=False)
    """Holds the account's key; empty with the identity-based form."""
    queue_url: str = ""
    """The account's queue endpoint without trailing slash; empty with a connection string."""
    client_id: str = ""
    """Client id of a user-assigned managed identity; empty for the system-assigned one."""
    blob_url: str = ""
    """The account's blob endpoint without trailing slash; empty with a connection string, or when unknown."""

    @property
    def has_blobs(self) -> bool:
        """Whether the account's blobs can be reached: a connection string may name its queues only."""
        named = self.connection_string.lower()
        return bool(self.blob_url) or (
            bool(named) and ("blobendpoint=" in named or "queueendpoint=" not in named)
        )


@dataclass(frozen=True, slots=True)
class Setting:
    """One line of the settings table."""

    name: str
    parse: Callable[[str], Any]
    """The typed value of the stripped text; raises ValueError with what is wanted instead."""
    meaning: str
    group: str
    default: str | None = None
    """As one would type it; None when the setting has to be given."""
    blank_is_value: bool = False
    """An empty text means empty, not the default."""

    @property
    def required(self) -> bool:
        """Whether the app can't do without."""
        return self.default is None

    def read(self, environ: Mapping[str, str]) -> Any:
        """The typed value.

        Raises:
            ValueError: missing or malformed; the text says what is wanted.
        """
        if self.name == STORAGE_SETTING:  # the only one that may be spread over several names
            return _storage(environ)
        text = environ.get(self.name, "").strip()
        if not text and not (self.blank_is_value and self.name in environ):
            if self.default is None:
                raise ValueError(f"is missing: {self.meaning}")
            text = self.default
        return self.parse(text)


def _queue_name(text: str) -> str:
    if (
        not re.fullmatch(r"[a-z0-9](-?[a-z0-9])+", text)
        or not _MIN_QUEUE_NAME <= len(text) <= _MAX_QUEUE_NAME
    ):
        raise ValueError(
            f"must be {_MIN_QUEUE_NAME} to {_MAX_QUEUE_NAME} lower-case letters, digits and single hyphens, "
            f"as Azure wants it of a queue whose poison queue is <name>{POISON_SUFFIX}"
        )
    return text


def _https_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError("is not a URL; give https://<host>") from None
    if parts.scheme.lower() != "https":
        raise ValueError("must begin with https://")
    if not parts.hostname or parts.username is not None or parts.query or parts.fragment:
        raise ValueError("must be https://<host> and nothing else")
    if parts.path.strip("/"):
        raise ValueError("must be https://<host> without a path")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"https://{host}" + (f":{port}" if port is not None else "")


def _authority(text: str) -> str:
    if not text:
        return ""
    return _https_url(text if "://" in text else f"https://{text}")


def _flag(text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise ValueError("must be true or false")


def _guid(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise ValueError("must be a GUID") from None


def _guid_or_nothing(text: str) -> str:
    return _guid(text) if text else ""


def _secret_name(text: str) -> str:
    if not re.fullmatch(r"[0-9A-Za-z-]{1,127}", text):
        raise ValueError("must be 1 to 127 letters, digits and hyphens, as Key Vault wants it")
    return text


def _column(text: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,127}", text):
        raise ValueError("must be a column's logical name: lower-case letters, digits and underscores")
    return text


def _number(lowest: float, highest: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not lowest <= number <= highest:  # false for nan too
            raise ValueError(f"must be a number from {lowest:g} to {highest:g}")
        return number

    return parse


def _whole_number(lowest: int, highest: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not lowest <= int(text) <= highest:
            raise ValueError(f"must be a whole number from {lowest} to {highest}")
        return int(text)

    return parse


def _schedule(text: str) -> str:
    field = r"(?:[0-9*,/-]|[A-Za-z]{3}(?![A-Za-z]))+"  # months and days have names of three letters
    if not re.fullmatch(rf"{field}(?: +{field}){{5}}", text):
        raise ValueError("must be an NCRONTAB expression of six fields, such as 0 */5 * * * *")
    return text


def _time_zone(text: str) -> str:
    from booking_sync.domain.zones import UnknownZoneError, event_zone  # noqa: PLC0415 - keeps the webhook light

    try:
        event_zone(text)
    except UnknownZoneError:
        raise ValueError(
            "must be a time zone's IANA name (Europe/Berlin) or Windows name (W. Europe Standard Time)"
        ) from None
    return text


def _subject_template(text: str) -> str:
    _try_templates(subject=text)
    return text


def _body_template(text: str) -> str:
    _try_templates(body=text)
    return text


def _try_templates(*, subject: str = "", body: str = "") -> None:
    if not subject and not body:
        return  # built in
    from booking_sync.domain.rendering import (  # noqa: PLC0415 - keeps the webhook light
        BadTemplateError,
        EventRenderer,
        EventStyle,
    )
    from booking_sync.domain.zones import event_zone  # noqa: PLC0415 - as above

    try:
        EventRenderer(EventStyle(event_zone("UTC"), "https://localhost", subject, body))
    except BadTemplateError as error:
        raise ValueError(f"can't be used: {error}") from None


def _extension_name(text: str) -> str:
    if text and not re.fullmatch(r"[A-Za-z][A-Za-z0-9]*(\.[A-Za-z][A-Za-z0-9]*)+", text):
        raise ValueError("must look like com.example.booking, or be empty to write no open extension")
    return text


def _storage(environ: Mapping[str, str]) -> StorageSettings:
    """The connection string when there is one, else the identity-based form, as the host decides."""
    connection_string = environ.get(STORAGE_SETTING, "").strip()
    if connection_string:
        return StorageSettings(connection_string=_connection_string(connection_string))
    account = environ.get(f"{STORAGE_SETTING}__accountName", "").strip()
    url = environ.get(f"{STORAGE_SETTING}__queueServiceUri", "").strip()
    if account and url:
        raise ValueError("has both __accountName and __queueServiceUri: keep one of them")
    if not account and not url:
        raise ValueError(
            "is missing: give a connection string, or the identity-based form "
            f"({STORAGE_SETTING}__accountName or {STORAGE_SETTING}__queueServiceUri)"
        )
    credential = environ.get(f"{STORAGE_SETTING}__credential", "").strip().lower()
    if credential not in ("", "managedidentity"):
        raise ValueError("__credential can only be managedidentity (or absent)")
    queue_url = _queue_url(account, url)
    return StorageSettings(
        queue_url=queue_url,
        client_id=_guid_or_nothing(environ.get(f"{STORAGE_SETTING}__clientId", "").strip()),
        blob_url=_blob_url(environ.get(f"{STORAGE_SETTING}__blobServiceUri", "").strip(), queue_url),
    )


def _queue_url(account: str, url: str) -> str:
    if url:
        return _service_url("queue", url)
    if not re.fullmatch(r"[a-z0-9]{3,24}", account):
        raise ValueError("__accountName must be 3 to 24 lower-case letters and digits")
    return f"https://{account}.queue.core.windows.net"


def _blob_url(url: str, queue_url: str) -> str:
    """The endpoint that is named, or the one beside the queues': an account's services are named alike."""
    if url:
        return _service_url("blob", url)
    return queue_url.replace(".queue.", ".blob.", 1) if ".queue." in queue_url else ""


def _service_url(service: str, url: str) -> str:
    try:
        return _https_url(url)
    except ValueError as error:
        raise ValueError(f"__{service}ServiceUri {error}") from None


def _connection_string(text: str) -> str:
    """Check the form only; the text is never quoted, since it holds the account's key."""
    pairs = [pair.partition("=") for pair in text.rstrip(";").split(";")]
    parts = {key.strip().lower(): value for key, _, value in pairs}
    development = parts.get("usedevelopmentstorage") == "true"
    account = parts.get("accountname") and (parts.get("accountkey") or parts.get("sharedaccesssignature"))
    endpoint = parts.get("queueendpoint") and parts.get("sharedaccesssignature")
    if not all(separator for _, separator, _ in pairs) or not (development or account or endpoint):
        raise ValueError(
            "is not a connection string: copy it from the storage account's access keys "
            "(DefaultEndpointsProtocol=https;AccountName=…;AccountKey=…;EndpointSuffix=…)"
        )
    return text


_STORAGE_GROUP = "Storage and queue"
_IDENTITY_GROUP = "Secrets and identity"
_DATAVERSE_GROUP = "Dataverse"
_OUTLOOK_GROUP = "Graph and what technicians see"
_BATCH_GROUP = "Batching"
_CATCH_UP_GROUP = "Missed webhooks"
_AUDIT_GROUP = "Audit"


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting, typed. URLs have no trailing slash, GUIDs are lower-case."""

    storage: Annotated[
        StorageSettings,
        Setting(
            STORAGE_SETTING,
            str,
            "the queues' storage account: a connection string, or the identity-based form",
            _STORAGE_GROUP,
        ),
    ]
    queue_name: Annotated[
        str,
        Setting(
            "BOOKING_QUEUE_NAME",
            _queue_name,
            "the change queue; its poison queue is <name>-poison",
            _STORAGE_GROUP,
            DEFAULT_QUEUE_NAME,
        ),
    ]
    key_vault_url: Annotated[
        str, Setting("KEY_VAULT_URL", _https_url, "the vault that holds the client secret", _IDENTITY_GROUP)
    ]
    key_vault_verify_challenge: Annotated[
        bool,
        Setting(
            "KEY_VAULT_VERIFY_CHALLENGE",
            _flag,
            "false only for a vault on localhost",
            _IDENTITY_GROUP,
            "true",
        ),
    ]
    client_secret_name: Annotated[
        str,
        Setting(
            "CLIENT_SECRET_NAME",
            _secret_name,
            "the client secret's name in the vault",
            _IDENTITY_GROUP,
            "booking-sync-client-secret",
        ),
    ]
    tenant_id: Annotated[
        str, Setting("ENTRA_TENANT_ID", _guid, "the tenant of the app registration", _IDENTITY_GROUP)
    ]
    client_id: Annotated[
        str,
        Setting(
            "ENTRA_CLIENT_ID", _guid, "the app registration used for Graph and Dataverse", _IDENTITY_GROUP
        ),
    ]
    authority_host: Annotated[
        str,
        Setting(
            "AZURE_AUTHORITY_HOST",
            _authority,
            "the Entra authority; empty: the public cloud's",
            _IDENTITY_GROUP,
            "",
        ),
    ]
    dataverse_url: Annotated[
        str, Setting("DATAVERSE_URL", _https_url, "the environment's URL", _DATAVERSE_GROUP)
    ]
    organization_id: Annotated[
        str,
        Setting(
            "DATAVERSE_ORGANIZATION_ID",
            _guid_or_nothing,
            "the only organisation that is worked for; empty: not checked",
            _DATAVERSE_GROUP,
            "",
        ),
    ]
    app_user_id: Annotated[
        str,
        Setting(
            "DATAVERSE_APP_USER_ID",
            _guid_or_nothing,
            "systemuserid of our own application user; empty: not checked",
            _DATAVERSE_GROUP,
            "",
        ),
    ]
    event_id_column: Annotated[
        str,
        Setting(
            "EVENT_ID_COLUMN",
            _column,
            "booking column for the event's id",
            _DATAVERSE_GROUP,
            "bsync_outlookeventid",
        ),
    ]
    original_resource_column: Annotated[
        str,
        Setting(
            "ORIGINAL_RESOURCE_COLUMN",
            _column,
            "booking column for the mailbox that holds the event",
            _DATAVERSE_GROUP,
            "bsync_originalresource",
        ),
    ]
    sync_state_column: Annotated[
        str,
        Setting(
            "SYNC_STATE_COLUMN",
            _column,
            "booking column for what was last written",
            _DATAVERSE_GROUP,
            "bsync_outlooksyncstate",
        ),
    ]
    sync_error_column: Annotated[
        str,
        Setting(
            "SYNC_ERROR_COLUMN",
            _column,
            "booking column for what a person should read when a booking can't sync",
            _DATAVERSE_GROUP,
            "bsync_outlooksyncerror",
        ),
    ]
    require_work_order: Annotated[
        bool,
        Setting("REQUIRE_WORK_ORDER", _flag, "sync only bookings of a work order", _DATAVERSE_GROUP, "true"),
    ]
    graph_url: Annotated[
        str,
        Setting(
            "GRAPH_URL",
            _https_url,
            "Graph; another one for national clouds",
            _OUTLOOK_GROUP,
            "https://graph.microsoft.com",
        ),
    ]
    event_time_zone: Annotated[
        str,
        Setting(
            "EVENT_TIME_ZONE",
            _time_zone,
            "the zone that events are written in (IANA or Windows name)",
            _OUTLOOK_GROUP,
            "UTC",
        ),
    ]
    event_subject_template: Annotated[
        str,
        Setting(
            "EVENT_SUBJECT_TEMPLATE",
            _subject_template,
            "Jinja template of the event's subject; empty: built in",
            _OUTLOOK_GROUP,
            "",
        ),
    ]
    event_body_template: Annotated[
        str,
        Setting(
            "EVENT_BODY_TEMPLATE",
            _body_template,
            "Jinja template of the event's HTML body; empty: built in",
            _OUTLOOK_GROUP,
            "",
        ),
    ]
    open_extension_name: Annotated[
        str,
        Setting(
            "OPEN_EXTENSION_NAME",
            _extension_name,
            "open extension that names the booking on the event; empty: none",
            _OUTLOOK_GROUP,
            "com.bookingsync.booking",
            blank_is_value=True,
        ),
    ]
    message_max_age_hours: Annotated[
        float,
        Setting(
            "MESSAGE_MAX_AGE_HOURS",
            _number(0.01, _MAX_AGE_HOURS),
            "hours a put-back message lives before it is dead-lettered",
            _BATCH_GROUP,
            "24",
        ),
    ]
    batch_max_bookings: Annotated[
        int,
        Setting(
            "BATCH_MAX_BOOKINGS",
            _whole_number(1, _MAX_BATCH),
            "bookings at which a batch leaves at once",
            _BATCH_GROUP,
            "100",
        ),
    ]
    batch_linger_seconds: Annotated[
        float,
        Setting(
            "BATCH_LINGER_SECONDS",
            _number(0, _MAX_LINGER_SECONDS),
            "seconds the first booking of a batch waits for company",
            _BATCH_GROUP,
            "0.1",
        ),
    ]
    catch_up_schedule: Annotated[
        str,
        Setting(
            "CATCH_UP_SCHEDULE",
            _schedule,
            "when bookings are looked for whose webhooks were missed (NCRONTAB, UTC)",
            _CATCH_UP_GROUP,
            DEFAULT_CATCH_UP_SCHEDULE,
        ),
    ]
    catch_up_look_back_minutes: Annotated[
        float,
        Setting(
            "CATCH_UP_LOOK_BACK_MINUTES",
            _number(10, 7 * 24 * 60),
            "minutes back to which changed bookings are looked at",
            _CATCH_UP_GROUP,
            "60",
        ),
    ]
    catch_up_settle_seconds: Annotated[
        float,
        Setting(
            "CATCH_UP_SETTLE_SECONDS",
            _number(0, 300),
            "seconds that a change is left to its webhook",
            _CATCH_UP_GROUP,
            "120",
        ),
    ]
    audit_schedule: Annotated[
        str,
        Setting(
            "AUDIT_SCHEDULE",
            _schedule,
            "when calendars are compared with bookings (NCRONTAB, UTC)",
            _AUDIT_GROUP,
            DEFAULT_AUDIT_SCHEDULE,
        ),
    ]
    audit_repair: Annotated[
        bool,
        Setting(
            "AUDIT_REPAIR", _flag, "whether the scheduled audit mends what it finds", _AUDIT_GROUP, "true"
        ),
    ]
    audit_days_back: Annotated[
        float,
        Setting("AUDIT_DAYS_BACK", _number(0, 366), "days back to which the audit looks", _AUDIT_GROUP, "7"),
    ]
    audit_days_ahead: Annotated[
        float,
        Setting(
            "AUDIT_DAYS_AHEAD", _number(1, 730), "days ahead to which the audit looks", _AUDIT_GROUP, "60"
        ),
    ]
    audit_max_removal_ratio: Annotated[
        float,
        Setting(
            "AUDIT_MAX_REMOVAL_RATIO",
            _number(0, 1),
            "greatest share of the listed events that an audit removes without being forced",
            _AUDIT_GROUP,
            "0.2",
        ),
    ]


@dataclass(frozen=True, slots=True)
class EnvironmentSettings:
    """The Dataverse environment and the support columns in it; a part for `load_part`."""

    dataverse_url: str
    organization_id: str
    event_id_column: str
    original_resource_column: str
    sync_state_column: str
    sync_error_column: str


@dataclass(frozen=True, slots=True)
class RegistrationSettings:
    """The app registration without its secret; a part for `load_part`."""

    tenant_id: str
    client_id: str
    authority_host: str


@dataclass(frozen=True, slots=True)
class VaultSettings:
    """Where the app registration's secret is; a part for `load_part`."""

    key_vault_url: str
    key_vault_verify_challenge: bool
    client_secret_name: str


@dataclass(frozen=True, slots=True)
class AuthoritySettings:
    """Where people sign in; a part for `load_part`."""

    authority_host: str


@dataclass(frozen=True, slots=True)
class ReceiverSettings:
    """What the webhook needs; a bad setting of another part never costs a webhook."""

    storage: StorageSettings
    queue_name: str
    policy: ReceiverPolicy


_BY_FIELD: dict[str, Setting] = {
    name: hint.__metadata__[0] for name, hint in get_type_hints(Settings, include_extras=True).items()
}
SETTINGS: tuple[Setting, ...] = tuple(_BY_FIELD.values())
"""The whole table, in the order of the documentation."""

_RECEIVER_FIELDS = ("storage", "queue_name", *(each.name for each in fields(ReceiverPolicy)))


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Read and check every setting.

    Raises:
        SettingsError: names every setting that is missing or malformed.
    """
    values, problems = _read(environ, _BY_FIELD)
    _check_vault(values, problems)
    _complain(problems)
    return Settings(**values)


def load_receiver_settings(environ: Mapping[str, str]) -> ReceiverSettings:
    """Read and check only what the webhook needs.

    Raises:
        SettingsError: names every setting of these that is missing or malformed.
    """
    values, problems = _read(environ, _RECEIVER_FIELDS)
    _complain(problems)
    storage, name = values.pop("storage"), values.pop("queue_name")
    return ReceiverSettings(storage=storage, queue_name=name, policy=ReceiverPolicy(**values))


def load_part(environ: Mapping[str, str], part: type[Part]) -> Part:
    """Read and check only the settings that a dataclass names by its fields, as in `Settings`.

    Raises:
        SettingsError: names every setting of these that is missing or malformed.
    """
    values, problems = _read(environ, [each.name for each in fields(part)])
    _check_vault(values, problems)
    _complain(problems)
    return part(**values)


def queue_name(environ: Mapping[str, str]) -> str:
    """The change queue's name for registering the functions, unchecked: importing the app must not fail."""
    return environ.get("BOOKING_QUEUE_NAME", "").strip() or DEFAULT_QUEUE_NAME


def catch_up_schedule(environ: Mapping[str, str]) -> str:
    """The catch-up's schedule for registering the functions, unchecked, as `queue_name`."""
    return environ.get("CATCH_UP_SCHEDULE", "").strip() or DEFAULT_CATCH_UP_SCHEDULE


def audit_schedule(environ: Mapping[str, str]) -> str:
    """The audit's schedule for registering the functions, unchecked, as `queue_name`."""
    return environ.get("AUDIT_SCHEDULE", "").strip() or DEFAULT_AUDIT_SCHEDULE


def _read(environ: Mapping[str, str], names: Iterable[str]) -> tuple[dict[str, Any], list[str]]:
    values: dict[str, Any] = {}
    problems: list[str] = []
    for name in names:
        setting = _BY_FIELD[name]
        try:
            values[name] = setting.read(environ)
        except ValueError as error:
            problems.append(f"{setting.name} {error}")
    return values, problems


def _check_vault(values: Mapping[str, Any], problems: list[str]) -> None:
    if values.get("key_vault_verify_challenge") is False and not _is_local(values.get("key_vault_url")):
        problems.append("KEY_VAULT_VERIFY_CHALLENGE can be false only for a vault on localhost: remove it")


def _complain(problems: list[str]) -> None:
    if problems:
        what = "1 app setting needs" if len(problems) == 1 else f"{len(problems)} app settings need"
        raise SettingsError(f"{what} attention. " + "; ".join(problems) + ". See docs/settings.md.")


def _is_local(url: str | None) -> bool:
    # An unreadable URL is a problem of its own; don't complain twice.
    return url is None or urlsplit(url).hostname in _LOCAL_HOSTS
