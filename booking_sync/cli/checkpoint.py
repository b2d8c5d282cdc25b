"""How far a `backfill` or a `resync --all` came, in a file that is read strictly.

The first line is a whole checkpoint. Thousands of bookings may start at one moment, and the checkpoint names
those of them that are done: as long as the moment is the same, a line is added with what was done since. Such
a line that a crash cut off counts as not written.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from booking_sync.bulk.queueing import Checkpoint, Selection
from booking_sync.cli.runner import UsageError
from booking_sync.domain.ids import read_moment

if TYPE_CHECKING:
    from pathlib import Path

VERSION = 1


@dataclass(slots=True)
class CheckpointFile:
    """Fulfils `Checkpoints`; holds ids, moments and counts only."""

    path: Path
    _written: Checkpoint | None = field(default=None, init=False)
    """What the file holds, as far as this process wrote it."""

    def exists(self) -> bool:
        """Whether a run broke off."""
        return self.path.exists()

    def check(self) -> None:
        """Find out before anything is done whether the file can be written.

        Raises:
            UsageError: it can't.
        """
        folder = self.path.parent
        if not folder.is_dir() or not os.access(folder, os.W_OK) or self.path.is_dir():
            raise UsageError(
                f"The checkpoint can't be written to {self.path}: choose another file with --checkpoint."
            )

    def save(self, checkpoint: Checkpoint) -> None:
        """Write it down; after a crash the file holds the old checkpoint or the new one."""
        if self._written and _goes_on(self._written, checkpoint):
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(_step(self._written, checkpoint)) + "\n")
        else:
            text = json.dumps({"version": VERSION, **asdict(checkpoint)}, default=_plain)
            beside = self.path.with_name(f"{self.path.name}.new")
            beside.write_text(text + "\n", encoding="utf-8")
            beside.replace(self.path)
        self._written = checkpoint

    def clear(self) -> None:
        """Delete the file, if there is one."""
        self._written = None
        self.path.unlink(missing_ok=True)

    def load(self) -> Checkpoint:
        """The checkpoint of the run that broke off.

        Raises:
            UsageError: there is none, or the file is something else.
        """
        try:
            return _read(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise UsageError(f"There is no {self.path}, so there is nothing to resume.") from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise UsageError(
                f"{self.path} is no checkpoint of this version's: delete it, and begin anew."
            ) from None


def _goes_on(before: Checkpoint, now: Checkpoint) -> bool:
    """Whether bookings of the same moment were done since, and nothing else happened."""
    alike = replace(before, done_at_position=now.done_at_position, seen=now.seen, queued=now.queued)
    return alike == now and before.done_at_position <= now.done_at_position


def _step(before: Checkpoint, now: Checkpoint) -> dict[str, Any]:
    done = sorted(now.done_at_position - before.done_at_position)
    return {"done": done, "seen": now.seen, "queued": now.queued}


def _read(text: str) -> Checkpoint:
    """What the lines come to; earlier versions wrote one document of several lines."""
    try:
        return _first(json.loads(text))
    except json.JSONDecodeError:
        first, *steps = text.splitlines()
    checkpoint = _first(json.loads(first))
    for number, line in enumerate(steps, start=1):
        try:
            step = json.loads(line)
        except json.JSONDecodeError:
            if number < len(steps):
                raise
            break  # cut off
        checkpoint = replace(
            checkpoint,
            done_at_position=checkpoint.done_at_position.union(str(each) for each in step["done"]),
            seen=int(step["seen"]),
            queued=int(step["queued"]),
        )
    return checkpoint


def _first(found: Any) -> Checkpoint:
    if found["version"] != VERSION:
        raise ValueError("another version")
    chosen = found["selection"]
    before = chosen["starts_before"]
    return Checkpoint(
        correlation_id=str(found["correlation_id"]),
        selection=Selection(
            starts_from=_moment(chosen["starts_from"]),
            starts_before=_moment(before) if before else None,
            resource_id=str(chosen["resource_id"]),
            work_order_ids=tuple(str(each) for each in chosen["work_order_ids"]),
            condition=str(chosen["condition"]),
            only_behind=bool(chosen["only_behind"]),
            mistrusted=bool(chosen.get("mistrusted", False)),  # written since version 0.3
        ),
        position=_moment(found["position"]),
        done_at_position=frozenset(str(each) for each in found["done_at_position"]),
        seen=int(found["seen"]),
        queued=int(found["queued"]),
    )


def _moment(text: str) -> datetime:
    moment = read_moment(text)
    if moment is None:
        raise ValueError("no moment with its zone")
    return moment


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, frozenset) else value.isoformat()
