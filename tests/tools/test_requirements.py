"""The lock files: everything pinned, everything hashed, and what the tests run on is what they say."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
APP, CLI, DEV = "requirements", "requirements-cli", "requirements-dev"
NAMES = (APP, CLI, DEV, "requirements-docs")
"""The last one is the documentation's site alone, and is installed beside nothing else."""


def _direct(name: str) -> Iterator[Requirement]:
    """What people pinned, with what the file includes."""
    for line in (ROOT / f"{name}.in").read_text().splitlines():
        text = line.split("#")[0].strip()
        if text.startswith("-r "):
            yield from _direct(text.removeprefix("-r ").removesuffix(".in"))
        elif text:
            yield Requirement(text)


def _locked(name: str) -> dict[Requirement, list[str]]:
    """Each requirement of a lock file, with its hashes."""
    lines = re.sub(r"^\s*#.*\n", "", (ROOT / f"{name}.txt").read_text(), flags=re.MULTILINE)
    entries = [entry.split() for entry in lines.replace("\\\n", " ").splitlines()]
    return {
        Requirement(" ".join(word for word in entry if not word.startswith("--"))): [
            word.removeprefix("--hash=sha256:") for word in entry if word.startswith("--")
        ]
        for entry in entries
    }


def _applies(requirement: Requirement, python: str, platform: str) -> bool:
    minor = ".".join(python.split(".")[:2])
    environment = {"python_full_version": python, "python_version": minor, "sys_platform": platform}
    return requirement.marker is None or requirement.marker.evaluate(environment)


def _version(requirement: Requirement) -> str:
    (only,) = requirement.specifier
    assert only.operator == "=="
    return only.version


@pytest.mark.parametrize("name", NAMES)
def test_every_package_is_pinned_with_hashes(name: str) -> None:
    """One exact version each, and pip refuses a file that is not among the hashes."""
    locked = _locked(name)
    assert len(locked) > len(list(_direct(name)))
    for requirement, hashes in locked.items():
        assert _version(requirement)
        assert hashes, requirement
        assert all(re.fullmatch("[0-9a-f]{64}", each) for each in hashes), requirement


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("python", ["3.11.7", "3.12.1", "3.13.0"])
@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_what_people_pinned_is_locked(name: str, python: str, platform: str) -> None:
    """One version of each package for each Python and platform, and that of the pin if there is one."""
    locked = [each for each in _locked(name) if _applies(each, python, platform)]
    versions = {canonicalize_name(each.name): _version(each) for each in locked}
    assert len(versions) == len(locked)
    pinned = {
        canonicalize_name(each.name): _version(each)
        for each in _direct(name)
        if _applies(each, python, platform)
    }
    assert {package: versions.get(package) for package in pinned} == pinned


def test_the_three_files_agree() -> None:
    """The command line and the tests run on the very files that the app is deployed with."""
    app, cli, dev = (
        {(each.name, _version(each), tuple(hashes)) for each, hashes in _locked(name).items()}
        for name in (APP, CLI, DEV)
    )
    assert app <= cli <= dev


def test_the_tests_run_on_what_is_locked() -> None:
    """Every locked package is installed in its version, and each one's own needs are locked too."""
    installed = {canonicalize_name(each.metadata["Name"]): each for each in metadata.distributions()}
    here = [each for each in _locked("requirements-dev") if each.marker is None or each.marker.evaluate()]
    locked = {canonicalize_name(each.name): _version(each) for each in here}
    found = {name: installed[name].version if name in installed else "missing" for name in locked}
    assert found == locked
    needs = {
        canonicalize_name(need.name)
        for name in locked
        for need in map(Requirement, installed[name].requires or ())
        if need.marker is None or need.marker.evaluate({"extra": ""})
    }
    assert needs - set(locked) == set()


def _tools_lock(folder: Path, uv: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a copy of tools/lock beside small files, with a uv that does this to the lock file."""
    bash = shutil.which("bash")
    assert bash
    (folder / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "lock", folder / "tools")
    for name in NAMES:
        (folder / f"{name}.in").write_text("a==1\n")
        (folder / f"{name}.txt").write_text("a==1 --hash=sha256:0\n")
    program = folder / "uv"
    program.write_text(f"#!/bin/bash\nwhile [ $1 != --output-file ]; do shift; done\n{uv}\n")
    program.chmod(0o755)
    return subprocess.run(  # noqa: S603 - our own script
        [bash, str(folder / "tools" / "lock"), *arguments],
        env={"UV": str(program), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_lock_file_that_does_not_follow_is_named(name: str, tmp_path: Path) -> None:
    """`tools/lock --check` fails, says which file and what to do, and leaves it as it is."""
    result = _tools_lock(tmp_path, f"[ $2 != {name}.txt ] || echo 'b==2' >> $2", "--check")
    assert result.returncode == 1
    assert f"{name}.txt does not follow from its .in file: run `make lock`" in result.stderr
    assert (tmp_path / f"{name}.txt").read_text() == "a==1 --hash=sha256:0\n"


def test_lock_files_that_follow_pass(tmp_path: Path) -> None:
    """`tools/lock --check` says nothing when uv has nothing to change."""
    result = _tools_lock(tmp_path, ":", "--check")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_a_package_index_that_fails_is_no_pass(tmp_path: Path) -> None:
    """What uv could not look up was not checked."""
    assert _tools_lock(tmp_path, "echo no index >&2; exit 2", "--check").returncode == 2


def test_pip_refuses_a_package_without_its_hash(tmp_path: Path) -> None:
    """A lock file of ours is enough to make pip check every file, and it does."""
    package = tmp_path / "tampered-1.0-py3-none-any.whl"
    package.write_bytes(b"not what was locked")
    (tmp_path / "requirements.txt").write_text(f"tampered==1.0 --hash=sha256:{'0' * 64}\n")
    result = subprocess.run(  # noqa: S603 - our own interpreter and files
        [
            *(sys.executable, "-m", "pip", "install", "--no-index", "--find-links", str(tmp_path)),
            *("--target", str(tmp_path / "into"), "-r", str(tmp_path / "requirements.txt")),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode != 0
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in result.stderr
    assert not (tmp_path / "into").exists()


def test_no_package_of_npm_s_runs_anything_when_it_is_installed() -> None:
    """Each file has its hash, and scripts of packages, which no program here needs, are not run."""
    commands = re.findall(r"^.*\bnpm (?:ci|install)\b.*$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert commands
    assert all("npm ci" in each and "--ignore-scripts" in each for each in commands)
    packages = json.loads((ROOT / "local" / "package-lock.json").read_text())["packages"]
    assert [name for name, each in packages.items() if name and not each.get("integrity")] == []
    assert [name for name, each in packages.items() if each.get("hasInstallScript")] == []
