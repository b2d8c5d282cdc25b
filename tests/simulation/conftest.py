"""Loads the Graph SDK before warnings count as errors: its builders warn of themselves when imported."""

from __future__ import annotations

import importlib
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    importlib.import_module("tests.support.graph_builders")
    _play = importlib.import_module("tests.simulation.schedule").play
    for _seed in range(3):  # builders load one another at their first use
        _play(_seed)
