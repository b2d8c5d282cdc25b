"""Events in a calendar of their own, through the whole chain: made, moved, audited, looked at, purged."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from booking_sync.cli.exit_codes import ExitCode
from local.day.run import DayOptions
from local.day.world import WorldMaker
from local.stack import NO_TIMERS, LocalStack, StackOptions
from tests.cli.commands import CommandLine
from tests.e2e.office import Office

if TYPE_CHECKING:
    from pathlib import Path

NAME = "Field Service"

pytestmark = pytest.mark.timeout(180)


async def calendars(office: Office) -> dict[str, str]:
    """By the subject's last word, the name of the calendar of each event of ours; empty for the main one."""
    events = await office.stack.graph.events()
    return {each["subject"].split()[-1]: each["calendar"] for each in events if each["ownerApp"]}


async def test_events_live_in_the_named_calendar(tmp_path: Path) -> None:
    """It is made; an audit shows again what was deleted there, and no more; status and purge find all."""
    maker = WorldMaker(seed=5)
    settings = {**NO_TIMERS, "EVENT_CALENDAR": NAME}
    async with LocalStack(StackOptions(tmp_path / "stack", settings=settings)) as stack:
        office = Office(stack, maker, maker.make(technicians=2, bookings=1, day=DayOptions().day))
        await office.furnish()
        boiler, pump = await office.book(name="Boiler"), await office.book(office.ben, "Pump")
        assert await calendars(office) == {"Boiler": NAME, "Pump": NAME}
        await office.move(boiler, timedelta(hours=1))
        for person in (office.anna, office.ben):
            await stack.graph.age(person.mailbox)
        writes = (await stack.graph.counts()).writes
        await stack.audit()
        await office.settle()
        assert (await stack.graph.counts()).writes == writes, "an audit finds nothing to write"
        event = await office.event(pump)
        await stack.graph.user("delete", event.mailbox, id=event.id)
        await stack.audit()
        await office.settle()
        assert await calendars(office) == {"Boiler": NAME, "Pump": NAME}

        line = CommandLine(tmp_path / "stack" / "settings.json", tmp_path)
        status = await line.run("status", boiler.id, "--json")
        assert status.json()["verdict"] == "in step", status.output
        purged = await line.run("purge", "--all", "--yes", "--json")
        assert purged.code == ExitCode.FINE, purged.notes
        assert await calendars(office) == {}
        assert await stack.graph.mails_sent() == 0


async def test_events_move_to_another_calendar_at_a_pace(tmp_path: Path) -> None:
    """As the docs have it: other settings, `event apply` with and without `--dry-run`, a clean audit."""
    maker = WorldMaker(seed=6)
    options = StackOptions(tmp_path / "stack", settings={**NO_TIMERS, "EVENT_CALENDAR": NAME})
    async with LocalStack(options) as stack:
        office = Office(stack, maker, maker.make(technicians=2, bookings=1, day=DayOptions().day))
        await office.furnish()
        await office.book(name="Boiler")
        await office.book(office.ben, "Pump")
        await stack.hosts[0].stop()
        moved = {"EVENT_CALENDAR": "", "FORMER_EVENT_CALENDARS": NAME}
        await stack.start_host({**stack.settings, **moved})
        written = json.loads((tmp_path / "stack" / "settings.json").read_text())
        (tmp_path / "moved.json").write_text(json.dumps({"Values": {**written["Values"], **moved}}))
        line = CommandLine(tmp_path / "moved.json", tmp_path)

        told = await line.run("event", "apply", "--dry-run", "--json")
        assert (told.code, told.json()["toQueue"]) == (ExitCode.FINE, 2), told.output + told.notes
        assert await calendars(office) == {"Boiler": NAME, "Pump": NAME}
        done = await line.run("event", "apply", "--json")
        assert done.code == ExitCode.FINE, done.notes
        await office.settle()
        assert await calendars(office) == {"Boiler": "", "Pump": ""}
        assert (await line.run("event", "apply", "--dry-run", "--json")).json()["toQueue"] == 0
        assert (await line.run("audit", "--json")).code == ExitCode.FINE
        assert await stack.graph.mails_sent() == 0
