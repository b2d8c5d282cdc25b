"""infra/: the Bicep reads, hangs together, and agrees with the app; nothing in it opens more than needed.

Whether a property exists in a resource's schema is the compiler's business (.ci/bicep, in the push workflow).
What Azure refuses although the compiler takes it shows only at a deployment; test_flex.py has what is known.
"""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from booking_sync.domain.findings.finding import FindingTopic, Severity
from booking_sync.plumbing import ncrontab
from booking_sync.settings.loading import load_settings
from booking_sync.settings.registration import DEFAULT_AUDIT_SCHEDULE, DEFAULT_CATCH_UP_SCHEDULE
from booking_sync.settings.storage import STORAGE_SETTING
from booking_sync.settings.table import SETTINGS
from booking_sync.settings.values import POISON_SUFFIX
from tests.infra.bicep import BicepFile, BicepSyntaxError, Expression, read
from tests.infra.functions import http_functions
from tests.infra.templates import FILES, FUNCTION_APP, MAIN, PARAMETERS, ROOT, bodies, only, values
from tests.telemetry import kql

if TYPE_CHECKING:
    from pathlib import Path

FUNCTIONS = {"allowed", "description", "maxLength", "maxValue", "metadata", "minLength", "minValue"} | {
    "concat",
    "empty",
    "environment",
    "fail",
    "guid",
    "length",
    "loadJsonContent",
    "string",
    "subscription",
    "subscriptionResourceId",
    "tenant",
    "toLower",
    "union",
    "uniqueString",
}
"""Bicep's own functions and decorators that are in use: a misspelt one is not among them."""

API_VERSIONS = {
    "Microsoft.Authorization/roleAssignments": "2022-04-01",
    "Microsoft.Insights/actionGroups": "2023-01-01",
    "Microsoft.Insights/components": "2020-02-02",
    "Microsoft.Insights/diagnosticSettings": "2021-05-01-preview",
    "Microsoft.Insights/scheduledQueryRules": "2026-03-01",
    "Microsoft.Insights/workbooks": "2023-06-01",
    "Microsoft.KeyVault/vaults": "2026-02-01",
    "Microsoft.ManagedIdentity/userAssignedIdentities": "2024-11-30",
    "Microsoft.OperationalInsights/workspaces": "2026-03-01",
    "Microsoft.Resources/resourceGroups": "2025-04-01",
    "Microsoft.Storage/storageAccounts": "2026-04-01",
    "Microsoft.Storage/storageAccounts/blobServices": "2026-04-01",
    "Microsoft.Storage/storageAccounts/blobServices/containers": "2026-04-01",
    "Microsoft.Storage/storageAccounts/queueServices": "2026-04-01",
    "Microsoft.Storage/storageAccounts/queueServices/queues": "2026-04-01",
    "Microsoft.Web/serverfarms": "2025-03-01",
    "Microsoft.Web/sites": "2025-03-01",
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies": "2025-03-01",
    "Microsoft.Web/sites/config": "2025-03-01",
}
"""By Bicep 0.49.2 and its rule use-recent-api-versions (no stable version of diagnostic settings serves)."""

PLATFORM_SETTINGS = {
    "AzureWebJobsStorage__blobServiceUri": "the host's blobs: keys and locks",
    "AzureWebJobsStorage__queueServiceUri": "the queues, of the host and of the app",
    "AzureWebJobsStorage__credential": "by identity",
    "AzureWebJobsStorage__clientId": "by which one",
    "AZURE_CLIENT_ID": "the identity that Azure's SDK takes",
    "APPLICATIONINSIGHTS_CONNECTION_STRING": "where telemetry goes",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING": "by identity",
    "PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY": "the worker sends OpenTelemetry by itself",
    "OTEL_TRACES_SAMPLER": "which traces are kept",
    "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "the app has spans of its own",
}
"""What Azure Functions and Azure's SDK read, besides the app's own settings."""

IDENTITY_BASED = "given as the identity-based form, a setting for each service"
NOT_PER_TENANT = "the default suits every tenant; extraSettings overrules it"
LOCAL_ONLY = "for the local stack only"
LEFT_TO_THE_APP = {
    STORAGE_SETTING: IDENTITY_BASED,
    "KEY_VAULT_VERIFY_CHALLENGE": LOCAL_ONLY,
    "NOTIFICATION_URL": "made of the site's own address, see `test_graph_reports_to_the_site`",
    **dict.fromkeys(
        (
            "EVENT_ID_COLUMN",
            "ORIGINAL_RESOURCE_COLUMN",
            "SYNC_STATE_COLUMN",
            "SYNC_ERROR_COLUMN",
            "REQUIRE_WORK_ORDER",
            "PARTICIPATION",
            "PARTICIPANTS",
            "TAKES_PART_COLUMN",
            "RESOURCE_MAILBOX_COLUMN",
            "GRAPH_URL",
            "EVENT_FILE",
            "EVENT_SUBJECT_TEMPLATE",
            "EVENT_BODY_TEMPLATE",
            "EVENT_CALENDAR",
            "FORMER_EVENT_CALENDARS",
            "OPEN_EXTENSION_NAME",
            "RETURN_MOVE",
            "RETURN_MOVE_FAR",
            "RETURN_DELETE",
            "RETURN_EDIT",
            "RETURN_FREEZE_MINUTES",
            "RETURN_CANCEL_STATUS_ID",
            "MESSAGE_MAX_AGE_HOURS",
            "BATCH_MAX_BOOKINGS",
            "BATCH_LINGER_SECONDS",
            "CATCH_UP_SCHEDULE",
            "CATCH_UP_LOOK_BACK_MINUTES",
            "CATCH_UP_SETTLE_SECONDS",
            "AUDIT_SCHEDULE",
            "NEAR_AUDIT_SCHEDULE",
            "AUDIT_REPAIR",
            "AUDIT_DAYS_BACK",
            "AUDIT_DAYS_AHEAD",
            "AUDIT_MAX_REMOVAL_RATIO",
        ),
        NOT_PER_TENANT,
    ),
}
"""Settings that the template leaves alone, and why. A new setting goes here or into infra/main.bicep."""

GUID = "0d1e2f30-1111-4222-8333-44445555abcd"
DEPLOYED = {
    "blobEndpoint": "https://stbsync.blob.core.windows.net/",
    "queueEndpoint": "https://stbsync.queue.core.windows.net/",
    "identityClientId": GUID,
    "applicationInsightsConnectionString": "InstrumentationKey=0",
    "'ClientId=${identityClientId};Authorization=AAD'": f"ClientId={GUID};Authorization=AAD",
    "keyVault.outputs.url": "https://kv-bsync.vault.azure.net/",
    "environment().authentication.loginEndpoint": "https://login.microsoftonline.com/",
    "tenant().tenantId": GUID,
    "entraClientId": GUID.replace("1111", "2222"),
    "organizationId": GUID.replace("1111", "3333"),
    "dataverseUrl": "https://contoso.crm4.dynamics.com/",
    "empty(operatorsClientId) ? 'key' : 'entra'": "key",
}
"""What a deployment would put in place of the expressions in the settings."""


def _settings(variable: str, file: BicepFile) -> dict[str, Any]:
    return values(file.of("variable")[variable])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_name_is_declared_and_used(path: Path) -> None:
    """A file reads, names nothing that it does not declare, and asks for nothing that it does not use."""
    file = read(path)
    declared = {each.name for each in file.declarations if each.kind != "output"}
    asked = set(file.of("parameter")) | set(file.of("variable"))
    assert file.used - declared == set()
    assert asked - file.used == set()
    assert file.calls <= FUNCTIONS


def test_a_broken_file_is_told_with_its_line(tmp_path: Path) -> None:
    """What the grammar can't read is an error, with file and line."""
    path = tmp_path / "broken.bicep"
    path.write_text("param name string\nvar other = {\n  a: 'x'\n")
    with pytest.raises(BicepSyntaxError, match=r"broken\.bicep:[23] "):
        read(path)


def test_every_module_gets_what_it_asks_for() -> None:
    """Modules exist and get each parameter without a default, and none that they do not know."""
    modules = MAIN.of("module").values()
    for module in modules:
        wanted = read(ROOT / "infra" / module.type).of("parameter")
        given = set(values(module)["params"])
        assert given <= set(wanted), module.name
        assert {name for name, each in wanted.items() if not each.has_value} <= given, module.name
    assert {ROOT / "infra" / each.type for each in modules} | {MAIN.path} == set(FILES)


def test_every_output_that_is_used_exists() -> None:
    """`<module>.outputs.<name>` names an output of that module."""
    used = [re.fullmatch(r"(\w+)\.outputs\.(\w+)", each) for each in MAIN.members]
    named = [match.groups() for match in used if match]
    assert named
    for module, output in named:
        assert output in read(ROOT / "infra" / MAIN.of("module")[module].type).of("output"), module


def test_api_versions_are_settled() -> None:
    """Each resource type has one version, which the compiler's rule took as recent when it was last run."""
    versions: dict[str, set[str]] = {}
    for path in FILES:
        for each in read(path).of("resource").values():
            kind, _, version = each.type.partition("@")
            versions.setdefault(kind, set()).add(version)
    assert versions == {kind: {version} for kind, version in API_VERSIONS.items()}


def test_the_linter_s_rules_are_errors_and_switched_off_only_with_a_reason() -> None:
    """Recent API versions and typed parameters are asked for; the exception says why in the line above."""
    text = re.sub(r"(?m)^\s*//.*$", "", (ROOT / "infra" / "bicepconfig.json").read_text())
    rules = json.loads(text)["analyzers"]["core"]["rules"]
    assert {"use-recent-api-versions", "use-user-defined-types"} <= set(rules)
    assert {rule["level"] for rule in rules.values()} == {"error"}
    for path in FILES:
        lines = path.read_text().splitlines()
        for number, line in enumerate(lines):
            if "#disable" in line:
                assert line == "#disable-next-line use-recent-api-versions", path
                assert lines[number - 1].startswith("// "), path
                assert "Microsoft.Insights/diagnosticSettings@" in lines[number + 1], path


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_parameters_have_types(path: Path) -> None:
    """No parameter is just an object or an array, no child is made in a loop over its names (BCP225)."""
    for each in read(path).of("parameter").values():
        assert each.type not in ("object", "array"), each.name
    assert not re.search(r"basicPublishingCredentialsPolicies@[\d-]+' = \[for", path.read_text())


def test_azd_fills_every_parameter_that_has_to_be_given() -> None:
    """The parameters file knows only parameters of the template, and every one without a default."""
    wanted = MAIN.of("parameter")
    assert set(PARAMETERS) <= set(wanted)
    assert {name for name, each in wanted.items() if not each.has_value} <= set(PARAMETERS)


def test_azd_s_defaults_are_the_template_s() -> None:
    """Where the environment has no value, azd hands in what the template would take by itself."""
    for name, given in PARAMETERS.items():
        default = re.fullmatch(r"\$\{\w+=(.*)\}", str(given["value"]))
        if default:
            value = MAIN.of("parameter")[name].value
            assert default[1] == (str(value).lower() if isinstance(value, bool) else value), name


def test_every_parameter_of_the_template_is_described() -> None:
    """`az deployment` and azd ask with these words."""
    assert {
        name for name, each in MAIN.of("parameter").items() if "description" not in each.decorators
    } == set()


def test_every_setting_has_its_place() -> None:
    """The template sets what the app or the platform knows, and each setting of the app or says why not."""
    known = {each.name for each in SETTINGS}
    ours = set(_settings("bookingSyncSettings", MAIN))
    assert ours <= known
    assert set(_settings("platformSettings", FUNCTION_APP)) <= set(PLATFORM_SETTINGS)
    assert known - ours == set(LEFT_TO_THE_APP)


def test_the_app_can_start_with_the_deployed_settings() -> None:
    """What the template sets, with nothing optional given, is enough for the app and well-formed."""
    parameters = MAIN.of("parameter")

    def deployed(value: Any) -> str:
        if isinstance(value, Expression) and value.text in DEPLOYED:
            return DEPLOYED[value.text]
        return deployed(parameters[value.text].value) if isinstance(value, Expression) else str(value)

    template = _settings("bookingSyncSettings", MAIN) | _settings("platformSettings", FUNCTION_APP)
    settings = load_settings({name: deployed(value) for name, value in template.items()})
    assert settings.storage.queue_url == "https://stbsync.queue.core.windows.net"
    assert settings.storage.blob_url == "https://stbsync.blob.core.windows.net"
    assert settings.storage.client_id == GUID
    assert settings.tenant_id == GUID
    assert settings.authority_host == "https://login.microsoftonline.com"


def test_the_template_s_defaults_are_the_app_s() -> None:
    """A parameter that stands for a setting has that setting's default."""
    parameters = MAIN.of("parameter")
    for each in SETTINGS:
        value = _settings("bookingSyncSettings", MAIN).get(each.name)
        if isinstance(value, Expression) and value.text in parameters and each.default is not None:
            assert parameters[value.text].value == each.default, each.name


def test_own_settings_win() -> None:
    """What belongs together can't be broken by extraSettings: `union` takes the last."""
    params = values(MAIN.of("module")["functionApp"])["params"]
    assert params["settings"] == Expression("union(extraSettings, bookingSyncSettings)")
    applied = values(FUNCTION_APP.of("resource")["appSettings"])
    assert applied["properties"] == Expression("union(addresses, settings, platformSettings)")


def test_graph_reports_to_the_site() -> None:
    """At the function's route; another way to the app may be named, since what was given comes later."""
    address = values(FUNCTION_APP.of("variable")["addresses"])
    routes = {each["name"]: each["trigger"]["route"] for each in http_functions(both_ways=True)}
    host = "https://${app.properties.defaultHostName}"
    assert address == {"NOTIFICATION_URL": Expression(f"'{host}/api/{routes['receive_event_change']}'")}
    assert MAIN.of("parameter")["returnPath"].value == "off"


def test_telemetry_is_switched_on_in_both_places() -> None:
    """Host and worker have to agree on OpenTelemetry, or telemetry is sent twice or never."""
    host = json.loads((ROOT / "host.json").read_text()).get("telemetryMode") == "OpenTelemetry"
    worker = _settings("platformSettings", FUNCTION_APP).get("PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY")
    assert (worker == "true") == host


def test_the_app_runs_on_the_plan_and_the_python_that_it_is_tested_for() -> None:
    """Flex Consumption, Linux, the Python whose worker the tests load."""
    plan = only("Microsoft.Web/serverfarms")
    assert plan["sku"] == {"tier": "FlexConsumption", "name": "FC1"}
    assert plan["properties"] == {"reserved": True}
    config = only("Microsoft.Web/sites")["properties"]["functionAppConfig"]
    assert config["runtime"] == {"name": "python", "version": "3.13"}
    worker = re.search(
        r'azure-functions-runtime==\S+; python_version >= "(.*)"', (ROOT / "requirements-dev.in").read_text()
    )
    assert worker
    assert worker[1] == config["runtime"]["version"]


def test_warm_instances_are_of_functions_that_exist() -> None:
    """The scale group's name holds the queue function's."""
    body = FUNCTION_APP.path.read_text()
    functions = set(re.findall(r"function_name\(\"(\w+)\"\)", (ROOT / "function_app.py").read_text()))
    named = set(re.findall(r"name: 'function:(\w+)'", body))
    assert named == {"sync_booking_change"}
    assert named <= functions


def test_addresses_and_queues_are_the_app_s() -> None:
    """The URLs given out have routes of functions, and both queues the names that the app uses."""
    routes = set(re.findall(r'@app\.route\("([^"]+)"', (ROOT / "function_app.py").read_text()))
    given = {name: str(each.value) for name, each in MAIN.of("output").items() if "/api/" in str(each.value)}
    assert set(given) == {"WEBHOOK_URL", "OPERATIONS_URL"}
    for name, url in given.items():
        path = re.search(r"\$\{functionApp\.outputs\.url\}/api/([\w/]+)'", url)
        assert path, name
        assert path[1] in routes
    storage = (ROOT / "infra/modules/storage.bicep").read_text()
    assert f"[queueName, '${{queueName}}{POISON_SUFFIX}']" in storage


def test_roles_are_these_and_no_more() -> None:
    """Each permission in Azure is one of these, on one resource; no subscription or group is a scope."""
    found = set()
    for body in bodies("Microsoft.Authorization/roleAssignments").values():
        properties = body["properties"]
        role = re.search(r"roleIds\['([^']+)'\]\)$", properties["roleDefinitionId"].text)
        assert role
        assert properties["principalId"].text in body["name"].text
        assert f"roleIds['{role[1]}']" in body["name"].text, "two assignments would share a name"
        found.add((properties["principalId"].text, role[1], body["scope"].text))
    assert found == {
        ("appPrincipalId", "Storage Blob Data Owner", "storageAccount"),
        ("appPrincipalId", "Storage Queue Data Contributor", "storageAccount"),
        ("appPrincipalId", "Key Vault Secrets User", "keyVault"),
        ("appPrincipalId", "Monitoring Metrics Publisher", "applicationInsights"),
        ("operatorPrincipalId", "Key Vault Secrets Officer", "keyVault"),
        ("operatorPrincipalId", "Key Vault Certificates Officer", "keyVault"),
        ("operatorPrincipalId", "Storage Queue Data Contributor", "storageAccount"),
    }


def test_role_ids_are_azure_s() -> None:
    """The ids of the built-in roles, as Azure's reference lists them."""
    assert values(read(ROOT / "infra/modules/roles.bicep").of("variable")["roleIds"]) == {
        "Storage Blob Data Owner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
        "Storage Queue Data Contributor": "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
        "Key Vault Secrets User": "4633458b-17de-408a-b874-0445c86b69e6",
        "Key Vault Secrets Officer": "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
        "Key Vault Certificates Officer": "a4417e6f-fecd-4de8-b567-7b0420556985",
        "Monitoring Metrics Publisher": "3913510d-42f4-4e42-8a64-420c390055eb",
    }


def test_the_storage_account_has_no_keys() -> None:
    """Roles alone open it; nothing in it is public."""
    properties = only("Microsoft.Storage/storageAccounts")["properties"]
    assert properties["allowSharedKeyAccess"] is False
    assert properties["allowBlobPublicAccess"] is False
    assert properties["supportsHttpsTrafficOnly"] is True
    assert properties["minimumTlsVersion"] == "TLS1_2"
    assert only("Microsoft.Storage/storageAccounts/blobServices/containers")["properties"] == {
        "publicAccess": "None"
    }
    deployment = only("Microsoft.Web/sites")["properties"]["functionAppConfig"]["deployment"]
    assert deployment["storage"]["authentication"]["type"] == "UserAssignedIdentity"


def test_the_vault_survives_mistakes() -> None:
    """Roles instead of access policies; deleted secrets come back."""
    properties = only("Microsoft.KeyVault/vaults")["properties"]
    assert properties["enableRbacAuthorization"] is True
    assert properties["enableSoftDelete"] is True
    assert properties["enablePurgeProtection"] is True
    assert "accessPolicies" not in properties


def test_the_app_speaks_tls_and_takes_no_passwords() -> None:
    """HTTPS only, no publishing by user name, by FTP neither; telemetry by identity."""
    site = only("Microsoft.Web/sites")
    assert site["identity"]["type"] == "UserAssigned"
    assert site["properties"]["httpsOnly"] is True
    policies = bodies("Microsoft.Web/sites/basicPublishingCredentialsPolicies").values()
    assert {each["name"]: each["properties"] for each in policies} == {
        "scm": {"allow": False},
        "ftp": {"allow": False},
    }
    assert only("Microsoft.Insights/components")["properties"]["DisableLocalAuth"] is True


@pytest.mark.parametrize(
    "path", [*FILES, ROOT / "infra/main.parameters.json", ROOT / "azure.yaml"], ids=lambda path: path.name
)
def test_no_secret_is_written_or_given_out(path: Path) -> None:
    """No literal that looks like a key, no function that fetches one, no secret in an output."""
    text = re.sub(r"(?m)(?<!:)//.*|^\s*#.*", "", path.read_text())
    fetched = r"(?i)AccountKey|SharedAccess|password|@secure|\blist(?:Keys|Secrets|\w*Sas)\b"
    assert re.findall(fetched, text) == []
    assert re.findall(r"'[A-Za-z0-9+/~_.-]{40,}={0,2}'", text) == []
    assert re.findall(r"(?im)^output \w*(?:secret|token|password|key)\b", text) == []


def test_azd_finds_its_function_app() -> None:
    """The service's name in azure.yaml is the tag by which azd looks for the app."""
    project = (ROOT / "azure.yaml").read_text()
    service = re.search(r"^services:\n(?:\s*#.*\n)*  (\w+):\n((?:    .*\n)+)", project, re.MULTILINE)
    assert service
    assert f"'azd-service-name': '{service[1]}'" in FUNCTION_APP.path.read_text()
    assert {"    project: .", "    language: python", "    host: function"} <= set(service[2].splitlines())
    assert values(MAIN.of("resource")["group"])["tags"] == Expression("tags")
    assert "'azd-env-name': environmentName" in MAIN.path.read_text()


def test_alerts_look_for_lines_that_the_app_writes() -> None:
    """Each event in an alert's query is one that the code logs."""
    asked = set(re.findall(r'event == "(\w+)"', (ROOT / "infra/modules/alerts.bicep").read_text()))
    code = "".join(path.read_text() for path in (ROOT / "booking_sync").rglob("*.py"))
    logged = set(re.findall(r'log_event\(\s*\w+,\s*"(\w+)"', code))
    assert asked
    assert asked - logged == set()


ALERTS = read(ROOT / "infra" / "modules" / "alerts.bicep")
SPANS = {f"PT{minutes}M": timedelta(minutes=minutes) for minutes in (5, 10, 15, 30, 45)}
SPANS |= {f"PT{hours}H": timedelta(hours=hours) for hours in range(1, 7)} | {"P1D": timedelta(days=1)}
WINDOWS = SPANS | {"P2D": timedelta(days=2)}
"""What log search alert rules take for `evaluationFrequency` and `windowSize` (but for one minute): the
compiler takes any text, Azure refuses others at the deployment."""


def _alert_rules() -> dict[str, dict[str, str]]:
    rules: Any = ALERTS.of("variable")["rules"].value
    return {rule["name"]: rule for rule in rules}


def test_whatever_the_app_finds_about_itself_reaches_somebody() -> None:
    """Each finding fires one of the two alerts that go by findings, or has an alert of its own."""
    queries = {name: str(rule["query"]) for name, rule in _alert_rules().items()}
    left_out = {
        topic
        for name in ("failing", "finding")
        for topic in re.findall(r'"([\w-]+)"', queries[name].partition("line.topic)")[2])
    }
    own = {
        FindingTopic.STALLED: "queue-waits",
        FindingTopic.GIVEN_UP: "poison",
        FindingTopic.WEBHOOK: "missed-webhooks",
    }
    assert left_out == {topic.value for topic in own}, queries
    assert set(own.values()) <= set(queries)
    for severity, name in ((Severity.FAILING, "failing"), (Severity.WARNING, "finding")):
        assert f'tostring(line.severity) == "{severity}"' in queries[name]


def test_alert_rules_look_as_often_and_as_far_back_as_azure_lets_them() -> None:
    """Spans that Azure knows; no line falls between two looks."""
    for name, rule in _alert_rules().items():
        assert SPANS[rule["every"]] <= WINDOWS[rule["window"]], name
    (properties,) = [each["properties"] for each in bodies("Microsoft.Insights/scheduledQueryRules").values()]
    assert properties["evaluationFrequency"] == Expression("rule.every")
    assert properties["windowSize"] == Expression("rule.window")


@pytest.mark.parametrize(
    ("name", "schedule"),
    [("silent", DEFAULT_CATCH_UP_SCHEDULE), ("audit-silent", DEFAULT_AUDIT_SCHEDULE)],
)
def test_an_alert_for_silence_waits_longer_than_the_timer_pauses(name: str, schedule: str) -> None:
    """Neither timer is called silent between two runs, and the query's own span fits into its window."""
    window = WINDOWS[_alert_rules()[name]["window"]]
    pause = ncrontab.parse(schedule).longest_pause()
    assert pause is not None
    asked = re.findall(r"ago\((\d+)h\)", kql.queries()[f"alert {name}"])
    for span in [timedelta(hours=int(hours)) for hours in asked] or [window]:
        assert pause + timedelta(minutes=10) <= span <= window  # functionTimeout is ten minutes


def test_a_new_app_is_not_called_silent_for_want_of_an_audit() -> None:
    """The rule asks for lines as old as the silence: an app that came up today has not missed its audit."""
    query = kql.queries()["alert audit-silent"]
    assert "since = min(timestamp)" in query
    assert query.endswith("where audits == 0 and since < ago(26h)")


def test_an_audit_of_these_days_is_none_of_the_whole() -> None:
    """The alert counts the daily ones only, or the half-hourly ones would hide that those have stopped."""
    assert 'tostring(line.reach) == "whole"' in kql.queries()["alert audit-silent"]
