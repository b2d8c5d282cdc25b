"""From technicians to meters to dollars a month. Pure.

Where nothing was measured an assumption stands in `Assumed`, with its reason; each is on the dear side.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tools.costs.measured import Audit, Measured
    from tools.costs.prices import Prices

DAYS = 30
GIGABYTE = 1e9
NEAR_AUDITS, CATCH_UPS = 48, 288
"""A day, by the schedules' defaults."""
WATCHES, SWEEP_ROUNDS = 24, 48
"""The same, where `RETURN_PATH` is on."""
ASKED_OF_AN_ECHO = 2
"""Requests to Dataverse: which row names the event, and the row (`return_path`)."""
SWEEPS = 4
"""Of a mailbox, a day, where Graph notifies; each is a message, and a request to either side."""
SECOND = 1.0
"""The least that Flex Consumption bills when something runs."""


@dataclass(frozen=True, slots=True)
class Assumed:
    """What nobody measured; change it on the command line."""

    bookings_per_day: float = 5
    """Of a technician, on a working day."""
    changes_per_booking: float = 5
    """Made, moved once, traveling, in progress, completed."""
    working_days: float = 22
    hours: float = 10
    """In which changes come, each working day: so long an instance looks at the queue once a second."""
    request_seconds: float = 0.3
    """Of a request of an audit; they are taken one after the other, though the app has several at once."""
    host_lines: float = 8
    """Of the host for a change: two executions, each a request and three lines."""
    host_line_bytes: float = 900
    queue_line_bytes: float = 1000
    """`StorageQueueLogs` has a line for each operation on a queue."""
    memory_gb: float = 2
    """Of an instance: `instanceMemoryMB`."""
    journal_seconds: float = 5
    """While changes come, the app writes its journal, for the operator's page, at most so often."""
    writes_per_timer_run: float = 6
    """Blobs that the app and the host write for a run of a timer: its result, and locks."""
    alert_rules: float = 8
    """Of the template, every 5 minutes."""
    slow_alert_rules: float = 2
    """Of the template, every 15 minutes or less often."""
    queue_logs: float = 1
    """1: reads, writes and deletions of queues are logged (`queueLogs`); 0: none is."""
    notifications: float = 0
    """Of Graph's for a change, where `RETURN_PATH` is on: each is a call of the app and a message."""
    traces: float = 1
    """The share of changes that is traced (`traceSampler`)."""

    def with_values(self, values: Mapping[str, float]) -> Assumed:
        """The same, with these otherwise."""
        return Assumed(
            **{each.name: values.get(each.name, getattr(self, each.name)) for each in fields(self)}
        )


@dataclass(frozen=True, slots=True)
class Month:
    """What is used in a month."""

    technicians: int
    changes: float
    graph: float
    """Requests, batches counted as one."""
    dataverse: float
    executions: float
    gb_seconds: float
    queue_operations: float
    blob_operations: float
    log_gigabytes: float
    alert_rules: float
    slow_alert_rules: float

    def dollars(self, prices: Prices) -> dict[str, float]:
        """By meter, in the order of the prices."""
        used = {
            "gb_second": self.gb_seconds,
            "execution": self.executions,
            "log_gigabyte": self.log_gigabytes,
            "queue_operation": self.queue_operations,
            "blob_operation": self.blob_operations,
            "alert_rule": self.alert_rules,
            "slow_alert_rule": self.slow_alert_rules,
        }
        return {name: price.of(used[name]) for name, price in prices.by_name.items()}


def month(technicians: int, measured: Measured, assumed: Assumed) -> Month:
    """A month of so many technicians, every change alone, so that nothing is shared."""
    changes = technicians * assumed.bookings_per_day * assumed.changes_per_booking * assumed.working_days
    near, whole = measured.near_audit.of(technicians), measured.audit.of(technicians)
    audits = NEAR_AUDITS * DAYS, DAYS
    told = changes * assumed.notifications
    swept = DAYS * SWEEPS * technicians if told else 0
    timers = DAYS * (CATCH_UPS + NEAR_AUDITS + 1 + (WATCHES + SWEEP_ROUNDS if told else 0))
    up = assumed.hours * 3600 * assumed.working_days
    working = min((changes + told + swept) * SECOND, up)
    auditing = sum(count * _seconds(each, assumed) for count, each in zip(audits, (near, whole), strict=True))
    looks = up + timers
    # One message each, put and deleted; what a look brings costs no other one.
    operations = looks + 2 * (changes + told + swept)
    return Month(
        technicians=technicians,
        changes=changes,
        graph=changes * measured.change.graph + audits[0] * near.graph + audits[1] * whole.graph + swept,
        dataverse=changes * measured.change.dataverse
        + audits[0] * near.dataverse
        + audits[1] * whole.dataverse
        + DAYS * CATCH_UPS
        + told * ASKED_OF_AN_ECHO
        + swept,
        executions=2 * (changes + told) + swept + timers,
        gb_seconds=assumed.memory_gb * (2 * working + DAYS * CATCH_UPS * SECOND + auditing),
        queue_operations=operations,
        blob_operations=min(changes, up / assumed.journal_seconds) + timers * assumed.writes_per_timer_run,
        log_gigabytes=_log_bytes(changes + told, operations, measured, assumed) / GIGABYTE,
        alert_rules=assumed.alert_rules,
        slow_alert_rules=assumed.slow_alert_rules,
    )


def _seconds(audit: Audit, assumed: Assumed) -> float:
    return max(audit.cpu_seconds + (audit.graph + audit.dataverse) * assumed.request_seconds, SECOND)


def _log_bytes(changes: float, operations: float, measured: Measured, assumed: Assumed) -> float:
    """The webhook's own span and line are as large as one of the worker's."""
    change = measured.change
    spans = change.span_bytes * (1 + 1 / change.spans) * assumed.traces
    lines = 2 * change.log_bytes + assumed.host_lines * assumed.host_line_bytes
    return changes * (spans + lines) + operations * assumed.queue_line_bytes * assumed.queue_logs
