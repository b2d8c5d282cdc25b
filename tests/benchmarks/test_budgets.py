"""Guards what the benchmarks count exactly: no clock, so that continuous integration can hold it.

The budgets are in budgets.toml, beside this file. Which SDKs must not be loaded at all is in
tests/test_function_app.py.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
BUDGETS = Path(__file__).with_name("budgets.toml")
# Nothing listens on the discard port of this machine: the queue is down.
STORAGE = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=c2VjcmV0;"
    "QueueEndpoint=http://127.0.0.1:9/devstoreaccount1;"
)
UPDATE = {
    "MessageName": "Update",
    "PrimaryEntityName": "bookableresourcebooking",
    "PrimaryEntityId": "0d7c1f57-3b1e-4c8e-9a55-2f6f0d6b1a01",
    "CorrelationId": "1d7c1f57-3b1e-4c8e-9a55-2f6f0d6b1a01",
}
PROGRAM = """
import asyncio, json, sys
import azure.functions as func
steps = [set(sys.modules)]
import function_app
steps.append(set(sys.modules))
request = func.HttpRequest("POST", "/api/dataverse/bookings", body=sys.stdin.buffer.read())
asyncio.run(function_app.receive_booking_change(request))
steps.append(set(sys.modules))
added = [sorted(after - before) for before, after in zip(steps, steps[1:])]
print(json.dumps(dict(zip(["import", "webhook"], added))))
"""


def _budget(*path: str) -> dict[str, Any]:
    found: Any = tomllib.loads(BUDGETS.read_text(encoding="utf-8"))
    for key in path:
        found = found[key]
    budget: dict[str, Any] = found
    return budget


def _breach(what: str, spent: object, allowed: object) -> str:
    return f"{what}: {spent}, but the budget in {BUDGETS.relative_to(ROOT)} is {allowed}"


@pytest.fixture(scope="module")
def added() -> dict[str, list[str]]:
    """Modules beyond the standard library that each step of a fresh process loads."""
    done = subprocess.run(  # noqa: S603 - our own program in our own interpreter
        [sys.executable, "-c", PROGRAM],
        input=json.dumps(UPDATE).encode(),
        capture_output=True,
        check=True,
        cwd=ROOT,
        env={"AzureWebJobsStorage": STORAGE, "PATH": "/usr/bin:/bin"},
        timeout=50,
    )
    steps: dict[str, list[str]] = json.loads(done.stdout)
    return {step: [name for name in names if not _of_python(name)] for step, names in steps.items()}


def _of_python(module: str) -> bool:
    """Also helper modules that compiled packages register, which name no file of their own."""
    return module.partition(".")[0] in sys.stdlib_module_names or module.startswith(
        ("_cython_", "cython_runtime")
    )


def _package(module: str) -> str:
    """Its distribution's top: `azure` is shared by many."""
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] == "azure" else parts[0]


@pytest.mark.parametrize("step", ["import", "webhook"])
def test_no_more_modules_are_loaded_than_budgeted(added: dict[str, list[str]], step: str) -> None:
    """Importing the app, and its first webhook, load this many modules and no more."""
    most = _budget("modules", step)["most"]
    assert len(added[step]) <= most, _breach(f"modules loaded by the {step}", len(added[step]), most)


@pytest.mark.parametrize("step", ["import", "webhook"])
def test_no_other_packages_are_loaded_than_budgeted(added: dict[str, list[str]], step: str) -> None:
    """A package that creeps into the cold start is named."""
    budget = _budget("modules", step)["packages"]
    surplus = {_package(module) for module in added[step]} - set(budget)
    assert not surplus, _breach(f"packages loaded by the {step}", sorted(surplus), f"only {budget}")
