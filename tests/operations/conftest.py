"""A browser, and an office in a running stack for it to look at."""

from __future__ import annotations

import warnings
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from local.day.world import WorldMaker
from local.stack import NO_TIMERS, SECRET_NAME, LocalStack, StackOptions
from tests.e2e.office import Office
from tools.pictures.camera import NoBrowserError, find_browser, open_browser

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser

with warnings.catch_warnings():
    # The SDK's generated builders warn of deprecated classes of their own while they are imported.
    warnings.simplefilter("ignore", DeprecationWarning)
    import booking_sync.outlook.calendar  # noqa: F401 - loads all of them

SECRET_EXPIRES = datetime.now(UTC).replace(microsecond=0) + timedelta(days=400)
"""Of the client secret, by the vault."""
TIMERS = {**NO_TIMERS, "CATCH_UP_SETTLE_SECONDS": "0"}
"""Timers run when a test says so, and find what was changed just now."""


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    """An office in a running stack."""
    maker = WorldMaker(seed=3)
    world = maker.make(technicians=2, bookings=1, day=date(2027, 3, 26))
    async with LocalStack(StackOptions(tmp_path_factory.mktemp("stack"), settings=TIMERS)) as stack:
        secret = {"value": stack.client_secret, "exp": int(SECRET_EXPIRES.timestamp())}
        await stack.vault.call("POST", f"secrets/{SECRET_NAME}", secret)
        made = Office(stack, maker, world)
        await made.furnish()
        yield made


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """A headless Chromium; skips the test when there is none."""
    try:
        find_browser()
    except NoBrowserError as error:
        pytest.skip(str(error))
    async with open_browser() as launched:
        yield launched


@pytest.fixture(scope="session")
def axe() -> str:
    """The accessibility checker's program; skips the test when it is not installed."""
    program = Path(__file__).parents[2] / "local" / "node_modules" / "axe-core" / "axe.min.js"
    if not program.is_file():
        pytest.skip("axe-core is not installed: run `npm ci --prefix local`")
    return program.read_text(encoding="utf-8")
