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

from benchmarks.common.figures import Latency
from benchmarks.simulated.load import Office
from benchmarks.simulated.product import open_product
from benchmarks.simulated.verdict import judge
from benchmarks.simulated.world import SimulatedWorld
from local.standin.virtual_time import run_virtually

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
# `requests` loads chardet where it is: here a development tool (cyclonedx-bom) brings it, in Azure nobody.
PROGRAM = """
import asyncio, json, sys
sys.modules["chardet"] = None
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


async def _mixed(world: SimulatedWorld) -> Office:
    """100 changes of all kinds over 10 mailboxes; the 70 bookings that they change are in step before."""
    office = Office(world, technicians=10, bookings=100)
    async with open_product(world) as product:
        await product.submit_all(office.book(70))
        world.clear_traffic()
        await product.submit_all(office.mix(100))
    return office


async def _creates(world: SimulatedWorld) -> Office:
    """1,000 new bookings over 50 mailboxes."""
    office = Office(world, technicians=50, bookings=1_000)
    async with open_product(world) as product:
        world.clear_traffic()
        await product.submit_all(office.book(1_000))
    return office


WORKLOADS = {"mixed-100-over-10": _mixed, "creates-1000-over-50": _creates}


async def _spent(workload: str) -> dict[str, int]:
    """What the services counted; only right work counts."""
    world = SimulatedWorld(Latency.parse("20/80"))
    office = await WORKLOADS[workload](world)
    assert judge(world, office) == []
    graph, dataverse = world.graph_link.traffic, world.dataverse_link.traffic
    return {
        "graph": graph.requests,
        "graph_items": graph.batch_items,
        "dataverse": dataverse.requests,
        "throttled": graph.throttled + dataverse.throttled,
    }


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


@pytest.mark.parametrize("workload", WORKLOADS)
def test_no_more_requests_are_made_than_budgeted(workload: str) -> None:
    """A burst costs this many Graph batches and Dataverse requests and no more, and comes out right."""
    spent, budget = run_virtually(_spent(workload)), _budget("requests", workload)
    breaches = [
        _breach(f"{workload}, {what}", spent[what], budget[what])
        for what in spent
        if spent[what] > budget[what]
    ]
    assert breaches == []
