"""What opens the door for contributors names what is there: hooks, editors, containers, versions."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
HOOKS = [
    hook
    for repository in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    for hook in repository["hooks"]
]
LAUNCHES = json.loads((ROOT / ".vscode" / "launch.json").read_text())["configurations"]
TASKS = json.loads((ROOT / ".vscode" / "tasks.json").read_text())["tasks"]
SETTINGS = json.loads((ROOT / ".vscode" / "settings.json").read_text())
CONTAINER = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
MAKEFILE = (ROOT / "Makefile").read_text()


def test_the_hooks_are_the_locked_programs() -> None:
    """Each runs what the lock file installed, so that a hook and `make check` never disagree."""
    repositories = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert [each["repo"] for each in repositories] == ["local"]
    check = MAKEFILE.split("\ncheck: ")[1].split("\n\n")[0]
    for hook in HOOKS:
        program = hook["entry"].split()[0]
        assert hook["language"] == "system"
        assert f"$(BIN)/{program.removeprefix('.venv/bin/')} " in check
        assert Path(sys.executable).with_name(Path(program).name).is_file()
    named = set(re.findall(r"\$\(BIN\)/((?!python)[\w-]+)", check))
    assert {Path(hook["entry"].split()[0]).name for hook in HOOKS} == named


@pytest.mark.parametrize(
    "hook", [hook for hook in HOOKS if "stages" not in hook], ids=lambda hook: hook["id"]
)
def test_a_hook_finds_what_is_wrong(hook: dict[str, Any], tmp_path: Path) -> None:
    """A file that is badly written is mended, and the commit is stopped by that change."""
    file = tmp_path / "bad.py"
    bad = '"""A module."""\n\nimport os\nx = 1+1\n'
    file.write_text(bad)
    program, *options = hook["entry"].split()
    command = [str(Path(sys.executable).with_name(Path(program).name)), *options, str(file)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=False)  # noqa: S603 - our own hooks
    assert file.read_text() != bad


def _tasks_command(label: str) -> str:
    (command,) = [task["command"] for task in TASKS if task["label"] == label]
    return str(command)


def test_the_editor_s_tasks_are_commands_of_the_makefile() -> None:
    """What a task calls exists."""
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    for task in TASKS:
        program, _, target = task["command"].partition(" ")
        assert (program, target in targets) == ("make", True) or program == ".venv/bin/python"
    labels = {task["label"] for task in TASKS}
    assert {each["preLaunchTask"] for each in LAUNCHES if "preLaunchTask" in each} <= labels
    assert SETTINGS["azureFunctions.preDeployTask"] in labels


def test_the_debugger_attaches_where_the_stack_listens() -> None:
    """Port and words are those of `python -m local start`."""
    port = int(_tasks_command("local stack").split("--debug-port ")[1])
    attaching = [each for each in LAUNCHES if each["request"] == "attach"]
    assert len(attaching) == 2
    assert {(each["connect"]["host"], each["connect"]["port"]) for each in attaching} == {("127.0.0.1", port)}
    assert f"launch.json expects {port}" in (ROOT / "local" / "__main__.py").read_text()
    (stack,) = [task for task in TASKS if task["label"] == "local stack"]
    assert stack["isBackground"]
    said = "".join(path.read_text() for path in (ROOT / "local" / "day").glob("*.py"))
    for pattern in ("beginsPattern", "endsPattern"):
        assert stack["problemMatcher"]["background"][pattern] in said


def test_what_the_editor_launches_exists() -> None:
    """Each module can be run, and its options are ones that it knows."""
    for each in LAUNCHES:
        if each["request"] == "launch" and each["module"] != "pytest":
            assert (ROOT / each["module"] / "__main__.py").is_file()
    (day,) = [each for each in LAUNCHES if each.get("module") == "local"]
    told = (ROOT / "local" / "__main__.py").read_text()
    assert all(f'"{option}"' in told for option in day["args"] if option.startswith("--"))


def test_the_editor_publishes_what_was_built() -> None:
    """Visual Studio Code can't read .funcignore: it takes the folder that `make package` makes."""
    from tools import package  # noqa: PLC0415 - only this test needs it

    folder = ROOT / SETTINGS["azureFunctions.deploySubpath"]
    assert folder == package.ROOT / "dist" / "package"
    assert _tasks_command(SETTINGS["azureFunctions.preDeployTask"]) == "make package"


def test_the_container_has_the_deployed_python() -> None:
    """And what it installs first is a command of the Makefile."""
    bicep = (ROOT / "infra/modules/function-app.bicep").read_text()
    version = re.search(r"version: '([\d.]+)'", bicep)
    assert version
    assert f"/python:{version[1]}-" in CONTAINER["image"]
    assert CONTAINER["postCreateCommand"].endswith(" && make setup")
    assert re.search(r"^setup:", MAKEFILE, re.MULTILINE)
    recommended = json.loads((ROOT / ".vscode" / "extensions.json").read_text())["recommendations"]
    assert CONTAINER["customizations"]["vscode"]["extensions"] == recommended


def test_the_changelog_leads_to_the_version() -> None:
    """The newest number is the package's; dates are in order."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    headings = re.findall(r"^## \[(.*)\](?: - (.*))?$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == ("Unreleased", "")
    assert headings[1][0] == version
    dates = [date for _, date in headings[1:]]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", date) for date in dates)
    assert dates == sorted(dates, reverse=True)


def test_line_lengths_are_the_linter_s() -> None:
    """Editors are told what Ruff enforces."""
    length = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["line-length"]
    editors = (ROOT / ".editorconfig").read_text().split("[*.py]")[1].split("[")[0]
    assert f"max_line_length = {length}\n" in editors
    assert SETTINGS["[python]"]["editor.rulers"] == [length]


def test_who_installs_the_package_gets_its_types() -> None:
    """PEP 561's marker lies in the package and is installed with it."""
    assert (ROOT / "booking_sync" / "py.typed").is_file()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "py.typed" in project["tool"]["setuptools"]["package-data"]["*"]
