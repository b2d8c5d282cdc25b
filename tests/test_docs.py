"""The documentation names what is there, and the other way round."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from booking_sync.plumbing.telemetry import Metric

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / ".github").rglob("*.md")),
    ROOT / "local" / "README.md",
]
NOT_OURS = {".git", ".hypothesis", ".local-stack", ".venv", "__pycache__", "build", "dist", "node_modules"}
"""Folders that hold no source; the documentation may name them as what comes into being."""
MADE_BY_COMMANDS = {
    "local.settings.json",
    "booking-sync-backfill.json",
    "booking-sync-resync.json",
    "booking-sync.cdx.json",
    "event.toml",
    "booking-sync-event.json",
}
"""Files that are not in the repository, since whoever follows the documentation makes them."""
WHOLE = (
    "domain",
    "domain/bookings",
    "domain/environment",
    "domain/events",
    "domain/messages",
    "plumbing",
    "ports",
    "settings",
    "sync",
    "sync/booking",
    "sync/from_outlook",
    "sync/webhook",
)
"""Packages of which docs/architecture.md names every module."""


def _text(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def _sources(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name not in NOT_OURS and not path.is_symlink():
            yield path
            if path.is_dir():
                yield from _sources(path)


SOURCES = list(_sources(ROOT))
FILES = {path.name for path in SOURCES if path.is_file()}
FOLDERS = {path.name for path in SOURCES if path.is_dir()} | NOT_OURS | {"event"}  # a deployment's own
TOP = "|".join(re.escape(path.name) for path in ROOT.iterdir() if path in SOURCES and path.is_dir())
PATH = re.compile(rf"(?<![\w/.@-])(?:{TOP})/[\w./*-]*[\w/*-]")
FILE = re.compile(
    r"`([\w.-]+\.(?:bicep|css|html|in|js|json|kql|md|py|sh|svg|toml|tsv|txt|ya?ml)(?:\.example)?)`"
)
FOLDER = re.compile(r"`([\w.-]+)/`")
MODULE = re.compile(
    r"`(booking_sync(?:\.\w+)+)`|python3? -m ((?:booking_sync|benchmarks|local|tests)(?:\.\w+)*)"
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    """Relative links in the documentation name files that exist."""
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_that_a_page_names_exists(page: Path) -> None:
    """In prose, in commands and in tables: a path from the repository's root or from the page's folder."""
    paths = set(PATH.findall(page.read_text(encoding="utf-8")))
    assert {
        path for path in paths if not any(list(place.glob(path)) for place in (ROOT, page.parent))
    } == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_and_folder_that_a_page_names_exists(page: Path) -> None:
    """A name without its path, such as `worker.py` or `web_api/`, is somewhere in the repository."""
    text = page.read_text(encoding="utf-8")
    assert set(FILE.findall(text)) - FILES - MADE_BY_COMMANDS == set()
    assert set(FOLDER.findall(text)) - FOLDERS == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_module_that_a_page_names_exists(page: Path) -> None:
    """Dotted names of ours are modules or metrics, and `python -m` finds what it is told to run."""
    named = {"".join(found) for found in MODULE.findall(page.read_text(encoding="utf-8"))}
    assert {name for name in named - set(Metric) if not _is_module(name)} == set()


def _is_module(name: str) -> bool:
    path = ROOT / name.replace(".", "/")
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_make_command_exists(page: Path) -> None:
    """What the documentation tells to type is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", _text("Makefile"), re.MULTILINE))
    command = re.compile(r"(?:`|^)make ([a-z-]+)(?=[` ]|$)", re.MULTILINE)
    named = set(command.findall(page.read_text(encoding="utf-8")))
    assert named <= targets


def test_the_walk_of_one_change_names_what_runs() -> None:
    """Whoever follows a booking's id finds each function and method in the file that the page names."""
    walk = _text("docs/architecture.md").partition("### One change, file by file")[2].partition("\n## ")[0]
    steps = re.findall(r"^\| `([\w/]+\.py)` \| `([\w.]+)` \|", walk, re.MULTILINE)
    assert len(steps) == 11
    for file, step in steps:
        owner, _, function = step.rpartition(".")
        tree = ast.parse(_text(file))
        bodies = [
            each.body for each in tree.body if isinstance(each, ast.ClassDef) and each.name == owner
        ] or [tree.body]
        defined = {each.name for body in bodies for each in body if isinstance(each, ast.AsyncFunctionDef)}
        assert function in defined, f"{file} has no {step}"


def test_every_module_of_the_product_has_its_place_in_the_architecture() -> None:
    """A newcomer finds each module and package on the map."""
    modules = {
        path.stem
        for path in (ROOT / "booking_sync").iterdir()
        if (path.suffix == ".py" or (path / "__init__.py").exists()) and not path.stem.startswith("_")
    }
    page = _text("docs/architecture.md")
    assert {name for name in modules if f"{name}.py`" not in page and f"{name}/`" not in page} == set()


@pytest.mark.parametrize("package", WHOLE)
def test_the_architecture_lists_a_package_s_modules(package: str) -> None:
    """Each row of the table names every module of its package: none is missing, none has moved away."""
    (row,) = re.findall(
        rf"^\| `booking_sync/{package}/` \|(.*)$", _text("docs/architecture.md"), re.MULTILINE
    )
    folder = ROOT / "booking_sync" / package
    parts = {path.stem for path in folder.iterdir() if _is_part(path)}
    assert parts - set(re.findall(r"`(\w+)/?`", row)) == set()


def test_a_package_that_tells_of_its_modules_knows_them_all() -> None:
    """Where a package's docstring has a table of modules, it lists every module and nothing else."""
    wrong = {}
    for path in sorted((ROOT / "booking_sync").rglob("__init__.py")):
        listed = _listed(path)
        if listed:
            there = {each.stem for each in path.parent.iterdir() if _is_part(each)}
            if listed != there:
                wrong[path.parent.name] = sorted(listed ^ there)
    assert wrong == {}


def _listed(path: Path) -> set[str]:
    """The names with which a table's lines begin: before two blanks, or several alone on a line."""
    names: set[str] = set()
    for line in path.read_text(encoding="utf-8").splitlines():
        if found := re.match(r"(?: {4})?([a-z]\w*/?(?:, [a-z]\w*/?)*)(?:  +\S|$)", line):
            names |= {name.rstrip("/") for name in found[1].split(", ")}
    return names


def _is_part(path: Path) -> bool:
    if path.is_dir():
        return path.name not in NOT_OURS
    return path.suffix == ".py" and path.stem != "__init__"


def test_the_index_by_question_answers_each() -> None:
    """Every question has one sentence that leads on, and none is asked twice."""
    rows = re.findall(r"^\| (.+) \| (.+) \|$", _text("docs/questions.md"), re.MULTILINE)
    asked = [(question, answer) for question, answer in rows if question != "question"]
    assert len(asked) >= 20
    assert len(dict(asked)) == len(asked)
    assert [
        question for question, answer in asked if "](" not in answer and not answer.startswith("No")
    ] == []
    assert [question for question, answer in asked if not answer.endswith(".")] == []
