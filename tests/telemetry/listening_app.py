"""The app as it is, in a process whose OpenTelemetry SDK writes everything down.

Stands in for what the Functions worker does in Azure: it starts an SDK before it imports the app. The folder
to write to is in the environment, as TELEMETRY_FOLDER.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import ConsoleMetricExporter, PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

EVERY_MILLISECONDS = 250


def _listen(folder: Path) -> None:
    spans = (folder / "spans.jsonl").open("a")
    tracers = TracerProvider()
    tracers.add_span_processor(
        SimpleSpanProcessor(
            ConsoleSpanExporter(out=spans, formatter=lambda span: span.to_json(indent=None) + "\n")
        )
    )
    trace.set_tracer_provider(tracers)
    points = (folder / "metrics.jsonl").open("a")
    exporter = ConsoleMetricExporter(
        out=points, formatter=lambda points: points.to_json(indent=None).replace("\n", "") + "\n"
    )
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=EVERY_MILLISECONDS)
    metrics.set_meter_provider(MeterProvider([reader]))


if "TELEMETRY_FOLDER" in os.environ:
    _listen(Path(os.environ["TELEMETRY_FOLDER"]))
    _spec = importlib.util.spec_from_file_location("the_function_app", os.environ["TELEMETRY_APP"])
    if _spec is None or _spec.loader is None:
        sys.exit("TELEMETRY_APP is no Python file")
    _module = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(_module)
    app = _module.app
