"""Stored results: one JSON file per benchmark, committed, from which alone the report is made."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.catalogue import CATALOGUE
from benchmarks.common.figures import Result
from benchmarks.runner.provenance import ROOT, Machine, Provenance

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

RESULTS = ROOT / "benchmarks" / "results"
QUICK = "quick"
"""A folder within, not committed: what a quick run finds says only that it runs."""


class BadResultError(ValueError):
    """A stored file is not what `store` wrote; the message names it."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """A result and how it came to be."""

    result: Result
    provenance: Provenance

    def as_json(self) -> dict[str, Any]:
        """For a file."""
        return {"provenance": asdict(self.provenance), "result": self.result.as_json()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Measurement:
        """The opposite of `as_json`.

        Raises:
            KeyError, TypeError, ValueError: this is not what `as_json` made.
        """
        provenance = dict(data["provenance"])
        machine = Machine(**provenance.pop("machine"))
        return cls(Result.from_json(data["result"]), Provenance(machine=machine, **provenance))


def store(measurement: Measurement, folder: Path) -> Path:
    """Write a measurement to its file, over an older one.

    Raises:
        ValueError: a figure is no finite number.
        OSError: the file can't be written.
    """
    text = json.dumps(measurement.as_json(), indent=1, ensure_ascii=False, allow_nan=False)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{measurement.result.name}.json"
    file.write_text(f"{text}\n", encoding="utf-8")
    return file


def load(folder: Path) -> dict[str, Measurement]:
    """Every stored measurement by its benchmark's name, in the catalogue's order.

    Raises:
        BadResultError: a file is damaged.
    """
    files = {benchmark.name: folder / f"{benchmark.name}.json" for benchmark in CATALOGUE}
    return {name: _load(file) for name, file in files.items() if file.exists()}


def _load(file: Path) -> Measurement:
    try:
        return Measurement.from_json(json.loads(file.read_text(encoding="utf-8")))
    except (KeyError, TypeError, ValueError) as error:
        raise BadResultError(
            f"{file} is damaged ({error!r}); measure it again: python -m benchmarks {file.stem}"
        ) from error
