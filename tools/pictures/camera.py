"""Takes pictures of pages with the system's Chromium."""

from __future__ import annotations

import shutil
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from playwright.async_api import async_playwright

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from playwright.async_api import Browser, Page

Scheme = Literal["light", "dark"]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_MILLISECONDS = 30_000


class NoBrowserError(RuntimeError):
    """There is no Chromium on this machine."""


def find_browser() -> str:
    """The program's path.

    Raises:
        NoBrowserError: there is none.
    """
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise NoBrowserError("There is no Chromium: on Debian and Ubuntu install it with apt-get.")
    return found


@dataclass(frozen=True)
class Camera:
    """Takes pictures into a folder.

    Args:
        browser: Chromium, which runs.
        folder: where the pictures go.
    """

    browser: Browser
    folder: Path

    async def take(
        self,
        name: str,
        address: str,
        *,
        scheme: Scheme = "light",
        width: int = 1100,
        height: int | None = 800,
        prepare: Callable[[Page], Awaitable[None]] | None = None,
    ) -> Path:
        """Open a page and take its picture; returns the file.

        Args:
            name: the file's, without its ending.
            address: of the page.
            scheme: light or dark.
            width: of the window, in pixels.
            height: of the picture; None: that of the page.
            prepare: what is done on the page first.
        """
        context = await self.browser.new_context(
            ignore_https_errors=True,  # the local stack's certificate is of a throwaway authority
            color_scheme=scheme,
            viewport={"width": width, "height": height or 100},
            reduced_motion="reduce",
        )
        page = await context.new_page()
        page.set_default_timeout(PATIENCE_MILLISECONDS)
        await page.goto(address)
        if prepare:
            await prepare(page)
        path = self.folder / f"{name}.png"
        await page.screenshot(path=path, full_page=height is None)
        await context.close()
        return path


@asynccontextmanager
async def open_browser() -> AsyncIterator[Browser]:
    """A headless Chromium that runs as long as the context lasts.

    Raises:
        NoBrowserError: there is none.
    """
    path = find_browser()
    async with async_playwright() as playwright:
        # Containers run as root, which Chromium's sandbox refuses; the pages are our own.
        browser = await playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def open_camera(folder: Path) -> AsyncIterator[Camera]:
    """A camera whose browser runs as long as the context lasts.

    Raises:
        NoBrowserError: there is no Chromium.
    """
    async with open_browser() as browser:
        yield Camera(browser, folder)
