"""What holds for every test, whoever started pytest."""

from __future__ import annotations

import gc
import logging
import platform
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

# A shell has its background jobs ignore SIGINT, and whoever ignores a signal hands that to what it starts.
# Tests that press Ctrl-C on what they started would wait for nothing; a handler of our own is not handed on.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Modules and collected tests stay to the end: no collection of garbage needs to look at their many objects,
# while they are made or later (`pytest_collection_finish`). Some tests collect garbage hundreds of times.
gc.disable()


LONG_FILES = frozenset(
    {
        "azure/test_answer_limits.py",
        "e2e/test_two_way.py",
        "operations/lookup/test_lookup.py",
        "operations/http/test_http.py",
        "operations/page/test_page.py",
        "operations/page/test_page_states.py",
        "peoples_events/test_every_state.py",
        "settings/test_messages_wait.py",
        "telemetry/test_day.py",
    }
)
"""Those that take half a minute or more by many short tests."""
LONG_SECONDS = 60.0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with the longest time limits begin first, so that no worker is left alone with one at the end.

    pytest-xdist hands whole files out in this order (`--no-loadscope-reorder`).
    """
    here = Path(__file__).parent
    limits: dict[Path, float] = {}
    for item in items:
        marker = item.get_closest_marker("timeout")
        many = item.path.is_relative_to(here) and item.path.relative_to(here).as_posix() in LONG_FILES
        limit = float(marker.args[0]) if marker and marker.args else LONG_SECONDS * many
        limits[item.path] = max(limit, limits.get(item.path, 0.0))
    items.sort(key=lambda item: -limits[item.path])


def pytest_collection_finish() -> None:
    """From here on garbage is collected, among what is made from here on."""
    gc.freeze()
    gc.enable()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name what vendors' own parsers read (see tests/languages), and the Python that ran."""
    reports = terminalreporter.stats.get("passed", [])
    notes = {str(value) for report in reports for name, value in report.user_properties if name == "checked"}
    if notes:
        terminalreporter.section("read by whose language it is")
        for note in sorted(notes):
            terminalreporter.write_line(note)
    terminalreporter.write_line(f"on {platform.python_implementation()} {platform.python_version()}:")


@pytest.fixture
def library_levels() -> Iterator[None]:
    """Put the libraries' log levels back."""
    names = ["azure.core", "azure.functions", "azure.identity", "azure.keyvault", "azure.storage"]
    names += ["msal", "httpx", "httpcore", "urllib3"]
    before = {name: logging.getLogger(name).level for name in names}
    yield
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)
