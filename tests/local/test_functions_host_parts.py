"""The pure parts of the small Functions host: configuration, back-off, schedules, the choice of host."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from local.functions_host.configuration import ConfigurationError, HostSettings, read_host_settings
from local.functions_host.functions import TimerTrigger
from local.functions_host.queue_trigger import Backoff
from local.functions_host.timer_trigger import TimerListener, next_run
from local.stack import core_tools

if TYPE_CHECKING:
    from pathlib import Path

    from azure.functions.timer import TimerRequest

    from local.functions_host.functions import Function


def test_host_json_has_the_real_defaults(tmp_path: Path) -> None:
    """What host.json doesn't say is as Microsoft documents it."""
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    settings = read_host_settings(tmp_path)
    assert settings == HostSettings()
    queues = settings.queues
    assert (settings.route_prefix, queues.batch_size, queues.new_batch_threshold) == ("api", 16, 8)
    assert (queues.max_dequeue_count, queues.visibility_seconds, queues.base64) == (5, 0, True)
    assert queues.max_polling_seconds == 60
    (tmp_path / "host.json").write_text('{"version": "2.0", "extensions": {"queues": {"batchSize": 32}}}')
    assert read_host_settings(tmp_path).queues.new_batch_threshold == 16


@pytest.mark.parametrize(
    ("queues", "words"),
    [
        ('{"batchSize": 33}', "batchSize must be a whole number from 1 to 32"),
        ('{"maxDequeueCount": "5"}', "maxDequeueCount must be a whole number"),
        ('{"batchsize": 3}', "unknown in extensions.queues: batchsize"),
        ('{"visibilityTimeout": "30"}', "'30' is no time span"),
        ('{"messageEncoding": "utf8"}', "messageEncoding must be"),
    ],
)
def test_a_bad_host_json_is_refused_with_the_reason(tmp_path: Path, queues: str, words: str) -> None:
    """A queue option that the real host refuses, or wouldn't understand, is named."""
    content = f'{{"version": "2.0", "extensions": {{"queues": {queues}}}}}'
    (tmp_path / "host.json").write_text(content)
    with pytest.raises(ConfigurationError, match=words):
        read_host_settings(tmp_path)


def test_polling_backs_off_and_comes_back_at_once() -> None:
    """Pauses double from 100 ms up to the bound; a message resets them."""
    backoff = Backoff(longest_seconds=1)
    assert [backoff.pause(found=False) for _ in range(5)] == [0.1, 0.2, 0.4, 0.8, 1]
    assert [backoff.pause(found=found) for found in (True, False)] == [0, 0.1]


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("*/5 * * * * *", datetime(2026, 1, 1, 0, 0, 5, tzinfo=UTC)),
        ("0 30 2 * * 1-5", datetime(2026, 1, 1, 2, 30, tzinfo=UTC)),
        ("30 2 * * *", datetime(2026, 1, 1, 2, 30, tzinfo=UTC)),
    ],
)
def test_schedules_have_seconds_first(schedule: str, expected: datetime) -> None:
    """NCRONTAB's six fields start with seconds; five leave them at zero."""
    assert next_run(schedule, datetime(2026, 1, 1, tzinfo=UTC)) == expected


@pytest.mark.parametrize("schedule", ["", "daily", "0 61 * * * *", "0 0 0 0 0 0 0"])
def test_bad_schedules_are_refused(schedule: str) -> None:
    """What is no NCRONTAB expression is a configuration error."""
    with pytest.raises(ConfigurationError, match="NCRONTAB"):
        next_run(schedule, datetime(2026, 1, 1, tzinfo=UTC))


@dataclass
class LongRuns:
    """Stands for the app: its runs take as long as they are told to, on a clock that only waiting moves."""

    seconds: list[float]
    """Of each run; the timer is stopped after the last."""
    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    begun: list[float] = field(default_factory=list)
    past_due: list[bool] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def call(self, _function: Function, request: TimerRequest) -> None:
        """A run."""
        self.begun.append((self.now - datetime(2026, 1, 1, tzinfo=UTC)).total_seconds())
        self.past_due.append(request.past_due)
        await self.sleep(self.seconds[len(self.begun) - 1])
        if len(self.begun) == len(self.seconds):
            self.ended.set()
            await asyncio.Event().wait()

    async def sleep(self, seconds: float) -> None:
        """Time passes."""
        assert seconds >= 0
        self.now += timedelta(seconds=seconds)
        await asyncio.sleep(0)


async def test_a_run_longer_than_its_interval_is_followed_by_one_at_once() -> None:
    """Never beside it, not called past due, and what else was missed is dropped.

    Seen on the real timer of Microsoft.Azure.WebJobs.Extensions 3.0.6.
    """
    app = LongRuns([25.0, 1.0, 12.0, 0.0, 0.0])
    trigger = TimerTrigger("*/10 * * * * *", run_on_startup=False)
    function = cast("Function", SimpleNamespace(name="timer"))
    listener = TimerListener(function, trigger, app, lambda: app.now, app.sleep)
    await listener.start()
    await app.ended.wait()
    await listener.stop()
    assert app.begun == [10.0, 35.0, 40.0, 52.0, 60.0]
    assert app.past_due == [False] * 5


def test_the_core_tools_are_used_where_they_are_installed(tmp_path: Path) -> None:
    """`func` on the PATH wins unless LOCAL_STACK_HOST says otherwise; asking in vain is an error."""
    tool = tmp_path / "func"
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    with_func, without = {"PATH": str(tmp_path)}, {"PATH": os.devnull}
    assert core_tools.choose_host(with_func) == "func"
    assert core_tools.choose_host(without) == "own"
    assert core_tools.choose_host({**with_func, "LOCAL_STACK_HOST": "own"}) == "own"
    with pytest.raises(ValueError, match="no `func` on the PATH"):
        core_tools.choose_host({**without, "LOCAL_STACK_HOST": "func"})
    with pytest.raises(ValueError, match="must be own or func"):
        core_tools.choose_host({**without, "LOCAL_STACK_HOST": "other"})
