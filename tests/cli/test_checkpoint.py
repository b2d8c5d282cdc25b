"""The file that tells how far a long run came."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from booking_sync.bulk.queueing import Checkpoint, Selection
from booking_sync.cli.checkpoint import CheckpointFile
from booking_sync.cli.runner import UsageError

if TYPE_CHECKING:
    from pathlib import Path

MOMENT = datetime(2027, 3, 1, 8, tzinfo=UTC)
BEGUN = Checkpoint("c", Selection(MOMENT, MOMENT + timedelta(days=9), condition="x eq 1"), MOMENT)


def _done(checkpoint: Checkpoint, *booking_ids: str) -> Checkpoint:
    done = checkpoint.done_at_position.union(booking_ids)
    count = checkpoint.seen + len(booking_ids)
    return replace(checkpoint, done_at_position=done, seen=count, queued=count)


def _way(steps: int) -> list[Checkpoint]:
    """Bookings of one moment, by two; then others, of the next one."""
    way = [BEGUN]
    for number in range(steps):
        way.append(_done(way[-1], f"a{number}", f"b{number}"))
    later = replace(way[-1], position=MOMENT + timedelta(hours=1), done_at_position=frozenset({"z"}))
    return [*way, later, _done(later, "y")]


def test_whatever_was_saved_last_is_read(tmp_path: Path) -> None:
    """By whoever wrote it, and by the process that goes on."""
    file = CheckpointFile(tmp_path / "c.json")
    for checkpoint in _way(5):
        file.save(checkpoint)
        assert file.load() == checkpoint
        assert CheckpointFile(file.path).load() == checkpoint


def test_what_was_done_since_is_all_that_is_written(tmp_path: Path) -> None:
    """However many bookings start at one moment: else each of thousands is written time and again."""
    file = CheckpointFile(tmp_path / "c.json")
    sizes = []
    for checkpoint in _way(200)[:-2]:
        file.save(checkpoint)
        sizes.append(file.path.stat().st_size)
    steps = [after - before for before, after in pairwise(sizes)]
    assert max(steps) < 2 * min(steps)


@pytest.mark.parametrize("cut", [1, 5, 20])
def test_a_line_that_a_crash_cut_off_was_not_written(tmp_path: Path, cut: int) -> None:
    """Its bookings are queued once more, which changes nothing."""
    file = CheckpointFile(tmp_path / "c.json")
    *_, before, last = _way(3)[:-2]
    for checkpoint in (BEGUN, before, last):
        file.save(checkpoint)
    text = file.path.read_text()
    file.path.write_text(text[: -1 - cut])
    assert file.load() == before


def test_a_line_in_between_that_cannot_be_read_is_no_checkpoint(tmp_path: Path) -> None:
    """Somebody edited the file: nobody knows what is missing."""
    file = CheckpointFile(tmp_path / "c.json")
    for checkpoint in _way(3)[:-2]:
        file.save(checkpoint)
    first, second, *others = file.path.read_text().splitlines()
    file.path.write_text("\n".join((first, second[:-3], *others)))
    with pytest.raises(UsageError, match="no checkpoint"):
        file.load()


def test_a_checkpoint_that_is_no_step_on_is_written_whole(tmp_path: Path) -> None:
    """Also where a booking is taken off again, or another run began."""
    file = CheckpointFile(tmp_path / "c.json")
    done = _done(BEGUN, "a", "b")
    for checkpoint in (
        done,
        replace(done, done_at_position=frozenset({"b"})),
        replace(BEGUN, correlation_id="d"),
    ):
        file.save(checkpoint)
        assert file.load() == checkpoint
        assert len(file.path.read_text().splitlines()) == 1


def test_a_file_of_several_lines_that_an_earlier_version_wrote_is_read(tmp_path: Path) -> None:
    """It was one document."""
    file = CheckpointFile(tmp_path / "c.json")
    file.save(_done(BEGUN, "a", "b"))
    file.path.write_text(json.dumps(json.loads(file.path.read_text()), indent=1))
    assert file.load() == _done(BEGUN, "a", "b")


def test_what_was_cleared_is_written_anew(tmp_path: Path) -> None:
    """A later run of the same process begins with a whole checkpoint."""
    file = CheckpointFile(tmp_path / "c.json")
    file.save(BEGUN)
    file.clear()
    assert not file.exists()
    file.save(_done(BEGUN, "a"))
    assert file.load() == _done(BEGUN, "a")
