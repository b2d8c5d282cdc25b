"""Commands for a stack that runs: what is said when there is nothing to act on."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from local.__main__ import main
from local.commands import NoSuchThingError, open_running_stack
from local.day.world import WorldMaker, resource_rows
from local.stack import LocalStack, StackOptions

if TYPE_CHECKING:
    from pathlib import Path


def test_without_a_stack_it_is_said_how_to_start_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder and the command are named; no traceback."""
    monkeypatch.setattr("sys.argv", ["local", "totals", "--folder", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert f"`python -m local start --folder {tmp_path}`" in str(ended.value)


def test_a_folder_that_is_taken_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second stack would take the first one's settings away."""
    monkeypatch.setattr("sys.argv", ["local", "start", "--folder", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert "choose another" in str(ended.value)


@pytest.mark.parametrize(
    ("option", "value"), [("--bookings", "0"), ("--bookings", "5001"), ("--bookings", "many")]
)
def test_a_stack_of_an_impossible_size_is_refused(
    option: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """There are names for 500 technicians, and a stack without a booking shows nothing."""
    monkeypatch.setattr("sys.argv", ["local", "start", option, value])
    with pytest.raises(SystemExit):
        main()
    assert "must be" in capsys.readouterr().err


async def test_who_and_what_must_be_one(tmp_path: Path) -> None:
    """A part of several names, or of none, and the id of no booking are told."""
    first, second = WorldMaker(seed=1).make(technicians=2, bookings=1, day=date(2027, 3, 26)).technicians
    async with LocalStack(StackOptions(tmp_path, hosts=0)) as stack:
        for person in (first, second):
            for entity_set, body in resource_rows(person):
                await stack.dataverse.create(entity_set, body, webhooks=False)
        async with open_running_stack(tmp_path) as running:
            assert (await running.person(first.name.upper())).mailbox == first.mailbox
            with pytest.raises(NoSuchThingError, match="one person"):
                await running.person("")
            with pytest.raises(NoSuchThingError, match="nobody"):
                await running.person("Nobody At All")
            with pytest.raises(NoSuchThingError, match="no booking"):
                await running.booking(first.id)
