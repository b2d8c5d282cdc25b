"""A process that has loaded what never changes, and forks a child to judge each mutant: `python -m`.

It reads lines of JSON: judge, arguments, seconds of processor time, seconds, and whether compiled files are
kept. Each is answered with a line, `0` when the judge was content. Loading libraries, the Graph SDK
above all, would otherwise take longer than most tests.
"""

from __future__ import annotations

import itertools
import json
import logging
import multiprocessing
import os
import resource
import signal
import sys
import warnings
from importlib import import_module

AT_A_TIME = 10
"""Schedules of one kind before the other: without a way back, and with one and all trouble there is."""
OURS = ("booking_sync", "local", "tests", "function_app")
_FORK = multiprocessing.get_context("fork")


def _load_libraries() -> None:
    """Import what our own code imports, and forget our own code again, which a mutant may change."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the SDK's builders warn of themselves
        for name in ("pytest", "hypothesis", "tests.support.graph_builders", "tests.simulation.__main__"):
            import_module(name)
        import_module("tests.simulation.schedule").play(0)  # builders load one another at their first use
    for name in [each for each in sys.modules if each.split(".")[0] in OURS]:
        del sys.modules[name]


def _run_tests(arguments: list[str]) -> int:
    plain = ("-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist")
    # pytest warns of plugins that are imported before it; no other warning is silenced.
    early = ("-W", "ignore:Module already imported so cannot be rewritten:pytest.PytestAssertRewriteWarning")
    return int(import_module("pytest").main([*plain, *early, *arguments]))


def _play(first: int, count: int) -> int:
    logging.disable(logging.CRITICAL)
    play_many = import_module("tests.simulation.__main__").play_many
    parts = range(first, first + count, AT_A_TIME)
    ways = itertools.cycle(("", "everything"))
    return int(
        any(play_many(seed, AT_A_TIME, returns=way).failures for seed, way in zip(parts, ways, strict=False))
    )


def _judge(kind: str, arguments: list[str], processor_seconds: int, keep: bool) -> None:  # noqa: FBT001 - as the process passes it
    os.setsid()
    resource.setrlimit(resource.RLIMIT_CPU, (processor_seconds, processor_seconds + 1))
    silence = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(silence, descriptor)
    sys.dont_write_bytecode = not keep  # a mutant's would be taken for the original's
    found = _run_tests(arguments) if kind == "tests" else _play(*map(int, arguments))
    os._exit(found)


def main() -> None:
    """Judge until the input ends."""
    _load_libraries()
    for line in sys.stdin:
        kind, arguments, processor_seconds, seconds, keep = json.loads(line)
        child = _FORK.Process(target=_judge, args=(kind, arguments, processor_seconds, keep))
        child.start()
        child.join(seconds)
        if child.exitcode is None and child.pid:
            os.killpg(child.pid, signal.SIGKILL)
            child.join()
        sys.stdout.write(f"{child.exitcode}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
