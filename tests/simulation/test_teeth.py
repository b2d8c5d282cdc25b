"""A test of the test: with one rule of the protocol removed, the simulation finds a violation."""

from __future__ import annotations

import pytest

from tests.simulation.sabotage import SABOTAGES, WITHIN_SEEDS, Sabotage
from tests.simulation.schedule import play


@pytest.mark.parametrize("sabotage", SABOTAGES.values(), ids=SABOTAGES.keys())
def test_the_simulation_finds_what_a_removed_rule_breaks(sabotage: Sabotage) -> None:
    """Some schedule shows a violation of the kind that the rule is there to prevent."""
    for seed in range(WITHIN_SEEDS):
        found = {violation.kind for violation in play(seed, sabotage.parts, sabotage.shape).violations}
        if found & sabotage.shows_as:
            return
    pytest.fail(f"{WITHIN_SEEDS} schedules without a violation")
