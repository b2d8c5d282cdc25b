"""What a process with the listening app has told, read from its files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class HeardSpan:
    """One span that has ended."""

    name: str
    trace: str
    span: str
    parent: str | None
    attributes: dict[str, Any]
    links: tuple[str, ...]
    """The linked spans' ids."""
    events: tuple[dict[str, Any], ...]
    failed: bool
    kind: str

    def __getitem__(self, attribute: str) -> Any:
        return self.attributes.get(attribute)


@dataclass(frozen=True)
class Telemetry:
    """Everything heard so far."""

    spans: tuple[HeardSpan, ...]
    text: str
    """All of it as it was written, for those who look for a word."""
    metrics: dict[str, list[dict[str, Any]]]
    """The data points by metric, with `attributes` and `value` or `sum` and `count`."""

    def named(self, name: str) -> list[HeardSpan]:
        """The spans of this name."""
        return [span for span in self.spans if span.name == name]

    def total(self, metric: str, **attributes: str) -> float:
        """The sum of a counter's points with these attributes, their prefix left out."""
        wanted = {f"booking_sync.{key}": value for key, value in attributes.items()}
        return sum(
            float(point.get("value", point.get("sum", 0)))
            for point in self.metrics.get(metric, [])
            if wanted.items() <= point["attributes"].items()
        )


def read_telemetry(folder: Path) -> Telemetry:
    """Read what was written so far; a line that is being written is left out."""
    text = (folder / "spans.jsonl").read_text()
    spans = tuple(_span(json.loads(line)) for line in text.splitlines(keepends=True) if line.endswith("\n"))
    points = (folder / "metrics.jsonl").read_text()
    newest: dict[str, list[dict[str, Any]]] = {}
    for line in points.splitlines(keepends=True):
        if line.endswith("\n"):
            newest |= dict(_metrics(json.loads(line)))  # counters are cumulative: the last line tells all
    return Telemetry(spans, text + points, newest)


def _metrics(export: dict[str, Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for resource in export["resource_metrics"]:
        for scope in resource["scope_metrics"]:
            for metric in scope["metrics"]:
                yield metric["name"], metric["data"]["data_points"]


def _span(found: dict[str, Any]) -> HeardSpan:
    return HeardSpan(
        name=found["name"],
        trace=found["context"]["trace_id"],
        span=found["context"]["span_id"],
        parent=found["parent_id"],
        attributes=found["attributes"],
        links=tuple(link["context"]["span_id"] for link in found["links"]),
        events=tuple(found["events"]),
        failed=found["status"]["status_code"] == "ERROR",
        kind=found["kind"],
    )
