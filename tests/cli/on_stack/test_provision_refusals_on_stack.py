"""`provision` where it may not do all, where something is in the way, and what it says before it removes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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

    async def named(self, entity_set: str, name: str) -> list[dict[str, Any]]:
        """The rows of a table that somebody calls so."""
        found = await self.stack.dataverse.rows(entity_set)
        return [row for row in found.values() if name in (row.get("name"), row.get("uniquename"))]

    async def sign_in_as_somebody_else(self) -> None:
        """Have the user that signs in be another one than the app registration's."""
        other = {"applicationid": "1b671a64-40d5-491e-99b0-da01ff1f3341"}
        user = self.stack.identities.app_user_id
        await self.stack.dataverse.update("systemusers", user, other, webhooks=False)

    async def leave_the_root_unit(self) -> None:
        """Have the application user belong to another business unit."""
        root = next(iter(await self.stack.dataverse.rows("businessunits")))
        below = {"name": "North", "parentbusinessunitid@odata.bind": f"/businessunits({root})"}
        north = await self.stack.dataverse.create("businessunits", below, webhooks=False)
        moved = {"businessunitid@odata.bind": f"/businessunits({north})"}
        user = self.stack.identities.app_user_id
        await self.stack.dataverse.update("systemusers", user, moved, webhooks=False)


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


async def test_nothing_is_changed_while_something_is_in_the_way(site: EmptySite) -> None:
    """No role before a webhook that can't be registered, no column before a user that can't get its role."""
    back = {"RETURN_PATH": "report", "NOTIFICATION_URL": "https://localhost/api/outlook/notifications"}
    blocked = await site.provision(environ={**back, "WEBHOOK_URL": "", "WEBHOOK_KEY": ""})
    assert (blocked.code, blocked.json()["changed"]) == (ExitCode.FINDINGS, False)
    assert (results(blocked)["webhook"], results(blocked)["security role"]) == ("in the way", "missing")
    assert "Nothing was changed: first see to what is in the way." in blocked.notes
    assert await site.named("roles", "booking_sync") == []

    await site.leave_the_root_unit()
    blocked = await site.provision(environ=back)
    assert (blocked.code, blocked.json()["changed"]) == (ExitCode.FINDINGS, False)
    assert results(blocked)["application user"] == "in the way"
    assert await site.named("publishers", "bsyncpublisher") == []
    # Neither of them made the key of notifications.
    made = await site.provision("--leave-user", environ=back)
    assert (made.code, results(made)["key of notifications"]) == (ExitCode.FINE, "made"), made.notes


async def test_what_is_removed_is_told_before(site: EmptySite) -> None:
    """User, role and Graph's subscriptions too, in a dry run and in the question; what stays is not named."""
    back = {"RETURN_PATH": "report", "NOTIFICATION_URL": "https://localhost/api/outlook/notifications"}
    await site.sign_in_as_somebody_else()
    assert (await site.provision(environ=back)).code == ExitCode.FINE
    looked = await site.provision("--remove", "--remove-columns", "--dry-run", environ=back)
    going = ("application user", "security role", "subscriptions", "column", "solution")
    told = {kind: result for kind, result in results(looked).items() if kind in going}
    assert (looked.code, looked.json()["changed"]) == (ExitCode.FINE, False)
    assert told == dict.fromkeys(going, "to be removed")
    assert len(await site.named("roles", "booking_sync")) == 1
    kept = results(await site.provision("--remove", "--dry-run"))
    assert kept.keys().isdisjoint({"application user", "security role", "subscriptions"})

    asked = await site.provision("--remove", "--remove-columns", environ=back)
    assert asked.code == ExitCode.USAGE
    assert (
        "remove the views, our sections on the forms, the steps, the webhook, our columns with all they "
        "hold, the solution, its publisher and the security role from Dataverse, disable the application "
        "user and end what Graph reports to NOTIFICATION_URL: add --yes"
    ) in " ".join(asked.notes.split())
    asked = await site.provision("--remove", "--leave-forms")
    less = "remove the views, the steps and the webhook from Dataverse: add --yes"
    assert less in " ".join(asked.notes.split())

    gone = await site.provision("--remove", "--remove-columns", "--yes")
    assert (gone.code, await site.named("roles", "booking_sync")) == (ExitCode.FINE, []), gone.notes
