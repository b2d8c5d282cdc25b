"""What an event carries of our last write of its times, so that nobody takes that write for a person's move.

Each write of times writes a stamp in the same request, with a nonce of its own. However late the write is
carried out, the event's times are then those of its stamp, whatever the row says meanwhile.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from booking_sync.domain.return_path.times import Times, format_times, read_times

NONCE_BITS: Final = 64
_NONCE: Final = re.compile(r"[0-9a-f-]{1,36}")


@dataclass(frozen=True, slots=True)
class Stamp:
    """The times as they were last written, and the write's nonce."""

    times: Times
    nonce: str
    """Random for each update, the transactionId of a creation: then every try of it writes the same one."""


def format_stamp(stamp: Stamp) -> str:
    """As the event's extended property holds it."""
    return f"{format_times(stamp.times)}/{stamp.nonce}"


def read_stamp(text: str) -> Stamp | None:
    """What an event's property says; None when it says nothing that can be a stamp.

    It carries no seal: whoever may write there may move the event as well.
    """
    times_text, _, nonce = text.rpartition("/")
    times = read_times(times_text)
    return Stamp(times, nonce) if times and _NONCE.fullmatch(nonce) else None
