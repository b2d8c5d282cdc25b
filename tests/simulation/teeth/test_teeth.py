"""A test of the test: with one rule of the protocol removed, the default mix finds a violation."""

from __future__ import annotations

import pytest

from tests.simulation.both_ways.built import BUILT
from tests.simulation.both_ways.built.stage import Built
from tests.simulation.teeth.power import FALLS, WITHIN, find_fall, notices
from tests.simulation.teeth.sabotage import SABOTAGES
from tests.simulation.teeth.way_back import OF_THE_WAY_BACK


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


def test_each_rule_of_the_way_back_has_a_built_schedule() -> None:
    """None is left out."""
    assert {each.rule for each in BUILT} == OF_THE_WAY_BACK.keys()


@pytest.mark.parametrize("built", BUILT, ids=lambda built: f"{built.rule}: {built.script.__name__}")
def test_a_built_schedule_holds_with_its_rule_and_not_without(built: Built) -> None:
    """What its docstring says happens, happens; and what it says falls without the rule, falls."""
    removal = OF_THE_WAY_BACK[built.rule]
    assert built.play().violations == ()
    kinds = {each.kind for each in built.play(removal.parts).violations}
    assert removal.shows_as <= kinds
