"""What is published: the app and nothing else, and enough of it, from whatever folder it is published."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tools import package

ROOT = Path(__file__).parents[2]
LITTER = [
    ".azure/production/.env",
    ".env",
    ".env.production",
    ".git-credentials",
    ".hypothesis/x",
    ".idea/workspace.xml",
    ".import_linter_cache/x",
    ".local-stack/ca.pem",
    ".mypy_cache/3.11/cache.db",
    ".venv-3.11/bin/python",
    ".vscode/settings.json",
    "adopt.json",
    "booking-sync-backfill.json",
    "booking-sync-event.json",
    "booking-sync-resync.json",
    "booking_sync.egg-info/PKG-INFO",
    "booking_sync/.env",
    "booking_sync/__pycache__/errors.cpython-313.pyc",
    "booking_sync/domain/.env",
    "booking_sync/domain/__pycache__/text.cpython-313.pyc",
    "booking_sync/domain/key.pem",
    "booking_sync/operations/static/key.pem",
    "booking_sync/settings.production.json",
    "build/lib/booking_sync/errors.py",
    "certificate.pfx",
    "core.1234",
    "dist/booking-sync.zip",
    "local.settings.json",
    "local.settings.production.json",
    "local/node_modules/azurite/package.json",
    "my-host.json",
    "private.pem",
    "sécrets.txt",
    "__pycache__/function_app.cpython-313.pyc",
]
"""What lies about on developers' machines: secrets, caches, answers of the command line."""


def _git(*arguments: str, folder: Path, stdin: str | None = None) -> list[str]:
    git = shutil.which("git")
    assert git
    result = subprocess.run(  # noqa: S603 - git, with arguments of this file
        [git, *arguments], cwd=folder, input=stdin, capture_output=True, text=True, check=False
    )
    assert result.returncode in (0, 1), result.stderr  # 1: check-ignore found nothing
    return [path for path in result.stdout.split("\0") if path]


@pytest.fixture(scope="module")
def tracked() -> list[str]:
    """Every file of the repository that is there: not one that somebody has just removed."""
    return [path for path in _git("ls-files", "-z", folder=ROOT) if (ROOT / path).exists()]


@pytest.fixture(scope="module")
def littered(tracked: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout in which somebody has worked."""
    folder = tmp_path_factory.mktemp("littered")
    for path in [*tracked, *LITTER]:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        if path in LITTER:
            (folder / path).write_text("a secret")
        else:
            shutil.copy(ROOT / path, folder / path)
    _git("init", "--quiet", folder=folder)
    _git("add", "--force", "--", *tracked, folder=folder)
    return folder


def _files(folder: Path) -> list[str]:
    paths = (file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())
    return sorted(path for path in paths if not path.startswith(".git/"))


def _left_by_git_s_rules(paths: list[str], folder: Path) -> list[str]:
    """What azd and GitHub's action publish: they read .funcignore in git's way."""
    rules = folder / "rules"
    rules.mkdir()
    _git("init", "--quiet", folder=rules)
    shutil.copy(ROOT / ".funcignore", rules / ".gitignore")
    left_out = _git("check-ignore", "--no-index", "--stdin", "-z", folder=rules, stdin="\0".join(paths))
    return sorted(set(paths) - set(left_out))


def _left_by_core_tools(paths: list[str]) -> list[str]:
    """What `func` publishes: a line means each path that begins with it, up to a word's end, and `!` wins.

    `*` is one character or more of one name, `**` one or more of anything, brackets mean themselves. Words
    are of ASCII letters, digits and `_`: a path without any of these is never left out.
    """
    lines = [line.strip() for line in (ROOT / ".funcignore").read_text().splitlines()]
    rules = [line for line in lines if line and not line.startswith("#")]

    def matches(path: str, patterns: list[str]) -> bool:
        stars = {"*": "[^/]+", "**": ".+"}
        for pattern in patterns:
            parts = re.split(r"(\*\*?)", pattern.removeprefix("/"))
            text = "".join(stars.get(each, re.escape(each)) for each in parts)
            if re.match(rf"{text}\b", path, re.ASCII):
                return True
        return False

    denied = [rule for rule in rules if not rule.startswith("!")]
    allowed = [rule.removeprefix("!") for rule in rules if rule.startswith("!")]
    return sorted(path for path in paths if matches(path, allowed) or not matches(path, denied))


def test_nothing_but_what_runs_is_published(tracked: list[str]) -> None:
    """Three files and the package; neither the command line nor a document."""
    published = package.published(tracked)
    ours = {path for path in tracked if path.startswith("booking_sync/") and path.endswith(".py")}
    command_line = {path for path in ours if path.startswith(("booking_sync/cli/", "booking_sync/__main__"))}
    around = {path for path in published if not path.startswith("booking_sync/")}
    assert around == {"function_app.py", "host.json", "requirements.txt"}
    assert command_line
    assert {path for path in published if path.endswith(".py")} - {"function_app.py"} == ours - command_line
    others = {Path(path).parent.name for path in set(published) - around - ours}
    assert others == {"static", "scripts", "tools", "overview", "lookup", "styles", "languages"}


@pytest.mark.parametrize("reader", ["git's rules", "Core Tools"])
def test_a_deployment_s_event_file_is_published(reader: str, tmp_path: Path) -> None:
    """With the bodies that it names, and with nothing else that lies beside them."""
    own = ["event.toml", "event/body.html", "event/de.po"]
    beside = [
        "docs/event.md",
        "event/body.txt",
        "event/events.pot",
        "event/notes/body.html",
        "event/.env",
        "other.toml",
    ]
    paths = [*own, *beside]
    assert package.published(paths) == own
    left = _left_by_git_s_rules(paths, tmp_path) if reader == "git's rules" else _left_by_core_tools(paths)
    assert sorted(left) == own


@pytest.mark.parametrize("reader", ["git's rules", "Core Tools"])
def test_a_littered_checkout_publishes_the_same(
    reader: str, littered: Path, tracked: list[str], tmp_path: Path
) -> None:
    """.funcignore names what is published: whatever else lies in the folder stays there."""
    paths = _files(littered)
    assert set(LITTER) < set(paths)
    left = _left_by_git_s_rules(paths, tmp_path) if reader == "git's rules" else _left_by_core_tools(paths)
    assert left == package.published(tracked), "has .funcignore two lines for each folder of booking_sync?"


def test_what_the_core_tools_can_t_tell_apart(tmp_path: Path) -> None:
    """The known rest: `func` takes copies of published files along that have longer names."""
    copies = ["booking_sync/domain/text.py.bak", "function_app.py~", "host.json.orig"]
    assert _left_by_core_tools(copies) == copies
    assert _left_by_git_s_rules(copies, tmp_path) == []


def test_the_package_of_a_littered_checkout_holds_the_app_alone(
    littered: Path, tracked: list[str], tmp_path: Path
) -> None:
    """What the workflow publishes is taken from git's list, not from the folder."""
    (littered / "booking_sync" / "domain" / "scratch.py").write_text("a secret")
    package.stage(littered, tmp_path)
    assert _files(tmp_path) == package.published(tracked)
    for path in package.published(tracked):
        assert (tmp_path / path).read_bytes() == (ROOT / path).read_bytes()


def test_a_file_that_git_knows_and_nobody_has_stops_the_build(littered: Path, tmp_path: Path) -> None:
    """A half package is worse than none."""
    checkout = tmp_path / "checkout"
    shutil.copytree(littered, checkout)
    (checkout / "host.json").unlink()
    with pytest.raises(package.PackagingError, match=r"git knows host\.json, and the folder has none"):
        package.stage(checkout, tmp_path / "package")


def test_the_app_imports_with_nothing_else(littered: Path, tmp_path: Path) -> None:
    """Alone in a folder, with the packages of its requirements, every module can be imported."""
    package.stage(littered, tmp_path)
    packages = tmp_path / package.PACKAGES_FOLDER
    packages.parent.mkdir(parents=True)
    packages.symlink_to(next(Path(path) for path in sys.path if path.endswith("site-packages")))
    assert "receive_booking_change" in package.try_out(tmp_path)
    (tmp_path / "booking_sync" / "errors.py").unlink()
    with pytest.raises(package.PackagingError, match=r"No module named 'booking_sync\.errors'"):
        package.try_out(tmp_path)


def _wheel(folder: Path, name: str = "sample", tag: str = "py3-none-any", code: str = "A = 1\n") -> str:
    """A wheel with one module and one program; returns the requirement with its hash."""
    file = folder / f"{name}-1.0-{tag}.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(f"{name}.py", code)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n")
        archive.writestr(f"{info}/entry_points.txt", f"[console_scripts]\n{name} = {name}:A\n")
        archive.writestr(f"{info}/RECORD", "")
    return f"{name}==1.0 --hash=sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}\n"


def _install(folder: Path, requirements: str, wheels: Path) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "requirements.txt").write_text(requirements)
    package.install(folder, ["--no-index", "--find-links", str(wheels)])


def test_packages_are_installed_where_the_worker_looks(tmp_path: Path) -> None:
    """Modules and their metadata, and no program: it would name the Python of the machine that built it."""
    _install(tmp_path / "app", _wheel(tmp_path), tmp_path)
    assert {path for path in _files(tmp_path / "app") if not path.endswith("/INSTALLER")} == {
        "requirements.txt",
        *(f".python_packages/lib/site-packages/{path}" for path in ("sample.py",)),
        *(
            f".python_packages/lib/site-packages/sample-1.0.dist-info/{name}"
            for name in ("METADATA", "WHEEL", "RECORD", "REQUESTED", "entry_points.txt")
        ),
    }


@pytest.mark.parametrize(
    ("requirements", "words"),
    [
        ("sample==1.0 --hash=sha256:" + "0" * 64, "DO NOT MATCH THE HASHES"),
        ("sample==1.0", "require their versions to be pinned|must have a hash|Hashes are required"),
        ("elsewhere==1.0 --hash=sha256:" + "0" * 64, "No matching distribution"),
    ],
)
def test_a_package_that_is_not_the_locked_one_stops_the_build(
    requirements: str, words: str, tmp_path: Path
) -> None:
    """Another file, no hash, or nothing that Azure could load."""
    _wheel(tmp_path)
    _wheel(tmp_path, "elsewhere", "cp313-cp313-win_amd64")
    with pytest.raises(package.PackagingError, match=words):
        _install(tmp_path / "app", requirements, tmp_path)


def test_equal_files_give_equal_bytes(tmp_path: Path) -> None:
    """When and where it was built, and by whom, is not in the zip; one changed byte is."""
    digests = []
    for place, code in (("here", "A = 1\n"), ("there", "A = 1\n"), ("there", "A = 2\n")):
        folder = tmp_path / place
        (folder / "booking_sync").mkdir(parents=True, exist_ok=True)
        (folder / "booking_sync" / "text.py").write_text(code)
        (folder / "host.json").write_text("{}")
        (folder / package.PACKAGES_FOLDER).mkdir(parents=True, exist_ok=True)
        package.compile_bytecode(folder)
        digests.append(package.write_zip(folder, tmp_path / "a.zip"))
    assert digests[0] == digests[1]
    assert digests[1] != digests[2]
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        names = [name for name in archive.namelist() if name.endswith(".pyc")]
        assert [name.rpartition("/")[0] for name in names] == ["booking_sync/__pycache__"]
        assert b"/home/site/wwwroot/booking_sync/text.py" in archive.read(names[0])
        assert str(tmp_path).encode() not in archive.read(names[0])


def test_what_is_no_python_stops_the_build(tmp_path: Path) -> None:
    """Ours has to compile; a template inside of somebody's package need not."""
    packages = tmp_path / package.PACKAGES_FOLDER
    packages.mkdir(parents=True)
    (tmp_path / "booking_sync").mkdir()
    (packages / "template.py").write_text("{{ name }} = 1 +\n")
    package.compile_bytecode(tmp_path)
    for name in ("function_app.py", "booking_sync/text.py"):
        (tmp_path / name).write_text("app =\n")
        with pytest.raises(package.PackagingError, match="no Python"):
            package.compile_bytecode(tmp_path)
        (tmp_path / name).unlink()


def test_the_bill_of_materials_names_what_is_in_the_folder(tmp_path: Path) -> None:
    """The package and the app, not what happens to be on this machine."""
    _install(tmp_path / "app", _wheel(tmp_path), tmp_path)
    package.write_bill_of_materials(ROOT, tmp_path / "app", tmp_path / "bom.json")
    text = (tmp_path / "bom.json").read_text()
    assert re.findall(r'"purl": "([^"]*)"', text) == ["pkg:pypi/sample@1.0"]
    assert '"name": "booking-sync"' in text


def test_it_is_built_for_the_python_that_azure_runs() -> None:
    """Bytecode and wheels are of one version: the template's."""
    bicep = (ROOT / "infra/modules/function-app.bicep").read_text()
    version = re.search(r"version: '([\d.]+)'", bicep)
    assert version
    assert version[1] == ".".join(map(str, package.AZURE_PYTHON))
