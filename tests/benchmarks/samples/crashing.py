"""A benchmark that fails, for the runner's tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.common.figures import Options, Result


def run(options: Options) -> Result:
    """Fail.

    Raises:
        RuntimeError: always.
    """
    raise RuntimeError(f"the sample fails with {options.repeats} repeats")
