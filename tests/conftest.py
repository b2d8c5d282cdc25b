"""What holds for every test, whoever started pytest."""

from __future__ import annotations

import signal

# A shell has its background jobs ignore SIGINT, and whoever ignores a signal hands that to what it starts.
# Tests that press Ctrl-C on what they started would wait for nothing; a handler of our own is not handed on.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
