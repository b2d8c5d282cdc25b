"""What each setting takes and refuses, by kinds of mistakes: the table that a new setting has to join."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any

from booking_sync.domain.return_path.policy import Mode
from booking_sync.settings.values import CredentialKind

KEY = "c2VjcmV0LWtleQ=="
CONNECTION = (
    f"DefaultEndpointsProtocol=https;AccountName=contoso;AccountKey={KEY};EndpointSuffix=core.windows.net"
)
TENANT = "0d1e2f30-1111-4222-8333-44445555abcd"
CLIENT = "1a2b3c4d-1111-4222-8333-44445555abcd"
ORGANIZATION = "5c7d2a90-2222-4222-8333-44445555abcd"
APP_USER = "7f1e0b64-3333-4222-8333-44445555abcd"
VAULT = "https://contoso.vault.azure.net"
DATAVERSE = "https://contoso.crm4.dynamics.com"
GRAPH = "https://graph.microsoft.com"
ENVIRON = {
    "AzureWebJobsStorage": CONNECTION,
    "KEY_VAULT_URL": VAULT,
    "ENTRA_TENANT_ID": TENANT,
    "ENTRA_CLIENT_ID": CLIENT,
    "DATAVERSE_URL": DATAVERSE,
    "DATAVERSE_ORGANIZATION_ID": ORGANIZATION,
    "DATAVERSE_APP_USER_ID": APP_USER,
}
"""Settings with which everything is in order."""


class Mistake(StrEnum):
    """The kinds of mistakes that are made with a setting."""

    MALFORMED = "malformed"
    TOO_LONG = "too long"
    TOO_SHORT = "too short"
    EMPTY = "empty"
    DOUBLED = "doubled"
    """Pasted twice."""
    CONTRADICTING = "contradicting"
    """Fine by itself, and wrong beside another."""


@dataclass(frozen=True)
class Refused:
    """It is told, in words that match, when all settings are read."""

    text: str
    words: str
    others: Mapping[str, str] = field(default_factory=dict)
    """Further settings, for a contradiction."""


@dataclass(frozen=True)
class Taken:
    """It is no mistake; the value that it becomes."""

    text: str
    value: Any


@dataclass(frozen=True)
class Cautioned:
    """It works and is told by `cautions`."""

    text: str
    words: str
    others: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Impossible:
    """There is no such mistake with this setting, and why."""

    reason: str


Case = Refused | Taken | Cautioned | Impossible


@dataclass(frozen=True)
class Row:
    """All about one setting."""

    field: str
    """In `Settings`; with a dot, a field of that field."""
    good: str
    """A value other than the default."""
    value: Any
    """What it becomes."""
    cases: Mapping[Mistake, Case | tuple[Case, ...]]

    def all_of(self, kind: type[Case]) -> Iterator[Case]:
        """Every case of a kind."""
        for cases in self.cases.values():
            yield from (
                each for each in (cases if isinstance(cases, tuple) else (cases,)) if isinstance(each, kind)
            )


NOTHING_BESIDE = Impossible("says nothing that another setting says too")
BOUNDED = Impossible("its bounds leave no room for it: tests/settings/test_every_setting.py holds them")


LOWER_COUNTS = Impossible("beside another of these the lower one counts")


def _host(letters: int) -> str:
    return "https://" + ".".join(["a" * 63] * 3 + ["b" * (letters - 3 * 64)])


def _url(name: str, field_: str, other: str, good: str, *, empty: Case, path: str) -> Row:
    """An address; `other` is a setting with an address that it must not share."""
    taken = ENVIRON.get(other, GRAPH)
    return Row(
        field_,
        good,
        good,
        {
            Mistake.MALFORMED: (
                Refused(good.replace("https", "http"), "must begin with https://"),
                Refused("https://", "must be https://<host>"),
                Refused(good + path, "must be https://<host>"),
                Refused("https://user:password@contoso.com", "must be https://<host> and nothing else"),
                Refused("https://con toso.com", "must be https://<host>, and no host"),
                Refused("https://b\u00fccher.example", "must be https://<host>, and no host"),
                Refused("https://contoso.com:99999", "is not a URL"),
                Refused("https://contoso.com:0", "must be https://<host>, and no host or port"),
                Refused("https://[::1", "is not a URL"),
            ),
            Mistake.TOO_LONG: Refused(_host(254), "must be https://<host>, and no host"),
            Mistake.TOO_SHORT: Refused("https://-", "must be https://<host>, and no host"),
            Mistake.EMPTY: empty,
            Mistake.DOUBLED: Refused(good + good, f"{name} "),
            Mistake.CONTRADICTING: Refused(taken, f"({name} and|and {name}) .*must not be the same address"),
        },
    )


def _guid(name: str, field_: str, good: str, other: str, *, empty: Case) -> Row:
    """An id; `other` is a setting with an id that it must not share."""
    return Row(
        field_,
        "{" + good.upper() + "}",
        good,
        {
            Mistake.MALFORMED: (
                Refused("contoso.onmicrosoft.com", "must be a GUID"),
                Refused(good.replace("4", "\u0664"), "must be a GUID"),
                Refused("00000000-0000-0000-0000-000000000000", "must be a GUID other than the empty"),
            ),
            Mistake.TOO_LONG: Refused(good + "0", "must be a GUID"),
            Mistake.TOO_SHORT: Refused(good[:-1], "must be a GUID"),
            Mistake.EMPTY: empty,
            Mistake.DOUBLED: Refused(good + good, "must be a GUID"),
            Mistake.CONTRADICTING: Refused(
                ENVIRON[other].upper(), f"({name} and|and {name}) .*must not be the same id"
            ),
        },
    )


def _column(name: str, field_: str, default: str, other: str, other_name: str) -> Row:
    """A support column; `other` is the default of another one."""
    return Row(
        f"columns.{field_}",
        "new_column",
        "new_column",
        {
            Mistake.MALFORMED: (
                Refused("Bsync_Event", "must be a column's logical name"),
                Refused("bsync_event;drop", "must be a column's logical name"),
                Refused("name", "must be a column that you added"),
                Refused("starttime", "must be a column that you added"),
                Refused("statecode", "must be a column that you added"),
                Refused("msdyn_workorder", "must be a column that you added"),
            ),
            Mistake.TOO_LONG: Refused("bsync_" + "a" * 95, "must have at most 100 characters"),
            Mistake.TOO_SHORT: Refused("b_a", "must be a column that you added"),
            Mistake.EMPTY: Taken("", default),
            Mistake.DOUBLED: Refused(f"{default},{default}", "must be a column's logical name"),
            Mistake.CONTRADICTING: Refused(
                other, f"({name} and {other_name}|{other_name} and {name}) must be different columns"
            ),
        },
    )


def _resource_column(name: str, field_: str, other_name: str) -> Row:
    """A column on the bookable resource, which there need not be."""
    row = _column(name, field_, "bsync_other", "bsync_outlooksyncstate", other_name)
    cases = {**row.cases, Mistake.EMPTY: Taken("", "")}
    return Row(f"resource_columns.{field_}", row.good, row.value, cases)


def _flag(field_: str, good: str, *, default: bool, contradicting: Case) -> Row:
    return Row(
        field_,
        good,
        good == "yes",
        {
            Mistake.MALFORMED: Refused("perhaps", "must be true or false"),
            Mistake.TOO_LONG: Refused("true" * 1000, "must be true or false"),
            Mistake.TOO_SHORT: Refused("t", "must be true or false"),
            Mistake.EMPTY: Taken("", default),
            Mistake.DOUBLED: Refused("true true", "must be true or false"),
            Mistake.CONTRADICTING: contradicting,
        },
    )


def _number(
    field_: str,
    good: str,
    *,
    high: str,
    low: Case | tuple[Case, ...],
    default: float,
    doubled: Case,
    contradicting: Case = NOTHING_BESIDE,
) -> Row:
    refusal = "must be a (whole )?number from "
    return Row(
        field_,
        good,
        float(good),
        {
            Mistake.MALFORMED: (
                *(Refused(text, refusal) for text in ("many", "nan", "inf", "-inf", "1e400", "1_0", "0x10")),
                *(Refused(text, refusal) for text in ("\u0661\u0660", "1,5", "1 0", "10%", "--1", "NaN()")),
            ),
            Mistake.TOO_LONG: (Refused(high, refusal), Refused("9" * 5000, refusal)),
            Mistake.TOO_SHORT: low,
            Mistake.EMPTY: Taken("", default),
            Mistake.DOUBLED: doubled,
            Mistake.CONTRADICTING: contradicting,
        },
    )


def _secret(field_: str, default: str, contradicting: Case) -> Row:
    refusal = "must be 1 to 127"
    return Row(
        field_,
        "my-secret",
        "my-secret",
        {
            Mistake.MALFORMED: (
                Refused("my_secret", refusal),
                Refused(f"{VAULT}/secrets/my-secret", refusal),
                Refused("~q8Q~s3cr3t.value", refusal),
            ),
            Mistake.TOO_LONG: Refused("a" * 128, refusal),
            Mistake.TOO_SHORT: Taken("a", "a"),
            Mistake.EMPTY: Taken("", default),
            Mistake.DOUBLED: Refused("my-secret my-secret", refusal),
            Mistake.CONTRADICTING: contradicting,
        },
    )


def _schedule(field_: str, default: str, contradicting: Case) -> Row:
    refusal = "is refused by the Functions host"
    return Row(
        field_,
        "0 0/10 * * * mon-fri",
        "0 0/10 * * * mon-fri",
        {
            Mistake.MALFORMED: (
                Refused("every five minutes if you please", refusal),
                Refused("@daily", refusal),
                Refused("0 0 2 * * 7", f"{refusal}.*day of week"),
                Refused("0 0 0 31 2 *", "never comes"),
            ),
            Mistake.TOO_LONG: Refused("0 " * 7, refusal),
            Mistake.TOO_SHORT: Refused("* *", refusal),
            Mistake.EMPTY: Taken("", default),
            Mistake.DOUBLED: Refused(f"{default} {default}", refusal),
            Mistake.CONTRADICTING: contradicting,
        },
    )


def _mode(field_: str, default: Mode) -> Row:
    """What becomes of a kind of change in Outlook."""
    refusal = "must be one of off, report, propose, apply"
    return Row(
        f"return_policy.{field_}",
        "Report",
        Mode.REPORT,
        {
            Mistake.MALFORMED: (Refused("on", refusal), Refused("recreate", refusal), Refused("2", refusal)),
            Mistake.TOO_LONG: Refused("applying", refusal),
            Mistake.TOO_SHORT: Refused("app", refusal),
            Mistake.EMPTY: Taken("", default),
            Mistake.DOUBLED: Refused("apply apply", refusal),
            Mistake.CONTRADICTING: LOWER_COUNTS,
        },
    )


ROWS: dict[str, Row] = {
    "AzureWebJobsStorage": Row(
        "storage.connection_string",
        "UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://proxy",
        "UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://proxy",
        {
            Mistake.MALFORMED: (
                Refused("contoso", "is not a connection string"),
                Refused(VAULT, "is not a connection string"),
                Refused("@Microsoft.KeyVault(SecretUri=x)", "is not a connection string"),
                Refused(f"AccountName = contoso;AccountKey={KEY}", "is not a connection"),
                Refused(f"AccountName=contoso;;AccountKey={KEY}", "is not a connection"),
                Refused("AccountName=contoso;AccountKey=c2VjcmV0L", "has an AccountKey"),
                Refused(f"AccountName=Con_toso;AccountKey={KEY}", "has an AccountName"),
                Refused(f"{CONNECTION};QueueEndpoint=contoso", "has an endpoint"),
                Refused(f"{CONNECTION};BlobEndpoint=https://[", "has an endpoint"),
            ),
            Mistake.TOO_LONG: Refused(f"AccountName={'a' * 64};AccountKey={KEY}", "has an AccountName"),
            Mistake.TOO_SHORT: Refused("AccountName=contoso", "is not a connection string"),
            Mistake.EMPTY: Refused("", "is missing: give a connection string, or"),
            Mistake.DOUBLED: Refused(f"{CONNECTION};{CONNECTION}", ".* says something twice"),
            Mistake.CONTRADICTING: (
                Cautioned(CONNECTION, "whose key is used", {"AzureWebJobsStorage__accountName": "contoso"}),
                Cautioned(
                    "",
                    "system-assigned identity",
                    {"AzureWebJobsStorage__accountName": "contoso", "AzureWebJobsStorage__clientId": CLIENT},
                ),
                Refused(
                    "",
                    "has both __accountName and __queueServiceUri",
                    {
                        "AzureWebJobsStorage__accountName": "contoso",
                        "AzureWebJobsStorage__queueServiceUri": "https://contoso.queue.core.windows.net",
                    },
                ),
                Refused(
                    "",
                    "AzureWebJobsStorage__credential can only be managedidentity",
                    {
                        "AzureWebJobsStorage__accountName": "contoso",
                        "AzureWebJobsStorage__credential": "workloadidentity",
                    },
                ),
            ),
        },
    ),
    "BOOKING_QUEUE_NAME": Row(
        "queue_name",
        "my-queue",
        "my-queue",
        {
            Mistake.MALFORMED: (
                Refused("Booking_Changes", "must be 3 to 56"),
                Refused("a--b", "must be 3 to 56"),
                Refused("-ab", "must be 3 to 56"),
                Refused("queue\u0661", "must be 3 to 56"),
            ),
            Mistake.TOO_LONG: (
                Refused("q" * 57, "must have at most 56 characters"),
                Refused("q" * 64, "must be 3 to 56"),
            ),
            Mistake.TOO_SHORT: Refused("ab", "must be 3 to 56"),
            Mistake.EMPTY: Taken("", "booking-changes"),
            Mistake.DOUBLED: Refused("booking-changes booking-changes", "must be 3 to 56"),
            Mistake.CONTRADICTING: NOTHING_BESIDE,
        },
    ),
    "KEY_VAULT_URL": _url(
        "KEY_VAULT_URL",
        "key_vault_url",
        "DATAVERSE_URL",
        "https://other.vault.azure.net",
        empty=Refused("", "is missing"),
        path="/secrets/name",
    ),
    "KEY_VAULT_VERIFY_CHALLENGE": _flag(
        "key_vault_verify_challenge",
        "yes",
        default=True,
        contradicting=Refused(
            "false", "KEY_VAULT_VERIFY_CHALLENGE can be false only for a vault on localhost"
        ),
    ),
    "OPERATIONS_SIGN_IN": Row(
        "operations_sign_in",
        "Entra",
        "entra",
        {
            Mistake.MALFORMED: Refused("easyauth", "OPERATIONS_SIGN_IN must be one of key, entra"),
            Mistake.TOO_LONG: Refused("entra-id", "must be one of"),
            Mistake.TOO_SHORT: Refused("k", "must be one of"),
            Mistake.EMPTY: Taken("", "key"),
            Mistake.DOUBLED: Refused("keykey", "must be one of"),
            Mistake.CONTRADICTING: NOTHING_BESIDE,
        },
    ),
    "CREDENTIAL": Row(
        "credential",
        "Federated",
        CredentialKind.FEDERATED,
        {
            Mistake.MALFORMED: Refused(
                "managedidentity", "CREDENTIAL must be one of secret, federated, certificate"
            ),
            Mistake.TOO_LONG: Refused("secrets", "must be one of"),
            Mistake.TOO_SHORT: Refused("cert", "must be one of"),
            Mistake.EMPTY: Taken("", CredentialKind.SECRET),
            Mistake.DOUBLED: Refused("secretsecret", "must be one of"),
            Mistake.CONTRADICTING: (
                Cautioned(
                    "federated",
                    "nothing reads it while CREDENTIAL is federated",
                    {"CLIENT_SECRET_NAME": "my-secret"},
                ),
                Cautioned(
                    "certificate",
                    "nothing reads it while CREDENTIAL is certificate",
                    {"CLIENT_SECRET_NAME": "my-secret"},
                ),
                Cautioned(
                    "secret",
                    "nothing reads it while CREDENTIAL is secret",
                    {"CLIENT_CERTIFICATE_NAME": "my-certificate"},
                ),
            ),
        },
    ),
    "CLIENT_SECRET_NAME": _secret(
        "client_secret_name",
        "booking-sync-client-secret",
        Refused("Booking-Sync-Seal-Key", "CLIENT_SECRET_NAME and SEAL_KEY_NAME must not be the same secret"),
    ),
    "CLIENT_CERTIFICATE_NAME": _secret(
        "client_certificate_name",
        "booking-sync-client-certificate",
        Refused(
            "Booking-Sync-Client-Secret",
            "CLIENT_SECRET_NAME and CLIENT_CERTIFICATE_NAME must not be the same secret",
        ),
    ),
    "SEAL_KEY_NAME": _secret(
        "seal_key_name",
        "booking-sync-seal-key",
        Refused("booking-sync-client-secret", "CLIENT_SECRET_NAME and SEAL_KEY_NAME must not be the same"),
    ),
    "ENTRA_TENANT_ID": _guid(
        "ENTRA_TENANT_ID",
        "tenant_id",
        "9a8b7c6d-4444-4222-8333-44445555abcd",
        "ENTRA_CLIENT_ID",
        empty=Refused("", "is missing"),
    ),
    "ENTRA_CLIENT_ID": _guid(
        "ENTRA_CLIENT_ID",
        "client_id",
        "9a8b7c6d-4444-4222-8333-44445555abcd",
        "DATAVERSE_APP_USER_ID",
        empty=Refused("", "is missing"),
    ),
    "AZURE_AUTHORITY_HOST": Row(
        "authority_host",
        "login.microsoftonline.us",
        "https://login.microsoftonline.us",
        {
            Mistake.MALFORMED: (
                Refused("http://login.microsoftonline.com", "must begin with https://"),
                Refused("login microsoftonline com", "must be https://<host>"),
                Refused(f"login.microsoftonline.com/{TENANT}", "must be .* without a path"),
            ),
            Mistake.TOO_LONG: Refused(_host(254), "must be https://<host>"),
            Mistake.TOO_SHORT: Refused("-", "must be https://<host>"),
            Mistake.EMPTY: Taken("", ""),
            Mistake.DOUBLED: Refused(
                "https://login.microsoftonline.ushttps://login.microsoftonline.us", "AZURE_AUTHORITY_HOST "
            ),
            Mistake.CONTRADICTING: (
                Refused(GRAPH, "GRAPH_URL and AZURE_AUTHORITY_HOST must not be the same address"),
                Cautioned("login.microsoftonline.us", "gives no tokens for graph.microsoft.com"),
                Cautioned(
                    "", "gives no tokens for graph.microsoft.us", {"GRAPH_URL": "https://graph.microsoft.us"}
                ),
            ),
        },
    ),
    "DATAVERSE_URL": _url(
        "DATAVERSE_URL",
        "dataverse_url",
        "GRAPH_URL",
        "https://other.crm4.dynamics.com",
        empty=Refused("", "is missing"),
        path="/main.aspx?appid=1",
    ),
    "DATAVERSE_ORGANIZATION_ID": _guid(
        "DATAVERSE_ORGANIZATION_ID",
        "organization_id",
        "9a8b7c6d-4444-4222-8333-44445555abcd",
        "ENTRA_TENANT_ID",
        empty=Taken("", ""),
    ),
    "DATAVERSE_APP_USER_ID": _guid(
        "DATAVERSE_APP_USER_ID",
        "app_user_id",
        "9a8b7c6d-4444-4222-8333-44445555abcd",
        "ENTRA_CLIENT_ID",
        empty=Taken("", ""),
    ),
    "EVENT_ID_COLUMN": _column(
        "EVENT_ID_COLUMN", "event_id", "bsync_outlookeventid", "bsync_outlooksyncstate", "SYNC_STATE_COLUMN"
    ),
    "ORIGINAL_RESOURCE_COLUMN": _column(
        "ORIGINAL_RESOURCE_COLUMN",
        "original_resource",
        "bsync_originalresource",
        "bsync_outlookeventid",
        "EVENT_ID_COLUMN",
    ),
    "SYNC_STATE_COLUMN": _column(
        "SYNC_STATE_COLUMN",
        "sync_state",
        "bsync_outlooksyncstate",
        "bsync_outlooksyncerror",
        "SYNC_ERROR_COLUMN",
    ),
    "SYNC_ERROR_COLUMN": _column(
        "SYNC_ERROR_COLUMN", "sync_error", "bsync_outlooksyncerror", "bsync_outlookeventid", "EVENT_ID_COLUMN"
    ),
    "REQUIRE_WORK_ORDER": _flag("require_work_order", "no", default=True, contradicting=NOTHING_BESIDE),
    "PARTICIPATION": Row(
        "participation.everybody",
        "ALL",
        True,  # noqa: FBT003 - a value, no switch
        {
            Mistake.MALFORMED: (
                Refused("some", "must be all or none"),
                Refused("true", "must be all or none"),
            ),
            Mistake.TOO_LONG: Refused("all of them", "must be all or none"),
            Mistake.TOO_SHORT: Refused("a", "must be all or none"),
            Mistake.EMPTY: Taken("", True),  # noqa: FBT003 - a value, no switch
            Mistake.DOUBLED: Refused("all none", "must be all or none"),
            Mistake.CONTRADICTING: Cautioned("none", "nobody takes part"),
        },
    ),
    "PARTICIPANTS": Row(
        "participation.named",
        f"{TENANT.upper()}; {CLIENT}",
        frozenset({TENANT, CLIENT}),
        {
            Mistake.MALFORMED: (
                Refused("anna@contoso.com", "must be GUIDs separated by commas, and number 1 is none"),
                Refused(f"{TENANT}, Anna", "number 2 is none"),
            ),
            Mistake.TOO_LONG: Refused(f"{TENANT}0", "number 1 is none"),
            Mistake.TOO_SHORT: Refused(TENANT[:-1], "number 1 is none"),
            Mistake.EMPTY: Taken("", frozenset()),
            Mistake.DOUBLED: Taken(f"{TENANT},{TENANT}", frozenset({TENANT})),
            Mistake.CONTRADICTING: Cautioned(
                TENANT, "changes nothing while PARTICIPATION is all", {"PARTICIPATION": "all"}
            ),
        },
    ),
    "TAKES_PART_COLUMN": _resource_column("TAKES_PART_COLUMN", "takes_part", "SYNC_STATE_COLUMN"),
    "RESOURCE_MAILBOX_COLUMN": _resource_column("RESOURCE_MAILBOX_COLUMN", "mailbox", "SYNC_STATE_COLUMN"),
    "GRAPH_URL": _url(
        "GRAPH_URL",
        "graph_url",
        "KEY_VAULT_URL",
        "https://graph.microsoft.us",
        empty=Taken("", GRAPH),
        path="/v1.0",
    ),
    "EVENT_FILE": Row(
        "event_file",
        "event.toml",
        "event.toml",
        {
            Mistake.MALFORMED: (
                Refused("event/", "must be a file's name"),
                Refused("no-such.toml", "EVENT_FILE: no-such.toml can't be used. The file can't be read"),
                Refused("/dev/null/event.toml", "EVENT_FILE: /dev/null/event.toml can't be used"),
                Refused(
                    "pyproject.toml",
                    "pyproject.toml can't be used. line 1, column 2: project means nothing",
                ),
            ),
            Mistake.TOO_LONG: Refused("x" * 201, "must be a file's name, .* at most 200 characters"),
            Mistake.TOO_SHORT: Refused("x", "x can't be used. The file can't be read"),
            Mistake.EMPTY: Taken("", "event.toml"),
            Mistake.DOUBLED: Refused("event.tomlevent.toml", "event.tomlevent.toml can't be used"),
            Mistake.CONTRADICTING: NOTHING_BESIDE,
        },
    ),
    "EVENT_TIME_ZONE": Row(
        "event_time_zone",
        "W. Europe Standard Time",
        "W. Europe Standard Time",
        {
            Mistake.MALFORMED: (
                Refused("Europe/Atlantis", "must be a time zone"),
                Refused("Europe", "must be a time zone"),
                Refused("../etc/passwd", "must be a time zone"),
                Refused("/etc/localtime", "must be a time zone"),
                Refused("localtime", "must be a time zone"),
                Refused("+01:00", "must be a time zone"),
                Refused("Factory", "must be a time zone"),
            ),
            Mistake.TOO_LONG: Refused("Europe/" + "B" * 5000, "must be a time zone"),
            Mistake.TOO_SHORT: Refused("X", "must be a time zone"),
            Mistake.EMPTY: Taken("", ""),
            Mistake.DOUBLED: Refused("Europe/Berlin Europe/Berlin", "must be a time zone"),
            Mistake.CONTRADICTING: NOTHING_BESIDE,
        },
    ),
    "EVENT_SUBJECT_TEMPLATE": Row(
        "event_subject_template",
        "{{ account }}",
        "{{ account }}",
        {
            Mistake.MALFORMED: (
                Refused("{{ account", "can't be used: line 1"),
                Refused("{{ no_such_name }}", "can't be used: UndefinedError"),
                Refused("{{ account | no_such_filter }}", "can't be used"),
                Refused("{% include 'x' %}", "can't be used"),
                Refused("{{ 1 // 0 }}", "can't be used: ZeroDivisionError"),
                Refused(
                    "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
                    "can't be used: Recurs",
                ),
                Refused("{{ " + "9" * 5000 + " }}", "can't be used: ValueError"),
            ),
            Mistake.TOO_LONG: Taken("x" * 1000, "x" * 1000),  # cut at 255 when an event is made
            Mistake.TOO_SHORT: Taken("x", "x"),
            Mistake.EMPTY: Taken("", ""),
            Mistake.DOUBLED: Taken("{{ account }}" * 2, "{{ account }}" * 2),
            Mistake.CONTRADICTING: NOTHING_BESIDE,
        },
    ),
    "EVENT_BODY_TEMPLATE": Row(
        "event_body_template",
        "<p>\n{{ address }}</p>",
        "<p>\n{{ address }}</p>",
        {
            Mistake.MALFORMED: (
                Refused("{{ address }", "can't be used: line 1"),
                Refused("{{ no_such_name }}", "can't be used: UndefinedError"),
                Refused("{{ ().__class__.__base__ }}", "can't be used: SecurityError"),
            ),
            Mistake.TOO_LONG: Refused("x" * 150_001, "can't be used: the body would have"),
            Mistake.TOO_SHORT: Taken("x", "x"),
            Mistake.EMPTY: Taken("", ""),
            Mistake.DOUBLED: Taken("<p>{{ address }}</p>" * 2, "<p>{{ address }}</p>" * 2),
            Mistake.CONTRADICTING: Refused(
                "x" * 149_800 + "{{ booking_url }}",
                "can't be used: the body would have",
                {"DATAVERSE_URL": _host(250)},
            ),
        },
    ),
    "EVENT_CALENDAR": Row(
        "calendars.current",
        "Field Service",
        "Field Service",
        {
            Mistake.MALFORMED: (Refused("'Field Service'", "quotation marks"),),
            Mistake.TOO_LONG: Refused("x" * 256, "must be a calendar's name of at most 255"),
            Mistake.TOO_SHORT: Taken("x", "x"),
            Mistake.EMPTY: Taken("", ""),
            Mistake.DOUBLED: Taken("Jobs Jobs", "Jobs Jobs"),
            Mistake.CONTRADICTING: Taken("Jobs", "Jobs"),  # beside itself among the former ones
        },
    ),
    "FORMER_EVENT_CALENDARS": Row(
        "calendars.former",
        "Jobs; Field Service;",
        ("Jobs", "Field Service"),
        {
            Mistake.MALFORMED: (Refused("'Jobs'", "quotation marks"),),
            Mistake.TOO_LONG: (
                Refused(";".join("abcdefghijk"), "must be at most 10 names"),
                Refused("x" * 256, "must be a calendar's name of at most 255"),
            ),
            Mistake.TOO_SHORT: Taken("x", ("x",)),
            Mistake.EMPTY: Taken("", ()),
            Mistake.DOUBLED: Taken("Jobs;Jobs", ("Jobs", "Jobs")),
            Mistake.CONTRADICTING: NOTHING_BESIDE,
        },
    ),
    "OPEN_EXTENSION_NAME": Row(
        "open_extension_name",
        "com.contoso.booking",
        "com.contoso.booking",
        {
            Mistake.MALFORMED: (
                Refused("booking", "must look like com.example.booking"),
                Refused("com.contoso/booking", "must look like com.example.booking"),
                Refused("com..booking", "must look like com.example.booking"),
                Refused("Com.Microsoft.Booking", "must not begin with a domain of Microsoft"),
            ),
            Mistake.TOO_LONG: Refused("com." + "a" * 77, "must have at most 80 characters"),
            Mistake.TOO_SHORT: Refused("a", "must look like com.example.booking"),
            Mistake.EMPTY: Taken("", ""),
            Mistake.DOUBLED: Refused("com.a com.a", "must look like com.example.booking"),
            Mistake.CONTRADICTING: NOTHING_BESIDE,
        },
    ),
    "RETURN_PATH": replace(
        _mode("path", Mode.OFF),
        cases={
            **_mode("path", Mode.OFF).cases,
            Mistake.CONTRADICTING: (
                Refused(
                    "report",
                    "SYNC_STATE_COLUMN and bsync_outlookbase, which RETURN_PATH needs, must be",
                    {"SYNC_STATE_COLUMN": "bsync_outlookbase"},
                ),
                Cautioned("report", "does not know its own changes", {"DATAVERSE_APP_USER_ID": ""}),
            ),
        },
    ),
    "RETURN_MOVE": _mode("near", Mode.APPLY),
    "RETURN_MOVE_FAR": _mode("far", Mode.PROPOSE),
    "RETURN_DELETE": Row(
        "return_policy.delete",
        "Recreate",
        Mode.REPORT,
        {
            Mistake.MALFORMED: (
                Refused("off", "must be one of recreate, propose, apply"),
                Refused("report", "must be one of recreate, propose, apply"),
            ),
            Mistake.TOO_LONG: Refused("recreated", "must be one of"),
            Mistake.TOO_SHORT: Refused("re", "must be one of"),
            Mistake.EMPTY: Taken("", Mode.PROPOSE),
            Mistake.DOUBLED: Refused("apply apply", "must be one of"),
            Mistake.CONTRADICTING: LOWER_COUNTS,
        },
    ),
    "RETURN_EDIT": Row(
        "return_policy.repairs_face",
        "Leave",
        False,  # noqa: FBT003 - a value, no switch
        {
            Mistake.MALFORMED: Refused("propose", "must be repair or leave"),
            Mistake.TOO_LONG: Refused("repairs", "must be repair or leave"),
            Mistake.TOO_SHORT: Refused("r", "must be repair or leave"),
            Mistake.EMPTY: Taken("", True),  # noqa: FBT003 - a value, no switch
            Mistake.DOUBLED: Refused("leaveleave", "must be repair or leave"),
            Mistake.CONTRADICTING: NOTHING_BESIDE,
        },
    ),
    "RETURN_FREEZE_MINUTES": Row(
        "return_policy.freeze",
        "90.5",
        timedelta(minutes=90.5),
        {
            Mistake.MALFORMED: (
                Refused("half an hour", "must be a number from 0 to 10080"),
                Refused("nan", "must be a number from 0 to 10080"),
            ),
            Mistake.TOO_LONG: Refused("10081", "must be a number from 0 to 10080"),
            Mistake.TOO_SHORT: Refused("-1", "must be a number from 0 to 10080"),
            Mistake.EMPTY: Taken("", timedelta(minutes=30)),
            Mistake.DOUBLED: Taken("3030", timedelta(minutes=3030)),
            Mistake.CONTRADICTING: NOTHING_BESIDE,
        },
    ),
    "RETURN_CANCEL_STATUS_ID": Row(
        "cancel_status_id",
        "{9A8B7C6D-4444-4222-8333-44445555ABCD}",
        "9a8b7c6d-4444-4222-8333-44445555abcd",
        {
            Mistake.MALFORMED: (
                Refused("Canceled", "must be a GUID"),
                Refused("00000000-0000-0000-0000-000000000000", "must be a GUID other than the empty"),
            ),
            Mistake.TOO_LONG: Refused("9a8b7c6d-4444-4222-8333-44445555abcd0", "must be a GUID"),
            Mistake.TOO_SHORT: Refused("9a8b7c6d", "must be a GUID"),
            Mistake.EMPTY: Taken("", ""),
            Mistake.DOUBLED: Refused("9a8b7c6d-4444-4222-8333-44445555abcd" * 2, "must be a GUID"),
            Mistake.CONTRADICTING: Impossible("whether it is a status, doctor sees in Dynamics 365"),
        },
    ),
    "NOTIFICATION_URL": Row(
        "notification_url",
        "HTTPS://Contoso.azurewebsites.net/api/outlook/notifications",
        "https://contoso.azurewebsites.net/api/outlook/notifications",
        {
            Mistake.MALFORMED: (
                Refused("contoso.azurewebsites.net/api/outlook/notifications", "must begin with"),
                Refused("http://contoso.com/api/outlook/notifications", "must begin with https://"),
                Refused("https://contoso.com", "must be https://<host>/api/outlook/notifications"),
                Refused("https://contoso.com/a?code=1", "without anything behind it"),
                Refused("https://contoso.com/a#b", "without anything behind it"),
                Refused("https://contoso.com/a b", "without anything behind it"),
                Refused("https://user:password@contoso.com/a", "is not a URL"),
                Refused("https://contoso.com:99999/a", "is not a URL"),
            ),
            Mistake.TOO_LONG: Refused(f"https://contoso.com/{'a' * 231}", "must have at most 250 characters"),
            Mistake.TOO_SHORT: Refused("https://", "is not a URL"),
            Mistake.EMPTY: Taken("", ""),
            Mistake.DOUBLED: Refused("https://contoso.com/ahttps://contoso.com/a", "without anything behind"),
            Mistake.CONTRADICTING: Impossible("while RETURN_PATH is off it waits to be read"),
        },
    ),
    "MESSAGE_MAX_AGE_HOURS": _number(
        "message_max_age_hours",
        "48",
        high="720.1",
        low=Refused("0", "must be a number from 0.01 to 720"),
        default=24.0,
        doubled=Refused("2424", "must be a number from 0.01 to 720"),
        contradicting=Cautioned("0.5", "a change is given up after 30 min of trying"),
    ),
    "BATCH_MAX_BOOKINGS": _number(
        "batch_max_bookings",
        "70",
        high="1001",
        low=(Refused("0", "must be a whole number from 1"), Refused("2.5", "must be a whole number from 1")),
        default=100,
        doubled=Refused("100100", "must be a whole number from 1 to 1000"),
    ),
    "BATCH_LINGER_SECONDS": _number(
        "batch_linger_seconds",
        "0.5",
        high="10.1",
        low=Refused("-1", "must be a number from 0 to 10"),
        default=0.1,
        doubled=Refused("0.10.1", "must be a number"),
    ),
    "CATCH_UP_SCHEDULE": _schedule(
        "catch_up_schedule",
        "0 */5 * * * *",
        Cautioned("0 0 3 * * *", "a run covers 58 min"),
    ),
    "CATCH_UP_LOOK_BACK_MINUTES": _number(
        "catch_up_look_back_minutes",
        "1440",
        high="10081",
        low=Refused("9.9", "must be a number from 10 to 10080"),
        default=60.0,
        doubled=Taken("6060", 6060.0),
        contradicting=Cautioned("10", "a run covers 8 min", {"CATCH_UP_SCHEDULE": "0 */10 * * * *"}),
    ),
    "CATCH_UP_SETTLE_SECONDS": _number(
        "catch_up_settle_seconds",
        "30",
        high="301",
        low=Refused("-0.1", "must be a number from 0 to 300"),
        default=120.0,
        doubled=Refused("120120", "must be a number"),
        contradicting=BOUNDED,
    ),
    "AUDIT_SCHEDULE": _schedule(
        "audit_schedule", "0 30 2 * * *", Impossible("it may run as seldom as people like")
    ),
    "NEAR_AUDIT_SCHEDULE": _schedule(
        "near_audit_schedule", "0 10,40 * * * *", Impossible("it may run as seldom as people like")
    ),
    "AUDIT_REPAIR": _flag("audit_repair", "no", default=True, contradicting=NOTHING_BESIDE),
    "AUDIT_DAYS_BACK": _number(
        "audit_days_back",
        "14",
        high="366.1",
        low=Refused("-1", "must be a number from 0 to 366"),
        default=7.0,
        doubled=Refused("777", "must be a number"),
        contradicting=BOUNDED,
    ),
    "AUDIT_DAYS_AHEAD": _number(
        "audit_days_ahead",
        "90",
        high="731",
        low=Refused("0", "must be a number from 1 to 730"),
        default=60.0,
        doubled=Refused("6060", "must be a number"),
        contradicting=BOUNDED,
    ),
    "AUDIT_MAX_REMOVAL_RATIO": _number(
        "audit_max_removal_ratio",
        "0.5",
        high="1.1",
        low=Refused("-0.1", "must be a number from 0 to 1"),
        default=0.2,
        doubled=Refused("0.20.2", "must be a number"),
    ),
}


def refusals() -> list[tuple[str, Refused]]:
    """Every mistake that has to be told, with the setting that it is made with."""
    found = ((name, case) for name, row in ROWS.items() for case in row.all_of(Refused))
    return [(name, case) for name, case in found if isinstance(case, Refused)]
