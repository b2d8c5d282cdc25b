"""The local stack as a person meets it: the printed commands work, and it ends as told, whatever happens."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from local.processes import REPOSITORY, StartError, python_module
from local.stack import LocalStack, StackOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

LAST_TITLE = "A webhook of your own"


async def _shell(command: str) -> str:
    process = await asyncio.create_subprocess_shell(
        command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _nothing = await process.communicate()
    assert process.returncode == 0, output.decode()
    return output.decode()


async def _cli(*arguments: str, environment: Mapping[str, str]) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *python_module("local", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=environment,
        cwd=REPOSITORY,
    )
    output, _nothing = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


async def _started_workshop(process: asyncio.subprocess.Process) -> dict[str, str]:
    """The commands that `start` prints, by their titles."""
    assert process.stdout is not None
    commands: dict[str, str] = {}
    title = ""
    async for raw in process.stdout:
        line = raw.decode().rstrip()
        if line.startswith("curl "):
            commands[title] = line
            if title == LAST_TITLE:
                return commands
        elif line:
            title = line
    raise AssertionError(f"ended with {await process.wait()}, {commands}")


def _find(commands: Mapping[str, str], title: str) -> str:
    return next(command for name, command in commands.items() if name.startswith(title))


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_the_printed_commands_work_and_ctrl_c_ends_everything() -> None:
    """`start` prints commands that do what they say when pasted, and Ctrl-C leaves nothing running."""
    process = await asyncio.create_subprocess_exec(
        *python_module("local", "start"), stdout=asyncio.subprocess.PIPE, cwd=REPOSITORY
    )
    try:
        commands = await _started_workshop(process)
        bookings = json.loads(await _shell(_find(commands, "The bookings")))
        people = json.loads(await _shell(_find(commands, "The technicians")))
        await _shell(_find(commands, "Change a booking"))
        answer = json.loads(await _shell(_find(commands, LAST_TITLE)))
        async with asyncio.timeout(20):
            while "changed by hand" not in await _shell(_find(commands, "The Outlook day")):
                pass
    finally:
        process.send_signal(signal.SIGINT)
        await process.communicate()

    assert process.returncode == 0
    assert len(bookings) == 8
    assert len(people) > 4
    assert answer["status"] == "queued"
    for address in set(re.findall(r"https://localhost:(\d+)", "".join(commands.values()))):
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", int(address))


async def test_without_node_the_command_says_so(tmp_path: Path) -> None:
    """Where Node.js is missing, one clear message comes instead of a traceback."""
    status, output = await _cli("run", environment={**os.environ, "PATH": str(tmp_path)})

    assert status == 1
    assert "Node.js 18" in output
    assert "make run" in output
    assert "Traceback" not in output


async def test_a_day_that_is_too_small_is_refused() -> None:
    """An option out of its range is refused before anything starts."""
    status, output = await _cli("run", "--bookings", "3", environment=os.environ)

    assert status == 2
    assert "must be a whole number, 10 or more" in output


async def test_an_app_that_can_not_start_leaves_nothing_running(tmp_path: Path) -> None:
    """When the app can't be loaded, the stack raises with the host's own words and stops everything."""
    app = tmp_path / "app"
    app.mkdir()
    (app / "host.json").write_text('{"version": "2.0"}')
    (app / "function_app.py").write_text("raise RuntimeError('no such day')\n")
    stack = LocalStack(StackOptions(tmp_path / "stack", app_folder=app))

    with pytest.raises(StartError, match="no such day"):
        async with stack:
            pytest.fail("the stack started")

    assert stack.processes
    assert [process.name for process in stack.processes if process.exit_code is None] == []


SLOW_APP = """
import asyncio, os
import azure.functions as func

app = func.FunctionApp()

@app.queue_trigger("message", "%BOOKING_QUEUE_NAME%", "AzureWebJobsStorage")
async def work(message: func.QueueMessage) -> None:
    with open(os.environ["NOTES"], "a") as file:
        file.write(f"{message.dequeue_count}\\n")
    if message.dequeue_count == 1:
        await asyncio.sleep(600)
"""


async def test_a_deployment_ends_what_runs_by_force(tmp_path: Path) -> None:
    """As the platform's default strategy does it: the message in work comes back to the new host."""
    app, notes = tmp_path / "app", tmp_path / "notes"
    app.mkdir()
    (app / "host.json").write_text(
        '{"version": "2.0", "extensions": {"queues": {"maxPollingInterval": "00:00:00.2"}}}'
    )
    (app / "function_app.py").write_text(SLOW_APP)
    settings = {"NOTES": str(notes)}
    async with LocalStack(
        StackOptions(tmp_path / "stack", app_folder=app, settings=settings, hidden_seconds=2)
    ) as stack:
        await stack.queue.send("a change")
        while not notes.exists():  # noqa: ASYNC110 - another process writes it, so there is no event to wait for
            await asyncio.sleep(0.05)
        before = stack.hosts[0].process_id
        await stack.deploy()
        await stack.wait_until_quiet()
        assert stack.hosts[0].process_id != before
    assert notes.read_text().splitlines() == ["1", "2"]


def test_hosts_take_as_many_requests_as_the_template_says() -> None:
    """What infra/ deploys is what the local stack plays."""
    template = (REPOSITORY / "infra" / "main.bicep").read_text(encoding="utf-8")
    (deployed,) = re.findall(r"^param perInstanceConcurrency int = (\d+)$", template, re.MULTILINE)
    assert StackOptions(Path()).http_concurrency == int(deployed)


async def test_two_hosts_share_one_queue(tmp_path: Path) -> None:
    """More than one host can run; both are the production app, and both end with the stack."""
    async with LocalStack(StackOptions(tmp_path, hosts=2)) as stack:
        running = [host.exit_code for host in stack.hosts]

    assert running == [None, None]
    assert all(process.exit_code is not None for process in stack.processes)
