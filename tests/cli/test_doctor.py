"""`doctor` as a person runs it, on a provisioned stack."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

import pytest

from booking_sync.cli.exit_codes import ExitCode
from tests.cli.commands import CommandLine, end
from tests.doctor.deployment import READING_BACK, Deployment

if TYPE_CHECKING:
    pass

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_healthy_deployment(deployment: Deployment, command_line: CommandLine) -> None:
    """Exit code 0, a table by area, and a summary; no secret is spoken."""
    ended = await command_line.run("doctor", "--mailbox", deployment.office.ben.email)
    assert ended.code == ExitCode.FINE, ended.notes
    for title in ("settings", "storage", "client secret", "Dataverse", "registration", "mailboxes"):
        assert f"\n{title}" in f"\n{ended.output}"
    assert "a test event was made" in ended.output
    assert ended.notes.endswith("ok.\n")
    assert deployment.stack.client_secret not in ended.output + ended.notes


async def test_a_finding_comes_with_its_remedy(deployment: Deployment, command_line: CommandLine) -> None:
    """Exit code 1; in the table below the finding, in JSON beside it."""
    await deployment.poison("{}", "No mailbox.")
    shown = await command_line.run("doctor", "--dry-run", "--mailbox", deployment.office.anna.mailbox)
    told = await command_line.run("doctor", "--json", "--outside-mailbox", deployment.office.anna.mailbox)
    await deployment.stack.queue.take_poison()
    assert (shown.code, told.code) == (ExitCode.FINDINGS, ExitCode.FINDINGS)
    assert "→ `booking-sync poison list`" in shown.output
    assert "would make" in shown.output
    report = told.json()
    by_check = {each["check"]: each for each in report["findings"]}
    assert report["healthy"] is False
    assert by_check["poison queue"]["severity"] == "warning"
    assert by_check[f"outside: {deployment.office.anna.mailbox}"]["severity"] == "error"
    assert set(by_check["poison queue"]) == {"area", "check", "severity", "found", "remedy"}


async def test_the_webhook_s_key_is_compared_when_it_is_given(
    deployment: Deployment, command_line: CommandLine
) -> None:
    """Another key than the registered one is a finding; neither is spoken."""
    secret = {"WEBHOOK_KEY": "another-key"}
    ended = await command_line.run("doctor", "--json", environ=secret)
    (webhook,) = [each for each in ended.json()["findings"] if each["check"] == "webhook booking_sync"]
    assert (webhook["severity"], webhook["found"]) == ("error", "differs: another key")
    assert "another-key" not in ended.output + ended.notes
    right = await command_line.run("doctor", "--json", environ={"WEBHOOK_KEY": deployment.key})
    assert right.code == ExitCode.FINE, right.notes


async def test_ctrl_c_removes_the_test_event(deployment: Deployment, command_line: CommandLine) -> None:
    """The process is interrupted while the event is read back; nothing is left in the calendar."""
    await deployment.hold(READING_BACK, "GET")
    process = await command_line.start("doctor", "--mailbox", deployment.office.anna.mailbox)
    await deployment.until_held()
    process.send_signal(signal.SIGINT)
    ended = await end(process)
    assert (ended.code, "Interrupted." in ended.notes) == (ExitCode.INTERRUPTED, True)
    assert await deployment.stack.graph.events() == []


async def test_without_settings_everything_that_is_missing_is_named(
    command_line: CommandLine, deployment: Deployment
) -> None:
    """No traceback, and exit code 1, since that is a finding too."""
    empty = deployment.stack.options.folder / "empty.json"
    empty.write_text(json.dumps({"Values": dict.fromkeys(deployment.environ, "")}))
    ended = await CommandLine(empty, command_line.folder).run("doctor")
    assert ended.code == ExitCode.FINDINGS
    assert "Traceback" not in ended.notes
    for name in ("AzureWebJobsStorage", "KEY_VAULT_URL", "ENTRA_TENANT_ID", "DATAVERSE_URL"):
        assert name in ended.output
