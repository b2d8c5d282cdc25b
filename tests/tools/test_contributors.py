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

from tests.conftest import LONG_FILES

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
    check = MAKEFILE.split("\nlint: ")[1].split("\n\n")[0]
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


def _sections() -> dict[str, str]:
    """CONTRIBUTING.md's sections by their headings."""
    parts = re.split(r"^#+ (.*)\n", (ROOT / "CONTRIBUTING.md").read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _files(section: str) -> list[Path]:
    """What a section names in code style that is a path; a bare name lies beside a file named before it."""
    named: list[Path] = []
    for text in re.findall(r"`([^`\n]+)`", section):
        if re.fullmatch(r"[\w./-]+(/|\.(py|md|in|txt|example))", text) and "<" not in text:
            beside = [
                file.parent / text for file in named if "/" not in text and (file.parent / text).exists()
            ]
            named.append(beside[0] if beside else ROOT / text)
    return named


@pytest.mark.parametrize("heading", _sections())
def test_what_a_recipe_names_is_there(heading: str) -> None:
    """Its paths exist, and the names of code that it tells stand in the files that it tells."""
    section = _sections()[heading]
    files = _files(section)
    assert [str(path) for path in files if not path.exists()] == []
    texts = "".join(path.read_text() for path in files if path.is_file())
    names = set(re.findall(r"`(?:(_?[A-Za-z]\w*_\w+|[A-Z][a-z]+[A-Z]\w+)(?:\(\))?)`", section))
    assert [name for name in names if name not in texts] == []


def test_every_recipe_is_there() -> None:
    """What people most often want to add."""
    headings = " ".join(_sections())
    things = ("field", "language", "command", "check", "setting", "stand-in", "fault", "One test", "debugger")
    for thing in things:
        assert thing in headings
    tested = [heading for heading, text in _sections().items() if heading.startswith("Add ") and _files(text)]
    assert len(tested) == 7


def test_what_contributors_type_exists() -> None:
    """Make's targets and the modules that are run, with their options."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE)) <= targets
    for variable in re.findall(r"make \w+ ([A-Z]+)=", text):
        assert re.search(rf"^{variable} \?=", MAKEFILE, re.MULTILINE)
    for path in re.findall(r"(?:TESTS=|pytest -q )(\S+)", text):
        assert (ROOT / path).exists()
    assert "tools/find-python" in text


def test_every_file_that_begins_early_is_there() -> None:
    """One that was renamed would begin late again, and keep a worker alone at the end."""
    folder = Path(__file__).parents[1]
    assert {name for name in LONG_FILES if not (folder / name).is_file()} == set()
