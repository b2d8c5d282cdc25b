"""Starts a command that can't outlive the process that wanted it; a script that `local.processes` runs.

On Linux it asks the kernel to kill it with its parent (prctl, PR_SET_PDEATHSIG, which survives exec) and then
becomes the command. Elsewhere it stays, holds a pipe whose other end only the parent has, and kills its
process group when that pipe closes.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

PR_SET_PDEATHSIG = 1


def become(command: Sequence[str], parent: int) -> None:
    """Turn into `command`, to be killed by the kernel when `parent` ends. Doesn't return.

    Raises:
        OSError: the kernel refused, or the command can't be run.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:  # it ended before we asked
        sys.exit(1)
    os.execvp(command[0], list(command))  # noqa: S606 - running the given command without a shell is this script's job


def watch(command: Sequence[str]) -> int:
    """Run `command` and return its exit code; kill the whole process group when stdin closes meanwhile."""
    # A handler that does nothing, since an ignored signal would stay ignored in the command.
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: None)
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603 - as above
    threading.Thread(target=_kill_group_at_end_of_input, daemon=True).start()
    return child.wait()


def _kill_group_at_end_of_input() -> None:
    while os.read(0, 1024):
        pass
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    """`child_launcher.py signal|watch PARENT_PID COMMAND…`."""
    how, parent, *command = sys.argv[1:]
    if how == "signal":
        become(command, int(parent))
    sys.exit(watch(command))


if __name__ == "__main__":
    main()
