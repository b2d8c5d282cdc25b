"""A debugger attaches to the app under the local host: breakpoints stop it, and it goes on afterwards."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from local.__main__ import read_arguments
from local.functions_host.keys import Keys
from local.processes import StartError
from local.stack import core_tools
from local.stack.launch import AppLaunch, host_process

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

KEYS = Keys(function="the-function-key", master="the-master-key")
APP = """\
import azure.functions as func

app = func.FunctionApp()


@app.route("add")
async def add(req: func.HttpRequest) -> func.HttpResponse:
    total = 1 + 1
    return func.HttpResponse(str(total))
"""
BREAKPOINT_LINE = 9


class Debugger:
    """A small client of the Debug Adapter Protocol, as an editor is one."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._sent = 0

    async def request(self, command: str, **arguments: Any) -> None:
        """Send a request; its answer comes among the messages."""
        self._sent += 1
        message = {"seq": self._sent, "type": "request", "command": command, "arguments": arguments}
        body = json.dumps(message).encode()
        self._writer.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        await self._writer.drain()

    async def until(self, kind: str, name: str) -> Any:
        """The body of the next such event or response; what comes before it is passed over."""
        while True:
            header = await self._reader.readuntil(b"\r\n\r\n")
            message = json.loads(await self._reader.readexactly(int(header.split()[1])))
            if message["type"] == kind and name in (message.get("event"), message.get("command")):
                assert message.get("success", True), message
                return message.get("body")


@asynccontextmanager
async def attached(port: int) -> AsyncIterator[Debugger]:
    """A debugger that has said hello."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        debugger = Debugger(reader, writer)
        await debugger.request("initialize", adapterID="python", linesStartAt1=True, pathFormat="path")
        await debugger.until("response", "initialize")
        await debugger.request("attach")
        await debugger.until("event", "initialized")
        yield debugger
    finally:
        writer.close()


def _launch(folder: Path, port: int) -> AppLaunch:
    (folder / "function_app.py").write_text(APP)
    (folder / "host.json").write_text('{"version": "2.0"}')
    return AppLaunch(folder, {}, KEYS, debug_port=port)


async def test_a_breakpoint_in_the_app_stops_it(tmp_path: Path) -> None:
    """The function waits where the breakpoint is, shows its variables, and answers when it may go on."""
    port = core_tools.free_port()
    async with (
        host_process(_launch(tmp_path, port), "own") as host,
        aiohttp.ClientSession(headers={"x-functions-key": KEYS.function}) as session,
        attached(port) as debugger,
    ):
        source = {"path": str(tmp_path / "function_app.py")}
        await debugger.request("setBreakpoints", source=source, breakpoints=[{"line": BREAKPOINT_LINE}])
        breakpoints = await debugger.until("response", "setBreakpoints")
        assert [each["verified"] for each in breakpoints["breakpoints"]] == [True]
        await debugger.request("configurationDone")
        answer = asyncio.create_task(session.get(f"{host.url}/api/add"))
        stopped = await debugger.until("event", "stopped")
        assert stopped["reason"] == "breakpoint"
        assert not answer.done()
        await debugger.request("continue", threadId=stopped["threadId"])
        async with await answer as response:
            assert await response.text() == "2"


async def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    """The host ends with the reason, instead of running without the debugger that somebody asked for."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StartError, match=f"error: no debugger can attach at port {port}: "):
            await host_process(_launch(tmp_path, port), "own").start()


def test_the_core_tools_start_their_worker_under_the_debugger() -> None:
    """`func` takes the arguments of Python from the environment; without a port there are none."""
    with_port = core_tools.func_environment({}, {}, 5678)
    assert with_port["languageWorkers__python__arguments"] == "-m debugpy --listen 127.0.0.1:5678"
    assert "languageWorkers__python__arguments" not in core_tools.func_environment({}, {})


def test_the_debugger_s_port_is_an_option_of_start() -> None:
    """Off unless it is asked for; a port that needs root is refused."""
    assert read_arguments(["start"]).debug_port is None
    assert read_arguments(["start", "--debug-port", "5678"]).debug_port == 5678
    with pytest.raises(SystemExit):
        read_arguments(["start", "--debug-port", "22"])


async def test_a_package_s_own_packages_come_first(tmp_path: Path) -> None:
    """What lies in .python_packages is what the app imports, as in Azure."""
    packages = tmp_path / ".python_packages" / "lib" / "site-packages"
    packages.mkdir(parents=True)
    (packages / "jinja2.py").write_text("whose = 'of the package'\n")
    launch = _launch(tmp_path, core_tools.free_port())
    (tmp_path / "function_app.py").write_text(
        APP.replace("import azure", "import jinja2\nimport azure").replace("str(total)", "jinja2.whose")
    )
    async with (
        host_process(launch, "own") as host,
        aiohttp.ClientSession(headers={"x-functions-key": KEYS.function}) as session,
        session.get(f"{host.url}/api/add") as response,
    ):
        assert await response.text() == "of the package"
