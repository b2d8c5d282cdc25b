"""What the spans of one booking say: where its time went, from its message to the record on its row.

Pure. Spans are `[name, start, end]` in milliseconds from the moment when the worker had the message, as
`benchmarks.probes.bookings` prints them, in the order in which they began.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    SpanRow = Sequence[str | float]


@dataclass(frozen=True, slots=True)
class Timeline:
    """One new booking's way; milliseconds."""

    linger: float
    """Waiting for company, in `PerBookingRunner`."""
    read_window: float
    """From asking for the row to the request: the window in which others may join, and the token."""
    read: float
    plan: float
    """Handing over the row, deciding, rendering."""
    create_window: float
    """From asking for the event to the batch: building the request, and the window."""
    create: float
    graph_token: float
    """Of `create`: getting a token."""
    record_window: float
    record: float
    in_outlook: float
    """When Graph had answered that the event is there."""
    on_row: float
    """When the record was written."""
    whole: float
    """When the message could be acknowledged."""

    @property
    def batching(self) -> float:
        """What the booking waited so that others could join: linger and windows, with the work in them."""
        return self.linger + self.read_window + self.create_window + self.record_window


def timeline(spans: Sequence[SpanRow]) -> Timeline:
    """Of a booking that was created.

    Raises:
        ValueError: a part is missing.
    """
    found = [(str(name), float(start), float(end)) for name, start, end in spans]

    def within(name: str, outer: str) -> tuple[float, float]:
        """The first span of that name that began in the first one of the other."""
        for _, first, last in (span for span in found if span[0] == outer):
            for each, start, end in found:
                if each == name and first <= start <= last:
                    return start, end
        raise ValueError(f"the spans lack a part, {name} in {outer}: {[span[0] for span in found]}")

    booking, read = within("booking", "booking"), within("read", "booking")
    create, record = within("create", "booking"), within("record", "booking")
    reading, creating = within("dataverse request", "read"), within("graph request", "create")
    recording, token = within("dataverse request", "record"), within("token", "graph request")
    return Timeline(
        linger=read[0] - booking[0],
        read_window=reading[0] - read[0],
        read=reading[1] - reading[0],
        plan=create[0] - reading[1],
        create_window=creating[0] - create[0],
        create=creating[1] - creating[0],
        graph_token=token[1] - token[0],
        record_window=recording[0] - record[0],
        record=recording[1] - recording[0],
        in_outlook=creating[1],
        on_row=recording[1],
        whole=booking[1],
    )


LABELS = {
    "linger": "linger for company",
    "read_window": "window before the read",
    "read": "read request",
    "plan": "planning and rendering",
    "create_window": "building the event's request, window before the batch",
    "create": "event request",
    "graph_token": "... of it the token for Graph",
    "record_window": "window before the record",
    "record": "record request",
    "in_outlook": "until the event is in Outlook",
    "on_row": "until the record is on the row",
    "whole": "until the message is acknowledged",
    "batching": "batching in all (linger and windows)",
}


def part(timelines: Sequence[Timeline], name: str) -> list[float]:
    """One part of each."""
    return [float(getattr(each, name)) for each in timelines]
