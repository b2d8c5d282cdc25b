"""`provision` as a person runs it: from an empty Dataverse to an event in a calendar, and away again."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import validate

from local.day.world import WorldMaker
from local.processes import REPOSITORY, python_module
from local.stack import LocalStack, StackOptions
from tests.e2e.office import BOOKINGS, Office
from tools.schemas import SCHEMAS

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    code: int | None
    output: str
    notes: str


async def booking_sync(*arguments: str) -> Ended:
    """Run the command line in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *python_module("booking_sync", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "NO_COLOR": "1"},
        cwd=REPOSITORY,
    )
    output, notes = await process.communicate()
    return Ended(process.returncode, output.decode(), notes.decode())


@pytest.mark.timeout(180)
async def test_from_an_empty_dataverse_to_an_event_and_back(tmp_path: Path) -> None:
    """Look, provision, book: the event appears by the webhook just registered; a wrong key shows; remove."""
    maker = WorldMaker(seed=3)
    async with LocalStack(StackOptions(tmp_path, provisioned=False)) as stack:
        office = Office(stack, maker, maker.make(technicians=2, bookings=1, day=date(2027, 3, 26)))
        await office.furnish()
        command = ("provision", "--settings", str(tmp_path / "settings.json"), "--auth", "app")

        looked = await booking_sync(*command, "--dry-run")
        assert (looked.code, "missing" in looked.output, "made" in looked.output) == (0, True, False)
        made = await booking_sync(*command)
        assert made.code == 0, made.notes
        assert "Done, and read back." in made.notes
        assert "answers" in made.output
        assert "security role" in made.output
        wrong = tmp_path / "wrong-key"
        wrong.write_text("another-key-than-the-function-has")
        mistaken = await booking_sync(*command, "--key-file", str(wrong), "--json")
        assert (mistaken.code, "refuses the key" in mistaken.output) == (1, True)
        untried = await booking_sync(*command, "--no-trial", "--json")
        assert (untried.code, "trial" in untried.output) == (0, False)

        await _both_ways(command, tmp_path / "settings.json")

        plan = await office.book()
        event = await office.event(plan)
        await stack.dataverse.delete(BOOKINGS, plan.id)
        await office.settle()
        assert event.mailbox == office.anna.mailbox
        assert await office.events(plan) == []
        assert (await stack.dataverse.deliveries())["lost"] == 0

        again = await booking_sync(*command, "--json")
        report: dict[str, Any] = json.loads(again.output)
        validate(report, SCHEMAS["provision"])
        assert (again.code, report["complete"], report["changed"]) == (0, True, False)
        refused = await booking_sync(*command, "--remove")
        assert (refused.code, "--yes" in refused.notes) == (2, True)
        back = ("provision", "--settings", str(tmp_path / "both-ways.json"), "--auth", "app")
        removed = await booking_sync(*back, "--remove", "--remove-columns", "--yes", "--json")
        assert removed.code == 0, removed.notes
        parts = json.loads(removed.output)["parts"]
        assert {part["result"] for part in parts} == {"removed", "changed", "kept"}
        assert [part["kind"] for part in parts if part["result"] == "kept"] == ["application user"]
        assert await stack.dataverse.rows("serviceendpoints") == {}

        spoken = "".join(each.output + each.notes for each in (looked, made, again, refused, removed))
        assert stack.keys.function not in spoken
        assert stack.client_secret not in spoken


async def _both_ways(command: tuple[str, ...], settings: Path) -> None:
    """Provision the way back from Outlook, with its key in the vault, and find it there; switch it off.

    A run without its settings keeps what it needs; `--narrow` takes that away, and says so before.
    """
    back = (command[0], "--settings", str(_with_return_path(settings)), *command[3:], "--no-trial", "--json")
    made = await booking_sync(*back)
    assert made.code == 0, made.notes
    results = {each["name"]: each["result"] for each in json.loads(made.output)["parts"]}
    assert results["bsync_outlookproposal"] == results["booking-sync-notification-key"] == "made"
    again = await booking_sync(*back)
    assert json.loads(again.output)["changed"] is False
    kept = await booking_sync(*command, "--no-trial", "--json")
    assert (kept.code, json.loads(kept.output)["changed"]) == (0, False)
    assert _beyond(kept) == {"watched column": "kept", "image column": "kept"}
    looked = await booking_sync(*command, "--narrow", "--dry-run", "--json")
    assert looked.code == 0
    assert _beyond(looked) == {"watched column": "to be removed", "image column": "to be removed"}
    assert looked.output.count("takes away bsync_") == 2
    narrowed = await booking_sync(*command, "--no-trial", "--narrow", "--json")
    assert narrowed.code == 0
    assert "removing watched column bsync_proposalanswer of " in narrowed.notes
    assert _beyond(narrowed) == {"watched column": "removed", "image column": "removed"}


def _beyond(ended: Ended) -> dict[str, str]:
    """What became of what these settings do without."""
    parts = json.loads(ended.output)["parts"]
    return {
        each["kind"]: each["result"] for each in parts if each["kind"] in ("watched column", "image column")
    }


def _with_return_path(settings: Path) -> Path:
    """The same settings with the way back from Outlook, in a file of their own."""
    values = json.loads(settings.read_text())
    values["Values"] |= {
        "RETURN_PATH": "report",
        "NOTIFICATION_URL": "https://localhost/api/outlook/notifications",
    }
    file = settings.with_name("both-ways.json")
    file.write_text(json.dumps(values))
    file.chmod(0o600)
    return file
