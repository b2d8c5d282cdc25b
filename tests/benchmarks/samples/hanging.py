"""A benchmark that starts another process and never ends, for the runner's tests."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.common.figures import Options, Result


def run(options: Options) -> Result:
    """Start a child that sleeps, print its process id, and sleep too.

    Raises:
        RuntimeError: the sleep ended, which is not meant to happen.
    """
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    print(child.pid, flush=True)  # noqa: T201 - the test reads it
    time.sleep(600)
    raise RuntimeError(f"still alive, {options}")
