"""Register, checks, stand-ins, contract tests and the page name the same assumptions."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from booking_sync.certify.assumptions import ASSUMPTIONS
from booking_sync.certify.assumptions.kinds import Assumption, TriedBy
from booking_sync.certify.checks import CHECKS
from local.dataverse import config as dataverse
from local.graph import config as graph
from local.loganalytics import config as logs
from tests.certify.switches import SWITCHES, Switch
from tools.assumptions import PAGE, table, table_in

TESTS = Path(__file__).parents[1]


def _contract_tests() -> dict[str, list[str]]:
    """Names that contract tests give as `pytest.mark.assumes`, and where."""
    found: dict[str, list[str]] = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.assumes":
                (name,) = (ast.literal_eval(each) for each in node.args)
                found.setdefault(name, []).append(path.name)
    return found


CONTRACT_TESTS = _contract_tests()


@pytest.mark.parametrize("assumption", ASSUMPTIONS.values(), ids=lambda each: each.name)
def test_every_assumption_is_played(assumption: Assumption) -> None:
    """A setting of a stand-in plays it, or a contract test holds the stand-in to it."""
    switches = {each.plays.assumption for each in SWITCHES}
    assert assumption.name in switches | CONTRACT_TESTS.keys()


@pytest.mark.parametrize("assumption", ASSUMPTIONS.values(), ids=lambda each: each.name)
def test_every_assumption_is_tried_once(assumption: Assumption) -> None:
    """One check finds out about it, unless it says why nothing can, or only a strange mailbox tells."""
    checks = Counter(name for each in CHECKS for name in each.names)
    untried = assumption.trial in {TriedBy.NEVER, TriedBy.WHEN_MET}
    assert checks[assumption.name] == (0 if untried else 1)
    assert bool(assumption.not_tried) == (assumption.trial is TriedBy.NEVER)


@pytest.mark.parametrize("assumption", ASSUMPTIONS.values(), ids=lambda each: each.name)
def test_an_assumption_s_answers_are_told_apart(assumption: Assumption) -> None:
    """Each has a name of its own; only what is expected asks nothing of anybody for certain."""
    values = [each.value for each in assumption.possibilities]
    assert len(set(values)) == len(values)
    assert not assumption.expected.action


def test_nothing_else_is_named() -> None:
    """Checks, stand-ins and contract tests name no assumption that is not in the register."""
    named = {name for each in CHECKS for name in each.names}
    named |= {each.plays.assumption for each in SWITCHES} | CONTRACT_TESTS.keys()
    assert named - ASSUMPTIONS.keys() == set()


@pytest.mark.parametrize(
    ("settings", "assumed", "others"),
    [
        (graph.GraphConfig, graph.ASSUMED, graph.NOT_ASSUMED),
        (dataverse.Config, dataverse.ASSUMED, dataverse.NOT_ASSUMED),
        (logs.LogsConfig, logs.ASSUMED, logs.NOT_ASSUMED),
    ],
    ids=["graph", "dataverse", "logs"],
)
def test_every_setting_of_a_stand_in_plays_an_assumption_or_says_why_not(
    settings: type, assumed: dict[str, Any], others: dict[str, str]
) -> None:
    """A new switch without an assumption fails here: name it in the register, and have a check tell it."""
    names = set(get_type_hints(settings))
    assert assumed.keys() | others.keys() == names
    assert not assumed.keys() & others.keys()


@pytest.mark.parametrize("switch", SWITCHES, ids=str)
def test_a_setting_s_default_is_what_is_expected(switch: Switch) -> None:
    """What the stand-in does unless told otherwise is what the register expects of the service."""
    assert switch.default == switch.seen[0][0]
    assert switch.seen[0][1] == ASSUMPTIONS[switch.plays.assumption].expected.value


@pytest.mark.parametrize("switch", SWITCHES, ids=str)
def test_a_setting_s_values_are_all_known_answers(switch: Switch) -> None:
    """Whatever the stand-in can be told to do, the register knows."""
    known = {each.value for each in ASSUMPTIONS[switch.plays.assumption].possibilities}
    assert {seen for _, seen in switch.seen} <= known


@pytest.mark.parametrize("switch", SWITCHES, ids=str)
def test_every_value_of_a_setting_is_played(switch: Switch) -> None:
    """A choice that a setting may have, and that is none of those with a meaning, fails here."""
    if get_origin(switch.type) is not None and get_origin(switch.type) not in {tuple, list}:
        assert {value for value, _ in switch.seen} == set(get_args(switch.type))


def test_the_page_shows_the_register() -> None:
    """It has a row for each assumption, and none besides: `python -m tools.assumptions` writes it."""
    assert table_in(PAGE.read_text(encoding="utf-8")) == table()
