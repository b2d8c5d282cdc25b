"""What the shell is told when a command ends."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes; docs/cli.md lists them."""

    FINE = 0
    FINDINGS = 1
    """Something is not as it should be, or was refused."""
    USAGE = 2
    """The command line or a setting makes no sense; nothing was done."""
    TRY_LATER = 3
    """A service can't be reached or asks to wait; the same command may do later."""
    BUG = 70
    """A mistake of ours (the `EX_SOFTWARE` of sysexits.h)."""
    INTERRUPTED = 130
    """Ctrl-C."""
