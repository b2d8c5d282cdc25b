"""What makes no sense to the operating commands is refused before anything is asked of any service."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from booking_sync.bulk.queueing import Checkpoint, Selection
from booking_sync.cli.checkpoint import CheckpointFile
from booking_sync.cli.exit_codes import ExitCode
from booking_sync.cli.main import app

if TYPE_CHECKING:
    from pathlib import Path

SOMEBODY = "00000000-0000-4000-8000-000000000009"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("resync",), "--mailbox"),
        (("resync", SOMEBODY, "--from", "2027-03-01"), "--mailbox"),
        (("resync", "--all", SOMEBODY), "--all goes with neither"),
        (("resync", "--all", "--mailbox", SOMEBODY), "--all goes with neither"),
        (("resync", "--all", "--from", "soon"), "--from"),
        (("resync", "--all", "--resume"), "nothing to resume"),
        (("resync", "--all", "--resume", "--from", "2027-03-01"), "--resume"),
        (("resync", SOMEBODY, "--resume"), "go with --all"),
        (("backfill", "--from", "yesterday"), "--from"),
        (("backfill", "--from", "2027-03-02", "--until", "2027-03-01"), "--until"),
        (("backfill", "--until", "9999-99-99"), "--until"),
        (("backfill", "--work-order", "WO-1"), "--work-order"),
        (("backfill", "--resume"), "nothing to resume"),
        (("backfill", "--resume", "--only-behind"), "--resume"),
        (("backfill", "--checkpoint", "/does/not/exist/file"), "--checkpoint"),
        (("backfill", *(["--work-order", SOMEBODY] * 51)), "at most 50"),
        (("audit", "--force"), "--fix"),
        (("purge",), "--all"),
        (("purge", "--all", "--mailbox", SOMEBODY), "--all"),
        (("adopt",), "--event-column"),
        (("adopt", "--extension", "x", "--mailbox-column", "new_mailbox"), "--event-column"),
        (("adopt", "--event-column", "no such column!", "--yes"), "logical name"),
        (("adopt", "--event-column", "new_event", "--from", "soon"), "--from"),
        (("poison", "replay"), "--all"),
        (("poison", "drop", "--all", "x"), "--all"),
    ],
)
def test_nonsense_is_refused(
    arguments: tuple[str, ...], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 2 and words that name the option; no service is needed for that."""
    monkeypatch.chdir(tmp_path)
    ended = CliRunner().invoke(app, arguments, env={"NO_COLOR": "1"})
    assert ended.exit_code == ExitCode.USAGE, ended.output
    assert says in ended.output


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"version": 2}', json.dumps({"version": 1, "selection": {"starts_from": "x"}})]
)
def test_a_checkpoint_that_is_none_is_refused(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a file, or somebody else's, is no reason for a traceback."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.json").write_text(text)
    ended = CliRunner().invoke(app, ["backfill", "--resume", "--checkpoint", "c.json"])
    assert ended.exit_code == ExitCode.USAGE, ended.output
    assert "c.json is no checkpoint" in ended.output


@pytest.mark.parametrize(
    ("mistrusted", "command"),
    [(True, ("backfill",)), (False, ("resync", "--all"))],
    ids=["resync's", "backfill's"],
)
def test_a_run_is_resumed_by_the_command_that_began_it(
    command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, mistrusted: bool
) -> None:
    """Else the rest of a restored environment would be believed, or the rest of a backfill searched for."""
    monkeypatch.chdir(tmp_path)
    file = CheckpointFile(tmp_path / "c.json")
    moment = datetime(2027, 3, 1, tzinfo=UTC)
    file.save(Checkpoint("c", Selection(moment, mistrusted=mistrusted), moment, frozenset({SOMEBODY}), 1, 1))
    assert file.load().selection.mistrusted is mistrusted
    ended = CliRunner().invoke(app, [*command, "--resume", "--checkpoint", "c.json"])
    assert ended.exit_code == ExitCode.USAGE, ended.output
    assert f"no checkpoint of booking-sync {' '.join(command)}" in ended.output


def test_a_checkpoint_of_the_version_before_is_read(tmp_path: Path) -> None:
    """It knows nothing of mistrust: a backfill wrote it."""
    file = CheckpointFile(tmp_path / "c.json")
    moment = datetime(2027, 3, 1, tzinfo=UTC)
    file.save(Checkpoint("c", Selection(moment), moment))
    written = json.loads(file.path.read_text())
    del written["selection"]["mistrusted"]
    file.path.write_text(json.dumps(written))
    assert file.load() == Checkpoint("c", Selection(moment), moment)
