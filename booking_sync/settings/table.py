"""The app settings: their names, defaults and meaning in one table, and their typed values.

The table is the dataclass `Settings`: each field's type carries the `Setting` that fills it, or several that
are one value together. It is one table on purpose, however long: everything there is to set is in one place,
in the order of the documentation. A test holds docs/settings.md and local.settings.json.example to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, get_type_hints

from booking_sync.domain.bookings.participation import Participation  # noqa: TC001 - `get_type_hints` reads it
from booking_sync.domain.environment.columns import ResourceColumns, SupportColumns
from booking_sync.domain.events.event_calendars import EventCalendars  # noqa: TC001 - `get_type_hints` reads it
from booking_sync.domain.return_path.policy import ReturnPolicy  # noqa: TC001 - `get_type_hints` reads it
from booking_sync.event_file.location import EVENT_FILE, FILE_NAME
from booking_sync.settings import values
from booking_sync.settings.registration import (
    DEFAULT_AUDIT_SCHEDULE,
    DEFAULT_CATCH_UP_SCHEDULE,
    DEFAULT_NEAR_AUDIT_SCHEDULE,
    DEFAULT_QUEUE_NAME,
    DEFAULT_RETURN_PATH,
)
from booking_sync.settings.setting import Setting
from booking_sync.settings.storage import STORAGE_SETTING, StorageSettings
from booking_sync.settings.values import CredentialKind  # noqa: TC001 - `get_type_hints` reads it

_MAX_BATCH = 1000
_MAX_LINGER_SECONDS = 10.0
_MAX_AGE_HOURS = 30 * 24.0
MAX_FREEZE_MINUTES = 7 * 24 * 60
MAX_LOOK_BACK_MINUTES = 7 * 24 * 60

_STORAGE_GROUP = "Storage and queue"
_IDENTITY_GROUP = "Secrets and identity"
_DATAVERSE_GROUP = "Dataverse"
_PEOPLE_GROUP = "Who takes part"
_OUTLOOK_GROUP = "Graph and what technicians see"
_RETURN_GROUP = "The way back from Outlook"
_BATCH_GROUP = "Batching"
_CATCH_UP_GROUP = "Missed webhooks"
_AUDIT_GROUP = "Audit"

_COLUMNS = SupportColumns()


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
            values.queue_name,
            "the change queue; its poison queue is <name>-poison",
            _STORAGE_GROUP,
            DEFAULT_QUEUE_NAME,
        ),
    ]
    key_vault_url: Annotated[
        str,
        Setting(
            "KEY_VAULT_URL",
            values.https_url,
            "the vault that holds the key that seals, and the client secret or certificate",
            _IDENTITY_GROUP,
        ),
    ]
    key_vault_verify_challenge: Annotated[
        bool,
        Setting(
            "KEY_VAULT_VERIFY_CHALLENGE",
            values.flag,
            "false only for a vault on localhost",
            _IDENTITY_GROUP,
            "true",
        ),
    ]
    operations_sign_in: Annotated[
        str,
        Setting(
            "OPERATIONS_SIGN_IN",
            values.operators_sign_in,
            "how operators sign in: key (the function key) or entra (the platform's authentication)",
            _IDENTITY_GROUP,
            "key",
        ),
    ]
    credential: Annotated[
        CredentialKind,
        Setting(
            "CREDENTIAL",
            values.credential_kind,
            "how the app registration signs in: secret, federated or certificate",
            _IDENTITY_GROUP,
            "secret",
        ),
    ]
    client_secret_name: Annotated[
        str,
        Setting(
            "CLIENT_SECRET_NAME",
            values.secret_name,
            "the client secret's name in the vault",
            _IDENTITY_GROUP,
            "booking-sync-client-secret",
        ),
    ]
    client_certificate_name: Annotated[
        str,
        Setting(
            "CLIENT_CERTIFICATE_NAME",
            values.secret_name,
            "the client certificate's name in the vault",
            _IDENTITY_GROUP,
            "booking-sync-client-certificate",
        ),
    ]
    seal_key_name: Annotated[
        str,
        Setting(
            "SEAL_KEY_NAME",
            values.secret_name,
            "the name in the vault of the key that seals records and events",
            _IDENTITY_GROUP,
            "booking-sync-seal-key",
        ),
    ]
    tenant_id: Annotated[
        str, Setting("ENTRA_TENANT_ID", values.guid, "the tenant of the app registration", _IDENTITY_GROUP)
    ]
    client_id: Annotated[
        str,
        Setting(
            "ENTRA_CLIENT_ID",
            values.guid,
            "the app registration used for Graph and Dataverse",
            _IDENTITY_GROUP,
        ),
    ]
    authority_host: Annotated[
        str,
        Setting(
            "AZURE_AUTHORITY_HOST",
            values.authority,
            "the Entra authority; empty: the public cloud's",
            _IDENTITY_GROUP,
            "",
        ),
    ]
    dataverse_url: Annotated[
        str, Setting("DATAVERSE_URL", values.https_url, "the environment's URL", _DATAVERSE_GROUP)
    ]
    organization_id: Annotated[
        str,
        Setting(
            "DATAVERSE_ORGANIZATION_ID",
            values.guid_or_nothing,
            "the only organisation that is worked for; empty: not checked",
            _DATAVERSE_GROUP,
            "",
        ),
    ]
    app_user_id: Annotated[
        str,
        Setting(
            "DATAVERSE_APP_USER_ID",
            values.guid_or_nothing,
            "systemuserid of our own application user; empty: not checked",
            _DATAVERSE_GROUP,
            "",
        ),
    ]
    columns: Annotated[
        SupportColumns,
        Setting(
            "EVENT_ID_COLUMN", str, "booking column for the event's id", _DATAVERSE_GROUP, _COLUMNS.event_id
        ),
        Setting(
            "ORIGINAL_RESOURCE_COLUMN",
            str,
            "booking column for the mailbox that holds the event",
            _DATAVERSE_GROUP,
            _COLUMNS.original_resource,
        ),
        Setting(
            "SYNC_STATE_COLUMN",
            str,
            "booking column for what was last written",
            _DATAVERSE_GROUP,
            _COLUMNS.sync_state,
        ),
        Setting(
            "SYNC_ERROR_COLUMN",
            str,
            "booking column for what a person should read when a booking can't sync",
            _DATAVERSE_GROUP,
            _COLUMNS.sync_error,
        ),
    ]
    require_work_order: Annotated[
        bool,
        Setting(
            "REQUIRE_WORK_ORDER", values.flag, "sync only bookings of a work order", _DATAVERSE_GROUP, "true"
        ),
    ]
    participation: Annotated[
        Participation,
        Setting(
            "PARTICIPATION",
            values.everybody,
            "whose bookings show in Outlook where nothing else says so: all, or none",
            _PEOPLE_GROUP,
            "all",
        ),
        Setting(
            "PARTICIPANTS",
            values.guids,
            "ids of bookable resources, or Entra object ids of users, that take part in any case",
            _PEOPLE_GROUP,
            "",
        ),
    ]
    resource_columns: Annotated[
        ResourceColumns,
        Setting(
            "TAKES_PART_COLUMN",
            str,
            "choice on the bookable resource that says whether it takes part; empty: none",
            _PEOPLE_GROUP,
            "",
        ),
        Setting(
            "RESOURCE_MAILBOX_COLUMN",
            str,
            "text on the bookable resource that names the mailbox to show its bookings, by object id or "
            "address; empty: none",
            _PEOPLE_GROUP,
            "",
        ),
    ]
    graph_url: Annotated[
        str,
        Setting(
            "GRAPH_URL",
            values.https_url,
            "Graph; another one for national clouds",
            _OUTLOOK_GROUP,
            "https://graph.microsoft.com",
        ),
    ]
    event_file: Annotated[
        str,
        Setting(
            EVENT_FILE,
            values.file_name,
            "the file that says what events show (TOML), beside function_app.py",
            _OUTLOOK_GROUP,
            FILE_NAME,
        ),
    ]
    event_time_zone: Annotated[
        str,
        Setting(
            "EVENT_TIME_ZONE",
            values.time_zone_or_nothing,
            "the zone that events are written in (IANA or Windows name); empty: the event file's, else UTC",
            _OUTLOOK_GROUP,
            "",
        ),
    ]
    event_subject_template: Annotated[
        str,
        Setting(
            "EVENT_SUBJECT_TEMPLATE",
            values.subject_template,
            "Jinja template of the event's subject; empty: the event file's, else built in",
            _OUTLOOK_GROUP,
            "",
            many_lines=True,
        ),
    ]
    event_body_template: Annotated[
        str,
        Setting(
            "EVENT_BODY_TEMPLATE",
            values.body_template,
            "Jinja template of the event's HTML body; empty: the event file's, else built in",
            _OUTLOOK_GROUP,
            "",
            many_lines=True,
        ),
    ]
    calendars: Annotated[
        EventCalendars,
        Setting(
            "EVENT_CALENDAR",
            values.calendar_name,
            "name of the calendar that shows the events, made where it is missing; empty: the main one",
            _OUTLOOK_GROUP,
            "",
        ),
        Setting(
            "FORMER_EVENT_CALENDARS",
            values.calendar_names,
            "names of calendars that showed them before and are looked at as well; separated by semicolons",
            _OUTLOOK_GROUP,
            "",
        ),
    ]
    open_extension_name: Annotated[
        str,
        Setting(
            "OPEN_EXTENSION_NAME",
            values.extension_name,
            "open extension that names the booking on the event; empty: none",
            _OUTLOOK_GROUP,
            "com.bookingsync.booking",
            blank_is_value=True,
        ),
    ]
    return_policy: Annotated[
        ReturnPolicy,
        Setting(
            "RETURN_PATH",
            values.return_mode,
            "the most that a change in Outlook may do to its booking: off, report, propose or apply",
            _RETURN_GROUP,
            DEFAULT_RETURN_PATH,
        ),
        Setting(
            "RETURN_MOVE",
            values.return_mode,
            "what a small move does: same length, same day, at most four hours; as RETURN_PATH",
            _RETURN_GROUP,
            "apply",
        ),
        Setting(
            "RETURN_MOVE_FAR",
            values.return_mode,
            "what any other move does, also a changed length; as RETURN_PATH",
            _RETURN_GROUP,
            "propose",
        ),
        Setting(
            "RETURN_DELETE",
            values.deletion_mode,
            "what becomes of a deleted event: recreate it, propose to cancel the booking, or apply that",
            _RETURN_GROUP,
            "propose",
        ),
        Setting(
            "RETURN_EDIT",
            values.repairs,
            "what becomes of edited subjects, places, availability and our categories: repair or leave",
            _RETURN_GROUP,
            "repair",
        ),
        Setting(
            "RETURN_FREEZE_MINUTES",
            values.minutes(0, MAX_FREEZE_MINUTES),
            "minutes before a booking's start from which on changes in Outlook are only reported",
            _RETURN_GROUP,
            "30",
        ),
    ]
    cancel_status_id: Annotated[
        str,
        Setting(
            "RETURN_CANCEL_STATUS_ID",
            values.guid_or_nothing,
            "booking status of a booking that is canceled from Outlook; empty: the only one of type Canceled",
            _RETURN_GROUP,
            "",
        ),
    ]
    notification_url: Annotated[
        str,
        Setting(
            "NOTIFICATION_URL",
            values.notification_url,
            "the app's address to which Graph reports changes in Outlook; empty: it is not asked to",
            _RETURN_GROUP,
            "",
        ),
    ]
    message_max_age_hours: Annotated[
        float,
        Setting(
            "MESSAGE_MAX_AGE_HOURS",
            values.number(0.01, _MAX_AGE_HOURS),
            "hours that a change is tried before it is dead-lettered",
            _BATCH_GROUP,
            "24",
        ),
    ]
    batch_max_bookings: Annotated[
        int,
        Setting(
            "BATCH_MAX_BOOKINGS",
            values.whole_number(1, _MAX_BATCH),
            "bookings at which a batch leaves at once",
            _BATCH_GROUP,
            "100",
        ),
    ]
    batch_linger_seconds: Annotated[
        float,
        Setting(
            "BATCH_LINGER_SECONDS",
            values.number(0, _MAX_LINGER_SECONDS),
            "seconds the first booking of a batch waits for company",
            _BATCH_GROUP,
            "0.1",
        ),
    ]
    catch_up_schedule: Annotated[
        str,
        Setting(
            "CATCH_UP_SCHEDULE",
            values.schedule,
            "when bookings are looked for whose webhooks were missed (NCRONTAB, UTC)",
            _CATCH_UP_GROUP,
            DEFAULT_CATCH_UP_SCHEDULE,
        ),
    ]
    catch_up_look_back_minutes: Annotated[
        float,
        Setting(
            "CATCH_UP_LOOK_BACK_MINUTES",
            values.number(10, MAX_LOOK_BACK_MINUTES),
            "minutes back to which changed bookings are looked at",
            _CATCH_UP_GROUP,
            "60",
        ),
    ]
    catch_up_settle_seconds: Annotated[
        float,
        Setting(
            "CATCH_UP_SETTLE_SECONDS",
            values.number(0, 300),
            "seconds that a change is left to its webhook",
            _CATCH_UP_GROUP,
            "120",
        ),
    ]
    audit_schedule: Annotated[
        str,
        Setting(
            "AUDIT_SCHEDULE",
            values.schedule,
            "when calendars are compared with bookings (NCRONTAB, UTC)",
            _AUDIT_GROUP,
            DEFAULT_AUDIT_SCHEDULE,
        ),
    ]
    near_audit_schedule: Annotated[
        str,
        Setting(
            "NEAR_AUDIT_SCHEDULE",
            values.schedule,
            "when the calendars of these days are compared with bookings (NCRONTAB, UTC)",
            _AUDIT_GROUP,
            DEFAULT_NEAR_AUDIT_SCHEDULE,
        ),
    ]
    audit_repair: Annotated[
        bool,
        Setting(
            "AUDIT_REPAIR",
            values.flag,
            "whether the scheduled audits mend what they find",
            _AUDIT_GROUP,
            "true",
        ),
    ]
    audit_days_back: Annotated[
        float,
        Setting(
            "AUDIT_DAYS_BACK", values.number(0, 366), "days back to which the audit looks", _AUDIT_GROUP, "7"
        ),
    ]
    audit_days_ahead: Annotated[
        float,
        Setting(
            "AUDIT_DAYS_AHEAD",
            values.number(1, 730),
            "days ahead to which the audit looks",
            _AUDIT_GROUP,
            "60",
        ),
    ]
    audit_max_removal_ratio: Annotated[
        float,
        Setting(
            "AUDIT_MAX_REMOVAL_RATIO",
            values.number(0, 1),
            "greatest share of the listed events that an audit removes without being forced",
            _AUDIT_GROUP,
            "0.2",
        ),
    ]


BY_FIELD: dict[str, tuple[Setting, ...]] = {
    name: hint.__metadata__ for name, hint in get_type_hints(Settings, include_extras=True).items()
}
SETTINGS: tuple[Setting, ...] = tuple(setting for group in BY_FIELD.values() for setting in group)
"""The whole table, in the order of the documentation."""
