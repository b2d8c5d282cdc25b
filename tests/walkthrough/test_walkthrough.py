"""The walk-through: every command of the document, on a stack that the first of them starts."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Self

import pytest
from playwright.async_api import async_playwright

from local.processes import REPOSITORY
from tests.walkthrough.document import (
    Commands,
    NotUnderstoodError,
    PageStep,
    Step,
    first_difference,
    read_steps,
)
from tests.walkthrough.pages import BrowserPage, JsonPage, follow
from tests.walkthrough.terminal import Servant, Shell

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Page

    from tests.walkthrough.pages import OperatorsPage

DOCUMENT = REPOSITORY / "docs" / "walkthrough.md"
FOLDER = ".local-stack/walkthrough"
"""Of the stack in the document; the test has one of its own, so that a person's is left alone."""
CATCH_UP_SECONDS = 300
CLEAR_SECONDS = 45


class Walker:
    """Follows the document, in two terminals and a browser; a context manager that closes them all.

    Args:
        folder: the stack's, not made yet.
    """

    def __init__(self, folder: Path) -> None:
        self.stack: Servant | None = None
        """The first terminal."""
        self._folder = folder
        self._opened = AsyncExitStack()
        self._shell: Shell | None = None
        self._page: OperatorsPage | None = None

    async def __aenter__(self) -> Self:
        await self._opened.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._opened.aclose()

    async def take(self, step: Step) -> None:
        """One step."""
        match step:
            case PageStep(words):
                await follow(words, await self._operators_page())
            case Commands(in_another_terminal=True):
                self.stack = await Servant.start(self._own(step.script))
                self._opened.push_async_callback(self.stack.end)
                await self.stack.wait_for(step.shows.splitlines()[0])
                self._compare(step, self.stack.output)
            case Commands():
                ended = await (await self._second_terminal()).run(self._own(step.script))
                assert ended.code == step.exit_code, f"{step.script}\n{ended.output}"
                self._compare(step, ended.output)

    def _own(self, script: str) -> str:
        return script.replace(FOLDER, str(self._folder))

    def _compare(self, step: Commands, output: str) -> None:
        missing = first_difference(step.shows, output)
        assert not missing, f"{step.script}\nshould show\n{missing}\nand shows\n{output}"

    async def _second_terminal(self) -> Shell:
        if self._shell is None:
            self._shell = await Shell.open(self._folder.parent)
            self._opened.push_async_callback(self._shell.close)
        return self._shell

    async def _operators_page(self) -> OperatorsPage:
        """In a browser, or by its requests on a machine without one."""
        if self._page is None:
            settings = json.loads((self._folder / "settings.json").read_text(encoding="utf-8"))["Values"]
            address = settings["WEBHOOK_URL"].replace("/dataverse/bookings", "/operations")
            key = settings["WEBHOOK_KEY"]
            browser = shutil.which("chromium") or shutil.which("google-chrome")
            if browser:
                self._page = BrowserPage(await self._browse(browser), address, key)
            else:
                self._page = JsonPage(address, key, settings["SSL_CERT_FILE"])
        return self._page

    async def _browse(self, browser: str) -> Page:
        playwright = await self._opened.enter_async_context(async_playwright())
        launched = await playwright.chromium.launch(
            # Tests may run as root, which Chromium's sandbox refuses; the pages are our own.
            executable_path=browser,
            args=["--no-sandbox", "--disable-dev-shm-usage"],
        )
        self._opened.push_async_callback(launched.close)
        context = await launched.new_context(ignore_https_errors=True)  # of a throwaway authority
        return await context.new_page()


async def keep_clear_of_the_catch_up() -> None:
    """Wait while one is near: it fails before provisioning, and the doctor would rightly complain."""
    left = CATCH_UP_SECONDS - time.time() % CATCH_UP_SECONDS
    if left < CLEAR_SECONDS:
        await asyncio.sleep(left)


@pytest.mark.timeout(300)  # it is a whole day's work: 2,000 bookings, a dozen commands, a browser
async def test_the_document_is_true(tmp_path: Path) -> None:
    """Every command of docs/walkthrough.md runs as written, and shows what the page says."""
    if not (REPOSITORY / ".venv" / "bin" / "python").exists():
        pytest.skip("the document's commands use .venv, which `make` makes")
    steps = read_steps(DOCUMENT.read_text(encoding="utf-8"))
    await keep_clear_of_the_catch_up()
    folder = tmp_path / "walkthrough"
    async with Walker(folder) as walker:
        for step in steps:
            await walker.take(step)
        assert walker.stack
        await walker.stack.interrupt()
    assert not folder.exists()


def test_an_excerpt_is_found_in_an_output() -> None:
    """Lines in their order, with gaps of any width; `…` for anything within a line, or for lines."""
    output = "a table\nname     is\nAnna  ok 12:30\n\nBen   ok\nall well\n"
    assert first_difference("name is\nAnna ok …\n…\nall well", output) == ""
    assert first_difference("a table\n…\nBen ok\nall well", output) == ""


@pytest.mark.parametrize(
    ("excerpt", "difference"),
    [
        ("Anna", "Anna"),
        ("all well\n…\na table", "a table"),
        ("a table\nBen ok", "a table\nBen ok"),
        ("… ok 12:31", "… ok 12:31"),
        ("nAme is", "nAme is"),
    ],
)
def test_what_is_not_in_an_output_is_told(excerpt: str, difference: str) -> None:
    """Parts of lines, another order, lines left out unsaid, other words: each is a difference."""
    output = "a table\nname is\nAnna ok 12:30\nBen ok\nall well"
    assert first_difference(excerpt, output) == difference


def test_a_document_becomes_steps() -> None:
    """Commands with what they show, their terminal and exit code, and steps on the page."""
    steps = read_steps(
        "# Try\n<!-- terminal: another -->\n```bash\nserve\n```\n```text\nup\n```\nText, `code`.\n"
        "<!-- page: press | Try all again -->\n<!-- exit code: 1 -->\n```bash\nlist\n```\n"
    )
    assert steps == [
        Commands("serve\n", "up\n", in_another_terminal=True),
        PageStep(("press", "Try all again")),
        Commands("list\n", "", exit_code=1),
    ]


@pytest.mark.parametrize(
    "markdown",
    [
        "```python\nx\n```\n",
        "<!-- expcet: x -->\n",
        "<!-- exit code: 1 -->\n",
        "```bash\nx\n```\n" + 2 * "```text\ny\n```\n",
    ],
)
def test_what_nobody_would_run_is_refused(markdown: str) -> None:
    """A slip of the pen must not leave a part of the document untested."""
    with pytest.raises(NotUnderstoodError):
        read_steps(markdown)


async def test_a_shell_keeps_what_blocks_leave_and_tells_failures(tmp_path: Path) -> None:
    """Variables and functions last; any command that fails is told, though others follow."""
    shell = await Shell.open(tmp_path)
    try:
        assert (await shell.run("set -- one two; greet() { echo hello; }")).code == 0
        ended = await shell.run('greet "$1"\ngrep x /dev/null\necho "$2"')
        assert (ended.code, ended.output) == (1, "hello\ntwo")
        assert (await shell.run("true")).code == 0
    finally:
        await shell.close()
