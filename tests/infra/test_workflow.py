"""The workflows: pinned, with as few rights as their jobs need; publishing is started by hand."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
DEPLOY = (ROOT / ".github" / "workflows" / "deploy.yml").read_text()
INFRA = (ROOT / ".github" / "workflows" / "infra.yml").read_text()


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned(path: Path) -> None:
    """A tag can be moved; a commit can't. The comment names the version for a reader."""
    used = re.findall(r"uses: (.*)", path.read_text())
    assert used
    assert [
        each for each in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each)
    ] == []


def test_nothing_runs_by_accident() -> None:
    """Somebody has to start a deployment: no push, no schedule, no pull request."""
    triggers = re.search(r"^on:\n((?:  .*\n|\n)+?)^\w", DEPLOY, re.MULTILINE)
    assert triggers
    assert re.findall(r"^  (\w+):", triggers[1], re.MULTILINE) == ["workflow_dispatch"]


def test_rights_are_given_job_by_job() -> None:
    """By default none; only the publishing job may ask for the token that Entra trusts."""
    assert "\npermissions: {}\n" in DEPLOY
    test, publish = DEPLOY.split("\n  publish:\n")
    assert "id-token" not in test
    assert re.findall(r"^      ([\w-]+): (read|write)", publish, re.MULTILINE) == [
        ("contents", "read"),
        ("id-token", "write"),
    ]
    assert "needs: test" in publish
    assert "bash .ci/run" in test


def test_a_change_of_the_templates_is_compiled_and_linted() -> None:
    """Each push and pull request that touches infra/ runs the vendor's tools, which need no rights."""
    triggers = re.search(r"^on:\n((?:  .*\n|\n)+?)^\w", INFRA, re.MULTILINE)
    assert triggers
    assert re.findall(r"^  (\w+):", triggers[1], re.MULTILINE) == ["push", "pull_request"]
    paths = re.findall(r"^    paths: (\[.*\])", triggers[1], re.MULTILINE)
    assert [set(json.loads(each)) for each in paths] == [
        {".ci/bicep", ".github/workflows/infra.yml", "infra/**"}
    ] * 2
    compiling, validating = INFRA.split("\n  validate:\n")
    assert "      - run: bash .ci/bicep\n" in compiling
    assert "id-token" not in compiling
    assert "AZURE_SUBSCRIPTION_ID" not in compiling
    assert (
        "      - run: bash .ci/bicep\n        env:\n          AZURE_SUBSCRIPTION_ID: ${{ vars." in validating
    )


def test_azure_checks_only_what_is_on_the_default_branch() -> None:
    """A sign-in is used where one was set up, and for no branch of somebody's."""
    condition = re.search(r"^    if: (.*)", INFRA.split("\n  validate:\n")[1], re.MULTILINE)
    assert condition
    assert set(condition[1].split(" && ")) == {
        "vars.AZURE_VALIDATE_CLIENT_ID != ''",
        "github.event_name == 'push'",
        "github.ref_name == github.event.repository.default_branch",
    }


@pytest.mark.parametrize("text", [DEPLOY, INFRA], ids=["deploy", "infra"])
def test_no_stored_secret_is_needed(text: str) -> None:
    """The ids are variables; there is no password and no publish profile."""
    assert "secrets." not in text
    assert "publish-profile" not in text


def test_it_audits_after_it_has_published() -> None:
    """A deployment loses webhooks, so the last step has the app look for what is missing, and mend it."""
    publishing, audit = DEPLOY.split("audit-after-deployment.sh")
    assert "azure/functions-action@" in publishing
    assert "\n        env:\n          FUNCTION_APP_NAME: ${{ vars.FUNCTION_APP_NAME }}\n" in audit
    assert "- uses:" not in audit


def test_it_tests_and_publishes_for_the_deployed_python() -> None:
    """The tests run on the Python of infra/, and what is published heeds .funcignore."""
    version = re.search(r"version: '([\d.]+)'", (ROOT / "infra/modules/function-app.bicep").read_text())
    assert version
    assert f'python-version: "{version[1]}"' in DEPLOY
    assert "respect-funcignore: true" in DEPLOY
    assert "sku: flexconsumption" in DEPLOY
