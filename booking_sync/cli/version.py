"""The program's version: of the installed package, or of the clone that it is run from."""

from __future__ import annotations

import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGE = "booking-sync"
_PROJECT = Path(__file__).parents[2] / "pyproject.toml"


def read_version() -> str:
    """As releases are numbered; a clone's own file comes before whatever else is installed."""
    if _PROJECT.is_file():
        project: dict[str, str] = tomllib.loads(_PROJECT.read_text(encoding="utf-8")).get("project", {})
        return project["version"]
    try:
        return version(_PACKAGE)
    except PackageNotFoundError:
        return "unknown"
