"""`provision` where it may not do all, where something is in the way, and what it says before it removes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from booking_sync.cli.exit_codes import ExitCode
from local.stack import NO_TIMERS, LocalStack, StackOptions
from tests.cli.commands import CommandLine, Ended

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

pytestmark = pytest.mark.timeout(180)
WEBHOOK = {"WEBHOOK_URL": "https://localhost:9/api/dataverse/bookings", "WEBHOOK_KEY": "a-made-up-key"}
"""Nothing listens there."""


class EmptySite:
    """A stack without an app, in whose Dataverse nothing of ours is."""

    def __init__(self, stack: LocalStack) -> None:
        self.stack = stack
        self._line = CommandLine(stack.options.folder / "settings.json", stack.options.folder)

    async def provision(self, *arguments: str, environ: Mapping[str, str] | None = None) -> Ended:
        """Run the command as the app, whose webhook is not tried."""
        more = () if {"--remove", "--user-only"} & set(arguments) else ("--no-trial",)
        words = ("provision", *arguments, *more, "--auth", "app", "--json")
        return await self._line.run(*words, environ={**WEBHOOK, **(environ or {})})

    async def refuse(self, *privileges: str) -> None:
        """Let nobody have these any more."""
        await self.stack.dataverse.configure(missing_privileges=list(privileges))


@pytest_asyncio.fixture
async def site(tmp_path: Path) -> AsyncIterator[EmptySite]:
    """An empty one for each test."""
    options = StackOptions(tmp_path, provisioned=False, hosts=0, settings=NO_TIMERS)
    async with LocalStack(options) as stack:
        yield EmptySite(stack)


def results(ended: Ended) -> dict[str, str]:
    """By kind what became of the parts; of a kind with several the last one's."""
    return {each["kind"]: each["result"] for each in ended.json()["parts"]}


async def test_rights_that_could_not_be_given_are_no_success(site: EmptySite) -> None:
    """The rest is made, the reason told, and the exit code 1; not where somebody may not even look."""
    await site.refuse("prvWriteRole")
    for options in ([], ["--user-only"]):
        refused = await site.provision(*options)
        told = refused.json()
        assert (refused.code, told["complete"]) == (ExitCode.FINDINGS, False), refused.notes
        assert told["changed"] is (options == [])
        assert "prvWriteRole" in refused.notes.splitlines()[-1]
        assert "nothing was changed" not in refused.notes
        assert results(refused)["rights"] == "missing"
    assert len(await site.stack.dataverse.rows("sdkmessageprocessingsteps")) == 6
    await site.refuse("prvReadRole")
    unseen = await site.provision()
    assert (unseen.code, results(unseen)["application user"]) == (ExitCode.FINE, "kept")
    await site.refuse()
    assert (await site.provision()).json()["complete"] is True
