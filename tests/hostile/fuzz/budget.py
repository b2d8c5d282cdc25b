"""How many inputs the fuzzing tests try: few in every run, many when `HYPOTHESIS_PROFILE=soak` asks for it.

    HYPOTHESIS_PROFILE=soak pytest tests/hostile --timeout 0

The settings are handed to each test and never loaded globally, so other packages' tests keep their own.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_EXAMPLES = {"quick": 300, "soak": 20_000}


def tries(share: float = 1.0) -> settings:
    """Settings of one fuzzing test.

    Args:
        share: of the profile's examples, for tests that are dearer or cheaper than usual.
    """
    profile = os.environ.get("HYPOTHESIS_PROFILE", "quick")
    return settings(
        max_examples=max(1, round(_EXAMPLES[profile] * share)),
        deadline=None,  # no test here asserts time; pytest's own limit holds
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
