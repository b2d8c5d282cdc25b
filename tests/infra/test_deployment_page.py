"""docs/deployment.md names what is there: parameters, outputs, roles, tables, columns, files."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from dataclasses import astuple
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from booking_sync.dataverse.queries import booking_shape
from booking_sync.domain.environment.columns import ReturnColumns, SupportColumns
from booking_sync.domain.environment.watched import BOOKING_ATTRIBUTES, BOOKING_TABLE, RELATED_ATTRIBUTES
from booking_sync.domain.events.ownership import make_key
from booking_sync.ports.dataverse.customizations import Message
from booking_sync.settings.loading import load_settings
from booking_sync.settings.table import SETTINGS
from booking_sync.sync.webhook.dynamics_webhook import PRE_IMAGE_ALIAS
from tests.infra.bicep import read
from tests.infra.functions import http_functions

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "deployment.md").read_text()
MAIN = read(ROOT / "infra" / "main.bicep")
TABLES = {
    "Resource": "bookableresource",
    "UserId": "systemuser",
    "BookingStatus": "bookingstatus",
    "msdyn_workorder": "msdyn_workorder",
    "msdyn_serviceaccount": "account",
}
"""The table behind each navigation property of a booking and of the rows around it."""
COMMANDS = "\n".join(re.findall(r"^```\w*\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))


def test_azd_s_variables_are_those_of_the_parameters_file() -> None:
    """`azd env set` names what infra/main.parameters.json reads."""
    parameters = json.loads((ROOT / "infra" / "main.parameters.json").read_text())["parameters"]
    read_by_azd = set(re.findall(r"\$\{(\w+)", json.dumps(parameters)))
    told = set(re.findall(r"azd env set (\w+)", COMMANDS))
    given_by_azd = {"AZURE_ENV_NAME", "AZURE_LOCATION", "AZURE_PRINCIPAL_ID", "AZURE_PRINCIPAL_TYPE"}
    assert told == read_by_azd - given_by_azd


def test_az_s_parameters_are_the_template_s() -> None:
    """`az deployment` names parameters that exist, and every one that has to be given."""
    command = re.search(r"az deployment sub create(.*?)\n\n", COMMANDS, re.DOTALL)
    assert command
    told = set(re.findall(r"\b(\w+)=", command[1]))
    parameters = MAIN.of("parameter")
    assert told <= set(parameters)
    assert {name for name, each in parameters.items() if not each.has_value} <= told


def test_outputs_that_later_steps_use_exist() -> None:
    """What is read from a deployment is an output of the template."""
    outputs = set(MAIN.of("output"))
    assert set(re.findall(r"\(output (\w+)\)", COMMANDS)) <= outputs
    settled = set(re.findall(r"^(?:export )?(\w+)=", COMMANDS, re.MULTILINE)) | outputs
    assert set(re.findall(r'"\$([A-Z][A-Z_]+)"', COMMANDS)) <= settled


def test_the_command_line_gets_every_setting_that_it_needs() -> None:
    """What is exported before `booking-sync` is called is well-formed and enough."""
    exported = {
        name
        for line in re.findall(r"^export (.*)", COMMANDS, re.MULTILINE)
        for name in re.findall(r"(\w+)(?:=\"[^\"]*\")?", line)[: 1 if "=" in line else None]
    }
    made = {
        name: f"{place:08}-1111-4222-8333-44445555abcd"
        if name.endswith("_ID")
        else f"https://{place}.example"
        for place, name in enumerate(sorted(exported))
    }
    literal = re.findall(r"^export (\w+)=([\w-]+)$", COMMANDS, re.MULTILINE)
    settings = load_settings(
        made | dict(literal) | {"NOTIFICATION_URL": "https://app.example/api/outlook/notifications"}
    )
    assert settings.organization_id == made["DATAVERSE_ORGANIZATION_ID"]
    assert settings.app_user_id == made["DATAVERSE_APP_USER_ID"]
    assert settings.tenant_id == made["ENTRA_TENANT_ID"]


@pytest.mark.parametrize("page", ["deployment.md", "cli.md"])
def test_the_command_line_runs_from_the_folder_that_has_the_event_file(page: str) -> None:
    """A copy among the installed packages would look for `event.toml` there, and find none."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert set(re.findall(r"^ *(pip install --no-deps .*)$", text, re.MULTILINE)) == {
        "pip install --no-deps --editable ."
    }


def test_the_command_line_runs_with_the_app_s_settings() -> None:
    """They are taken over before the first command of step 6, and the runbook sends people there."""
    step = PAGE.partition("\n## 6. ")[2].partition("\n## 7. ")[0]
    assert step.index("booking-sync exports)") < step.index("\nbooking-sync provision")
    runbook = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert runbook.count("(deployment.md#a-shell-with-the-apps-settings)") >= 5


def test_every_provider_of_the_templates_is_registered() -> None:
    """What a resource's type names before the slash; two are there in every subscription."""
    registered = re.search(r"^for provider in (.*?); do$", COMMANDS, re.MULTILINE | re.DOTALL)
    assert registered
    kinds = {
        each.type.partition("/")[0]
        for path in (ROOT / "infra").rglob("*.bicep")
        for each in read(path).of("resource").values()
    }
    told = set(registered[1].replace("\\", " ").split())
    assert told - {"Microsoft.App"} == kinds - {"Microsoft.Authorization", "Microsoft.Resources"}


def test_what_a_deployment_does_to_what_runs_is_told() -> None:
    """Nobody is told that nothing happens, and the audit afterwards is among the commands."""
    section = PAGE.split("\n## Publishing a new version\n")[1].split("\n## ")[0]
    assert "\nbooking-sync audit --fix\n" in section
    assert "ten minutes" in section
    assert "is not lost" not in section


def test_exchange_s_settings_can_be_changed_before_they_are() -> None:
    """A tenant that was never customised takes no role assignments until it is told to."""
    powershell = "\n".join(re.findall(r"^```powershell\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
    assert powershell.index("Enable-OrganizationCustomization") < powershell.index("New-ManagementScope")


def test_every_block_of_shell_is_shell() -> None:
    """Bash can read each of them."""
    bash = shutil.which("bash")
    assert bash
    blocks = re.findall(r"^```bash\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert len(blocks) > 5
    for block in blocks:
        done = subprocess.run(  # noqa: S603 - reads only, and our own page
            [bash, "-n"], input=block, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


AZD = re.compile(r"\bazd (?:up|deploy|down|provision|env set|env get-values)\b[^`\n]*")
MOST_IN_EXCHANGE = 64
"""Characters of a role assignment's name, by Exchange's documentation; a scope's is taken to be the same."""
REMOVES = {
    "New-ManagementRoleAssignment": "Remove-ManagementRoleAssignment",
    "New-ManagementScope": "Remove-ManagementScope",
}


def test_one_environment_can_not_meet_another() -> None:
    """Whatever azd does names its environment, and so do deployment, registration and what is in Exchange.

    azd takes its default otherwise, and a deployment of the same name overwrites the other one's outputs.
    """
    told = AZD.findall(COMMANDS)
    assert len(told) > 9
    assert [each for each in told if '--environment "$ENVIRONMENT"' not in each] == []
    deployments = re.findall(r"az deployment sub (?:create|show) --name (\S+)", COMMANDS)
    assert deployments
    assert set(deployments) == {'"booking-sync-$ENVIRONMENT"'}
    assert 'APP_NAME="booking_sync $ENVIRONMENT"' in COMMANDS
    assert 'az ad app create --display-name "$APP_NAME"' in COMMANDS


def test_what_is_made_in_exchange_is_removed_by_its_name() -> None:
    """Each name that a command gives there is one that the last section takes away."""
    made, removed = PAGE.split("\n## Taking it away\n")
    for create, remove in REMOVES.items():
        names = set(re.findall(rf'{create} -Name ("[^"]+")', made))
        assert names, create
        assert all(name.startswith('"$app ') for name in names)
        assert names == set(re.findall(rf'{remove} ("[^"]+")', removed)), remove
    assert len(re.findall(r"New-ManagementRoleAssignment ", made)) == len(
        re.findall(r"New-ManagementRoleAssignment -Name ", made)
    )
    assert "Remove-ServicePrincipal" in removed
    told = re.search(r"^ENVIRONMENT=\w+ +# up to (\d+) small letters", COMMANDS, re.MULTILINE)
    assert told
    longest = "booking_sync " + int(told[1]) * "x"
    assert all(len(name) <= MOST_IN_EXCHANGE for name in (f"{longest} technicians", f"{longest} calendars"))


def test_every_sign_in_says_where_it_leads() -> None:
    """Tenant and subscription are named, not whichever was used last."""
    for sign_in in re.findall(r"^(az login.*|azd auth login.*)$", COMMANDS, re.MULTILINE):
        assert '"$TENANT_ID"' in sign_in
    assert COMMANDS.index('az account set --subscription "$SUBSCRIPTION_ID"') < COMMANDS.index(
        "az ad app create"
    )
    assert re.search(r'azd env new "\$ENVIRONMENT" --subscription "\$SUBSCRIPTION_ID"', COMMANDS)
    assert "Connect-ExchangeOnline -Device" in PAGE


def test_keys_are_asked_for_by_rest() -> None:
    """`az functionapp function keys list` answers nothing in some versions (azure-cli#33516)."""
    assert not re.search(r"az functionapp (?:function )?keys", COMMANDS)


def test_the_secret_ends_in_the_vault_when_it_ends_in_entra() -> None:
    """Both are told the same moment, in the form that both take, and it is a year away."""
    (command,) = re.findall(r"^END=(.*)$", COMMANDS, re.MULTILINE)
    bash = shutil.which("bash")
    assert bash
    ended = subprocess.run(  # noqa: S603 - from our page
        [bash, "-c", f"END={command}; echo $END"], capture_output=True, text=True, check=True
    ).stdout.strip()
    end = datetime.strptime(ended, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert timedelta(days=364) < end - datetime.now(UTC) <= timedelta(days=365)
    (making,) = re.findall(
        r"^az ad app credential reset .*--query password(?:.*\\\n)*.*$", COMMANDS, re.MULTILINE
    )
    assert '--end-date "$END"' in making
    assert '--expires "$END"' in making


def test_roles_are_the_template_s() -> None:
    """The table of roles holds the role assignments of infra/modules/roles.bicep, for the same holders."""
    text = (ROOT / "infra" / "modules" / "roles.bicep").read_text()
    assigned = re.findall(r"guid\(\w+\.id, (\w+), roleIds\['([^']+)'\]\)", text)
    holders = {"appPrincipalId": "managed identity", "operatorPrincipalId": "you"}
    told = re.findall(r"^\| (managed identity|you) \| \*([^*]+)\* \|", PAGE, re.MULTILINE)
    assert sorted(told) == sorted((holders[who], role) for who, role in assigned)


def test_names_of_files_functions_and_settings_are_real() -> None:
    """Paths exist, settings are known, and the function whose key is asked for is registered."""
    for path in re.findall(
        r"`((?:infra|\.github|local)[/\w.-]*/[\w.-]+|local\.settings\.json\.example)`", PAGE
    ):
        assert (ROOT / path).exists(), path
    known = {each.name for each in SETTINGS}
    assert set(re.findall(r'"([A-Z]+_[A-Z_]+)": "', PAGE)) <= known
    (function,) = re.findall(r"/functions/(\w+)/listkeys", COMMANDS)
    assert f'function_name("{function}")' in (ROOT / "function_app.py").read_text()
    defaults = {each.name: each.default for each in SETTINGS}
    assert f"--name {defaults['CLIENT_SECRET_NAME']} " in COMMANDS
    assert f"--name {defaults['SEAL_KEY_NAME']} " in COMMANDS
    assert f"`{defaults['BOOKING_QUEUE_NAME']}`" in PAGE


def test_tables_to_read_are_those_that_the_queries_name() -> None:
    """What a booking is read with has its row in the table of privileges; only bookings are written."""
    rows = re.findall(r"^\| [\w ]+ \| `(\w+)` \| (Read[\w, ]*) \|", PAGE, re.MULTILINE)
    expanded = re.findall(r"(\w+)\(\$select", booking_shape(SupportColumns()).expand)
    assert dict(rows) == {BOOKING_TABLE: "Read, Write", **{TABLES[each]: "Read" for each in expanded}}


def test_columns_are_the_app_s() -> None:
    """The four columns that the page names are the defaults of the code."""
    columns = SupportColumns()
    for name in (columns.event_id, columns.original_resource, columns.sync_state, columns.sync_error):
        assert PAGE.count(f"`{name}`") >= 2, name


def test_what_the_app_writes_is_told_with_the_way_back_too() -> None:
    """Each column that a row may be written in stands in the sentence about what is written."""
    told = PAGE.partition("the app writes to four columns")[2].partition("If an update fails")[0]
    changed = ("starttime", "endtime", "msdyn_estimatedarrivaltime", "bookingstatus")
    wanted = {*astuple(SupportColumns()), *ReturnColumns().names, *changed}
    assert set(re.findall(r"`([a-z_]{5,})`", told)) == wanted


def test_every_address_without_a_key_is_told() -> None:
    """The table of who can reach it from the network names what asks for no key of a function."""
    table = PAGE.partition("\n### Who can reach it from the network\n")[2].partition("\n\nNothing is")[0]
    open_to_all = {
        each["trigger"]["route"]
        for each in http_functions(both_ways=True)
        if str(each["trigger"]["authLevel"]).lower().endswith("anonymous")
    }
    assert open_to_all == {"health", "operations", "outlook/notifications"}
    for route in open_to_all - {"operations"}:
        assert f"`/api/{route}`" in table
    assert "the operator's empty page" in table


def test_steps_to_register_by_hand_are_complete() -> None:
    """Tables and filtering attributes are the ones that the app depends on, and the image has its alias."""
    messages = re.findall(rf"^\| `{BOOKING_TABLE}` \| (\w+)[ ,]", PAGE, re.MULTILINE)
    assert sorted(messages) == sorted(Message)
    told = dict(re.findall(r"^\| `(\w+)` \| Update \| `([^`]+)` \|", PAGE, re.MULTILINE))
    wanted: dict[str, tuple[str, ...]] = {BOOKING_TABLE: BOOKING_ATTRIBUTES}
    wanted.update({table.value: columns for table, columns in RELATED_ATTRIBUTES.items()})
    assert {table: tuple(text.split(", ")) for table, text in told.items()} == wanted
    assert f"`{PRE_IMAGE_ALIAS}`" in PAGE


def test_secrets_stay_out_of_the_shell_s_history() -> None:
    """Secret and key go through pipes: they are neither arguments nor echoed."""
    defaults = {each.name: each.default for each in SETTINGS}
    for setting in ("CLIENT_SECRET_NAME", "SEAL_KEY_NAME"):
        (command,) = re.findall(
            rf"^(?:.*\\\n)*.*keyvault secret set .*--name {defaults[setting]} .*$", COMMANDS, re.MULTILINE
        )
        assert "--value" not in command
        assert "--file /dev/stdin --encoding utf-8 --output none" in command
        assert "tr -d '\\n'" in command


def test_the_key_that_seals_is_one_that_the_app_takes() -> None:
    """What the page's command prints is a key."""
    (make,) = re.findall(r"^(openssl rand .*?) \\$", COMMANDS, re.MULTILINE)
    made = subprocess.run(shlex.split(make), capture_output=True, text=True, check=True)  # noqa: S603 - from our page
    assert len(make_key(made.stdout).secret) == 32


def test_the_path_s_table_is_that_of_its_steps() -> None:
    """Each step has its row, with a link to it and the minutes that stand below its heading."""
    rows = re.findall(r"^\| \[(\d)\. [^]]+\]\(#([\w-]+)\) \| [^|]+ \| (\d+) min \|", PAGE, re.MULTILINE)
    steps = re.findall(r"^## (\d)\. (.+)\n\n\*(\d+) minutes of work", PAGE, re.MULTILINE)
    assert [(number, minutes) for number, _, minutes in rows] == [(n, minutes) for n, _, minutes in steps]
    headings = re.findall(r"^## (\d\. .+)$", PAGE, re.MULTILINE)
    assert [anchor for _, anchor, _ in rows] == [_anchor(each) for each in headings]
    total = sum(int(minutes) for _, _, minutes in rows)
    assert f"{total} minutes of work" in PAGE


def test_nothing_is_called_tried_that_was_not() -> None:
    """Until somebody walks the path in a tenant, the page says so, and calls its minutes estimates."""
    opening = PAGE.partition("## What you need")[0]
    assert "Nobody has walked this path in a real tenant yet." in opening
    assert "All minutes are estimates; none was measured." in opening
    assert re.findall(r"[^.]*\bmeasured\b[^.]*\.", PAGE.partition("## What you need")[2]) == []


def _anchor(heading: str) -> str:
    """As GitHub makes it; `tests/languages/test_markdown.py` holds links to GitHub's own way."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
