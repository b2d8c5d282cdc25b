"""Runs the vendors' parsers that come as npm packages."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PACKAGES = ROOT / "local" / "node_modules"
_PROGRAMS = Path(__file__).with_name("programs")


def run(program: str, *names: str, given: object) -> Any:
    """What a program of `programs/` answers; it gets the packages' folder as argument and JSON on its input.

    Args:
        program: its file name.
        names: the packages that it needs.
        given: what it gets.
    """
    node = shutil.which("node")
    assert node, "Node.js is needed: see the README"
    for name in names:
        version(name)
    done = subprocess.run(  # noqa: S603 - our own program
        [node, str(_PROGRAMS / program), str(PACKAGES)],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def version(name: str) -> str:
    """A package with its version, as a report names it."""
    path = PACKAGES / name / "package.json"
    assert path.is_file(), f"{name} is not installed: run `npm ci --prefix local`"
    return f"{name} {json.loads(path.read_text(encoding='utf-8'))['version']}"
