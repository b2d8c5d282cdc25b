"""What a day leaves behind: logs and URLs without secrets, names of people, customers, places or bookings."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

import pytest
import pytest_asyncio

from local.day.moves import Day
from local.day.world import WorldMaker, booking_row
from local.processes import REPOSITORY
from local.stack import NO_TIMERS, LocalStack, StackOptions
from local.standin.faults import Fault
from tests.e2e.crowd import Crowd
from tests.e2e.office import BOOKINGS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from local.day.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")

SECONDS = 60.0
TALKATIVE_APP = f"""
import importlib.util
import logging

logging.getLogger("booking_sync").setLevel(logging.DEBUG)
_spec = importlib.util.spec_from_file_location("the_function_app", {str(REPOSITORY / "function_app.py")!r})
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)
app = _module.app
"""
"""The app as it is, with its own loggers at DEBUG."""
SELDOM = {**NO_TIMERS, "CATCH_UP_SCHEDULE": "0 */10 * * * *", "CATCH_UP_LOOK_BACK_MINUTES": "10"}
"""Settings that work, with a gap of two minutes between what two runs of the catch-up see."""
NOTE = "Call Frau Albersdorf-Nettelbrand at the gate"
"""A person's words, put where they may come back in an error."""
GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True)
class Leavings:
    """What is left of a day."""

    logs: dict[str, str]
    """Text by file; escapes of JSON are undone."""
    requests: dict[str, list[dict[str, Any]]]
    """The request log of each service."""
    secrets: frozenset[str]
    personal: frozenset[str]


def quoting(code: str) -> dict[str, Any]:
    """A service's error that quotes what was sent to it."""
    return {"error": {"code": code, "message": f"The value '{NOTE}' can't be used."}}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def leavings(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Leavings]:
    """A day with all its oddities, and trouble that quotes people, at DEBUG."""
    app = tmp_path_factory.mktemp("talkative")
    (app / "function_app.py").write_text(TALKATIVE_APP)
    shutil.copy(REPOSITORY / "host.json", app)
    folder = tmp_path_factory.mktemp("hygiene")
    maker = WorldMaker(seed=5)
    world = maker.make(technicians=4, bookings=16, day=datetime.now(UTC).date())
    async with LocalStack(StackOptions(folder, app_folder=app, settings=SELDOM)) as stack:
        secrets = {stack.client_secret, stack.seal_key}
        day = Day(stack, world, seed=5)
        await day.furnish()
        for phase in day.phases:
            await phase.play()
            await stack.wait_until_quiet(SECONDS)
        await make_trouble(Crowd(stack, maker, world))
        requests = {
            name: await service.requests()
            for name, service in (
                ("graph", stack.graph),
                ("dataverse", stack.dataverse),
                ("vault", stack.vault),
                ("entra", stack.entra),
                ("identity", stack.managed_identity),
            )
        }
        secrets |= {stack.client_secret, stack.seal_key, stack.keys.function, stack.keys.master}
        secrets |= set(re.findall(r"AccountKey=([^;]+)", stack.settings["AzureWebJobsStorage"]))
        secrets |= {stack.settings["IDENTITY_HEADER"]}
    secrets |= tokens(requests)
    logs = {each.name: readable(each) for each in folder.glob("host-*.log")}
    yield Leavings(logs, requests, frozenset(secrets), personal(world))


async def make_trouble(crowd: Crowd) -> None:
    """Errors that quote people, a rotated secret, messages and webhooks that are none, both timers."""
    stack = crowd.stack
    for fault in (
        Fault(path="/events", method="POST", status=400, body=quoting("ErrorInvalidRequest")),
        Fault(path="/events", method="POST", status=500, body=quoting("ErrorInternalServerError")),
        Fault(path="/events", method="POST", status=403, body=quoting(NOTE)),
        Fault(path=r"\$batch", status=400, body=quoting(NOTE)),
    ):
        await stack.graph.add_fault(fault)
        await crowd.book(crowd.plan(2))
        await crowd.settle()
    row = r"bookableresourcebookings\("
    await stack.dataverse.add_fault(Fault(path=row, method="PATCH", status=400, body=quoting("0x80040203")))
    await crowd.book(crowd.plan(1))
    await crowd.settle()
    await stack.rotate_secret()
    await stack.rotate_seal_key()
    await stack.graph.add_fault(Fault(path=r"\$batch", status=401))
    (plan,) = crowd.plan(1)
    await stack.dataverse.create(BOOKINGS, {**booking_row(plan), "name": NOTE})
    await crowd.settle()
    await stack.queue.send(NOTE)
    await stack.queue.send(json.dumps({"version": 1, "bookingId": NOTE, "correlationId": NOTE}))
    for body in ({"PrimaryEntityName": NOTE}, {"MessageName": NOTE, "PrimaryEntityName": "account"}):
        await stack.post_webhook(body)
        await stack.post_webhook(body, NOTE.replace(" ", "-"))
    await crowd.settle()
    await crowd.catch_up()
    await crowd.audit()


def tokens(requests: dict[str, list[dict[str, Any]]]) -> set[str]:
    """Every access token that came to a service."""
    given = (each["headers"].get("authorization", "") for log in requests.values() for each in log)
    return {text.split()[1] for text in given if text.startswith("Bearer ")}


def personal(world: World) -> frozenset[str]:
    """What nobody should find in a log: names, addresses, jobs and notes of the sample data."""
    found = {NOTE, "Albersdorf-Nettelbrand", "technicians.example"}
    for person in world.people:
        found |= {person.name, person.name.split()[-1], person.email}
    found |= set(world.accounts.values())
    for order in world.work_orders:
        found |= {order.job, order.place[0], order.place[1], *order.notes.splitlines()}
    return frozenset(found - {""})


def readable(log: Path) -> str:
    """A log's text with JSON's escapes undone, so that no umlaut hides a name."""
    return re.sub(r"\\u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), log.read_text())


async def test_the_day_was_told_in_detail(leavings: Leavings) -> None:
    """There is something to look through: outcomes, failures, DEBUG lines, tokens and people."""
    (log,) = leavings.logs.values()
    for mark in ('"outcome":"synced"', '"outcome":"failed"', "DEBUG booking_sync", "message_malformed"):
        assert mark in log
    assert '"event":"catch_up"' in log
    assert log.count('"event":"settings_caution"') == 1
    assert len(leavings.secrets) >= 8
    assert len(leavings.personal) > 40


async def test_no_secret_is_in_the_log(leavings: Leavings) -> None:
    """Neither tokens, client secrets, function keys nor the storage account's key."""
    for log in leavings.logs.values():
        assert not [secret for secret in leavings.secrets if secret in log]
        assert "Bearer " not in log
        assert "eyJ" not in log  # how every JWT begins
        assert "AccountKey" not in log


async def test_nobody_and_no_customer_is_in_the_log(leavings: Leavings) -> None:
    """Neither people, customers, places, jobs nor notes; and no traceback, which might quote them."""
    for log in leavings.logs.values():
        assert not [word for word in leavings.personal if word.lower() in log.lower()]
        assert "Traceback" not in log


async def test_urls_carry_ids_only(leavings: Leavings) -> None:
    """No key, secret or token and nothing personal is in any URL that the app called."""
    paths = {
        unquote_plus(each["path"])
        for log in leavings.requests.values()
        for request in log
        for each in (request, *request["items"])
    }
    assert len(paths) > 50
    for path in paths:
        assert not [each for each in leavings.secrets | leavings.personal if each.lower() in path.lower()]
        assert not re.search(r"[?&](code|sig|key|token|access_token|client_secret)=", path, re.IGNORECASE)
        assert "@technicians" not in path


async def test_a_filter_compares_with_ids_and_times_only(leavings: Leavings) -> None:
    """What a Dataverse query quotes is a GUID, a time, a column's name or a template of the query itself."""
    quoted = {
        literal
        for request in leavings.requests["dataverse"]
        for literal in re.findall(r"['\"]([^'\"]*)['\"]", unquote_plus(request["path"]))
    }
    assert [each for each in quoted if GUID.fullmatch(each)]
    assert {each for each in quoted if not GUID.fullmatch(each)} <= {"bookableresourcebookingid", ","}
