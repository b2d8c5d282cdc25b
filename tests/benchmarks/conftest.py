"""Loads the Graph SDK before warnings count as errors: its builders warn of themselves when imported."""

from __future__ import annotations

import importlib
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    importlib.import_module("tests.outlook.conftest")  # loads all of them
