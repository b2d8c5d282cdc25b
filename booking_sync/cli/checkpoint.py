"""How far a `backfill` or a `resync --all` came, in a file: written whole or not at all, read strictly."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from booking_sync.bulk.queueing import Checkpoint, Selection
from booking_sync.cli.runner import UsageError
from booking_sync.domain.ids import read_moment

if TYPE_CHECKING:
    from pathlib import Path

VERSION = 1


@dataclass(frozen=True, slots=True)
class CheckpointFile:
    """Fulfils `Checkpoints`; holds ids, moments and counts only."""

    path: Path

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
        """Replace the file; after a crash it holds the old checkpoint or the new one."""
        text = json.dumps({"version": VERSION, **asdict(checkpoint)}, default=_plain, indent=1)
        beside = self.path.with_name(f"{self.path.name}.new")
        beside.write_text(text, encoding="utf-8")
        beside.replace(self.path)

    def clear(self) -> None:
        """Delete the file, if there is one."""
        self.path.unlink(missing_ok=True)

    def load(self) -> Checkpoint:
        """The checkpoint of the run that broke off.

        Raises:
            UsageError: there is none, or the file is something else.
        """
        try:
            return _read(json.loads(self.path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise UsageError(f"There is no {self.path}, so there is nothing to resume.") from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise UsageError(
                f"{self.path} is no checkpoint of this version's: delete it, and begin anew."
            ) from None


def _read(found: Any) -> Checkpoint:
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
