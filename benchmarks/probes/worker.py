"""One process of the worker, fed by nobody but itself, so that its processor time is the product's alone.

`python -m benchmarks.probes.worker <messages> <warm up with> <sample after> [--profile]`: a file of queue
messages, one a line, then numbers of bookings. The environment holds the app settings. Messages go through
the registered function, as many at a time as host.json lets the host hand out. Services are other processes.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import json
import logging
import pstats
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from azure.functions.queue import QueueMessage

from benchmarks.common.profiling import WAITING, group_of
from booking_sync.wiring.app import application

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HOST = Path(__file__).parents[2] / "host.json"
TOP = 25


def most_at_once() -> int:
    """How many messages the host hands to one process: a batch on top of the threshold for the next."""
    queues: Mapping[str, int] = json.loads(HOST.read_text())["extensions"]["queues"]
    return queues["batchSize"] + queues["newBatchThreshold"]


class Feeder:
    """Hands messages to the function, and takes samples.

    Args:
        messages: their texts.
        every: how many bookings lie between two samples.
    """

    def __init__(self, messages: list[str], every: int) -> None:
        self._left: Iterator[str] = iter(messages)
        self._every = every
        self._done = 0
        self._wall = self._process = self._thread = 0.0
        self.samples: list[tuple[int, float, float, float]] = []
        """Bookings done; processor seconds of the process and of the loop's thread; seconds by the clock."""

    async def run(self) -> None:
        """Work all of them off."""
        self._wall, self._process, self._thread = time.perf_counter(), time.process_time(), time.thread_time()
        async with asyncio.TaskGroup() as group:
            for _ in range(most_at_once()):
                group.create_task(self._work())

    async def _work(self) -> None:
        import function_app

        for text in self._left:
            message = QueueMessage(id="1", body=text.encode(), dequeue_count=1)  # type: ignore[no-untyped-call]
            await function_app.sync_booking_change(message)
            self._done += 1
            if self._done % self._every == 0:
                self.samples.append(
                    (
                        self._done,
                        time.process_time() - self._process,
                        time.thread_time() - self._thread,
                        time.perf_counter() - self._wall,
                    )
                )


class Profiler:
    """cProfile for all threads, while the context lasts."""

    def __init__(self) -> None:
        self._profiles: list[cProfile.Profile] = []

    def __enter__(self) -> None:
        threading.setprofile(self._begin)  # asked by each new thread at its first call
        self._begin()

    def __exit__(self, *_: object) -> None:
        threading.setprofile(None)
        for profile in self._profiles:
            profile.disable()

    def _begin(self, *_: object) -> None:
        profile = cProfile.Profile(time.thread_time)  # processor time: waiting does not count
        self._profiles.append(profile)
        sys.setprofile(None)
        profile.enable()

    def report(self) -> dict[str, Any]:
        """Seconds by group of modules, and the dearest functions by their own time."""
        stats: Any = pstats.Stats(self._profiles[0])
        for profile in self._profiles[1:]:
            stats.add(profile)
        groups: dict[str, float] = {}
        functions = []
        for (file, _, name), (_, calls, own, cumulative, _) in stats.stats.items():
            group = group_of(file, name)
            if group == WAITING:  # what other threads were in when the profile ended is told by another clock
                continue
            groups[group] = groups.get(group, 0.0) + own
            functions.append((f"{'/'.join(Path(file).parts[-3:])} {name}", group, calls, own, cumulative))
        dearest = sorted(functions, key=lambda each: -each[3])[:TOP]
        return {"groups": groups, "functions": dearest}


async def main(arguments: argparse.Namespace) -> dict[str, Any]:
    """Warm up, then measure the rest."""
    messages = arguments.messages.read_text().splitlines()
    warm = arguments.warm
    # Profiled from the start, since threads that are there already can't be.
    profiler = Profiler() if arguments.profile else None
    if profiler:
        with profiler:
            feeder = await _feed(messages, warm, arguments.every)
    else:
        feeder = await _feed(messages, warm, arguments.every)
    await application().aclose()
    return {"samples": feeder.samples, "profile": profiler.report() if profiler else None}


async def _feed(messages: list[str], warm: int, every: int) -> Feeder:
    await Feeder(messages[:warm], every).run()
    feeder = Feeder(messages[warm:], every)
    await feeder.run()
    return feeder


if __name__ == "__main__":
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("messages", type=Path)
    parser.add_argument("warm", type=int)
    parser.add_argument("every", type=int)
    parser.add_argument("--profile", action="store_true")
    print(json.dumps(asyncio.run(main(parser.parse_args()))))
