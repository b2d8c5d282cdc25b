"""One local stack for all end-to-end tests, with an office of technicians in it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest_asyncio

from local.day.world import WorldMaker
from local.stack import NO_TIMERS, LocalStack, StackOptions
from tests.e2e.crowd import Crowd
from tests.e2e.office import Office

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest

TIMERS = {**NO_TIMERS, "CATCH_UP_SETTLE_SECONDS": "0"}
"""Timers run when a test says so, and find what was changed just now."""
HIDDEN_SECONDS = 4
"""So that messages of a killed host come back soon."""


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    """An office in a running stack."""
    options = StackOptions(tmp_path_factory.mktemp("stack"), hidden_seconds=HIDDEN_SECONDS, settings=TIMERS)
    maker = WorldMaker(seed=1)
    world = maker.make(technicians=2, bookings=1, day=date(2027, 3, 26))
    async with LocalStack(options) as stack:
        made = Office(stack, maker, world)
        await made.furnish()
        yield made


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def crowd(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Crowd]:
    """Twelve technicians in a stack of their own, which tests may break for a while."""
    options = StackOptions(
        tmp_path_factory.mktemp("crowd"),
        hidden_seconds=HIDDEN_SECONDS,
        settings={"NEAR_AUDIT_SCHEDULE": NO_TIMERS["NEAR_AUDIT_SCHEDULE"]},
    )
    maker = WorldMaker(seed=2)
    today = datetime.now(UTC).date()  # the audit looks at the weeks around it only
    world = maker.make(technicians=12, bookings=1, day=today)
    async with LocalStack(options) as stack:
        made = Crowd(stack, maker, world)
        await made.furnish()
        yield made


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def faultless(office: Office) -> AsyncIterator[None]:
    """Take back faults that a test left, so that its failure stays its own."""
    yield
    for service in (office.stack.graph, office.stack.dataverse):
        await service.clear_faults()
