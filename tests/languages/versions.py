"""Names a Python package as a report names it."""

from __future__ import annotations

from importlib import metadata


def python_package(name: str) -> str:
    """A package with its version."""
    return f"{name} {metadata.version(name)}"
