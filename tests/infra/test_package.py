"""What is published: the app and nothing else, and enough of it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

IMPORT_EVERYTHING = """
import importlib, pkgutil, sys
import function_app, booking_sync
for found in pkgutil.walk_packages(booking_sync.__path__, "booking_sync."):
    importlib.import_module(found.name)
ours = [name for name in sys.modules if name.startswith("booking_sync")]
print(len(ours), len(function_app.app.get_functions()))
"""


def _git(*arguments: str, folder: Path, stdin: str | None = None) -> list[str]:
    git = shutil.which("git")
    assert git
    result = subprocess.run(  # noqa: S603 - git, with arguments of this file
        [git, *arguments], cwd=folder, input=stdin, capture_output=True, text=True, check=False
    )
    assert result.returncode in (0, 1), result.stderr  # 1: check-ignore found nothing
    return result.stdout.splitlines()


@pytest.fixture(scope="module")
def ignored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty repository with our .funcignore as its .gitignore: publishing tools read it in git's way."""
    folder = tmp_path_factory.mktemp("ignored")
    _git("init", "--quiet", folder=folder)
    shutil.copy(ROOT / ".funcignore", folder / ".gitignore")
    return folder


def _published(paths: list[str], ignored: Path) -> list[str]:
    """What git's rules leave: azd and Visual Studio Code go by them."""
    left_out = set(_git("check-ignore", "--no-index", "--stdin", folder=ignored, stdin="\n".join(paths)))
    return [path for path in paths if path not in left_out]


def _published_by_core_tools(paths: list[str]) -> list[str]:
    """What `func` leaves: a line denies each path that begins with it; `*` is one character or more."""
    lines = [line for line in (ROOT / ".funcignore").read_text().splitlines() if not line.startswith("#")]
    parts = [re.split(r"(\*\*?)", line) for line in lines]
    stars = {"*": "[^/]+", "**": ".+"}
    denied = re.compile(
        "|".join("".join(stars.get(each, re.escape(each)) for each in line) for line in parts)
    )
    return [path for path in paths if not denied.match(path)]


@pytest.fixture(scope="module")
def published(ignored: Path) -> list[str]:
    """Every file of the repository that a deployment takes along."""
    return _published(_git("ls-files", folder=ROOT), ignored)


def test_nothing_but_what_runs_is_published(published: list[str]) -> None:
    """Three files and the package; neither the command line nor a document."""
    around = {path for path in published if not path.startswith("booking_sync/")}
    assert around == {"function_app.py", "host.json", "requirements.txt"}
    assert {Path(path).suffix for path in published if path.startswith("booking_sync/")} <= {
        ".py", ".html", ".css", ".js", ".svg", ".sql", ".json",
    }  # fmt: skip
    assert not [path for path in published if path.startswith("booking_sync/cli/")]


def test_what_lies_about_on_a_developer_s_machine_stays_there(ignored: Path) -> None:
    """Secrets, caches and environments that git ignores are not published either."""
    lying_about = [
        "local.settings.json",
        ".env",
        ".azure/production/.env",
        ".venv/bin/python",
        ".git/config",
        ".local-stack/ca.pem",
        ".mypy_cache/3.11/cache.db",
        ".import_linter_cache/x",
        ".hypothesis/x",
        "build/lib/booking_sync/plumbing/log.py",
        "booking_sync.egg-info/PKG-INFO",
        "__pycache__/function_app.cpython-313.pyc",
        "booking_sync/__pycache__/log.cpython-313.pyc",
        "local/node_modules/azurite/package.json",
    ]
    assert _published(lying_about, ignored) == []
    assert _published_by_core_tools(lying_about) == []
    # Built by `func pack` and `--build local`: these packages are to be published.
    built = [".python_packages/lib/x.py"]
    assert _published(built, ignored) == _published_by_core_tools(built) == built


def test_core_tools_publish_the_same(published: list[str]) -> None:
    """`func azure functionapp publish` reads .funcignore differently, and comes to the same files."""
    assert _published_by_core_tools(_git("ls-files", folder=ROOT)) == published


def test_the_published_files_are_enough(published: list[str], tmp_path: Path) -> None:
    """Alone in a folder, the app and every module of its package can be imported."""
    for path in published:
        if (ROOT / path).exists():  # not one that somebody has just removed
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, tmp_path / path)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    result = subprocess.run(  # noqa: S603 - our own interpreter and program
        [sys.executable, "-c", IMPORT_EVERYTHING],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    modules, functions = map(int, result.stdout.split())
    assert modules > 20
    assert functions >= 5
