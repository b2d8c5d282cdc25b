"""tools/find-python: the newest Python that Azure runs, wherever a version manager keeps it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "tools" / "find-python"
NEVER = "3.99"
"""A version that no machine has, so that only what a test makes can be found."""


def _find(home: Path, *versions: str, path: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    bash = shutil.which("bash")
    assert bash
    environment = {"HOME": str(home), "PATH": f"{path}:/usr/bin:/bin" if path else "/usr/bin:/bin", **more}
    return subprocess.run(  # noqa: S603 - our own script
        [bash, str(PROGRAM), *versions], env=environment, capture_output=True, text=True, check=False
    )


def _python(file: Path, version: str, *, says: str | None = None) -> Path:
    """A program that answers as a Python of that version would; `says` replaces its answer."""
    file.parent.mkdir(parents=True, exist_ok=True)
    answer = f"{version} {file}" if says is None else says
    file.write_text(f"#!/bin/sh\necho '{answer}'\n")
    file.chmod(0o755)
    return file


@pytest.mark.parametrize(
    "folder",
    [
        ".pyenv/versions/3.99.4/bin",
        ".local/share/uv/python/cpython-3.99.4-linux-x86_64-gnu/bin",
        ".local/share/mise/installs/python/3.99.4/bin",
        ".asdf/installs/python/3.99.4/bin",
    ],
)
def test_a_python_off_the_path_is_found(folder: str, tmp_path: Path) -> None:
    """Version managers' folders are searched."""
    python = _python(tmp_path / folder / "python3.99", NEVER)
    assert _find(tmp_path, NEVER).stdout == f"{python}\n"


def test_a_version_manager_may_live_elsewhere(tmp_path: Path) -> None:
    """Their own variables name the folder, spaces and all."""
    python = _python(tmp_path / "my tools" / "versions" / "3.99.0" / "bin" / "python3.99", NEVER)
    assert _find(tmp_path, NEVER, PYENV_ROOT=str(tmp_path / "my tools")).stdout == f"{python}\n"


def test_a_shim_that_only_pretends_does_not_count(tmp_path: Path) -> None:
    """A shim of a version that is not chosen fails; one of another version says so."""
    shims = tmp_path / "shims"
    _python(shims / "python3.99", NEVER, says="")
    _python(shims / "python3", "3.98")
    assert _find(tmp_path, NEVER, path=str(shims)).returncode == 1
    python = _python(tmp_path / ".pyenv/versions/3.99.0/bin/python3.99", NEVER)
    assert _find(tmp_path, NEVER, path=str(shims)).stdout == f"{python}\n"


def test_the_newest_patch_wins(tmp_path: Path) -> None:
    """3.99.10 is newer than 3.99.9."""
    for patch in ("9", "10", "2"):
        _python(tmp_path / f".pyenv/versions/3.99.{patch}/bin/python3.99", NEVER)
    assert "/3.99.10/" in _find(tmp_path, NEVER).stdout


def test_the_newest_version_wins_over_the_path(tmp_path: Path) -> None:
    """3.13 in a folder goes before 3.11 on the PATH."""
    python = _python(tmp_path / ".pyenv/versions/3.13.999/bin/python3.13", "3.13")
    _python(tmp_path / "bin" / "python3.13", "3.13", says="")
    found = _find(tmp_path, path=str(tmp_path / "bin")).stdout
    assert found == f"{python}\n"


def test_no_python_is_said_by_the_exit_code(tmp_path: Path) -> None:
    """Nothing is printed that could be taken for a program."""
    result = _find(tmp_path, NEVER)
    assert (result.returncode, result.stdout, result.stderr) == (1, "", "")


def test_a_real_python_answers(tmp_path: Path) -> None:
    """The question that is put to a candidate is one that Python understands."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    base = Path(sys.base_prefix) / "bin"
    assert _find(tmp_path, version, path=str(base)).stdout.strip() == str(base / f"python{version}")


def test_the_versions_are_those_of_the_project() -> None:
    """From pyproject's lower bound, which `make` and CI know, to what Azure runs; newest first."""
    supported = re.search(r'^SUPPORTED="(.*)"$', PROGRAM.read_text(), re.MULTILINE)
    oldest = re.search(r"^OLDEST := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    azure = re.search(r"version: '([\d.]+)'", (ROOT / "infra/modules/function-app.bicep").read_text())
    required = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert supported
    assert oldest
    assert azure
    versions = supported[1].split()
    assert versions[0] == azure[1]
    assert f">={versions[-1]}" == required
    assert versions[-1] == oldest[1]
    assert f"\nOLDEST={oldest[1]}\n" in (ROOT / ".ci" / "run").read_text()
    assert [f"3.{minor}" for minor in range(int(azure[1][2:]), int(oldest[1][2:]) - 1, -1)] == versions
