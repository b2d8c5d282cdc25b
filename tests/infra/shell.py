"""Runs a script of the repository with stand-ins for the commands that it calls; they note how."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NOTES = "called"
_HEAD = f"""#!{sys.executable}
import json, os, pathlib, sys
here = pathlib.Path(__file__).parent
arguments = sys.argv[1:]
given = "" if sys.stdin is None or sys.stdin.isatty() else sys.stdin.read()
with (here / "{NOTES}").open("a") as notes:
    notes.write(json.dumps([pathlib.Path(__file__).name, arguments, given]) + "\\n")

def turn(name, answers):
    # The next of the answers; the last one for ever.
    state = here / ("turn-" + name)
    number = int(state.read_text()) if state.exists() else 0
    state.write_text(str(number + 1))
    return answers[min(number, len(answers) - 1)]

"""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a script ended."""

    code: int
    out: str
    err: str


def stand_in(folder: Path, name: str, program: str) -> None:
    """Put a command into a folder: Python that knows `arguments`, `given` (its input) and `turn`."""
    path = folder / name
    path.write_text(_HEAD + program)
    path.chmod(0o755)


def run(script: Path, *arguments: str, commands: Path, environ: Mapping[str, str] | None = None) -> Ran:
    """Run a bash script that finds the stand-ins first; without the settings of a CI around the tests."""
    bash = shutil.which("bash")
    assert bash
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AZURE_", "GITHUB_"))}
    path = f"{commands}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(  # noqa: S603 - a script of this repository
        [bash, str(script), *arguments],
        env=kept | {"PATH": path} | dict(environ or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)
