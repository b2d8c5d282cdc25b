"""What was judged before, in a file of JSON lines, so that hours of judging can go on where they ended."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from tools.mutants.bench import Verdict

if TYPE_CHECKING:
    from pathlib import Path


class Session:
    """Verdicts by mutant.

    Args:
        path: the file; None keeps nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._verdicts: dict[str, Verdict] = {}
        if path and path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                verdict = Verdict(**json.loads(line))
                self._verdicts[verdict.key] = verdict

    def verdict(self, key: str) -> Verdict | None:
        """What became of this mutant, if it was judged."""
        return self._verdicts.get(key)

    def add(self, verdict: Verdict) -> None:
        """Keep one, at once."""
        self._verdicts[verdict.key] = verdict
        if self._path:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(verdict)) + "\n")
