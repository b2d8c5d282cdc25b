"""Child processes of the local stack: ready, stopped, killed, and never left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from local.processes import Leash, ManagedProcess, StartError, ready_json

if TYPE_CHECKING:
    from collections.abc import Callable

READY = "import sys, time; print('hello'); print('{\"ready\": \"http://x\"}', flush=True); "
SLEEP = READY + "time.sleep(60)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEP
LEASHES: list[Leash] = ["watch", "signal"] if sys.platform == "linux" else ["watch"]


def python(code: str) -> list[str]:
    """The command line that runs the code."""
    return [sys.executable, "-I", "-S", "-c", code]


def is_alive(process_id: int) -> bool:
    """Whether the process runs; a dead one that nobody has waited for doesn't count."""
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{process_id}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait until the condition holds; pytest's timeout ends it when it never does."""
    while not condition():  # noqa: ASYNC110 - another process changes it, so there is no event to wait for
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("leash", LEASHES)
async def test_ready_line_gives_the_url_and_leaving_the_context_ends_the_child(leash: Leash) -> None:
    """A child is started, its ready line read, and after the context it is gone."""
    async with ManagedProcess("child", python(SLEEP), leash=leash) as child:
        assert child.url == "http://x"
        assert child.tail[0] == "hello"
        assert child.exit_code is None
        process_id = child.process_id
    assert child.exit_code is not None
    assert not is_alive(process_id)


async def test_a_child_that_ends_early_is_a_start_error_with_its_output() -> None:
    """Who ends before being ready is reported with its exit code and last words."""
    with pytest.raises(StartError, match=r"(?s)exit code 3.*no such thing"):
        await ManagedProcess("child", python("print('no such thing'); raise SystemExit(3)")).start()


async def test_a_silent_child_is_a_start_error_and_gone() -> None:
    """Who keeps silent is given up and killed."""
    child = ManagedProcess("child", python("import time; time.sleep(60)"), start_timeout_seconds=0.2)
    with pytest.raises(StartError, match=r"not ready after 0\.2 s"):
        await child.start()
    assert not is_alive(child.process_id)


async def test_a_missing_program_is_a_start_error() -> None:
    """A program that doesn't exist is told by its name."""
    with pytest.raises(StartError, match="no-such-program"):
        await ManagedProcess("child", ["no-such-program"]).start()


async def test_stop_kills_who_does_not_listen() -> None:
    """A child that ignores SIGTERM is killed after the bound."""
    child = ManagedProcess("child", python(STUBBORN), leash="signal" if "signal" in LEASHES else "watch")
    await child.start()
    assert await child.stop(grace_seconds=0.2) == -signal.SIGKILL


async def test_kill_ends_the_child_and_its_own_children() -> None:
    """A kill takes the whole process group, as a crash of a container would."""
    code = "import subprocess; p = subprocess.Popen(['sleep', '60']); print('child', p.pid); " + SLEEP
    child = ManagedProcess("child", python(code))
    await child.start()
    grandchild = int(next(line for line in child.tail if line.startswith("child ")).split()[1])
    child.kill()
    assert await child.wait() == -signal.SIGKILL
    await eventually(lambda: not is_alive(grandchild))


@pytest.mark.parametrize("leash", LEASHES)
async def test_children_die_with_a_parent_that_is_killed(leash: Leash) -> None:
    """When the parent gets SIGKILL, and so can't clean up, its children end all the same."""
    parent_code = f"""
import asyncio, sys
sys.path.insert(0, {str(Path.cwd())!r})
from local.processes import ManagedProcess
async def main():
    child = ManagedProcess("child", [sys.executable, "-c", {SLEEP!r}], leash={leash!r})
    await child.start()
    print('{{"ready": "%d"}}' % child.process_id, flush=True)
    await child.wait()
asyncio.run(main())
"""
    parent = ManagedProcess("parent", [sys.executable, "-c", parent_code])
    child_id = int(await parent.start())
    assert is_alive(child_id)
    os.kill(parent.process_id, signal.SIGKILL)
    await parent.wait()
    await eventually(lambda: not is_alive(child_id))


async def test_output_goes_to_the_log_file_and_only_its_end_is_kept(tmp_path: Path) -> None:
    """The log file has every line, the tail a bounded number; a huge line does no harm."""
    log = tmp_path / "child.log"
    code = "print('x' * 3_000_000); [print(n) for n in range(1000)]; " + READY
    child = ManagedProcess("child", python(code), log_file=log)
    await child.start()
    assert await child.wait() == 0
    assert len(child.tail) == 200
    assert b"\n0\n" in log.read_bytes()
    assert b"\n999\n" in log.read_bytes()


async def test_a_child_can_be_started_again_but_not_twice_at_once() -> None:
    """A stopped child can be restarted; a running one refuses."""
    child = ManagedProcess("child", python(SLEEP))
    await child.start()
    with pytest.raises(RuntimeError, match="runs already"):
        await child.start()
    await child.stop()
    assert await child.start() == "http://x"
    await child.stop()


async def test_what_was_never_started_says_so() -> None:
    """Stopping what was never started is a programming error, told as such."""
    with pytest.raises(RuntimeError, match="never started"):
        await ManagedProcess("child", python(SLEEP)).stop()


@pytest.mark.parametrize("line", ["ready", "{broken", '{"ready": 1}', "{}", '["ready"]'])
def test_other_lines_are_not_ready_lines(line: str) -> None:
    """Only a JSON object with a text `ready` counts."""
    assert ready_json(line) is None
