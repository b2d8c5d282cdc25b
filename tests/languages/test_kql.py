"""Every KQL query, read by Microsoft's own language service with the tables that it will meet."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from booking_sync.azure.trials.telemetry import query_of
from booking_sync.ports.certification import OwnLine
from tests.languages import node
from tests.languages.application_insights import tables, workspace_tables
from tests.telemetry import kql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SERVICE = "@kusto/language-service-next"
CONTROLS = {
    "a wrong column": ("traces | where mesage has 'x'", "mesage"),
    "a wrong operator": ("traces | wher message has 'x'", "Query operator expected"),
    "a wrong function": ("traces | extend a = tostrin(message)", "tostrin"),
    "a wrong table": ("trace | take 1", "trace"),
    "a reserved word": ("traces | extend kind = message", "kind"),
    "a value for a condition": ("traces | where itemCount", "bool"),
    "an open bracket": ("traces | where timestamp > ago(1d", "Expected"),
}


@pytest.fixture(scope="module")
def findings() -> dict[str, dict[str, list[str]]]:
    """What the language service finds, by the type of `success` and by query; the controls are among them."""
    given = {
        "databases": {success: tables(success=success) for success in ("string", "bool")},
        "queries": kql.queries() | {name: query for name, (query, _) in CONTROLS.items()},
    }
    found: dict[str, dict[str, list[str]]] = node.run("kql.mjs", SERVICE, given=given)
    return found


@pytest.mark.parametrize("success", ["string", "bool"])
def test_every_query_is_without_a_finding(
    findings: dict[str, dict[str, list[str]]], success: str, checked: Callable[[str, str], None]
) -> None:
    """No error, no warning, no hint: on the page, in the workbook, in the alerts."""
    names = set(kql.queries())
    assert {name: findings[success][name] for name in names if findings[success][name]} == {}
    checked(f"KQL: {len(names)} queries", node.version(SERVICE))


@pytest.mark.parametrize("success", ["string", "bool"])
@pytest.mark.parametrize("name", CONTROLS)
def test_what_is_wrong_is_found(findings: dict[str, dict[str, list[str]]], success: str, name: str) -> None:
    """The language service sees the tables, and tells faults."""
    _, words = CONTROLS[name]
    assert any(words in finding for finding in findings[success][name])


def test_certify_s_query_is_without_a_finding(checked: Callable[[str, str], None]) -> None:
    """With a line that is looked for and without, on the tables of the workspace."""
    moment = datetime(2026, 11, 27, 12, tzinfo=UTC)
    queries = {"none": query_of(moment, None), "own": query_of(moment, OwnLine("a", moment))}
    queries["wrong"] = queries["own"].replace("Message has", "Mesage has")
    given = {"databases": {"workspace": workspace_tables()}, "queries": queries}
    found: dict[str, dict[str, list[str]]] = node.run("kql.mjs", SERVICE, given=given)
    assert {name: bool(told) for name, told in found["workspace"].items()} == {
        **dict.fromkeys(queries, False),
        "wrong": True,
    }, found
    checked("KQL: the query of certify", node.version(SERVICE))


def test_no_query_is_left_out() -> None:
    """What is added to documentation, workbook or Bicep is read as well."""
    known = {query.strip() for query in kql.queries().values()}
    pages = [kql.ROOT / "README.md", *(kql.ROOT / "docs").glob("*.md"), kql.ROOT / "local" / "README.md"]
    fenced = [
        query.strip()
        for page in pages
        for query in re.findall(r"^ *```kusto\n(.*?)```", page.read_text(), re.MULTILINE | re.DOTALL)
    ]
    assert [query for query in fenced if query not in known] == []
    assert [query for query in _members(kql.WORKBOOK, "query") if query.strip() not in known] == []
    in_bicep = [
        line
        for path in (kql.ROOT / "infra").rglob("*.bicep")
        for line in re.findall(r"^ *query: (.*)$", path.read_text(), re.MULTILINE)
    ]
    alerts = [name for name in kql.queries() if name.startswith("alert ")]
    assert [line for line in in_bicep if not line.startswith("'")] == ["rule.query"]
    assert len(in_bicep) - 1 == len(alerts)


def _members(value: Any, name: str) -> Iterator[str]:
    """Every text of this name, at any depth; JSON in a text is looked into."""
    if isinstance(value, dict):
        for key, each in value.items():
            if key == name and isinstance(each, str):
                yield each
            else:
                yield from _members(each, name)
    elif isinstance(value, list):
        for each in value:
            yield from _members(each, name)
    elif isinstance(value, str) and value.startswith("{"):
        yield from _members(json.loads(value), name)
