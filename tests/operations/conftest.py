"""A browser, and an office in a running stack for it to look at."""

from __future__ import annotations

import shutil
import warnings
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from playwright.async_api import async_playwright

from local.day.world import WorldMaker
from local.stack import NO_TIMERS, LocalStack, StackOptions
from tests.e2e.office import Office

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser

with warnings.catch_warnings():
    # The SDK's generated builders warn of deprecated classes of their own while they are imported.
    warnings.simplefilter("ignore", DeprecationWarning)
    import booking_sync.outlook.calendar  # noqa: F401 - loads all of them

TIMERS = {**NO_TIMERS, "CATCH_UP_SETTLE_SECONDS": "0"}
"""Timers run when a test says so, and find what was changed just now."""


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    """An office in a running stack."""
    maker = WorldMaker(seed=3)
    world = maker.make(technicians=2, bookings=1, day=date(2027, 3, 26))
    async with LocalStack(StackOptions(tmp_path_factory.mktemp("stack"), settings=TIMERS)) as stack:
        made = Office(stack, maker, world)
        await made.furnish()
        yield made


def chromium() -> str:
    """The system's Chromium; skips the test when there is none."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("there is no Chromium: install it with `apt-get install chromium`")
    return found


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """A headless Chromium."""
    path = chromium()
    async with async_playwright() as playwright:
        # Tests may run as root, which Chromium's sandbox refuses; the pages are our own.
        launched = await playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield launched
        await launched.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The accessibility checker's program; skips the test when it is not installed."""
    program = Path(__file__).parents[2] / "local" / "node_modules" / "axe-core" / "axe.min.js"
    if not program.is_file():
        pytest.skip("axe-core is not installed: run `npm ci --prefix local`")
    return program.read_text(encoding="utf-8")
