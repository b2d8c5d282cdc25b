"""The workflows: pinned, with as few rights as their jobs need; publishing is started by hand."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
DEPLOY = (ROOT / ".github" / "workflows" / "deploy.yml").read_text()
CI = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
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
    before, publish = DEPLOY.split("\n  publish:\n")
    assert "id-token" not in before
    assert re.findall(r"^      ([\w-]+): (read|write)", publish, re.MULTILINE) == [
        ("contents", "read"),
        ("id-token", "write"),
    ]
    assert "needs: [build, test]" in publish


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


@pytest.mark.parametrize("text", [CI, DEPLOY, INFRA], ids=["ci", "deploy", "infra"])
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


def _azure_python() -> str:
    version = re.search(r"version: '([\d.]+)'", (ROOT / "infra/modules/function-app.bicep").read_text())
    assert version
    return version[1]


def _deployment() -> tuple[str, str, str]:
    """The three jobs of a deployment."""
    building, rest = DEPLOY.split("\n  test:\n")
    testing, publishing = rest.split("\n  publish:\n")
    return building.split("\n  build:\n")[1], testing, publishing


def _commands(job: str) -> list[str]:
    found = re.findall(r"^ +(?:- )?run: (?:\|\n((?: {10}.*\n)+)|(.*))", job, re.MULTILINE)
    return [line.strip() for block, line in found for line in (block or line).splitlines()]


def test_what_is_published_is_built_where_no_tool_runs() -> None:
    """Whoever wrote a package for tests or checks can't reach the zip: its job installs none of them."""
    building, _, _ = _deployment()
    assert _commands(building) == [
        "python -m venv .venv-build",
        ".venv-build/bin/python -m tools.package --zip-only",
        'echo "sha256=$(sha256sum dist/booking-sync.zip | cut -d \' \' -f 1)" >> "$GITHUB_OUTPUT"',
    ]
    assert "      sha256: ${{ steps.zip.outputs.sha256 }}\n" in building
    assert {each.partition("@")[0] for each in re.findall(r"uses: (\S+)", building)} == {
        "actions/checkout",
        "actions/setup-python",
        "actions/upload-artifact",
    }
    assert "needs:" not in building


def test_what_is_published_is_what_was_tested() -> None:
    """The job that tests makes the same bytes once more and tries them; what is published has their hash."""
    building, testing, publishing = _deployment()
    assert f'python-version: "{_azure_python()}"' in building
    assert f'python-version: "{_azure_python()}"' in testing
    same = 'echo "$BUILT  dist/booking-sync.zip" | sha256sum --check'
    assert [each.partition(" # ")[0] for each in _commands(testing)] == [
        "bash .ci/run",
        "bash .ci/package",
        same,
        "make audit-package",
    ]
    hash_of_the_built = "          BUILT: ${{ needs.build.outputs.sha256 }}\n"
    assert hash_of_the_built in testing
    uploaded = re.search(r"upload-artifact@.*\n +with:\n +name: (\w+)\n +path: (.*)\n", building)
    taken = re.search(r"download-artifact@.*\n +with:\n +name: (\w+)\n +path: (\w+)\n", publishing)
    assert uploaded
    assert taken
    assert (uploaded[1], uploaded[2]) == (taken[1], "dist/booking-sync.zip")
    assert "if-no-files-found: error" in building
    checked = publishing.index(f'echo "$BUILT  {taken[2]}/booking-sync.zip" | sha256sum --check')
    assert checked < publishing.index("azure/login@")
    assert hash_of_the_built in publishing
    assert f"package: {taken[2]}/booking-sync.zip\n" in publishing
    assert "sku: flexconsumption\n" in publishing
    assert "remote-build: false" in publishing
    assert "setup-python" not in publishing
    built = (ROOT / ".ci" / "package").read_text()
    assert built.index("make package") < built.index("local run --app dist/package")


def test_every_push_is_checked_on_both_ends_of_the_supported_range() -> None:
    """Pushes, pull requests and, for vulnerabilities, each week; on the oldest Python and on Azure's."""
    triggers = re.search(r"^on:\n((?:  .*\n|\n)+?)^\w", CI, re.MULTILINE)
    assert triggers
    assert re.findall(r"^  (\w+):", triggers[1], re.MULTILINE) == ["push", "pull_request", "schedule"]
    oldest = re.search(r"^OLDEST := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert oldest
    assert f'python: ["{oldest[1]}", "{_azure_python()}"]' in CI
    assert set(re.findall(r'python-version: "(.*)"', CI)) == {_azure_python()}
    commands = set(re.findall(r"^      - run: (.*)$", CI, re.MULTILINE))
    assert commands == {
        "make check",
        "make check-lock",
        'make test PYTHON="$(command -v python)"',
        'make test-gone PYTHON="$(command -v python)"',
        "bash .ci/package",
        "make audit-package",
    }


def test_checking_needs_no_rights_but_to_read() -> None:
    """A pull request of somebody's runs with nothing that it could take."""
    assert "\npermissions: {}\n" in CI
    jobs = len(re.findall(r"^    runs-on:", CI, re.MULTILINE))
    assert re.findall(r"^    permissions:\n((?:      .*\n)+?)    \w", CI, re.MULTILINE) == (
        ["      contents: read\n"] * jobs
    )
    assert "pull_request_target" not in CI
    assert CI.count("persist-credentials: false") == CI.count("actions/checkout@")


def test_dependabot_knows_each_place_of_dependencies() -> None:
    """Python's lock files, npm's, and the actions that the workflows pin."""
    text = (ROOT / ".github" / "dependabot.yml").read_text()
    places = re.findall(r"package-ecosystem: ([\w-]+).*\n    directory: (\S+)", text)
    assert places == [("uv", "/"), ("npm", "/local"), ("github-actions", "/")]
    assert "uv pip compile" in (ROOT / "requirements.txt").read_text().splitlines()[1]
    assert (ROOT / "local" / "package-lock.json").exists()
