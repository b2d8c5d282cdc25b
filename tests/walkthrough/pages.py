"""The operator's page, in a browser, or as its JSON where there is no browser.

What the document can say, words separated by `|`:

    open
    <section> | shows | <text>
    <section> | is empty
    press | <button>
    says | <text>
"""

from __future__ import annotations

import asyncio
import json
import ssl
from typing import TYPE_CHECKING, Any, Protocol

import aiohttp
from playwright.async_api import expect

from tests.walkthrough.document import NotUnderstoodError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from playwright.async_api import Page

PATIENCE_SECONDS = 20.0
SECTIONS = {"Messages given up": ("poison", "letters"), "Failing bookings": ("failing", "groups")}
"""Where the page's JSON has what a section shows."""


class OperatorsPage(Protocol):
    """What a person can do on it."""

    async def open(self) -> None:
        """Go there and give the key."""

    async def shows(self, section: str, text: str) -> None:
        """See a text in a section."""

    async def is_empty(self, section: str) -> None:
        """See that a section lists nothing, before long."""

    async def press(self, button: str) -> None:
        """Press a button."""

    async def says(self, text: str) -> None:
        """See what became of it."""


async def follow(words: tuple[str, ...], page: OperatorsPage) -> None:
    """Do one step of the document.

    Raises:
        NotUnderstoodError: the page has no such thing.
    """
    match words:
        case ("open",):
            await page.open()
        case (section, "shows", text):
            await page.shows(section, text)
        case (section, "is empty"):
            await page.is_empty(section)
        case ("press", button):
            await page.press(button)
        case ("says", text):
            await page.says(text)
        case _:
            raise NotUnderstoodError(f"What to do on the page? {' | '.join(words)}")


class BrowserPage:
    """The page in a real browser.

    Args:
        page: of a browser that takes any certificate.
        address: the page's.
        key: the function key.
    """

    def __init__(self, page: Page, address: str, key: str) -> None:
        self._page = page
        self._address = address
        self._key = key
        page.set_default_timeout(PATIENCE_SECONDS * 1000)

    async def open(self) -> None:
        """See the protocol."""
        await self._page.goto(self._address)
        await self._page.get_by_label("Key", exact=True).fill(self._key)
        await self._page.get_by_role("button", name="Show").click()

    async def shows(self, section: str, text: str) -> None:
        """See the protocol."""
        shown = self._page.get_by_role("region", name=section, exact=True).get_by_text(text)
        await expect(shown.first).to_be_visible(timeout=PATIENCE_SECONDS * 1000)

    async def is_empty(self, section: str) -> None:
        """See the protocol."""
        nothing = self._page.get_by_role("region", name=section, exact=True).get_by_text("None.", exact=True)
        await expect(nothing).to_be_visible(timeout=PATIENCE_SECONDS * 1000)

    async def press(self, button: str) -> None:
        """See the protocol."""
        await self._page.get_by_role("button", name=button).click()

    async def says(self, text: str) -> None:
        """See the protocol."""
        await expect(self._page.get_by_role("status")).to_have_text(text, timeout=PATIENCE_SECONDS * 1000)


class JsonPage:
    """The same by the requests that the page makes; its buttons are those that it needs.

    Args:
        address: the page's.
        key: the function key.
        authority: the file that signs the stack's certificates.
    """

    def __init__(self, address: str, key: str, authority: str) -> None:
        self._address = address
        self._headers = {"x-functions-key": key}
        self._tls = ssl.create_default_context(cafile=authority)
        self._said = ""

    async def open(self) -> None:
        """See the protocol."""
        await self._ask("GET", "status")

    async def shows(self, section: str, text: str) -> None:
        """See the protocol."""
        listed = json.dumps(await self._listed(section), ensure_ascii=False)
        assert text in listed

    async def is_empty(self, section: str) -> None:
        """See the protocol."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await self._listed(section):  # noqa: ASYNC110 - it changes in another process
                await asyncio.sleep(0.2)

    async def press(self, button: str) -> None:
        """See the protocol."""
        assert button == "Try all again"
        replayed = (await self._ask("POST", "replay", {"all": True}))["replayed"]
        self._said = f"{replayed} message is back on the change queue."

    async def says(self, text: str) -> None:
        """See the protocol."""
        assert self._said == text

    async def _listed(self, section: str) -> Any:
        part, name = SECTIONS[section]
        return (await self._ask("GET", "status"))[part][name]

    async def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        connector = aiohttp.TCPConnector(ssl=self._tls)
        async with (
            aiohttp.ClientSession(connector=connector, headers=self._headers) as session,
            session.request(method, f"{self._address}/{path}", json=body) as answer,
        ):
            assert answer.status == 200, await answer.text()
            return await answer.json()
