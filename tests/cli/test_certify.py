"""`certify` as a person runs it, on a provisioned stack."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from booking_sync.certify.assumptions import ASSUMPTIONS
from booking_sync.certify.checks import CHECKS
from booking_sync.cli.exit_codes import ExitCode
from tests.cli.commands import CommandLine, end
from tests.doctor.deployment import Deployment

if TYPE_CHECKING:
    pass

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]


async def test_a_tenant_as_it_is_assumed(deployment: Deployment, command_line: CommandLine) -> None:
    """Exit code 0; a row per assumption, and a summary; no secret is spoken, and nothing is left."""
    ended = await command_line.run("certify", "--mailbox", deployment.office.anna.email)
    assert ended.code == ExitCode.FINE, ended.output + ended.notes
    for title in ("Outlook", "Dynamics 365", "the app in Azure"):
        assert f"\n{title}" in f"\n{ended.output}"
    assert "property_in_post" in ended.output
    assert "are removed for good in the end" not in ended.output
    assert ended.notes.rstrip().endswith("not tried.")
    assert deployment.stack.client_secret not in ended.output + ended.notes
    assert await deployment.stack.graph.events() == []


async def test_an_answer_that_asks_for_something(deployment: Deployment, command_line: CommandLine) -> None:
    """Exit code 1, with what to do below what was seen; as JSON beside it, for every assumption."""
    shift = {"zone": "Europe/Berlin", "since": "2027-03-28T01:00:00+00:00", "minutes": 60}
    await deployment.stack.graph.configure(zone_shifts=[shift])
    mailbox = deployment.office.anna.mailbox
    shown = await command_line.run("certify", "--mailbox", mailbox)
    told = await command_line.run("certify", "--mailbox", mailbox, "--json")
    await deployment.stack.graph.configure(zone_shifts=[])
    assert (shown.code, told.code) == (ExitCode.FINDINGS, ExitCode.FINDINGS)
    assert "→ Update the app's package tzdata." in shown.output
    results = {each["assumption"]: each for each in told.json()["results"]}
    assert results.keys() == ASSUMPTIONS.keys()
    assert "2027-03-28 04:00 UTC by +60 min" in results["zone_rules"]["seen"]
    assert results["zone_rules"]["outcome"] == "otherwise"
    assert mailbox not in told.output


async def test_telemetry_is_looked_for_where_it_is_told(
    deployment: Deployment, command_line: CommandLine
) -> None:
    """In the workspace of --workspace, by whoever --workspace-auth says; without it, the words say how."""
    await deployment.stack.logs.call("POST", "lines", {"event": "catch_up", "ageSeconds": 60})
    workspace = deployment.stack.identities.workspace_id
    options = ("certify", "--json", "--workspace-auth", "app")
    there = await command_line.run(*options, "--workspace", workspace.upper())
    elsewhere = await command_line.run(*options, "--workspace", deployment.office.anna.mailbox)
    untold = await command_line.run(*options)
    assert {ended.code for ended in (there, elsewhere, untold)} == {ExitCode.FINE}
    told = [
        next(each for each in ended.json()["results"] if each["assumption"] == "telemetry_arrives")
        for ended in (there, elsewhere, untold)
    ]
    assert [each["outcome"] for each in told] == ["as assumed", "not tried", "not tried"]
    assert "no workspace of this id (404 WorkspaceNotFoundError)" in told[1]["seen"]
    assert told[2]["seen"].endswith("somebody who may read it: --workspace")
    assert workspace not in there.output.lower()


async def test_a_dry_run_writes_nothing(deployment: Deployment, command_line: CommandLine) -> None:
    """It lists every check with what it would do, or what it lacks, and asks neither Graph nor for rows."""
    await deployment.stack.graph.clear_requests()
    ended = await command_line.run(
        "certify", "--dry-run", "--json", "--mailbox", deployment.office.anna.mailbox
    )
    assert ended.code == ExitCode.FINE, ended.notes
    plan = {each["assumptions"]: each["does"] for each in ended.json()}
    assert len(plan) == len(CHECKS)
    assert plan["long_event"] == "makes an event of six years, shown as free"
    assert plan["webhooks_at_once"] == "needs the webhook's address and key: WEBHOOK_URL and WEBHOOK_KEY"
    assert "no other event is touched" in ended.notes
    assert await deployment.stack.graph.requests() == []


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/events/"), ("POST", "/permanentDelete")],
    ids=["reading an event", "cleaning up"],
)
async def test_ctrl_c_removes_what_was_made(
    deployment: Deployment, command_line: CommandLine, method: str, path: str
) -> None:
    """The process is interrupted while an event is read back or removed; nothing is left in the calendar."""
    await deployment.hold(path, method)
    process = await command_line.start("certify", "--mailbox", deployment.office.anna.mailbox)
    await deployment.until_held()
    process.send_signal(signal.SIGINT)
    ended = await end(process)
    assert (ended.code, "Interrupted." in ended.notes) == (ExitCode.INTERRUPTED, True)
    assert await deployment.stack.graph.events() == []


@pytest.mark.parametrize("pressed", ["enter", "ctrl-c"])
async def test_a_person_is_asked_for_a_copy(
    deployment: Deployment, command_line: CommandLine, pressed: str
) -> None:
    """It waits for Enter and looks at the copy, which stays; Ctrl-C removes what was made."""
    graph, mailbox = deployment.stack.graph, deployment.office.ben.mailbox
    person, terminal = os.openpty()
    try:
        process = await command_line.start(
            "certify", "--json", "--by-hand", "--mailbox", mailbox, keyboard=terminal
        )
        assert process.stderr
        while b"Then press Enter." not in (line := await process.stderr.readline()):
            assert line, "it ended before it asked"
        newest = (await graph.events(mailbox))[-1]
        copy = await graph.user("copy", mailbox, id=newest["immutableId"])
        if pressed == "enter":
            os.write(person, b"\n")
        else:
            process.send_signal(signal.SIGINT)
        ended = await end(process)
    finally:
        os.close(person)
        os.close(terminal)
    left = await graph.events(mailbox)
    await graph.user("delete", mailbox, id=copy["immutableId"], forGood=True)
    assert [each["immutableId"] for each in left] == [copy["immutableId"]]
    if pressed == "enter":
        results = {each["assumption"]: each for each in ended.json()["results"]}
        assert results["copy_carries"]["seen"] == "marks"
        assert results["copy_is_another"]["outcome"] == "as assumed"
    else:
        assert ended.code == ExitCode.INTERRUPTED


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--booking", "7"), "--booking must be a GUID"),
        (("--workspace", "log-booking-sync"), "--workspace must be a GUID"),
        (
            tuple(
                part
                for number in range(3)
                for part in ("--mailbox", f"1b671a64-40d5-491e-99b0-da01ff1f334{number}")
            ),
            "--mailbox may be given twice",
        ),
        (("--by-hand",), "nobody can be asked here"),
    ],
)
async def test_what_makes_no_sense(command_line: CommandLine, arguments: tuple[str, ...], words: str) -> None:
    """A usage error in words, before anything is asked."""
    ended = await command_line.run("certify", *arguments)
    assert (ended.code, words in ended.notes) == (ExitCode.USAGE, True), ended.notes


async def test_a_mailbox_of_nobody(command_line: CommandLine) -> None:
    """A name that Dynamics 365 does not know is refused in words, and not repeated."""
    ended = await command_line.run("certify", "--mailbox", "nobody@contoso.com")
    assert (ended.code, "no user has the sign-in name" in ended.notes) == (ExitCode.FINDINGS, True)
    assert "nobody@contoso.com" not in ended.output + ended.notes
