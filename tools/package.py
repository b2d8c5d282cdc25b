"""Builds what is deployed: `python -m tools.package` makes dist/booking-sync.zip, with all packages it needs.

The zip is published as it was tested: Azure resolves and builds nothing.
It holds files that are named here and that git knows, so nothing that merely lies about; packages whose
hashes requirements.txt names; and bytecode, which a read-only deployment can't store for its next cold start.
The same commit gives the same bytes, on a machine with no package installed as well (--zip-only). Beside the
zip: its bill of materials (CycloneDX), for which that tool is needed, and the zipped folder.
"""

from __future__ import annotations

import argparse
import compileall
import hashlib
import os
import py_compile
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ROOT = Path(__file__).parents[1]
AZURE_PYTHON = (3, 13)
"""What infra/modules/function-app.bicep has Azure run: bytecode and wheels are for this version alone."""
SINGLE_FILES = frozenset(["function_app.py", "host.json", "requirements.txt", "event.toml"])
"""What is deployed of the repository's root; the last one is the deployment's own, and may be missing."""
BESIDE_EVENT_FILE = PurePosixPath("event")
"""The folder of the bodies that the event file names, and of a deployment's own translations."""
PACKAGE = "booking_sync/"
SUFFIXES = frozenset([".py", ".html", ".css", ".js", ".po"])
NOT_IN_AZURE = ("booking_sync/__main__.py", "booking_sync/cli/")
"""The command line, which needs packages that the app goes without."""

PACKAGES_FOLDER = ".python_packages/lib/site-packages"
"""Where the Functions worker looks for an app's packages."""
DEPLOYED_TO = "/home/site/wwwroot"
"""The app's folder in Azure, for the file names in tracebacks."""
OLDEST_GLIBC, NEWEST_GLIBC = 17, 28
"""Wheels for glibc 2.17 to 2.28 run on every image that Functions has Python 3.13 on; the machine that builds
may have a newer one, and would take wheels that Azure can't load."""
TRY_OUT = """
import importlib, pkgutil, sys
sys.path[:0] = sys.argv[1:]
import function_app, booking_sync
for found in pkgutil.walk_packages(booking_sync.__path__, "booking_sync."):
    importlib.import_module(found.name)
print(*sorted(each.get_function_name() for each in function_app.app.get_functions()))
"""
LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The time of every file in the zip: the earliest that the format knows."""


class PackagingError(Exception):
    """The package can't be built; the text says why."""


def published(tracked: Iterable[str]) -> list[str]:
    """The files that are deployed, of all that git knows; paths with `/`, in order."""
    return sorted(
        path for path in tracked if path in SINGLE_FILES or _is_of_the_app(path) or _is_of_events(path)
    )


def _is_of_events(path: str) -> bool:
    file = PurePosixPath(path)
    return file.parent == BESIDE_EVENT_FILE and file.suffix in (".html", ".po")


def _is_of_the_app(path: str) -> bool:
    if not path.startswith(PACKAGE) or path.startswith(NOT_IN_AZURE):
        return False
    return PurePosixPath(path).suffix in SUFFIXES


def tracked_files(checkout: Path) -> list[str]:
    """Every file that git knows in this checkout.

    Raises:
        PackagingError: it is no checkout, or one of the files is gone from the folder.
    """
    paths = _run(["git", "ls-files", "-z"], checkout).split("\0")[:-1]
    missing = [path for path in published(paths) if not (checkout / path).is_file()]
    if missing:
        raise PackagingError(f"git knows {', '.join(missing)}, and the folder has none: restore or remove it")
    return paths


def stage(checkout: Path, folder: Path) -> None:
    """Copy what is deployed into an empty folder."""
    for path in published(tracked_files(checkout)):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(checkout / path, target)


def install(folder: Path, pip_options: Sequence[str] = ()) -> None:
    """Install what the folder's requirements.txt names, each file checked against its hash.

    Raises:
        PackagingError: pip refused something: a hash differs, a pin is missing, there is no wheel for Azure.
    """
    into = folder / PACKAGES_FOLDER
    platforms = [f"manylinux_2_{minor}_x86_64" for minor in range(NEWEST_GLIBC, OLDEST_GLIBC - 1, -1)]
    version = ".".join(map(str, AZURE_PYTHON))
    _run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--require-hashes", "--only-binary", ":all:", "--no-compile", "--target", str(into)),
            *("--implementation", "cp", "--python-version", version),
            *(word for platform in [*platforms, "manylinux2014_x86_64"] for word in ("--platform", platform)),
            *("--requirement", str(folder / "requirements.txt"), *pip_options),
        ],
        folder,
    )
    # Programs of packages name the Python that built them, and the app calls none.
    shutil.rmtree(into / "bin", ignore_errors=True)
    for record in into.glob("*.dist-info/RECORD"):
        lines = record.read_text(encoding="utf-8").splitlines(keepends=True)
        record.write_text(
            "".join(line for line in lines if not line.startswith("../../bin/")), encoding="utf-8"
        )


def compile_bytecode(folder: Path) -> None:
    """Write bytecode that Python takes without looking at a file's time, which a zip keeps badly.

    Raises:
        PackagingError: one of our own files is no Python.
    """
    if not (_compile(folder, folder, levels=0) and _compile(folder / PACKAGE, folder)):
        raise PackagingError("a file of the app is no Python")
    # Here not: packages bring templates and samples that need not be Python.
    _compile(folder / PACKAGES_FOLDER, folder)


def _compile(path: Path, folder: Path, levels: int | None = None) -> bool:
    """Whether all files were compiled, down to so many levels of folders."""
    return bool(
        compileall.compile_dir(
            path,
            maxlevels=levels,
            quiet=2,
            force=True,
            workers=0,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
            stripdir=folder,
            prependdir=DEPLOYED_TO,
        )
    )


def try_out(folder: Path) -> list[str]:
    """Import the app and each of its modules with nothing but the folder; returns its functions' names.

    Raises:
        PackagingError: something is missing.
    """
    # -I -S: without this machine's packages, or they would stand in for what is missing.
    paths = [str(folder), str(folder / PACKAGES_FOLDER)]
    return _run([sys.executable, "-I", "-S", "-B", "-c", TRY_OUT, *paths], folder).split()


def write_zip(folder: Path, target: Path) -> str:
    """Zip a folder so that equal files give equal bytes; returns the zip's SHA-256."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*"), key=lambda file: file.relative_to(folder).as_posix()):
            if file.is_file():
                entry = zipfile.ZipInfo(file.relative_to(folder).as_posix(), LONG_AGO)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.create_system = 3  # Unix, so that the mode counts, wherever this runs
                entry.external_attr = 0o100644 << 16
                archive.writestr(entry, file.read_bytes())
    return hashlib.sha256(target.read_bytes()).hexdigest()


def write_bill_of_materials(checkout: Path, folder: Path, target: Path) -> None:
    """List every package of the folder, with its licence, in CycloneDX's JSON."""
    with tempfile.TemporaryDirectory() as name:
        environment = Path(name)
        _run([sys.executable, "-m", "venv", "--without-pip", str(environment)], checkout)
        version = ".".join(map(str, sys.version_info[:2]))
        site_packages = environment / "lib" / f"python{version}" / "site-packages"
        (site_packages / "app.pth").write_text(f"{folder / PACKAGES_FOLDER}\n", encoding="utf-8")
        _run(
            [
                *(sys.executable, "-m", "cyclonedx_py", "environment", "--output-reproducible"),
                *("--pyproject", str(checkout / "pyproject.toml"), "--mc-type", "application"),
                *("--output-format", "JSON", "--output-file", str(target)),
                str(environment / "bin" / "python"),
            ],
            checkout,
        )


def build(checkout: Path, output: Path, *, bill: bool = True) -> str:
    """Build folder, zip and bill of materials; returns the zip's SHA-256.

    Args:
        checkout: of the repository.
        output: the folder to make anew.
        bill: without it nothing but Python and pip is needed.

    Raises:
        PackagingError: nothing usable was built.
    """
    if sys.version_info[:2] != AZURE_PYTHON:
        raise PackagingError(
            f"Azure runs Python {'.'.join(map(str, AZURE_PYTHON))} and this is {sys.version.split()[0]}: "
            "run `make clean`, install that version, and `make` finds it"
        )
    folder = output / "package"
    shutil.rmtree(output, ignore_errors=True)
    folder.mkdir(parents=True)
    stage(checkout, folder)
    install(folder)
    try_out(folder)
    if bill:
        write_bill_of_materials(checkout, folder, output / "booking-sync.cdx.json")
    compile_bytecode(folder)
    return write_zip(folder, output / "booking-sync.zip")


def _run(command: Sequence[str], folder: Path) -> str:
    # Neither a developer's PYTHONPATH nor the warnings that tests raise belong into a build.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    try:
        result = subprocess.run(  # noqa: S603 - programs and arguments of this file
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
    except FileNotFoundError as error:
        raise PackagingError(f"there is no program {command[0]}") from error
    if result.returncode != 0:
        raise PackagingError(f"{' '.join(command[:4])} failed:\n{result.stderr.strip()}")
    return result.stdout


def main() -> None:
    """Build, and say what came out."""
    parser = argparse.ArgumentParser(prog="python -m tools.package", description=__doc__)
    parser.add_argument(
        "--output", type=Path, default=ROOT / "dist", help="folder to make anew; default dist"
    )
    parser.add_argument("--zip-only", action="store_true", help="no bill of materials")
    arguments = parser.parse_args()
    output: Path = arguments.output.resolve()
    try:
        digest = build(ROOT, output, bill=not arguments.zip_only)
    except PackagingError as error:
        sys.exit(f"error: {error}")
    size = (output / "booking-sync.zip").stat().st_size / 1e6
    sys.stdout.write(f"{output / 'booking-sync.zip'}: {size:.1f} MB, sha256 {digest}\n")


if __name__ == "__main__":
    main()
