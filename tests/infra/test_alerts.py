"""The alert for messages that were given up, and the queries beside it, know every line that tells of one."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import pytest

from booking_sync.domain.findings.finding import FindingTopic
from tests.infra.templates import ROOT
from tests.telemetry import kql

if TYPE_CHECKING:
    from collections.abc import Iterator

FINDINGS = {
    FindingTopic.SETTINGS: "app settings are missing or malformed",
    FindingTopic.START: "the sync could not be started",
    FindingTopic.QUEUES: "the queues can't be reached",
    FindingTopic.STALLED: "the platform hands out no changes",
    FindingTopic.CATCH_UP: "the catch-up is overdue",
    FindingTopic.AUDIT: "the audit is overdue",
    FindingTopic.NEAR_AUDIT: "the same for the function `audit`, for `near_audit`",
    FindingTopic.WATCH: "`watch`, `sweep`",
    FindingTopic.SWEEP: "`watch`, `sweep`",
    FindingTopic.GIVEN_UP: "messages were given up",
    FindingTopic.WEBHOOK: "no change arrives by webhook",
    FindingTopic.COLUMNS: "Where columns are missing",
    FindingTopic.SECRET: "the app registration's secret or certificate ends",
    FindingTopic.TIME_ZONE: "Exchange reads the zone differently",
    FindingTopic.JOURNAL: "the journal can't be read",
}
"""How the runbook's table of findings tells each topic."""
GIVING_UP = "dead_letter"
"""The queue's method that puts a message on the poison queue."""
BY_A_HELPER = {"unexpected_error"}
"""Logged by a function of its own, before the message is given up."""
QUERIES = ("alert poison", "page: Given up, by reason", "workbook: Given up, by reason")


def _own_functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node


def _called(function: ast.AST) -> set[str]:
    """The methods that it calls: of the queue, or of its own object."""
    return {
        node.func.attr
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }


def _events(function: ast.AST) -> set[str]:
    return {
        str(ast.literal_eval(node.args[1]))
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "log_event"
    }


def _logged_beside_a_dead_letter() -> set[str]:
    """What functions log that give a message up, by themselves or by another method of their module."""
    found: set[str] = set()
    for path in sorted((ROOT / "booking_sync").rglob("*.py")):
        functions = list(_own_functions(ast.parse(path.read_text(encoding="utf-8"))))
        giving_up = {GIVING_UP}
        while more := {each.name for each in functions if _called(each) & giving_up} - giving_up:
            giving_up |= more
        found |= {event for each in functions if each.name in giving_up for event in _events(each)}
    return found


def test_lines_beside_a_dead_letter_are_found() -> None:
    """Of bookings, and of what is no booking's."""
    found = _logged_beside_a_dead_letter()
    assert {"booking_outcome", "fan_out", "audit_stretch", "message_malformed"} <= found
    assert found | BY_A_HELPER <= set(kql.logged())


@pytest.mark.parametrize("name", QUERIES)
def test_every_message_that_is_given_up_is_asked_for(name: str) -> None:
    """Whatever the message was about: operators get a mail, and find the reason."""
    asked = set(re.findall(r'"(\w+)"', kql.queries()[name]))
    assert (_logged_beside_a_dead_letter() | BY_A_HELPER) - asked == set()


@pytest.mark.parametrize("name", QUERIES)
def test_a_message_that_waits_is_not_called_given_up(name: str) -> None:
    """What tells how a message ended counts only when it failed; a mistake of ours at the fifth delivery."""
    query = " ".join(kql.queries()[name].split())
    ended = re.search(r'\(event in \(([^)]*)\) and tostring\(line\.outcome\) == "failed"\)', query)
    assert ended
    told = set(re.findall(r'"(\w+)"', ended[1]))
    assert told == {event for event in _logged_beside_a_dead_letter() if "outcome" in _fields(event)}
    assert '(event == "unexpected_error" and toint(line.delivery) >= 5)' in query


def _fields(event: str) -> set[str]:
    return kql.logged()[event] | kql.UNPACKED.get(event, set())


def test_the_pages_know_every_alert() -> None:
    """The runbook has a row for each rule; the deployment's page names as many kinds of trouble."""
    rules = [name.removeprefix("alert ") for name in kql.queries() if name.startswith("alert ")]
    table = kql.PAGE.partition("\n## Alerts\n")[2].partition("\n## ")[0]
    assert sorted(re.findall(r"^\| `booking-sync-([\w-]+)` \|", table, re.MULTILINE)) == sorted(rules)
    page = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
    named = re.search(r"^\| alerts by mail[^|]*\| (.*) \(\[operations\.md\]", page, re.MULTILINE)
    assert named
    assert len(named[1].split(", ")) == len(rules)


def test_runs_of_every_function_that_works_by_itself_are_counted() -> None:
    """Timers, the queue's function, and what services call; those of the page are people's own."""
    by_people = {each for each in kql.functions() if each.startswith("operations")}
    by_people |= {"audit_on_demand", "health"}
    counted = set(re.findall(r'"(\w+)"', kql.queries()["page: Runs of the functions"]))
    assert counted == kql.functions() - by_people


def test_the_runbook_knows_every_finding() -> None:
    """Whoever gets a mail of the alerts by findings reads in the table what to do."""
    health = kql.PAGE.partition("\n## Health\n")[2].partition("\n## ")[0]
    table = health.partition("| finding | severity |")[2].partition("\n\n")[0]
    assert set(FINDINGS) == set(FindingTopic)
    assert {topic for topic, words in FINDINGS.items() if words not in table} == set()
