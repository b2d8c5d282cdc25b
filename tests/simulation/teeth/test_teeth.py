"""A test of the test: with one rule of the protocol removed, the default mix finds a violation."""

from __future__ import annotations

import pytest

from tests.simulation.teeth.power import FALLS, WITHIN, find_fall, notices
from tests.simulation.teeth.sabotage import SABOTAGES
from tests.simulation.teeth.way_back import BACK_FALLS, NOT_YET_NOTICED


def test_each_rule_has_a_schedule_that_notices_its_removal() -> None:
    """None is left out of the table, and none takes longer than promised."""
    assert FALLS.keys() == SABOTAGES.keys()
    assert max(FALLS.values()) < WITHIN


@pytest.mark.timeout(300)  # a moment, unless the seed's schedule is another one by now
@pytest.mark.parametrize("rule", SABOTAGES)
def test_the_default_mix_finds_what_a_removed_rule_breaks(rule: str) -> None:
    """The schedule that noticed first does so still, and holds with the rule; or another one soon does.

    Seeds shift when something else is drawn: `python -m tests.simulation power` finds the first ones anew.
    """
    if not notices(rule, FALLS[rule]):
        assert find_fall(rule).seed is not None


@pytest.mark.timeout(120)
@pytest.mark.parametrize("rule", BACK_FALLS)
def test_schedules_with_a_way_back_find_what_a_removed_rule_breaks(rule: str) -> None:
    """The schedule that noticed first does so still, and holds with the rule."""
    assert notices(rule, BACK_FALLS[rule])


def test_rules_that_no_schedule_shows_yet_are_named() -> None:
    """So that nobody takes the simulation for a proof of them."""
    assert sorted(NOT_YET_NOTICED) == [
        "If-Match of a record with a base",
        "If-Match of an event",
        "no wish from an event that no row names",
        "the base on the row",
        "the binding of answers",
        "the groups of a write",
        "the look of whoever trusts nothing",
        "the nonce",
        "the second read of the row",
        "the stamp",
    ]
