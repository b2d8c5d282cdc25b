"""Where the queries are, and what they may name."""

from __future__ import annotations

import ast
import functools
import json
import re
from pathlib import Path
from typing import Any

from booking_sync.audit.findings import Kind
from booking_sync.domain.findings.finding import FindingTopic, Severity
from booking_sync.domain.messages.audit_progress import AuditReach
from booking_sync.domain.outcome import OutcomeKind
from booking_sync.plumbing.telemetry import Attribute, Metric, SpanName

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
WORKBOOK: dict[str, Any] = json.loads((ROOT / "infra/workbook.json").read_text(encoding="utf-8"))
TABLES = {"traces", "customMetrics", "requests", "dependencies"}
AZURE_S = {"_MS.links", "{", "{}", "MaxDequeueCount", "00000000-0000-0000-0000-000000000000"}
"""Texts of a query that mean something to Azure Monitor, to the host or to the reader."""


def queries() -> dict[str, str]:
    """Every query by the place where it stands."""
    page = dict(re.findall(r"^\*\*([^*\n]+)\*\*\n\n```kusto\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL))
    book = {
        each["content"]["title"]: each["content"]["query"] for each in WORKBOOK["items"] if each["type"] == 3
    }
    bicep = (ROOT / "infra/modules/alerts.bicep").read_text(encoding="utf-8")
    variables = dict(re.findall(r"^var (\w+) = '(.*)'$", bicep, re.MULTILINE))
    alerts = {
        f"alert {name}": re.sub(r"\$\{(\w+)\}", lambda found: variables[found[1]], query)
        for name, query in re.findall(r"name: '([\w-]+)'\n.*\n.*\n\s+query: '(.*)'", bicep)
    }
    return (
        {f"page: {name}": query for name, query in page.items()}
        | {f"workbook: {name}": query for name, query in book.items()}
        | alerts
    )


@functools.cache
def logged() -> dict[str, set[str]]:
    """Every event that the code logs, and the names of its fields, `**fields` apart."""
    found: dict[str, set[str]] = {}
    for path in (ROOT / "booking_sync").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "log_event":
                event = ast.literal_eval(node.args[1])
                fields = {keyword.arg for keyword in node.keywords if keyword.arg and keyword.arg != "level"}
                found.setdefault(event, set()).update(fields)
    return found


UNPACKED = {
    "webhook": {"status", "reason", "error", "change", "bookingId", "correlationId", "table", "rowId"},
    "catch_up": {"pages", "rows", "behind", "queued", "failing", "unreadable", "unfinished", "problem"},
    "unexpected_error": {"bookingId", "table", "rowId"},
    "outlook_notifications": {"events", "queued", "lifecycles", "sweeps", "dropped"},
    "outlook_change": {"mailbox", "outcome", "detail"},
    "mailbox_sweep": {"mailbox", "outcome", "detail"},
}
"""Fields that the code hands over as a mapping."""


@functools.cache
def functions() -> set[str]:
    """The functions' names, which are the requests'."""
    return set(
        re.findall(r'function_name\("(\w+)"\)', (ROOT / "function_app.py").read_text(encoding="utf-8"))
    )


def names() -> set[str]:
    """Every text that a query may compare with."""
    return {
        *AZURE_S,
        *map(str, Metric),
        *map(str, SpanName),
        *map(str, Attribute),
        *map(str, OutcomeKind),
        *map(str, AuditReach),
        *map(str, Kind),
        *map(str, FindingTopic),
        *map(str, Severity),
        *logged(),
        *functions(),
    }
