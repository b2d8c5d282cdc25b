"""What a change and an audit take, as the benchmarks' stored results say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.runner.store import RESULTS, load

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.common.figures import Cell
    from benchmarks.runner.store import Measurement


@dataclass(frozen=True, slots=True)
class PerChange:
    """Of a change that nobody shares requests with, which is the dearest."""

    graph: float
    dataverse: float
    span_bytes: float
    log_bytes: float
    spans: float


@dataclass(frozen=True, slots=True)
class Audit:
    """An audit in which everything is in step."""

    technicians: int
    dataverse: int
    graph: int
    cpu_seconds: float

    def of(self, technicians: int) -> Audit:
        """The same of so many technicians, in proportion: each takes the same, as the benchmark shows."""
        share = technicians / self.technicians
        return Audit(
            technicians,
            max(round(self.dataverse * share), 1),
            max(round(self.graph * share), 1),
            self.cpu_seconds * share,
        )


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything that the computation takes from measurements."""

    change: PerChange
    shared: PerChange
    """Of new bookings that come all at once."""
    near_audit: Audit
    audit: Audit
    dates: Sequence[str]
    """When it was measured."""


def load_measured(results: Mapping[str, Measurement] | None = None) -> Measured:
    """From the stored results.

    Raises:
        KeyError: a benchmark was not run yet.
    """
    found = results if results is not None else load(RESULTS)
    volume, near, audit = (found[name] for name in ("volume", "near_audit", "audit_at_scale"))
    alone, burst = volume.result.tables[0].rows
    return Measured(
        _per_change(alone),
        _per_change(burst),
        _audit(near.result.tables[0].rows[-1]),
        _audit(audit.result.tables[0].rows[-1]),
        sorted({each.provenance.date for each in (volume, near, audit)}),
    )


def _per_change(row: Sequence[Cell]) -> PerChange:
    graph, dataverse, spans, span_bytes, _lines, log_bytes = (float(cell) for cell in row[1:])
    return PerChange(graph, dataverse, span_bytes, log_bytes, spans)


def _audit(row: Sequence[Cell]) -> Audit:
    technicians, _bookings, dataverse, graph, cpu = (float(cell) for cell in row[:5])
    return Audit(int(technicians), int(dataverse), int(graph), cpu)
