"""Who may reach what in Azure: keys, addresses, logs of the queues, the organisation."""

from __future__ import annotations

import json
import re

import pytest

from booking_sync.operations.admission import ROLE
from tests.infra.bicep import Expression
from tests.infra.functions import http_functions
from tests.infra.templates import FUNCTION_APP, MAIN, PARAMETERS, ROOT, STORAGE, bodies, only, values

PAGE = (ROOT / "docs" / "deployment.md").read_text()
COMMANDS = "\n".join(re.findall(r"^```\w*\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
WEBHOOK = "receive_booking_change"


def _behind_a_key() -> set[str]:
    """The HTTP functions that ask for a key."""
    return {each["name"] for each in http_functions() if each["trigger"]["authLevel"] == "FUNCTION"}


def test_production_needs_its_organisation() -> None:
    """Without the organisation's id a deployment stops, unless it says that it is a sandbox."""
    parameters = MAIN.of("parameter")
    assert not parameters["dataverseOrganizationId"].has_value
    assert parameters["sandbox"].value is False
    assert "=" not in PARAMETERS["dataverseOrganizationId"]["value"], "azd has to ask for it"
    variables = MAIN.of("variable")
    assert variables["organizationIsGiven"].value == Expression(
        "length(dataverseOrganizationId) == 36 || (sandbox && empty(dataverseOrganizationId))"
    )
    checked = variables["organizationId"].value.text
    assert checked.startswith(
        "organizationIsGiven ? dataverseOrganizationId : fail('dataverseOrganizationId "
    )
    assert values(variables["bookingSyncSettings"])["DATAVERSE_ORGANIZATION_ID"] == Expression(
        "organizationId"
    )


def test_the_app_can_sign_in_in_three_ways() -> None:
    """A secret by default; a certificate, or the managed identity's word, where a deployment says so."""
    parameter = MAIN.of("parameter")["credential"]
    assert parameter.value == "secret"
    assert parameter.decorators["allowed"] == ["secret", "certificate", "federated"]
    settings = values(MAIN.of("variable")["bookingSyncSettings"])
    assert settings["CREDENTIAL"] == Expression("credential")
    assert settings["CLIENT_CERTIFICATE_NAME"] == Expression("clientCertificateName")
    roles = values(MAIN.of("module")["roles"])["params"]
    assert roles["operatorMakesCertificates"] == Expression("credential == 'certificate'")


def test_the_federated_credential_names_the_identity_as_entra_does() -> None:
    """Issuer of the tenant, the identity's principal id, the audience of its tokens: Entra takes no other."""
    command = re.search(r"federated-credential create .*<<END\n(.*?)\nEND\n", COMMANDS, re.DOTALL)
    assert command
    given = json.loads(command[1])
    assert re.fullmatch(r"https://login\.microsoftonline\.com/\$\(az account .*\)/v2\.0", given["issuer"])
    assert given["subject"] == "$IDENTITY_PRINCIPAL_ID"
    assert given["audiences"] == ["api://AzureADTokenExchange"]
    assert MAIN.of("output")["IDENTITY_PRINCIPAL_ID"].value == Expression("identity.outputs.principalId")
    clouds = re.findall(r"`https://(login[\w.]+)/<tenant>/v2\.0` \| `api://(\w+)`", PAGE)
    assert dict(clouds) == {
        "login.microsoftonline.us": "AzureADTokenExchangeUSGov",
        "login.partner.microsoftonline.cn": "AzureADTokenExchangeChina",
    }


def test_access_is_restricted_as_a_whole_or_not_at_all() -> None:
    """By default keys alone guard the site; restricted, Dataverse's tags and operators are let in."""
    parameters = MAIN.of("parameter")
    assert parameters["restrictAccess"].value is False
    assert parameters["dataverseServiceTags"].value == ["PowerPlatformInfra", "PowerPlatformPlex"]
    assert parameters["operatorAddresses"].value == []
    given = values(MAIN.of("module")["functionApp"])["params"]
    for name in ("restrictAccess", "dataverseServiceTags", "operatorAddresses"):
        assert given[name] == Expression(name)
    config = only("Microsoft.Web/sites")["properties"]["siteConfig"]
    assert config["ipSecurityRestrictions"] == Expression(
        "restrictAccess ? concat(dataverseRules, operatorRules) : []"
    )
    assert config["ipSecurityRestrictionsDefaultAction"] == Expression("restrictAccess ? 'Deny' : 'Allow'")


def test_each_rule_of_access_lets_in_one_tag_or_one_range() -> None:
    """Names and priorities differ from rule to rule, and the two lists don't get in each other's way."""
    rules = {name: values(FUNCTION_APP.of("variable")[name]) for name in ("dataverseRules", "operatorRules")}
    assert {each["action"] for each in rules.values()} == {"Allow"}
    assert {each["ipAddress"] for each in rules.values()} == {Expression("each")}
    assert rules["dataverseRules"]["tag"] == "ServiceTag"
    assert rules["operatorRules"]["tag"] == "Default"
    assert {each["name"].text for each in rules.values()} == {
        "'dataverse-${index + 1}'",
        "'operators-${index + 1}'",
    }
    assert {each["priority"].text for each in rules.values()} == {"100 + index", "200 + index"}


def test_who_touches_the_queues_is_logged() -> None:
    """Reads, writes and deletions of messages, and changes of blobs, go to the workspace."""
    settings = {
        each["scope"].text: each["properties"]
        for each in bodies("Microsoft.Insights/diagnosticSettings").values()
    }
    assert set(settings) == {"vault", "queueService", "blobService"}
    assert {each["workspaceId"] for each in settings.values()} == {Expression("workspaceId")}
    assert settings["queueService"]["logs"] == Expression(
        "[for each in queueLogs: {\n      category: each\n      enabled: true\n    }]"
    )
    kinds = ["StorageRead", "StorageWrite", "StorageDelete"]
    assert MAIN.of("parameter")["queueLogs"].value == kinds
    assert set(re.findall(r"'(\w+)'", STORAGE.of("parameter")["queueLogs"].type)) == set(kinds)
    given = values(MAIN.of("module")["storage"])["params"]
    assert given["queueLogs"] == Expression("queueLogs")
    assert given["workspaceId"] == Expression("monitoring.outputs.workspaceId")
    blobs = [(each["category"], each["enabled"]) for each in settings["blobService"]["logs"]]
    assert blobs == [("StorageWrite", True), ("StorageDelete", True)]


def test_browsers_stay_with_https() -> None:
    """The host tells browsers for a year that the site speaks HTTPS only, and plain HTTP is turned away."""
    hsts = json.loads((ROOT / "host.json").read_text())["extensions"]["http"]["hsts"]
    assert hsts == {"isEnabled": True, "maxAge": "365"}
    assert only("Microsoft.Web/sites")["properties"]["httpsOnly"] is True


def test_the_operators_key_opens_no_webhook() -> None:
    """The commands give it to every function that asks for a key, and not to the webhook."""
    loop = re.search(r"for function in ([\w ]+); do\n(.*?)\ndone", COMMANDS.replace("\\\n", ""), re.DOTALL)
    assert loop
    assert set(loop[1].split()) == _behind_a_key() - {WEBHOOK}
    assert "/functions/$function/keys/operators?" in loop[2]
    assert "--key-type" not in COMMANDS, "a host key opens everything"


def test_keys_are_no_arguments() -> None:
    """A key that is set goes through a pipe: the list of processes and the shell's history don't have it."""
    assert "--key-value" not in COMMANDS
    used = [line.strip() for line in COMMANDS.splitlines() if "$OPERATORS_KEY" in line]
    assert used
    assert [line for line in used if not line.startswith("printf ")] == []


def test_who_can_do_what_is_told_once_and_of_everybody() -> None:
    """Each role that the template gives, and each attacker whom SECURITY.md names, has a row."""
    page = (ROOT / "docs" / "reliability.md").read_text()
    rows = page.partition("### Who can do what to whom\n")[2].lstrip().partition("\n\n")[0]
    who = [row.split(" | ")[0] for row in rows.splitlines()[2:]]
    roles = set(
        re.findall(r"^  '([A-Z][\w ]+)': '", (ROOT / "infra/modules/roles.bicep").read_text(), re.MULTILINE)
    )
    assert roles
    assert {role for role in roles if sum(f"*{role}*" in each for each in who) != 1} == set()
    security = (ROOT / "SECURITY.md").read_text()
    named = re.search(r"as whom \(([^)]+)\)", security)
    assert named
    heads = {"dispatcher", "technician", "key", "network", "package"}
    assert {head for head in heads if head in named[1]} == heads
    assert {head for head in heads if not any(head in each for each in who)} == set()
    assert "reliability.md#who-can-do-what-to-whom" in security
    assert "reliability.md#who-can-do-what-to-whom" in (ROOT / "docs" / "deployment.md").read_text()
    told = re.findall(r"nothing more\b", page)
    assert told == []  # what the holder of a key or a role can do stands in the table, with all of it


@pytest.mark.assumes("sign_in_excluded")
def test_sign_in_for_operators_leaves_the_probe_and_the_webhook_alone() -> None:
    """Neither could sign in, nor could Graph; every other function of the app is behind it."""
    (sign_in,) = [
        body for body in bodies("Microsoft.Web/sites/config").values() if body["name"] == "authsettingsV2"
    ]
    validation = sign_in["properties"]["globalValidation"]
    functions = http_functions(both_ways=True)
    routes = {each["name"]: f"/api/{each['trigger']['route']}" for each in functions}
    by_services = {"health", WEBHOOK, "receive_event_change"}
    assert set(validation["excludedPaths"]) == {routes[name] for name in by_services}
    assert (validation["requireAuthentication"], validation["unauthenticatedClientAction"]) == (
        True,
        "RedirectToLoginPage",
    )
    assert f'"value": "{ROLE}"' in COMMANDS


def test_functions_of_operators_ask_for_no_key_where_the_platform_signs_in() -> None:
    """The webhook's key is asked for in any case."""
    by_key = {each["name"] for each in http_functions() if each["trigger"]["authLevel"] == "FUNCTION"}
    by_entra = {
        each["name"] for each in http_functions("entra") if each["trigger"]["authLevel"] == "FUNCTION"
    }
    assert by_entra == {WEBHOOK}
    assert by_entra < by_key


def test_scripts_are_told_the_way_that_what_is_deployed_gives_them() -> None:
    """Sign-in is for people in browsers: no program can have the role, or a token that the platform takes."""
    (sign_in,) = [
        body for body in bodies("Microsoft.Web/sites/config").values() if body["name"] == "authsettingsV2"
    ]
    policy = sign_in["properties"]["identityProviders"]["azureActiveDirectory"]["validation"]
    applications = policy["defaultAuthorizationPolicy"]["allowedApplications"]
    members = re.findall(r'"allowedMemberTypes": (\[[^]]*\])', COMMANDS)
    for_people_alone = (
        applications == [Expression("operatorsClientId")]
        and [json.loads(each) for each in members] == [["User"]]
        and "--identifier-uris" not in COMMANDS
    )
    page, of_settings = (
        " ".join((ROOT / "docs" / name).read_text().split()) for name in ("operations.md", "settings.md")
    )
    assert for_people_alone, "docs/operations.md tells that scripts can't sign in: tell how they can now"
    assert "scripts need `OPERATIONS_SIGN_IN=key`" in page
    assert "Entra token" not in page
    assert "with `OPERATIONS_SIGN_IN=key`, with the function key in the header" in of_settings
