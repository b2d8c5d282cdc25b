"""The settings: typed values, one message for all that is wrong, and one table for code and documents."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from booking_sync.dataverse import queries
from booking_sync.domain.bookings.participation import Participation
from booking_sync.domain.environment.columns import ResourceColumns, ReturnColumns, SupportColumns
from booking_sync.domain.environment.watched import RelatedTable
from booking_sync.domain.events.event_calendars import EventCalendars
from booking_sync.domain.return_path.policy import Mode, ReturnPolicy
from booking_sync.errors import SettingsError
from booking_sync.settings.cautions import cautions
from booking_sync.settings.loading import (
    load_part,
    load_queue_settings,
    load_receiver_settings,
    load_settings,
)
from booking_sync.settings.lookalikes import lookalikes
from booking_sync.settings.parts import ReceiverSettings, ReturnSettings
from booking_sync.settings.registration import catch_up_schedule, hears_outlook, queue_name
from booking_sync.settings.storage import STORAGE_NAMES, StorageSettings
from booking_sync.settings.table import SETTINGS, Settings
from booking_sync.settings.values import CredentialKind
from booking_sync.sync.webhook.dynamics_webhook import ReceiverPolicy

REPOSITORY = Path(__file__).resolve().parents[2]
BLOBS = "https://contoso.blob.core.windows.net"
GUID = "0D1E2F30-1111-4222-8333-44445555ABCD"
ORGANIZATION = "5c7d2a90-2222-4222-8333-44445555abcd"
APP_USER = "7f1e0b64-3333-4222-8333-44445555abcd"
CLIENT = "1a2b3c4d-1111-4222-8333-44445555abcd"
KEY = "c2VjcmV0LWtleQ=="
CONNECTION = (
    f"DefaultEndpointsProtocol=https;AccountName=contoso;AccountKey={KEY};EndpointSuffix=core.windows.net"
)
REQUIRED = {
    "AzureWebJobsStorage": CONNECTION,
    "KEY_VAULT_URL": "https://contoso.vault.azure.net/",
    "ENTRA_TENANT_ID": GUID,
    "ENTRA_CLIENT_ID": CLIENT,
    "DATAVERSE_URL": "https://contoso.crm4.dynamics.com/",
}
IDENTITY = {key: value for key, value in REQUIRED.items() if key != "AzureWebJobsStorage"}


PLATFORM = (
    *("AzureWebJobsDashboard", "AzureWebJobsFeatureFlags", "AzureWebJobsScriptRoot"),
    *("AzureWebJobs.audit.Disabled", "AzureWebJobsSecretStorageType"),
    *("AzureWebJobsSecretStorageKeyVaultUri", "AzureFunctionsWebHost__hostid", "AZURE_CLIENT_ID"),
    *("AZURE_TENANT_ID", "AZURE_CLIENT_SECRET", "AZURE_FUNCTIONS_ENVIRONMENT"),
    *("APPLICATIONINSIGHTS_CONNECTION_STRING", "APPLICATIONINSIGHTS_AUTHENTICATION_STRING"),
    *("APPSETTING_GRAPH_URL", "APPSETTING_CATCH_UP_LOOK_BACK_MINUTES"),
    *("APPSETTING_ORIGINAL_RESOURCE_COLUMN", "ENTRA_CLIENT_SECRET", "FUNCTIONS_EXTENSION_VERSION"),
    *("FUNCTIONS_WORKER_RUNTIME", "FUNCTIONS_INPROC_NET8_ENABLED", "HOME", "PATH"),
    *("IDENTITY_ENDPOINT", "IDENTITY_HEADER", "MSI_ENDPOINT", "MSI_SECRET", "LANG", "PYTHONPATH"),
    *("SSL_CERT_FILE", "WEBSITE_SITE_NAME", "WEBSITE_HOSTNAME", "WEBSITE_TIME_ZONE"),
    *("WEBSITE_INSTANCE_ID", "REQUESTS_CA_BUNDLE", "GITHUB_EVENT_NAME", "GITHUB_EVENT_PATH"),
    *("EVENT_NAME", "COLUMNS", "NO_COLOR", "TZ", "VAULT_ADDR", "BOOKING_SYNC_TRACEBACK"),
    *("WEBHOOK_URL", "WEBHOOK_KEY", "LOG_ANALYTICS_URL", "DEPLOYMENT_STORAGE"),
)


def test_defaults() -> None:
    """With the required settings alone, everything else has its default."""
    assert load_settings(REQUIRED) == Settings(
        storage=StorageSettings(connection_string=CONNECTION),
        queue_name="booking-changes",
        key_vault_url="https://contoso.vault.azure.net",
        key_vault_verify_challenge=True,
        operations_sign_in="key",
        credential=CredentialKind.SECRET,
        client_secret_name="booking-sync-client-secret",
        client_certificate_name="booking-sync-client-certificate",
        seal_key_name="booking-sync-seal-key",
        tenant_id=GUID.lower(),
        client_id=CLIENT,
        authority_host="",
        dataverse_url="https://contoso.crm4.dynamics.com",
        organization_id="",
        app_user_id="",
        columns=SupportColumns(),
        require_work_order=True,
        participation=Participation(),
        resource_columns=ResourceColumns(),
        graph_url="https://graph.microsoft.com",
        event_file="event.toml",
        event_time_zone="",
        event_subject_template="",
        event_body_template="",
        calendars=EventCalendars(),
        open_extension_name="com.bookingsync.booking",
        return_policy=ReturnPolicy(),
        cancel_status_id="",
        notification_url="",
        message_max_age_hours=24.0,
        batch_max_bookings=100,
        batch_linger_seconds=0.1,
        catch_up_schedule="0 */5 * * * *",
        catch_up_look_back_minutes=60.0,
        catch_up_settle_seconds=120.0,
        audit_schedule="0 30 2 * * *",
        near_audit_schedule="0 10,40 * * * *",
        audit_repair=True,
        audit_days_back=7.0,
        audit_days_ahead=60.0,
        audit_max_removal_ratio=0.2,
    )


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("BOOKING_QUEUE_NAME", " my-queue ", "queue_name", "my-queue"),
        ("BOOKING_QUEUE_NAME", "", "queue_name", "booking-changes"),
        (
            "KEY_VAULT_URL",
            "HTTPS://Contoso.vault.azure.net//",
            "key_vault_url",
            "https://contoso.vault.azure.net",
        ),
        ("GRAPH_URL", "https://localhost:8443", "graph_url", "https://localhost:8443"),
        ("GRAPH_URL", "https://[::1]:8443/", "graph_url", "https://[::1]:8443"),
        (
            "AZURE_AUTHORITY_HOST",
            "login.microsoftonline.us",
            "authority_host",
            "https://login.microsoftonline.us",
        ),
        ("DATAVERSE_ORGANIZATION_ID", ORGANIZATION.upper(), "organization_id", ORGANIZATION),
        ("DATAVERSE_APP_USER_ID", "{" + APP_USER + "}", "app_user_id", APP_USER),
        ("REQUIRE_WORK_ORDER", "False", "require_work_order", False),
        ("REQUIRE_WORK_ORDER", "0", "require_work_order", False),
        ("REQUIRE_WORK_ORDER", "1", "require_work_order", True),
        ("EVENT_TIME_ZONE", "Europe/Berlin", "event_time_zone", "Europe/Berlin"),
        ("EVENT_TIME_ZONE", "W. Europe Standard Time", "event_time_zone", "W. Europe Standard Time"),
        ("EVENT_SUBJECT_TEMPLATE", "{{ account }}", "event_subject_template", "{{ account }}"),
        ("SEAL_KEY_NAME", " my-key ", "seal_key_name", "my-key"),
        ("OPEN_EXTENSION_NAME", "", "open_extension_name", ""),
        ("BATCH_MAX_BOOKINGS", "7", "batch_max_bookings", 7),
        ("BATCH_LINGER_SECONDS", "0", "batch_linger_seconds", 0.0),
        ("MESSAGE_MAX_AGE_HOURS", "0.5", "message_max_age_hours", 0.5),
        ("CATCH_UP_SCHEDULE", " 0 0/2 6-20 * * MON-FRI ", "catch_up_schedule", "0 0/2 6-20 * * MON-FRI"),
        ("CATCH_UP_SCHEDULE", "*/5 * * * *", "catch_up_schedule", "*/5 * * * *"),
        ("AUDIT_SCHEDULE", "0 0 2 * * Sunday", "audit_schedule", "0 0 2 * * Sunday"),
        ("CATCH_UP_LOOK_BACK_MINUTES", "1440", "catch_up_look_back_minutes", 1440.0),
    ],
)
def test_values_are_typed(name: str, text: str, field: str, value: object) -> None:
    """Each setting's text becomes its value, whatever spaces, case and slashes it is written with."""
    assert getattr(load_settings({**REQUIRED, name: text}), field) == value


def test_a_refused_schedule_says_what_may_stand_there() -> None:
    """The field, what stands in it, what may, and what would become of it in Azure."""
    with pytest.raises(SettingsError) as caught:
        load_settings({**REQUIRED, "AUDIT_SCHEDULE": "0 0 2 * * 7", "CATCH_UP_SCHEDULE": "0 0 2 31 4,6 *"})
    assert str(caught.value) == (
        "2 app settings need attention. "
        "CATCH_UP_SCHEDULE never comes: none of its months has such a day; "
        "AUDIT_SCHEDULE is refused by the Functions host, which then leaves the timer out: "
        "day of week is 7; it goes from 0 (Sunday) to 6. See docs/settings.md."
    )


def test_the_defaults_need_no_caution() -> None:
    """A run every five minutes that covers 58."""
    assert cautions(load_settings(REQUIRED), REQUIRED) == ()


@pytest.mark.parametrize(
    ("schedule", "look_back", "settle", "words", "remedy"),
    [
        ("0 0/2 6-20 * * MON-FRI", "60", "120", "2 days 9 h, and a run covers 58 min", "to 3424 or more."),
        ("0 0 * * * *", "60", "120", "1 h, and a run covers 58 min", "to 62 or more."),
        ("0 0 * * * *", "61.5", "91", "1 h, and a run covers 59 min 59 s", "to 62 or more."),
        ("0 0 2 29 2 *", "10080", "0", "2921 days, and a run covers 7 days", "run more often."),
    ],
)
def test_a_catch_up_that_runs_seldom_is_told(
    schedule: str, look_back: str, settle: str, words: str, remedy: str
) -> None:
    """Changes between what two runs cover would wait for the audit; the app works all the same."""
    environ = {
        "CATCH_UP_SCHEDULE": schedule,
        "CATCH_UP_LOOK_BACK_MINUTES": look_back,
        "CATCH_UP_SETTLE_SECONDS": settle,
    }
    (caution,) = cautions(load_settings({**REQUIRED, **environ}), environ)
    assert caution.setting == "CATCH_UP_SCHEDULE"
    assert f"pauses for up to {words} (" in caution.words
    assert caution.remedy.endswith(remedy)


@pytest.mark.parametrize("look_back", ["62", "60.5"])
def test_a_look_back_that_just_covers_the_pause_is_enough(look_back: str) -> None:
    """The time that changes are left to settle is the difference."""
    settle = "120" if look_back == "62" else "30"
    environ = {
        "CATCH_UP_SCHEDULE": "0 0 * * * *",
        "CATCH_UP_LOOK_BACK_MINUTES": look_back,
        "CATCH_UP_SETTLE_SECONDS": settle,
    }
    assert cautions(load_settings({**REQUIRED, **environ}), environ) == ()


def slips(name: str) -> set[str]:
    """The name with one slip of the keyboard: a letter too few, or two exchanged."""
    fewer = {name[:place] + name[place + 1 :] for place in range(len(name))}
    exchanged = {
        name[:place] + name[place + 1] + name[place] + name[place + 2 :] for place in range(len(name) - 1)
    }
    return (fewer | exchanged | {name.lower(), name.replace("_", "")}) - {name}


@pytest.mark.parametrize("name", [*(each.name for each in SETTINGS), *STORAGE_NAMES])
def test_a_name_that_is_nearly_a_setting_s_is_told(name: str) -> None:
    """With the right one; the setting itself is missing, and its default would be taken without a word."""
    assert lookalikes(dict.fromkeys(slips(name), "x")) == dict.fromkeys(slips(name), name)


def test_names_of_others_are_none_of_our_business() -> None:
    """What Azure, the SDKs and a shell put into the environment, and what the command line reads."""
    assert lookalikes(dict.fromkeys(PLATFORM, "x")) == {}


def test_a_slip_is_told_where_its_setting_is_missing() -> None:
    """Beside the complaint, so that the other one is found in the list of settings."""
    environ = {**REQUIRED, "DATAVERSE_ULR": REQUIRED["DATAVERSE_URL"]}
    del environ["DATAVERSE_URL"]
    with pytest.raises(
        SettingsError, match=r"DATAVERSE_URL is missing.* Nothing reads DATAVERSE_ULR: is DATAVERSE_URL"
    ):
        load_settings(environ)


def test_a_slip_is_a_caution_where_all_is_in_order() -> None:
    """The default is at work instead of what somebody set."""
    environ = {**REQUIRED, "EVENT_TIMEZONE": "Europe/Berlin"}
    (caution,) = cautions(load_settings(environ), environ)
    assert (caution.setting, caution.words) == (
        "EVENT_TIMEZONE",
        "nothing reads it; it looks like EVENT_TIME_ZONE",
    )


def test_one_message_names_everything_that_is_wrong() -> None:
    """Missing and malformed settings are named together, not one per attempt."""
    with pytest.raises(SettingsError) as caught:
        load_settings({"GRAPH_URL": "graph", "BATCH_MAX_BOOKINGS": "many", "ENTRA_CLIENT_ID": "  "})
    for name in (*REQUIRED, "GRAPH_URL", "BATCH_MAX_BOOKINGS"):
        assert name in str(caught.value)
    assert str(caught.value).startswith("7 app settings need attention.")


def test_no_secret_is_shown() -> None:
    """Neither the message nor a printed value holds the storage account's key."""
    with pytest.raises(SettingsError) as caught:
        load_settings({"AzureWebJobsStorage": f"AccountKey={KEY}"})
    assert KEY not in str(caught.value)
    assert KEY not in repr(load_settings(REQUIRED))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_challenge_may_be_unverified_on_localhost(host: str) -> None:
    """The local stack's vault can't have the domain that its challenge names."""
    environ = {**REQUIRED, "KEY_VAULT_URL": f"https://{host}:8200", "KEY_VAULT_VERIFY_CHALLENGE": "false"}
    assert load_settings(environ).key_vault_verify_challenge is False


@pytest.mark.parametrize("host", ["contoso.vault.azure.net", "localhost.contoso.com"])
def test_challenge_must_be_verified_elsewhere(host: str) -> None:
    """A real vault's challenge is always verified."""
    environ = {**REQUIRED, "KEY_VAULT_URL": f"https://{host}", "KEY_VAULT_VERIFY_CHALLENGE": "false"}
    with pytest.raises(SettingsError, match="KEY_VAULT_VERIFY_CHALLENGE"):
        load_settings(environ)


@pytest.mark.parametrize(
    "text",
    [
        "UseDevelopmentStorage=true",
        f"AccountName=a;AccountKey={KEY};QueueEndpoint=https://127.0.0.1:10001/a",
        "QueueEndpoint=https://a.queue.core.windows.net;SharedAccessSignature=sv=2024&sig=x",
        CONNECTION + ";",
    ],
)
def test_connection_strings(text: str) -> None:
    """Every form of a connection string is taken as it is."""
    assert load_settings({**IDENTITY, "AzureWebJobsStorage": text}).storage.connection_string == text


@pytest.mark.parametrize(
    "text", ["contoso", "AccountName=a", "AccountName=a;AccountKey", f"AccountKey={KEY}"]
)
def test_malformed_connection_string(text: str) -> None:
    """Half a connection string is found out at the start, not at the first message."""
    with pytest.raises(SettingsError, match="AzureWebJobsStorage is not a connection string"):
        load_settings({**IDENTITY, "AzureWebJobsStorage": text})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            {"accountName": "contoso"},
            StorageSettings(queue_url="https://contoso.queue.core.windows.net", blob_url=BLOBS),
        ),
        (
            {"queueServiceUri": "https://contoso.queue.core.windows.net/", "credential": "managedIdentity"},
            StorageSettings(queue_url="https://contoso.queue.core.windows.net", blob_url=BLOBS),
        ),
        (
            {"accountName": "contoso", "credential": "managedidentity", "clientId": GUID},
            StorageSettings(
                queue_url="https://contoso.queue.core.windows.net", client_id=GUID.lower(), blob_url=BLOBS
            ),
        ),
    ],
    ids=["account name", "queue service", "user-assigned identity"],
)
def test_identity_based_storage(given: dict[str, str], expected: StorageSettings) -> None:
    """Without a connection string the account is reached with the app's identity."""
    environ = {**IDENTITY, **{f"AzureWebJobsStorage__{key}": value for key, value in given.items()}}
    assert load_settings(environ).storage == expected


@pytest.mark.parametrize(
    "given",
    [
        {"accountName": "contoso", "queueServiceUri": "https://contoso.queue.core.windows.net"},
        {"accountName": "Con_toso"},
        {"queueServiceUri": "http://contoso.queue.core.windows.net"},
        {"accountName": "contoso", "credential": "password"},
        {"accountName": "contoso", "clientId": "me"},
        {"blobServiceUri": "https://contoso.blob.core.windows.net"},
    ],
    ids=["both styles", "bad name", "no TLS", "bad credential", "bad client id", "no queue"],
)
def test_malformed_identity_based_storage(given: dict[str, str]) -> None:
    """The identity-based form is checked as a whole."""
    environ = {**IDENTITY, **{f"AzureWebJobsStorage__{key}": value for key, value in given.items()}}
    with pytest.raises(SettingsError, match="AzureWebJobsStorage"):
        load_settings(environ)


POLICY = {
    "DATAVERSE_ORGANIZATION_ID": ORGANIZATION,
    "DATAVERSE_APP_USER_ID": APP_USER,
    "EVENT_ID_COLUMN": "new_event",
}
READ = ReceiverPolicy(
    organization_id=ORGANIZATION,
    app_user_id=APP_USER,
    require_work_order=True,
    columns=SupportColumns(event_id="new_event"),
)


def test_webhook_needs_only_its_own_settings() -> None:
    """Its queue and its policy are read without a look at anything else."""
    environ = {"AzureWebJobsStorage": CONNECTION, **POLICY, "GRAPH_URL": "nonsense"}
    queue = load_queue_settings(environ)
    assert (queue.storage.connection_string, queue.queue_name) == (CONNECTION, "booking-changes")
    assert load_receiver_settings(environ) == ReceiverSettings(READ)


@pytest.mark.parametrize(("path", "on"), [("off", False), ("", False), ("report", True), ("perhaps", True)])
def test_the_webhook_knows_whether_something_comes_back_from_outlook(path: str, *, on: bool) -> None:
    """With the columns of the others' publisher; while nobody can tell, it takes more than it needs to."""
    columns = load_receiver_settings({**POLICY, "RETURN_PATH": path}).policy.return_columns
    assert columns == (ReturnColumns(*(f"new_{each[6:]}" for each in ReturnColumns().names)) if on else None)


@pytest.mark.parametrize(
    ("path", "tables"),
    [
        ("msdyn_workorder.contoso_access", {RelatedTable.WORK_ORDER}),
        ("MSDYN_WorkOrder.msdyn_priority.msdyn_name", {RelatedTable.WORK_ORDER}),
        ("Resource.name", {RelatedTable.RESOURCE}),
        ("msdyn_resourcerequirement.msdyn_name", set()),
        ("resource", set()),
        ("no path!", set(RelatedTable)),
    ],
)
def test_the_webhook_knows_of_which_tables_events_show_more(
    path: str, tables: set[RelatedTable], tmp_path: Path
) -> None:
    """By the event file's paths; while the file can't be read, each change of these tables counts."""
    file = tmp_path / "mine.toml"
    file.write_text(f'[columns]\na = "{path}"\n')
    assert load_receiver_settings({**POLICY, "EVENT_FILE": str(file)}).policy.shows_more == tables
    assert load_receiver_settings(POLICY).policy.shows_more == frozenset()


@pytest.mark.parametrize(
    ("name", "text", "policy"),
    [
        ("DATAVERSE_ORGANIZATION_ID", "contoso", replace(READ, organization_id="", columns=None)),
        ("DATAVERSE_ORGANIZATION_ID", GUID, replace(READ, organization_id="", columns=None)),
        ("DATAVERSE_APP_USER_ID", "me", replace(READ, app_user_id="")),
        ("REQUIRE_WORK_ORDER", "maybe", replace(READ, require_work_order=False)),
        ("EVENT_ID_COLUMN", "Event Id", replace(READ, columns=None)),
        ("SYNC_STATE_COLUMN", "new_event", replace(READ, columns=None)),
        ("SYNC_ERROR_COLUMN", "Error", READ),
        ("SYNC_ERROR_COLUMN", "new_event", READ),
        ("TAKES_PART_COLUMN", "Takes part", replace(READ, resource_columns=None)),
    ],
)
def test_no_webhook_is_lost_for_a_bad_setting(name: str, text: str, policy: ReceiverPolicy) -> None:
    """It takes more than it needs to and says why; what can be known of a deletion is read."""
    settings = load_receiver_settings({**POLICY, "ENTRA_TENANT_ID": GUID, name: text})
    assert settings.policy == policy
    (problem,) = settings.problems
    assert name in problem


def test_the_queue_s_own_settings_are_needed() -> None:
    """Without a queue nothing can be kept: both are named."""
    with pytest.raises(SettingsError, match=r"2 app settings.*AzureWebJobsStorage.*BOOKING_QUEUE_NAME"):
        load_queue_settings({"BOOKING_QUEUE_NAME": "_"})


@pytest.mark.parametrize(
    ("environ", "expected"),
    [({}, "booking-changes"), ({"BOOKING_QUEUE_NAME": " q "}, "q"), ({"BOOKING_QUEUE_NAME": "Bad_"}, "Bad_")],
)
def test_queue_name_for_registration_never_fails(environ: dict[str, str], expected: str) -> None:
    """Registering the functions only needs a name."""
    assert queue_name(environ) == expected


@pytest.mark.parametrize(
    ("environ", "expected"),
    [({}, "0 */5 * * * *"), ({"CATCH_UP_SCHEDULE": " 0 0 * * * * "}, "0 0 * * * *")],
)
def test_schedule_for_registration_never_fails(environ: dict[str, str], expected: str) -> None:
    """Registering the timer only needs a text, which the host checks."""
    assert catch_up_schedule(environ) == expected


@pytest.mark.parametrize(
    ("given", "hears"),
    [
        ({}, False),
        ({"RETURN_PATH": "Report", "NOTIFICATION_URL": "https://contoso.com/api"}, True),
        ({"RETURN_PATH": " apply\u200b", "NOTIFICATION_URL": "x"}, True),
        ({"RETURN_PATH": "apply", "NOTIFICATION_URL": " "}, False),
        ({"RETURN_PATH": "off", "NOTIFICATION_URL": "https://contoso.com/api"}, False),
        ({"RETURN_PATH": "yes", "NOTIFICATION_URL": "https://contoso.com/api"}, False),
    ],
)
def test_graph_reports_to_the_app_only_where_the_way_back_is_on(
    given: dict[str, str], *, hears: bool
) -> None:
    """Off costs nothing: neither an endpoint nor a timer is registered."""
    assert hears_outlook(given) is hears


def test_the_way_back_has_columns_of_the_others_publisher() -> None:
    """Nobody has to name them; while it is off there are none."""
    given = {**REQUIRED, "EVENT_ID_COLUMN": "contoso_eventid"}
    assert load_part(given, ReturnSettings).return_columns is None
    columns = load_part({**given, "RETURN_PATH": "report"}, ReturnSettings).return_columns
    assert columns
    assert columns.base == "contoso_outlookbase"
    assert load_settings({**REQUIRED, "RETURN_PATH": "report"}).return_policy == ReturnPolicy(Mode.REPORT)


def documented(page: str = "settings.md") -> dict[str, str]:
    """Every setting in docs/settings.md's tables or in another page's, with the default it names."""
    text = (REPOSITORY / "docs" / page).read_text()
    rows = re.findall(r"^\| `([A-Za-z0-9_]+)` \| (.*?) \|", text, flags=re.MULTILINE)
    assert len(rows) == len({name for name, _ in rows}), "a setting stands in two rows"
    return {name: default.strip("`") for name, default in rows}


def test_documentation_is_complete() -> None:
    """docs/settings.md has exactly the code's settings, with the code's defaults."""
    shown = {None: "required", "": "empty"}
    assert documented() == {each.name: shown.get(each.default, each.default) for each in SETTINGS}


def test_the_page_of_the_way_back_has_all_its_settings() -> None:
    """Whoever switches it on finds in docs/two-way.md each setting of its group, and what it is at first."""
    (group,) = {each.group for each in SETTINGS if each.name == "RETURN_PATH"}
    told = {name: "" if default == "empty" else default for name, default in documented("two-way.md").items()}
    assert told == {each.name: each.default for each in SETTINGS if each.group == group}


def test_example_is_complete() -> None:
    """local.settings.json.example has exactly the code's settings; the optional ones at their defaults."""
    example = json.loads((REPOSITORY / "local.settings.json.example").read_text())["Values"]
    assert example.pop("FUNCTIONS_WORKER_RUNTIME") == "python"
    assert set(example) == {each.name for each in SETTINGS}
    for each in SETTINGS:
        assert each.required or example[each.name] == each.default


def test_example_can_be_loaded() -> None:
    """The example is well-formed as it stands."""
    example = json.loads((REPOSITORY / "local.settings.json.example").read_text())["Values"]
    assert load_settings(example).storage.connection_string == "UseDevelopmentStorage=true"


def test_host_agrees_with_the_code() -> None:
    """What the queue's producer and the host have to agree on is in host.json."""
    host = json.loads((REPOSITORY / "host.json").read_text())
    queues = host["extensions"]["queues"]
    assert queues["messageEncoding"] == "base64"
    assert queues["batchSize"] + queues["newBatchThreshold"] == 2000, "docs/settings.md names the sum"
    assert load_settings(REQUIRED).batch_max_bookings == queries.MAX_IDS


@pytest.mark.parametrize(
    ("more", "blobs"),
    [
        ({"AzureWebJobsStorage__accountName": "contoso"}, "https://contoso.blob.core.windows.net"),
        (
            {"AzureWebJobsStorage__queueServiceUri": "https://contoso.queue.core.usgovcloudapi.net"},
            "https://contoso.blob.core.usgovcloudapi.net",
        ),
        ({"AzureWebJobsStorage__queueServiceUri": "https://queues.contoso.com"}, ""),
        (
            {
                "AzureWebJobsStorage__queueServiceUri": "https://queues.contoso.com",
                "AzureWebJobsStorage__blobServiceUri": "https://blobs.contoso.com/",
            },
            "https://blobs.contoso.com",
        ),
    ],
    ids=["account", "national cloud", "own domain", "named"],
)
def test_blobs_are_found_beside_the_queues(more: dict[str, str], blobs: str) -> None:
    """The operator's journal needs no setting of its own, and may be named where names are not alike."""
    storage = load_queue_settings(more).storage
    assert (storage.blob_url, storage.has_blobs) == (blobs, bool(blobs))


@pytest.mark.parametrize(
    ("text", "has_blobs"),
    [
        ("AccountName=a;AccountKey=aw==", True),
        ("AccountName=a;AccountKey=aw==;QueueEndpoint=https://q", False),
        ("AccountName=a;AccountKey=aw==;QueueEndpoint=https://q;BlobEndpoint=https://b", True),
        ("UseDevelopmentStorage=true", True),
    ],
)
def test_a_connection_string_may_lead_to_queues_only(text: str, *, has_blobs: bool) -> None:
    """Where only a queue endpoint is named, no other host is guessed."""
    assert load_queue_settings({"AzureWebJobsStorage": text}).storage.has_blobs is has_blobs
