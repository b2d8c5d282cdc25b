"""`python -m tools.pictures [--folder FOLDER]`: make the pictures of the docs."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.async_api import expect

from local.processes import REPOSITORY, StartError
from tools.pictures.camera import NoBrowserError, Scheme, open_camera
from tools.pictures.stage import StageError, stage_in, tell

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from playwright.async_api import Page

    from tools.pictures.camera import Camera
    from tools.pictures.stage import Stage

FOLDER = REPOSITORY / "docs" / "images" / "pictures"
SCHEMES: tuple[Scheme, ...] = ("light", "dark")


async def make_pictures(folder: Path) -> list[Path]:
    """Make them all; returns the files.

    Raises:
        NoBrowserError: there is no Chromium.
        StartError: the local stack can't be started.
        StageError: a command failed.
    """
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        async with open_camera(folder) as camera:
            stage = stage_in(work / "stack")
            async with stage.stack:
                return [
                    *await _day(stage, camera, work),
                    *await _events(stage, camera, work),
                    *await _operations(stage, camera),
                ]


async def _day(stage: Stage, camera: Camera, work: Path) -> list[Path]:
    tell("The plan goes to Outlook, and dispatchers change it")
    page = work / "day.html"
    page.write_text(await stage.play(), encoding="utf-8")
    return [await camera.take(f"day-{each}", page.as_uri(), scheme=each, height=None) for each in SCHEMES]


async def _events(stage: Stage, camera: Camera, work: Path) -> list[Path]:
    tell("Two events, before anything is written")
    page = work / "events.html"
    await stage.preview(stage.to_show(), page)
    return [await camera.take("event-preview", page.as_uri(), height=1000)]


async def _operations(stage: Stage, camera: Camera) -> list[Path]:
    tell("The operator's page, while all is well")
    await stage.run_timers()
    unlock = partial(_unlock, key=stage.stack.keys.function)
    taken = [
        await camera.take(
            f"operations-{each}", stage.operations_address, scheme=each, prepare=unlock, height=1250
        )
        for each in SCHEMES
    ]
    taken += await _lookups(stage, camera, unlock)
    tell("The operator's page, after a technician's mailbox is gone")
    await stage.lose_mailbox(stage.world.bookings[0])
    taken += [
        await camera.take(
            f"operations-trouble-{each}", stage.operations_address, scheme=each, prepare=unlock, height=1000
        )
        for each in SCHEMES
    ]
    return taken


async def _lookups(stage: Stage, camera: Camera, unlock: Callable[[Page], Awaitable[None]]) -> list[Path]:
    tell("A technician and a booking, after somebody meddled in Outlook")
    booking = await stage.meddle()
    views = {
        "technician": f"#/technician/{booking.resource_id}?from={stage.world.day}",
        "booking": f"#/booking/{booking.id}",
    }
    return [
        await camera.take(
            f"operations-{name}-{scheme}", stage.operations_address + fragment, scheme=scheme, prepare=unlock
        )
        for name, fragment in views.items()
        for scheme in SCHEMES
    ]


async def _unlock(page: Page, key: str) -> None:
    await page.get_by_label("Key", exact=True).fill(key)
    await page.get_by_role("button", name="Show").click()
    await expect(page.get_by_role("status")).to_have_text("Up to date.")


def main() -> None:
    """Run the command; expected failures end with one message."""
    parser = argparse.ArgumentParser(prog="python -m tools.pictures", description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the pictures go")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    try:
        taken = asyncio.run(make_pictures(folder))
    except (NoBrowserError, StartError, StageError) as error:
        sys.exit(f"error: {error}")
    for each in taken:
        tell(str(each))


if __name__ == "__main__":
    main()
